//! This node among the others on its database: says that it lives, and passes on what it hears of the others.
//!
//! Holds no rule: what follows from the news is `deliver`'s and `service`'s. Where there is one node only, it just finds out when a
//! database that couldn't be written to can be again.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Surroundings;
use crate::clock::Clock;
use crate::deliver::Deliver;
use crate::model::causes::WithCauses;
use crate::model::ids::IdSource;
use crate::service::Services;
use crate::store::{News, Pulse, Store, StoreError};

/// A lease lasts 30 seconds: there is time for several more tries, and what others leave behind waits for hardly longer than that.
const EVERY: Duration = Duration::from_secs(2);
/// How soon it is tried again after a failure.
const AGAIN: Duration = Duration::from_secs(1);
/// A pulse that takes longer is given up.
const WITHIN: Duration = Duration::from_secs(5);

/// The same of reading what another node changed.
const READ_WITHIN: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(super) struct Node {
    pub(super) store: Arc<dyn Store>,
    pub(super) services: Arc<Services>,
    pub(super) deliver: Arc<Deliver>,
    pub(super) ids: Arc<IdSource>,
    clock: Arc<dyn Clock>,
}

/// A node that lives until this is dropped.
pub(super) struct Living(#[allow(dead_code, reason = "its tasks end with it")] JoinSet<()>);

impl Node {
    pub(super) fn new(
        store: Arc<dyn Store>,
        (services, deliver): (&Arc<Services>, &Arc<Deliver>),
        ids: &Arc<IdSource>,
        around: &Surroundings,
    ) -> Self {
        let (services, deliver) = (Arc::clone(services), Arc::clone(deliver));
        Self { store, services, deliver, ids: Arc::clone(ids), clock: Arc::clone(&around.clock) }
    }

    pub(super) fn live(self) -> Living {
        let mut tasks = JoinSet::new();
        if self.store.is_shared() {
            let listening = self.clone();
            tasks.spawn(async move { self.pulses().await });
            tasks.spawn(async move { listening.listen().await });
        } else {
            tasks.spawn(async move { self.tries_again().await });
        }
        Living(tasks)
    }

    /// Nobody may post meanwhile, and nothing be due.
    async fn tries_again(&self) {
        loop {
            tokio::time::sleep(AGAIN).await;
            if self.store.reach().is_away() && self.store.pulse(self.clock.now()).await.is_ok() {
                self.store.reach().found();
            }
        }
    }

    async fn pulses(&self) {
        loop {
            let asked = self.store.reach().ask();
            let pulse = tokio::time::timeout(WITHIN, self.store.pulse(self.clock.now())).await;
            let rest = match pulse.unwrap_or_else(|late| Err(StoreError::Unavailable(Box::new(late)))) {
                Ok(pulse) => {
                    self.store.reach().found();
                    self.follow(pulse).await;
                    EVERY
                }
                Err(error) => {
                    metrics::counter!("waxwing_pulses_failed_total").increment(1);
                    if !self.store.reach().lost(&error, asked) {
                        tracing::error!(error = %WithCauses(&error), "the database doesn't know that this node lives; trying again");
                    }
                    AGAIN
                }
            };
            tokio::time::sleep(rest).await;
        }
    }

    async fn follow(&self, pulse: Pulse) {
        metrics::gauge!("waxwing_nodes_delivering").set(f64::from(pulse.delivering));
        self.deliver.share_rates(pulse.delivering);
        if pulse.rejoined {
            self.ids.set_node(self.store.number());
            self.deliver.let_go().await;
        }
        if pulse.freed > 0 {
            self.deliver.look_everywhere();
        }
    }

    async fn listen(&self) {
        // What changed between the load at the start and now.
        let mut stale = true;
        loop {
            if stale {
                stale = self.refresh().await.is_err();
            }
            tokio::select! {
                news = self.store.news() => match news {
                    News::Work => self.deliver.look_everywhere(),
                    News::Configuration => stale = true,
                },
                () = tokio::time::sleep(AGAIN), if stale => {}
            }
        }
    }

    async fn refresh(&self) -> Result<(), StoreError> {
        let asked = self.store.reach().ask();
        let read = tokio::time::timeout(READ_WITHIN, self.services.refresh()).await;
        read.unwrap_or_else(|late| Err(StoreError::Unavailable(Box::new(late)))).inspect_err(|error| {
            if !self.store.reach().lost(error, asked) {
                tracing::error!(error = %WithCauses(error), "what another node changed can't be read; trying again");
            }
        })
    }
}
