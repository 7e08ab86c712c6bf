//! The built binary as a server: a process, a folder and a port of its own; receivers in the test's process; commands and calls
//! that talk to it. Nothing here is asynchronous: a test reads from top to bottom. Next: `client.rs`, `sink.rs`.

#![allow(dead_code, unused_imports, reason = "included by path: each target uses its part")]

mod client;
mod sink;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use self::client::id;
pub(crate) use self::sink::{Received, Sink};

pub(crate) const TOKEN: &str = "a-token-for-the-tests";
/// What a test waits for comes sooner than this, or never.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const BINARY: &str = env!("CARGO_BIN_EXE_waxwing");
/// One key, so that all servers can use what one of them compiled.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub(crate) struct Server {
    pub(crate) url: String,
    folder: TempDir,
    arguments: Vec<String>,
    log: Option<PathBuf>,
    process: Process,
}

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

impl Server {
    /// One for all tests that run at the same time and don't mind one another.
    pub(crate) fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap();
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    pub(crate) fn start() -> Self {
        Self::start_with(&["--allow-http", "--allow-network", "127.0.0.0/8"])
    }

    /// Starts one and waits until it says where it listens.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::start_logging(arguments, None)
    }

    /// The same, and its log goes into a file from which it can be read meanwhile.
    pub(crate) fn start_logging(arguments: &[&str], log: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = arguments.iter().map(ToString::to_string).collect::<Vec<_>>();
        bring_compiled(folder.path());
        let (process, url) = Process::start(folder.path(), &arguments, log);
        keep_compiled(folder.path());
        Self { url, folder, arguments, log: log.map(Path::to_owned), process }
    }

    /// Another process on the same folder; the one before must have ended.
    pub(crate) fn restart(&mut self) {
        (self.process, self.url) = Process::start(self.folder.path(), &self.arguments, self.log.as_deref());
    }

    /// No file of its can grow beyond so many bytes from now on, as on a full disk; `None`: there is room again.
    pub(crate) fn files_grow_to(&self, most: Option<u64>) {
        prlimit(Some(self.process.pid), Resource::Fsize, Rlimit { current: most, maximum: None }).unwrap();
    }

    /// What it keeps in its data folder under this name.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        kill_process(self.process.pid, Signal::TERM).unwrap();
    }

    /// Waits until the process is gone.
    pub(crate) fn wait(&self) -> ExitStatus {
        self.process.wait()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_running()
    }

    /// A command against this server, with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        command(arguments).env("WAXWING_URL", &self.url).env("WAXWING_TOKEN", TOKEN).output().unwrap()
    }
}

/// A child that is gone at the end, whatever becomes of the test.
struct Process {
    pid: Pid,
    ended: Arc<(Mutex<Option<ExitStatus>>, Condvar)>,
}

impl Process {
    fn start(data: &Path, arguments: &[String], log: Option<&Path>) -> (Self, String) {
        let filter = if log.is_some() { "info" } else { "error" };
        // A write beyond the limit of a file's size is an error for it, as it is on a full disk, rather than its end.
        let mut command = without_settings("sh");
        command.args(["-c", r#"trap '' XFSZ; exec "$@""#, "sh", BINARY]);
        command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--log-filter", filter, "--data"]);
        if let Some(log) = log {
            command.stderr(std::fs::File::options().append(true).create(true).open(log).unwrap());
        }
        let mut child = command
            .arg(data)
            .args(arguments)
            .env("WAXWING_ADMIN_TOKEN", TOKEN)
            .env("WAXWING_KEY", KEY)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let process = Self { pid: Pid::from_child(&child), ended: Arc::default() };
        let ended = Arc::clone(&process.ended);
        std::thread::spawn(move || {
            *ended.0.lock().unwrap() = Some(child.wait().unwrap());
            ended.1.notify_all();
        });
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the server said {line:?}"));
        (process, said["listening"].as_str().unwrap().to_owned())
    }

    fn wait(&self) -> ExitStatus {
        let (status, changed) = &*self.ended;
        let runs = |status: &mut Option<ExitStatus>| status.is_none();
        let (status, _) = changed.wait_timeout_while(status.lock().unwrap(), PATIENCE, runs).unwrap();
        status.expect("the process ends")
    }

    fn is_running(&self) -> bool {
        self.ended.0.lock().unwrap().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once it was waited for, its id may be another's.
        if self.is_running() && kill_process(self.pid, Signal::KILL).is_ok() {
            self.wait();
        }
    }
}

/// A command that inherits no settings.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = without_settings(BINARY);
    command.args(arguments);
    command
}

fn without_settings(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command.env_remove("WAXWING_URL").env_remove("WAXWING_TOKEN").env_remove("WAXWING_SECRET");
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where compiled plugins stay between test runs: compiling them is what a first start spends its time with.
fn shelf() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compiled")
}

/// Puts what was compiled before where the server looks for it. It believes only what bears its key's seal.
fn bring_compiled(data: &Path) {
    copy_missing(&shelf(), &data.join("compiled"));
}

fn keep_compiled(data: &Path) {
    copy_missing(&data.join("compiled"), &shelf());
}

/// A file that vanishes meanwhile, or that another test brings at the same time, is no matter: it is only compiled again.
fn copy_missing(from: &Path, to: &Path) {
    let _ = std::fs::create_dir_all(to);
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().extension().is_none_or(|ending| ending != "cwasm") || target.exists() {
            continue;
        }
        if let Ok(beside) = tempfile::NamedTempFile::new_in(to)
            && std::fs::copy(entry.path(), beside.path()).is_ok()
        {
            let _ = beside.persist(target);
        }
    }
}
