//! More is posted than a store that stands still can take: memory stays bounded, and whoever can't be taken is told to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::full;
use crate::server::{Server, TOKEN};
use crate::sink::{Arrivals, healthy};

const ROOM_MIB: &str = "16";
const ROOM: usize = 16 * 1024 * 1024;
const DATA: usize = 256 * 1024;
const TYPE: &str = "load.flood";
/// For each connection its buffers and task, on top of what is admitted.
const PER_CONNECTION: usize = 128 * 1024;

/// What became of a post: the event's id if it was taken, how many seconds to wait if not.
enum Answer {
    Taken(String),
    Later(u64),
}

async fn post(http: reqwest::Client, url: String, body: Bytes) -> Answer {
    let request = http.post(url).bearer_auth(TOKEN).header("content-type", "application/json").body(body);
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let said: Value = answer.json().await.unwrap();
    match status {
        202 => Answer::Taken(said["id"].as_str().unwrap().to_owned()),
        429 => {
            assert_eq!((&said["code"], &said["status"]), (&json!("busy"), &json!(429)), "{said:#}");
            assert_eq!(headers["content-type"], "application/problem+json");
            Answer::Later(headers["retry-after"].to_str().unwrap().parse().unwrap())
        }
        _ => panic!("{status}: {said:#}"),
    }
}

/// Each of these connections takes a descriptor here, and one in the server, which inherits the limit.
fn with_descriptors(count: usize) {
    let (needed, limit) = (Some(count as u64), getrlimit(Resource::Nofile));
    assert!(limit.maximum.is_none_or(|most| Some(most) >= needed), "this test needs {count} descriptors (ulimit -Hn)");
    if limit.current.is_some() && limit.current < needed {
        setrlimit(Resource::Nofile, Rlimit { current: needed, maximum: limit.maximum }).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_that_the_store_cannot_take_is_refused_and_memory_stays_bounded() {
    let _turn = crate::turn().await;
    let connections = if full() { 4000 } else { 800 };
    with_descriptors(connections + 200);
    let server = Server::start_with(&[("WAXWING_INTAKE_MIB", ROOM_MIB)]).await;
    let arrivals = Arrivals::default();
    server.webhook(&healthy(&arrivals).await, TYPE, json!([])).await;
    let before = server.peak_memory() as usize;

    // Somebody else holds the database: no commit gets through.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(server.database());
    let mut holder = options.connect().await.unwrap();
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let body = Bytes::from(json!({ "type": TYPE, "data": "x".repeat(DATA) }).to_string());
    let (refused, all_that_fits) = (Arc::new((AtomicUsize::new(0), Notify::new())), ROOM / DATA);
    let mut posts = JoinSet::new();
    for _ in 0..connections {
        let (http, url, body, refused) =
            (server.http.clone(), format!("{}/api/events", server.url), body.clone(), Arc::clone(&refused));
        posts.spawn(async move {
            let answer = post(http, url, body).await;
            if matches!(answer, Answer::Later(_)) {
                refused.0.fetch_add(1, Relaxed);
                refused.1.notify_one();
            }
            answer
        });
    }
    let rest_refused = async {
        while refused.0.load(Relaxed) < connections - all_that_fits {
            refused.1.notified().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(9), rest_refused).await.expect("nobody waits for the database to refuse");
    holder.execute("ROLLBACK").await.unwrap();
    holder.close().await.unwrap();

    let (mut taken, mut later) = (Vec::new(), 0);
    for answer in posts.join_all().await {
        match answer {
            Answer::Taken(event) => taken.push(event),
            Answer::Later(seconds) => {
                assert!((1..=60).contains(&seconds), "{seconds}");
                later += 1;
            }
        }
    }
    let grown = (server.peak_memory() as usize).saturating_sub(before);
    eprintln!(
        "{connections} connections with {DATA} bytes each: {} taken, {later} refused, memory grew by {} MiB",
        taken.len(),
        grown / (1024 * 1024)
    );
    assert!(!taken.is_empty() && taken.len() <= all_that_fits, "{} were taken", taken.len());
    assert!(grown < 4 * ROOM + connections * PER_CONNECTION, "{grown} bytes more for a room of {ROOM}");
    assert!(server.metrics().await.contains(&format!("waxwing_requests_refused_total {later}\n")));
    assert_eq!(server.says("more is posted than can be written").await, 1);

    // Nothing of the others is there, and who comes again is taken.
    for _ in 0..10 {
        let Answer::Taken(event) = post(server.http.clone(), format!("{}/api/events", server.url), body.clone()).await
        else {
            panic!("there is room again")
        };
        taken.push(event);
    }
    let missing = arrivals.wait_for(&taken, Duration::from_secs(60)).await;
    assert!(missing.is_empty(), "{} never arrived", missing.len());
    let counted = server.get("/api/events?limit=250").await["data"].as_array().unwrap().len();
    assert_eq!(counted, taken.len(), "what was refused left nothing behind");
    assert_eq!(server.says("what is posted finds room again").await, 1);
}
