//! Brings the schema up to date; one that this program doesn't know, or that is somebody else's, is left alone.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::dialect::{Connection, FOREIGN_TABLE, NO_RIGHT, SCHEMA};
use crate::store::copy::CopyError;
use crate::store::{Result, StoreError};

pub(super) async fn migrate(connection: &mut Connection) -> Result<()> {
    let migration = |(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let foreign: Option<String> = sqlx::query_scalar(FOREIGN_TABLE).fetch_optional(&mut *connection).await?;
    if let Some(table) = foreign {
        return Err(StoreError::Foreign { found: format!("it holds the table '{table}'") });
    }
    let known = known();
    let result = Migrator::with_migrations(SCHEMA.iter().map(migration).collect()).run(connection).await;
    result.map_err(|error| match error {
        MigrateError::VersionMissing(found) | MigrateError::VersionMismatch(found) | MigrateError::Dirty(found) => {
            StoreError::SchemaVersion { found, known }
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) if is_forbidden(&error) => {
            StoreError::MayNotMigrate { known, source: Box::new(error) }
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => StoreError::Unavailable(Box::new(other)),
    })
}

/// A source's schema is left as it is, so it must be this program's; `remedy` says how it becomes so.
pub(super) fn is_current(version: Option<i64>, remedy: &'static str) -> Result<(), CopyError> {
    match (version, known()) {
        (None, _) => Err(CopyError::NoSchema),
        (Some(found), known) if found < known => Err(CopyError::OldSchema { found, known, remedy }),
        (Some(found), known) if found > known => Err(CopyError::Source(StoreError::SchemaVersion { found, known })),
        (Some(_), _) => Ok(()),
    }
}

fn known() -> i64 {
    SCHEMA.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

fn is_forbidden(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| NO_RIGHT.contains(&code.as_ref()))
}
