//! When each phase of an exchange ended. Shared by the exchange and the body that it sends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::model::attempt::Timings;

#[derive(Debug)]
pub(super) struct Phases {
    started: Instant,
    dns: Mark,
    connect: Mark,
    tls: Mark,
    written: Mark,
    first_byte: Mark,
}

/// Nanoseconds; zero while there is nothing.
#[derive(Debug, Default)]
struct Mark(AtomicU64);

#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    Dns,
    Connect,
    Tls,
}

impl Phases {
    pub(super) fn start() -> Self {
        let started = Instant::now();
        let [dns, connect, tls, written, first_byte] = Default::default();
        Self { started, dns, connect, tls, written, first_byte }
    }

    /// Takes the time of one phase of connecting.
    pub(super) async fn take<T>(&self, phase: Phase, work: impl Future<Output = T>) -> T {
        let from = Instant::now();
        let done = work.await;
        let mark = match phase {
            Phase::Dns => &self.dns,
            Phase::Connect => &self.connect,
            Phase::Tls => &self.tls,
        };
        mark.set(from.elapsed());
        done
    }

    /// The last part of the body was handed to the connection.
    pub(super) fn body_written(&self) {
        self.written.set(self.started.elapsed());
    }

    pub(super) fn reply_began(&self) {
        self.first_byte.set(self.started.elapsed());
    }

    /// `connected`: this exchange waited for a new connection of its own; else the phases of connecting aren't its own.
    pub(super) fn timings(&self, connected: bool) -> Timings {
        let own = |mark: &Mark| mark.get().filter(|_| connected);
        let written = self.written.get().unwrap_or_default();
        Timings {
            dns: own(&self.dns),
            connect: own(&self.connect),
            tls: own(&self.tls),
            first_byte: self.first_byte.get().map(|at| at.saturating_sub(written)),
            total: Some(self.started.elapsed()),
        }
    }

    /// What was being waited for, for the message of a timeout.
    pub(super) fn waiting_for(&self) -> &'static str {
        if self.first_byte.get().is_some() {
            "the rest of the reply"
        } else if self.written.get().is_some() {
            "the reply"
        } else {
            "a connection"
        }
    }
}

impl Mark {
    fn set(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos.max(1), Ordering::Relaxed);
    }

    fn get(&self) -> Option<Duration> {
        Some(self.0.load(Ordering::Relaxed)).filter(|nanos| *nanos > 0).map(Duration::from_nanos)
    }
}
