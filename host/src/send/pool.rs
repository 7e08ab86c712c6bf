//! Connections that are kept between exchanges, by scheme, host and port.
//!
//! The one that was used last is taken first, so that the rest can grow old and go. A connection over HTTP/2 is shared, and there is one.

use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use http::Uri;
use http::uri::{Authority, Scheme};
use parking_lot::Mutex;

use super::line::Line;
use crate::model::sink::Way;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    /// Connections to our own sinks are let through where others aren't: nothing else goes over them.
    own: Option<Way>,
}

pub(super) struct Pool {
    kept: Mutex<HashMap<Origin, Kept>>,
    idle_timeout: Duration,
    idle_per_host: usize,
    sweeping: OnceLock<()>,
}

#[derive(Default)]
struct Kept {
    /// The one used last at the end.
    idle: Vec<(Instant, Line)>,
    shared: Option<(Instant, Line)>,
}

impl Origin {
    pub(super) fn of(uri: &Uri, own: Option<Way>) -> Self {
        Self { scheme: uri.scheme().cloned(), authority: uri.authority().cloned(), own }
    }
}

impl Pool {
    pub(super) fn new(idle_timeout: Duration, idle_per_host: usize) -> Arc<Self> {
        Arc::new(Self { kept: Mutex::default(), idle_timeout, idle_per_host, sweeping: OnceLock::new() })
    }

    /// One that is open, as far as can be seen.
    pub(super) fn take(&self, origin: &Origin) -> Option<Line> {
        let mut all = self.kept.lock();
        let kept = all.get_mut(origin)?;
        if let Some(shared) = kept.share() {
            return Some(shared);
        }
        while let Some((_, mut line)) = kept.idle.pop() {
            if line.is_open() {
                return Some(line);
            }
        }
        None
    }

    /// A shared one that came meanwhile, or else this one, which is shared from now on if it can be.
    pub(super) fn merge(&self, origin: &Origin, fresh: Line) -> Line {
        let Line::Shared(requests) = &fresh else { return fresh };
        let mut all = self.kept.lock();
        let kept = all.entry(origin.clone()).or_default();
        if let Some(other) = kept.share() {
            return other;
        }
        kept.shared = Some((Instant::now(), Line::Shared(requests.clone())));
        fresh
    }

    /// Its exchange has ended, and its reply was read to the end.
    pub(super) fn put_back(self: &Arc<Self>, origin: Origin, mut line: Line) {
        if matches!(line, Line::Shared(_)) || !line.is_open() {
            return;
        }
        let mut all = self.kept.lock();
        let kept = all.entry(origin).or_default();
        if kept.idle.len() < self.idle_per_host {
            kept.idle.push((Instant::now(), line));
        }
        drop(all);
        self.sweeping.get_or_init(|| drop(tokio::spawn(sweep(Arc::downgrade(self), self.idle_timeout))));
    }

    fn forget_the_old(&self) {
        let now = Instant::now();
        let is_young = |since: &Instant| now.saturating_duration_since(*since) < self.idle_timeout;
        self.kept.lock().retain(|_, kept| {
            kept.idle.retain_mut(|(since, line)| is_young(since) && line.is_open());
            kept.shared.take_if(|(since, line)| !is_young(since) || !line.is_open());
            !kept.idle.is_empty() || kept.shared.is_some()
        });
    }
}

impl Kept {
    fn share(&mut self) -> Option<Line> {
        let (since, line) = self.shared.as_mut()?;
        match line {
            Line::Shared(requests) if !requests.is_closed() => {
                *since = Instant::now();
                Some(Line::Shared(requests.clone()))
            }
            Line::Shared(_) | Line::Own(_) => {
                self.shared = None;
                None
            }
        }
    }
}

/// Closes what nobody used for a while, as long as there is a pool.
async fn sweep(pool: Weak<Pool>, idle_timeout: Duration) {
    let mut ticks = tokio::time::interval((idle_timeout / 2).max(Duration::from_millis(100)));
    loop {
        ticks.tick().await;
        match pool.upgrade() {
            Some(pool) => pool.forget_the_old(),
            None => return,
        }
    }
}
