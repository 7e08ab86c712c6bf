//! Slack would take every message that the plugin makes, whatever the event is; judged by a checker that isn't the plugin's own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

#[allow(dead_code, reason = "each user of the checkers needs a part of them")]
#[path = "../../../tests/destinations/checker.rs"]
mod checker;
#[path = "../../../tests/destinations/trees.rs"]
mod trees;

use checker::slack::{Trusted, problems, problems_with};
use proptest::prelude::*;
use serde_json::{Value, json};
use slack::{Settings, Slack};
use waxwing_guest::{Event, Plugin, Verdict, testing};

fn event(event_type: &str, data: Vec<u8>) -> Event {
    let mut event = testing::event(event_type, &Value::Null);
    event.data = data;
    event
}

fn body(event: Event, settings: &Value) -> Vec<u8> {
    let settings: Settings = serde_json::from_value(settings.clone()).unwrap();
    match Slack::transform(event, settings, &testing::webhook()) {
        Ok(Verdict::Send(request)) => request.body,
        other => panic!("no message: {other:?}"),
    }
}

fn plain(event_type: &str, data: Vec<u8>) -> Vec<String> {
    problems(&body(event(event_type, data), &json!({})))
}

/// Settings that show as much as they can.
fn everything() -> Value {
    json!({
        "title": "{/a} {/b} {type} {headline} {/}",
        "text": "TRUSTED {/a} {/b/0} {/items} {/} {/link} {time} {id} {/member0} {/member1} {/member2}",
        "maxFields": 20,
        "link": { "url": "https://app.example.com/x?a={/a}&b={/b}", "label": "A & B" },
        "styles": [{ "events": "*", "emoji": ":tada:" }]
    })
}

const TRUSTED: Trusted<'_> = Trusted { link: Some("https://app.example.com/x?"), words: Some("TRUSTED") };

#[test]
fn every_sample_is_a_message_that_slack_takes() {
    for sample in Slack::samples() {
        let settings: Value = serde_json::from_str(&sample.settings).unwrap();
        let trusted = Trusted { link: Some("https://app.example.com/"), words: Some("<!here>") };
        let found = problems_with(&body(event(&sample.event_type, sample.data), &settings), trusted);
        assert_eq!(found, [""; 0], "{}", sample.name);
    }
}

#[test]
fn no_data_is_too_large_too_deep_or_too_odd() {
    for (name, data) in trees::nasties() {
        assert_eq!(plain("a.b", data.clone()), [""; 0], "{name}");
        assert_eq!(problems_with(&body(event("a.b", data), &everything()), TRUSTED), [""; 0], "{name}, all settings");
    }
}

#[test]
fn an_odd_event_is_no_excuse() {
    let mut event = event("`<!here>`\u{202E}", b"{}".to_vec());
    event.id = "`<@U1>` @here".to_owned();
    event.occurred_at = u64::MAX;
    event.attributes = vec![("environment".into(), "*a* <b>".into()), ("tenant".into(), "@everyone".into())];
    assert_eq!(problems(&body(event.clone(), &json!({}))), [""; 0]);
    event.event_type = "x".repeat(100_000);
    event.id = String::new();
    event.attributes = vec![("environment".into(), "<&>".repeat(10_000)), ("tenant".into(), "\u{200B}".into())];
    assert_eq!(problems_with(&body(event, &everything()), TRUSTED), [""; 0]);
}

#[test]
fn the_checker_sees_what_it_is_there_for() {
    let good = body(event("a.b", br#"{"a":"x"}"#.to_vec()), &json!({}));
    let spoilt = |change: &dyn Fn(&mut Value)| {
        let mut message: Value = serde_json::from_slice(&good).unwrap();
        change(&mut message);
        problems(message.to_string().as_bytes()).len()
    };
    assert_eq!(spoilt(&|_| {}), 0);
    for change in [
        &(|message: &mut Value| message["text"] = "hi <!channel>".into()) as &dyn Fn(&mut Value),
        &|message| message["text"] = " ".into(),
        &|message| message["text"] = "AT&T".into(),
        &|message| message["text"] = "@here".into(),
        &|message| message["link_names"] = true.into(),
        &|message| message["blocks"][0]["text"]["text"] = "x".repeat(151).into(),
        &|message| message["blocks"][1]["fields"][0]["text"] = "<@U1>".into(),
        &|message| message["blocks"][1]["fields"][0]["text"] = "x".repeat(2001).into(),
        &|message| message["blocks"][1]["fields"][0]["verbatim"] = false.into(),
        &|message| message["blocks"][1]["fields"] = json!([]),
        &|message| message["blocks"][1]["fields"] = vec![message["blocks"][1]["fields"][0].clone(); 11].into(),
        &|message| message["blocks"] = vec![message["blocks"][0].clone(); 51].into(),
        &|message| {
            message["blocks"] =
                vec![json!({"type":"section","text":{"type":"mrkdwn","text":"x".repeat(3000),"verbatim":true}}); 4]
                    .into()
        },
    ] {
        assert!(spoilt(change) > 0);
    }
    assert_eq!(problems(b"{").len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn slack_takes_every_tree(tree in trees::tree()) {
        prop_assert_eq!(plain("a.b", tree.to_string().into_bytes()), [""; 0]);
    }

    #[test]
    fn slack_takes_every_tree_under_settings_that_show_all(a in trees::tree(), b in trees::text(), event_type in trees::text()) {
        let data = json!({ "a": a, "b": [b] }).to_string().into_bytes();
        prop_assert_eq!(problems_with(&body(event(&event_type, data), &everything()), TRUSTED), [""; 0]);
    }
}
