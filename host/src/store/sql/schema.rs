//! Brings the schema up to date; one that this program doesn't know is left alone.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::dialect::{Connection, SCHEMA};
use crate::store::{Result, StoreError};

pub(super) async fn migrate(connection: &mut Connection) -> Result<()> {
    let migration = |(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let known = SCHEMA.iter().map(|(version, ..)| *version).max().unwrap_or(0);
    let result = Migrator::with_migrations(SCHEMA.iter().map(migration).collect()).run(connection).await;
    result.map_err(|error| match error {
        MigrateError::VersionMissing(found) | MigrateError::VersionMismatch(found) | MigrateError::Dirty(found) => {
            StoreError::SchemaVersion { found, known }
        }
        other => StoreError::Unavailable(Box::new(other)),
    })
}
