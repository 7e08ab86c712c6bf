//! An error with its causes, in one line: what a log's reader needs, whatever the log's format makes of an error.

use std::error::Error;
use std::fmt;

/// `the database doesn't answer: disk I/O error`. A cause that only says again what was said is left out.
#[derive(Clone, Copy, Debug)]
pub struct WithCauses<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut error = self.0;
        while let Some(cause) = error.source() {
            let next = cause.to_string();
            if !said.contains(&next) {
                write!(f, ": {next}")?;
            }
            (said, error) = (next, cause);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Told(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn every_cause_is_said_once() {
        let error = Told("no answer", Some(Box::new(Told("an error: full", Some(Box::new(Told("full", None)))))));
        assert_eq!(WithCauses(&error).to_string(), "no answer: an error: full");
        assert_eq!(WithCauses(&Told("alone", None)).to_string(), "alone");
    }
}
