//! Guests built against released contracts, which must run for ever: see `tests/guests`.

use expect_test::expect;
use serde_json::{Value, json};
use waxwing::model::fault::FaultKind;
use waxwing::transform::wasm::limits::Limits;
use waxwing::transform::{ClassifyInput, ReplyView, Run, Transform, Verdict};

use crate::world::{World, event};

const FROZEN: &[u8] = include_bytes!("../guests/0.1.0/faulty.wasm");

/// The plugin that was built against 0.1.0.
pub(crate) async fn frozen() -> World {
    World::holding(FROZEN, Limits::default()).await
}

/// The names of the faults in its settings' schema.
fn faults(world: &World) -> Vec<String> {
    let schema: Value = serde_json::from_str(&world.manifest.settings_schema).unwrap();
    let fault = &schema["properties"]["fault"];
    let names = fault["oneOf"].as_array().expect("each fault has its description");
    names.iter().map(|name| name["const"].as_str().unwrap().to_owned()).collect()
}

/// How a run ended, in a few words that hold for every machine.
fn ending(run: &Run<Verdict>) -> String {
    match &run.result {
        Ok(Verdict::Pass) => "pass".to_owned(),
        Ok(Verdict::Replace(data)) => format!("replace, {} bytes", data.len()),
        Ok(Verdict::Send(draft)) => format!("send, {} bytes", draft.body.len()),
        Ok(Verdict::Drop(reason)) => format!("drop, {} bytes", reason.len()),
        Err(FaultKind::Trap { .. }) => "trap".to_owned(),
        Err(FaultKind::Failure { message }) => format!("failure, {} bytes", message.len()),
        Err(FaultKind::BadOutput { .. }) => "bad output".to_owned(),
        Err(FaultKind::Limit { limit, allowed, .. }) => format!("{} limit of {allowed}", limit.as_str()),
        Err(FaultKind::Host { message }) => format!("host: {message}"),
    }
}

#[tokio::test]
async fn a_guest_of_0_1_0_is_admitted_with_all_that_it_says_of_itself() {
    let world = frozen().await;
    let manifest = &world.manifest;
    assert_eq!((manifest.name.as_str(), manifest.version.to_string().as_str()), ("faulty", "0.1.0"));
    assert!(manifest.classifies && !manifest.redacts);
    assert_eq!(manifest.event_types, ["*"]);
}

#[tokio::test]
async fn a_guest_of_0_1_0_does_all_that_it_can() {
    let world = frozen().await;
    let mut endings = String::new();
    for fault in faults(&world) {
        let run = world.run(&fault).await;
        endings += &format!("{fault}: {}\n", ending(&run));
    }
    expect![[r#"
        nothing: pass
        trap: trap
        panic: trap
        abort: trap
        exit: trap
        spin: fuel limit of 20002200
        sleep: pass
        bulk-memory: fuel limit of 20002200
        recurse: trap
        eat-memory: fuel limit of 20002200
        log-flood: fuel limit of 20002200
        log-long-line: pass
        log-control: pass
        stdout-flood: fuel limit of 20002200
        read-clock: fuel limit of 20002200
        read-stdin: pass
        snoop: pass
        observe: send, 212 bytes
        fail: failure, 13 bytes
        fail-long: failure, 1024 bytes
        many-issues: fuel limit of 20002200
        huge-body: host calls limit of 8388608
        huge-replace: output limit of 1048576
        replace-not-json: bad output
        huge-reason: drop, 1024 bytes
        reason-control: drop, 28 bytes
        many-headers: fuel limit of 20002200
        many-queries: fuel limit of 20002200
        many-attributes: fuel limit of 20002200
        long-header: output limit of 16384
        header-crlf: bad output
        header-name-crlf: bad output
        header-nul: bad output
        bad-header-name: bad output
        duplicate-header: bad output
        reserved-header: bad output
        signature-header: bad output
        content-type-crlf: bad output
        path-elsewhere: bad output
        path-crlf: bad output
        origin-elsewhere: bad output
        foreign-placeholder: send, 2 bytes
        bad-utf8: trap
    "#]]
    .assert_eq(&endings);
}

#[tokio::test]
async fn a_guest_of_0_1_0_judges_replies_and_settings() {
    let world = frozen().await;
    let event = event();
    let settings = json!({ "fault": "nothing", "in": "transform" }).to_string();
    let judge = async |status| {
        let input =
            ClassifyInput { digest: world.digest, settings: &settings, event: &event, webhook: 2.into(), attempt: 1 };
        world.transform.classify(input, ReplyView { status, headers: &[], body: b"" }).await.result
    };
    assert_eq!(judge(204).await, Ok(None));
    assert!(matches!(judge(410).await, Ok(Some(_))));
    let told = world.transform.check_settings(world.digest, r#"{"fault":"fail","in":"validate-settings"}"#).await;
    assert_eq!(told.result.unwrap()[0].path, "/fault");
}
