//! A server without its network: the real database, routing, pipeline and dispatcher; a clock that moves only when told, chance
//! that is always the middle, receivers and plugins that follow a script. Nothing happens but by `run_due`.

#[path = "../postgres/mod.rs"]
mod cluster;
mod failing_store;
mod place;
mod plugins;
mod sinks;
mod telling;
mod time;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use waxwing::clock::Clock;
use waxwing::deliver::{Deliver, Limits, Parts};
use waxwing::model::attempt::Trigger;
use waxwing::model::delivery::{Claimed, Delivery};
use waxwing::model::event::{Event, Payload};
use waxwing::model::ids::{DeliveryId, EventId, IdSource};
use waxwing::model::name::{Environment, Tenant};
use waxwing::model::page::PageRequest;
use waxwing::model::webhook::Webhook;
use waxwing::route::Directory;
use waxwing::store::{DeliveryFilter, NewBatch, NewDelivery, NewEvent, Start, Store, StoreError};
use waxwing::transform::fuel::FuelLimits;
use waxwing::vault::Vault;

pub(crate) use self::failing_store::{FailingStore, Moment};
pub(crate) use self::place::On;
use self::place::Place;
pub(crate) use self::plugins::{Plugins, placeholder_in, send};
pub(crate) use self::sinks::{Answer, Sinks, header};
pub(crate) use self::time::{CentredRng, ManualClock, days, hours, minutes, seconds};
pub(crate) use self::webhook::{Building, secret, sent_header};

pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) deliver: Arc<Deliver>,
    pub(crate) plugins: Arc<Plugins>,
    pub(crate) sinks: Arc<Sinks>,
    pub(crate) ids: Arc<IdSource>,
    parts: Parts,
    place: Place,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|store| store).await
    }

    /// With something between the server and its database.
    pub(crate) async fn start_with(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        Self::build(wrap, Limits::default()).await
    }

    /// With other limits of what goes on at once.
    pub(crate) async fn limited(limits: Limits) -> Self {
        Self::build(|store| store, limits).await
    }

    async fn build(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>, limits: Limits) -> Self {
        let clock = Arc::new(ManualClock::default());
        let vault = Arc::new(Vault::new([7; 32]));
        let (opened, place) = Place::open(crate::ON, Arc::clone(&vault), Arc::<ManualClock>::clone(&clock)).await;
        let store = wrap(opened);
        let (directory, ids) = (Arc::new(Directory::default()), Arc::new(IdSource::new(1, 0)));
        let (plugins, sinks) = (Arc::new(Plugins::default()), Arc::new(Sinks::default()));
        let parts = Parts {
            store: Arc::clone(&store),
            transform: Arc::<Plugins>::clone(&plugins),
            sender: Arc::<Sinks>::clone(&sinks),
            directory: Arc::clone(&directory),
            vault,
            clock: Arc::<ManualClock>::clone(&clock),
            rng: Arc::new(CentredRng::default()),
            ids: Arc::clone(&ids),
            fuel: FuelLimits::default(),
        };
        let deliver = Deliver::new(parts.clone(), limits);
        Self { store, clock, directory, deliver, plugins, sinks, ids, parts, place }
    }

    /// One more node on the same database, with the same clock and the same receivers.
    #[allow(dead_code, reason = "only PostgreSQL has several")]
    pub(crate) async fn beside(&self) -> Self {
        let (clock, vault) = (Arc::clone(&self.clock), Arc::clone(&self.parts.vault));
        let (store, place) = self.place.open_beside(vault, Arc::clone(&clock)).await;
        let directory = Arc::new(Directory::new(store.webhooks().await.unwrap()));
        let ids = Arc::new(IdSource::new(2, 0));
        let (plugins, sinks) = (Arc::clone(&self.plugins), Arc::clone(&self.sinks));
        let (in_store, in_directory, own_ids) = (Arc::clone(&store), Arc::clone(&directory), Arc::clone(&ids));
        let parts = Parts { store: in_store, directory: in_directory, ids: own_ids, ..self.parts.clone() };
        let deliver = Deliver::new(parts.clone(), Limits::default());
        Self { store, clock, directory, deliver, plugins, sinks, ids, parts, place }
    }

    /// As far as the others can tell, this node is dead.
    #[allow(dead_code, reason = "only PostgreSQL has several")]
    pub(crate) async fn is_taken_for_dead(&self) {
        self.place.node_is_gone(self.store.number()).await;
    }

    /// The process is gone and another one starts on the same database.
    pub(crate) async fn restart(&mut self) {
        self.place.process_is_gone().await;
        let directory = Arc::new(Directory::new(self.store.webhooks().await.unwrap()));
        self.parts.directory = Arc::clone(&directory);
        self.directory = directory;
        self.deliver = Deliver::new(self.parts.clone(), Limits::default());
        self.deliver.recover().await.unwrap();
    }

    pub(crate) fn webhook(&self, name: &str) -> Building<'_> {
        Building::new(self, name)
    }

    /// Posts an event; it is durable when this returns.
    pub(crate) async fn publish(&self, event_type: &str, data: Value) -> EventId {
        self.try_publish(event_type, data).await.unwrap()
    }

    /// As `ingest` does it, without what it checks.
    pub(crate) async fn try_publish(&self, event_type: &str, data: Value) -> Result<EventId, StoreError> {
        let (event, now) = (Arc::new(self.event(event_type, data)), self.clock.now());
        let handoff = self.deliver.handoff();
        let receivers = self.directory.matching(&event);
        let new = |webhook: &Arc<Webhook>| NewDelivery {
            id: self.ids.next(now),
            webhook: webhook.id,
            start: handoff.reserve(webhook),
            trigger: Trigger::Automatic,
            replay_of: None,
        };
        let deliveries: Vec<NewDelivery> = receivers.iter().map(new).collect();
        let claims = claims(&event, &deliveries);
        let events = vec![NewEvent { event: Arc::clone(&event), deliveries }];
        match self.store.append(NewBatch { events, idempotency: None, now }).await {
            Ok(_) => handoff.take(claims),
            Err(error) => {
                for webhook in receivers.iter().filter(|it| claims.iter().any(|claim| claim.webhook == it.id)) {
                    handoff.release(webhook, 1);
                }
                return Err(error);
            }
        }
        Ok(event.id)
    }

    /// An event that happened now and isn't posted.
    pub(crate) fn event(&self, event_type: &str, data: Value) -> Event {
        let now = self.clock.now();
        Event {
            id: self.ids.next(now),
            event_type: event_type.parse().unwrap(),
            tenant: Tenant::default_tenant(),
            environment: Environment::default(),
            occurred_at: now,
            data: Payload::json(data.to_string()),
            external_id: None,
        }
    }

    /// A new delivery of a past event, for one webhook.
    pub(crate) async fn replay(&self, delivery: DeliveryId) {
        let past = self.store.delivery(None, delivery).await.unwrap().unwrap();
        let (now, start) = (self.clock.now(), Start::Scheduled(self.clock.now()));
        let (id, replay_of) = (self.ids.next(now), Some(past.id));
        let new = NewDelivery { id, webhook: past.webhook, start, trigger: Trigger::Automatic, replay_of };
        assert_eq!(self.store.enqueue(vec![(past.event, new)], now).await.unwrap(), [id]);
        self.deliver.look();
    }

    /// Does what is due now, to its end.
    pub(crate) async fn run_due(&self) -> &Self {
        self.deliver.run_due().await.unwrap();
        self
    }

    #[allow(dead_code, reason = "not every test target asks for it")]
    pub(crate) fn clock_now(&self) -> waxwing::model::time::Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, by: Duration) -> &Self {
        self.clock.advance(by);
        self
    }

    /// Waits until the background has recorded so many attempts of the first delivery; half a minute means that it won't.
    pub(crate) async fn until_recorded(&self, attempts: u32) {
        let recorded = async {
            while self.deliveries().await.first().is_none_or(|delivery| delivery.attempts < attempts) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(seconds(30), recorded).await.unwrap();
    }

    /// All deliveries, oldest first.
    pub(crate) async fn deliveries(&self) -> Vec<Delivery> {
        let page = PageRequest::new(Some(PageRequest::LIMIT_MAX), None).unwrap();
        let mut rows = self.store.deliveries(&DeliveryFilter::default(), page).await.unwrap().rows;
        rows.reverse();
        rows
    }

    /// What happened, as a person would tell it.
    pub(crate) async fn history(&self) -> String {
        telling::history(self).await
    }
}

fn claims(event: &Arc<Event>, deliveries: &[NewDelivery]) -> Vec<Claimed> {
    let claimed = deliveries.iter().filter(|new| new.start == Start::Claimed);
    let claim = |new: &NewDelivery| Claimed {
        id: new.id,
        event: Arc::clone(event),
        webhook: new.webhook,
        attempts: 0,
        trigger: new.trigger,
        replay_of: None,
        fixed: None,
        fence: 1,
    };
    claimed.map(claim).collect()
}
