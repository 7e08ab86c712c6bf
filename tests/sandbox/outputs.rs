//! Answers that break out of where the host puts them, or are too large for it.

use serde_json::json;
use waxwing::model::fault::{FaultKind, Limit};
use waxwing::transform::Verdict;
use waxwing::transform::wasm::limits::Limits;

use crate::handmade::transforming;
use crate::limits::met;
use crate::world::World;

/// Bytes that may cross from guest to host in one call.
const CROSSING: u64 = 8 * 1024 * 1024;

/// Answers that are refused, each with what the refusal names.
const FORGED: [(&str, &str); 12] = [
    ("header-crlf", "the value of 'x-a' holds more than visible ASCII"),
    ("header-name-crlf", "'x-a: b\\r\\nx-forged' is no lower-case header name"),
    ("header-nul", "the value of 'x-a' holds more than visible ASCII"),
    ("bad-header-name", "'X-Upper' is no lower-case header name"),
    ("duplicate-header", "the header 'x-a' stands twice"),
    ("reserved-header", "the header 'host' isn't a plugin's to set"),
    ("signature-header", "the header 'webhook-signature' isn't a plugin's to set"),
    ("content-type-crlf", "'text/plain\\r\\nx-forged: 1' is no content type"),
    ("path-elsewhere", "'//elsewhere.example/steal' is no path"),
    ("path-crlf", "'/a HTTP/1.1\\r\\nx-forged: 1\\r\\n\\r\\n' is no path"),
    ("origin-elsewhere", "the origin 'https://elsewhere.example' isn't one that the webhook allows"),
    ("replace-not-json", "what replaces it isn't"),
];

#[tokio::test]
async fn answers_that_could_forge_something_are_refused_by_what_is_wrong_with_them() {
    let world = World::start().await;
    for (fault, named) in FORGED {
        let run = world.run(fault).await;
        let Err(FaultKind::BadOutput { message }) = run.result else { panic!("{fault}: {:?}", run.result) };
        assert!(message.contains(named), "{fault}: {message}");
        assert!(!message.contains(char::is_control) && message.len() <= 1024, "{message:?}");
    }
}

#[tokio::test]
async fn one_more_than_is_allowed_meets_the_limit() {
    let world = World::start().await;
    for (fault, amount, expected) in [
        ("huge-body", 1024 * 1024 + 1, (Limit::Output, 1024 * 1024 + 1, 1024 * 1024)),
        ("huge-replace", 1024 * 1024 + 1, (Limit::Output, 1024 * 1024 + 1, 1024 * 1024)),
        ("many-headers", 65, (Limit::Count, 65, 64)),
        ("many-queries", 65, (Limit::Count, 65, 64)),
        ("many-attributes", 65, (Limit::Count, 65, 64)),
        ("long-header", 8 * 1024 + 1, (Limit::Output, 8 * 1024 + 1, 8 * 1024)),
        ("long-header", 64 * 1024, (Limit::Output, 64 * 1024 + 6, 16 * 1024)),
    ] {
        let run = world.run_with(json!({ "fault": fault, "amount": amount }), u64::MAX).await;
        assert_eq!(met(run), expected, "{fault}");
    }
    for (fault, amount) in
        [("huge-body", 1024 * 1024), ("many-headers", 64), ("many-queries", 64), ("many-attributes", 64)]
    {
        let run = world.run_with(json!({ "fault": fault, "amount": amount }), u64::MAX).await;
        assert!(matches!(run.result, Ok(Verdict::Send(_))), "{fault} of {amount}: {:?}", run.result);
    }
}

#[tokio::test]
async fn an_answer_of_fifty_megabytes_is_not_copied() {
    // `replace` of 50 MB of zeros, of which none was written.
    let answer = "(drop (memory.grow (i32.const 800)))
        (i32.store8 (i32.const 4100) (i32.const 1))
        (i32.store (i32.const 4104) (i32.const 65536)) (i32.store (i32.const 4108) (i32.const 50000000))
        (i32.const 4096)";
    let run = World::holding(transforming(answer), Limits::default()).await.run("").await;
    assert!(run.cost.fuel < 1_000_000, "it is cheap for the guest: {:?}", run.cost);
    assert_eq!(met(run), (Limit::HostCalls, CROSSING, CROSSING));
}

#[tokio::test]
async fn a_million_headers_are_not_copied() {
    // `send` of a request whose list of headers is a million empty ones, in memory that nobody wrote to.
    let answer = "(drop (memory.grow (i32.const 250)))
        (i32.store8 (i32.const 4100) (i32.const 2))
        (i32.store (i32.const 4140) (i32.const 131072)) (i32.store (i32.const 4144) (i32.const 1000000))
        (i32.const 4096)";
    let run = World::holding(transforming(answer), Limits::default()).await.run("").await;
    assert!(run.cost.fuel < 1_000_000, "it is cheap for the guest: {:?}", run.cost);
    assert_eq!(met(run), (Limit::HostCalls, CROSSING, CROSSING));
    // Fewer fit through, of a request that is sound but for them ("a/b" is its content type), and are counted.
    let sound = "(i32.store (i32.const 5000) (i32.const 0x622f61))
        (i32.store (i32.const 4148) (i32.const 5000)) (i32.store (i32.const 4152) (i32.const 3))";
    let fewer = format!("{sound} {}", answer.replace("1000000", "100000"));
    let run = World::holding(transforming(&fewer), Limits::default()).await.run("").await;
    assert_eq!(met(run), (Limit::Count, 100_000, 64));
}

#[tokio::test]
async fn what_lies_outside_of_memory_is_no_answer() {
    for answer in ["(i32.const -8)", "(i32.const 4097)", "(i32.store8 (i32.const 4096) (i32.const 9)) (i32.const 4096)"]
    {
        let run = World::holding(transforming(answer), Limits::default()).await.run("").await;
        let Err(FaultKind::Trap { message }) = run.result else { panic!("{answer}: {:?}", run.result) };
        assert!(!message.is_empty(), "{answer}");
    }
}

#[tokio::test]
async fn texts_are_cut_to_what_is_kept() {
    let world = World::start().await;
    let settings = json!({ "fault": "huge-reason", "amount": 5000 });
    let Ok(Verdict::Drop(reason)) = world.run_with(settings, u64::MAX).await.result else { panic!("not dropped") };
    assert_eq!(reason.len(), 1024);
    let Ok(Verdict::Drop(reason)) = world.run("reason-control").await.result else { panic!("not dropped") };
    assert_eq!(reason, "\\u{1b}[31mred\\r\\nforged\\u{0}");
    let Err(FaultKind::Failure { message }) = world.run("fail").await.result else { panic!("no failure") };
    assert_eq!(message, "asked to fail");
    let settings = json!({ "fault": "fail-long", "amount": 5000 });
    let Err(FaultKind::Failure { message }) = world.run_with(settings, u64::MAX).await.result else {
        panic!("no failure")
    };
    assert_eq!(message.len(), 1024);
}
