//! Events as they are read back: one, or a page of them.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::QueryBuilder;

use super::convert::{Columns, int};
use super::dialect::{Connection, Db, LIST_MAX, Row, Store, indexed_by, push_in};
use super::list::{self, Conditions};
use crate::model::event::{ContentType, Event, Payload};
use crate::model::ids::EventId;
use crate::model::name::Tenant;
use crate::model::page::{Page, PageRequest};
use crate::store::{Appended, EventFilter, Events, NewBatch, Result};

pub(super) const EVENT_COLUMNS: &str = "id, tenant, environment, type, occurred_at, content_type, external_id, data";

pub(super) const HIGHEST_ID: &str = "SELECT max(id) FROM (SELECT max(id) AS id FROM events UNION ALL SELECT max(id) FROM queue \
    UNION ALL SELECT max(id) FROM deliveries UNION ALL SELECT max(id) FROM webhooks \
    UNION ALL SELECT max(id) FROM revisions UNION ALL SELECT max(id) FROM tokens \
    UNION ALL SELECT max(id) FROM audit UNION ALL SELECT max(id) FROM sink_requests) AS highest";

#[async_trait]
impl Events for Store {
    async fn append(&self, batch: NewBatch) -> Result<Appended> {
        self.appends().append(batch).await
    }

    async fn event(&self, tenant: Option<&Tenant>, id: EventId) -> Result<Option<Arc<Event>>> {
        let found = events_by_id(&mut *self.readers.acquire().await?, &[id]).await?;
        let visible = |event: &Arc<Event>| tenant.is_none_or(|tenant| *tenant == event.tenant);
        Ok(found.into_iter().find(visible))
    }

    async fn events(&self, filter: &EventFilter, page: PageRequest) -> Result<Page<Arc<Event>>> {
        let mut reader = self.readers.acquire().await?;
        let conditions = conditions(filter, page.before);
        let cut = list::cut(&mut reader, "events", &conditions).await?;
        let mut query = QueryBuilder::<Db>::new("SELECT ");
        query.push(EVENT_COLUMNS).push(" FROM events AS r");
        conditions.write_index(&mut query);
        conditions.write_where(&mut query, cut);
        conditions.write_order(&mut query, page.limit);
        let rows = query.build().fetch_all(&mut *reader).await?;
        let found = rows.iter().map(|row| event_of(row).map(Arc::new)).collect::<Result<Vec<_>>>()?;
        Ok(list::page(found, page.limit, cut, |event| event.id.number()))
    }

    async fn highest_id(&self) -> Result<u64> {
        let highest: Option<i64> = sqlx::query_scalar(HIGHEST_ID).fetch_one(&self.readers).await?;
        Ok(highest.unwrap_or_default().unsigned_abs())
    }
}

pub(super) fn event_of(row: &Row) -> Result<Event> {
    let content_type = match row.raw::<Option<&str>>("content_type")? {
        None => ContentType::Json,
        Some(name) => ContentType::Other(name.into()),
    };
    Ok(Event {
        id: row.id("id")?,
        event_type: row.text("type")?,
        tenant: row.text("tenant")?,
        environment: row.text("environment")?,
        occurred_at: row.time("occurred_at")?,
        data: Payload { content_type, bytes: row.raw::<Vec<u8>>("data")?.into() },
        external_id: row.raw::<Option<&str>>("external_id")?.map(Arc::from),
    })
}

/// In no particular order; those that are gone are left out.
pub(super) async fn events_by_id(connection: &mut Connection, ids: &[EventId]) -> Result<Vec<Arc<Event>>> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(LIST_MAX) {
        let mut query = QueryBuilder::<Db>::new("SELECT ");
        query.push(EVENT_COLUMNS).push(" FROM events WHERE id");
        push_in(&mut query, chunk.iter().map(|id| int(id.number())));
        for row in query.build().fetch_all(&mut *connection).await? {
            found.push(Arc::new(event_of(&row)?));
        }
    }
    Ok(found)
}

fn conditions(filter: &EventFilter, before: Option<u64>) -> Conditions {
    let mut conditions = Conditions::between(filter.since, filter.until, before);
    match (&filter.external_id, &filter.tenant) {
        (Some(id), tenant) => {
            conditions.indexed(indexed_by!("events_by_external_id"), "r.external_id = ", id.clone());
            tenant.iter().for_each(|tenant| conditions.scanned("r.tenant = ", tenant.as_str().to_owned()));
        }
        (None, Some(tenant)) => {
            conditions.indexed(indexed_by!("events_by_tenant"), "r.tenant = ", tenant.as_str().to_owned())
        }
        (None, None) => {}
    }
    filter.environment.iter().for_each(|name| conditions.scanned("r.environment = ", name.as_str().to_owned()));
    filter.event_type.iter().for_each(|name| conditions.scanned("r.type = ", name.as_str().to_owned()));
    conditions
}
