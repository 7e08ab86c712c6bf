//! Sessions of the portal, and links that sign in once.

use async_trait::async_trait;

use super::accounts::role_of;
use super::convert::{Columns, millis};
use super::dialect::{Row, Store};
use crate::model::name::Tenant;
use crate::model::session::{Grant, Session, SignInLink};
use crate::model::time::Timestamp;
use crate::store::{Result, Sessions};

#[async_trait]
impl Sessions for Store {
    async fn save_session(&self, session: &Session) -> Result<()> {
        let Session { hash, grant, by_link, created_at, expires_at } = session;
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(millis(*created_at))
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO sessions (hash, maker, proof, by_link, role, tenant, origin, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(hash.to_vec())
        .bind(&grant.maker)
        .bind(grant.proof.map(|proof| proof.to_vec()))
        .bind(*by_link)
        .bind(grant.role.as_str())
        .bind(grant.tenant.as_ref().map(Tenant::as_str))
        .bind(&grant.origin)
        .bind(millis(*created_at))
        .bind(millis(*expires_at))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    async fn session(&self, hash: &[u8; 32]) -> Result<Option<Session>> {
        let row = sqlx::query("SELECT * FROM sessions WHERE hash = $1")
            .bind(hash.to_vec())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(session_of).transpose()
    }

    async fn delete_session(&self, hash: &[u8; 32]) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let done =
            sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(hash.to_vec()).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn save_link(&self, link: &SignInLink) -> Result<()> {
        let SignInLink { hash, grant, created_at, expires_at } = link;
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM sign_in_links WHERE expires_at <= $1")
            .bind(millis(*created_at))
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO sign_in_links (hash, maker, proof, role, tenant, origin, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(hash.to_vec())
        .bind(&grant.maker)
        .bind(grant.proof.map(|proof| proof.to_vec()))
        .bind(grant.role.as_str())
        .bind(grant.tenant.as_ref().map(Tenant::as_str))
        .bind(&grant.origin)
        .bind(millis(*created_at))
        .bind(millis(*expires_at))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    async fn link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<SignInLink>> {
        let row = sqlx::query("SELECT * FROM sign_in_links WHERE hash = $1 AND expires_at > $2")
            .bind(hash.to_vec())
            .bind(millis(now))
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(link_of).transpose()
    }

    async fn take_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<SignInLink>> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query("DELETE FROM sign_in_links WHERE hash = $1 AND expires_at > $2 RETURNING *")
            .bind(hash.to_vec())
            .bind(millis(now))
            .fetch_optional(&mut *transaction)
            .await?;
        let link = row.as_ref().map(link_of).transpose()?;
        transaction.commit().await?;
        Ok(link)
    }
}

fn session_of(row: &Row) -> Result<Session> {
    Ok(Session {
        hash: row.bytes_32("hash")?,
        grant: grant_of(row)?,
        by_link: row.raw("by_link")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}

fn link_of(row: &Row) -> Result<SignInLink> {
    Ok(SignInLink {
        hash: row.bytes_32("hash")?,
        grant: grant_of(row)?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}

fn grant_of(row: &Row) -> Result<Grant> {
    let proof = row.raw::<Option<&[u8]>>("proof")?.map(|_| row.bytes_32("proof")).transpose()?;
    Ok(Grant {
        maker: row.raw("maker")?,
        proof,
        role: role_of(row)?,
        tenant: row.maybe_text("tenant")?,
        origin: row.raw("origin")?,
    })
}
