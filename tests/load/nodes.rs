//! Three nodes on one PostgreSQL under load: one is killed, one is cut off from the database, and what was acknowledged arrives.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::cluster::Database;
use crate::full;
use crate::generator::{Load, Running, start};
use crate::proxy::Proxy;
use crate::server::Server;
use crate::sink::{Arrivals, holding};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const TYPE: &str = "load.nodes";
/// Another node takes over when a lease (30 s) has run out and it looks the next time (2 s); the rest is for a slow machine.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(30 + 2 + 28);
/// How often it is looked whether something has come about.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What a node that is gone may repeat: what it had under way, and what was answered and not written down.
const REPEATS_PER_NODE: usize = 512 + 1024;

async fn node(url: &str) -> Server {
    Server::start_with(&[("WAXWING_DATABASE", url), ("WAXWING_KEY", KEY)]).await
}

fn load(server: &Server, rate: u32) -> Running {
    start(server, Load { rate, count: usize::MAX / 2, event_type: |_| TYPE.into() })
}

/// The load goes on for so long.
async fn lasting(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

async fn until(what: &str, limit: Duration, server: &Server, path: &str, wanted: impl Fn(&Value) -> bool) {
    // Whoever asks without a pause takes the time from what is waited for.
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let there = async {
        while !wanted(&server.get(path).await) {
            looks.tick().await;
        }
    };
    assert!(tokio::time::timeout(limit, there).await.is_ok(), "{what} not within {limit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_nodes_one_is_killed_and_one_cut_off_and_nothing_acknowledged_is_lost() {
    let _turn = crate::turn().await;
    let (rate, before, after) = if full() { (500, 5, 20) } else { (40, 1, 2) };
    let (before, after) = (Duration::from_secs(before), Duration::from_secs(after));
    let database = Database::new().await;
    let proxy = Proxy::to(database.port()).await;
    let through = database.url().replace(&format!(":{}/", database.port()), &format!(":{}/", proxy.port));
    let (mut killed, stays, cut_off) = (node(&database.url()).await, node(&database.url()).await, node(&through).await);
    let (arrivals, (hold, held)) = (Arrivals::default(), watch::channel(false));
    stays.webhook(&holding(&arrivals, held).await, TYPE, json!([])).await;
    for other in [&killed, &cut_off] {
        let one = |shown: &Value| shown["data"].as_array().is_some_and(|all| all.len() == 1);
        until("the webhook is known everywhere", Duration::from_secs(30), other, "/api/webhooks", one).await;
    }

    let loads = [load(&killed, rate), load(&stays, rate), load(&cut_off, rate)];
    lasting(before).await;
    // The receiver takes them in and doesn't answer: each node has some under way, and more in memory behind them.
    hold.send_replace(true);
    lasting(before).await;
    proxy.silence(true);
    killed.kill().await;
    let gone_at = Instant::now();
    hold.send_replace(false);
    lasting(after).await;
    let mut acknowledged = Vec::new();
    for load in loads {
        let some: Vec<String> = load.stop().await.into_iter().map(|one| one.event).collect();
        assert!(!some.is_empty(), "a node acknowledged nothing");
        acknowledged.push(some);
    }
    let all = acknowledged.concat();
    let taken_over_within = || TAKEN_OVER_WITHIN.saturating_sub(gone_at.elapsed());
    let missing = arrivals.wait_for(&all, taken_over_within()).await;
    assert!(missing.is_empty(), "{} of {} never arrived", missing.len(), all.len());
    // Also what was sent before and not written down: the survivor has the whole queue.
    let nothing = |shown: &Value| shown["data"] == json!([]);
    until("everything ended", taken_over_within(), &stays, "/api/deliveries?status=pending", nothing).await;
    let ended = gone_at.elapsed();
    assert!(arrivals.repeats() > 0, "what the two had under way was made again");

    // It was taken for dead. It comes back by itself, and what it still had in memory doesn't go out again.
    proxy.silence(false);
    let back = async {
        while cut_off.publish(TYPE, &json!({ "back": true })).await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), back).await.expect("the node that was cut off accepts again");
    until("everything ended", Duration::from_secs(30), &stays, "/api/deliveries?status=pending", nothing).await;
    let repeats = arrivals.repeats();
    eprintln!(
        "three nodes, one killed, one cut off: {:?} acknowledged, 0 missing, all ended after {ended:.1?}, {repeats} repeated",
        acknowledged.iter().map(Vec::len).collect::<Vec<_>>(),
    );
    assert!(repeats <= 2 * REPEATS_PER_NODE, "{repeats} repeats");
    for event in &all {
        let arrived = arrivals.of(event);
        assert!(arrived.iter().all(|one| one.body == arrived[0].body), "{event} came with different bodies");
    }
}
