//! What is admitted, put to arbitrary documents: the reader of events against another one, and the data against the poster's bytes.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use waxwing::clock::SystemClock;
use waxwing::handoff::Handoff;
use waxwing::ingest::{DEPTH_MAX, Ingest, Parts, Posting, Problem, Rulebook, check_json};
use waxwing::model::delivery::Claimed;
use waxwing::model::event::Event;
use waxwing::model::ids::{EventId, IdSource};
use waxwing::model::name::Tenant;
use waxwing::model::page::{Page, PageRequest};
use waxwing::model::tenant::Defaults;
use waxwing::model::webhook::Webhook;
use waxwing::route::Directory;
use waxwing::store::{Appended, EventFilter, Events, NewBatch, Result, Start};

/// A document as it may be written: any order, white space anywhere, any spelling of numbers and letters.
fn document() -> impl Strategy<Value = String> {
    let space = || prop::sample::select(vec!["", "", " ", "\n", "\t\r\n "]);
    let number = prop::sample::select(vec!["0", "-0", "1.50", "1e3", "-12.25E-2", "0.1e+1", "9007199254740993"]);
    let escape = prop::sample::select(vec![r#"\""#, r"\\", r"\/", r"\n", r"\u0041", r"\ud83d\ude00", r"\uFFFF"]);
    let piece = prop_oneof![3 => "[ -!#-\\[\\]-~äß漢😀\u{7f}]{0,4}", 1 => escape.prop_map(str::to_owned)];
    let string = prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat())).boxed();
    let word = prop::sample::select(vec!["true", "false", "null"]);
    let leaf = prop_oneof![number.prop_map(str::to_owned), word.prop_map(str::to_owned), string.clone()];
    let around =
        move |text: String| (space(), space()).prop_map(move |(before, after)| format!("{before}{text}{after}"));
    leaf.prop_recursive(6, 40, 5, move |inner| {
        let item = inner.clone().prop_flat_map(around);
        let member = (string.clone().prop_flat_map(around), inner.prop_flat_map(around));
        let member = member.prop_map(|(key, value)| format!("{key}:{value}"));
        let list = prop::collection::vec(item, 0..5).prop_map(|items| format!("[{}]", items.join(",")));
        let object = prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(",")));
        prop_oneof![list, object]
    })
}

/// A document with a few bytes changed, most often for the worse.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => prop::sample::select(br#"{}[]",:\0123456789.eE+-tfnu /"#.to_vec()), 1 => any::<u8>()];
    let change = (any::<prop::sample::Index>(), byte, 0..3_u8);
    (document(), prop::collection::vec(change, 0..3)).prop_map(|(text, changes)| {
        let mut text = text.into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(text.len().max(1));
            match how {
                0 => text.insert(at, byte),
                _ if text.is_empty() => {}
                1 => text[at] = byte,
                _ => drop(text.remove(at)),
            }
        }
        text
    })
}

/// What `serde_json` reads, with the one rule besides that no object has a key twice.
struct NoTwins;

impl<'de> Deserialize<'de> for NoTwins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = NoTwins;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_i64<E>(self, _: i64) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_u64<E>(self, _: u64) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_f64<E>(self, _: f64) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_str<E>(self, _: &str) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_unit<E>(self) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<NoTwins, A::Error> {
        while items.next_element::<NoTwins>()?.is_some() {}
        Ok(NoTwins)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<NoTwins, A::Error> {
        let mut keys = HashSet::new();
        while let Some((key, NoTwins)) = members.next_entry::<String, NoTwins>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom("twins"));
            }
        }
        Ok(NoTwins)
    }
}

/// Keeps what it is given.
#[derive(Default)]
struct Kept(Mutex<Vec<Arc<Event>>>);

#[async_trait]
impl Events for Kept {
    async fn append(&self, batch: NewBatch) -> Result<Appended> {
        self.0.lock().extend(batch.events.into_iter().map(|new| new.event));
        Ok(Appended::Stored)
    }

    async fn event(&self, _: Option<&Tenant>, _: EventId) -> Result<Option<Arc<Event>>> {
        Ok(None)
    }

    async fn events(&self, _: &EventFilter, _: PageRequest) -> Result<Page<Arc<Event>>> {
        Ok(Page { rows: Vec::new(), next: None, scanned_to: None })
    }

    async fn highest_id(&self) -> Result<u64> {
        Ok(0)
    }
}

struct Nobody;

impl Handoff for Nobody {
    fn reserve(&self, _: &Arc<Webhook>) -> Start {
        Start::Waiting
    }

    fn take(&self, _: Vec<Claimed>) {}

    fn release(&self, _: &Arc<Webhook>, _: usize) {}
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());

/// Posts a body; the events that were accepted, or the code of the refusal.
fn post(body: &str) -> Result<Vec<Arc<Event>>, &'static str> {
    let kept = Arc::new(Kept::default());
    let ingest = Ingest::new(Parts {
        store: Arc::clone(&kept) as Arc<dyn Events + Send + Sync>,
        handoff: Arc::new(Nobody),
        directory: Arc::new(Directory::default()),
        rulebook: Arc::new(Rulebook::new(&[], &[], &Defaults::default()).0),
        ids: Arc::new(IdSource::new(1, 0)),
        clock: Arc::new(SystemClock),
    });
    let (body, path) = (Bytes::from(body.to_owned()), "/api/events");
    let posting =
        Posting { body, content_type: None, attributes: &[], tenant: None, idempotency_key: None, path, place: None };
    let accepted = RUNTIME.block_on(ingest.accept(posting));
    let events = std::mem::take(&mut *kept.0.lock());
    match accepted {
        Ok(_) => Ok(events),
        Err(error) => {
            assert!(events.is_empty(), "refused and yet written");
            Err(error.code())
        }
    }
}

fn nested(depth: usize) -> String {
    // Objects and arrays in turn.
    let opened: String = (0..depth).map(|level| if level % 2 == 0 { "[" } else { r#"{"k":"# }).collect();
    let closed: String = (0..depth).rev().map(|level| if level % 2 == 0 { "]" } else { "}" }).collect();
    format!("{opened}{}{closed}", if depth.is_multiple_of(2) && depth > 0 { "0" } else { "" })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn exactly_the_documents_of_another_reader_are_accepted(text in damaged()) {
        let other = serde_json::from_slice::<NoTwins>(&text).map(drop);
        let shown = String::from_utf8_lossy(&text);
        match (check_json(&text), other) {
            (Ok(()), Ok(())) | (Err(_), Err(_)) => {}
            // A number may be larger than other readers hold: nobody here turns it into one.
            (Ok(()), Err(error)) => prop_assert!(error.to_string().contains("number out of range"), "{shown}: {error}"),
            (Err(error), Ok(())) => prop_assert!(false, "{shown}: {error}"),
        }
    }

    #[test]
    fn the_data_is_to_the_byte_what_was_posted(data in document(), more in document()) {
        prop_assume!(check_json(data.as_bytes()).is_ok() && check_json(more.as_bytes()).is_ok());
        let one = post(&format!(r#" {{ "data" :{data}, "type":"a.b" }} "#)).unwrap();
        prop_assert_eq!(&one[0].data.bytes[..], data.trim_matches([' ', '\t', '\r', '\n']).as_bytes());
        let two = post(&format!(r#"[{{"type":"a","data":{data}}},{{"event":"b","data": {more} }}]"#)).unwrap();
        prop_assert_eq!(&two[1].data.bytes[..], more.trim_matches([' ', '\t', '\r', '\n']).as_bytes());
    }

    #[test]
    fn a_damaged_event_is_accepted_whole_or_leaves_nothing(text in damaged()) {
        let text = String::from_utf8_lossy(&text).into_owned();
        let sound = serde_json::from_str::<NoTwins>(&text).is_ok();
        match post(&format!(r#"{{"type":"a","data":{text}}}"#)) {
            Ok(events) => prop_assert_eq!(events.len(), 1),
            Err(code) => prop_assert!(!sound, "{text}: {code}"),
        }
    }

    #[test]
    fn nesting_is_taken_to_the_limit_and_not_a_level_deeper(depth in 1..=2 * DEPTH_MAX) {
        let told = check_json(nested(depth).as_bytes()).map_err(|bad| bad.problem);
        prop_assert_eq!(told, if depth <= DEPTH_MAX { Ok(()) } else { Err(Problem::TooDeep) });
        // The event around it is a level of its own.
        let posted = post(&format!(r#"{{"type":"a","data":{}}}"#, nested(depth))).map(|events| events.len());
        prop_assert_eq!(posted, if depth < DEPTH_MAX { Ok(1) } else { Err("too-deep") });
    }
}
