//! The locks by which nodes agree on who does something now; each is let go of at its transaction's end.

use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

use crate::model::ids::WebhookId;
use crate::store::Result;

/// Set apart from other programs' locks in the same database ("waxw"), and numbered.
const SPACE: i32 = 0x7761_7877;

/// The webhooks' locks ("waxx"). Two that share one only wait for each other.
const WEBHOOKS: i32 = 0x7761_7878;

/// As long as this connection lives no node purges: it looks as if another one did.
pub async fn hold_off_purges(url: &str) -> Result<PgConnection> {
    let mut connection = PgConnectOptions::from_str(url)?.disable_statement_logging().connect().await?;
    PURGE.hold(&mut connection).await?;
    Ok(connection)
}

/// Whether somebody purges, or holds it off.
pub async fn purges_now(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let held = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted \
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                AND CAST(classid AS BIGINT) = $1 AND CAST(objid AS BIGINT) = $2)";
    sqlx::query_scalar(held).bind(i64::from(SPACE)).bind(i64::from(PURGE.0)).fetch_one(connection).await
}

/// Waits for the webhook's lock.
pub(super) async fn take_webhook(transaction: &mut PgConnection, webhook: WebhookId) -> Result<()> {
    let place = i32::try_from(webhook.number() % 0x7fff_ffff).unwrap_or_default();
    sqlx::query("SELECT pg_advisory_xact_lock($1, $2)").bind(WEBHOOKS).bind(place).execute(transaction).await?;
    Ok(())
}

/// One of the advisory locks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lock(i32);

/// Cold writes.
pub(super) const COLD: Lock = Lock(1);
/// Joining.
pub(super) const MEMBERS: Lock = Lock(2);
/// Making partitions.
pub(super) const PARTITIONS: Lock = Lock(3);
/// Dropping what has expired.
pub(super) const PURGE: Lock = Lock(4);
/// Copying another database into this one; held for as long as the connection lives.
pub(super) const COPY: Lock = Lock(5);

impl Lock {
    /// Waits for it.
    pub(super) async fn take(self, transaction: &mut PgConnection) -> Result<()> {
        sqlx::query("SELECT pg_advisory_xact_lock($1, $2)").bind(SPACE).bind(self.0).execute(transaction).await?;
        Ok(())
    }

    /// Waits for it, and holds it as long as the connection lives.
    pub(super) async fn hold(self, connection: &mut PgConnection) -> Result<()> {
        sqlx::query("SELECT pg_advisory_lock($1, $2)").bind(SPACE).bind(self.0).execute(connection).await?;
        Ok(())
    }

    /// Whether it was free; then it is held as long as the connection lives.
    pub(super) async fn try_hold(self, connection: &mut PgConnection) -> Result<bool> {
        let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)");
        Ok(query.bind(SPACE).bind(self.0).fetch_one(connection).await?)
    }

    /// Whether it was free.
    pub(super) async fn try_take(self, transaction: &mut PgConnection) -> Result<bool> {
        let query = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1, $2)");
        Ok(query.bind(SPACE).bind(self.0).fetch_one(transaction).await?)
    }
}
