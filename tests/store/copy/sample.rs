//! A database with every kind of row in it, and all that a store says of what it holds.

use std::sync::Arc;

use waxwing::model::access::{AccessToken, Role};
use waxwing::model::attempt::{Attempt, Trigger};
use waxwing::model::catalogue::CatalogueEntry;
use waxwing::model::delivery::{Claimed, Delivery, DeliveryStatus, Fixed, FixedBody};
use waxwing::model::event::{ContentType, Event, Payload};
use waxwing::model::ids::WebhookId;
use waxwing::model::page::PageRequest;
use waxwing::model::plugin::{Digest, Plugin};
use waxwing::model::session::{Session, SignInLink};
use waxwing::model::sink::{Received, Sink};
use waxwing::model::tenant::{Defaults, Retention, TenantProfile};
use waxwing::model::time::Timestamp;
use waxwing::model::webhook::{FormatName, Health, Revision, Status, Webhook};
use waxwing::store::{
    Appended, AuditEntry, Completion, DeliveryFilter, EventFilter, NewBatch, NewDelivery, QueueDepth, Start,
    WebhookStats,
};

use crate::append::keyed;
use crate::fixture::{Fixture, days, hours};
use crate::samples::{ended, stage_run};
use crate::sessions::{link, session};
use crate::sinks::{received, sink};
use crate::webhooks::plugin;

const ALL: PageRequest = PageRequest { limit: 1000, before: None };
/// Who keeps everything for a year; the others keep it for 30 days.
const LONG: &str = "archive";

const SEEN: &str = "seen before";
/// What was answered under the key, when it was last used.
pub(crate) const FIRST_ANSWER: &str = "the first answer";

/// Everything that a store can be asked.
#[derive(Debug, PartialEq)]
pub(crate) struct Told {
    webhooks: Vec<Webhook>,
    revisions: Vec<Vec<Arc<Revision>>>,
    healths: Vec<(WebhookId, Health)>,
    plugins: Vec<Plugin>,
    components: Vec<Option<bytes::Bytes>>,
    accounts: (Vec<TenantProfile>, Vec<AccessToken>, Vec<CatalogueEntry>, Defaults),
    audits: Vec<AuditEntry>,
    signed_in: (Option<Session>, Option<SignInLink>),
    sinks: Vec<(Sink, Vec<Received>)>,
    events: Vec<Arc<Event>>,
    deliveries: Vec<Delivery>,
    of_events: Vec<Vec<Delivery>>,
    attempts: Vec<Vec<Attempt>>,
    fixed: Vec<Option<Fixed>>,
    stats: Vec<WebhookStats>,
    depth: QueueDepth,
    highest: u64,
}

/// Fills it; the batches under whose keys and ids nothing more may be accepted.
pub(crate) async fn fill(f: &mut Fixture) -> [NewBatch; 2] {
    set_up(f).await;
    f.advance(hours(1));
    let webhook = f.store.webhooks().await.unwrap().pop().unwrap();
    deliveries(f, &webhook).await;
    // One key again and again, each time after it was forgotten.
    for (key, answer) in [(SEEN, "once"), ("another", ""), ("a third", "")] {
        f.store.append(keyed(f, key, [9; 32], answer)).await.unwrap();
    }
    f.advance(days(2));
    f.store.append(keyed(f, SEEN, [9; 32], "twice")).await.unwrap();
    f.advance(days(2));
    later(f, &webhook).await
}

async fn set_up(f: &Fixture) {
    let long = TenantProfile { retention: Retention::Year, ..TenantProfile::new(LONG.parse().unwrap(), f.now) };
    f.store.save_tenant(&TenantProfile { max_webhooks: Some(7), strict: true, ..long }).await.unwrap();
    for (role, tenant, hash) in [(Role::Admin, None, 1), (Role::Tenant, Some(LONG.parse().unwrap()), 2)] {
        let (name, expires_at) = ("ci".into(), tenant.as_ref().map(|_| f.now));
        let token = AccessToken { id: f.id(), name, role, tenant, hash: [hash; 32], created_at: f.now, expires_at };
        f.store.save_token(&token).await.unwrap();
    }
    f.store.save_session(&session(f, 2)).await.unwrap();
    f.store.save_link(&link(f, 2)).await.unwrap();
    let sink = sink(f, LONG, "a");
    f.store.add_sink(&sink, 1).await.unwrap();
    f.store.keep_received(&received(f, &sink, b"\0\xff came"), 9).await.unwrap();
    let (event_type, schema) = ("order.paid".parse().unwrap(), Some(r#"{"type":"object"}"#.into()));
    let (description, updated_at) = ("An order – paid".into(), f.now);
    let entry = CatalogueEntry { event_type, description, schema, sample: None, deprecated: true, updated_at };
    f.store.save_catalogue_entry(&entry).await.unwrap();
    let defaults = Defaults { format: Some(FormatName::Stripe), ..Defaults::default() };
    f.store.save_defaults(&defaults).await.unwrap();
    for digest in [5, 6] {
        let (plugin, wasm) = (plugin(f, digest, &format!("1.0.{digest}")), vec![digest; 40_000]);
        f.store.save_plugin(&plugin, &wasm.into()).await.unwrap();
    }
    f.store.share_plugin(Digest([6; 32]), true).await.unwrap();
    let (deleted, kept) = (f.webhook("deleted"), f.webhook("kept"));
    for webhook in [&deleted, &kept] {
        f.store.save_webhook(webhook, None, None).await.unwrap();
    }
    f.store.delete_webhook(deleted.id, f.now).await.unwrap();
    let edited = Webhook { revision: Arc::new(f.revision(kept.id, Status::Paused)), ..kept.clone() };
    f.store.save_webhook(&edited, Some(&kept.revision), None).await.unwrap();
    let (actor, action, target) = ("token_1".into(), "webhook.update".into(), kept.id.to_string());
    let tenant = Some(LONG.parse().unwrap());
    let entry = AuditEntry { id: f.id::<WebhookId>().number(), tenant, actor, action, target, detail: "paused".into() };
    f.store.audit(&entry).await.unwrap();
}

/// One that ended in each way, one that was tried and is due again, one that waits.
async fn deliveries(f: &Fixture, webhook: &Webhook) {
    let id = webhook.id.number();
    let fixed = |body| Some(Fixed { revision: webhook.revision.id, body });
    let delivered = f.accepted_for(id, Start::Claimed).await;
    let mut attempt = f.attempt(&delivered, 200);
    attempt.stages = vec![stage_run()];
    let replaced = fixed(FixedBody::Replaced("{\"a\":1}".into()));
    let completion = Completion { attempt: Some(attempt), fixed: replaced, ..f.delivered(&delivered) };
    f.store.complete(completion).await.unwrap();
    let failed = of_tenant(f, LONG, id).await;
    f.store.complete(f.failed(&failed)).await.unwrap();
    let tried = of_tenant(f, LONG, id).await;
    let made = fixed(FixedBody::Replaced(vec![b'x'; 5000].into()));
    let again = Completion { fixed: made, ..f.again(&tried, f.now.plus(days(9))) };
    f.store.complete(again).await.unwrap();
    let tested = f.accepted_for(id, Start::Claimed).await;
    f.store.complete(f.completion(&tested, None, ended(DeliveryStatus::Dropped))).await.unwrap();
    f.accepted_for(id, Start::Waiting).await;
    let replay = NewDelivery {
        id: f.id(),
        webhook: webhook.id,
        start: Start::Scheduled(f.now.plus(hours(1))),
        trigger: Trigger::Manual,
        replay_of: Some(delivered.id),
    };
    f.store.enqueue(vec![(delivered.event.id, replay)], f.now).await.unwrap();
}

async fn of_tenant(f: &Fixture, tenant: &str, webhook: u64) -> Claimed {
    let event = Event { tenant: tenant.parse().unwrap(), ..f.event("order.paid") };
    let new = f.to(event, &[webhook, 2], Start::Claimed);
    f.store.append(f.batch(vec![new.clone()])).await.unwrap();
    crate::samples::claimed(&new)
}

/// What is remembered for a day, on another day than the rest; and one that its process has in hand for ever.
async fn later(f: &Fixture, webhook: &Webhook) -> [NewBatch; 2] {
    let key = keyed(f, SEEN, [1; 32], FIRST_ANSWER);
    assert_eq!(f.store.append(key.clone()).await.unwrap(), Appended::Stored);
    let named = Event {
        external_id: Some("order-7".into()),
        data: Payload {
            content_type: ContentType::Other("text/plain".into()),
            bytes: b"\0\xff bytes".as_slice().into(),
        },
        ..f.event("order.shipped")
    };
    let named = f.batch(vec![f.to(named, &[webhook.id.number(), 3], Start::Scheduled(f.now))]);
    assert_eq!(f.store.append(named.clone()).await.unwrap(), Appended::Stored);
    f.accepted_for(4, Start::Claimed).await;
    [key, named]
}

/// All of it.
pub(crate) async fn told(f: &Fixture) -> Told {
    let webhooks = f.store.webhooks().await.unwrap();
    let deliveries = f.store.deliveries(&DeliveryFilter::default(), ALL).await.unwrap().rows;
    let events = f.store.events(&EventFilter::default(), ALL).await.unwrap().rows;
    let plugins = f.store.plugins().await.unwrap();
    let accounts = (
        f.store.tenants().await.unwrap(),
        f.store.tokens().await.unwrap(),
        f.store.catalogue().await.unwrap(),
        f.store.defaults().await.unwrap(),
    );
    let (mut revisions, mut stats, mut components) = (Vec::new(), Vec::new(), Vec::new());
    for webhook in &webhooks {
        revisions.push(f.store.revisions(webhook.id).await.unwrap());
        stats.push(f.store.stats(webhook.id, Timestamp::from_millis(0)).await.unwrap());
    }
    for plugin in &plugins {
        components.push(f.store.component(plugin.digest).await.unwrap());
    }
    let mut sinks = Vec::new();
    for sink in f.store.sinks(None, ALL).await.unwrap().rows {
        let came = f.store.received(sink.id, Timestamp::from_millis(0), ALL).await.unwrap().rows;
        sinks.push((sink, came));
    }
    let (mut attempts, mut fixed, mut of_events) = (Vec::new(), Vec::new(), Vec::new());
    for delivery in &deliveries {
        attempts.push(f.store.attempts(delivery.id).await.unwrap());
        fixed.push(f.store.fixed(delivery.id).await.unwrap());
    }
    for event in &events {
        let of_event = DeliveryFilter { event: Some(event.id), ..DeliveryFilter::default() };
        of_events.push(f.store.deliveries(&of_event, ALL).await.unwrap().rows);
    }
    Told {
        revisions,
        healths: f.store.healths().await.unwrap(),
        components,
        plugins,
        accounts,
        audits: f.store.audits(None, ALL).await.unwrap().rows,
        signed_in: (
            f.store.session(&[2; 32]).await.unwrap(),
            f.store.link(&[2; 32], Timestamp::from_millis(0)).await.unwrap(),
        ),
        sinks,
        events,
        deliveries,
        of_events,
        attempts,
        fixed,
        stats,
        depth: f.store.depth().await.unwrap(),
        highest: f.store.highest_id().await.unwrap(),
        webhooks,
    }
}

impl Told {
    /// Each kind is there: a comparison that compares nothing shows here.
    pub(crate) fn is_of_everything(&self) -> bool {
        let (tenants, tokens, catalogue, defaults) = &self.accounts;
        let filled = [
            self.webhooks.len(),
            self.revisions.concat().len(),
            self.healths.len(),
            self.components.iter().flatten().count(),
            tenants.len(),
            tokens.len(),
            catalogue.len(),
            self.audits.len(),
            usize::from(self.signed_in.0.is_some() && self.signed_in.1.is_some()),
            self.sinks.iter().map(|(_, came)| came.len()).sum(),
            self.events.len(),
            self.deliveries.len(),
            self.of_events.concat().len(),
            self.attempts.concat().len(),
            self.fixed.iter().flatten().filter(|fixed| fixed.body != FixedBody::Rebuilt).count(),
            usize::try_from(self.depth.scheduled.min(self.depth.waiting)).unwrap(),
        ];
        *defaults != Defaults::default() && filled.iter().all(|count| *count > 0)
    }
}
