//! A start on what is no database for it: one clear line, and nothing of it is touched.

use std::path::Path;

use sqlx::{ConnectOptions, Connection, Executor};

use crate::cluster::{Database, Own};
use crate::process::{command, text};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What a start says, which fails; its last word, without the log.
fn refusal(data: &Path, arguments: &[&str]) -> String {
    let mut serve = command(&["serve", "--listen", "127.0.0.1:0", "--log-filter", "warn", "--data"]);
    let output = serve.arg(data).args(arguments).env("WAXWING_KEY", KEY).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "one line: {said}");
    said
}

/// The line holds all of these.
#[track_caller]
fn says(said: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

/// An SQLite file on which these statements were run.
async fn made(path: &Path, statements: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    connection.execute(statements).await.unwrap();
    connection.close().await.unwrap();
}

#[test]
fn a_file_that_is_no_database_or_somebody_elses_is_named_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waxwing.db");
    std::fs::write(&path, "Dear diary, this is not a database. ".repeat(100)).unwrap();
    let before = std::fs::read(&path).unwrap();
    says(&refusal(folder.path(), &[]), &["waxwing.db", "no database of Waxwing", "no SQLite database", "name another"]);
    assert_eq!(std::fs::read(&path).unwrap(), before);

    std::fs::remove_file(&path).unwrap();
    runtime().block_on(made(&path, "CREATE TABLE customers (id INTEGER)"));
    says(&refusal(folder.path(), &[]), &["no database of Waxwing", "the table 'customers'", "name another"]);
    let tables = async {
        let mut connection = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        sqlx::query_scalar::<_, String>("SELECT name FROM sqlite_master").fetch_all(&mut connection).await.unwrap()
    };
    assert_eq!(runtime().block_on(tables), ["customers"]);
}

#[test]
fn a_schema_of_a_newer_program_is_told_by_its_version() {
    let folder = tempfile::tempdir().unwrap();
    // As a newer program leaves it: our tables, and a version that isn't known here.
    let server = crate::process::Server::start();
    server.terminate();
    assert!(server.wait().success());
    std::fs::copy(server.file("waxwing.db"), folder.path().join("waxwing.db")).unwrap();
    runtime().block_on(made(
        &folder.path().join("waxwing.db"),
        "UPDATE _sqlx_migrations SET version = 99 WHERE version = 3",
    ));
    let told =
        |known: &'static str| ["schema version 99, this program knows ", known, "start the program that wrote it"];
    says(&refusal(folder.path(), &[]), &told("3:"));

    let database = runtime().block_on(Database::new());
    let newer = async {
        database.connect().await.execute("UPDATE _sqlx_migrations SET version = 99 WHERE version = 3").await.unwrap()
    };
    runtime().block_on(newer);
    says(&refusal(folder.path(), &["--database", &database.url()]), &told("4:"));
}

#[test]
fn a_postgresql_that_lacks_the_schema_or_has_anothers_is_told_at_once() {
    let (cluster, folder) = (Own::start(), tempfile::tempdir().unwrap());
    runtime().block_on(cluster.runs("CREATE ROLE guest LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"));
    let as_guest = cluster.url().replace("postgres@", "guest@");
    let said = refusal(folder.path(), &["--database", &as_guest]);
    says(&said, &["brought up to version 4", "may not", "waxwing migrate", "permission denied"]);

    runtime().block_on(cluster.runs("CREATE TABLE events (id INTEGER)"));
    let said = refusal(folder.path(), &["--database", &cluster.url()]);
    says(&said, &["no database of Waxwing", "the table 'events'", "name another"]);
}
