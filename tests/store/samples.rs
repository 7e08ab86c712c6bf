//! What the stories are about: events, deliveries, attempts, webhooks with all their parts filled in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use waxwing::model::attempt::{
    Attempt, Cost, LogLevel, LogLine, Outcome, Response, Sent, StageResult, StageRun, Timings, Trigger,
};
use waxwing::model::delivery::{Claimed, DeliveryStatus, Fixed, FixedBody, Next};
use waxwing::model::event::{Event, Payload};
use waxwing::model::ids::{DeliveryId, RevisionId, WebhookId};
use waxwing::model::name::{Environment, Subscription, Tenant};
use waxwing::model::plugin::{Classifies, Digest, OnError, Stage};
use waxwing::model::policy::RetryPolicy;
use waxwing::model::request::{Header, Method};
use waxwing::model::secret::{Secret, SigningSecret};
use waxwing::model::time::Timestamp;
use waxwing::model::webhook::{
    Current, Format, FormatName, FormatOptions, Ordering, Revision, SecretUrl, Status, Webhook,
};
use waxwing::store::{Appended, Completed, Completion, NewBatch, NewDelivery, NewEvent, Start};

use crate::fixture::Fixture;

impl Fixture {
    pub(crate) fn event(&self, event_type: &str) -> Event {
        Event {
            id: self.id(),
            event_type: event_type.parse().unwrap(),
            tenant: Tenant::default_tenant(),
            environment: Environment::default(),
            occurred_at: self.now,
            data: Payload::json(format!(r#"{{"type":"{event_type}","n":1.50}}"#)),
            external_id: None,
        }
    }

    /// A new event with one delivery for each webhook.
    pub(crate) fn to(&self, event: Event, webhooks: &[u64], start: Start) -> NewEvent {
        let delivery = |webhook: &u64| NewDelivery {
            id: self.id(),
            webhook: WebhookId::from(*webhook),
            start,
            trigger: Trigger::Automatic,
            replay_of: None,
        };
        NewEvent { event: Arc::new(event), deliveries: webhooks.iter().map(delivery).collect() }
    }

    pub(crate) fn batch(&self, events: Vec<NewEvent>) -> NewBatch {
        NewBatch { events, idempotency: None, now: self.now }
    }

    /// Appends one event with one delivery for webhook 1, and gives what is claimed of it.
    pub(crate) async fn accepted(&self, start: Start) -> Claimed {
        self.accepted_for(1, start).await
    }

    pub(crate) async fn accepted_for(&self, webhook: u64, start: Start) -> Claimed {
        let new = self.to(self.event("order.paid"), &[webhook], start);
        let claimed = claimed(&new);
        assert_eq!(self.store.append(self.batch(vec![new])).await.unwrap(), Appended::Stored);
        claimed
    }

    pub(crate) fn attempt(&self, claimed: &Claimed, status: u16) -> Attempt {
        let outcome = match status {
            200..300 => Outcome::Delivered,
            _ => Outcome::Rejected { status, judged: None },
        };
        Attempt {
            delivery: claimed.id,
            number: claimed.attempts + 1,
            trigger: claimed.trigger,
            started_at: self.now,
            ended_at: self.now.plus(Duration::from_millis(40)),
            outcome,
            sent: Some(Sent {
                method: Method::Post,
                url: "https://example.com/…last".into(),
                headers: vec![header("webhook-id", "evt_1"), header("content-type", "application/json")],
                body_size: 120,
            }),
            response: Some(Response {
                status,
                headers: vec![header("server", "shop")],
                body: "thank you".into(),
                truncated: false,
            }),
            timings: Timings { total: Some(Duration::from_micros(40_250)), ..Timings::default() },
            stages: Vec::new(),
            retry_reason: None,
            next_at: None,
        }
    }

    pub(crate) fn completion(&self, claimed: &Claimed, attempt: Option<Attempt>, next: Completed) -> Completion {
        Completion { claimed: claimed.clone(), attempt, fixed: None, next, health: None, awaited: false, now: self.now }
    }

    /// As most end: delivered at the first try.
    pub(crate) fn delivered(&self, claimed: &Claimed) -> Completion {
        let completion = self.completion(claimed, Some(self.attempt(claimed, 200)), ended(DeliveryStatus::Delivered));
        Completion { fixed: Some(rebuilt(9)), health: Some(true), ..completion }
    }

    pub(crate) fn failed(&self, claimed: &Claimed) -> Completion {
        let completion = self.completion(claimed, Some(self.attempt(claimed, 500)), ended(DeliveryStatus::Failed));
        Completion { fixed: Some(rebuilt(9)), health: Some(false), ..completion }
    }

    pub(crate) fn again(&self, claimed: &Claimed, at: Timestamp) -> Completion {
        let mut attempt = self.attempt(claimed, 503);
        attempt.next_at = Some(at);
        attempt.retry_reason = Some("503".into());
        let next = Completed::Next(Next::Again { at, reason: "503".into() });
        let completion = self.completion(claimed, Some(attempt), next);
        Completion { fixed: Some(rebuilt(9)), health: Some(false), ..completion }
    }

    pub(crate) fn webhook(&self, name: &str) -> Webhook {
        let id = self.id();
        Webhook {
            id,
            tenant: Tenant::default_tenant(),
            name: name.into(),
            description: "Orders".into(),
            created_at: self.now,
            current: Current {
                url: SecretUrl::new("https://hooks.example.com/services/VERYSECRETPATH?k=v".parse().unwrap()),
                headers: vec![header("x-api-key", "HEADERSECRETVALUE")],
                secrets: vec![
                    SigningSecret { secret: Secret::new("whsec_NEWSIGNINGSECRET"), until: None },
                    SigningSecret { secret: Secret::new("whsec_OLDSIGNINGSECRET"), until: Some(self.now) },
                ],
                timeout: Duration::from_secs(12),
                retry: RetryPolicy::custom(vec![Duration::from_secs(7)]).unwrap(),
                rate_limit: Some(5),
                ordering: Ordering::Fifo,
                allow_origins: vec!["https://other.example.com".into()],
            },
            revision: Arc::new(self.revision(id, Status::Active)),
        }
    }

    pub(crate) fn revision(&self, webhook: WebhookId, status: Status) -> Revision {
        Revision {
            id: self.id(),
            webhook,
            valid_from: self.now,
            status,
            environment: Environment::default(),
            subscription: Subscription::new(vec!["order.*".parse().unwrap()]).unwrap(),
            format: Format { name: FormatName::Keygen, options: FormatOptions { account: Some("acct".into()) } },
            endpoint: SecretUrl::new("https://hooks.example.com/services/SECRETENDPOINT".parse().unwrap()),
            chain: vec![stage(Digest([5; 32]))],
        }
    }
}

pub(crate) fn stage(digest: Digest) -> Stage {
    Stage {
        digest,
        name: "pager".into(),
        version: "1.2.3".parse().unwrap(),
        settings: r#"{"severity":"high"}"#.into(),
        secrets: BTreeMap::from([("/routingKey".into(), Secret::new("STAGESECRETVALUE"))]),
        on_error: OnError::Skip,
        classifies: Classifies::Failures,
    }
}

pub(crate) fn header(name: &str, value: &str) -> Header {
    Header { name: name.into(), value: value.into() }
}

pub(crate) fn ended(status: DeliveryStatus) -> Completed {
    Completed::Next(Next::Ended { status, reason: None })
}

pub(crate) fn rebuilt(revision: u64) -> Fixed {
    Fixed { revision: RevisionId::from(revision), body: FixedBody::Rebuilt }
}

/// What the node that appended an event has in its hands: its first delivery.
pub(crate) fn claimed(new: &NewEvent) -> Claimed {
    all_claimed(new).remove(0)
}

pub(crate) fn all_claimed(new: &NewEvent) -> Vec<Claimed> {
    let claim = |delivery: &NewDelivery| Claimed {
        id: delivery.id,
        event: Arc::clone(&new.event),
        webhook: delivery.webhook,
        attempts: 0,
        trigger: delivery.trigger,
        replay_of: delivery.replay_of,
        fixed: None,
        fence: 1,
    };
    new.deliveries.iter().map(claim).collect()
}

/// What a plugin's run leaves in the log: long enough to be compressed.
pub(crate) fn stage_run() -> StageRun {
    StageRun {
        plugin: "slack@1.0.0".into(),
        digest: Digest([5; 32]),
        result: StageResult::Send { bytes: 300 },
        cost: Cost { fuel: 41_203, fuel_limit: 21_200_000, memory: 1 << 20, memory_limit: 64 << 20, micros: 86 },
        log: (0..100).map(|n| LogLine { level: LogLevel::Info, message: format!("line {n} of the log") }).collect(),
        log_dropped: 3,
    }
}

pub(crate) fn ids(claimed: &[Claimed]) -> Vec<DeliveryId> {
    claimed.iter().map(|claimed| claimed.id).collect()
}
