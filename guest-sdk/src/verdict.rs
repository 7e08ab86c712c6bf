//! Saying what goes out: verdicts, requests, failures, issues, judgements. Nothing here checks the host's limits; the host
//! does, and [`testing`](crate::testing) does natively. Next: `testing/contract.rs`.

use serde::Serialize;
use serde_json::Value;

use crate::{Failure, Header, Issue, Judgement, Method, Reply, Request, Sample, Verdict};

impl Verdict {
    /// The event isn't sent to this webhook. The reason (at most 1 KiB) stands in the delivery's log.
    pub fn drop(reason: impl Into<String>) -> Self {
        Verdict::Drop(reason.into())
    }

    /// The event goes on to the next stage with this as its data.
    ///
    /// # Errors
    /// [`Failure::Other`] if `data` can't be written as JSON, which takes a map with keys that aren't strings.
    pub fn replace(data: &impl Serialize) -> Result<Self, Failure> {
        to_json(data).map(Verdict::Replace)
    }
}

impl Request {
    /// A POST to the webhook's own URL with this body. Only the webhook's signature and its own headers are added to it.
    pub fn new(content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Request {
            method: Method::Post,
            path: None,
            origin: None,
            query: Vec::new(),
            headers: Vec::new(),
            content_type: content_type.into(),
            body: body.into(),
            attributes: Vec::new(),
        }
    }

    /// A POST to the webhook's own URL with this value as its `application/json` body.
    ///
    /// # Errors
    /// [`Failure::Other`] if `body` can't be written as JSON, which takes a map with keys that aren't strings.
    pub fn json(body: &impl Serialize) -> Result<Self, Failure> {
        Ok(Request::new("application/json", to_json(body)?))
    }

    /// Another method than POST.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Another path than the webhook's own, as a relative reference: `/v2/items`.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Another origin (`https://api.example.com`), which an admin must have allowed for the webhook. Neither the webhook's
    /// own headers nor its secrets go there.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// One more query parameter, unescaped. It replaces one of the same name in the webhook's URL.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// One more header. The name is a lower-case token that is there once, the value visible ASCII, space and tab (at most
    /// 8 KiB). At most 64, 16 KiB in all; what the host or any format writes itself is refused.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.into(), value: value.into() });
        self
    }
}

impl From<Request> for Verdict {
    fn from(request: Request) -> Self {
        Verdict::Send(request)
    }
}

impl Failure {
    /// The event isn't what this plugin can work with.
    pub fn invalid_event(reason: impl Into<String>) -> Self {
        Failure::InvalidEvent(reason.into())
    }

    /// Anything else that keeps the plugin from an answer.
    pub fn other(reason: impl Into<String>) -> Self {
        Failure::Other(reason.into())
    }
}

impl From<Issue> for Failure {
    fn from(issue: Issue) -> Self {
        Failure::InvalidSettings(vec![issue])
    }
}

impl Issue {
    /// What is wrong with the setting at a JSON Pointer (RFC 6901; empty for the settings as a whole).
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Issue { path: path.into(), message: message.into() }
    }
}

impl Judgement {
    /// The host's own rule: 2xx is a success, 410 disables the webhook, everything else is tried again by its retry policy.
    #[must_use]
    pub fn by_status(reply: &Reply) -> Self {
        match reply.status {
            200..300 => Judgement::Success,
            410 => Judgement::DisableWebhook("the receiver answered 410 Gone".to_owned()),
            _ => Judgement::Retry(None),
        }
    }

    /// Another attempt after so many milliseconds, within the host's bounds, instead of when the retry policy says.
    #[must_use]
    pub fn retry_after(millis: u64) -> Self {
        Judgement::Retry(Some(millis))
    }

    /// No further attempt.
    pub fn fail(reason: impl Into<String>) -> Self {
        Judgement::Fail(reason.into())
    }

    /// No further attempt, and none for later events until somebody enables the webhook again.
    pub fn disable_webhook(reason: impl Into<String>) -> Self {
        Judgement::DisableWebhook(reason.into())
    }
}

impl Sample {
    /// An example. `name` is a slug, its golden file is `golden/NAME.json`.
    #[must_use]
    pub fn new(name: &str, event_type: &str, data: &[u8], settings: &Value) -> Self {
        Sample {
            name: name.to_owned(),
            event_type: event_type.to_owned(),
            data: data.to_vec(),
            settings: settings.to_string(),
        }
    }
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    // Room for an ordinary request: growing to it step by step would be paid in fuel.
    let mut json = Vec::with_capacity(4096);
    match serde_json::to_writer(&mut json, value) {
        Ok(()) => Ok(json),
        Err(error) => Err(Failure::Other(format!("can't write JSON: {error}"))),
    }
}
