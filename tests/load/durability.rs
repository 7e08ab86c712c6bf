//! No 202 is written before the fdatasync that covers it: seen from outside, by system calls.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::server::{Server, http};
use crate::sink::{Arrivals, healthy};

#[tokio::test(flavor = "multi_thread")]
async fn no_202_is_written_before_the_fdatasync_that_covers_it() {
    let _turn = crate::turn().await;
    if !tool_present("strace") {
        return;
    }
    let arrivals = Arrivals::default();
    let url = healthy(&arrivals).await;
    let server = Server::start().await;
    server.webhook(&url, "load.trace", json!([])).await;
    let trace = tempfile::NamedTempFile::new().unwrap();
    let mut strace = Command::new("strace")
        .args(["-f", "-ttt", "-s", "48", "-e", "trace=read,readv,recvfrom,write,writev,sendto,fdatasync,fsync", "-o"])
        .arg(trace.path())
        .args(["-p", &server.pid().to_string()])
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(strace.stderr.take().unwrap()).lines();
    let attached = said.next_line().await.unwrap().unwrap_or_default();
    assert!(attached.contains("attached"), "strace said: {attached}");
    let mut posts = tokio::task::JoinSet::new();
    for connection in 0..8 {
        let (http, url) = (http(), server.url.clone());
        posts.spawn(async move {
            for number in 0..25 {
                let data = json!({ "connection": connection, "number": number });
                crate::server::publish(&http, &url, "load.trace", &data).await.expect("accepted");
            }
        });
    }
    posts.join_all().await;
    // SIGINT lets strace detach and write out what it has.
    rustix::process::kill_process(pid(&strace), rustix::process::Signal::INT).unwrap();
    tokio::time::timeout(Duration::from_secs(20), strace.wait()).await.expect("strace ends").unwrap();
    let answers = covered_answers(&std::fs::read_to_string(trace.path()).unwrap());
    assert_eq!(answers, 200, "every 202 was seen in the trace");
}

fn pid(child: &tokio::process::Child) -> rustix::process::Pid {
    rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap()
}

/// Says loudly what is left out, and fails where everything is required.
#[allow(clippy::disallowed_methods, reason = "what a test run requires is asked for in the environment")]
fn tool_present(tool: &str) -> bool {
    let present = std::process::Command::new(tool).arg("-V").output().is_ok();
    let required = std::env::var_os("WAXWING_TESTS_REQUIRE").is_some();
    assert!(present || !required, "{tool} is missing: install it (apt-get install {tool})");
    if !present {
        eprintln!("\n!!! LEFT OUT: {tool} is missing, so the order of fdatasync and 202 was not checked !!!\n");
    }
    present
}

/// Goes through the calls in the order of their ends; asserts that between a request's read and its 202 a sync began and ended.
fn covered_answers(trace: &str) -> usize {
    let mut begun: HashMap<&str, (f64, String)> = HashMap::new();
    let mut request_read: HashMap<String, f64> = HashMap::new();
    let mut syncs: Vec<(f64, f64)> = Vec::new();
    let mut answers = 0;
    for line in trace.lines() {
        let mut words = line.split_whitespace();
        let (Some(thread), Some(time)) = (words.next(), words.next()) else { continue };
        let Some(rest) = line.split_once(time).map(|(_, rest)| rest.trim_start()) else { continue };
        let Ok(time) = time.parse::<f64>() else { continue };
        let (started, call) = match (rest.strip_suffix("<unfinished ...>"), rest.split_once("resumed>")) {
            (Some(call), _) => {
                // An answer counts from the moment that its write begins.
                answers += usize::from(note_answer(call, time, &request_read, &syncs));
                begun.insert(thread, (time, call.to_owned()));
                continue;
            }
            (None, Some((_, end))) => {
                let (started, call) = begun.remove(thread).unwrap_or((time, String::new()));
                (started, format!("{call}{end}"))
            }
            (None, None) => {
                answers += usize::from(note_answer(rest, time, &request_read, &syncs));
                (time, rest.to_owned())
            }
        };
        if call.starts_with("fdatasync(") || call.starts_with("fsync(") {
            assert!(call.contains("= 0"), "a sync failed: {call}");
            syncs.push((started, time));
        } else if (call.starts_with("recvfrom(") || call.starts_with("read")) && call.contains("POST /api/events") {
            request_read.insert(descriptor(&call), time);
        }
    }
    answers
}

fn note_answer(call: &str, time: f64, request_read: &HashMap<String, f64>, syncs: &[(f64, f64)]) -> bool {
    let writes = call.starts_with("write") || call.starts_with("sendto(");
    if !writes || !call.contains("HTTP/1.1 202") {
        return false;
    }
    let read = request_read.get(&descriptor(call)).expect("a 202 follows a request on its connection");
    let covered = syncs.iter().any(|(began, ended)| began >= read && *ended <= time);
    assert!(covered, "a 202 was written at {time} for a request read at {read} without a sync between: {call}");
    true
}

fn descriptor(call: &str) -> String {
    let arguments = call.split_once('(').map_or("", |(_, arguments)| arguments);
    arguments.chars().take_while(char::is_ascii_digit).collect()
}

#[test]
fn the_trace_reader_finds_an_answer_that_nothing_covers() {
    let good = "1 10.0 recvfrom(9, \"POST /api/events HTTP/1.1\", 8192) = 300\n\
                2 10.1 fdatasync(5 <unfinished ...>\n\
                1 10.2 read(7, \"x\", 1) = 1\n\
                2 10.3 <... fdatasync resumed>) = 0\n\
                1 10.4 writev(9, [\"HTTP/1.1 202 Accepted\"]) = 20\n";
    assert_eq!(covered_answers(good), 1);
    let early = good.replace("10.4 writev", "10.25 writev").lines().map(str::to_owned).collect::<Vec<_>>();
    let reordered = [&early[0], &early[1], &early[4], &early[3]].map(String::as_str).join("\n");
    assert!(std::panic::catch_unwind(|| covered_answers(&reordered)).is_err());
}
