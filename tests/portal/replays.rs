//! Doing a delivery once more: one of them, those that are ticked, all that match.

use serde_json::json;

use crate::browser::Browser;
use crate::deliveries::{LIST, delivered, without_retries};
use crate::world::World;

#[tokio::test]
async fn a_retry_and_a_replay_are_buttons_of_the_page() {
    let world = World::start().await;
    without_retries(&world, "one").await;
    world.sink.answers(&[500, 500]);
    let id = delivered(&world, "order.paid").await;
    let admin = Browser::admin(&world).await;
    let retried = admin.submit(&format!("{LIST}/{id}/retry"), &[]).await;
    assert_eq!(retried.location(), format!("{LIST}/{id}?done=retried"));
    admin.get(retried.location()).await.shows("One more attempt is made now");
    world.deliver().await;
    admin.get(&format!("{LIST}/{id}")).await.shows("Attempt 2").shows("asked for by hand");
    let replayed = admin.submit(&format!("{LIST}/{id}/replay"), &[]).await;
    let page = admin.get(replayed.location()).await;
    page.shows("new delivery of the same event").shows("Replay of").shows(&format!("href=\"{LIST}/{id}\""));
    world.deliver().await;
    let new = replayed.location().split('?').next().unwrap();
    admin.get(new).await.shows("Delivered");
    admin.get(&format!("{LIST}/{id}")).await.shows("Replayed as").shows(&format!("href=\"{new}\""));
}

#[tokio::test]
async fn a_replay_is_found_however_many_deliveries_its_event_has() {
    let world = World::start().await;
    without_retries(&world, "one").await;
    let first = delivered(&world, "order.paid").await;
    let replayed = async |id: &str| {
        let made = world.post(&format!("/api/deliveries/{id}/replay"), json!({})).await.ok();
        made["id"].as_str().unwrap().to_owned()
    };
    let second = replayed(&first).await;
    for _ in 0..250 {
        replayed(&second).await;
    }
    let admin = Browser::admin(&world).await;
    let of_first = admin.get(&format!("{LIST}/{first}")).await;
    of_first.shows("Replayed as").shows(&format!("href=\"{LIST}/{second}\"")).lacks("and older ones");
    let of_second = admin.get(&format!("{LIST}/{second}")).await;
    of_second.shows("Replay of").shows("and older ones");
    let links = of_second.text.matches(&format!("class=\"mono\" href=\"{LIST}/")).count();
    assert_eq!(links, 51, "fifty replays, and what it repeats");
}

#[tokio::test]
async fn those_that_are_ticked_are_retried() {
    let world = World::start().await;
    let one = without_retries(&world, "one").await;
    world.sink.answers(&[500, 500, 500]);
    let mut ids = Vec::new();
    for event_type in ["order.a", "order.b", "order.c"] {
        ids.push(delivered(&world, event_type).await);
    }
    let admin = Browser::admin(&world).await;
    let retry = format!("{LIST}/retry");
    let back = ("back", "/admin/deliveries?status=failed");
    let none = admin.submit(&retry, &[back]).await;
    admin.get(none.location()).await.shows("Nothing was chosen");
    let done = admin.submit(&retry, &[("id", &ids[0]), ("id", &ids[2]), back]).await;
    assert_eq!(done.location(), "/admin/deliveries?status=failed&done=retried");
    assert_eq!(world.deliver().await, 2);
    let attempts = async |id: &str| world.get(&format!("/api/deliveries/{id}")).await.ok()["attemptCount"].clone();
    assert_eq!(
        [attempts(&ids[0]).await, attempts(&ids[1]).await, attempts(&ids[2]).await],
        [json!(2), json!(1), json!(2)]
    );
    world.delete(&format!("/api/webhooks/{one}")).await.ok();
    let some = admin.submit(&retry, &[("id", &ids[1])]).await;
    admin.get(some.location()).await.shows("some could not be retried");
    assert_eq!(admin.submit(&retry, &[("id", "nonsense")]).await.status, 404);
}

#[tokio::test]
async fn all_that_match_are_counted_before_they_are_replayed() {
    let world = World::start().await;
    without_retries(&world, "one").await;
    world.sink.answers(&[500, 500, 200]);
    for _ in 0..3 {
        delivered(&world, "order.paid").await;
    }
    let admin = Browser::admin(&world).await;
    admin.get(&format!("{LIST}?status=failed")).await.shows("href=\"/admin/deliveries/replay?status=failed\"");
    let asked = admin.get(&format!("{LIST}/replay?status=failed")).await;
    asked
        .shows("Replay 2 deliveries?")
        .shows("name=\"status\" value=\"failed\"")
        .shows("name=\"until\"")
        .lacks("No filter");
    assert_eq!(world.deliver().await, 0, "asking replays nothing");
    let until = asked.hidden("until");
    let done = admin.submit(&format!("{LIST}/replay"), &[("status", "failed"), ("until", &until)]).await;
    admin.get(done.location()).await.shows("All of them were replayed");
    assert_eq!(world.deliver().await, 2);
    admin.get(&format!("{LIST}/replay?type=order.none")).await.shows("Nothing to replay").lacks("class=\"primary\"");
    admin.get(&format!("{LIST}/replay")).await.shows("No filter is set");
}
