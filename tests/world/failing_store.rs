//! A database that fails once, at the call that the test names: before it did anything, or after it did it and before it said so.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Notify;
use waxwing::model::access::AccessToken;
use waxwing::model::attempt::Attempt;
use waxwing::model::catalogue::CatalogueEntry;
use waxwing::model::delivery::{Claimed, Delivery, Fixed};
use waxwing::model::event::Event;
use waxwing::model::ids::{DeliveryId, EventId, ReceivedId, RevisionId, SinkId, TokenId, WebhookId};
use waxwing::model::name::{EventType, Tenant};
use waxwing::model::page::{Page, PageRequest};
use waxwing::model::plugin::{Digest, Plugin};
use waxwing::model::session::{Session, SignInLink};
use waxwing::model::sink::{Received, Sink};
use waxwing::model::tenant::{Defaults, TenantProfile};
use waxwing::model::time::Timestamp;
use waxwing::model::webhook::{Health, Revision, Webhook};
use waxwing::store::{
    Accounts, Appended, AuditEntry, Completion, Deliveries, DeliveryFilter, EventFilter, Events, NewBatch, NewDelivery,
    News, Nodes, Overview, Plugins, Pulse, Purged, Queue, QueueDepth, Reach, Recent, Result, Sessions, Sinks, Store,
    StoreError, Taken, WebhookStats, Webhooks,
};

/// When a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Nothing was done.
    Before,
    /// It was done, and the answer was lost.
    After,
}

pub(crate) struct FailingStore {
    inner: Arc<dyn Store>,
    /// Calls left before the one that fails.
    left: AtomicUsize,
    failed: AtomicBool,
    moment: Moment,
    purge: Purge,
}

/// A purge that never ends, if that is asked for.
#[derive(Default)]
struct Purge {
    stands: AtomicBool,
    begun: Notify,
}

impl FailingStore {
    /// It works until [`Self::fail_at`] is called.
    pub(crate) fn new(inner: Arc<dyn Store>, moment: Moment) -> Arc<Self> {
        let left = AtomicUsize::new(usize::MAX);
        Arc::new(Self { inner, left, failed: AtomicBool::new(false), moment, purge: Purge::default() })
    }

    #[allow(dead_code, reason = "not every test target asks for it")]
    pub(crate) fn never_ends_to_purge(&self) {
        self.purge.stands.store(true, Ordering::SeqCst);
    }

    #[allow(dead_code, reason = "not every test target asks for it")]
    pub(crate) async fn until_it_purges(&self) {
        self.purge.begun.notified().await;
    }

    /// The call with this number, counted from now, fails; 0 is the next one.
    pub(crate) fn fail_at(&self, call: usize) {
        self.left.store(call, Ordering::SeqCst);
    }

    /// From now on it works.
    pub(crate) fn mend(&self) {
        self.left.store(usize::MAX, Ordering::SeqCst);
    }

    /// Whether the call that was named has come.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    async fn call<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let fails = self.left.fetch_sub(1, Ordering::SeqCst) == 0;
        self.failed.fetch_or(fails, Ordering::SeqCst);
        if fails && self.moment == Moment::Before {
            return Err(lost());
        }
        let answer = work.await;
        if fails { Err(lost()) } else { answer }
    }
}

fn lost() -> StoreError {
    StoreError::Unavailable("the test took it away".into())
}

#[async_trait]
impl Events for FailingStore {
    async fn append(&self, batch: NewBatch) -> Result<Appended> {
        self.call(self.inner.append(batch)).await
    }

    async fn event(&self, tenant: Option<&Tenant>, id: EventId) -> Result<Option<Arc<Event>>> {
        self.call(self.inner.event(tenant, id)).await
    }

    async fn events(&self, filter: &EventFilter, page: PageRequest) -> Result<Page<Arc<Event>>> {
        self.call(self.inner.events(filter, page)).await
    }

    async fn highest_id(&self) -> Result<u64> {
        self.call(self.inner.highest_id()).await
    }
}

#[async_trait]
impl Queue for FailingStore {
    async fn complete_all(&self, completions: Vec<Arc<Completion>>) -> Result<Vec<bool>> {
        self.call(self.inner.complete_all(completions)).await
    }

    async fn claim_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Claimed>> {
        self.call(self.inner.claim_due(now, limit)).await
    }

    async fn claim_in_order(&self, webhook: WebhookId, limit: u32) -> Result<Option<Vec<Claimed>>> {
        self.call(self.inner.claim_in_order(webhook, limit)).await
    }

    async fn claim_waiting_all(&self, wanted: &[(WebhookId, u32)], bytes: usize) -> Result<Taken> {
        self.call(self.inner.claim_waiting_all(wanted, bytes)).await
    }

    async fn reschedule(&self, after: Timestamp, by_millis: i64, now: Timestamp) -> Result<u64> {
        self.call(self.inner.reschedule(after, by_millis, now)).await
    }

    async fn waiting(&self) -> Result<Vec<WebhookId>> {
        self.call(self.inner.waiting()).await
    }

    async fn count_waiting(&self, webhook: WebhookId, limit: u32) -> Result<u32> {
        self.call(self.inner.count_waiting(webhook, limit)).await
    }

    async fn retry(&self, id: DeliveryId, now: Timestamp) -> Result<Option<Claimed>> {
        self.call(self.inner.retry(id, now)).await
    }

    async fn enqueue(&self, replays: Vec<(EventId, NewDelivery)>, now: Timestamp) -> Result<Vec<DeliveryId>> {
        self.call(self.inner.enqueue(replays, now)).await
    }

    async fn cancel_pending(&self, webhook: WebhookId, reason: &str, now: Timestamp, limit: u32) -> Result<u32> {
        self.call(self.inner.cancel_pending(webhook, reason, now, limit)).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.call(self.inner.next_due()).await
    }

    async fn depth(&self) -> Result<QueueDepth> {
        self.call(self.inner.depth()).await
    }

    async fn recover(&self, now: Timestamp) -> Result<u64> {
        self.call(self.inner.recover(now)).await
    }

    async fn purge(&self, now: Timestamp, max_rows: u32) -> Result<Purged> {
        if self.purge.stands.load(Ordering::SeqCst) {
            self.purge.begun.notify_one();
            return std::future::pending().await;
        }
        self.call(self.inner.purge(now, max_rows)).await
    }
}

#[async_trait]
impl Deliveries for FailingStore {
    async fn delivery(&self, tenant: Option<&Tenant>, id: DeliveryId) -> Result<Option<Delivery>> {
        self.call(self.inner.delivery(tenant, id)).await
    }

    async fn deliveries(&self, filter: &DeliveryFilter, page: PageRequest) -> Result<Page<Delivery>> {
        self.call(self.inner.deliveries(filter, page)).await
    }

    async fn attempts(&self, delivery: DeliveryId) -> Result<Vec<Attempt>> {
        self.call(self.inner.attempts(delivery)).await
    }

    async fn fixed(&self, delivery: DeliveryId) -> Result<Option<Fixed>> {
        self.call(self.inner.fixed(delivery)).await
    }

    async fn newest(&self, webhook: WebhookId, events: &[EventId]) -> Result<HashMap<EventId, DeliveryId>> {
        self.call(self.inner.newest(webhook, events)).await
    }

    async fn count(&self, filter: &DeliveryFilter, limit: u64) -> Result<u64> {
        self.call(self.inner.count(filter, limit)).await
    }

    async fn stats(&self, webhook: WebhookId, since: Timestamp) -> Result<WebhookStats> {
        self.call(self.inner.stats(webhook, since)).await
    }

    async fn recent(&self, webhooks: &[WebhookId], since: Timestamp) -> Result<HashMap<WebhookId, Recent>> {
        self.call(self.inner.recent(webhooks, since)).await
    }

    async fn overview(&self, tenant: Option<&Tenant>, since: Timestamp) -> Result<Overview> {
        self.call(self.inner.overview(tenant, since)).await
    }
}

#[async_trait]
impl Webhooks for FailingStore {
    async fn webhooks(&self) -> Result<Vec<Webhook>> {
        self.call(self.inner.webhooks()).await
    }

    async fn save_webhook(&self, webhook: &Webhook, expected: Option<&Revision>, max: Option<u32>) -> Result<bool> {
        self.call(self.inner.save_webhook(webhook, expected, max)).await
    }

    async fn delete_webhook(&self, id: WebhookId, now: Timestamp) -> Result<bool> {
        self.call(self.inner.delete_webhook(id, now)).await
    }

    async fn revisions(&self, webhook: WebhookId) -> Result<Vec<Arc<Revision>>> {
        self.call(self.inner.revisions(webhook)).await
    }

    async fn revisions_at(&self, tenant: &Tenant, time: Timestamp) -> Result<Vec<(String, Arc<Revision>)>> {
        self.call(self.inner.revisions_at(tenant, time)).await
    }

    async fn revision(&self, id: RevisionId) -> Result<Option<Arc<Revision>>> {
        self.call(self.inner.revision(id)).await
    }

    async fn health(&self, webhook: WebhookId) -> Result<Health> {
        self.call(self.inner.health(webhook)).await
    }

    async fn healths(&self) -> Result<Vec<(WebhookId, Health)>> {
        self.call(self.inner.healths()).await
    }

    async fn reset_health(&self, webhook: WebhookId) -> Result<()> {
        self.call(self.inner.reset_health(webhook)).await
    }
}

#[async_trait]
impl Plugins for FailingStore {
    async fn save_plugin(&self, plugin: &Plugin, wasm: &Bytes) -> Result<bool> {
        self.call(self.inner.save_plugin(plugin, wasm)).await
    }

    async fn plugins(&self) -> Result<Vec<Plugin>> {
        self.call(self.inner.plugins()).await
    }

    async fn component(&self, digest: Digest) -> Result<Option<Bytes>> {
        self.call(self.inner.component(digest)).await
    }

    async fn delete_plugin(&self, digest: Digest) -> Result<bool> {
        self.call(self.inner.delete_plugin(digest)).await
    }

    async fn share_plugin(&self, digest: Digest, shared: bool) -> Result<()> {
        self.call(self.inner.share_plugin(digest, shared)).await
    }
}

#[async_trait]
impl Accounts for FailingStore {
    async fn tenants(&self) -> Result<Vec<TenantProfile>> {
        self.call(self.inner.tenants()).await
    }

    async fn save_tenant(&self, tenant: &TenantProfile) -> Result<()> {
        self.call(self.inner.save_tenant(tenant)).await
    }

    async fn delete_tenant(&self, tenant: &Tenant) -> Result<bool> {
        self.call(self.inner.delete_tenant(tenant)).await
    }

    async fn tokens(&self) -> Result<Vec<AccessToken>> {
        self.call(self.inner.tokens()).await
    }

    async fn save_token(&self, token: &AccessToken) -> Result<()> {
        self.call(self.inner.save_token(token)).await
    }

    async fn delete_token(&self, id: TokenId) -> Result<bool> {
        self.call(self.inner.delete_token(id)).await
    }

    async fn catalogue(&self) -> Result<Vec<CatalogueEntry>> {
        self.call(self.inner.catalogue()).await
    }

    async fn save_catalogue_entry(&self, entry: &CatalogueEntry) -> Result<()> {
        self.call(self.inner.save_catalogue_entry(entry)).await
    }

    async fn delete_catalogue_entry(&self, event_type: &EventType) -> Result<bool> {
        self.call(self.inner.delete_catalogue_entry(event_type)).await
    }

    async fn defaults(&self) -> Result<Defaults> {
        self.call(self.inner.defaults()).await
    }

    async fn save_defaults(&self, defaults: &Defaults) -> Result<()> {
        self.call(self.inner.save_defaults(defaults)).await
    }

    async fn audit(&self, entry: &AuditEntry) -> Result<()> {
        self.call(self.inner.audit(entry)).await
    }

    async fn audits(&self, tenant: Option<&Tenant>, page: PageRequest) -> Result<Page<AuditEntry>> {
        self.call(self.inner.audits(tenant, page)).await
    }
}

#[async_trait]
impl Sessions for FailingStore {
    async fn save_session(&self, session: &Session) -> Result<()> {
        self.call(self.inner.save_session(session)).await
    }

    async fn session(&self, hash: &[u8; 32]) -> Result<Option<Session>> {
        self.call(self.inner.session(hash)).await
    }

    async fn delete_session(&self, hash: &[u8; 32]) -> Result<bool> {
        self.call(self.inner.delete_session(hash)).await
    }

    async fn save_link(&self, link: &SignInLink) -> Result<()> {
        self.call(self.inner.save_link(link)).await
    }

    async fn link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<SignInLink>> {
        self.call(self.inner.link(hash, now)).await
    }

    async fn take_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<SignInLink>> {
        self.call(self.inner.take_link(hash, now)).await
    }
}

#[async_trait]
impl Sinks for FailingStore {
    async fn add_sink(&self, sink: &Sink, max: u32) -> Result<bool> {
        self.call(self.inner.add_sink(sink, max)).await
    }

    async fn change_sink(&self, sink: &Sink) -> Result<bool> {
        self.call(self.inner.change_sink(sink)).await
    }

    async fn sinks(&self, tenant: Option<&Tenant>, page: PageRequest) -> Result<Page<Sink>> {
        self.call(self.inner.sinks(tenant, page)).await
    }

    async fn sink(&self, tenant: Option<&Tenant>, id: SinkId) -> Result<Option<Sink>> {
        self.call(self.inner.sink(tenant, id)).await
    }

    async fn sink_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Sink>> {
        self.call(self.inner.sink_by_hash(hash)).await
    }

    async fn delete_sink(&self, id: SinkId) -> Result<bool> {
        self.call(self.inner.delete_sink(id)).await
    }

    async fn keep_received(&self, received: &Received, max: u32) -> Result<()> {
        self.call(self.inner.keep_received(received, max)).await
    }

    async fn received(&self, sink: SinkId, since: Timestamp, page: PageRequest) -> Result<Page<Received>> {
        self.call(self.inner.received(sink, since, page)).await
    }

    async fn one_received(&self, sink: SinkId, id: ReceivedId) -> Result<Option<Received>> {
        self.call(self.inner.one_received(sink, id)).await
    }

    async fn clear_received(&self, sink: SinkId) -> Result<u64> {
        self.call(self.inner.clear_received(sink)).await
    }

    async fn forget_received(&self, before: Timestamp, max_rows: u32) -> Result<u64> {
        self.call(self.inner.forget_received(before, max_rows)).await
    }
}

#[async_trait]
impl Nodes for FailingStore {
    fn reach(&self) -> &Reach {
        self.inner.reach()
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    fn changes(&self) -> Option<u64> {
        self.inner.changes()
    }

    fn number(&self) -> u16 {
        self.inner.number()
    }

    async fn pulse(&self, now: Timestamp) -> Result<Pulse> {
        self.call(self.inner.pulse(now)).await
    }

    async fn news(&self) -> News {
        self.inner.news().await
    }

    async fn leave(&self, now: Timestamp) -> Result<()> {
        self.call(self.inner.leave(now)).await
    }
}
