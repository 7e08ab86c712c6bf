//! Brings the schema up to date; one that this program doesn't know, or that is somebody else's, is left alone.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::dialect::{Connection, FOREIGN_TABLE, NO_RIGHT, SCHEMA};
use crate::store::{Result, StoreError};

pub(super) async fn migrate(connection: &mut Connection) -> Result<()> {
    let migration = |(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let foreign: Option<String> = sqlx::query_scalar(FOREIGN_TABLE).fetch_optional(&mut *connection).await?;
    if let Some(table) = foreign {
        return Err(StoreError::Foreign { found: format!("it holds the table '{table}'") });
    }
    let known = SCHEMA.iter().map(|(version, ..)| *version).max().unwrap_or(0);
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

fn is_forbidden(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| NO_RIGHT.contains(&code.as_ref()))
}
