//! Connections: how they are set up, which pools there are, and what is checked before anything else happens.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgConnection, PgPool};

use super::PostgresOptions;
use crate::store::{Result, StoreError};

/// How long a connection may take, and how long a caller waits for one.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// Each text is prepared once a connection; there are fewer than these.
const STATEMENTS_KEPT: usize = 256;

/// No plan here is worth compiling or sharing between processes. A process that stands still in a transaction mustn't hold its locks
/// for ever.
const ALL: &str = "SET jit = off; SET max_parallel_workers_per_gather = 0; SET idle_in_transaction_session_timeout = '60s'; \
    SET synchronous_commit = on";
/// The statements of the hot path find each row by its key, whatever the planner thinks of tables that were empty a moment ago, and
/// are planned once.
const HOT: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
    SET enable_mergejoin = off";
/// For completions: one that is lost in a crash only repeats a delivery.
const QUICK: &str = "SET synchronous_commit = off";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Now and then.
    Cold,
    /// Durable when a commit returns.
    Appends,
    /// A crash of the database may undo the last commits, each as a whole.
    Completions,
}

impl Purpose {
    const fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Cold => &[ALL],
            Self::Appends => &[ALL, HOT],
            Self::Completions => &[ALL, HOT, QUICK],
        }
    }
}

pub(super) struct Connector {
    options: PgConnectOptions,
    readers: u32,
    writers: u32,
}

/// The database didn't let anybody in for [`CONNECT_WAIT`].
#[derive(Debug, thiserror::Error)]
#[error("no connection within {} seconds", CONNECT_WAIT.as_secs())]
struct TooSlow;

impl Connector {
    pub(super) fn new(url: &str, options: &PostgresOptions) -> Result<Self> {
        let parsed = PgConnectOptions::from_str(url)?;
        let named = match parsed.get_application_name() {
            Some(_) => parsed,
            None => parsed.application_name("waxwing"),
        };
        let connect = named.statement_cache_capacity(STATEMENTS_KEPT).disable_statement_logging();
        Ok(Self { options: connect, readers: options.readers.max(1), writers: options.writers.max(2) })
    }

    /// A connection outside the pools; answers within seconds.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<PgConnection> {
        let made = async {
            let mut connection = self.options.connect().await?;
            for settings in purpose.settings() {
                connection.execute(*settings).await?;
            }
            Ok(connection)
        };
        let in_time = tokio::time::timeout(CONNECT_WAIT, made).await;
        in_time.map_err(|_| StoreError::Unavailable(Box::new(TooSlow)))?
    }

    pub(super) fn readers(&self) -> PgPool {
        self.pool(self.readers)
    }

    pub(super) fn writers(&self) -> PgPool {
        self.pool(self.writers)
    }

    /// For the one connection that listens.
    pub(super) fn listening(&self) -> PgPool {
        self.pool(1)
    }

    fn pool(&self, size: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(size)
            .acquire_timeout(CONNECT_WAIT)
            .after_connect(|connection, _| Box::pin(async move { connection.execute(ALL).await.map(drop) }))
            .connect_lazy_with(self.options.clone())
    }
}

/// Tells what will not mend by itself from what may: SQLSTATE classes 28 (who may come in), 3D (no such database), 3F (no such schema)
/// and 42 (what is asked isn't allowed), a URL that can't be used, and TLS that can't be had.
pub(super) fn refused(error: StoreError) -> StoreError {
    let StoreError::Unavailable(source) = error else { return error };
    let for_good = match source.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Configuration(_) | sqlx::Error::Tls(_)) => true,
        Some(sqlx::Error::Database(said)) => {
            said.code().is_some_and(|code| ["28", "3D", "3F", "42"].iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    };
    if for_good { StoreError::Refused(source) } else { StoreError::Unavailable(source) }
}

pub(super) async fn schema_version(connection: &mut PgConnection) -> Result<Option<i64>> {
    let known: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !known {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success").fetch_one(connection).await?)
}

/// Compares the key with the one that wrote this database; the first start leaves its own.
pub(super) async fn compare_key(connection: &mut PgConnection, key_id: &str) -> Result<()> {
    sqlx::query("INSERT INTO settings (name, value) VALUES ('key_id', $1) ON CONFLICT DO NOTHING")
        .bind(key_id)
        .execute(&mut *connection)
        .await?;
    let known: String =
        sqlx::query_scalar("SELECT value FROM settings WHERE name = 'key_id'").fetch_one(connection).await?;
    if known == key_id { Ok(()) } else { Err(StoreError::WrongKey) }
}
