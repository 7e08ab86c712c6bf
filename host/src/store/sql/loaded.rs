//! Rows that a claim has taken, with all that an attempt needs.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::QueryBuilder;

use super::convert::{Columns, cause, int};
use super::dialect::{Connection, Db, LIST_MAX, Row, push_in};
use super::events::events_by_id;
use crate::model::delivery::{Claimed, Fixed, FixedBody};
use crate::model::event::Event;
use crate::model::ids::{DeliveryId, EventId, RevisionId};
use crate::store::Result;
use crate::store::packed::{damaged, unpack_body};

/// Rows as an `UPDATE … RETURNING` gave them, in the order that is wanted.
pub(super) async fn load(connection: &mut Connection, rows: &[Row]) -> Result<Vec<Claimed>> {
    let mut ids: Vec<EventId> = rows.iter().map(|row| row.id("event")).collect::<Result<_>>()?;
    ids.sort_unstable();
    ids.dedup();
    let found = events_by_id(connection, &ids).await?;
    let events: HashMap<EventId, Arc<Event>> = found.into_iter().map(|event| (event.id, event)).collect();
    let tried = rows.iter().filter(|row| matches!(row.raw::<Option<i64>>("revision"), Ok(Some(_))));
    let tried: Vec<DeliveryId> = tried.map(|row| row.id("id")).collect::<Result<_>>()?;
    let bodies = bodies(connection, &tried).await?;
    let mut claimed = Vec::with_capacity(rows.len());
    for row in rows {
        let id: DeliveryId = row.id("id")?;
        let Some(event) = events.get(&row.id("event")?) else {
            // Purge never drops an event with a queue row: the file was changed by hand. One such row mustn't stop the others.
            tracing::error!(%id, "a delivery's event is gone; it stays where it is");
            continue;
        };
        let revision: Option<i64> = row.raw("revision")?;
        claimed.push(Claimed {
            id,
            event: Arc::clone(event),
            webhook: row.id("webhook")?,
            attempts: row.count("attempts")?,
            trigger: cause(row.raw("cause")?)?,
            replay_of: row.maybe_id("replay_of")?,
            fixed: revision.map(|revision| fixed(revision, bodies.get(&id))),
            fence: row.count("fence")?,
        });
    }
    Ok(claimed)
}

pub(super) fn fixed(revision: i64, body: Option<&FixedBody>) -> Fixed {
    let body = body.cloned().unwrap_or(FixedBody::Rebuilt);
    Fixed { revision: RevisionId::from(revision.unsigned_abs()), body }
}

/// The bodies that plugins made.
pub(super) async fn bodies(connection: &mut Connection, ids: &[DeliveryId]) -> Result<HashMap<DeliveryId, FixedBody>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(LIST_MAX) {
        let mut query = QueryBuilder::<Db>::new("SELECT delivery, draft, body FROM bodies WHERE delivery");
        push_in(&mut query, chunk.iter().map(|id| int(id.number())));
        for row in query.build().fetch_all(&mut *connection).await? {
            let body = unpack_body(row.raw("draft")?, row.raw("body")?).map_err(|error| damaged("body", error))?;
            found.insert(row.id("delivery")?, body);
        }
    }
    Ok(found)
}
