//! Recovery: what a webhook didn't get is sent to it once more, each event once.
//!
//! Three lists are gone through, one after the other: what failed, what was cancelled, and, if asked for, what matched while the webhook
//! was disabled. A call looks at a bounded number and says where the next one goes on. An event counts by its newest delivery to
//! the webhook: what was replayed or recovered since is not sent again, so that calling twice does no harm.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use crate::model::delivery::DeliveryStatus;
use crate::model::event::Event;
use crate::model::ids::{EventId, WebhookId};
use crate::model::page::PageRequest;
use crate::model::time::Timestamp;
use crate::model::webhook::{Revision, Webhook};
use crate::route::{self, Past, Why};
use crate::store::{DeliveryFilter, EventFilter};

use super::Services;
use super::audit::Done;
use super::caller::Caller;
use super::error::{Result, ServiceError};
use super::replay::{Ended, PAGES_MAX, Wanted};

#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recover {
    /// From when on, by the events' acceptance.
    #[schema(value_type = String, example = "2026-01-31T12:00:00Z")]
    pub since: Timestamp,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub until: Option<Timestamp>,
    /// Also what matched while the webhook was disabled, for which no delivery was made.
    #[serde(default)]
    pub missed: bool,
    /// Only counts.
    #[serde(default)]
    pub dry_run: bool,
    /// The `next` of the call before, to go on where it ended.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub after: Option<Place>,
}

/// How many deliveries were made, and where there may be more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    pub count: u64,
    pub next: Option<Place>,
}

/// Where a recovery goes on. Callers hand it back as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    list: List,
    before: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Failed,
    Cancelled,
    Missed,
}

/// What a call gathers.
struct Gathering {
    webhook: Arc<Webhook>,
    since: Timestamp,
    until: Timestamp,
    wanted: Vec<Wanted>,
    /// Pages that may still be looked at.
    pages: u32,
}

impl Services {
    /// Replays what failed or was cancelled, and with `missed` also what matched while the webhook was disabled; about
    /// [`super::REPLAYS_MAX`] a call.
    pub async fn recover_webhook(&self, caller: &Caller, id: WebhookId, input: Recover) -> Result<Recovered> {
        caller.must_configure()?;
        let webhook = self.webhook_to_replay(caller, id)?;
        let until = input.until.unwrap_or_else(|| self.now());
        if input.since >= until {
            return Err(ServiceError::invalid("/since", "out-of-bounds", "is not before `until`"));
        }
        let _recovering = self.recovering.lock().await;
        let (since, wanted, pages) = (input.since, Vec::new(), PAGES_MAX);
        let mut gathering = Gathering { webhook, since, until, wanted, pages };
        let mut place = Some(input.after.unwrap_or(Place { list: List::Failed, before: None }));
        while let Some(Place { list, before }) = place.filter(|_| gathering.pages > 0) {
            let rest = match list {
                List::Failed => self.ended_as(DeliveryStatus::Failed, before, &mut gathering).await?,
                List::Cancelled => self.ended_as(DeliveryStatus::Cancelled, before, &mut gathering).await?,
                List::Missed => self.missed(before, &mut gathering).await?,
            };
            place = match rest {
                Some(before) => Some(Place { list, before: Some(before) }),
                None => list.next(input.missed).map(|list| Place { list, before: None }),
            };
        }
        // Oldest first, whatever list it was on.
        gathering.wanted.sort_unstable_by_key(|wanted| wanted.event);
        if input.dry_run {
            return Ok(Recovered { count: gathering.wanted.len() as u64, next: place });
        }
        let count = self.enqueue(&gathering.wanted).await?.len() as u64;
        let (tenant, action, target) = (Some(&gathering.webhook.tenant), "webhook.recover", id.to_string());
        self.audit(caller, Done { tenant, action, target, detail: count.to_string() }).await?;
        Ok(Recovered { count, next: place })
    }

    /// Gathers the events whose newest delivery ended so. The answer is where there may be more.
    async fn ended_as(
        &self,
        status: DeliveryStatus,
        before: Option<u64>,
        gathering: &mut Gathering,
    ) -> Result<Option<u64>> {
        let webhook = gathering.webhook.id;
        let (since, until) = (Some(gathering.since), Some(gathering.until));
        let filter =
            DeliveryFilter { webhook: Some(webhook), status: Some(status), since, until, ..DeliveryFilter::default() };
        let Ended { rows, next } = self.ended(&filter, before, &mut gathering.pages).await?;
        let events: Vec<EventId> = rows.iter().map(|old| old.event).collect();
        let newest = self.store.newest(webhook, &events).await?;
        for old in rows.iter().filter(|old| newest.get(&old.event) == Some(&old.id)) {
            let (webhook, replay_of) = (Arc::clone(&gathering.webhook), Some(old.id));
            gathering.wanted.push(Wanted { webhook, event: old.event, replay_of });
        }
        Ok(next)
    }

    /// Gathers the events that matched while the webhook was disabled and that it has no delivery of. The answer is where there may
    /// be more.
    async fn missed(&self, mut before: Option<u64>, gathering: &mut Gathering) -> Result<Option<u64>> {
        let webhook = Arc::clone(&gathering.webhook);
        let revisions = self.store.revisions(webhook.id).await?;
        let filter = EventFilter {
            tenant: Some(webhook.tenant.clone()),
            since: Some(gathering.since),
            until: Some(gathering.until),
            ..EventFilter::default()
        };
        while gathering.pages > 0 {
            gathering.pages -= 1;
            let page = self.store.events(&filter, PageRequest { limit: PageRequest::LIMIT_MAX, before }).await?;
            let matched = page.rows.iter().filter(|event| was_disabled(&revisions, event));
            let events: Vec<EventId> = matched.map(|event| event.id).collect();
            let there = self.store.newest(webhook.id, &events).await?;
            for event in events.into_iter().filter(|event| !there.contains_key(event)) {
                gathering.wanted.push(Wanted { webhook: Arc::clone(&webhook), event, replay_of: None });
            }
            before = page.next.or(page.scanned_to);
            if before.is_none() {
                break;
            }
        }
        Ok(before)
    }
}

/// Whether being disabled was the one reason why the webhook didn't get the event: what Explain says of it.
fn was_disabled(revisions: &[Arc<Revision>], event: &Event) -> bool {
    let earlier = revisions.iter().filter(|revision| revision.id.number() < event.id.number());
    let past: Vec<Arc<Revision>> = earlier.cloned().collect();
    matches!(route::explain(Past { revisions: &past, deleted_at: None }, event), Some(Why::Disabled { .. }))
}

impl List {
    const ALL: [(Self, &str); 3] = [(Self::Failed, "failed"), (Self::Cancelled, "cancelled"), (Self::Missed, "missed")];

    const fn next(self, missed: bool) -> Option<Self> {
        match self {
            Self::Failed => Some(Self::Cancelled),
            Self::Cancelled if missed => Some(Self::Missed),
            Self::Cancelled | Self::Missed => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = List::ALL.iter().find(|(list, _)| *list == self.list).map_or("", |(_, name)| name);
        match self.before {
            None => f.write_str(name),
            Some(before) => write!(f, "{name}-{before:016x}"),
        }
    }
}

/// It isn't one that a call answered.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("not the `next` of a call before")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (name, before) = text.split_once('-').map_or((text, None), |(name, before)| (name, Some(before)));
        let list = List::ALL.iter().find(|(_, known)| *known == name).map(|(list, _)| *list).ok_or(NoPlace)?;
        let before = before.map(|before| u64::from_str_radix(before, 16).map_err(|_| NoPlace)).transpose()?;
        Ok(Self { list, before })
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_anything_else_is_refused() {
        for list in [List::Failed, List::Cancelled, List::Missed] {
            for before in [None, Some(0), Some(u64::MAX)] {
                let place = Place { list, before };
                assert_eq!(place.to_string().parse(), Ok(place));
            }
        }
        for text in ["", "lost", "failed-", "failed-x", "-1"] {
            assert_eq!(text.parse::<Place>(), Err(NoPlace), "{text}");
        }
    }
}
