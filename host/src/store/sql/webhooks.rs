//! Webhooks as they are, and the revisions that they were.

use std::sync::Arc;

use async_trait::async_trait;

use super::convert::{Columns, int, millis};
use super::dialect::{Connection, Row, Store};
use crate::model::ids::{RevisionId, WebhookId};
use crate::model::name::Tenant;
use crate::model::time::Timestamp;
use crate::model::webhook::{Health, Revision, Webhook};
use crate::store::sealed::{Parts, RevisionRow};
use crate::store::{Result, StoreError, Webhooks};

#[async_trait]
impl Webhooks for Store {
    async fn webhooks(&self) -> Result<Vec<Webhook>> {
        let rows = sqlx::query(
            "SELECT w.id, w.tenant, w.name, w.description, w.created_at, w.policies, w.sealed, r.id AS revision, \
             r.webhook, r.valid_from, r.body, r.sealed AS revision_sealed \
             FROM webhooks AS w JOIN revisions AS r ON r.id = w.revision WHERE w.deleted_at IS NULL ORDER BY w.id",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| self.webhook_of(row)).collect()
    }

    async fn save_webhook(&self, webhook: &Webhook, expected: Option<&Revision>, max: Option<u32>) -> Result<bool> {
        let current = self.sealer().seal_current(webhook.id, &webhook.current)?;
        let revision = self.sealer().seal_revision(&webhook.revision)?;
        let mut transaction = self.configure().await?;
        let stored = stored_revision(&mut transaction, webhook.id).await?;
        if stored != expected.map(|revision| int(revision.id.number())) {
            transaction.rollback().await?;
            return Err(StoreError::Conflict { what: "webhook" });
        }
        if expected.is_none() && is_full(&mut transaction, &webhook.tenant, max).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        if !write_revision(&mut transaction, &webhook.revision, revision).await? {
            transaction.rollback().await?;
            return Err(StoreError::Conflict { what: "webhook" });
        }
        write_webhook(&mut transaction, webhook, current).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn delete_webhook(&self, id: WebhookId, now: Timestamp) -> Result<bool> {
        let mut transaction = self.configure().await?;
        // Its URL and secrets are of no more use to anybody.
        let done = sqlx::query("UPDATE webhooks SET deleted_at = $1, sealed = $2 WHERE id = $3 AND deleted_at IS NULL")
            .bind(millis(now))
            .bind(Vec::<u8>::new())
            .bind(int(id.number()))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn revisions(&self, webhook: WebhookId) -> Result<Vec<Arc<Revision>>> {
        let rows = sqlx::query(
            "SELECT id AS revision, webhook, valid_from, body, sealed AS revision_sealed FROM revisions \
             WHERE webhook = $1 ORDER BY id DESC",
        )
        .bind(int(webhook.number()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| self.revision_of(row)).collect()
    }

    async fn revisions_at(&self, tenant: &Tenant, time: Timestamp) -> Result<Vec<(String, Arc<Revision>)>> {
        let rows = sqlx::query(
            "SELECT w.name, r.id AS revision, r.webhook, r.valid_from, r.body, r.sealed AS revision_sealed \
             FROM webhooks AS w JOIN revisions AS r ON r.id = \
               (SELECT id FROM revisions WHERE webhook = w.id AND valid_from <= $2 ORDER BY valid_from DESC, id DESC LIMIT 1) \
             WHERE w.tenant = $1 AND w.created_at <= $2 AND (w.deleted_at IS NULL OR w.deleted_at > $2) ORDER BY w.id",
        )
        .bind(tenant.as_str())
        .bind(millis(time))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((row.raw("name")?, self.revision_of(row)?))).collect()
    }

    async fn revision(&self, id: RevisionId) -> Result<Option<Arc<Revision>>> {
        let row = sqlx::query(
            "SELECT id AS revision, webhook, valid_from, body, sealed AS revision_sealed FROM revisions WHERE id = $1",
        )
        .bind(int(id.number()))
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(|row| self.revision_of(row)).transpose()
    }

    async fn health(&self, webhook: WebhookId) -> Result<Health> {
        let row = sqlx::query("SELECT * FROM health WHERE webhook = $1")
            .bind(int(webhook.number()))
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map_or_else(|| Ok(Health::default()), health_of)
    }

    async fn healths(&self) -> Result<Vec<(WebhookId, Health)>> {
        let rows = sqlx::query("SELECT * FROM health ORDER BY webhook").fetch_all(&self.readers).await?;
        rows.iter().map(|row| Ok((row.id("webhook")?, health_of(row)?))).collect()
    }

    async fn reset_health(&self, webhook: WebhookId) -> Result<()> {
        let mut transaction = self.begin().await?;
        // The last success stays true; what is forgotten are the failures since.
        sqlx::query("UPDATE health SET failing_since = NULL, failures = 0 WHERE webhook = $1")
            .bind(int(webhook.number()))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }
}

impl Store {
    fn webhook_of(&self, row: &Row) -> Result<Webhook> {
        let id = row.id("id")?;
        let parts = Parts { plain: row.raw("policies")?, sealed: row.raw("sealed")? };
        Ok(Webhook {
            id,
            tenant: row.text("tenant")?,
            name: row.raw("name")?,
            description: row.raw("description")?,
            created_at: row.time("created_at")?,
            current: self.sealer().open_current(id, &parts)?,
            revision: self.revision_of(row)?,
        })
    }

    fn revision_of(&self, row: &Row) -> Result<Arc<Revision>> {
        let columns =
            RevisionRow { id: row.id("revision")?, webhook: row.id("webhook")?, valid_from: row.time("valid_from")? };
        let parts = Parts { plain: row.raw("body")?, sealed: row.raw("revision_sealed")? };
        self.sealer().open_revision(columns, &parts).map(Arc::new)
    }
}

/// The current revision's id of a webhook that is there; a deleted one is not.
async fn stored_revision(connection: &mut Connection, id: WebhookId) -> Result<Option<i64>> {
    let stored = sqlx::query_scalar("SELECT revision FROM webhooks WHERE id = $1 AND deleted_at IS NULL")
        .bind(int(id.number()))
        .fetch_optional(connection)
        .await?;
    Ok(stored)
}

async fn is_full(connection: &mut Connection, tenant: &Tenant, max: Option<u32>) -> Result<bool> {
    let Some(max) = max else { return Ok(false) };
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM webhooks WHERE tenant = $1 AND deleted_at IS NULL")
        .bind(tenant.as_str())
        .fetch_one(connection)
        .await?;
    Ok(there >= i64::from(max))
}

/// A revision never changes: `false` for one that is there already, which stays as it is.
async fn write_revision(connection: &mut Connection, revision: &Revision, parts: Parts) -> Result<bool> {
    let id = int(revision.id.number());
    let written = sqlx::query(
        "INSERT INTO revisions (id, webhook, valid_from, body, sealed) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(int(revision.webhook.number()))
    .bind(millis(revision.valid_from))
    .bind(parts.plain)
    .bind(parts.sealed)
    .execute(&mut *connection)
    .await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    for stage in &revision.chain {
        sqlx::query("INSERT INTO revision_plugins (digest, revision) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(stage.digest.0.to_vec())
            .bind(id)
            .execute(&mut *connection)
            .await?;
    }
    Ok(true)
}

async fn write_webhook(connection: &mut Connection, webhook: &Webhook, parts: Parts) -> Result<()> {
    sqlx::query(
        "INSERT INTO webhooks (id, tenant, name, description, created_at, revision, policies, sealed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
         description = excluded.description, revision = excluded.revision, policies = excluded.policies, \
         sealed = excluded.sealed WHERE webhooks.deleted_at IS NULL",
    )
    .bind(int(webhook.id.number()))
    .bind(webhook.tenant.as_str())
    .bind(&webhook.name)
    .bind(&webhook.description)
    .bind(millis(webhook.created_at))
    .bind(int(webhook.revision.id.number()))
    .bind(parts.plain)
    .bind(parts.sealed)
    .execute(connection)
    .await?;
    Ok(())
}

fn health_of(row: &Row) -> Result<Health> {
    Ok(Health {
        last_success: row.maybe_time("last_success")?,
        failing_since: row.maybe_time("failing_since")?,
        consecutive_failures: row.count("failures")?,
    })
}
