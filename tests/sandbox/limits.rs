//! Every limit of a run, and what the log of an attempt will say of it: which, how much was used, how much is allowed.

use std::time::{Duration, Instant};

use serde_json::json;
use waxwing::model::attempt::LogLevel;
use waxwing::model::fault::{FaultKind, Limit};
use waxwing::transform::wasm::limits::Limits;
use waxwing::transform::{ClassifyInput, ReplyView, Run, Transform, Verdict};

use crate::handmade::{Handmade, transforming};
use crate::world::{World, event};

/// 20 M, and 200 for each of the event's 11 bytes.
const FUEL: u64 = 20_002_200;
const MIB: u64 = 1024 * 1024;

/// The limit that a run met, what it used and what it was allowed.
#[track_caller]
pub(crate) fn met<T: std::fmt::Debug>(run: Run<T>) -> (Limit, u64, u64) {
    match run.result {
        Err(FaultKind::Limit { limit, used, allowed }) => (limit, used, allowed),
        other => panic!("no limit was met: {other:?}"),
    }
}

#[track_caller]
fn trapped(run: Run<Verdict>) -> String {
    match run.result {
        Err(FaultKind::Trap { message }) => message,
        other => panic!("no trap: {other:?}"),
    }
}

#[tokio::test]
async fn a_plugin_that_behaves_passes_and_says_what_it_cost() {
    let run = World::start().await.run("nothing").await;
    assert_eq!(run.result, Ok(Verdict::Pass));
    assert!(run.cost.fuel > 0 && run.cost.fuel < FUEL, "{:?}", run.cost);
    assert_eq!((run.cost.fuel_limit, run.cost.memory_limit), (FUEL, 64 * MIB));
    assert!(run.cost.memory > MIB && run.cost.memory < 2 * MIB, "{:?}", run.cost);
}

#[tokio::test]
async fn whatever_burns_instructions_ends_at_the_fuel_limit() {
    let world = World::start().await;
    // One step over it, where a step is an instruction, what leads to the next host call, or a bulk instruction of 16 MiB.
    for (fault, step) in
        [("spin", 0), ("log-flood", 2000), ("stdout-flood", 2000), ("read-clock", 500), ("bulk-memory", 17 * MIB)]
    {
        let run = world.run(fault).await;
        assert_eq!(run.cost.fuel_limit, FUEL, "{fault}");
        let (limit, used, allowed) = met(run);
        assert_eq!((limit, allowed), (Limit::Fuel, FUEL), "{fault}");
        assert!((FUEL..=FUEL + step).contains(&used), "{fault}: {used}");
    }
}

#[tokio::test]
async fn a_stage_gets_no_more_fuel_than_its_chain_has_left() {
    let run = World::start().await.run_with(json!({ "fault": "spin" }), 5_000_000).await;
    assert_eq!(met(run), (Limit::ChainFuel, 5_000_000, 5_000_000));
}

#[tokio::test]
async fn memory_beyond_the_limit_is_refused() {
    let world = World::start().await;
    let (limit, used, allowed) = met(world.run("eat-memory").await);
    assert_eq!((limit, allowed), (Limit::Memory, 64 * MIB));
    assert!(used > allowed && used < allowed + 2 * MIB, "{used}");
    let within = world.run_with(json!({ "fault": "eat-memory", "amount": 40 }), u64::MAX).await;
    assert_eq!(within.result, Ok(Verdict::Pass));
    assert!(within.cost.memory > 40 * MIB, "{:?}", within.cost);

    let world =
        World::holding(transforming("(drop (memory.grow (i32.const 1023))) (i32.const 3072)"), Limits::default());
    assert_eq!(met(world.await.run("").await), (Limit::Memory, 64 * MIB + 64 * 1024, 64 * MIB));
}

#[tokio::test]
async fn growing_memory_costs_fuel_by_the_page() {
    let run = async |grow: &str| World::holding(transforming(grow), Limits::default()).await.run("").await;
    let none = run("(drop (memory.grow (i32.const 0))) (i32.const 3072)").await.cost.fuel;
    let pages = run("(drop (memory.grow (i32.const 100))) (i32.const 3072)").await.cost.fuel;
    assert_eq!(pages - none, 100 * 255);
}

#[tokio::test]
async fn a_table_beyond_the_limit_is_refused() {
    let grow = "(drop (table.grow $t (ref.null func) (i32.const 20000))) (i32.const 3072)";
    let handmade = Handmade { fields: "(table $t 1 funcref)", transform: grow, ..Handmade::default() };
    let world = World::holding(handmade.wasm(), Limits::default()).await;
    assert_eq!(met(world.run("").await), (Limit::Table, 20_001, 20_000));
}

#[tokio::test]
async fn recursion_ends_at_the_limit_of_the_stack() {
    let world = World::start().await;
    assert_eq!(met(world.run("recurse-deep").await), (Limit::Stack, 512 * 1024, 512 * 1024));
    let within = world.run_with(json!({ "fault": "recurse-deep", "amount": 1000 }), u64::MAX).await;
    assert_eq!(within.result, Ok(Verdict::Pass));

    let fields = "(func $deeper (result i32) (i32.add (call $deeper) (i32.const 1)))";
    let handmade = Handmade { fields, transform: "(call $deeper)", ..Handmade::default() };
    let world = World::holding(handmade.wasm(), Limits { stack: 64 * 1024, ..Limits::default() }).await;
    assert_eq!(met(world.run("").await), (Limit::Stack, 64 * 1024, 64 * 1024));
}

#[tokio::test]
async fn recursion_over_the_guests_own_stack_is_a_trap_that_names_the_reason() {
    // What a level keeps lies in linear memory, and that stack ends before the engine's does.
    let said = trapped(World::start().await.run("recurse").await);
    assert_eq!(said, "wasm trap: out of bounds memory access (recursion without end can be the reason)");
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
    let unreachable = "wasm trap: wasm `unreachable` instruction executed";
    assert_eq!(trapped(world.run("trap").await), unreachable);
    let panic = trapped(world.run("panic").await);
    assert!(panic.starts_with(unreachable) && panic.contains("asked to panic: \\u{1b}[31mred"), "{panic}");
    assert!(!panic.contains(char::is_control), "{panic:?}");
    assert_eq!(trapped(world.run("abort").await), unreachable);
    assert_eq!(trapped(world.run("exit").await), "it called exit");
    assert!(trapped(world.run("bad-utf8").await).contains("invalid utf-8"));
}

#[tokio::test]
async fn the_log_is_cut_and_what_was_cut_is_counted() {
    let world = World::start().await;
    let run = world.run_with(json!({ "fault": "log-flood", "amount": 150 }), u64::MAX).await;
    assert_eq!((run.result, run.log.len(), run.log_dropped), (Ok(Verdict::Pass), 100, 50));
    assert_eq!((run.log[3].level, run.log[3].message.as_str()), (LogLevel::Info, "line 3"));

    let run = world.run_with(json!({ "fault": "log-long-line", "amount": 5000 }), u64::MAX).await;
    assert_eq!((run.log.len(), run.log[0].message.len(), run.log_dropped), (1, 1024, 0));

    let run = world.run("log-control").await;
    assert_eq!(run.log.len(), 1, "a forged line is no line of its own");
    assert!(!run.log[0].message.contains(char::is_control), "{:?}", run.log[0].message);

    let run = world.run_with(json!({ "fault": "stdout-flood", "amount": 150 }), u64::MAX).await;
    assert_eq!((run.result, run.log.len(), run.log_dropped), (Ok(Verdict::Pass), 100, 50));

    let flood = world.run("log-flood").await;
    assert_eq!(flood.log.len(), 100);
    assert!(flood.log_dropped > 10_000, "{}", flood.log_dropped);
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
    let check =
        async |settings: serde_json::Value| world.transform.check_settings(world.digest, &settings.to_string()).await;
    assert_eq!(check(json!({ "fault": "spin" })).await.result, Ok(Vec::new()));
    let found = check(json!({ "fault": "fail", "in": "validate-settings" })).await.result.unwrap();
    assert_eq!((found[0].path.as_str(), found[0].message.as_str()), ("/fault", "asked to fail"));
    let many = check(json!({ "fault": "many-issues", "in": "validate-settings", "amount": 65 })).await;
    assert_eq!(met(many), (Limit::Count, 65, 64));
}

#[tokio::test]
async fn each_call_has_fuel_of_its_own() {
    let limits = Limits { setup_fuel: 7_000_000, classify_fuel: 3_000_000, ..Limits::default() };
    let world = World::with(limits).await;
    let settings = r#"{"fault":"spin","in":"validate-settings"}"#;
    let checked = world.transform.check_settings(world.digest, settings).await;
    assert_eq!(met(checked), (Limit::Fuel, 7_000_000, 7_000_000));

    let event = event();
    let judge = async |settings: &str| {
        let input = ClassifyInput { digest: world.digest, settings, event: &event, webhook: 2.into(), attempt: 1 };
        world.transform.classify(input, ReplyView { status: 500, headers: &[], body: b"oops" }).await
    };
    assert_eq!(met(judge(r#"{"fault":"spin","in":"classify"}"#).await), (Limit::Fuel, 3_000_000, 3_000_000));
    let judged = judge(r#"{"fault":"nothing","in":"transform"}"#).await;
    assert!(matches!(judged.result, Ok(Some(_))), "500 is no success");
}
