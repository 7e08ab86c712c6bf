//! On PostgreSQL: a connection for events and one for deliveries, each group one statement, which is prepared and planned once.
//!
//! As in the server, an event is durable when it is answered, and what a crash takes of the deliveries' log only repeats a delivery.

use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _, PgConnection};
use tokio::sync::{mpsc, oneshot};

use super::{BATCH, Ledger, Row, answer, int, place};

const TABLES: &str = "CREATE TABLE events (id BIGINT PRIMARY KEY, at BIGINT NOT NULL, data BYTEA NOT NULL); \
    CREATE TABLE deliveries (event BIGINT NOT NULL, receiver BIGINT NOT NULL, status BIGINT NOT NULL, at BIGINT NOT NULL, \
        micros BIGINT NOT NULL, PRIMARY KEY (event, receiver))";
const PLANNED_ONCE: &str = "SET plan_cache_mode = force_generic_plan; SET jit = off";
const QUICK: &str = "SET synchronous_commit = off";

const EVENTS: &str = "INSERT INTO events (id, at, data) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])";
const DELIVERIES: &str = "INSERT INTO deliveries (event, receiver, status, at, micros) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])";

/// In an empty database. `ended` is answered when it can't go on.
pub(in crate::cli::bench) async fn start(url: &str) -> sqlx::Result<(Ledger, oneshot::Receiver<sqlx::Error>)> {
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
    let (mut for_events, mut for_deliveries) = (options.connect().await?, options.connect().await?);
    for_events.execute(TABLES).await?;
    for_events.execute(PLANNED_ONCE).await?;
    for_deliveries.execute(PLANNED_ONCE).await?;
    for_deliveries.execute(QUICK).await?;
    let (events, waiting) = mpsc::channel(BATCH);
    let (deliveries, noted) = mpsc::channel(BATCH);
    let (failed, ended) = oneshot::channel();
    tokio::spawn(async move {
        let written = tokio::try_join!(keep(for_events, waiting), keep(for_deliveries, noted));
        if let Err(error) = written {
            let _ = failed.send(error);
        }
    });
    Ok((Ledger { events, deliveries }, ended))
}

/// All that waits, and never for more.
async fn keep(mut database: PgConnection, mut waiting: mpsc::Receiver<Row>) -> sqlx::Result<()> {
    let mut rows = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut rows, BATCH).await > 0 {
        write(&mut database, &rows).await?;
        rows.drain(..).for_each(answer);
    }
    Ok(())
}

async fn write(database: &mut PgConnection, rows: &[Row]) -> sqlx::Result<()> {
    let (mut ids, mut accepted, mut bodies) = (Vec::new(), Vec::new(), Vec::<&[u8]>::new());
    let (mut events, mut receivers, mut statuses, mut sent, mut took) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match row {
            Row::Event { id, at, data, .. } => {
                ids.push(*id);
                accepted.push(int(*at));
                bodies.push(data);
            }
            Row::Delivery { event, receiver, status, at, micros } => {
                events.push(*event);
                receivers.push(place(*receiver));
                statuses.push(i64::from(*status));
                sent.push(int(*at));
                took.push(int(*micros));
            }
        }
    }
    if !ids.is_empty() {
        sqlx::query(EVENTS).bind(ids).bind(accepted).bind(bodies).execute(&mut *database).await?;
    }
    if !events.is_empty() {
        let query = sqlx::query(DELIVERIES).bind(events).bind(receivers).bind(statuses).bind(sent).bind(took);
        query.execute(database).await?;
    }
    Ok(())
}
