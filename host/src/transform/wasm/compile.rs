//! Compiles components, in a child process: a few kilobytes can ask for minutes and gigabytes, and the compiler can't be
//! interrupted. One at a time. The child is the server's own binary and limits itself: `compile_child.rs`.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::engine::Reservation;
use super::limits::CompileLimits;
use crate::transform::BadComponent;

/// The hidden subcommand that `main` hands to [`super::compile_child_main`].
pub const COMPILE_COMMAND: &str = "compile-plugin";

/// The most that is kept of what the child says went wrong.
const COMPLAINT_MAX: u64 = 4096;

pub(super) struct Compiler {
    executable: PathBuf,
    arguments: Vec<String>,
    limits: CompileLimits,
    one_at_a_time: Mutex<()>,
}

impl Compiler {
    pub(super) fn new(executable: PathBuf, limits: CompileLimits, stack: usize, reservation: Reservation) -> Self {
        let arguments = vec![
            COMPILE_COMMAND.to_owned(),
            stack.to_string(),
            reservation.as_str().to_owned(),
            limits.memory.to_string(),
            limits.cpu_seconds.to_string(),
        ];
        Self { executable, arguments, limits, one_at_a_time: Mutex::new(()) }
    }

    /// The machine code of a component that passed all checks.
    pub(super) async fn compile(&self, wasm: Bytes) -> Result<Vec<u8>, BadComponent> {
        let _turn = self.one_at_a_time.lock().await;
        let child = self.start().map_err(|error| host(&format!("no process to compile it in: {error}")))?;
        match tokio::time::timeout(self.limits.wall, self.converse(child, wasm)).await {
            Ok(result) => result,
            Err(_) => Err(BadComponent::CompileLimit(format!("{} s", self.limits.wall.as_secs()))),
        }
    }

    fn start(&self) -> std::io::Result<Child> {
        Command::new(&self.executable)
            .args(&self.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    async fn converse(&self, mut child: Child, wasm: Bytes) -> Result<Vec<u8>, BadComponent> {
        let (Some(mut input), Some(output), Some(complaint)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(host("the process has no pipes"));
        };
        let most = u64::try_from(self.limits.output).unwrap_or(u64::MAX);
        let (mut code, mut said) = (Vec::new(), Vec::new());
        let (mut output, mut complaint) = (output.take(most.saturating_add(1)), complaint.take(COMPLAINT_MAX));
        let write = async {
            // A child that ends early closes the pipe: its exit says why.
            let _ = input.write_all(&wasm).await;
            drop(input);
        };
        let (_, read, _) = tokio::join!(write, output.read_to_end(&mut code), complaint.read_to_end(&mut said));
        if code.len() > self.limits.output {
            return Err(BadComponent::CompileLimit(format!("{most} bytes of machine code")));
        }
        let status = child.wait().await.map_err(|error| host(&error.to_string()))?;
        read.map_err(|error| host(&error.to_string()))?;
        if status.success() { Ok(code) } else { Err(self.verdict(status, &String::from_utf8_lossy(&said))) }
    }

    /// What a child's end that wasn't good says of the component.
    fn verdict(&self, status: ExitStatus, said: &str) -> BadComponent {
        use std::os::unix::process::ExitStatusExt;
        let said = said.trim();
        let signal = status.signal();
        if signal == Some(rustix::process::Signal::XCPU.as_raw())
            || signal == Some(rustix::process::Signal::KILL.as_raw())
        {
            return BadComponent::CompileLimit(format!("{} s of CPU time", self.limits.cpu_seconds));
        }
        if signal == Some(rustix::process::Signal::ABORT.as_raw()) && said.contains("memory allocation") {
            return BadComponent::CompileLimit(format!("{} MiB of memory", self.limits.memory / (1024 * 1024)));
        }
        match (status.code(), signal) {
            (Some(super::compile_child::REFUSED), _) => BadComponent::Malformed(super::log::shown(said, 1024)),
            (_, Some(signal)) => BadComponent::TooComplex(format!("the compiler died of it (signal {signal})")),
            (code, None) => host(&format!("the compiler ended with {code:?}: {}", super::log::shown(said, 1024))),
        }
    }
}

fn host(message: &str) -> BadComponent {
    BadComponent::Host(message.to_owned())
}
