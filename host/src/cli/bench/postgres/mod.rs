//! The PostgreSQL that scenarios run on: one that was named, or [a temporary one](cluster) of the run's own. Each measurement has a
//! database of its own there, which is dropped after it.

mod cluster;
mod processes;

use std::path::Path;
use std::str::FromStr as _;

use parking_lot::Mutex;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use url::Url;

use self::cluster::Cluster;
pub(super) use self::processes::Postmaster;
use crate::cli::Failure;
use crate::config::DatabaseUrl;

pub(super) struct Postgres {
    url: Url,
    options: PgConnectOptions,
    /// `None`: its processes can't be seen.
    postmaster: Option<Postmaster>,
    /// Those that stand, by their numbers.
    databases: Mutex<Vec<u32>>,
    cluster: Option<Cluster>,
}

/// A measurement's own, empty at first.
pub(super) struct Database {
    number: u32,
    /// May hold a password.
    pub(super) url: String,
}

impl Postgres {
    /// On a server that is there. The user must be allowed to make databases.
    pub(super) async fn at(url: &str) -> Result<Self, Failure> {
        let usage = |message: String| Failure::Usage(format!("--postgres {message}"));
        DatabaseUrl::parse(url).map_err(usage)?;
        Self::with(url, None).await
    }

    /// On a temporary one, in a folder below `parent`.
    pub(super) async fn temporary(parent: &Path) -> Result<Self, Failure> {
        let cluster = Cluster::start(parent).await?;
        Self::with(&cluster.url()?, Some(cluster)).await
    }

    async fn with(url: &str, cluster: Option<Cluster>) -> Result<Self, Failure> {
        let options = PgConnectOptions::from_str(url).map_err(|error| failed(&error))?.disable_statement_logging();
        let url = Url::parse(url).map_err(|error| Failure::Failed(error.to_string()))?;
        let mut connection = options.connect().await.map_err(|error| failed(&error))?;
        let postmaster = Postmaster::of(&mut connection).await.map_err(|error| failed(&error))?;
        connection.close().await.map_err(|error| failed(&error))?;
        Ok(Self { url, options, postmaster, databases: Mutex::default(), cluster })
    }

    pub(super) const fn postmaster(&self) -> Option<Postmaster> {
        self.postmaster
    }

    pub(super) async fn database(&self) -> Result<Database, Failure> {
        let number = {
            let mut databases = self.databases.lock();
            let number = databases.last().map_or(1, |last| last + 1);
            databases.push(number);
            number
        };
        let name = name(number);
        self.runs(&format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")).await?;
        let mut url = self.url.clone();
        url.set_path(&name);
        let kept: Vec<_> = self.url.query_pairs().filter(|(parameter, _)| parameter != "dbname").collect();
        url.query_pairs_mut().clear().extend_pairs(kept);
        Ok(Database { number, url: url.into() })
    }

    pub(super) async fn drop(&self, database: Database) -> Result<(), Failure> {
        self.runs(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", name(database.number))).await?;
        self.databases.lock().retain(|number| *number != database.number);
        Ok(())
    }

    /// Bytes of the write-ahead log so far, of the whole server.
    pub(super) async fn wal(&self) -> Result<u64, Failure> {
        let at = async {
            let mut connection = self.connect().await?;
            let bytes: i64 = sqlx::query_scalar("SELECT CAST(pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS BIGINT)")
                .fetch_one(&mut connection)
                .await?;
            connection.close().await?;
            Ok(u64::try_from(bytes).unwrap_or_default())
        };
        at.await.map_err(|error: sqlx::Error| failed(&error))
    }

    /// Drops what still stands, and stops a temporary server.
    pub(super) async fn close(self) -> Result<(), Failure> {
        if let Some(cluster) = self.cluster {
            return cluster.stop().await;
        }
        let left: Vec<u32> = self.databases.lock().clone();
        for number in left {
            self.drop(Database { number, url: String::new() }).await?;
        }
        Ok(())
    }

    async fn runs(&self, statement: &str) -> Result<(), Failure> {
        let run = async {
            let mut connection = self.connect().await?;
            sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await?;
            connection.close().await
        };
        run.await.map_err(|error| failed(&error))
    }

    async fn connect(&self) -> sqlx::Result<PgConnection> {
        self.options.connect().await
    }
}

fn name(number: u32) -> String {
    format!("waxwing_bench_{}_{number}", std::process::id())
}

fn failed(error: &sqlx::Error) -> Failure {
    Failure::Failed(format!("PostgreSQL: {error}"))
}
