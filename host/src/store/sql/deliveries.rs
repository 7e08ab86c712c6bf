//! Deliveries as lists show them: the pending ones of the queue and the ended ones of the log, as one list by id. A delivery that
//! is in both (one that ended and was taken back for a manual retry) is shown as the queue has it.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::QueryBuilder;

use super::convert::{Columns, cause, int, status, status_number};
use super::dialect::{ANY_END, ANY_OF, Connection, Db, LIST_MAX, Row, Store, indexed_by, push_in, snapshot};
use super::list::{self, Conditions};
use super::{attempts, loaded, overview};
use crate::model::attempt::{Attempt, Trigger};
use crate::model::delivery::{Delivery, DeliveryStatus, Fixed};
use crate::model::ids::{DeliveryId, EventId, WebhookId, floor_of};
use crate::model::name::Tenant;
use crate::model::page::{Page, PageRequest};
use crate::model::time::Timestamp;
use crate::store::{Deliveries, DeliveryFilter, Overview, Recent, Result, WebhookStats};

// Asked row by row: joined, a planner may begin at the events, and walk through all of them.
const ENVIRONMENT: &str = "(SELECT e.environment FROM events AS e WHERE e.id = r.event) = ";
const TYPE: &str = "(SELECT e.type FROM events AS e WHERE e.id = r.event) = ";

/// One of the two places.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Queue,
    Log,
}

impl Place {
    const BOTH: [Self; 2] = [Self::Queue, Self::Log];

    const fn table(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Log => "deliveries",
        }
    }

    const fn columns(self) -> &'static str {
        match self {
            Self::Queue => {
                "SELECT r.id, r.event, r.webhook, r.tenant, CAST(0 AS BIGINT) AS status, r.cause, r.attempts, r.last_status, \
                 r.reason, r.revision, r.replay_of, CASE WHEN r.node IS NULL THEN r.due_at END AS next_at, \
                 CAST(NULL AS BIGINT) AS ended_at"
            }
            Self::Log => {
                "SELECT r.id, r.event, r.webhook, r.tenant, r.status, r.cause, r.attempts, r.last_status, r.reason, \
                 r.revision, r.replay_of, CAST(NULL AS BIGINT) AS next_at, r.ended_at"
            }
        }
    }

    /// Whether rows with this status can be here.
    fn may_hold(self, wanted: Option<DeliveryStatus>) -> bool {
        wanted.is_none_or(|status| (status == DeliveryStatus::Pending) == (self == Self::Queue))
    }
}

#[async_trait]
impl Deliveries for Store {
    async fn delivery(&self, tenant: Option<&Tenant>, id: DeliveryId) -> Result<Option<Delivery>> {
        let mut reader = self.readers.acquire().await?;
        // The queue first: a delivery that ends meanwhile is found in the log, never in neither.
        for place in Place::BOTH {
            let mut query = QueryBuilder::<Db>::new(place.columns());
            query.push(" FROM ").push(place.table()).push(" AS r WHERE r.id = ").push_bind(int(id.number()));
            if let Some(row) = query.build().fetch_optional(&mut *reader).await? {
                let found = with_events(&mut reader, &[row]).await?.pop();
                return Ok(found.filter(|found| tenant.is_none_or(|tenant| *tenant == found.tenant)));
            }
        }
        Ok(None)
    }

    async fn deliveries(&self, filter: &DeliveryFilter, page: PageRequest) -> Result<Page<Delivery>> {
        // One snapshot of both places.
        let mut reader = snapshot(&self.readers).await?;
        let mut cut = None;
        for place in places(filter) {
            let conditions = conditions(place, filter, page.before);
            if filter.event.is_none() {
                cut = cut.max(list::cut(&mut reader, place.table(), &conditions).await?);
            }
        }
        let mut rows = Vec::new();
        for place in places(filter) {
            let mut query = QueryBuilder::<Db>::new(place.columns());
            let conditions = conditions(place, filter, page.before);
            write_from(&mut query, place, filter, &conditions, cut);
            conditions.write_order(&mut query, page.limit);
            for row in query.build().fetch_all(&mut *reader).await? {
                rows.push((row.raw::<i64>("id")?.unsigned_abs(), row));
            }
        }
        rows.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
        let page = list::page(rows, page.limit, cut, |(id, _)| *id);
        let rows: Vec<Row> = page.rows.into_iter().map(|(_, row)| row).collect();
        Ok(Page { rows: with_events(&mut reader, &rows).await?, next: page.next, scanned_to: page.scanned_to })
    }

    async fn attempts(&self, delivery: DeliveryId) -> Result<Vec<Attempt>> {
        attempts::of_delivery(&mut *self.readers.acquire().await?, delivery).await
    }

    async fn fixed(&self, delivery: DeliveryId) -> Result<Option<Fixed>> {
        let mut reader = snapshot(&self.readers).await?;
        let revision: Option<Option<i64>> = sqlx::query_scalar(
            "SELECT revision FROM (SELECT 0 AS place, revision FROM queue WHERE id = $1 \
             UNION ALL SELECT 1, revision FROM deliveries WHERE id = $1) AS known ORDER BY place LIMIT 1",
        )
        .bind(int(delivery.number()))
        .fetch_optional(&mut *reader)
        .await?;
        let Some(revision) = revision.flatten() else { return Ok(None) };
        let bodies = loaded::bodies(&mut reader, &[delivery]).await?;
        Ok(Some(loaded::fixed(revision, bodies.get(&delivery))))
    }

    async fn newest(&self, webhook: WebhookId, events: &[EventId]) -> Result<HashMap<EventId, DeliveryId>> {
        let mut reader = snapshot(&self.readers).await?;
        let mut newest = HashMap::with_capacity(events.len());
        for chunk in events.chunks(LIST_MAX) {
            for place in Place::BOTH {
                // Made at acceptance: in a known range. The others: in a list. Asked event by event, so that no planner thinks of
                // walking through the whole log instead.
                let mut query = QueryBuilder::<Db>::new("SELECT e.id AS event, (SELECT max(r.id) FROM ");
                query.push(place.table());
                query.push(
                    " AS r WHERE r.id BETWEEN e.first_delivery AND e.last_delivery AND r.event = e.id AND r.webhook = ",
                );
                query.push_bind(int(webhook.number()));
                query.push(") AS accepted, (SELECT max(a.delivery) FROM additions AS a WHERE a.event = e.id");
                query.push(" AND EXISTS (SELECT 1 FROM ").push(place.table());
                query.push(" AS r WHERE r.id = a.delivery AND r.webhook = ").push_bind(int(webhook.number()));
                query.push(")) AS added FROM events AS e WHERE e.id");
                push_in(&mut query, chunk.iter().map(|event| int(event.number())));
                for row in query.build().fetch_all(&mut *reader).await? {
                    let found = row.maybe_id::<DeliveryId>("accepted")?.max(row.maybe_id("added")?);
                    let known = newest.get(&row.id("event")?).copied();
                    if let Some(found) = found.max(known) {
                        newest.insert(row.id("event")?, found);
                    }
                }
            }
        }
        Ok(newest)
    }

    async fn count(&self, filter: &DeliveryFilter, limit: u64) -> Result<u64> {
        let mut reader = snapshot(&self.readers).await?;
        let mut counted: u64 = 0;
        for place in places(filter) {
            let mut query = QueryBuilder::<Db>::new("SELECT count(*) FROM (SELECT 1");
            write_from(&mut query, place, filter, &conditions(place, filter, None), None);
            query.push(" LIMIT ").push_bind(int(limit.saturating_sub(counted))).push(") AS counted");
            let here: i64 = query.build_query_scalar().fetch_one(&mut *reader).await?;
            counted += here.unsigned_abs();
        }
        Ok(counted)
    }

    async fn stats(&self, webhook: WebhookId, since: Timestamp) -> Result<WebhookStats> {
        attempts::stats(&mut *self.readers.acquire().await?, webhook, since).await
    }

    async fn recent(&self, webhooks: &[WebhookId], since: Timestamp) -> Result<HashMap<WebhookId, Recent>> {
        let mut found = HashMap::with_capacity(webhooks.len());
        for chunk in webhooks.chunks(LIST_MAX) {
            // One number for both counts, so that each webhook's rows are read once.
            let mut query = QueryBuilder::<Db>::new(concat!(
                "SELECT w.id AS webhook, (SELECT CAST(sum(CASE WHEN d.status = 1 THEN 1001 ELSE 1 END) AS BIGINT) FROM \
                 (SELECT status FROM (SELECT r.status FROM deliveries AS r",
                indexed_by!("deliveries_by_webhook"),
                " WHERE r.webhook = w.id AND r.status IN (1, 2) AND r.cause <> 2 \
                 AND NOT EXISTS (SELECT 1 FROM queue AS q WHERE q.id = r.id) AND r.id >= ",
            ));
            query.push_bind(int(floor_of(since))).push(" ORDER BY r.id DESC LIMIT ");
            query.push_bind(i64::from(Recent::MAX)).push(concat!(
                ") AS ended UNION ALL SELECT status FROM (SELECT CAST(0 AS BIGINT) AS status FROM queue AS r",
                indexed_by!("queue_scheduled"),
                " WHERE r.webhook = w.id AND r.node IS NULL AND r.due_at IS NOT NULL AND r.attempts > 0 AND r.cause <> 2 AND r.id >= ",
            ));
            query.push_bind(int(floor_of(since))).push(" ORDER BY r.id DESC LIMIT ");
            query
                .push_bind(i64::from(Recent::MAX))
                .push(") AS scheduled) AS d) AS fared FROM webhooks AS w WHERE w.id");
            push_in(&mut query, chunk.iter().map(|webhook| int(webhook.number())));
            for row in query.build().fetch_all(&self.readers).await? {
                if let Some(fared) = row.maybe_count::<u32>("fared")? {
                    found.insert(row.id("webhook")?, Recent { tried: fared % 1000, delivered: fared / 1000 });
                }
            }
        }
        Ok(found)
    }

    async fn overview(&self, tenant: Option<&Tenant>, since: Timestamp) -> Result<Overview> {
        let mut reader = snapshot(&self.readers).await?;
        overview::of(&mut reader, overview::Asked { tenant, since }).await
    }
}

fn places(filter: &DeliveryFilter) -> impl Iterator<Item = Place> {
    let status = filter.status;
    Place::BOTH.into_iter().filter(move |place| place.may_hold(status))
}

fn conditions(place: Place, filter: &DeliveryFilter, before: Option<u64>) -> Conditions {
    let mut conditions = Conditions::between(filter.since, filter.until, before);
    let webhook = filter.webhook.map(|webhook| int(webhook.number()));
    let tenant = filter.tenant.as_ref().map(|tenant| tenant.as_str().to_owned());
    let ended_badly = filter.status.is_some_and(|status| status != DeliveryStatus::Delivered);
    // An event's deliveries are found by their ids; no other index may stand in the way.
    let by_index = place == Place::Log && filter.event.is_none();
    if filter.event.is_some() {
        conditions.sort_few();
    }
    match webhook {
        Some(webhook) if by_index => conditions.indexed(indexed_by!("deliveries_by_webhook"), "r.webhook = ", webhook),
        Some(webhook) => conditions.scanned("r.webhook = ", webhook),
        None => {}
    }
    match tenant {
        Some(tenant) if by_index && !conditions.has_index() => {
            conditions.indexed(indexed_by!("deliveries_by_tenant"), "r.tenant = ", tenant);
        }
        Some(tenant) => conditions.scanned("r.tenant = ", tenant),
        None => {}
    }
    if place == Place::Log {
        if by_index && ended_badly && !conditions.has_index() {
            conditions.in_partial(indexed_by!("deliveries_not_delivered"), "r.status <> 1");
        }
        filter.status.iter().for_each(|status| conditions.scanned("r.status = ", status_number(*status)));
        conditions.always(" AND NOT EXISTS (SELECT 1 FROM queue AS q WHERE q.id = r.id)");
    }
    filter.replay_of.iter().for_each(|id| conditions.scanned("r.replay_of = ", int(id.number())));
    filter.environment.iter().for_each(|name| conditions.scanned(ENVIRONMENT, name.as_str().to_owned()));
    filter.event_type.iter().for_each(|name| conditions.scanned(TYPE, name.as_str().to_owned()));
    filter.http_class.iter().for_each(|class| {
        conditions.scanned("coalesce(r.last_status, 0) / 100 = ", i64::from(*class));
    });
    conditions
}

fn write_from(
    query: &mut QueryBuilder<Db>,
    place: Place,
    filter: &DeliveryFilter,
    conditions: &Conditions,
    cut: Option<u64>,
) {
    query.push(" FROM ").push(place.table()).push(" AS r");
    conditions.write_index(query);
    conditions.write_where(query, cut);
    if let Some(event) = filter.event {
        let event = int(event.number());
        // Two searches by id, joined with OR: those made at acceptance stand in a known range, the others are in a list.
        query.push(" AND r.event = ").push_bind(event);
        query.push(" AND (r.id BETWEEN (SELECT first_delivery FROM events WHERE id = ").push_bind(event);
        query.push(") AND (SELECT last_delivery FROM events WHERE id = ").push_bind(event);
        query.push(") OR r.id").push(ANY_OF).push("SELECT delivery FROM additions WHERE event = ").push_bind(event);
        query.push(ANY_END).push(")");
    }
}

/// In the same order. One whose event is gone is gone with it, wherever its own row still stands.
async fn with_events(connection: &mut Connection, rows: &[Row]) -> Result<Vec<Delivery>> {
    let mut ids: Vec<i64> = rows.iter().map(|row| row.raw("event")).collect::<Result<_>>()?;
    ids.sort_unstable();
    ids.dedup();
    let mut events: HashMap<EventId, Row> = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(LIST_MAX) {
        let mut query = QueryBuilder::<Db>::new("SELECT id, environment, type FROM events WHERE id");
        push_in(&mut query, chunk.iter().copied());
        for event in query.build().fetch_all(&mut *connection).await? {
            events.insert(event.id("id")?, event);
        }
    }
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(event) = events.get(&row.id("event")?) {
            found.push(delivery_of(row, event)?);
        }
    }
    Ok(found)
}

fn delivery_of(row: &Row, event: &Row) -> Result<Delivery> {
    let cause = cause(row.raw("cause")?)?;
    Ok(Delivery {
        id: row.id("id")?,
        event: row.id("event")?,
        webhook: row.id("webhook")?,
        tenant: row.text("tenant")?,
        environment: event.text("environment")?,
        event_type: event.text("type")?,
        status: status(row.raw("status")?)?,
        test: cause == Trigger::Test,
        attempts: row.count("attempts")?,
        last_status: row.maybe_count("last_status")?,
        reason: row.raw("reason")?,
        revision: row.maybe_id("revision")?,
        replay_of: row.maybe_id("replay_of")?,
        next_at: row.maybe_time("next_at")?,
        ended_at: row.maybe_time("ended_at")?,
    })
}
