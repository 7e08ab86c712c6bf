//! When a stream looks again, and whether what it finds is news. Pure.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

/// Between two looks, at least.
const REST: Duration = Duration::from_secs(1);
/// The same, where other nodes change things that this one doesn't hear of.
const REST_AMONG_OTHERS: Duration = Duration::from_secs(2);
/// A look is followed by a rest so many times as long.
const RESTS: u32 = 20;
const REST_MAX: Duration = Duration::from_secs(60);
/// After so long "3 min ago" is shown anew, and a session that has run out is noticed.
const STALE: Duration = Duration::from_secs(30);

/// Whether it is time to look again, so long after the last look began. `changed` is `None` where nobody can tell.
pub(super) fn is_due(since: Duration, took: Duration, changed: Option<bool>) -> bool {
    let least = match changed {
        Some(true) => REST,
        Some(false) => STALE,
        None => REST_AMONG_OTHERS,
    };
    since >= took.saturating_mul(RESTS).min(REST_MAX).max(least)
}

/// What was sent last.
pub(super) struct Sent {
    whole: [u8; 32],
    ageless: [u8; 32],
    at: Instant,
}

impl Sent {
    pub(super) fn new(html: &str, at: Instant) -> Self {
        Self { whole: Sha256::digest(html).into(), ageless: ageless(html), at }
    }

    /// That time goes by is no news for a while.
    pub(super) fn is_news(&mut self, html: &str, at: Instant) -> bool {
        let now = Self::new(html, at);
        let aged = now.whole != self.whole && at.saturating_duration_since(self.at) >= STALE;
        let is_news = now.ageless != self.ageless || aged;
        if is_news {
            *self = now;
        }
        is_news
    }
}

/// Of all but what is within `<time>`: how long ago something was.
fn ageless(html: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut parts = html.split("</time>").peekable();
    while let Some(part) = parts.next() {
        let before_age = part.rsplit_once('>').filter(|_| parts.peek().is_some());
        hash.update(before_age.map_or(part, |(before, _)| before));
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_look_is_due_when_something_changed_and_never_more_than_a_twentieth_of_the_time() {
        for (since, took, changed, due) in [
            (ms(999), ms(1), Some(true), false),
            (ms(1000), ms(1), Some(true), true),
            (ms(1999), ms(1), None, false),
            (ms(2000), ms(1), None, true),
            (ms(29_999), ms(1), Some(false), false),
            (ms(30_000), ms(1), Some(false), true),
            (ms(3999), ms(200), Some(true), false),
            (ms(4000), ms(200), Some(true), true),
            (ms(60_000), Duration::MAX, Some(true), true),
        ] {
            assert_eq!(is_due(since, took, changed), due, "{since:?} {took:?} {changed:?}");
        }
    }

    #[test]
    fn that_time_goes_by_is_news_only_after_a_while() {
        let page = |state: &str, ago: &str| {
            format!(
                "<p>{state}</p><td><time datetime=\"2026\">{ago}</time></td><td><time datetime=\"2027\">{ago}</time>"
            )
        };
        let begun = Instant::now();
        let mut sent = Sent::new(&page("pending", "3 s ago"), begun);
        assert!(!sent.is_news(&page("pending", "3 s ago"), begun + STALE));
        assert!(!sent.is_news(&page("pending", "4 s ago"), begun + REST));
        assert!(sent.is_news(&page("delivered", "4 s ago"), begun + REST));
        assert!(!sent.is_news(&page("delivered", "30 s ago"), begun + STALE));
        assert!(sent.is_news(&page("delivered", "31 s ago"), begun + REST + STALE));
        let later = |year: &str| page("delivered", "31 s ago").replace("2027", year);
        assert!(sent.is_news(&later("2028"), begun + REST + STALE), "another time is news");
    }
}
