//! This program, run under callgrind.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What is in the way, if something is.
pub(crate) fn ready() -> Result<(), String> {
    let runs = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match runs {
        Ok(status) if status.success() => Ok(()),
        _ => Err("instructions were not counted, since this machine lacks valgrind".to_owned()),
    }
}

#[allow(clippy::disallowed_methods, reason = "how the test command says that nothing may be left out")]
pub(crate) fn required() -> bool {
    std::env::var("WAXWING_TESTS_REQUIRE").is_ok_and(|value| value == "1")
}

/// How many it takes to run so many events, the start included. The profile stays in the target folder for `callgrind_annotate`.
pub(crate) fn instructions(events: usize) -> Result<u64, String> {
    let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind.{events}"));
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    out.push(&profile);
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(out)
        .arg(std::env::current_exe().unwrap())
        .args(["--events", &events.to_string()])
        .output()
        .map_err(|error| format!("valgrind can't be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("{events} events under valgrind: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = std::fs::read_to_string(&profile).map_err(|error| format!("{}: {error}", profile.display()))?;
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
    total.ok_or_else(|| format!("{} has no totals", profile.display()))
}
