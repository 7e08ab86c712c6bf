//! A request as a command line.

use crate::model::attempt::Sent;

/// A longer body is read from a file.
const BODY_MAX: usize = 16 * 1024;

/// What was sent, to be sent by hand. `url`: the whole one, for those who may see it.
pub(super) fn command(sent: &Sent, url: &str, body: Option<&[u8]>) -> String {
    let mut lines = vec![format!("curl -X {} {}", sent.method.as_str(), quoted(url))];
    let headers =
        sent.headers.iter().map(|header| format!("-H {}", quoted(&format!("{}: {}", header.name, header.value))));
    lines.extend(headers);
    lines.push(match body.map(std::str::from_utf8) {
        // One that begins with @ would be read as the name of a file.
        Some(Ok(text)) if text.len() <= BODY_MAX && !text.starts_with('@') => format!("--data-binary {}", quoted(text)),
        _ => "--data-binary @body".to_owned(),
    });
    lines.join(" \\\n  ")
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::request::{Header, Method};

    #[test]
    fn a_shell_reads_back_what_was_sent() {
        let header = Header { name: "x-note".into(), value: "it's $HOME `here`".into() };
        let sent = Sent { method: Method::Post, url: String::new(), headers: vec![header], body_size: 2 };
        let shown = command(&sent, "https://a.example/in?a=1&b='", Some(b"{\"n\":\"don't\"}"));
        assert_eq!(
            shown,
            "curl -X POST 'https://a.example/in?a=1&b='\\''' \\\n  -H 'x-note: it'\\''s $HOME `here`' \\\n  \
             --data-binary '{\"n\":\"don'\\''t\"}'"
        );
        let long = "x".repeat(BODY_MAX + 1);
        for body in [None, Some(&b"\xff"[..]), Some(long.as_bytes())] {
            assert!(command(&sent, "https://a.example", body).ends_with("--data-binary @body"));
        }
    }
}
