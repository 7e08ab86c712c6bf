//! Stories of sinks: how many there may be, what is kept of what comes, and what goes with what.

use std::time::Duration;

use waxwing::model::name::Tenant;
use waxwing::model::page::PageRequest;
use waxwing::model::secret::Secret;
use waxwing::model::sink::{KEPT_FOR, Received, ReceivedHead, SignatureSeen, Sink, SinkAnswer};
use waxwing::model::tenant::TenantProfile;
use waxwing::model::time::Timestamp;

use crate::fixture::Fixture;

const ALL: PageRequest = PageRequest { limit: 250, before: None };
const EVER: Timestamp = Timestamp::from_millis(0);

pub(crate) fn sink(f: &Fixture, tenant: &str, token: &str) -> Sink {
    let headers = [("retry-after".to_owned(), "7".to_owned())].into();
    Sink {
        id: f.id(),
        tenant: tenant.parse().unwrap(),
        name: format!("of {tenant}"),
        token: Secret::new(token),
        answer: SinkAnswer { status: 503, headers, body: "later – please".into(), delay_ms: 20 },
        created_at: f.now,
    }
}

pub(crate) fn received(f: &Fixture, sink: &Sink, body: &'static [u8]) -> Received {
    let header = |name: &str, value: &str| waxwing::model::request::Header { name: name.into(), value: value.into() };
    let head = ReceivedHead {
        method: "POST".into(),
        target: "/below?a=1".into(),
        headers: vec![header("x-test", "one"), header("x-test", "two")],
        size: 1 << 40,
        status: 503,
        signature: Some(SignatureSeen { webhook: f.id(), fault: Some("too old".into()) }),
    };
    Received { id: f.id(), sink: sink.id, head, body: body.into() }
}

fn hash(token: &str) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(token).into()
}

async fn bodies(f: &Fixture, sink: &Sink) -> Vec<bytes::Bytes> {
    let found = f.store.received(sink.id, EVER, ALL).await.unwrap();
    found.rows.into_iter().map(|received| received.body).collect()
}

pub(crate) async fn a_sink_is_found_by_its_id_and_its_token_and_a_tenant_has_so_many(f: Fixture) {
    let (first, second, others) = (sink(&f, "acme", "a"), sink(&f, "acme", "b"), sink(&f, "umbrella", "c"));
    for each in [&first, &others] {
        assert!(f.store.add_sink(each, 1).await.unwrap());
    }
    assert!(!f.store.add_sink(&second, 1).await.unwrap(), "one more than it may have");
    assert!(f.store.add_sink(&second, 2).await.unwrap());
    let acme: Tenant = "acme".parse().unwrap();
    let listed = |tenant: Option<Tenant>| {
        let store = f.store.clone();
        async move { store.sinks(tenant.as_ref(), ALL).await.unwrap().rows }
    };
    assert_eq!(listed(Some(acme.clone())).await, [second.clone(), first.clone()]);
    assert_eq!(listed(None).await, [others.clone(), second.clone(), first.clone()]);
    let page = f.store.sinks(None, PageRequest { limit: 1, before: None }).await.unwrap();
    let rest = f.store.sinks(None, PageRequest { limit: 250, before: page.next }).await.unwrap();
    assert_eq!(rest.rows, [second, first.clone()]);
    assert_eq!(f.store.sink(Some(&acme), first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(f.store.sink(Some(&acme), others.id).await.unwrap(), None);
    assert_eq!(f.store.sink_by_hash(&hash("c")).await.unwrap(), Some(others));
    assert_eq!(f.store.sink_by_hash(&hash("d")).await.unwrap(), None);
    let changed = Sink { name: "another".into(), answer: SinkAnswer::default(), ..first.clone() };
    assert!(f.store.change_sink(&changed).await.unwrap());
    assert_eq!(f.store.sink(None, first.id).await.unwrap(), Some(changed.clone()));
    assert!(f.store.delete_sink(first.id).await.unwrap());
    assert!(!f.store.delete_sink(first.id).await.unwrap());
    assert!(!f.store.change_sink(&changed).await.unwrap());
}

pub(crate) async fn of_what_came_the_newest_stay_for_a_while(mut f: Fixture) {
    let (own, other) = (sink(&f, "acme", "a"), sink(&f, "acme", "b"));
    for each in [&own, &other] {
        f.store.add_sink(each, 9).await.unwrap();
    }
    let kept = received(&f, &other, b"\0\xff");
    f.store.keep_received(&kept, 3).await.unwrap();
    assert_eq!(f.store.one_received(other.id, kept.id).await.unwrap(), Some(kept.clone()));
    assert_eq!(f.store.one_received(own.id, kept.id).await.unwrap(), None, "it came to another sink");
    for body in [b"1", b"2", b"3", b"4"] {
        f.advance(Duration::from_secs(60));
        f.store.keep_received(&received(&f, &own, body), 3).await.unwrap();
    }
    assert_eq!(bodies(&f, &own).await, ["4", "3", "2"]);
    assert_eq!(bodies(&f, &other).await, [kept.body], "another sink's stay");
    let since = f.now.minus(Duration::from_secs(60));
    assert_eq!(f.store.received(own.id, since, ALL).await.unwrap().rows.len(), 2);
    assert_eq!(f.store.forget_received(f.now.minus(KEPT_FOR), 9).await.unwrap(), 0);
    f.advance(KEPT_FOR);
    assert_eq!(f.store.forget_received(f.now.minus(KEPT_FOR), 2).await.unwrap(), 2, "a step at a time");
    assert_eq!((bodies(&f, &own).await, bodies(&f, &other).await.len()), (vec!["4".into(), "3".into()], 0));
    assert_eq!(f.store.clear_received(own.id).await.unwrap(), 2);
    assert_eq!(bodies(&f, &own).await.len(), 0);
}

pub(crate) async fn what_came_goes_with_its_sink_and_a_sink_with_its_tenant(f: Fixture) {
    let tenant = TenantProfile::new("acme".parse().unwrap(), f.now);
    f.store.save_tenant(&tenant).await.unwrap();
    let (first, second) = (sink(&f, "acme", "a"), sink(&f, "acme", "b"));
    for each in [&first, &second] {
        f.store.add_sink(each, 9).await.unwrap();
        f.store.keep_received(&received(&f, each, b"came"), 9).await.unwrap();
    }
    f.store.delete_sink(first.id).await.unwrap();
    assert_eq!((bodies(&f, &first).await.len(), bodies(&f, &second).await.len()), (0, 1));
    f.store.keep_received(&received(&f, &first, b"late"), 9).await.unwrap();
    assert_eq!(bodies(&f, &first).await.len(), 0, "nothing is kept for a sink that is gone");
    assert!(f.store.delete_tenant(&tenant.name).await.unwrap());
    assert_eq!(f.store.sinks(None, ALL).await.unwrap().rows, []);
    assert_eq!(bodies(&f, &second).await.len(), 0);
}
