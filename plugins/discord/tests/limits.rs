//! Discord would take every message that the plugin makes, whatever the event is; judged by a checker that isn't the plugin's own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

#[allow(dead_code, reason = "each user of the checkers needs a part of them")]
#[path = "../../../tests/destinations/checker.rs"]
mod checker;
#[path = "../../../tests/destinations/trees.rs"]
mod trees;

use checker::discord::problems;
use discord::{Discord, Settings};
use proptest::prelude::*;
use serde_json::{Value, json};
use waxwing_guest::{Event, Plugin, Request, Verdict, testing};

fn event(event_type: &str, data: Vec<u8>) -> Event {
    let mut event = testing::event(event_type, &Value::Null);
    event.data = data;
    event
}

fn request(event: Event, settings: &Value) -> Request {
    let settings: Settings = serde_json::from_value(settings.clone()).unwrap();
    match Discord::transform(event, settings, &testing::webhook()) {
        Ok(Verdict::Send(request)) => request,
        other => panic!("no message: {other:?}"),
    }
}

fn judged(event: Event, settings: &Value) -> Vec<String> {
    let request = request(event, settings);
    problems(&request.body, &request.query)
}

/// Settings that show as much as they can.
fn everything() -> Value {
    json!({
        "title": "{/a} {/b} {type} {headline} {/}",
        "text": "About {/a} {/b/0} {/items} {/} {/link} {time} {id} {/member0} {/member1} {/member2}",
        "maxFields": 25,
        "link": { "url": "https://app.example.com/x?a={/a}&b={/b}" },
        "styles": [{ "events": "*", "color": "#ABCDEF" }],
        "username": "Licence desk",
        "threadName": "{/a} {/b} {type} {/}"
    })
}

#[test]
fn every_sample_is_a_message_that_discord_takes() {
    for sample in Discord::samples() {
        let settings: Value = serde_json::from_str(&sample.settings).unwrap();
        let found = judged(event(&sample.event_type, sample.data), &settings);
        // The one sample with words of its own has them in bold.
        let own = "embeds[0].description: has emphasis: \"Please talk to **Example Industries**.\"";
        let found: Vec<_> = found.into_iter().filter(|problem| problem != own).collect();
        assert_eq!(found, [""; 0], "{}", sample.name);
    }
}

#[test]
fn no_data_is_too_large_too_deep_or_too_odd() {
    for (name, data) in trees::nasties() {
        assert_eq!(judged(event("a.b", data.clone()), &json!({})), [""; 0], "{name}");
        assert_eq!(judged(event("a.b", data), &everything()), [""; 0], "{name}, all settings");
    }
}

#[test]
fn an_odd_event_is_no_excuse() {
    let mut event = event("`<@1>`\u{202E}", b"{}".to_vec());
    event.id = "`<@U1>` @here".to_owned();
    event.occurred_at = u64::MAX;
    event.attributes = vec![("environment".into(), "*a* <b>".into()), ("tenant".into(), "@everyone".into())];
    assert_eq!(judged(event.clone(), &json!({})), [""; 0]);
    event.event_type = "x".repeat(100_000);
    event.id = String::new();
    event.attributes = vec![("environment".into(), "<&>".repeat(10_000)), ("tenant".into(), "\u{200B}".into())];
    assert_eq!(judged(event, &everything()), [""; 0]);
}

#[test]
fn a_message_can_go_to_a_thread() {
    let request = request(event("a.b", b"{}".to_vec()), &json!({ "threadId": "123" }));
    assert_eq!(
        request.query,
        [("wait", "true"), ("thread_id", "123")].map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn the_checker_sees_what_it_is_there_for() {
    let wait = [("wait".to_owned(), "true".to_owned())];
    let good = request(event("a.b", br#"{"a":"x"}"#.to_vec()), &json!({})).body;
    let spoilt = |change: &dyn Fn(&mut Value)| {
        let mut message: Value = serde_json::from_slice(&good).unwrap();
        change(&mut message);
        problems(message.to_string().as_bytes(), &wait).len()
    };
    assert_eq!(spoilt(&|_| {}), 0);
    let field = |value: &str| json!([{ "name": "n", "value": value, "inline": true }]);
    for change in [
        &(|message: &mut Value| message["allowed_mentions"] = json!({ "parse": ["everyone"] })) as &dyn Fn(&mut Value),
        &|message| message["embeds"][0]["title"] = "x".repeat(257).into(),
        &|message| message["embeds"][0]["title"] = " x".into(),
        &|message| message["embeds"][0]["fields"] = field("\u{200B}"),
        &|message| message["embeds"][0]["fields"] = field("https://evil.example"),
        &|message| message["embeds"][0]["fields"] = field("a *b*"),
        &|message| message["embeds"][0]["fields"] = field("<@1>"),
        &|message| message["embeds"][0]["fields"] = field("@everyone"),
        &|message| message["embeds"][0]["fields"] = field("# x"),
        &|message| message["embeds"][0]["fields"] = field(&"x".repeat(1025)),
        &|message| message["embeds"][0]["fields"] = vec![field("x")[0].clone(); 26].into(),
        &|message| message["embeds"][0]["fields"] = vec![field(&"x".repeat(1000))[0].clone(); 6].into(),
        &|message| message["embeds"][0]["description"] = "```a```b```".into(),
        &|message| message["content"] = "hi".into(),
    ] {
        assert!(spoilt(change) > 0);
    }
    assert_eq!(problems(&good, &[]).len(), 1);
    assert_eq!(problems(b"{", &wait).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn discord_takes_every_tree(tree in trees::tree()) {
        prop_assert_eq!(judged(event("a.b", tree.to_string().into_bytes()), &json!({})), [""; 0]);
    }

    #[test]
    fn discord_takes_every_tree_under_settings_that_show_all(a in trees::tree(), b in trees::text(), event_type in trees::text()) {
        let data = json!({ "a": a, "b": [b] }).to_string().into_bytes();
        prop_assert_eq!(judged(event(&event_type, data), &everything()), [""; 0]);
    }
}
