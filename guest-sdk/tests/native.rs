//! A plugin as an author writes it, tested as an author tests it.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use waxwing_guest::{
    Attempt, Classify, Event, Failure, Issue, Judgement, Plugin, Reply, Request, Sample, Secret, Verdict, Webhook, log,
    testing,
};

struct Notify;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Settings {
    /// Where the notice is filed.
    topic: String,
    api_key: Option<Secret>,
    #[serde(default)]
    limits: Limits,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Limits {
    #[serde(default)]
    characters: Option<usize>,
}

#[derive(Deserialize)]
struct Notice {
    text: String,
}

impl Plugin for Notify {
    type Settings = Settings;

    fn samples() -> Vec<Sample> {
        vec![
            Sample::new("plain", "notice.made", br#"{"text":"hello"}"#, &json!({ "topic": "news" })),
            Sample::new("no-text", "notice.made", br#"{"txt":"hello"}"#, &json!({ "topic": "news" })),
        ]
    }

    fn validate_settings(settings: &Settings) -> Result<(), Vec<Issue>> {
        if settings.topic.contains(' ') {
            return Err(vec![Issue::new("/topic", "has a space")]);
        }
        Ok(())
    }

    fn transform(event: Event, settings: Settings, _: &Webhook) -> Result<Verdict, Failure> {
        let mut notice: Notice = event.json()?;
        if let Some(limit) = settings.limits.characters {
            notice.text = notice.text.chars().take(limit).collect();
            log::warn("cut");
        }
        let mut request = Request::json(&json!({ "topic": settings.topic, "text": notice.text }))?;
        if let Some(key) = settings.api_key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        Ok(request.into())
    }
}

impl Classify for Notify {
    fn classify(reply: Reply, _: Settings, attempt: &Attempt) -> Judgement {
        match reply.header("Retry-After").and_then(|seconds| seconds.parse::<u64>().ok()) {
            Some(seconds) => Judgement::retry_after(seconds * 1000 * u64::from(attempt.number)),
            None => Judgement::by_status(&reply),
        }
    }
}

waxwing_guest::export!(Notify, response);

fn notice() -> Event {
    testing::event("notice.made", &json!({ "text": "hello, world" }))
}

#[test]
fn a_run_shows_the_verdict_and_the_log() {
    let run = testing::run::<Notify>(notice(), json!({ "topic": "news", "limits": { "characters": 5 } }));

    let expected = Request::json(&json!({ "topic": "news", "text": "hello" })).unwrap();
    assert_eq!(run.verdict, Ok(expected.into()));
    assert_eq!(run.log.len(), 1);
    assert_eq!(run.log[0].message, "cut");
    assert_eq!(run.log[0].level, log::Level::Warn);
}

#[test]
fn a_secret_setting_is_a_marked_string_in_the_schema_and_a_placeholder_in_the_guest() {
    let properties = &testing::schema::<Notify>()["properties"];
    assert_eq!(properties["apiKey"]["format"], "secret");

    let run = testing::run::<Notify>(notice(), json!({ "topic": "news", "apiKey": "wxs_0123" }));
    let Ok(Verdict::Send(request)) = run.verdict else { panic!("{run:?}") };
    assert_eq!(request.headers[0].value, "Bearer wxs_0123");
}

#[test]
fn the_schema_has_its_dialect_and_no_references_to_follow() {
    let schema = testing::schema::<Notify>();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["additionalProperties"], false);
    assert!(!schema.to_string().contains("$ref"));
}

#[test]
fn settings_that_couldnt_be_saved_are_named_with_their_places() {
    let issues = testing::check_settings::<Notify>(&json!({ "topic": 7, "colour": "red" })).unwrap_err();
    let mut paths: Vec<_> = issues.iter().map(|issue| issue.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["", "/topic"]);

    let issues = testing::check_settings::<Notify>(&json!({ "topic": "a b" })).unwrap_err();
    assert_eq!(issues, [Issue::new("/topic", "has a space")]);
}

#[test]
fn replies_are_judged_by_the_plugin_and_else_by_their_status() {
    let settings = || json!({ "topic": "news" });
    let busy = testing::reply(429, &[("retry-after", "3")], "");
    assert_eq!(testing::judge_attempt::<Notify>(busy, settings(), 2), Judgement::retry_after(6000));
    assert_eq!(testing::judge::<Notify>(testing::reply(204, &[], ""), settings()), Judgement::Success);
    assert_eq!(testing::judge::<Notify>(testing::reply(500, &[], ""), settings()), Judgement::Retry(None));
    assert!(matches!(testing::judge::<Notify>(testing::reply(410, &[], ""), settings()), Judgement::DisableWebhook(_)));
}

#[test]
fn samples_match_their_golden_files() {
    testing::golden::<Notify>(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/example"));
}

#[test]
#[should_panic(expected = "plain.json")]
fn a_sample_without_a_golden_file_fails() {
    testing::golden::<Notify>(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"));
}

#[test]
#[should_panic(expected = "isn't a lower-case token")]
fn a_verdict_that_the_host_would_refuse_fails_the_test() {
    struct Shouting;
    impl Plugin for Shouting {
        type Settings = waxwing_guest::NoSettings;
        fn transform(_: Event, _: Self::Settings, _: &Webhook) -> Result<Verdict, Failure> {
            Ok(Request::new("text/plain", "").header("X-Loud", "1").into())
        }
    }
    let _ = testing::run::<Shouting>(notice(), json!({}));
}
