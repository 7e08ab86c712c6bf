//! The processes of a run, and how much CPU time each has used.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

use crate::cli::Failure;
use crate::cli::sink::{Arrived, Handler, Sink};

/// `USER_HZ`, which Linux fixes at 100 for everything that it shows.
const TICK: Duration = Duration::from_millis(10);

/// A process of this binary. It is killed when this is dropped.
pub(super) struct Child {
    pub(super) address: SocketAddr,
    id: u32,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _process: tokio::process::Child,
}

impl Child {
    /// Starts it, and waits for the line that says where it listens.
    pub(super) async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("can't start {}: {error}", arguments.join(" ")));
        let program = std::env::current_exe().map_err(failed)?;
        let mut process = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let gone = || Failure::Failed(format!("{} ended at once", arguments.join(" ")));
        let (stdin, stdout) = process.stdin.take().zip(process.stdout.take()).ok_or_else(gone)?;
        let id = process.id().ok_or_else(gone)?;
        let mut lines = BufReader::new(stdout).lines();
        let line = lines.next_line().await.map_err(failed)?.ok_or_else(gone)?;
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let listening = said.get("listening").and_then(Value::as_str).unwrap_or_default();
        let address = listening.trim_start_matches("http://").parse().map_err(|_| gone())?;
        Ok(Self { address, id, stdin, lines, _process: process })
    }

    /// CPU time of all its threads.
    pub(super) fn cpu(&self) -> Result<Duration, Failure> {
        cpu_of(&self.id.to_string())
    }

    /// How many requests a sink has had.
    pub(super) async fn count(&mut self) -> Result<usize, Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("the sink doesn't answer: {error}"));
        self.stdin.write_all(b"\n").await.map_err(failed)?;
        let line = self.lines.next_line().await.map_err(failed)?;
        line.and_then(|line| line.parse().ok()).ok_or_else(|| Failure::Failed("the sink doesn't answer".into()))
    }
}

/// CPU time of this process.
pub(super) fn own_cpu() -> Result<Duration, Failure> {
    cpu_of("self")
}

fn cpu_of(process: &str) -> Result<Duration, Failure> {
    let path = format!("/proc/{process}/stat");
    let stat = std::fs::read_to_string(&path).map_err(|error| Failure::file(path.as_ref(), &error))?;
    // Fields 14 and 15 (proc(5)), counted behind the name, which may hold anything but ends with the last bracket.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: u32 = fields.skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    Ok(TICK * ticks)
}

/// What a sink's process does: counts requests, and says how many there were for every line that it is given.
pub(super) async fn be_sink() -> Result<(), Failure> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let handler: Handler = Arc::new(move |_: Arrived| {
        counted.fetch_add(1, Ordering::Relaxed);
        StatusCode::OK
    });
    let sink = Sink::start(SocketAddr::from(([127, 0, 0, 1], 0)), handler).await?;
    say(&format!("{{\"listening\":\"http://{}\"}}", sink.address())).await?;
    let mut asked = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(_)) = asked.next_line().await {
        say(&count.load(Ordering::Relaxed).to_string()).await?;
    }
    Ok(())
}

/// A line for the process that leads.
pub(super) async fn say(line: &str) -> Result<(), Failure> {
    let mut out = tokio::io::stdout();
    let told = async {
        out.write_all(format!("{line}\n").as_bytes()).await?;
        out.flush().await
    };
    told.await.map_err(|error: std::io::Error| Failure::Failed(format!("nobody listens: {error}")))
}

/// A folder that is gone when this is.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("waxwing-bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| Failure::file(&path, &error))?;
        Ok(Self(path))
    }

    pub(super) fn text(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
