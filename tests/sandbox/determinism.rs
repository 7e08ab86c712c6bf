//! The same inputs give the same bytes and the same fuel: at any time, on any thread, after eviction and after a restart.

use std::sync::Arc;

use serde_json::json;
use waxwing::model::request::RequestDraft;
use waxwing::transform::wasm::limits::Limits;
use waxwing::transform::{Transform, Verdict};

use crate::world::World;

/// Looks at clocks, randomness, hash order, environment: whatever a guest could see change.
async fn observed(world: &World) -> (RequestDraft, u64) {
    let run = world.run_with(json!({ "fault": "observe" }), u64::MAX).await;
    let Ok(Verdict::Send(draft)) = run.result else { panic!("{:?}", run.result) };
    (draft, run.cost.fuel)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_runs_on_two_threads_and_after_a_restart_are_one() {
    let world = Arc::new(World::start().await);
    let first = observed(&world).await;
    let text = String::from_utf8_lossy(&first.0.body).into_owned();
    assert!(text.contains("clock Ok(1750000000123000000)"), "{text}");
    let runs = (0..1000).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { observed(&world).await })
    });
    for run in runs.collect::<Vec<_>>() {
        assert_eq!(run.await.unwrap(), first);
    }
    assert_eq!(observed(&World::start().await).await, first, "after a restart");
}

#[tokio::test]
async fn a_plugin_that_was_evicted_and_loaded_again_makes_the_same() {
    let world = World::with(Limits { resident: 1, ..Limits::default() }).await;
    let first = observed(&world).await;
    let other = waxwing_bundle::plugins().iter().find(|plugin| plugin.name == "redact").expect("redact is bundled");
    world.transform.admit(bytes::Bytes::from_static(other.wasm)).await.expect("redact is a plugin");
    assert_eq!(observed(&world).await, first);
}

#[tokio::test]
async fn other_settings_draw_other_numbers() {
    let world = World::start().await;
    let one = world.run_with(json!({ "fault": "observe" }), u64::MAX).await.result;
    let other = world.run_with(json!({ "fault": "observe", "amount": 1 }), u64::MAX).await.result;
    assert_ne!(one, other);
}
