//! The faults that are an answer: too large, too many, or made to break out of where the host puts it. Next: `faults.rs`.

use waxwing_guest::{Event, Failure, Issue, Judgement, Request, Verdict};

use crate::{
    faults::{Fault, size},
    observe,
};

const MANY: u64 = 1_000_000;
const HUGE: u64 = 8 << 20;

pub(crate) fn verdict(fault: Fault, amount: Option<u64>, event: Event) -> Result<Verdict, Failure> {
    let text = |default| "x".repeat(size(amount.unwrap_or(default)));
    match fault {
        Fault::Fail => Err(Failure::other("asked to fail")),
        Fault::FailLong => Err(Failure::other(text(HUGE))),
        Fault::ManyIssues => Err(Failure::InvalidSettings(issues(fault, amount))),
        Fault::HugeReason => Ok(Verdict::drop(text(HUGE))),
        Fault::ReasonControl => Ok(Verdict::drop("\u{1b}[31mred\r\nforged\u{0}")),
        Fault::HugeReplace => Ok(Verdict::Replace(text(HUGE).into_bytes())),
        Fault::ReplaceNotJson => Ok(Verdict::Replace(b"{\"half\": ".to_vec())),
        Fault::BadUtf8 => Ok(Verdict::drop(bad_utf8())),
        Fault::Observe => Ok(Request::new("text/plain", observe::everything(&event)).into()),
        _ => match request(fault, amount, &text) {
            Some(request) => Ok(request.into()),
            None => Ok(Verdict::Pass),
        },
    }
}

fn request(fault: Fault, amount: Option<u64>, text: &dyn Fn(u64) -> String) -> Option<Request> {
    let request = Request::new("application/json", "{}");
    let pairs = || (0..amount.unwrap_or(MANY)).map(|n| (format!("n{n}"), String::new()));
    Some(match fault {
        Fault::HugeBody => Request::new("text/plain", text(HUGE)),
        Fault::ManyHeaders => pairs().fold(request, |request, (name, value)| request.header(name, value)),
        Fault::ManyQueries => Request { query: pairs().collect(), ..request },
        Fault::ManyAttributes => Request { attributes: pairs().collect(), ..request },
        Fault::LongHeader => request.header("x-long", text(64 << 10)),
        Fault::HeaderCrlf => request.header("x-a", "b\r\nx-forged: 1"),
        Fault::HeaderNameCrlf => request.header("x-a: b\r\nx-forged", "1"),
        Fault::HeaderNul => request.header("x-a", "b\u{0}c"),
        Fault::BadHeaderName => request.header("X-Upper", "1"),
        Fault::DuplicateHeader => request.header("x-a", "1").header("x-a", "2"),
        Fault::ReservedHeader => request.header("host", "elsewhere.example"),
        Fault::SignatureHeader => request.header("webhook-signature", "v1,forged"),
        Fault::ContentTypeCrlf => Request::new("text/plain\r\nx-forged: 1", ""),
        Fault::PathElsewhere => request.path("//elsewhere.example/steal"),
        Fault::PathCrlf => request.path("/a HTTP/1.1\r\nx-forged: 1\r\n\r\n"),
        Fault::OriginElsewhere => request.origin("https://elsewhere.example"),
        Fault::ForeignPlaceholder => request.header("authorization", format!("Bearer wxs_{}", "0".repeat(32))),
        _ => return None,
    })
}

pub(crate) fn issues(fault: Fault, amount: Option<u64>) -> Vec<Issue> {
    match fault {
        Fault::ManyIssues => (0..amount.unwrap_or(MANY)).map(|n| Issue::new(format!("/{n}"), "asked for")).collect(),
        Fault::BadUtf8 => vec![Issue::new("", bad_utf8())],
        _ => vec![Issue::new("/fault", "asked to fail")],
    }
}

pub(crate) fn judgement(fault: Fault, amount: Option<u64>) -> Judgement {
    match fault {
        Fault::FailLong | Fault::HugeReason => Judgement::fail("x".repeat(size(amount.unwrap_or(HUGE)))),
        Fault::ReasonControl => Judgement::disable_webhook("\u{1b}[31mred\r\nforged\u{0}"),
        Fault::Sleep => Judgement::retry_after(u64::MAX),
        Fault::BadUtf8 => Judgement::fail(bad_utf8()),
        _ => Judgement::fail("asked to fail"),
    }
}

/// A lone surrogate: the host must refuse it when it lifts the string.
#[expect(unsafe_code, reason = "a string that isn't UTF-8 is the fault; nothing in this guest reads it")]
fn bad_utf8() -> String {
    let bytes = vec![b'a', 0xed, 0xa0, 0x80, b'z'];
    unsafe { String::from_utf8_unchecked(bytes) }
}
