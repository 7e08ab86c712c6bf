//! `waxwing copy`: what a stopped server has goes to the other kind of database, and a server goes on there.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use sqlx::{Executor as _, PgConnection};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::cluster::Database;
use crate::process::{Server, Sink, command, id, text};

const ALLOW: [&str; 3] = ["--allow-http", "--allow-network", "127.0.0.0/8"];
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// What both servers must say alike.
const SHOWN: [&str; 5] = ["/api/webhooks", "/api/events", "/api/deliveries", "/api/plugins", "/api/event-types"];

fn on(database: &str) -> Server {
    Server::start_with(&[&ALLOW[..], &["--database", database]].concat())
}

fn file_in(folder: &TempDir) -> String {
    format!("sqlite:{}", folder.path().join("waxwing.db").display())
}

/// As it is meant to be typed: a URL with a password in it stands in the environment.
fn copy(from: &str, to: &str) -> Command {
    let mut command = command(&["copy"]);
    command.env("WAXWING_COPY_FROM", from).env("WAXWING_COPY_TO", to);
    command
}

fn copied(from: &str, to: &str) -> Value {
    let output = copy(from, to).arg("--json").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn stop(server: Server) {
    server.terminate();
    assert!(server.wait().success());
}

/// A server's webhook with a retry an hour from now, and another one that is paused and has something waiting.
struct Pending {
    sink: Sink,
    paused: String,
    tried: String,
    waiting: String,
}

impl Pending {
    fn on(server: &Server) -> Self {
        let sink = Sink::start();
        sink.answers(&[503]);
        let retry = json!({ "delaysSeconds": [3600] });
        server.webhook(json!({ "url": sink.url("/tried"), "events": ["order.*"], "retry": retry }));
        let tried = server.publish("order.paid", json!({ "order": 7 }));
        let tried = id(&server.delivery_after(&tried, 1));
        let paused = id(&server.webhook(json!({ "url": sink.url("/paused"), "events": ["user.*"] })));
        server.json(&["webhook", "pause", &paused]);
        let waiting = server.publish("user.created", json!({ "user": 8 }));
        Self { sink, paused, tried, waiting }
    }

    /// It goes on where it was.
    fn is_delivered_by(&self, server: &Server) {
        assert_eq!(server.get(&format!("/api/deliveries/{}", self.tried))["status"], "pending");
        server.json(&["webhook", "resume", &self.paused]);
        assert_eq!(server.delivery_after(&self.waiting, 1)["status"], "delivered");
        server.post(&format!("/api/deliveries/{}/retry", self.tried), json!({}));
        let ended = server.ended(&self.tried);
        assert_eq!((&ended["status"], &ended["attemptCount"]), (&json!("delivered"), &json!(2)), "{ended:#}");
        let received = self.sink.received();
        let tries: Vec<_> = received.iter().filter(|request| request.target == "/tried").collect();
        assert_eq!((tries.len(), &tries[0].body), (2, &tries[1].body), "the same bytes again");
    }
}

#[test]
fn who_outgrows_a_file_goes_on_in_postgresql_and_may_come_back() {
    let (runtime, folders) = (Runtime::new().unwrap(), [(); 2].map(|()| tempfile::tempdir().unwrap()));
    let database = runtime.block_on(Database::new());
    let places = [file_in(&folders[0]), database.url(), file_in(&folders[1])];
    let order = json!({ "type": "license.created", "data": { "order": 1 } });

    let first = on(&places[0]);
    let pending = Pending::on(&first);
    let answer = first.post_once("/api/events", "import-7", &order);
    let shown = SHOWN.map(|path| first.get(path));
    let refused = copy(&places[0], &places[1]).output().unwrap();
    assert!(text(&refused.stderr).contains("is in use by process"), "{}", text(&refused.stderr));
    stop(first);

    let done = copied(&places[0], &places[1]);
    assert_eq!((&done["rows"]["events"], &done["rows"]["queue"]), (&json!(3), &json!(2)), "{done:#}");
    let second = on(&places[1]);
    assert_eq!(SHOWN.map(|path| second.get(path)), shown);
    assert_eq!(second.post_once("/api/events", "import-7", &order), answer);
    stop(second);

    copied(&places[1], &places[2]);
    let third = on(&places[2]);
    assert_eq!(SHOWN.map(|path| third.get(path)), shown);
    assert_eq!(third.post_once("/api/events", "import-7", &order), answer);
    pending.is_delivered_by(&third);
    stop(third);

    let refused = copy(&places[2], &places[1]).output().unwrap();
    let told = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("holds data already") && told.contains("name an empty database"), "{told}");
}

/// A copy that can't write the queue, having come so far.
fn stuck(from: &str, to: &str) -> Child {
    let mut child = copy(from, to).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line.starts_with("additions done")), "it ended before");
    child
}

/// Nobody else writes the queue until the transaction ends.
fn hold_the_queue(runtime: &Runtime, connection: &mut PgConnection) {
    let hold = "BEGIN; LOCK TABLE queue IN EXCLUSIVE MODE";
    runtime.block_on(connection.execute(hold)).unwrap();
}

fn serve(data: &Path, database: &str) -> Output {
    let mut command = command(&["serve", "--listen", "127.0.0.1:0", "--database", database, "--data"]);
    command.arg(data).env("WAXWING_KEY", KEY).output().unwrap()
}

#[test]
fn a_copy_that_is_cut_off_or_killed_is_finished_by_the_same_command() {
    let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let database = runtime.block_on(Database::new());
    let (from, to) = (file_in(&folder), database.url());
    let server = on(&from);
    let pending = Pending::on(&server);
    stop(server);
    let mut other = runtime.block_on(database.connect());

    hold_the_queue(&runtime, &mut other);
    let cut = stuck(&from, &to);
    let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
               WHERE datname = current_database() AND application_name = 'waxwing'";
    runtime.block_on(other.execute(end)).unwrap();
    let cut = cut.wait_with_output().unwrap();
    let told = text(&cut.stderr);
    assert_eq!(cut.status.code(), Some(1), "{told}");
    assert!(told.contains("the target can't be written") && told.contains("the same command goes on"), "{told}");
    runtime.block_on(other.execute("ROLLBACK")).unwrap();

    hold_the_queue(&runtime, &mut other);
    let mut killed = stuck(&from, &to);
    killed.kill().unwrap();
    killed.wait().unwrap();
    runtime.block_on(other.execute("ROLLBACK")).unwrap();

    let refused = serve(folder.path(), &to);
    let told = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("unfinished copy") && told.contains("run the same `waxwing copy` again"), "{told}");

    let done = copied(&from, &to);
    assert_eq!(done["rows"]["queue"], 2, "{done:#}");
    assert!(done["copied"].as_u64() < done["rows"].as_object().unwrap().values().map(Value::as_u64).sum(), "{done:#}");
    let server = on(&to);
    pending.is_delivered_by(&server);
}

#[test]
fn what_can_not_be_copied_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |from: &str, to: &str, code: i32, says: &str| {
        let output = copy(from, to).output().unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(says) && !told.contains("verysecret"), "{told}");
    };
    let (file, gone) = (file_in(&folder), "postgres://me:verysecret@127.0.0.1:1/events");
    refused("mysql://localhost/x", gone, 2, "--from: must be sqlite:PATH");
    refused(&file, "postgres://localhost", 2, "--to: names no database");
    refused(&file, &file, 2, "of one kind");
    refused(gone, gone, 2, "pg_dump");
    refused(&file, gone, 1, "waxwing.db doesn't exist");
    refused(gone, &file, 1, "the source can't be read");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
    std::fs::write(folder.path().join("waxwing.db"), "").unwrap();
    refused(&file, gone, 1, "holds nothing of Waxwing's");
}
