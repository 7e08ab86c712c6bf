//! Replaying and recovering many: by bounded calls, each of which says where the next one goes on.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::world::{World, pointers};

/// Cancelled deliveries without a single request: the webhook holds them, is disabled, and enabled again.
async fn cancelled(world: &World, count: usize) -> String {
    let made = world.webhook_with(json!({ "events": ["*"], "retry": { "delaysSeconds": [] } })).await;
    let path = format!("/api/webhooks/{}", made["id"].as_str().unwrap());
    world.post(&format!("{path}/pause"), json!({})).await.ok();
    for begin in (0..count).step_by(1000) {
        let event = |number: usize| json!({ "type": "order.paid", "data": number });
        let events: Vec<Value> = (begin..count.min(begin + 1000)).map(event).collect();
        world.post("/api/events", Value::Array(events)).await.ok();
    }
    world.patch(&path, json!({ "isActive": false })).await.ok();
    world.patch(&path, json!({ "isActive": true })).await.ok();
    path
}

/// Makes the call again from where it ended, until there is no more: what each answered.
async fn to_the_end(world: &World, path: &str, mut body: Value) -> Vec<Value> {
    let mut answers = Vec::new();
    loop {
        let answer = world.post(path, body.clone()).await.ok();
        assert_eq!(answer["more"], json!(answer["next"].is_string()));
        body["after"] = answer["next"].clone();
        answers.push(answer);
        if body["after"].is_null() {
            return answers;
        }
    }
}

fn sum(answers: &[Value]) -> u64 {
    answers.iter().map(|answer| answer["count"].as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_thousand_are_brought_back_in_a_few_calls_and_soon() {
    let world = World::start().await;
    world.put("/api/tenants/default", json!({ "maxHeld": 20_000 })).await.ok();
    let path = cancelled(&world, 12_000).await;
    let begun = Instant::now();
    let recover = json!({ "since": "2020-01-01T00:00:00Z" });
    let answers = to_the_end(&world, &format!("{path}/recover"), recover.clone()).await;
    // A commit for each would be 12,000 syncs.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!((answers.len(), sum(&answers)), (2, 12_000), "{answers:?}");
    let again = to_the_end(&world, &format!("{path}/recover"), recover).await;
    assert_eq!(sum(&again), 0, "what was brought back is not brought back again");
    let dry = json!({ "status": "cancelled", "dryRun": true });
    assert_eq!(sum(&to_the_end(&world, "/api/deliveries/replay", dry).await), 12_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_recover_at_the_same_time_bring_each_event_back_once() {
    let world = World::start().await;
    let path = format!("{}/recover", cancelled(&world, 700).await);
    let recover = async || world.post(&path, json!({ "since": "2020-01-01T00:00:00Z" })).await.ok();
    let (first, second) = tokio::join!(recover(), recover());
    assert_eq!(sum(&[first, second]), 700);
}

#[tokio::test]
async fn what_a_replay_makes_is_not_replayed_by_its_next_call() {
    let world = World::start().await;
    cancelled(&world, 10_300).await;
    let answers = to_the_end(&world, "/api/deliveries/replay", json!({ "type": "order.paid" })).await;
    assert_eq!(sum(&answers), 10_300, "{answers:?}");
}

#[tokio::test]
async fn missed_is_what_matched_while_the_webhook_was_disabled_and_nothing_else() {
    let world = World::start().await;
    world.publish("order.before-it-was-made", json!({})).await;
    let made = world.webhook_with(json!({ "events": ["order.*"] })).await;
    let path = format!("/api/webhooks/{}", made["id"].as_str().unwrap());
    world.publish("user.not-subscribed", json!({})).await;
    world.patch(&path, json!({ "isActive": false })).await.ok();
    let missed = world.publish("order.missed", json!({})).await;
    world.publish("user.not-subscribed", json!({})).await;
    let staging = json!({ "type": "order.elsewhere", "data": 1, "environment": "staging" });
    world.post("/api/events", staging).await.ok();
    world.patch(&path, json!({ "isActive": true, "events": ["*"] })).await.ok();
    let since = |missed: bool| json!({ "since": "2020-01-01T00:00:00Z", "missed": missed });
    let path = format!("{path}/recover");
    assert_eq!(world.post(&path, since(false)).await.ok()["count"], json!(0), "it was not asked for");
    assert_eq!(world.post(&path, since(true)).await.ok()["count"], json!(1));
    assert_eq!(world.post(&path, since(true)).await.ok()["count"], json!(0));
    world.deliver().await;
    let requests = world.sink.requests();
    let ids: Vec<&str> = requests.iter().map(|(headers, _)| headers["webhook-id"].to_str().unwrap()).collect();
    assert_eq!(ids, [missed]);
}

#[tokio::test]
async fn what_can_not_be_sent_any_more_is_counted_apart() {
    let world = World::start().await;
    let path = cancelled(&world, 3).await;
    world.patch(&path, json!({ "isActive": false })).await.ok();
    let counted = world.post("/api/deliveries/replay", json!({ "status": "cancelled" })).await.ok();
    assert_eq!(counted, json!({ "count": 0, "skipped": 3, "more": false }));
    let refused = world.post(&format!("{path}/recover"), json!({ "since": "2020-01-01T00:00:00Z" })).await;
    assert!(refused.refused(409, "webhook-disabled")["detail"].as_str().unwrap().contains("enable it first"));
}

#[tokio::test]
async fn a_place_that_no_call_answered_is_refused() {
    let world = World::start().await;
    let path = cancelled(&world, 1).await;
    let refused = world.post("/api/deliveries/replay", json!({ "after": "here" })).await;
    assert_eq!(pointers(&refused.refused(422, "invalid-parameter")), ["/after"]);
    let refused =
        world.post(&format!("{path}/recover"), json!({ "since": "2020-01-01T00:00:00Z", "after": "here" })).await;
    assert_eq!(pointers(&refused.refused(422, "invalid-value")), ["/after"]);
}
