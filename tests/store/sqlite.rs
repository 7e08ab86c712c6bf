//! What only the SQLite file can be asked: its lock, its key, its bytes, its schema.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use waxwing::model::delivery::{Fixed, FixedBody};
use waxwing::model::ids::RevisionId;
use waxwing::model::name::Tenant;
use waxwing::store::{Appended, Completion, Start, StoreError, Webhooks};

use crate::append::keyed;
use crate::fixture::{Fixture, KEY, days, hours, open_sqlite};
use crate::samples::{all_claimed, claimed, ids};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_opener_is_told_who_holds_the_file() {
    let f = Fixture::sqlite().await;
    match open_sqlite(&f.path(), KEY).await {
        Err(StoreError::Locked { holder }) => {
            assert_eq!(holder, format!("process {}, since 2026-01-31T12:00:00.000Z", std::process::id()));
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two hold the same file"),
    }
    let f = f.reopened().await;
    f.accepted(Start::Claimed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_does_not_open_the_file() {
    let f = Fixture::sqlite().await;
    let webhook = f.webhook("shop");
    f.store.save_webhook(&webhook, None, None).await.unwrap();
    let (folder, path) = f.closed().await;
    assert!(matches!(open_sqlite(&path, [8; 32]).await, Err(StoreError::WrongKey)));
    let store = open_sqlite(&path, KEY).await.unwrap();
    assert_eq!(store.webhooks().await.unwrap(), [webhook]);
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_stands_in_the_file() {
    let f = Fixture::sqlite().await;
    f.store.save_webhook(&f.webhook("shop"), None, None).await.unwrap();
    let (folder, path) = f.closed().await;
    let bytes: Vec<u8> = std::fs::read_dir(path.parent().unwrap())
        .unwrap()
        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    let stands = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(stands("order.*"), "the search finds what isn't secret");
    for secret in [
        "VERYSECRETPATH",
        "HEADERSECRETVALUE",
        "NEWSIGNINGSECRET",
        "OLDSIGNINGSECRET",
        "STAGESECRETVALUE",
        "SECRETENDPOINT",
    ] {
        assert!(!stands(secret), "{secret}");
    }
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_a_newer_program_is_left_alone() {
    let (folder, path) = Fixture::sqlite().await.closed().await;
    let mut connection = connect(&path).await;
    sqlx::query("UPDATE _sqlx_migrations SET version = 99 WHERE version = 3").execute(&mut connection).await.unwrap();
    drop(connection);
    let refused = open_sqlite(&path, KEY).await;
    assert!(matches!(refused, Err(StoreError::SchemaVersion { found: 99, known: 3 })));
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_fails_refuses_its_call_and_the_next_one_is_written() {
    let f = Fixture::sqlite().await;
    let kept = f.accepted(Start::Claimed).await;
    let big = || {
        let mut event = f.event("order.paid");
        event.data = waxwing::model::event::Payload::json(format!("\"{}\"", "x".repeat(500_000)));
        f.batch(vec![f.to(event, &[1], Start::Claimed)])
    };
    // A full disk can't be had without privileges: a trigger fails in the middle of the transaction instead.
    let mut connection = connect(&f.path()).await;
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT raise(ABORT, 'disk is full'); END";
    sqlx::query(refuse).execute(&mut connection).await.unwrap();
    let refused = big();
    let refused_id = refused.events[0].event.id;
    let error = f.store.append(refused).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let source = std::error::Error::source(&error).map(chain);
    assert!(source.clone().is_some_and(|text| text.contains("disk is full")), "{source:?}");
    sqlx::query("DROP TRIGGER refuse").execute(&mut connection).await.unwrap();

    f.store.append(big()).await.unwrap();
    assert_eq!(f.store.event(None, refused_id).await.unwrap(), None, "nothing of it was written");
    assert!(f.store.complete(f.delivered(&kept)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purged_keys_are_gone_and_those_kept_later_are_found_after_a_restart() {
    let mut f = Fixture::sqlite().await;
    for key in ["a", "b", "c"] {
        f.store.append(keyed(&f, key, [1; 32], key)).await.unwrap();
    }
    f.advance(hours(25));
    f.store.append(keyed(&f, "d", [1; 32], "d")).await.unwrap();
    assert_eq!(f.store.purge(f.now, 100).await.unwrap().rows, 3);
    assert_eq!(f.store.append(keyed(&f, "a", [1; 32], "anew")).await.unwrap(), Appended::Stored);
    f.advance(hours(25));
    f.store.purge(f.now, 100).await.unwrap();
    f.store.append(keyed(&f, "b", [1; 32], "anew")).await.unwrap();
    let f = f.reopened().await;
    let again = f.store.append(keyed(&f, "b", [1; 32], "")).await.unwrap();
    assert_eq!(again, Appended::Repeat { answer: "anew".into() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn until_it_recovers_nothing_is_taken_from_the_process_before() {
    let f = Fixture::sqlite().await;
    let held = f.accepted(Start::Claimed).await;
    let f = f.reopened().await;
    assert!(f.store.claim_due(f.now, 10).await.unwrap().is_empty());
    assert_eq!(f.store.recover(f.now).await.unwrap(), 1);
    assert_eq!(ids(&f.store.claim_due(f.now, 10).await.unwrap()), [held.id]);
}

/// Of events, deliveries, attempts, bodies and keys.
async fn rows(f: &Fixture) -> i64 {
    let mut file = SqliteConnectOptions::new().filename(f.path()).connect().await.unwrap();
    let each = ["events", "deliveries", "attempts", "bodies", "idempotency_keys", "idempotency_index"];
    let all = each.map(|table| format!("(SELECT count(*) FROM {table})")).join(" + ");
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT {all}"))).fetch_one(&mut file).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_a_purge_deletes_no_more_rows_than_it_may() {
    let mut f = Fixture::sqlite().await;
    let made = Some(Fixed { revision: RevisionId::from(9), body: FixedBody::Replaced("{}".into()) });
    for fan_out in [1, 1, 0, 40, 1, 3, 1] {
        let webhooks: Vec<u64> = (1..=fan_out).collect();
        let new = f.to(f.event("order.paid"), &webhooks, Start::Claimed);
        f.store.append(f.batch(vec![new.clone()])).await.unwrap();
        for claimed in all_claimed(&new) {
            f.store.complete(Completion { fixed: made.clone(), ..f.delivered(&claimed) }).await.unwrap();
        }
    }
    for key in ["a", "b", "c"] {
        let mut batch = keyed(&f, key, [1; 32], key);
        batch.events.iter_mut().for_each(|new| new.deliveries.clear());
        f.store.append(batch).await.unwrap();
    }
    f.advance(days(31));
    f.store.append(keyed(&f, "newest", [1; 32], "")).await.unwrap();
    let (mut left, mut steps) = (rows(&f).await, 0);
    while f.store.purge(f.now, 10).await.unwrap().more {
        let now = rows(&f).await;
        assert!((1..=10).contains(&(left - now)), "{} rows in one step, {now} are left", left - now);
        (left, steps) = (now, steps + 1);
    }
    assert!(steps >= 12, "{steps}");
    // What was accepted just now, with its key.
    assert_eq!(rows(&f).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_are_committed_between_the_steps_of_a_purge() {
    let mut f = Fixture::sqlite().await;
    for _ in 0..20 {
        let some: Vec<_> = (0..50).map(|_| f.to(f.event("order.paid"), &[1], Start::Claimed)).collect();
        f.store.append(f.batch(some.clone())).await.unwrap();
        let ended = some.iter().map(|new| Arc::new(f.delivered(&claimed(new)))).collect();
        f.store.complete_all(ended).await.unwrap();
    }
    f.advance(days(31));
    let (store, now, steps) = (Arc::clone(&f.store), f.now, Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&steps);
    let purge = tokio::spawn(async move {
        while store.purge(now, 20).await.unwrap().more {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let mut between = HashSet::new();
    while !purge.is_finished() {
        f.accepted(Start::Claimed).await;
        between.insert(steps.load(Ordering::SeqCst));
    }
    purge.await.unwrap();
    let steps = steps.load(Ordering::SeqCst);
    assert!(steps >= 150 && between.len() >= 5, "appends came between {} of {steps} steps", between.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_expired_goes_row_by_row_while_another_of_its_day_is_in_hand() {
    let mut f = Fixture::sqlite().await;
    let waiting = f.accepted(Start::Waiting).await;
    let held = f.accepted(Start::Claimed).await;
    f.advance(days(31));
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 1);
    f.advance(days(1));
    assert!(f.store.purge(f.now, 1000).await.unwrap().rows > 0);
    assert_eq!(f.store.delivery(None, waiting.id).await.unwrap(), None);
    assert!(f.store.event(None, held.event.id).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purging_goes_in_steps_of_a_bounded_number_of_rows() {
    let mut f = Fixture::sqlite().await;
    let new = f.to(f.event("order.paid"), &[1; 40], Start::Waiting);
    let event = new.event.id;
    f.store.append(f.batch(vec![new])).await.unwrap();
    for _ in 0..10 {
        let claimed = f.accepted(Start::Claimed).await;
        f.store.complete(f.delivered(&claimed)).await.unwrap();
    }
    f.store.cancel_pending(1.into(), "deleted", f.now, 1000).await.unwrap();
    f.advance(days(60));
    let mut steps = Vec::new();
    loop {
        let step = f.store.purge(f.now, 20).await.unwrap();
        if !step.more {
            break;
        }
        steps.push(step.rows);
    }
    assert!(steps.iter().all(|step| *step <= 20), "{steps:?}");
    assert!(steps.len() >= 5, "{steps:?}");
    assert_eq!(f.store.event(None, event).await.unwrap(), None);
    assert!(f.store.delete_tenant(&Tenant::default_tenant()).await.is_ok());
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

async fn connect(path: &std::path::Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions;
    sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}
