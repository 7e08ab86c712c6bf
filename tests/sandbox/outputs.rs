//! Answers that break out of where the host puts them, or are too large for it.

use waxwing::model::fault::{FaultKind, Limit};
use waxwing::transform::Verdict;

use crate::world::World;

#[tokio::test]
async fn answers_that_could_forge_something_are_refused() {
    let world = World::start().await;
    for fault in [
        "header-crlf",
        "header-name-crlf",
        "header-nul",
        "bad-header-name",
        "duplicate-header",
        "reserved-header",
        "signature-header",
        "content-type-crlf",
        "path-elsewhere",
        "path-crlf",
        "origin-elsewhere",
        "replace-not-json",
    ] {
        let run = world.run(fault).await;
        let Err(FaultKind::BadOutput { message }) = run.result else { panic!("{fault}: {:?}", run.result) };
        assert!(!message.contains(char::is_control), "{message:?}");
    }
}

#[tokio::test]
async fn answers_that_are_too_large_meet_a_limit() {
    let world = World::start().await;
    for (fault, met) in [
        ("huge-body", [Limit::Output, Limit::HostCalls]),
        ("huge-replace", [Limit::Output, Limit::HostCalls]),
        ("many-headers", [Limit::HostCalls, Limit::Fuel]),
        ("many-queries", [Limit::HostCalls, Limit::Fuel]),
        ("many-attributes", [Limit::HostCalls, Limit::Fuel]),
    ] {
        let run = world.run(fault).await;
        let Err(FaultKind::Limit { limit, used, allowed }) = run.result else { panic!("{fault}: {:?}", run.result) };
        assert!(met.contains(&limit) && used >= allowed, "{fault}: {limit:?}, {used} of {allowed}");
    }
    let run = world.run("long-header").await;
    assert_eq!(run.result, Err(FaultKind::Limit { limit: Limit::Output, used: 65_542, allowed: 16_384 }));
}

#[tokio::test]
async fn texts_are_cut_to_what_is_kept() {
    let world = World::start().await;
    let settings = serde_json::json!({ "fault": "huge-reason", "amount": 5000 });
    let Ok(Verdict::Drop(reason)) = world.run_with(settings, u64::MAX).await.result else { panic!("not dropped") };
    assert_eq!(reason.len(), 1024);
    let Ok(Verdict::Drop(reason)) = world.run("reason-control").await.result else { panic!("not dropped") };
    assert_eq!(reason, "\\u{1b}[31mred\\r\\nforged\\u{0}");
    let Err(FaultKind::Failure { message }) = world.run("fail").await.result else { panic!("no failure") };
    assert_eq!(message, "asked to fail");
}
