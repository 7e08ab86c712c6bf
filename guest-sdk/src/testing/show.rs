//! A run as JSON that a person can read and that hides nothing: bytes that aren't compact JSON are shown as text, and bytes
//! that aren't text as hex. The shape of golden files.

use serde_json::{Map, Value, json};

use super::{Line, Run};
use crate::{Failure, Method, Request, Verdict};

/// A run as golden files hold it.
#[must_use]
pub fn show(run: &Run) -> Value {
    let mut shown = match &run.verdict {
        Ok(verdict) => show_verdict(verdict),
        Err(failure) => show_failure(failure),
    };
    if let (Value::Object(shown), false) = (&mut shown, run.log.is_empty()) {
        let lines = run.log.iter().map(show_line).collect();
        shown.insert("log".to_owned(), Value::Array(lines));
    }
    shown
}

fn show_verdict(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Pass => json!({ "verdict": "pass" }),
        Verdict::Replace(data) => json!({ "verdict": "replace", "data": show_bytes(data) }),
        Verdict::Send(request) => json!({ "verdict": "send", "request": show_request(request) }),
        Verdict::Drop(reason) => json!({ "verdict": "drop", "reason": reason }),
    }
}

fn show_failure(failure: &Failure) -> Value {
    match failure {
        Failure::InvalidEvent(message) => json!({ "failure": "invalid-event", "message": message }),
        Failure::InvalidSettings(issues) => {
            let issues: Vec<_> =
                issues.iter().map(|issue| json!({ "path": issue.path, "message": issue.message })).collect();
            json!({ "failure": "invalid-settings", "issues": issues })
        }
        Failure::Other(message) => json!({ "failure": "other", "message": message }),
    }
}

fn show_request(request: &Request) -> Value {
    let mut shown = Map::new();
    let method = match request.method {
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
    };
    shown.insert("method".to_owned(), method.into());
    if let Some(origin) = &request.origin {
        shown.insert("origin".to_owned(), origin.as_str().into());
    }
    if let Some(path) = &request.path {
        shown.insert("path".to_owned(), path.as_str().into());
    }
    if !request.query.is_empty() {
        let pairs = request.query.iter().map(|(name, value)| json!([name, value]));
        shown.insert("query".to_owned(), pairs.collect());
    }
    if !request.headers.is_empty() {
        let pairs = request.headers.iter().map(|header| json!([header.name, header.value]));
        shown.insert("headers".to_owned(), pairs.collect());
    }
    shown.insert("contentType".to_owned(), request.content_type.as_str().into());
    shown.insert("body".to_owned(), show_bytes(&request.body));
    Value::Object(shown)
}

/// `{"json": …}` only if writing it compactly gives the very bytes back, so that a golden file fixes every byte.
fn show_bytes(bytes: &[u8]) -> Value {
    if let Ok(value) = serde_json::from_slice::<Value>(bytes)
        && value.to_string().as_bytes() == bytes
    {
        return json!({ "json": value });
    }
    match str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => {
            json!({ "hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() })
        }
    }
}

fn show_line(line: &Line) -> Value {
    format!("{:?}: {}", line.level, line.message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_as_the_most_readable_thing_that_gives_them_back() {
        assert_eq!(show_bytes(br#"{"b":1,"a":[]}"#), json!({ "json": { "b": 1, "a": [] } }));
        assert_eq!(show_bytes(br#"{"b": 1}"#), json!({ "text": "{\"b\": 1}" }));
        assert_eq!(show_bytes(b"\xff\x00"), json!({ "hex": "ff00" }));
    }

    #[test]
    fn a_request_shows_only_what_was_set() {
        let request = Request::new("text/plain", "hi").query("wait", "true");
        let run = Run { verdict: Ok(request.into()), log: Vec::new() };
        assert_eq!(
            show(&run),
            json!({ "verdict": "send", "request": {
                "method": "POST", "query": [["wait", "true"]], "contentType": "text/plain", "body": { "text": "hi" },
            } })
        );
    }
}
