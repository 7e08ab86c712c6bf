//! The events: posted one by one, each with its key, delivered to a webhook that answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use waxwing::clock::Clock;
use waxwing::handoff::Handoff;
use waxwing::ingest::{Ingest, Parts, Posting, Rulebook};
use waxwing::model::delivery::DeliveryStatus;
use waxwing::model::tenant::Defaults;
use waxwing::store::Events;

use crate::world::World;

/// How long the last ones may take to be written down.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs so many through, and sees to it that they arrived. Each append is a commit of its own, which takes along how earlier attempts
/// ended: one commit an event, whoever is scheduled when.
pub(crate) fn run(count: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::start().await;
        let shop = world.webhook("shop").subscribe("order.*").await;
        let ingest = ingest(&world);
        let delivering = world.deliver.start().await.unwrap();
        for number in 0..count {
            post(&ingest, number).await;
        }
        assert_eq!(delivering.drain(PATIENCE).await, 0, "all of them end");
        assert_eq!(shop.received().len(), count);
        let newest = world.deliveries().await;
        assert!(newest.iter().all(|delivery| delivery.status == DeliveryStatus::Delivered), "{newest:?}");
    });
}

fn ingest(world: &World) -> Ingest {
    let (rulebook, _) = Rulebook::new(&[], &[], &Defaults::default());
    let store: Arc<dyn Events + Send + Sync> = Arc::clone(&world.store) as _;
    let handoff: Arc<dyn Handoff> = world.deliver.handoff();
    let clock: Arc<dyn Clock> = Arc::clone(&world.clock) as _;
    let (directory, ids) = (Arc::clone(&world.directory), Arc::clone(&world.ids));
    Ingest::new(Parts { store, handoff, directory, rulebook: Arc::new(rulebook), ids, clock })
}

async fn post(ingest: &Ingest, number: usize) {
    let lines: Vec<String> =
        (1..=10).map(|line| format!(r#"{{"sku":"WX-{line}","title":"Annual licence","price":"99.90"}}"#)).collect();
    let customer = r#"{"id":"cus_7Q2M","name":"Nordwind Media GmbH","country":"DE"}"#;
    let data = format!(r#"{{"number":{number},"total":"999.00","customer":{customer},"lines":[{}]}}"#, lines.join(","));
    let (body, key) = (format!(r#"{{"type":"order.paid","data":{data}}}"#), format!("order-{number}"));
    let posting = Posting {
        body: Bytes::from(body),
        content_type: Some("application/json"),
        attributes: &[],
        tenant: None,
        idempotency_key: Some(&key),
        path: "/api/events",
        place: None,
    };
    let accepted = ingest.accept(posting).await.unwrap();
    assert_eq!(accepted.events[0].deliveries, 1);
}
