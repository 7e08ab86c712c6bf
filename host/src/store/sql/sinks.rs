//! Sinks of the server's own, and what came to them.

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use sqlx::QueryBuilder;

use super::convert::{Columns, int, millis};
use super::dialect::{Db, Row, Store, indexed_by};
use super::list::{self, Conditions};
use crate::model::ids::{ReceivedId, SinkId, floor_of};
use crate::model::name::Tenant;
use crate::model::page::{Page, PageRequest};
use crate::model::sink::{Received, Sink};
use crate::model::time::Timestamp;
use crate::store::sealed::{Sealer, from_json, to_json};
use crate::store::{Result, Sinks};

const FORGET_OLDER: &str = "DELETE FROM sink_requests WHERE sink = $1 AND id <= \
    (SELECT id FROM sink_requests WHERE sink = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)";
const FORGET_EXPIRED: &str = "DELETE FROM sink_requests WHERE id IN \
    (SELECT id FROM sink_requests WHERE id < $1 ORDER BY id LIMIT $2)";

#[async_trait]
impl Sinks for Store {
    async fn add_sink(&self, sink: &Sink, max: u32) -> Result<bool> {
        let Sink { id, tenant, name, token, answer, created_at } = sink;
        let mut transaction = self.begin().await?;
        let there: i64 = sqlx::query_scalar("SELECT count(*) FROM sinks WHERE tenant = $1")
            .bind(tenant.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        if there >= i64::from(max) {
            transaction.rollback().await?;
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO sinks (id, tenant, name, hash, sealed, answer, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(int(id.number()))
        .bind(tenant.as_str())
        .bind(name)
        .bind(Sha256::digest(token.expose()).to_vec())
        .bind(self.sealer().seal_token(*id, token))
        .bind(to_json(answer)?)
        .bind(millis(*created_at))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn change_sink(&self, sink: &Sink) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("UPDATE sinks SET name = $2, answer = $3 WHERE id = $1")
            .bind(int(sink.id.number()))
            .bind(&sink.name)
            .bind(to_json(&sink.answer)?)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn sinks(&self, tenant: Option<&Tenant>, page: PageRequest) -> Result<Page<Sink>> {
        let mut conditions = Conditions::between(None, None, page.before);
        tenant.iter().for_each(|tenant| {
            conditions.indexed(indexed_by!("sinks_by_tenant"), "r.tenant = ", tenant.as_str().to_owned());
        });
        let mut query = QueryBuilder::<Db>::new("SELECT * FROM sinks AS r");
        conditions.write_index(&mut query);
        conditions.write_where(&mut query, None);
        conditions.write_order(&mut query, page.limit);
        let rows = query.build().fetch_all(&self.readers).await?;
        let found = rows.iter().map(|row| sink_of(row, self.sealer())).collect::<Result<Vec<_>>>()?;
        Ok(list::page(found, page.limit, None, |sink| sink.id.number()))
    }

    async fn sink(&self, tenant: Option<&Tenant>, id: SinkId) -> Result<Option<Sink>> {
        let row = sqlx::query("SELECT * FROM sinks WHERE id = $1")
            .bind(int(id.number()))
            .fetch_optional(&self.readers)
            .await?;
        let sink = row.as_ref().map(|row| sink_of(row, self.sealer())).transpose()?;
        Ok(sink.filter(|sink| tenant.is_none_or(|tenant| *tenant == sink.tenant)))
    }

    async fn sink_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Sink>> {
        let row = sqlx::query("SELECT * FROM sinks WHERE hash = $1")
            .bind(hash.to_vec())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(|row| sink_of(row, self.sealer())).transpose()
    }

    async fn delete_sink(&self, id: SinkId) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let id = int(id.number());
        sqlx::query("DELETE FROM sink_requests WHERE sink = $1").bind(id).execute(&mut *transaction).await?;
        let done = sqlx::query("DELETE FROM sinks WHERE id = $1").bind(id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn keep_received(&self, received: &Received, max: u32) -> Result<()> {
        let sink = int(received.sink.number());
        let (head, body) = self.sealer().seal_received(received)?;
        let mut transaction = self.begin().await?;
        let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sinks WHERE id = $1)")
            .bind(sink)
            .fetch_one(&mut *transaction)
            .await?;
        if !there {
            return transaction.rollback().await;
        }
        sqlx::query("INSERT INTO sink_requests (id, sink, head, body) VALUES ($1, $2, $3, $4)")
            .bind(int(received.id.number()))
            .bind(sink)
            .bind(head)
            .bind(body)
            .execute(&mut *transaction)
            .await?;
        let older = sqlx::query(FORGET_OLDER).bind(sink).bind(sink).bind(i64::from(max));
        older.execute(&mut *transaction).await?;
        transaction.commit().await
    }

    async fn received(&self, sink: SinkId, since: Timestamp, page: PageRequest) -> Result<Page<Received>> {
        let mut conditions = Conditions::between(Some(since), None, page.before);
        conditions.indexed(indexed_by!("sink_requests_by_sink"), "r.sink = ", int(sink.number()));
        let mut query = QueryBuilder::<Db>::new("SELECT * FROM sink_requests AS r");
        conditions.write_index(&mut query);
        conditions.write_where(&mut query, None);
        conditions.write_order(&mut query, page.limit);
        let rows = query.build().fetch_all(&self.readers).await?;
        let found = rows.iter().map(|row| received_of(row, self.sealer())).collect::<Result<Vec<_>>>()?;
        Ok(list::page(found, page.limit, None, |received| received.id.number()))
    }

    async fn one_received(&self, sink: SinkId, id: ReceivedId) -> Result<Option<Received>> {
        let row = sqlx::query("SELECT * FROM sink_requests WHERE id = $1 AND sink = $2")
            .bind(int(id.number()))
            .bind(int(sink.number()))
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(|row| received_of(row, self.sealer())).transpose()
    }

    async fn clear_received(&self, sink: SinkId) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("DELETE FROM sink_requests WHERE sink = $1")
            .bind(int(sink.number()))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }

    async fn forget_received(&self, before: Timestamp, max_rows: u32) -> Result<u64> {
        let before = int(floor_of(before));
        let oldest: Option<i64> =
            sqlx::query_scalar("SELECT min(id) FROM sink_requests").fetch_one(&self.readers).await?;
        if oldest.is_none_or(|oldest| oldest >= before) {
            return Ok(0);
        }
        let mut transaction = self.begin().await?;
        let expired = sqlx::query(FORGET_EXPIRED).bind(before).bind(i64::from(max_rows));
        let done = expired.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }
}

fn sink_of(row: &Row, sealer: Sealer<'_>) -> Result<Sink> {
    let id = row.id("id")?;
    Ok(Sink {
        id,
        tenant: row.text("tenant")?,
        name: row.raw("name")?,
        token: sealer.open_token(id, row.raw("sealed")?)?,
        answer: from_json("sink", row.raw::<&str>("answer")?.as_bytes())?,
        created_at: row.time("created_at")?,
    })
}

fn received_of(row: &Row, sealer: Sealer<'_>) -> Result<Received> {
    let id = row.id("id")?;
    let (head, body) = sealer.open_received(id, (row.raw("head")?, row.raw("body")?))?;
    Ok(Received { id, sink: row.id("sink")?, head, body })
}
