//! Plugins: what a component said of itself, and its bytes by digest.

use async_trait::async_trait;
use bytes::Bytes;

use super::convert::{Columns, int, millis};
use super::dialect::{Connection, Row, Store};
use crate::model::plugin::{Digest, Plugin};
use crate::store::sealed::{from_json, to_json};
use crate::store::{Plugins, Result};

#[async_trait]
impl Plugins for Store {
    async fn save_plugin(&self, plugin: &Plugin, wasm: &Bytes) -> Result<bool> {
        let version = plugin.manifest.version.to_string();
        let manifest = to_json(&plugin.manifest)?;
        let mut transaction = self.configure().await?;
        let other: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT digest FROM plugins WHERE name = $1 AND version = $2 AND digest <> $3")
                .bind(&plugin.manifest.name)
                .bind(&version)
                .bind(plugin.digest.0.to_vec())
                .fetch_optional(&mut *transaction)
                .await?;
        if other.is_some() {
            transaction.rollback().await?;
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO plugins (digest, name, version, manifest, size, uploaded_at, bundled, shared) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(plugin.digest.0.to_vec())
        .bind(&plugin.manifest.name)
        .bind(&version)
        .bind(manifest)
        .bind(int(plugin.size))
        .bind(millis(plugin.uploaded_at))
        .bind(plugin.bundled)
        .bind(plugin.shared)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("INSERT INTO components (digest, wasm) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(plugin.digest.0.to_vec())
            .bind(wasm.to_vec())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn plugins(&self) -> Result<Vec<Plugin>> {
        let rows = sqlx::query("SELECT * FROM plugins").fetch_all(&self.readers).await?;
        let mut plugins: Vec<Plugin> = rows.iter().map(plugin_of).collect::<Result<_>>()?;
        plugins.sort_by(|a, b| {
            let by_name = a.manifest.name.cmp(&b.manifest.name);
            by_name.then_with(|| b.manifest.version.cmp(&a.manifest.version))
        });
        Ok(plugins)
    }

    async fn component(&self, digest: Digest) -> Result<Option<Bytes>> {
        let wasm: Option<Vec<u8>> = sqlx::query_scalar("SELECT wasm FROM components WHERE digest = $1")
            .bind(digest.0.to_vec())
            .fetch_optional(&self.readers)
            .await?;
        Ok(wasm.map(Bytes::from))
    }

    async fn delete_plugin(&self, digest: Digest) -> Result<bool> {
        // The log may be long: it is searched beside the writer. Only a current revision gets new deliveries, and that is looked
        // at again below.
        if self.is_needed_by_a_delivery(digest).await? {
            return Ok(false);
        }
        let mut transaction = self.configure().await?;
        if is_current(&mut transaction, digest).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        for delete in ["DELETE FROM plugins WHERE digest = $1", "DELETE FROM components WHERE digest = $1"] {
            sqlx::query(delete).bind(digest.0.to_vec()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn share_plugin(&self, digest: Digest, shared: bool) -> Result<()> {
        let mut transaction = self.configure().await?;
        sqlx::query("UPDATE plugins SET shared = $1 WHERE digest = $2")
            .bind(shared)
            .bind(digest.0.to_vec())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }
}

impl Store {
    async fn is_needed_by_a_delivery(&self, digest: Digest) -> Result<bool> {
        let needed: Option<i64> = sqlx::query_scalar(
            "SELECT p.revision FROM revision_plugins AS p JOIN revisions AS r ON r.id = p.revision WHERE p.digest = $1 AND \
             (EXISTS (SELECT 1 FROM queue AS q WHERE q.webhook = r.webhook AND q.revision = r.id) OR \
              EXISTS (SELECT 1 FROM deliveries AS d WHERE d.webhook = r.webhook AND d.revision = r.id)) LIMIT 1",
        )
        .bind(digest.0.to_vec())
        .fetch_optional(&self.readers)
        .await?;
        Ok(needed.is_some())
    }
}

async fn is_current(connection: &mut Connection, digest: Digest) -> Result<bool> {
    let current: Option<i64> = sqlx::query_scalar(
        "SELECT p.revision FROM revision_plugins AS p JOIN revisions AS r ON r.id = p.revision \
         JOIN webhooks AS w ON w.id = r.webhook AND w.revision = r.id WHERE p.digest = $1 AND w.deleted_at IS NULL LIMIT 1",
    )
    .bind(digest.0.to_vec())
    .fetch_optional(connection)
    .await?;
    Ok(current.is_some())
}

fn plugin_of(row: &Row) -> Result<Plugin> {
    Ok(Plugin {
        digest: Digest(row.bytes_32("digest")?),
        manifest: from_json("plugin", row.raw::<&str>("manifest")?.as_bytes())?,
        size: row.count("size")?,
        uploaded_at: row.time("uploaded_at")?,
        bundled: row.raw("bundled")?,
        shared: row.raw("shared")?,
    })
}
