//! What is accepted, what is refused and where, told with a store in memory that keeps the contract of `append`.

use std::collections::HashMap;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::*;
use crate::clock::Clock;
use crate::model::catalogue::CatalogueEntry;
use crate::model::delivery::Claimed;
use crate::model::event::ContentType;
use crate::model::page::{Page, PageRequest};
use crate::model::tenant::{Defaults, TenantProfile};
use crate::model::webhook::Webhook;
use crate::store::admission::Scope;
use crate::store::{Appended, EventFilter, Events, NewBatch, SeenExternalId, Start, StoreError};

const EVENT: &str = r#"{"type":"order.paid","data":{"order": 7,  "total":"9.90"}}"#;

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }
}

type Digest = [u8; 32];

/// Remembers batches, keys and ids.
#[derive(Default)]
struct Memory {
    events: Mutex<Vec<Arc<Event>>>,
    keys: Mutex<HashMap<Scope, (Digest, Bytes)>>,
}

#[async_trait]
impl Events for Memory {
    async fn append(&self, batch: NewBatch) -> Result<Appended, StoreError> {
        let mut events = self.events.lock();
        let mut keys = self.keys.lock();
        if let Some(claim) = &batch.idempotency
            && let Some((digest, answer)) = keys.get(&claim.scope)
        {
            let same = *digest == claim.body_digest;
            return Ok(if same { Appended::Repeat { answer: answer.clone() } } else { Appended::KeyReused });
        }
        let seen: Vec<SeenExternalId> = (0..)
            .zip(&batch.events)
            .filter_map(|(index, new)| {
                let id = new.event.external_id.as_ref()?;
                let first = events.iter().find(|event| event.external_id.as_ref() == Some(id))?;
                let same = first.event_type == new.event.event_type && first.data == new.event.data;
                Some(SeenExternalId { index, first: first.id, first_deliveries: 0, same })
            })
            .collect();
        if !seen.is_empty() {
            let same = seen.len() == batch.events.len() && seen.iter().all(|one| one.same);
            return Ok(Appended::ExternalIds { seen, same });
        }
        events.extend(batch.events.into_iter().map(|new| new.event));
        keys.extend(batch.idempotency.map(|claim| (claim.scope, (claim.body_digest, claim.answer))));
        Ok(Appended::Stored)
    }

    async fn event(&self, _: Option<&Tenant>, id: EventId) -> Result<Option<Arc<Event>>, StoreError> {
        Ok(self.events.lock().iter().find(|event| event.id == id).cloned())
    }

    async fn events(&self, _: &EventFilter, _: PageRequest) -> Result<Page<Arc<Event>>, StoreError> {
        Ok(Page { rows: self.events.lock().clone(), next: None, scanned_to: None })
    }

    async fn highest_id(&self) -> Result<u64, StoreError> {
        Ok(self.events.lock().last().map_or(0, |event| event.id.number()))
    }
}

#[allow(dead_code, reason = "it is here to compile: `app` holds the whole store")]
fn a_store_serves_as_what_ingest_asks_for(store: Arc<dyn crate::store::Store>) -> Arc<dyn Events + Send + Sync> {
    store
}

struct Nobody;

impl Handoff for Nobody {
    fn reserve(&self, _: &Arc<Webhook>) -> Start {
        Start::Waiting
    }

    fn take(&self, _: Vec<Claimed>) {}

    fn release(&self, _: &Arc<Webhook>, _: usize) {}
}

struct World {
    ingest: Ingest,
    memory: Arc<Memory>,
}

fn world(tenants: &[TenantProfile], catalogue: &[CatalogueEntry]) -> World {
    let memory = Arc::new(Memory::default());
    let (rulebook, bad) = Rulebook::new(tenants, catalogue, &Defaults::default());
    assert!(bad.is_empty(), "{bad:?}");
    let ingest = Ingest::new(Parts {
        store: Arc::clone(&memory) as Arc<dyn Events + Send + Sync>,
        handoff: Arc::new(Nobody),
        directory: Arc::new(Directory::default()),
        rulebook: Arc::new(rulebook),
        ids: Arc::new(IdSource::new(1, 0)),
        clock: Arc::new(FixedClock),
    });
    World { ingest, memory }
}

fn posting(body: impl Into<Bytes>) -> Posting<'static> {
    let path = "/api/events";
    Posting {
        body: body.into(),
        content_type: None,
        attributes: &[],
        tenant: None,
        idempotency_key: None,
        path,
        place: None,
    }
}

impl World {
    async fn post(&self, body: &str) -> Result<Accepted, IngestError> {
        self.ingest.accept(posting(body.to_owned())).await
    }

    /// The faults of a refused body, as `pointer code`.
    async fn faults(&self, body: &str) -> Vec<String> {
        let error = self.post(body).await.unwrap_err();
        assert!(self.memory.events.lock().is_empty(), "something was written");
        let issues: Vec<String> =
            error.issues().iter().map(|issue| format!("{} {}", issue.pointer, issue.code)).collect();
        if issues.is_empty() { vec![error.code().to_owned()] } else { issues }
    }
}

#[tokio::test]
async fn the_data_is_what_was_posted_byte_for_byte() {
    let world = world(&[], &[]);
    let body = Bytes::from(EVENT);
    let accepted = world.ingest.accept(posting(body.clone())).await.unwrap();
    let event = Arc::clone(&world.memory.events.lock()[0]);
    assert_eq!(&event.data.bytes[..], br#"{"order": 7,  "total":"9.90"}"#);
    assert_eq!(accepted.answer, format!(r#"{{"id":"{}","deliveries":0}}"#, event.id));
    assert_eq!((event.tenant.as_str(), event.environment.as_str()), ("default", "production"));
}

#[tokio::test]
async fn data_is_copied_unless_it_is_most_of_a_large_body() {
    let world = world(&[], &[]);
    let of = |bytes: usize| format!(r#"{{"type":"a","data":"{}"}}"#, "x".repeat(bytes));
    let many = |count: usize| format!("[{}]", vec![of(400); count].join(","));
    for (body, copied) in [(of(900), true), (of(READ_AT_ONCE), false), (many(200), true)] {
        let body = Bytes::from(body);
        world.ingest.accept(posting(body.clone())).await.unwrap();
        let event = Arc::clone(world.memory.events.lock().last().unwrap());
        let is_a_slice = body.as_ptr_range().contains(&event.data.bytes.as_ptr());
        assert_eq!(is_a_slice, !copied, "{} of {}", event.data.bytes.len(), body.len());
    }
}

#[tokio::test]
async fn an_event_may_say_everything_itself() {
    let world = world(&[TenantProfile::new("acme".parse().unwrap(), FixedClock.now())], &[]);
    let body = r#" {"event":"a.b","data":null,"environment":"staging","tenant":"acme","id":"my \u0031","timestamp":"2026-01-31T12:00:00+01:00"} "#;
    world.post(body).await.unwrap();
    let event = Arc::clone(&world.memory.events.lock()[0]);
    assert_eq!((event.tenant.as_str(), event.environment.as_str()), ("acme", "staging"));
    assert_eq!(event.external_id.as_deref(), Some("my 1"));
    assert_eq!(event.occurred_at.to_string(), "2026-01-31T11:00:00.000Z");
}

#[tokio::test]
async fn bad_events_are_refused_where_they_are_bad() {
    let world = world(&[], &[]);
    assert_eq!(world.faults("[1").await, ["not-json"]);
    assert_eq!(world.faults(r#"{"type":"a","data":{"x":1,"x":2}}"#).await, ["duplicate-key"]);
    assert_eq!(world.faults(&format!(r#"{{"type":"a","data":{}1"#, "[".repeat(200))).await, ["too-deep"]);
    assert_eq!(world.faults("{}").await, ["/type missing-field", "/data missing-field"]);
    assert_eq!(
        world.faults(r#"{"type":"a b","data":1,"tenant":"A","environment":5,"timestamp":"now","a/b":1}"#).await,
        [
            "/a~1b unknown-field",
            "/type invalid-type",
            "/environment invalid-value",
            "/tenant invalid-tenant",
            "/timestamp invalid-timestamp",
        ]
    );
    assert_eq!(world.faults(r#"{"type":"a","data":1,"tenant":"nobody"}"#).await, ["/tenant unknown-tenant"]);
    let large = format!(r#"{{"type":"a","data":"{}"}}"#, "x".repeat(1024 * 1024));
    assert_eq!(world.faults(&large).await, ["/data data-too-large"]);
    assert_eq!(world.faults(&" ".repeat(BODY_MAX + 1)).await, ["body-too-large"]);
}

#[tokio::test]
async fn a_batch_is_all_or_nothing_and_says_which_event_is_at_fault() {
    let world = world(&[], &[]);
    let faulty = format!(r#"[{EVENT},{EVENT},7,{{"type":"..","data":1}}]"#);
    assert_eq!(world.faults(&faulty).await, ["/2 not-an-object", "/3/type invalid-type"]);
    assert_eq!(world.faults("[]").await, [" no-events"]);
    let many = format!("[{}]", vec![EVENT; EVENTS_MAX + 1].join(","));
    assert_eq!(world.faults(&many).await, [" too-many-events"]);
    let accepted = world.post(&format!("[{EVENT},{EVENT}]")).await.unwrap();
    assert_eq!(accepted.events.len(), 2);
    assert!(accepted.answer.starts_with(br#"{"events":[{"id":"evt_"#));
}

#[tokio::test]
async fn an_idempotency_key_brings_back_the_first_answer_and_takes_no_other_body() {
    let world = world(&[], &[]);
    let keyed = |body: &str, key| Posting { idempotency_key: Some(key), ..posting(body.to_owned()) };
    let first = world.ingest.accept(keyed(EVENT, "k1")).await.unwrap();
    let again = world.ingest.accept(keyed(EVENT, "k1")).await.unwrap();
    assert!(again.repeated && again.answer == first.answer);
    let other = world.ingest.accept(keyed(r#"{"type":"x","data":1}"#, "k1")).await.unwrap_err();
    assert_eq!(other.code(), "idempotency-key-reused");
    assert_eq!(world.ingest.accept(keyed(EVENT, "a b")).await.unwrap_err().code(), "invalid-idempotency-key");
    assert_eq!(world.memory.events.lock().len(), 1);
}

#[tokio::test]
async fn an_event_with_an_id_is_accepted_once() {
    let world = world(&[], &[]);
    let event = |id: &str, data: &str| format!(r#"{{"type":"a","id":"{id}","data":{data}}}"#);
    let first = world.post(&event("one", "1")).await.unwrap();
    let again = world.post(&event("one", "1")).await.unwrap();
    assert!(again.repeated && again.answer == first.answer);
    let other = world.post(&event("one", "2")).await.unwrap_err();
    assert_eq!((other.code(), other.issues()[0].pointer.as_str()), ("id-reused", "/id"));

    // In a batch, what is new is written and what was there is answered as it was.
    let mixed = world.post(&format!("[{},{}]", event("one", "1"), event("two", "2"))).await.unwrap();
    assert_eq!(mixed.events[0].id, first.events[0].id);
    assert_eq!(world.memory.events.lock().len(), 2);
    let clash = world.post(&format!("[{},{}]", event("three", "1"), event("two", "3"))).await.unwrap_err();
    assert_eq!(clash.issues()[0].pointer, "/1/id");
    let twice = world.post(&format!("[{},{}]", event("four", "1"), event("four", "1"))).await.unwrap_err();
    assert_eq!(twice.issues()[0].code, "id-twice");
    assert_eq!(world.memory.events.lock().len(), 2);
}

#[tokio::test]
async fn a_token_of_one_tenant_posts_for_no_other() {
    let own: Tenant = "acme".parse().unwrap();
    let world = world(&[TenantProfile::new(own.clone(), FixedClock.now())], &[]);
    let bound = |body: &str| Posting { tenant: Some(&own), ..posting(body.to_owned()) };
    world.ingest.accept(bound(EVENT)).await.unwrap();
    assert_eq!(world.memory.events.lock()[0].tenant, own);
    let error = world.ingest.accept(bound(r#"{"type":"a","data":1,"tenant":"default"}"#)).await.unwrap_err();
    assert_eq!((error.code(), error.issues()[0].pointer.as_str()), ("other-tenant", "/tenant"));
}

#[tokio::test]
async fn a_strict_tenant_takes_what_the_catalogue_knows() {
    let strict = TenantProfile { strict: true, ..TenantProfile::new(Tenant::default_tenant(), FixedClock.now()) };
    let schema = r#"{"type":"object","properties":{"order":{"type":"integer"}},"required":["order"]}"#;
    let entry = CatalogueEntry {
        event_type: "order.paid".parse().unwrap(),
        description: String::new(),
        schema: Some(schema.into()),
        sample: None,
        deprecated: false,
        updated_at: FixedClock.now(),
    };
    let world = world(&[strict], &[entry]);
    assert_eq!(world.faults(r#"[{"type":"order.lost","data":1}]"#).await, ["/0/type unknown-type"]);
    assert_eq!(world.faults(r#"{"type":"order.paid","data":{"order":"7"}}"#).await, ["/data/order schema"]);
    world.post(EVENT).await.unwrap();
    assert!(check_schema(&"a".parse().unwrap(), r#"{"type":"nothing"}"#).is_err());
}

#[tokio::test]
async fn cloud_events_are_accepted_in_all_three_modes() {
    let world = world(&[], &[]);
    let one = r#"{"specversion":"1.0","type":"a.b","source":"/shop","id":"7","time":"2026-01-01T00:00:00Z","traceparent":"x","data":{"a":1}}"#;
    let structured = |body: &str, kind| Posting { content_type: Some(kind), ..posting(body.to_owned()) };
    let json = "application/cloudevents+json; charset=utf-8";
    let first = world.ingest.accept(structured(one, json)).await.unwrap();
    let batch = format!("[{one},{}]", one.replace(r#""7""#, r#""8""#));
    let batched = world.ingest.accept(structured(&batch, "application/cloudevents-batch+json")).await.unwrap();
    assert_eq!(batched.events[0].id, first.events[0].id, "source and id make it the same event");

    let attributes =
        [("specversion", "1.0"), ("type", "c.d"), ("source", "/caf%C3%A9"), ("id", "1"), ("environment", "staging")];
    let binary = Posting { attributes: &attributes, content_type: Some("application/xml"), ..posting("<a/>") };
    world.ingest.accept(binary).await.unwrap();
    let events = world.memory.events.lock();
    assert_eq!(events[0].external_id.as_deref(), Some("/shop 7"));
    assert_eq!(events[2].external_id.as_deref(), Some("/café 1"));
    assert_eq!(
        events[2].data,
        Payload { content_type: ContentType::Other("application/xml".into()), bytes: "<a/>".into() }
    );
    assert_eq!(events[2].environment.as_str(), "staging");
}

#[tokio::test]
async fn faulty_cloud_events_are_refused() {
    let world = world(&[], &[]);
    let faults = async |body: &str| {
        let posting = Posting { content_type: Some("application/cloudevents+json"), ..posting(body.to_owned()) };
        let error = world.ingest.accept(posting).await.unwrap_err();
        error.issues().iter().map(|issue| format!("{} {}", issue.pointer, issue.code)).collect::<Vec<_>>()
    };
    assert_eq!(
        faults(r#"{"specversion":"0.3","type":"a","source":"s"}"#).await,
        ["/specversion invalid-value", "/id missing-field"]
    );
    let with = |rest: &str| format!(r#"{{"specversion":"1.0","type":"a","source":"s","id":"1",{rest}}}"#);
    assert_eq!(faults(&with(r#""data":1,"data_base64":"YQ==""#)).await, ["/data_base64 invalid-value"]);
    assert_eq!(faults(&with(r#""data_base64":"YQ==""#)).await, ["/data_base64 invalid-value"], "it decodes to no JSON");
    assert_eq!(faults(&with(r#""datacontenttype":"text/plain","data":5"#)).await, ["/data invalid-value"]);
    assert_eq!(faults(&with(r#""Bad_Name":1"#)).await, ["/Bad_Name unknown-field"]);
    assert!(world.memory.events.lock().is_empty());
    let other = Posting { content_type: Some("text/csv"), ..posting("a,b") };
    assert_eq!(world.ingest.accept(other).await.unwrap_err().code(), "unsupported-content-type");
}
