//! The process that compiles one component: bytes in by stdin, machine code out by stdout, and nothing else.
//!
//! It limits itself before it reads a byte: address space, CPU time, no files, lowest priority, gone with its parent. It gets no
//! environment but a word to its allocator, and no keys. Its answer is still only machine code that the parent's engine checks
//! for being its own kind.

use std::io::{Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, Signal, nice, set_parent_process_death_signal, setrlimit};

use super::engine::{self, Reservation};

/// The component's fault, not ours.
pub(super) const REFUSED: i32 = 3;

/// What `waxwing compile-plugin` does with the arguments that follow it. Never called by people.
pub fn compile_child_main(arguments: &[String]) -> ExitCode {
    match compile(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, message)) => {
            // Nobody is there to be told that stderr is closed.
            let _ = std::io::stderr().write_all(message.as_bytes());
            ExitCode::from(code)
        }
    }
}

fn compile(arguments: &[String]) -> Result<(), (u8, String)> {
    let ours = |error: &dyn std::fmt::Display| (1, error.to_string());
    let refused = |error: wasmtime::Error| (u8::try_from(REFUSED).unwrap_or(1), format!("{error:#}"));
    let [stack, reservation, memory, cpu_seconds] = arguments else {
        return Err((1, "waxwing itself calls this".to_owned()));
    };
    let stack = stack.parse().map_err(|error: std::num::ParseIntError| ours(&error))?;
    let reservation = Reservation::parse(reservation).ok_or_else(|| ours(&"no such reservation"))?;
    let memory = memory.parse().map_err(|error: std::num::ParseIntError| ours(&error))?;
    let cpu_seconds = cpu_seconds.parse().map_err(|error: std::num::ParseIntError| ours(&error))?;

    close_inherited().and_then(|()| restrain(memory, cpu_seconds)).map_err(|error| ours(&error))?;
    let engine = engine::for_compiling(stack, reservation).map_err(|error| ours(&error))?;
    let mut wasm = Vec::new();
    std::io::stdin().read_to_end(&mut wasm).map_err(|error| ours(&error))?;
    let code = engine.precompile_component(&wasm).map_err(refused)?;
    let mut out = std::io::stdout();
    out.write_all(&code).and_then(|()| out.flush()).map_err(|error| ours(&error))
}

/// Our own files close at exec. What the server itself was handed (a shell's, a supervisor's) may not.
fn close_inherited() -> std::io::Result<()> {
    let number = |entry: std::fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
    let listed: Vec<i32> = std::fs::read_dir("/proc/self/fd")?.filter_map(|entry| number(entry.ok()?)).collect();
    for descriptor in listed.into_iter().filter(|descriptor| *descriptor > 2) {
        // The folder's own one is closed by now.
        if std::fs::symlink_metadata(format!("/proc/self/fd/{descriptor}")).is_ok() {
            #[allow(unsafe_code, reason = "a descriptor of nobody: this process has opened no file of its own yet")]
            // SAFETY: see the reason.
            unsafe {
                rustix::io::close(descriptor);
            }
        }
    }
    Ok(())
}

/// Limits that can't be lifted again.
fn restrain(memory: u64, cpu_seconds: u64) -> std::io::Result<()> {
    let limit = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    set_parent_process_death_signal(Some(Signal::KILL))?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Cpu, cpu_seconds)?;
    limit(Resource::As, address_space()?.saturating_add(memory))?;
    nice(10)?;
    Ok(())
}

/// What this process has taken of its address space so far: the allocator reserves ahead.
fn address_space() -> std::io::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0);
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    Ok(pages.saturating_mul(page))
}
