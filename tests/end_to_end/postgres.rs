//! The same promises on PostgreSQL: what is accepted arrives, also after a process was killed, and a second one takes over.

use serde_json::json;

use crate::cluster::{Database, Own};
use crate::process::{Server, Sink, command, text};

fn on(database: &Database) -> Server {
    let allow = ["--allow-http", "--allow-network", "127.0.0.0/8"];
    Server::start_with(&[&allow[..], &["--database", &database.url()]].concat())
}

#[test]
fn what_was_accepted_arrives_and_is_there_after_the_next_start() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(Database::new());
    let sink = Sink::start();
    let mut server = on(&database);
    server.webhook(json!({ "url": sink.url("/"), "events": ["order.*"] }));
    let event = server.publish("order.paid", json!({ "order": 7 }));
    let delivery = server.delivery_after(&event, 1);
    assert_eq!(delivery["status"], "delivered", "{delivery:#}");
    assert_eq!(sink.wait_for(1)[0].header("webhook-id"), event);

    server.terminate();
    assert!(server.wait().success());
    server.restart();
    let later = server.publish("order.paid", json!({ "order": 8 }));
    assert_eq!(server.delivery_after(&later, 1)["status"], "delivered");
    assert_eq!(server.delivery_after(&event, 1)["status"], "delivered");
}

#[test]
fn a_server_without_its_database_says_which_one_and_not_how_to_get_in() {
    let output = crate::process::command(&["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(tempfile::tempdir().unwrap().path())
        .args(["--database", "postgres://me:verysecret@127.0.0.1:1/events", "--wait-for-database", "0"])
        .env("WAXWING_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        .output()
        .unwrap();
    let said = crate::process::text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("postgres://127.0.0.1:1/events") && !said.contains("verysecret"), "{said}");
}

#[test]
fn the_schema_is_brought_up_by_a_command_that_says_from_where_to_where() {
    let (cluster, runtime) = (Own::start(), tokio::runtime::Runtime::new().unwrap());
    let migrate = || command(&["migrate", "--database", &cluster.url()]).output().unwrap();
    let said = |output: &std::process::Output| text(&output.stdout).trim().rsplit(": ").next().unwrap().to_owned();
    assert_eq!(said(&migrate()), "made the schema, version 4");
    assert_eq!(said(&migrate()), "the schema is version 4 already");
    let json = command(&["migrate", "--database", &cluster.url(), "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json, json!({ "from": 4, "to": 4 }));
    runtime.block_on(cluster.runs("UPDATE _sqlx_migrations SET version = 99 WHERE version = 3"));
    let refused = migrate();
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    assert!(told.contains("schema version 99, this program knows 4"), "{told}");
    let sqlite = command(&["migrate", "--database", "sqlite:x.db"]).output().unwrap();
    assert_eq!(sqlite.status.code(), Some(2), "{}", text(&sqlite.stderr));
}
