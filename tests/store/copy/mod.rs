//! Stories of a copy into the other kind of database: everything is there, nothing is there twice, and whoever is in the way is told.

mod doubles;
mod ends;
mod sample;

use std::collections::{BTreeMap, BTreeSet};

use waxwing::model::delivery::Claimed;
use waxwing::model::event::{Event, Payload};
use waxwing::model::ids::EventId;
use waxwing::model::time::Timestamp;
use waxwing::store::copy::tables::TABLES;
use waxwing::store::copy::{BYTES_MAX, CopyError, copy};
use waxwing::store::{Appended, NewBatch, Start, StoreError};

use self::doubles::{Lost, Meddled};
use self::sample::{FIRST_ANSWER, fill, told};
use crate::fixture::{Address, Fixture, Left, NOON, hours};

/// Few rows at a time, so that a table is more than one batch.
const ROWS_AT_ONCE: u32 = 3;

/// What a database keeps for itself: where a migration stands, and what it makes anew of what is copied.
const OWN: [&str; 5] = ["_sqlx_migrations", "idempotency_index", "external_ids", "nodes", "counters"];

/// A stopped server's database with something of everything, what may not be accepted again, and what time it is.
async fn filled(mut f: Fixture) -> (Left, [NewBatch; 2], Timestamp) {
    let seen = fill(&mut f).await;
    let now = f.now;
    let left = f.left().await;
    match left {
        // A try that came in late, of a delivery that was purged by then. What the process had in hand stands so in the file.
        Left::Sqlite(_) => {
            let late = "INSERT INTO attempts VALUES (12345, 1, 1, 0, 5, 6, 0, 7, NULL, x'00', NULL)";
            left.address().runs(late).await;
        }
        // It has signed off, and so let go; as a killed one doesn't.
        Left::Postgres(_) => {
            let dead = "INSERT INTO nodes (id, number, expires_at, name, delivers) OVERRIDING SYSTEM VALUE \
                        VALUES (4711, 711, now() - INTERVAL '1 hour', 'killed', TRUE)";
            left.address().runs(dead).await;
            left.address().runs("UPDATE queue SET node = 4711, due_at = NULL WHERE webhook = 4").await;
        }
    }
    (left, seen, now)
}

pub(crate) async fn the_other_database_gives_back_everything_as_it_was(f: Fixture) {
    let (left, seen, now) = filled(f).await;
    let target = left.other().await;
    let copied = left.address().copied_to(&target.address(), now).await.unwrap();
    assert!(copied.rows.values().all(|rows| *rows > 0), "something of everything: {copied:?}");

    let (before, after) = (Fixture::on(left, now).await, Fixture::on(target, now).await);
    // Only what no process has in hand any more can be compared.
    let held = before.store.recover(now).await.unwrap();
    assert!(held > 0);
    let freed = if after.store.is_shared() { 0 } else { held };
    assert_eq!(after.store.recover(now).await.unwrap(), freed, "on PostgreSQL the copy itself did it");
    let (expected, found) = (told(&before).await, told(&after).await);
    assert!(expected.is_of_everything(), "{expected:#?}");
    assert_eq!(found, expected);
    if after.store.is_shared() {
        let kept = "SELECT least((SELECT count(*) FROM events WHERE class = 365), \
                    (SELECT count(*) FROM queue WHERE class = 365), (SELECT count(*) FROM deliveries WHERE class = 365), \
                    (SELECT count(*) FROM attempts WHERE class = 365), (SELECT count(*) FROM bodies WHERE class = 365))";
        assert!(crate::postgres::count(&after, kept).await > 0, "for as long as its tenant keeps it");
    }
    // What was accepted before is known, and what is pending is taken with all that was known of it.
    let [key, named] = seen;
    let repeat = Appended::Repeat { answer: FIRST_ANSWER.into() };
    for f in [&before, &after] {
        let again = NewBatch { now: now.plus(hours(1)), ..key.clone() };
        assert_eq!(f.store.append(again).await.unwrap(), repeat);
        let again = f.store.append(NewBatch { now: now.plus(hours(1)), ..named.clone() }).await.unwrap();
        assert!(matches!(&again, Appended::ExternalIds { seen, same: true } if seen.len() == 1), "{again:?}");
    }
    let later = now.plus(hours(24 * 30));
    let (one, other) =
        (before.store.claim_due(later, 100).await.unwrap(), after.store.claim_due(later, 100).await.unwrap());
    // A claim's fence is counted in each database's own way.
    let unfenced = |claimed: &Claimed| format!("{:?}", Claimed { fence: 0, ..claimed.clone() });
    assert_eq!(other.iter().map(unfenced).collect::<Vec<_>>(), one.iter().map(unfenced).collect::<Vec<_>>());
    assert!(other.iter().any(|claimed| claimed.attempts == 1 && claimed.fixed.is_some()), "{other:?}");
    assert!(after.id::<EventId>().number() > copied.highest, "ids go on");
    let new = after.accepted(Start::Claimed).await;
    assert!(after.store.complete(after.delivered(&new)).await.unwrap());
}

/// Copies until the target is lost at the write of that number; `false`: there were fewer.
async fn lost_at(left: &Address, target: &Address, now: Timestamp, (number, done): (usize, bool)) -> bool {
    let mut from = left.source().await.unwrap();
    let mut to = Lost { inner: target.target().await.unwrap(), left: number, done };
    match copy(&mut *from, &mut to, ROWS_AT_ONCE, now, &mut |_| {}).await {
        Ok(_) => false,
        Err(CopyError::Target(_)) => true,
        Err(other) => panic!("{other:?}"),
    }
}

pub(crate) async fn broken_off_at_any_write_it_is_gone_on_with(f: Fixture) {
    let (left, _, now) = filled(f).await;
    let whole = left.other().await;
    left.address().copied_to(&whole.address(), now).await.unwrap();
    let whole = Fixture::on(whole, now).await;
    whole.store.recover(now).await.unwrap();
    let expected = told(&whole).await;
    // One target is lost at every write there is, one after the other: each run gets one write further than the one before.
    for done in [false, true] {
        let (target, mut runs) = (left.other().await, 0);
        while lost_at(&left.address(), &target.address(), now, (usize::from(!done), done)).await {
            runs += 1;
            assert!(runs < 200, "it gets nowhere");
        }
        assert!(runs > TABLES.len(), "{runs} runs");
        let f = Fixture::on(target, now).await;
        f.store.recover(now).await.unwrap();
        assert_eq!(told(&f).await, expected);
    }
}

pub(crate) async fn what_is_copied_is_every_table_and_every_column(f: Fixture) {
    let left = f.left().await;
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for table in TABLES {
        let mut columns: BTreeSet<String> = table.columns.iter().map(|column| column.name.to_owned()).collect();
        let own = match &left {
            // Its number in SQLite's log of keys.
            Left::Sqlite(_) => (table.name == "idempotency_keys").then_some("id"),
            Left::Postgres(_) => table.tenant.map(|_| "class").or(table.postgres_derived.map(|(name, _)| name)),
        };
        columns.extend(own.map(str::to_owned));
        known.insert(table.name.to_owned(), columns);
    }
    let mut there = left.address().tables().await;
    there.retain(|table, _| !OWN.contains(&table.as_str()) && !table.starts_with("sqlite_"));
    assert_eq!(there, known, "a table or a column that store/copy/tables.rs doesn't know, or knows wrongly");
}

/// A filled source, and a target that was lost in the middle of its copy.
async fn half_copied(f: Fixture) -> (Left, Left, Timestamp) {
    let (left, _, now) = filled(f).await;
    let target = left.other().await;
    assert!(lost_at(&left.address(), &target.address(), now, (9, true)).await);
    (left, target, now)
}

pub(crate) async fn no_server_starts_on_half_a_copy(f: Fixture) {
    let (left, target, now) = half_copied(f).await;
    let (from, to, third) = (left.address(), target.address(), target.other().await);
    let refused = to.refusal().await;
    assert!(matches!(refused, Some(StoreError::UnfinishedCopy)), "{refused:?}");
    let refused = to.copied_to(&third.address(), now).await;
    assert!(matches!(refused, Err(CopyError::UnfinishedSource)), "{refused:?}");
    from.copied_to(&to, now).await.unwrap();
    assert!(to.refusal().await.is_none());
}

pub(crate) async fn a_target_that_holds_something_is_left_alone(f: Fixture) {
    let (left, _, now) = filled(f).await;
    let target = left.other().await;
    let (from, to) = (left.address(), target.address());
    let copied = from.copied_to(&to, now).await.unwrap();
    assert_eq!(from.copied_to(&to, now).await.unwrap(), copied, "all is there already");
    let served = Fixture::on(target, now).await;
    served.accepted(Start::Waiting).await;
    let target = served.left().await;
    let refused = from.copied_to(&to, now).await;
    assert!(matches!(refused, Err(CopyError::NotEmpty { table: "settings" })), "{refused:?}");
    to.runs("DELETE FROM settings WHERE name <> 'key_id'").await;
    let before = to.target().await.unwrap().holding().await.unwrap();
    let refused = from.copied_to(&to, now).await;
    assert!(matches!(refused, Err(CopyError::NotEmpty { table: "tenants" })), "{refused:?}");
    let mut after = to.target().await.unwrap();
    assert_eq!((after.mark().await.unwrap(), after.holding().await.unwrap()), (None, before), "nothing was written");
    drop((left, target));
}

pub(crate) async fn a_target_of_another_key_is_left_alone(f: Fixture) {
    let left = f.left().await;
    let target = left.other().await;
    let (from, to) = (left.address(), target.address());
    drop(to.target().await.unwrap());
    to.runs("INSERT INTO settings (name, value) VALUES ('key_id', 'another')").await;
    let refused = from.copied_to(&to, NOON).await;
    assert!(matches!(refused, Err(CopyError::OtherKey)), "{refused:?}");
    assert_eq!(to.target().await.unwrap().mark().await.unwrap(), None, "nothing was written");
    to.runs("DELETE FROM settings").await;
    from.copied_to(&to, NOON).await.unwrap();
    assert!(to.refusal().await.is_none(), "it has the source's key");
}

pub(crate) async fn a_copy_is_not_gone_on_with_from_another_source(f: Fixture) {
    let (left, target, now) = half_copied(f).await;
    let served = Fixture::on(left, now).await;
    served.accepted(Start::Waiting).await;
    let left = served.left().await;
    let refused = left.address().copied_to(&target.address(), now).await;
    assert!(matches!(refused, Err(CopyError::OtherSource)), "{refused:?}");
}

pub(crate) async fn a_database_that_a_server_works_on_is_neither_read_nor_written(f: Fixture) {
    let (left, _, now) = filled(f).await;
    let target = left.other().await;
    let empty = target.other().await;
    let served = Fixture::on(target, now).await;
    let refused = left.address().copied_to(&served.address(), now).await;
    assert!(matches!(refused, Err(CopyError::Target(StoreError::Locked { .. }))), "{refused:?}");
    let refused = served.address().copied_to(&empty.address(), now).await;
    assert!(matches!(refused, Err(CopyError::Source(StoreError::Locked { .. }))), "{refused:?}");
    served.accepted(Start::Claimed).await;
}

pub(crate) async fn what_a_server_did_to_the_source_meanwhile_is_told(f: Fixture) {
    let (left, _, now) = filled(f).await;
    let target = left.other().await;
    let mut from = Meddled { inner: left.address().source().await.unwrap(), address: left.address() };
    let mut to = target.address().target().await.unwrap();
    match copy(&mut from, &mut *to, ROWS_AT_ONCE, now, &mut |_| {}).await {
        Err(CopyError::SourceChanged { changed }) => assert_eq!(changed, "health: 1 rows, then 0"),
        other => panic!("{other:?}"),
    }
    drop(to);
    let refused = target.address().refusal().await;
    assert!(matches!(refused, Some(StoreError::UnfinishedCopy)), "{refused:?}");
}

pub(crate) async fn rows_that_are_lost_on_the_way_are_told(f: Fixture) {
    let (left, target, now) = half_copied(f).await;
    target.address().runs("DELETE FROM tokens").await;
    match left.address().copied_to(&target.address(), now).await {
        Err(CopyError::NotWhole { missing }) => assert_eq!(missing, "tokens: 2 rows, then 0"),
        other => panic!("{other:?}"),
    }
    let refused = target.address().refusal().await;
    assert!(matches!(refused, Some(StoreError::UnfinishedCopy)), "{refused:?}");
}

pub(crate) async fn large_rows_come_in_small_batches(f: Fixture) {
    for _ in 0..5 {
        let data = Payload::json(format!("\"{}\"", "x".repeat(BYTES_MAX / 3)));
        let large = Event { data, ..f.event("order.paid") };
        f.store.append(f.batch(vec![f.to(large, &[], Start::Waiting)])).await.unwrap();
    }
    let left = f.left().await;
    let events = TABLES.iter().find(|table| table.name == "events").unwrap();
    let mut source = left.address().source().await.unwrap();
    let first = source.read(events, &[], 100).await.unwrap();
    let second = source.read(events, &first.last, 100).await.unwrap();
    let third = source.read(events, &second.last, 100).await.unwrap();
    assert_eq!([first.rows.len(), second.rows.len(), third.rows.len()], [3, 2, 0]);
}

pub(crate) async fn a_source_of_another_schema_is_not_read(f: Fixture) {
    let left = f.left().await;
    let target = left.other().await;
    left.address().runs("DELETE FROM _sqlx_migrations WHERE version > 1").await;
    let refused = left.address().copied_to(&target.address(), NOON).await;
    assert!(matches!(refused, Err(CopyError::OldSchema { found: 1, .. })), "{refused:?}");
    left.address().runs("UPDATE _sqlx_migrations SET version = 99").await;
    let refused = left.address().copied_to(&target.address(), NOON).await;
    assert!(matches!(refused, Err(CopyError::Source(StoreError::SchemaVersion { found: 99, .. }))), "{refused:?}");
    left.address().runs("DROP TABLE _sqlx_migrations").await;
    let refused = left.address().copied_to(&target.address(), NOON).await;
    assert!(matches!(refused, Err(CopyError::NoSchema)), "{refused:?}");
}

pub(crate) async fn one_copy_at_a_time_writes_a_target(f: Fixture) {
    let left = f.left().await;
    let target = left.other().await;
    let first = target.address().target().await.unwrap();
    let refused = target.address().target().await.err();
    assert!(matches!(refused, Some(CopyError::Target(StoreError::Locked { .. }))), "{refused:?}");
    drop(first);
    left.address().copied_to(&target.address(), NOON).await.unwrap();
}
