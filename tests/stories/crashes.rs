//! The database fails once, at call n, for every n: what was accepted arrives at least once all the same.

use std::sync::Arc;

use serde_json::json;

use crate::world::{FailingStore, Moment, World, minutes};

#[tokio::test]
async fn an_accepted_event_arrives_when_the_database_fails_before_a_call_and_the_server_restarts() {
    for_every_call(Moment::Before, true).await;
}

#[tokio::test]
async fn an_accepted_event_arrives_when_an_answer_of_the_database_is_lost_and_the_server_restarts() {
    for_every_call(Moment::After, true).await;
}

#[tokio::test]
async fn an_accepted_event_arrives_when_the_database_fails_once_and_the_server_goes_on() {
    for_every_call(Moment::Before, false).await;
}

#[tokio::test]
async fn an_accepted_event_arrives_when_an_answer_is_lost_and_the_server_goes_on() {
    for_every_call(Moment::After, false).await;
}

async fn for_every_call(moment: Moment, restart: bool) {
    let mut failed_somewhere = 0;
    for call in 0.. {
        let mut failing = None;
        let mut world = World::start_with(|store| {
            let wrapped = FailingStore::new(store, moment);
            failing = Some(Arc::clone(&wrapped));
            wrapped
        })
        .await;
        let failing = failing.unwrap();
        world.webhook("shop").subscribe("*").retry([minutes(5)]).answering([500]).await;
        failing.fail_at(call);

        let mut accepted = Vec::new();
        for order in 0..3 {
            accepted.extend(world.try_publish("order.paid", json!({ "order": order })).await.ok());
            // The step may fail; what matters is what a later one makes of it.
            let _ = world.deliver.run_due().await;
        }
        failing.mend();
        if restart {
            world.restart().await;
        }
        for _ in 0..4 {
            let _ = world.advance(minutes(5)).deliver.run_due().await;
        }

        let received = world.sinks.received("shop.example");
        let arrived = |id: &waxwing::model::ids::EventId| {
            received.iter().any(|request| crate::world::sent_header(request, "webhook-id") == id.to_string())
        };
        assert!(accepted.iter().all(arrived), "call {call}: {accepted:?} were accepted\n{}", world.history().await);
        // An append whose answer was lost was never acknowledged; its row stands as claimed until the next start.
        let unknown = usize::from(moment == Moment::After && !restart && accepted.len() < 3);
        let pending = world.deliveries().await.into_iter().filter(|delivery| delivery.ended_at.is_none()).count();
        assert!(pending <= unknown, "call {call}: {pending} never end\n{}", world.history().await);
        if !failing.has_failed() {
            break;
        }
        failed_somewhere += 1;
    }
    assert!(failed_somewhere > 10, "only {failed_somewhere} calls were looked at");
}
