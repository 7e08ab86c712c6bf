//! An HTTP request in the making: what a chain asks for, and what goes to the wire.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The most that a plugin's request may carry, and that we send.
pub const BODY_MAX: usize = 1024 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    #[default]
    Post,
    Put,
    Patch,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

/// One header: lower-case name, visible value. Both were checked where they entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub name: Arc<str>,
    pub value: Arc<str>,
}

/// What a plugin's `send` asks for, its syntax, counts and reserved names checked. Stored with the first attempt, so that a
/// retry sends the same. Secrets are still placeholders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestDraft {
    pub method: Method,
    /// Replaces the webhook's path; begins with `/`.
    pub path: Option<String>,
    /// `scheme://host[:port]`, one of the webhook's allowed origins.
    pub origin: Option<String>,
    /// Merged over the webhook's query.
    pub query: Vec<(String, String)>,
    pub headers: Vec<Header>,
    pub content_type: String,
    #[serde(skip)]
    pub body: Bytes,
    /// The index of the stage that said `send`: its `classify` judges the reply, its secrets fill the placeholders.
    pub stage: usize,
}

/// A body in the parts that make it up, so that an event's data is never copied: envelope, data, end of envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body(pub [Bytes; 3]);

impl Body {
    pub fn whole(bytes: Bytes) -> Self {
        Self([bytes, Bytes::new(), Bytes::new()])
    }

    pub fn parts(&self) -> impl Iterator<Item = &Bytes> {
        self.0.iter().filter(|part| !part.is_empty())
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One piece; copies unless there is only one part.
    pub fn to_bytes(&self) -> Bytes {
        match self.parts().collect::<Vec<_>>().as_slice() {
            [] => Bytes::new(),
            [only] => Bytes::clone(only),
            many => many.iter().flat_map(|part| part.iter().copied()).collect(),
        }
    }
}

/// A finished request: signed, placeholders filled. Whoever holds it may only send it.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub url: url::Url,
    pub headers: Vec<Header>,
    pub body: Body,
}
