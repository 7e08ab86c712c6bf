//! What only PostgreSQL can be asked: its days, what it can't hold, and that it goes away and comes back.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, Row};
use waxwing::model::attempt::Trigger;
use waxwing::model::delivery::{DeliveryStatus, Next};
use waxwing::model::ids::DeliveryId;
use waxwing::model::name::Tenant;
use waxwing::model::tenant::{Retention, TenantProfile};
use waxwing::store::postgres::PostgresStore;
use waxwing::store::{Appended, Completed, Events, NewDelivery, Nodes, Start, StoreError};

use crate::fixture::{Fixture, KEY, NOON, days, open_postgres};
use crate::samples::ids;

pub(crate) async fn count(f: &Fixture, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&mut f.database().connect().await).await.unwrap()
}

story!(days_are_made_ahead_and_on_demand_and_dropped_when_nothing_of_them_is_pending, f, {
    let tables = "SELECT count(*) FROM pg_inherits WHERE inhparent = CAST('events_30' AS regclass)";
    assert_eq!(count(&f, tables).await, 4, "today and three more");
    f.advance(days(10));
    let late = f.accepted(Start::Waiting).await;
    assert_eq!(count(&f, tables).await, 5);
    f.advance(days(35));
    // The first four are empty; the other holds something that expired, and is shown for a day.
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 1);
    assert_eq!(count(&f, tables).await, 5, "four more ahead, the first four gone");
    f.advance(days(2));
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 1, "a day that held something");
    assert_eq!(f.store.event(None, late.event.id).await.unwrap(), None);
});

story!(a_day_that_somebody_reads_is_dropped_later_and_nobody_waits_for_that, f, {
    let old = f.accepted(Start::Claimed).await;
    f.store.complete(f.delivered(&old)).await.unwrap();
    f.advance(days(33));
    f.accepted(Start::Claimed).await;
    // A backup, say: it holds on to every table that it has seen.
    let mut reading = f.database().connect().await;
    let mut backup = reading.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM events").execute(&mut *backup).await.unwrap();

    let (store, now) = (Arc::clone(&f.store), f.now);
    let purge = tokio::spawn(async move { store.purge(now, 1000).await.unwrap().rows });
    let mut looking = f.database().connect().await;
    let waits = "SELECT EXISTS (SELECT FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid \
                 WHERE NOT l.granted AND a.datname = current_database())";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut looking).await.unwrap() {
        assert!(!purge.is_finished(), "it didn't wait for whoever reads");
    }
    for _ in 0..5 {
        let new = f.accepted(Start::Claimed).await;
        f.store.complete(f.delivered(&new)).await.unwrap();
    }
    assert!(!purge.is_finished(), "whoever posts waited until the purge gave up");
    assert_eq!(purge.await.unwrap(), 0, "a day is still in use");
    let half = "SELECT count(*) FROM pg_inherits WHERE inhdetachpending";
    assert_eq!(count(&f, half).await, 1, "it gave up in the midst of it");
    backup.rollback().await.unwrap();

    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 1);
    assert_eq!(f.store.event(None, old.event.id).await.unwrap(), None);
    let left = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE '%20260131'";
    assert_eq!(count(&f, left).await, 0, "nothing of the day is left, attached or not");
});

story!(what_a_crash_left_of_a_day_is_dropped_too, f, {
    let old = f.accepted(Start::Claimed).await;
    f.store.complete(f.delivered(&old)).await.unwrap();
    f.advance(days(33));
    for part in ["attempts", "deliveries"] {
        let detach = format!("ALTER TABLE {part}_30 DETACH PARTITION {part}_30_20260131");
        sqlx::query(AssertSqlSafe(detach)).execute(&mut f.database().connect().await).await.unwrap();
    }
    sqlx::query("DROP TABLE deliveries_30_20260131").execute(&mut f.database().connect().await).await.unwrap();
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 1);
    let left = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE '%20260131'";
    assert_eq!(count(&f, left).await, 0);
});

story!(nothing_of_a_day_that_is_over_comes_back_into_the_queue, f, {
    let old = f.accepted(Start::Claimed).await;
    f.store.complete(f.delivered(&old)).await.unwrap();
    let replay = |id| NewDelivery {
        id,
        webhook: old.webhook,
        start: Start::Waiting,
        trigger: Trigger::Automatic,
        replay_of: Some(old.id),
    };
    f.advance(days(30));
    let late: DeliveryId = f.id();
    assert_eq!(f.store.enqueue(vec![(old.event.id, replay(late))], f.now).await.unwrap(), [late]);
    f.advance(days(1));
    assert!(f.store.delivery(None, old.id).await.unwrap().is_some(), "it is still shown");
    assert_eq!(f.store.enqueue(vec![(old.event.id, replay(f.id()))], f.now).await.unwrap(), []);
    assert!(f.store.retry(old.id, f.now).await.unwrap().is_none());
    assert_eq!(ids(&f.store.claim_waiting(old.webhook, 9).await.unwrap()), [late], "what was made in time stays");
});

story!(a_tenant_of_another_class_has_days_of_its_own, f, {
    let year = |retention| TenantProfile { retention, ..TenantProfile::new(Tenant::default_tenant(), f.now) };
    f.store.save_tenant(&year(Retention::Year)).await.unwrap();
    let long = f.accepted(Start::Claimed).await;
    f.store.save_tenant(&year(Retention::Day)).await.unwrap();
    let short = f.accepted(Start::Claimed).await;
    assert_eq!(count(&f, "SELECT count(*) FROM events WHERE class = 365").await, 1);
    // A replay of what was accepted in the other class finds its day, too.
    f.advance(days(20));
    let replay = NewDelivery {
        id: f.id(),
        webhook: long.webhook,
        start: Start::Waiting,
        trigger: Trigger::Automatic,
        replay_of: Some(long.id),
    };
    f.store.enqueue(vec![(long.event.id, replay.clone())], f.now).await.unwrap();
    assert!(f.store.complete(f.delivered(&long)).await.unwrap());
    assert!(f.store.complete(f.delivered(&short)).await.unwrap());
    assert_eq!(f.store.cancel_pending(long.webhook, "deleted", f.now, 9).await.unwrap(), 1);
    while f.store.purge(f.now, 1000).await.unwrap().rows > 0 {}
    assert_eq!(f.store.event(None, short.event.id).await.unwrap(), None);
    assert!(f.store.delivery(None, replay.id).await.unwrap().is_some());
});

story!(a_database_that_goes_away_is_unavailable_and_comes_back_by_itself, f, {
    let before = f.accepted(Start::Claimed).await;
    f.database().goes_away().await;
    let new = f.to(f.event("order.paid"), &[1], Start::Claimed);
    let refused = f.store.append(f.batch(vec![new.clone()])).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let refused = f.store.complete(f.delivered(&before)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    for refused in [f.store.claim_due(f.now, 1).await.err(), f.store.pulse(f.now).await.err()] {
        assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
    }
    let refused = open_postgres(&f.database().url(), KEY).await.err();
    assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");

    f.database().comes_back().await;
    assert_eq!(f.store.append(f.batch(vec![new])).await.unwrap(), Appended::Stored);
    assert!(f.store.complete(f.delivered(&before)).await.unwrap());
    f.database().throws_everybody_out().await;
    assert!(f.store.delivery(None, before.id).await.unwrap().is_some(), "a pool makes its connections anew");
});

story!(what_may_have_been_written_without_an_answer_is_found_by_the_next_pulse, f, {
    let lost = f.to(f.event("order.paid"), &[1], Start::Claimed);
    let id = lost.deliveries[0].id;
    // The commit comes through, the answer doesn't: the server ends the connection once all is written.
    let mut admin = f.database().connect().await;
    let cut = "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
               PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$";
    sqlx::query(cut).execute(&mut admin).await.unwrap();
    let trigger = "CREATE TRIGGER cut AFTER INSERT ON queue FOR EACH STATEMENT EXECUTE FUNCTION cut()";
    sqlx::query(trigger).execute(&mut admin).await.unwrap();
    let refused = f.store.append(f.batch(vec![lost.clone()])).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    sqlx::query("DROP TRIGGER cut ON queue").execute(&mut admin).await.unwrap();
    assert_eq!(f.store.delivery(None, id).await.unwrap(), None, "nothing of it was written this time");

    // As if it had been: in this node's hands, and nobody knows.
    assert_eq!(f.store.append(f.batch(vec![lost])).await.unwrap(), Appended::Stored);
    f.store.pulse(f.now).await.unwrap();
    assert_eq!(ids(&f.store.claim_due(f.now, 9).await.unwrap()), [id]);
});

story!(text_that_postgresql_cannot_hold_spoils_no_group, f, {
    let odd = f.accepted(Start::Claimed).await;
    let reason = Some("no\0thing".to_owned());
    let next = Completed::Next(Next::Ended { status: DeliveryStatus::Dropped, reason });
    assert!(f.store.complete(f.completion(&odd, None, next)).await.unwrap());
    let delivery = f.store.delivery(None, odd.id).await.unwrap().unwrap();
    assert_eq!(delivery.reason.as_deref(), Some("nothing"));
});

story!(another_key_does_not_open_the_database, f, {
    let refused = open_postgres(&f.database().url(), [8; 32]).await.err();
    assert!(matches!(refused, Some(StoreError::WrongKey)), "{refused:?}");
    assert_eq!(count(&f, "SELECT count(*) FROM nodes").await, 1, "it didn't join");
});

story!(a_database_of_a_newer_program_is_left_alone, f, {
    let newer = "UPDATE _sqlx_migrations SET version = 99 WHERE version = 3";
    sqlx::query(newer).execute(&mut f.database().connect().await).await.unwrap();
    let refused = open_postgres(&f.database().url(), KEY).await.err();
    assert!(matches!(refused, Some(StoreError::SchemaVersion { found: 99, known: 4 })), "{refused:?}");
    let refused = PostgresStore::migrate(&f.database().url()).await.err();
    assert!(matches!(refused, Some(StoreError::SchemaVersion { found: 99, known: 4 })), "{refused:?}");
});

story!(it_is_reached_by_a_socket_too, f, {
    let store = open_postgres(&f.database().socket_url(), KEY).await.unwrap();
    assert_ne!(store.number(), f.store.number());
    assert_eq!(store.highest_id().await.unwrap(), 0);
});

story!(no_secret_stands_in_the_tables, f, {
    f.store.save_webhook(&f.webhook("shop"), None, None).await.unwrap();
    let mut admin = f.database().connect().await;
    let tables = sqlx::query(
        "SELECT CAST(relname AS TEXT) FROM pg_class WHERE relkind = 'r' AND relnamespace = \
                              CAST('public' AS regnamespace)",
    );
    let mut text = String::new();
    for table in tables.fetch_all(&mut admin).await.unwrap() {
        let all = format!("SELECT CAST(t AS TEXT) FROM {} AS t", table.get::<&str, _>(0));
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(all)).fetch_all(&mut admin).await.unwrap();
        text.extend(rows);
    }
    // Bytes are shown in hexadecimal digits.
    let stands = |secret: &str| text.contains(secret) || text.contains(&hex::encode(secret));
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
    assert_eq!(f.now, NOON);
});

story!(an_end_that_nobody_expected_to_be_there_is_written_over, f, {
    let claimed = [f.accepted(Start::Claimed).await, f.accepted(Start::Claimed).await];
    let ended = "INSERT INTO deliveries SELECT id, class, event, webhook, tenant, 2, cause, 1, 1, NULL, 'by hand', NULL, NULL, 0 \
                 FROM queue ORDER BY id LIMIT 1";
    sqlx::query(ended).execute(&mut f.database().connect().await).await.unwrap();
    // The first success of a webhook is written with its health, a later one by itself.
    for claimed in claimed.iter().chain(&[f.accepted(Start::Claimed).await]) {
        assert!(f.store.complete(f.delivered(claimed)).await.unwrap());
        let delivery = f.store.delivery(None, claimed.id).await.unwrap().unwrap();
        assert_eq!(delivery.status, DeliveryStatus::Delivered);
    }
    let last = f.accepted(Start::Claimed).await;
    sqlx::query(ended).execute(&mut f.database().connect().await).await.unwrap();
    assert!(f.store.complete(f.delivered(&last)).await.unwrap());
    assert_eq!(f.store.delivery(None, last.id).await.unwrap().unwrap().status, DeliveryStatus::Delivered);
});
