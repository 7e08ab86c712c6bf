//! What a plugin writes: its log, and what it prints. Kept up to the limits, counted beyond them.

use super::limits::LogLimits;
use crate::model::attempt::{LogLevel, LogLine};

/// A run's log in the making.
#[derive(Debug)]
pub(super) struct LogBuffer {
    limits: LogLimits,
    lines: Vec<LogLine>,
    bytes: usize,
    dropped: u32,
    /// The last thing written to stderr, which is where a panic says why.
    last_error: String,
}

impl LogBuffer {
    pub(super) const fn new(limits: LogLimits) -> Self {
        Self { limits, lines: Vec::new(), bytes: 0, dropped: 0, last_error: String::new() }
    }

    pub(super) fn push(&mut self, level: LogLevel, message: &str) {
        let message = shown(message, self.limits.line);
        if self.lines.len() >= self.limits.lines || self.bytes + message.len() > self.limits.total {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.bytes += message.len();
        self.lines.push(LogLine { level, message });
    }

    /// Text printed: a line of it is a line of the log. What comes in pieces is logged in pieces.
    pub(super) fn print(&mut self, level: LogLevel, text: &str) {
        if level == LogLevel::Error && self.last_error.len() < self.limits.line {
            self.last_error.push_str(text);
        }
        text.lines().filter(|line| !line.trim().is_empty()).for_each(|line| self.push(level, line));
    }

    /// A panic's text, where the run wrote one: the first lines of what it printed to stderr.
    pub(super) fn panic_text(&self) -> Option<String> {
        let from = self.last_error.find("panicked at")?;
        let text = self.last_error.get(from..)?;
        let said: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with("note: ")).collect();
        Some(shown(&said.join(" "), self.limits.line))
    }

    pub(super) fn finish(self) -> (Vec<LogLine>, u32) {
        (self.lines, self.dropped)
    }
}

/// At most `most` bytes, control characters escaped: what a stranger wrote must not steer a terminal or forge a line.
pub(super) fn shown(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for letter in text.chars() {
        let before = out.len();
        if letter.is_control()
            || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
        if out.len() > most {
            out.truncate(before);
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: LogLimits = LogLimits { lines: 3, line: 10, total: 25 };

    #[test]
    fn what_exceeds_a_limit_is_counted_and_dropped() {
        let mut log = LogBuffer::new(LIMITS);
        (0..5).for_each(|_| log.push(LogLevel::Info, "twelve bytes"));
        let (lines, dropped) = log.finish();
        assert_eq!(lines.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), ["twelve byt", "twelve byt"]);
        assert_eq!(dropped, 3);
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(shown("a\u{1b}[2Jb\nc", 100), "a\\u{1b}[2Jb\\nc");
    }

    proptest! {
        #[test]
        fn a_log_stays_within_its_limits(messages in proptest::collection::vec(".{0,40}", 0..20)) {
            let mut log = LogBuffer::new(LIMITS);
            messages.iter().for_each(|message| log.push(LogLevel::Info, message));
            let (lines, dropped) = log.finish();
            prop_assert_eq!(lines.len() + usize::try_from(dropped).unwrap(), messages.len());
            prop_assert!(lines.len() <= 3 && lines.iter().map(|line| line.message.len()).sum::<usize>() <= 25);
            prop_assert!(lines.iter().all(|line| line.message.len() <= 10 && !line.message.contains(char::is_control)));
        }
    }
}
