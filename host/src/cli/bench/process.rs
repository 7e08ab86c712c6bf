//! The processes of a run: started from this same binary, told apart by their CPU time and memory (`/proc`).

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

use super::POSTGRES;
use super::sink::Told;
use crate::cli::Failure;
use crate::config::table::SETTINGS;

/// `USER_HZ`, which Linux fixes at 100 for everything that it shows.
const TICK: Duration = Duration::from_millis(10);
const KIB: u64 = 1024;

/// A process of this binary. It is killed when this is dropped.
pub(super) struct Child {
    pub(super) address: SocketAddr,
    name: String,
    id: u32,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    process: tokio::process::Child,
}

impl Child {
    /// Starts it with no settings but these, and waits for the line that says where it listens. What it writes to its standard error
    /// goes to `log`, else to ours.
    pub(super) async fn start(
        arguments: &[&str],
        environment: &[(&str, &str)],
        log: Option<&Path>,
    ) -> Result<Self, Failure> {
        let name = arguments.iter().take(3).copied().collect::<Vec<_>>().join(" ");
        let failed = |error: std::io::Error| Failure::Failed(format!("can't start {name}: {error}"));
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        SETTINGS.iter().for_each(|setting| {
            command.env_remove(setting.env).env_remove(format!("{}_FILE", setting.env));
        });
        command.env_remove("WAXWING_CONFIG").env_remove(POSTGRES).args(arguments).envs(environment.iter().copied());
        if let Some(log) = log {
            command.stderr(File::create(log).map_err(|error| Failure::file(log, &error))?);
        }
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
        let mut process = spawned.map_err(failed)?;
        let gone = || Failure::Failed(format!("{name} ended at once"));
        let (stdin, stdout) = process.stdin.take().zip(process.stdout.take()).ok_or_else(gone)?;
        let id = process.id().ok_or_else(gone)?;
        let mut lines = BufReader::new(stdout).lines();
        let line = lines.next_line().await.map_err(failed)?.ok_or_else(gone)?;
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let listening = said.get("listening").and_then(Value::as_str).unwrap_or_default();
        let address = listening.trim_start_matches("http://").parse().map_err(|_| gone())?;
        Ok(Self { address, name, id, stdin, lines, process })
    }

    pub(super) const fn id(&self) -> u32 {
        self.id
    }

    /// CPU time of all its threads so far.
    pub(super) fn cpu(&self) -> Result<Duration, Failure> {
        Stat::of(&self.id.to_string()).map(|stat| stat.own)
    }

    /// The most memory that it ever had resident, in bytes.
    pub(super) fn peak(&self) -> Result<u64, Failure> {
        memory_of(self.id, "VmHWM:")
    }

    /// SIGTERM, and waits until it is gone.
    pub(super) async fn stop(mut self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("{} doesn't end: {error}", self.name));
        if let Some(pid) = i32::try_from(self.id).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).map_err(|error| failed(error.into()))?;
        }
        self.process.wait().await.map(drop).map_err(failed)
    }

    /// How many requests a sink has had.
    pub(super) async fn count(&mut self) -> Result<usize, Failure> {
        let line = self.ask("count").await?;
        line.parse().map_err(|_| Failure::Failed(format!("the sink counts '{line}'")))
    }

    /// All that a sink knows.
    pub(super) async fn told(&mut self) -> Result<Told, Failure> {
        let line = self.ask("told").await?;
        serde_json::from_str(&line).map_err(|error| Failure::Failed(format!("the sink tells '{line}': {error}")))
    }

    async fn ask(&mut self, what: &str) -> Result<String, Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("the sink doesn't answer: {error}"));
        self.stdin.write_all(format!("{what}\n").as_bytes()).await.map_err(failed)?;
        let line = self.lines.next_line().await.map_err(failed)?;
        line.ok_or_else(|| Failure::Failed("the sink ended".into()))
    }
}

/// CPU time of this process so far, by the clock that it has for that: `/proc` shows nothing shorter than a [`TICK`].
pub(super) fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// What `/proc` tells of a process.
pub(super) struct Stat {
    pub(super) parent: u32,
    /// CPU time of all its threads.
    pub(super) own: Duration,
    /// CPU time of its children that have ended, and of theirs.
    pub(super) ended: Duration,
}

impl Stat {
    pub(super) fn of(process: &str) -> Result<Self, Failure> {
        let stat = read(&format!("/proc/{process}/stat"))?;
        // Counted behind the name, which may hold anything but ends with the last bracket: fields 4 and 14 to 17 (proc(5)).
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        let fields: Vec<u32> = fields.map(|field| field.parse().unwrap_or_default()).collect();
        let ticks = |from: usize| fields.iter().skip(from).take(2).sum::<u32>();
        let parent = fields.get(1).copied().unwrap_or_default();
        Ok(Self { parent, own: TICK * ticks(11), ended: TICK * ticks(13) })
    }
}

/// What a process has resident now, in bytes.
pub(super) fn resident(id: u32) -> Result<u64, Failure> {
    memory_of(id, "VmRSS:")
}

fn memory_of(id: u32, field: &str) -> Result<u64, Failure> {
    let path = format!("/proc/{id}/status");
    let status = read(&path)?;
    let number =
        status.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse::<u64>().ok());
    number.map(|kib| kib * KIB).ok_or_else(|| Failure::Failed(format!("{path} has no {field}")))
}

fn read(path: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::file(path.as_ref(), &error))
}

/// Returns when the process that leads is gone.
pub(super) async fn left_alone() {
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(_)) = input.next_line().await {}
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
