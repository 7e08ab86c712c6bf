//! Idempotency keys on PostgreSQL, by day: how they are forgotten, and how nodes meet around midnight.

use std::time::Duration;

use sqlx::{Connection as _, Executor as _};
use waxwing::model::time::Timestamp;
use waxwing::store::{Appended, Events, NewBatch, Start};

use crate::append::keyed;
use crate::fixture::{Fixture, hours};
use crate::postgres::count;

const KEPT: &str = "SELECT count(*) FROM idempotency_keys";
/// The first midnight after a fixture's beginning.
const MIDNIGHT: Timestamp = Timestamp::from_millis(1_769_904_000_000);

story!(the_keys_of_a_day_are_forgotten_together_once_none_of_them_is_remembered, f, {
    f.store.append(keyed(&f, "first", [1; 32], "")).await.unwrap();
    f.advance(hours(24));
    f.store.append(keyed(&f, "second", [1; 32], "")).await.unwrap();
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 0, "some of the day before are still remembered");
    assert_eq!(count(&f, KEPT).await, 2);
    f.advance(hours(24));
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 1);
    assert_eq!(count(&f, KEPT).await, 1);
});

story!(keys_that_somebody_reads_are_forgotten_later_and_whoever_posts_goes_on, f, {
    f.store.append(keyed(&f, "old", [1; 32], "")).await.unwrap();
    f.advance(hours(48));
    let mut reading = f.database().connect().await;
    let mut backup = reading.begin().await.unwrap();
    sqlx::query(KEPT).execute(&mut *backup).await.unwrap();
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 0);
    assert_eq!(f.store.append(keyed(&f, "new", [1; 32], "")).await.unwrap(), Appended::Stored);
    assert_eq!(count(&f, KEPT).await, 2);
    backup.rollback().await.unwrap();
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 1);
    assert_eq!(count(&f, KEPT).await, 1);
});

story!(around_midnight_a_key_is_taken_once_whatever_day_the_nodes_clocks_say, f, {
    let other = f.another_node().await;
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let (before, after) = (MIDNIGHT.minus(minutes(4)), MIDNIGHT.plus(minutes(4)));
    let at = |now: Timestamp, key: &str, answer: &str| NewBatch { now, ..keyed(&f, key, [1; 32], answer) };
    for number in 0..30 {
        let key = format!("key {number}");
        let (left, right) =
            tokio::join!(f.store.append(at(before, &key, "left")), other.append(at(after, &key, "right")));
        let first = match (left.unwrap(), right.unwrap()) {
            (Appended::Stored, Appended::Repeat { answer }) => ("left", answer),
            (Appended::Repeat { answer }, Appended::Stored) => ("right", answer),
            odd => panic!("{odd:?}"),
        };
        assert_eq!(first.0, first.1);
        for later in [before, after, MIDNIGHT.plus(minutes(11)), before.plus(hours(24)).minus(minutes(1))] {
            let repeat = other.append(at(later, &key, "")).await.unwrap();
            assert_eq!(repeat, Appended::Repeat { answer: first.1.clone() }, "{later:?}");
        }
    }
    assert_eq!(count(&f, "SELECT count(*) FROM events").await, 30);
});

story!(a_group_whose_key_is_taken_anew_after_a_day_has_it_in_every_place, f, {
    // Around midnight it stands twice; a day later both are old.
    let at = |now: Timestamp, answer: &str| NewBatch { now, ..keyed(&f, "key", [1; 32], answer) };
    let moments = [MIDNIGHT, MIDNIGHT.plus(hours(24)), MIDNIGHT.plus(hours(48))];
    for (moment, answer) in moments.into_iter().zip(["one", "two", "three"]) {
        assert_eq!(f.store.append(at(moment, answer)).await.unwrap(), Appended::Stored, "{answer}");
        for minutes in [0, 1, 30, 1439] {
            let later = moment.plus(Duration::from_secs(60 * minutes));
            let repeat = f.store.append(at(later, "")).await.unwrap();
            assert_eq!(repeat, Appended::Repeat { answer: answer.into() }, "{minutes} minutes after {answer}");
        }
    }
});

story!(what_is_refused_around_midnight_leaves_no_key_behind, f, {
    let mut event = f.event("order.paid");
    event.external_id = Some("known".into());
    let known = f.to(event, &[1], Start::Claimed);
    let first = NewBatch { now: MIDNIGHT, ..f.batch(vec![known.clone()]) };
    f.store.append(first).await.unwrap();
    let refused = NewBatch { now: MIDNIGHT, events: vec![known], ..keyed(&f, "key", [1; 32], "") };
    assert!(matches!(f.store.append(refused).await.unwrap(), Appended::ExternalIds { .. }));
    assert_eq!(count(&f, KEPT).await, 0);
});

story!(what_was_kept_before_each_day_had_a_table_is_still_known, f, {
    let mut connection = f.database().connect().await;
    for statement in [
        "CREATE SCHEMA former; SET search_path = former",
        include_str!("../../host/migrations/postgres/0001_initial.sql"),
        "INSERT INTO idempotency_keys SELECT sha256(CAST('key ' || n AS BYTEA)), '\\x01', '\\x02', 1769860800000 + n * 3600000 \
         FROM generate_series(0, 71) AS n",
        include_str!("../../host/migrations/postgres/0004_keys_by_day.sql"),
    ] {
        connection.execute(statement).await.unwrap();
    }
    let slots = "SELECT slot, count(*), min(kept_at), count(DISTINCT scope) FROM idempotency_keys \
                 WHERE slot = kept_at / 86400000 % 3 GROUP BY slot ORDER BY min(kept_at)";
    let slots: Vec<(i64, i64, i64, i64)> = sqlx::query_as(slots).fetch_all(&mut connection).await.unwrap();
    // From noon on: the fourth day's twelve hours have the first one's turn.
    assert_eq!(slots.iter().map(|(_, count, ..)| *count).collect::<Vec<_>>(), [24, 24, 24]);
    assert_eq!(slots.iter().map(|(.., scopes)| *scopes).sum::<i64>(), 72);
});
