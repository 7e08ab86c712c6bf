//! Attempts that didn't end their delivery: those that are made again, and those that came too late to count.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::complete::{Counted, claim, event};
use crate::model::attempt::Attempt;
use crate::store::Result;
use crate::store::packed::{PackedAttempt, PackedCompletion};
use crate::store::postgres::convert::{cause_number, int, millis};

/// A late attempt's class: where its event stands. One whose event is gone has nowhere to be logged.
const CLASSES: &str = "SELECT id, class FROM events WHERE id = ANY ($1)";

const ATTEMPTS: &str = "INSERT INTO attempts (delivery, class, number, fence, cause, started_at, ended_at, outcome, micros, \
        next_at, detail, response) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], \
        $8::bigint[], $9::bigint[], $10::bigint[], $11::bytea[], $12::bytea[]) ON CONFLICT DO NOTHING";

const BODIES: &str = "INSERT INTO bodies (delivery, class, draft, body) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[]) ON CONFLICT DO NOTHING";

/// What these left, of those that were put back: the attempt, and the body that it fixed.
pub(super) async fn tries(connection: &mut PgConnection, of: &[&PackedCompletion], put_back: &Counted) -> Result<()> {
    insert_attempts(connection, of, |packed| put_back.get(&claim(packed)).copied()).await?;
    insert_bodies(connection, of, put_back).await
}

/// No body: what fixed it is the attempt that counted.
pub(super) async fn late(connection: &mut PgConnection, late: &[&PackedCompletion]) -> Result<()> {
    if late.iter().all(|packed| packed.attempt.is_none()) {
        return Ok(());
    }
    let classes = classes_by_event(connection, late).await?;
    insert_attempts(connection, late, |packed| classes.get(&event(packed)).copied()).await
}

pub(super) async fn classes_by_event(
    connection: &mut PgConnection,
    of: &[&PackedCompletion],
) -> Result<HashMap<i64, i64>> {
    let events: Vec<i64> = of.iter().map(|packed| event(packed)).collect();
    let rows: Vec<(i64, i64)> = sqlx::query_as(CLASSES).bind(events).fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

struct Row<'a> {
    attempt: &'a Attempt,
    packed: &'a PackedAttempt,
    class: i64,
    fence: i64,
}

impl<'a> Row<'a> {
    /// `None` where it didn't come to an attempt.
    fn of(packed: &'a PackedCompletion, class: i64) -> Option<Self> {
        let fence = i64::from(packed.completion.claimed.fence);
        Some(Self { attempt: packed.completion.attempt.as_ref()?, packed: packed.attempt.as_ref()?, class, fence })
    }
}

async fn insert_attempts(
    connection: &mut PgConnection,
    of: &[&PackedCompletion],
    class: impl Fn(&PackedCompletion) -> Option<i64>,
) -> Result<()> {
    let rows: Vec<Row<'_>> = of.iter().filter_map(|packed| Row::of(packed, class(packed)?)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let numbers = |of: &dyn Fn(&Row<'_>) -> i64| rows.iter().map(of).collect::<Vec<i64>>();
    sqlx::query(ATTEMPTS)
        .bind(numbers(&|row| int(row.attempt.delivery.number())))
        .bind(numbers(&|row| row.class))
        .bind(numbers(&|row| i64::from(row.attempt.number)))
        .bind(numbers(&|row| row.fence))
        .bind(numbers(&|row| cause_number(row.attempt.trigger)))
        .bind(numbers(&|row| millis(row.attempt.started_at)))
        .bind(numbers(&|row| millis(row.attempt.ended_at)))
        .bind(numbers(&|row| i64::from(row.packed.outcome)))
        .bind(numbers(&|row| int(row.packed.micros)))
        .bind(rows.iter().map(|row| row.attempt.next_at.map(millis)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| &*row.packed.detail).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.packed.response.as_deref()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert_bodies(connection: &mut PgConnection, of: &[&PackedCompletion], classes: &Counted) -> Result<()> {
    let mut rows = Vec::new();
    for packed in of {
        let claim = claim(packed);
        if let (Some(body), Some(class)) = (&packed.body, classes.get(&claim)) {
            rows.push((claim.0, *class, body));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(BODIES)
        .bind(rows.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, class, _)| *class).collect::<Vec<_>>())
        .bind(rows.iter().map(|(.., body)| body.draft.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(.., body)| &*body.body).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
