//! Which webhooks want an event, and why the others don't. Pure rules over an index in memory that follows every change.

use std::fmt;
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::RwLock;

use crate::model::event::Event;
use crate::model::ids::{RevisionId, WebhookId};
use crate::model::name::{Environment, Tenant};
use crate::model::time::Timestamp;
use crate::model::webhook::{DisabledReason, Revision, Status, Webhook};

/// Why a webhook got an event, or didn't: the answer of Explain, from what the webhook was when the event was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It got a delivery; `held` because it was paused.
    Matched {
        held: bool,
    },
    /// The webhook's environment then.
    OtherEnvironment(Environment),
    /// What it was subscribed to then.
    NotSubscribed(Vec<String>),
    Disabled {
        since: Timestamp,
        reason: DisabledReason,
    },
    CreatedLater(Timestamp),
    Deleted(Timestamp),
}

impl Why {
    pub const fn matched(&self) -> bool {
        matches!(self, Self::Matched { .. })
    }

    /// Stable, for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Matched { held: false } => "matched",
            Self::Matched { held: true } => "matched-held",
            Self::OtherEnvironment(_) => "other-environment",
            Self::NotSubscribed(_) => "not-subscribed",
            Self::Disabled { .. } => "disabled",
            Self::CreatedLater(_) => "created-later",
            Self::Deleted(_) => "deleted",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched { held: false } => f.write_str("subscribed and active"),
            Self::Matched { held: true } => f.write_str("subscribed, and paused: the delivery was held"),
            Self::OtherEnvironment(environment) => write!(f, "its environment was {environment}"),
            Self::NotSubscribed(patterns) => write!(f, "it was subscribed to {} only", patterns.join(", ")),
            Self::Disabled { since, reason } => write!(f, "it was disabled since {since} ({})", reason.as_str()),
            Self::CreatedLater(at) => write!(f, "it was created later, at {at}"),
            Self::Deleted(at) => write!(f, "it was deleted before, at {at}"),
        }
    }
}

/// One webhook's past, of the event's own tenant.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// In any order; at least the one that was in force at the event's acceptance, and all before it if "disabled since" is to
    /// be told from the first of an unbroken row.
    pub revisions: &'a [Arc<Revision>],
    pub deleted_at: Option<Timestamp>,
}

/// The pure answer for one webhook and one event. An event is accepted when its id was made.
///
/// `None`: there is no revision at all to tell it from.
pub fn explain(past: Past<'_>, event: &Event) -> Option<Why> {
    let accepted = event.id.time();
    if let Some(deleted) = past.deleted_at.filter(|at| *at <= accepted) {
        return Some(Why::Deleted(deleted));
    }
    let mut revisions: Vec<&Arc<Revision>> = past.revisions.iter().collect();
    revisions.sort_by_key(|revision| (revision.valid_from, revision.id));
    let in_force = revisions.iter().rposition(|revision| revision.valid_from <= accepted);
    let until_then = in_force.and_then(|at| revisions.get(..=at)).unwrap_or_default();
    match until_then.last() {
        Some(revision) => Some(judge(revision, event).unwrap_or_else(|reason| {
            let since = disabled_since(until_then).unwrap_or(revision.valid_from);
            Why::Disabled { since, reason }
        })),
        None => revisions.first().map(|first| Why::CreatedLater(first.valid_from)),
    }
}

/// What routing decides of one revision; the error is for one that was disabled.
fn judge(revision: &Revision, event: &Event) -> Result<Why, DisabledReason> {
    if revision.environment != event.environment {
        return Ok(Why::OtherEnvironment(revision.environment.clone()));
    }
    if !revision.subscription.wants(&event.event_type) {
        let patterns = revision.subscription.patterns().iter().map(ToString::to_string);
        return Ok(Why::NotSubscribed(patterns.collect()));
    }
    match revision.status {
        Status::Active => Ok(Why::Matched { held: false }),
        Status::Paused => Ok(Why::Matched { held: true }),
        Status::Disabled(reason) => Err(reason),
    }
}

/// The beginning of the unbroken row of disabled revisions that ends the list.
fn disabled_since(revisions: &[&Arc<Revision>]) -> Option<Timestamp> {
    let disabled = |revision: &&&Arc<Revision>| matches!(revision.status, Status::Disabled(_));
    revisions.iter().rev().take_while(disabled).last().map(|revision| revision.valid_from)
}

/// All webhooks as they are now. Cheap to read from any thread; the store is the truth, this follows it.
#[derive(Debug, Default)]
pub struct Directory {
    index: RwLock<Index>,
}

#[derive(Debug, Default)]
struct Index {
    by_id: HashMap<WebhookId, Arc<Webhook>>,
    by_scope: HashMap<(Tenant, Environment), Vec<Arc<Webhook>>>,
}

impl Directory {
    pub fn new(webhooks: impl IntoIterator<Item = Webhook>) -> Self {
        let directory = Self::default();
        webhooks.into_iter().for_each(|webhook| directory.put(webhook));
        directory
    }

    /// The webhook was saved: from now on it is this.
    pub fn put(&self, webhook: Webhook) {
        self.index.write().put(Arc::new(webhook));
    }

    /// The same for whoever isn't alone: nothing is done if it has another revision by now than `seen`; `None`: it wasn't there.
    pub fn put_after(&self, seen: Option<RevisionId>, webhook: Webhook) -> bool {
        let webhook = Arc::new(webhook);
        let mut index = self.index.write();
        let still = index.revision(webhook.id) == seen;
        if still {
            index.put(webhook);
        }
        still
    }

    pub fn remove(&self, id: WebhookId) {
        self.index.write().remove(id);
    }

    /// Nothing is done if it has another revision by now.
    pub fn remove_after(&self, seen: RevisionId, id: WebhookId) -> bool {
        let mut index = self.index.write();
        let still = index.revision(id) == Some(seen);
        if still {
            index.remove(id);
        }
        still
    }

    pub fn webhook(&self, id: WebhookId) -> Option<Arc<Webhook>> {
        self.index.read().by_id.get(&id).cloned()
    }

    /// The webhooks that get a delivery of this event: same tenant and environment, subscribed, not disabled.
    pub fn matching(&self, event: &Event) -> Vec<Arc<Webhook>> {
        let index = self.index.read();
        let candidates = index.by_scope.get(&(event.tenant.clone(), event.environment.clone()));
        // The very judgement that Explain gives afterwards.
        let wanted = |webhook: &&Arc<Webhook>| judge(&webhook.revision, event).is_ok_and(|why| why.matched());
        candidates.into_iter().flatten().filter(wanted).cloned().collect()
    }

    /// Every one, in no particular order.
    pub fn all(&self) -> Vec<Arc<Webhook>> {
        self.index.read().by_id.values().cloned().collect()
    }
}

impl Index {
    fn put(&mut self, webhook: Arc<Webhook>) {
        self.remove(webhook.id);
        self.by_scope.entry(scope(&webhook)).or_default().push(Arc::clone(&webhook));
        self.by_id.insert(webhook.id, webhook);
    }

    fn revision(&self, id: WebhookId) -> Option<RevisionId> {
        self.by_id.get(&id).map(|webhook| webhook.revision.id)
    }

    fn remove(&mut self, id: WebhookId) {
        let Some(old) = self.by_id.remove(&id) else { return };
        if let Some(list) = self.by_scope.get_mut(&scope(&old)) {
            list.retain(|webhook| webhook.id != id);
        }
    }
}

fn scope(webhook: &Webhook) -> (Tenant, Environment) {
    (webhook.tenant.clone(), webhook.revision.environment.clone())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::model::event::Payload;
    use crate::model::ids::{EventId, IdSource};
    use crate::model::name::{Pattern, Subscription};
    use crate::model::webhook::{Format, SecretUrl};

    const DAY: u64 = 86_400_000;
    const START: u64 = 1_700_000_000_000;

    fn day(day: u64) -> Timestamp {
        Timestamp::from_millis(START + day * DAY)
    }

    fn event_on(on: u64, event_type: &str) -> Event {
        Event {
            id: IdSource::new(1, 0).next::<EventId>(day(on)),
            event_type: event_type.parse().unwrap(),
            tenant: Tenant::default_tenant(),
            environment: Environment::default(),
            occurred_at: day(0),
            data: Payload::json(Bytes::from_static(b"{}")),
            external_id: None,
        }
    }

    fn revision(from: u64, status: Status, pattern: &str) -> Arc<Revision> {
        let pattern: Pattern = pattern.parse().unwrap();
        Arc::new(Revision {
            id: RevisionId::from(from + 1),
            webhook: WebhookId::from(7),
            valid_from: day(from),
            status,
            environment: Environment::default(),
            subscription: Subscription::new(vec![pattern]).unwrap(),
            format: Format { name: Default::default(), options: Default::default() },
            endpoint: SecretUrl::new("https://example.com/hook".parse().unwrap()),
            chain: Vec::new(),
        })
    }

    fn why(revisions: &[Arc<Revision>], event: &Event) -> String {
        explain(Past { revisions, deleted_at: None }, event).map_or("nothing".into(), |why| why.to_string())
    }

    #[test]
    fn explain_tells_a_webhook_as_it_was_then_not_as_it_is() {
        let past = [revision(1, Status::Active, "order.*"), revision(5, Status::Active, "user.*")];
        assert_eq!(why(&past, &event_on(3, "order.paid")), "subscribed and active");
        assert_eq!(why(&past, &event_on(6, "order.paid")), "it was subscribed to user.* only");
        assert_eq!(why(&past, &event_on(0, "order.paid")), "it was created later, at 2023-11-15T22:13:20.000Z");
        assert_eq!(why(&[], &event_on(0, "order.paid")), "nothing");
    }

    #[test]
    fn disabled_since_is_the_first_of_an_unbroken_row() {
        let off = Status::Disabled(DisabledReason::Failing);
        let past =
            [revision(1, off, "*"), revision(2, Status::Active, "*"), revision(3, off, "*"), revision(4, off, "*")];
        let expected = Why::Disabled { since: day(3), reason: DisabledReason::Failing };
        assert_eq!(explain(Past { revisions: &past, deleted_at: None }, &event_on(9, "a")), Some(expected));
    }

    #[test]
    fn a_deleted_webhook_got_what_came_before_its_end() {
        let past = [revision(1, Status::Paused, "*")];
        let told = |on| explain(Past { revisions: &past, deleted_at: Some(day(4)) }, &event_on(on, "a"));
        assert_eq!(told(3), Some(Why::Matched { held: true }));
        assert_eq!(told(5), Some(Why::Deleted(day(4))));
    }

    #[test]
    fn only_equal_environments_meet() {
        let past = [revision(1, Status::Active, "*")];
        let event = Event { environment: "staging".parse().unwrap(), ..event_on(3, "a") };
        assert_eq!(why(&past, &event), "its environment was production");
    }

    proptest! {
        #[test]
        fn the_moment_of_acceptance_picks_the_newest_revision_not_after_it(
            mut days in proptest::collection::btree_set(1_u64..100, 1..8), on in 0_u64..100,
        ) {
            let past: Vec<_> = days.iter().map(|from| revision(*from, Status::Active, &format!("t{from}"))).collect();
            let told = explain(Past { revisions: &past, deleted_at: None }, &event_on(on, "other"));
            let first = *days.first().unwrap();
            days.retain(|from| *from <= on);
            let expected = days.last().map_or(Why::CreatedLater(day(first)), |from| Why::NotSubscribed(vec![format!("t{from}")]));
            prop_assert_eq!(told, Some(expected));
        }
    }
}
