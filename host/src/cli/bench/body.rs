//! What is posted: an order as a shop would send it, of about the size that was asked for, with the time at which it was sent.

use bytes::Bytes;

/// What stands before the send time, wherever a plugin may have put it.
const MARK: &[u8] = b"bench-";
/// Digits of the send time; enough until the year 2286.
const DIGITS: usize = 16;

/// Bodies that differ in their number, type and send time only.
#[derive(Clone, Debug)]
pub(super) struct Bodies {
    rest: String,
    /// How many event types take turns: 0 for the one, `order.paid`.
    types: usize,
}

impl Bodies {
    pub(super) fn new(bytes: usize, types: usize) -> Self {
        let mut rest = String::from(
            r#","currency":"EUR","total":"1249.90","customer":{"id":"cus_7Q2M","name":"Nordwind Media GmbH","country":"DE"}"#,
        );
        // What stands around it: the send time, the number and the brackets.
        let room = bytes.saturating_sub(rest.len() + 60);
        let mut lines = Vec::new();
        let mut used = r#","lines":[]"#.len();
        for number in 1.. {
            let line = format!(
                r#"{{"sku":"WX-{number:04}","title":"Annual licence, {number} seats","quantity":{number},"price":"99.90"}}"#
            );
            used += line.len() + 1;
            if used > room {
                break;
            }
            lines.push(line);
        }
        rest.push_str(&format!(r#","lines":[{}]"#, lines.join(",")));
        Self { rest, types }
    }

    pub(super) fn event_type(&self, number: usize) -> String {
        number.checked_rem(self.types).map_or_else(|| "order.paid".to_owned(), |turn| format!("bench.turn{turn}"))
    }

    /// The event with this number, sent at this time (`CLOCK_REALTIME`, microseconds).
    pub(super) fn event(&self, number: usize, sent: u64) -> Bytes {
        let data = self.data(number, sent);
        format!(r#"{{"type":"{}","data":{data}}}"#, self.event_type(number)).into()
    }

    pub(super) fn data(&self, number: usize, sent: u64) -> String {
        format!(r#"{{"sent":"bench-{sent:016}","number":{number}{}}}"#, self.rest)
    }
}

/// When the event in this body was sent; `None` if it doesn't tell.
pub(super) fn sent_at(body: &[u8]) -> Option<u64> {
    let at = body.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    let digits = body.get(at..at + DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_json_of_about_the_size_asked_for_and_tells_when_it_was_sent() {
        for bytes in [300, 1024, 16 * 1024] {
            let bodies = Bodies::new(bytes, 0);
            let data = bodies.data(123_456, 1_760_000_000_000_001);
            assert!((bytes - 120..=bytes + 20).contains(&data.len()), "{} for {bytes}: {data}", data.len());
            let event = bodies.event(7, 1_760_000_000_000_001);
            let parsed: serde_json::Value = serde_json::from_slice(&event).unwrap();
            assert_eq!((&parsed["type"], &parsed["data"]["number"]), (&"order.paid".into(), &7.into()));
            assert_eq!(sent_at(&event), Some(1_760_000_000_000_001));
        }
        assert_eq!(sent_at(b"nothing, bench- but no time"), None);
        assert_eq!(Bodies::new(300, 3).event_type(7), "bench.turn1");
    }
}
