//! Reading what came in: the event, the webhook and the reply. Nothing is parsed before it is asked for. Next: `verdict.rs`.

use serde::de::DeserializeOwned;

use crate::{Event, Failure, Reply, Webhook};

impl Event {
    /// The data as JSON.
    ///
    /// # Errors
    /// [`Failure::InvalidEvent`] with the reason and its place, if the data isn't JSON or doesn't fit `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.data).map_err(|error| Failure::InvalidEvent(error.to_string()))
    }

    /// The tenant whose event it is; `default` where there is only one.
    #[must_use]
    pub fn tenant(&self) -> &str {
        self.attribute("tenant").unwrap_or("default")
    }

    /// `production`, `staging`, `development` or another slug.
    #[must_use]
    pub fn environment(&self) -> &str {
        self.attribute("environment").unwrap_or("production")
    }

    /// What the host says about the event beside its fields.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        find(&self.attributes, name)
    }
}

impl Webhook {
    /// What the host says about the webhook beside its fields.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        find(&self.attributes, name)
    }
}

impl Reply {
    /// True for 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.as_str())
    }

    /// The body as JSON; none if it isn't that, or was cut at 64 KiB.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as text, with U+FFFD for what isn't UTF-8.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

fn find<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
