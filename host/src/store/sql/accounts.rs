//! Tenants, tokens, the catalogue, defaults and the audit log.

use async_trait::async_trait;
use sqlx::QueryBuilder;

use super::convert::{Columns, int, millis};
use super::dialect::{Db, Row, Store, indexed_by};
use super::list::{self, Conditions};
use crate::model::access::{AccessToken, Role};
use crate::model::catalogue::CatalogueEntry;
use crate::model::ids::TokenId;
use crate::model::name::{EventType, Tenant};
use crate::model::page::{Page, PageRequest};
use crate::model::tenant::{Defaults, Retention, TenantProfile};
use crate::store::packed::damaged;
use crate::store::sealed::{from_json, to_json};
use crate::store::{Accounts, AuditEntry, Result};

/// A stored role that this program doesn't know.
#[derive(Debug, thiserror::Error)]
#[error("unknown role '{0}'")]
struct UnknownRole(String);

/// What a tenant has for trying things out goes with it.
const DELETE_SINKS: [&str; 2] = [
    "DELETE FROM sink_requests WHERE sink IN (SELECT id FROM sinks WHERE tenant = $1)",
    "DELETE FROM sinks WHERE tenant = $1",
];

#[async_trait]
impl Accounts for Store {
    async fn tenants(&self) -> Result<Vec<TenantProfile>> {
        let rows = sqlx::query("SELECT * FROM tenants ORDER BY name").fetch_all(&self.readers).await?;
        rows.iter().map(tenant_of).collect()
    }

    async fn save_tenant(&self, tenant: &TenantProfile) -> Result<()> {
        let defaults = to_json(&tenant.defaults)?;
        let mut transaction = self.configure().await?;
        sqlx::query(
            "INSERT INTO tenants (name, created_at, max_webhooks, max_held, retention, strict, defaults) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO UPDATE SET max_webhooks = excluded.max_webhooks, \
             max_held = excluded.max_held, retention = excluded.retention, strict = excluded.strict, \
             defaults = excluded.defaults",
        )
        .bind(tenant.name.as_str())
        .bind(millis(tenant.created_at))
        .bind(tenant.max_webhooks.map(i64::from))
        .bind(i64::from(tenant.max_held))
        .bind(i64::from(tenant.retention.days()))
        .bind(tenant.strict)
        .bind(defaults)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    async fn delete_tenant(&self, tenant: &Tenant) -> Result<bool> {
        let mut transaction = self.configure().await?;
        let done = sqlx::query(
            "DELETE FROM tenants WHERE name = $1 AND NOT EXISTS (SELECT 1 FROM events WHERE tenant = $1) \
             AND NOT EXISTS (SELECT 1 FROM webhooks WHERE tenant = $1 AND deleted_at IS NULL)",
        )
        .bind(tenant.as_str())
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() > 0 {
            for delete in DELETE_SINKS {
                sqlx::query(delete).bind(tenant.as_str()).execute(&mut *transaction).await?;
            }
        }
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn tokens(&self) -> Result<Vec<AccessToken>> {
        let rows = sqlx::query("SELECT * FROM tokens ORDER BY id").fetch_all(&self.readers).await?;
        rows.iter().map(token_of).collect()
    }

    async fn save_token(&self, token: &AccessToken) -> Result<()> {
        let mut transaction = self.configure().await?;
        sqlx::query(
            "INSERT INTO tokens (id, name, role, tenant, hash, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
             role = excluded.role, tenant = excluded.tenant, expires_at = excluded.expires_at",
        )
        .bind(int(token.id.number()))
        .bind(&token.name)
        .bind(token.role.as_str())
        .bind(token.tenant.as_ref().map(Tenant::as_str))
        .bind(token.hash.to_vec())
        .bind(millis(token.created_at))
        .bind(token.expires_at.map(millis))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    async fn delete_token(&self, id: TokenId) -> Result<bool> {
        let mut transaction = self.configure().await?;
        let done =
            sqlx::query("DELETE FROM tokens WHERE id = $1").bind(int(id.number())).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn catalogue(&self) -> Result<Vec<CatalogueEntry>> {
        let rows = sqlx::query("SELECT * FROM catalogue ORDER BY type").fetch_all(&self.readers).await?;
        rows.iter().map(entry_of).collect()
    }

    async fn save_catalogue_entry(&self, entry: &CatalogueEntry) -> Result<()> {
        let mut transaction = self.configure().await?;
        sqlx::query(
            "INSERT INTO catalogue (type, description, schema, sample, deprecated, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (type) DO UPDATE SET description = excluded.description, \
             schema = excluded.schema, sample = excluded.sample, deprecated = excluded.deprecated, \
             updated_at = excluded.updated_at",
        )
        .bind(entry.event_type.as_str())
        .bind(&entry.description)
        .bind(&entry.schema)
        .bind(&entry.sample)
        .bind(entry.deprecated)
        .bind(millis(entry.updated_at))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    async fn delete_catalogue_entry(&self, event_type: &EventType) -> Result<bool> {
        let mut transaction = self.configure().await?;
        let done = sqlx::query("DELETE FROM catalogue WHERE type = $1")
            .bind(event_type.as_str())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn defaults(&self) -> Result<Defaults> {
        let stored: Option<String> = sqlx::query_scalar("SELECT value FROM settings WHERE name = 'defaults'")
            .fetch_optional(&self.readers)
            .await?;
        stored.map_or_else(|| Ok(Defaults::default()), |json| from_json("settings", json.as_bytes()))
    }

    async fn save_defaults(&self, defaults: &Defaults) -> Result<()> {
        let json = to_json(defaults)?;
        let mut transaction = self.configure().await?;
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ('defaults', $1) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(json)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    async fn audit(&self, entry: &AuditEntry) -> Result<()> {
        let mut transaction = self.begin().await?;
        sqlx::query("INSERT INTO audit (id, tenant, actor, action, target, detail) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(int(entry.id))
            .bind(entry.tenant.as_ref().map(Tenant::as_str))
            .bind(&entry.actor)
            .bind(&entry.action)
            .bind(&entry.target)
            .bind(&entry.detail)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    async fn audits(&self, tenant: Option<&Tenant>, page: PageRequest) -> Result<Page<AuditEntry>> {
        let mut conditions = Conditions::between(None, None, page.before);
        tenant.iter().for_each(|tenant| {
            conditions.indexed(indexed_by!("audit_by_tenant"), "r.tenant = ", tenant.as_str().to_owned());
        });
        let mut query = QueryBuilder::<Db>::new("SELECT * FROM audit AS r");
        conditions.write_index(&mut query);
        conditions.write_where(&mut query, None);
        conditions.write_order(&mut query, page.limit);
        let rows = query.build().fetch_all(&self.readers).await?;
        let found = rows.iter().map(audit_of).collect::<Result<Vec<_>>>()?;
        Ok(list::page(found, page.limit, None, |entry| entry.id))
    }
}

fn tenant_of(row: &Row) -> Result<TenantProfile> {
    Ok(TenantProfile {
        name: row.text("name")?,
        created_at: row.time("created_at")?,
        max_webhooks: row.maybe_count("max_webhooks")?,
        max_held: row.count("max_held")?,
        retention: Retention::try_from(row.count::<u16>("retention")?).map_err(|error| damaged("tenant", error))?,
        strict: row.raw("strict")?,
        defaults: from_json("tenant", row.raw::<&str>("defaults")?.as_bytes())?,
    })
}

fn token_of(row: &Row) -> Result<AccessToken> {
    Ok(AccessToken {
        id: row.id("id")?,
        name: row.raw("name")?,
        role: role_of(row)?,
        tenant: row.maybe_text("tenant")?,
        hash: row.bytes_32("hash")?,
        created_at: row.time("created_at")?,
        expires_at: row.maybe_time("expires_at")?,
    })
}

pub(super) fn role_of(row: &Row) -> Result<Role> {
    let role: &str = row.raw("role")?;
    let known = Role::ALL.into_iter().find(|known| known.as_str() == role);
    known.ok_or_else(|| damaged("token", UnknownRole(role.to_owned())))
}

fn entry_of(row: &Row) -> Result<CatalogueEntry> {
    Ok(CatalogueEntry {
        event_type: row.text("type")?,
        description: row.raw("description")?,
        schema: row.raw("schema")?,
        sample: row.raw("sample")?,
        deprecated: row.raw("deprecated")?,
        updated_at: row.time("updated_at")?,
    })
}

fn audit_of(row: &Row) -> Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.count("id")?,
        tenant: row.maybe_text("tenant")?,
        actor: row.raw("actor")?,
        action: row.raw("action")?,
        target: row.raw("target")?,
        detail: row.raw("detail")?,
    })
}
