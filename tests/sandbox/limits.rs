//! Every limit, and what the log of an attempt will say of it.

use std::time::{Duration, Instant};

use serde_json::json;
use waxwing::model::attempt::LogLevel;
use waxwing::model::fault::{FaultKind, Limit};
use waxwing::transform::fuel::FuelLimits;
use waxwing::transform::wasm::limits::Limits;
use waxwing::transform::{ClassifyInput, ReplyView, Transform, Verdict};

use crate::world::{World, event};

/// 20 M, and 200 for each of the event's 11 bytes.
const FUEL: u64 = 20_002_200;

#[tokio::test]
async fn a_plugin_that_behaves_passes_and_says_what_it_cost() {
    let run = World::start().await.run("nothing").await;
    assert_eq!(run.result, Ok(Verdict::Pass));
    assert!(run.cost.fuel > 0 && run.cost.fuel < FUEL, "{:?}", run.cost);
    assert_eq!((run.cost.fuel_limit, run.cost.memory_limit), (FUEL, 64 * 1024 * 1024));
    assert!(run.cost.memory > 0);
}

#[tokio::test]
async fn whatever_burns_instructions_ends_at_the_fuel_limit() {
    let world = World::start().await;
    for fault in ["spin", "bulk-memory", "log-flood", "stdout-flood", "read-clock"] {
        let run = world.run(fault).await;
        let Err(FaultKind::Limit { limit: Limit::Fuel, used, allowed }) = run.result else {
            panic!("{fault}: {:?}", run.result)
        };
        assert!(allowed == FUEL && used >= allowed, "{fault}: used {used} of {allowed}");
    }
}

#[tokio::test]
async fn a_stage_gets_no_more_fuel_than_its_chain_has_left() {
    let run = World::start().await.run_with(json!({ "fault": "spin" }), 5_000_000).await;
    let Err(FaultKind::Limit { limit: Limit::ChainFuel, allowed, .. }) = run.result else { panic!("{:?}", run.result) };
    assert_eq!(allowed, 5_000_000);
}

#[tokio::test]
async fn memory_beyond_the_limit_is_refused() {
    // Touching every byte costs an instruction each: with the default fuel, that limit comes first.
    let fuel = FuelLimits { base: 500_000_000, ..FuelLimits::default() };
    let run = World::with(Limits { fuel, ..Limits::default() }).await.run("eat-memory").await;
    let Err(FaultKind::Limit { limit: Limit::Memory, used, allowed }) = run.result else { panic!("{:?}", run.result) };
    assert_eq!(allowed, 64 * 1024 * 1024);
    assert!(used > allowed);
}

#[tokio::test]
async fn recursion_ends_at_the_stacks_limit() {
    // A Rust guest keeps most of a frame in linear memory, whose own end it meets first with the default.
    let world = World::with(Limits { stack: 64 * 1024, ..Limits::default() }).await;
    let (run, allowed) = (world.run("recurse").await, 64 * 1024);
    assert_eq!(run.result, Err(FaultKind::Limit { limit: Limit::Stack, used: allowed, allowed }));
}

#[tokio::test]
async fn an_hours_sleep_takes_no_time() {
    let world = World::start().await;
    let before = Instant::now();
    assert_eq!(world.run("sleep").await.result, Ok(Verdict::Pass));
    assert!(before.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_trap_says_so_and_a_panic_says_what_it_said() {
    let world = World::start().await;
    let message = |run: waxwing::transform::Run<Verdict>| match run.result {
        Err(FaultKind::Trap { message }) => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(message(world.run("trap").await), "wasm trap: wasm `unreachable` instruction executed");
    let panic = message(world.run("panic").await);
    assert!(panic.contains("asked to panic: \\u{1b}[31mred"), "{panic}");
    assert!(!panic.contains(char::is_control), "{panic:?}");
    message(world.run("abort").await);
    assert_eq!(message(world.run("exit").await), "it called exit");
    message(world.run("bad-utf8").await);
}

#[tokio::test]
async fn the_log_is_cut_and_what_was_cut_is_counted() {
    let world = World::start().await;
    let run = world.run_with(json!({ "fault": "log-flood", "amount": 150 }), u64::MAX).await;
    assert_eq!((run.result, run.log.len(), run.log_dropped), (Ok(Verdict::Pass), 100, 50));
    assert_eq!((run.log[3].level, run.log[3].message.as_str()), (LogLevel::Info, "line 3"));

    let run = world.run_with(json!({ "fault": "log-long-line", "amount": 5000 }), u64::MAX).await;
    assert_eq!(run.log[0].message.len(), 1024);

    let run = world.run("log-control").await;
    assert_eq!(run.log.len(), 1, "a forged line is no line of its own");
    assert!(!run.log[0].message.contains(char::is_control), "{:?}", run.log[0].message);

    let run = world.run_with(json!({ "fault": "stdout-flood", "amount": 150 }), u64::MAX).await;
    assert!(run.log.len() <= 100 && run.log_dropped > 0);
}

#[tokio::test]
async fn there_is_nothing_outside_to_be_seen() {
    let world = World::start().await;
    assert_eq!(world.run("snoop").await.result, Ok(Verdict::Pass));
    assert_eq!(world.run("read-stdin").await.result, Ok(Verdict::Pass));
}

#[tokio::test]
async fn bad_settings_come_back_as_issues_and_too_many_as_a_limit() {
    let world = World::start().await;
    let issues = async |settings: serde_json::Value| {
        world.transform.check_settings(world.digest, &settings.to_string()).await.result
    };
    assert_eq!(issues(json!({ "fault": "spin" })).await, Ok(Vec::new()));
    let found = issues(json!({ "fault": "fail", "in": "validate-settings" })).await.unwrap();
    assert_eq!((found[0].path.as_str(), found[0].message.as_str()), ("/fault", "asked to fail"));
    let many = issues(json!({ "fault": "many-issues", "in": "validate-settings", "amount": 65 })).await;
    assert_eq!(many, Err(FaultKind::Limit { limit: Limit::Count, used: 65, allowed: 64 }));
}

#[tokio::test]
async fn a_reply_is_judged_within_limits_of_its_own() {
    let world = World::start().await;
    let event = event();
    let judge = async |settings: serde_json::Value| {
        let settings = settings.to_string();
        let input =
            ClassifyInput { digest: world.digest, settings: &settings, event: &event, webhook: 2.into(), attempt: 1 };
        world.transform.classify(input, ReplyView { status: 500, headers: &[], body: b"oops" }).await.result
    };
    assert!(matches!(judge(json!({ "fault": "nothing", "in": "transform" })).await, Ok(Some(_))), "500 is no success");
    assert!(matches!(
        judge(json!({ "fault": "spin", "in": "classify" })).await,
        Err(FaultKind::Limit { limit: Limit::Fuel, .. })
    ));
}
