//! The same inputs give the same bytes and the same fuel: at any time, on any thread, after eviction, after a restart, in another
//! process and in another build of the host.

use std::path::PathBuf;
use std::sync::Barrier;

use bytes::Bytes;
use expect_test::expect;
use serde_json::{Value, json};
use waxwing::model::event::Event;
use waxwing::model::request::RequestDraft;
use waxwing::model::time::Timestamp;
use waxwing::transform::wasm::limits::Limits;
use waxwing::transform::{StageInput, Transform, Verdict, WebhookView};

use crate::guests;
use crate::world::{Surroundings, World, event, event_of};

/// Looks at clocks, randomness, hash order, environment: whatever a guest could see change.
async fn observed(world: &World) -> (RequestDraft, u64) {
    let run = world.run_with(json!({ "fault": "observe" }), u64::MAX).await;
    let Ok(Verdict::Send(draft)) = run.result else { panic!("{:?}", run.result) };
    (draft, run.cost.fuel)
}

#[tokio::test]
async fn what_a_guest_sees_and_what_it_costs_is_written_down_here_for_every_build_of_the_host() {
    // Whatever compiles and runs the host, with whatever optimisation, must agree with this. Another version of the engine
    // may count fuel otherwise; never the bytes.
    let (draft, fuel) = observed(&guests::frozen().await).await;
    expect![[r#"
        event evt_000000000002d at 1750000000123
        clock Ok(1750000000123000000), steps [1000, 2000, 3000]
        random 921e6d9e15a00cd0, order [12, 9, 13, 7, 15, 10, 11, 14, 3, 5, 8, 6, 1, 4, 0, 2]
        environment [], arguments []
        fuel 29407
    "#]]
    .assert_eq(&format!("{}fuel {fuel}\n", String::from_utf8_lossy(&draft.body)));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// So many runs in each of these, on a thread each, begun at the same moment.
fn at_once(worlds: [World; 2], runs: usize) -> Vec<(RequestDraft, u64)> {
    let begin = &Barrier::new(2);
    std::thread::scope(|scope| {
        let threads = worlds.map(|world| {
            scope.spawn(move || {
                let runtime = runtime();
                begin.wait();
                (0..runs).map(|_| runtime.block_on(observed(&world))).collect::<Vec<_>>()
            })
        });
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_thousand_runs_on_two_threads_at_once_are_one() {
    let world = runtime().block_on(World::start());
    let seen = at_once([world.clone(), world], 500);
    assert_eq!(seen.len(), 1000);
    assert!(seen.iter().all(|each| *each == seen[0]));
}

#[test]
fn two_engines_at_work_at_the_same_moment_agree() {
    let world = || runtime().block_on(World::start());
    let seen = at_once([world(), world()], 100);
    assert!(seen.iter().all(|each| *each == seen[0]));
}

#[tokio::test]
async fn a_restart_changes_nothing_whether_the_machine_code_was_kept_or_is_made_anew() {
    let first = observed(&World::start().await).await;
    assert_eq!(observed(&World::start().await).await, first, "from the cache");
    let folder = tempfile::tempdir().unwrap();
    let around = Surroundings { cache: folder.path().to_owned(), ..Surroundings::default() };
    let world = World::admit(waxwing_bundle::faulty(), around).await.unwrap();
    assert_eq!(observed(&world).await, first, "compiled again");
}

#[tokio::test]
async fn a_plugin_that_was_evicted_and_loaded_again_makes_the_same() {
    let world = World::with(Limits { resident: 1, ..Limits::default() }).await;
    let first = observed(&world).await;
    let other = waxwing_bundle::plugins().iter().find(|plugin| plugin.name == "redact").expect("redact is bundled");
    world.transform.admit(Bytes::from_static(other.wasm)).await.expect("redact is a plugin");
    assert_eq!(observed(&world).await, first);
}

#[tokio::test]
async fn other_settings_events_and_webhooks_draw_other_numbers() {
    let world = World::start().await;
    let one = world.run_with(json!({ "fault": "observe" }), u64::MAX).await.result;
    let other = world.run_with(json!({ "fault": "observe", "amount": 1 }), u64::MAX).await.result;
    assert_ne!(one, other);
    let later = Event { id: 78.into(), ..event() };
    assert_ne!(world.run_on(&later, json!({ "fault": "observe" }), u64::MAX).await.result, one);
}

/// What `waxwing plugin run` of another process says of a run, and the same run here: on the event that it made up, whose id and
/// time stand in what the guest saw.
struct Elsewhere {
    told: Value,
    event: Event,
}

fn run_elsewhere(settings: &str) -> Elsewhere {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let output = std::process::Command::new(binary())
        .args(["--json", "plugin", "run", "--type", "order.paid"])
        .arg(file("faulty.wasm", waxwing_bundle::faulty()))
        .arg("--event")
        .arg(file("event.json", &event().data.bytes))
        .arg("--settings")
        .arg(file("settings.json", settings.as_bytes()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let seen = told["result"]["body"].as_str().unwrap();
    let mut words = seen.split_whitespace();
    let (id, at) = (words.nth(1).unwrap().parse().unwrap(), words.nth(1).unwrap().parse().unwrap());
    let event = Event { id, occurred_at: Timestamp::from_millis(at), ..event_of("order.paid", event().data.bytes) };
    Elsewhere { told, event }
}

/// The build that `WAXWING_BINARY` names, else the one of these tests.
fn binary() -> PathBuf {
    std::env::var_os("WAXWING_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_waxwing").into(), PathBuf::from)
}

#[tokio::test]
async fn another_process_makes_the_same_bytes_for_the_same_fuel() {
    let settings = r#"{"fault":"observe"}"#;
    let Elsewhere { told, event } = run_elsewhere(settings);
    let world = World::start().await;
    let webhook = WebhookView { id: 1.into(), origin: "https://example.com", allow_origins: &[] };
    let data = event.data.bytes.clone();
    let input = StageInput { digest: world.digest, event: &event, data, webhook, settings, fuel: u64::MAX };
    let run = world.transform.transform(input).await;
    let Ok(Verdict::Send(draft)) = run.result else { panic!("{:?}", run.result) };
    assert_eq!(told["result"]["body"], json!(String::from_utf8_lossy(&draft.body)));
    assert_eq!(told["cost"]["fuel"], json!(run.cost.fuel));
}
