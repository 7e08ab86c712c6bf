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

/// All of the child's environment: its allocator must not set a gigabyte aside at the start, or the limit on memory would begin
/// behind it.
const ALLOCATOR: [(&str, &str); 1] = [("MIMALLOC_DISALLOW_ARENA_ALLOC", "1")];

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
            Err(_) => Err(over(format!("{} s", self.limits.wall.as_secs_f64()))),
        }
    }

    fn start(&self) -> std::io::Result<Child> {
        Command::new(&self.executable)
            .args(&self.arguments)
            .env_clear()
            .envs(ALLOCATOR)
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
        let write = async {
            // A child that ends early closes the pipe: its exit says why.
            let _ = input.write_all(&wasm).await;
            drop(input);
            Ok(())
        };
        let read = async {
            let read = output.take(most.saturating_add(1)).read_to_end(&mut code).await;
            match read.map_err(|error| host(&error.to_string()))? {
                length if length > self.limits.output => Err(over(format!("{most} bytes of machine code"))),
                _ => Ok(()),
            }
        };
        let listen = async {
            // What it couldn't say is missed less than its exit.
            let _ = complaint.take(COMPLAINT_MAX).read_to_end(&mut said).await;
            Ok(())
        };
        // The first limit that is met ends it all, and with that the child.
        tokio::try_join!(write, read, listen)?;
        let status = child.wait().await.map_err(|error| host(&error.to_string()))?;
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
            return over(format!("{} s of CPU time", self.limits.cpu_seconds));
        }
        // The allocator aborts; what maps memory itself, as the engine does for machine code, is told by the system.
        let aborted = signal == Some(rustix::process::Signal::ABORT.as_raw()) && said.contains("memory allocation");
        if aborted || said.contains("Cannot allocate memory") {
            return over(format!("{} MiB of memory", self.limits.memory / (1024 * 1024)));
        }
        match (status.code(), signal) {
            (Some(super::compile_child::REFUSED), _) => BadComponent::Malformed(super::log::shown(said, 1024)),
            (_, Some(signal)) => BadComponent::TooComplex(format!("the compiler died of it (signal {signal})")),
            (code, None) => host(&format!("the compiler ended with {code:?}: {}", super::log::shown(said, 1024))),
        }
    }
}

fn over(limit: String) -> BadComponent {
    BadComponent::CompileLimit(limit)
}

fn host(message: &str) -> BadComponent {
    BadComponent::Host(message.to_owned())
}
