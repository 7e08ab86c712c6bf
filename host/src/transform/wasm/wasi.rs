//! The closed WASI, and the log: all that a plugin can call.
//!
//! No files, sockets, environment or arguments; a clock that shows when the event happened, and randomness that is a function of
//! the run's inputs. Guests of Rust, JavaScript and Python import far more than they call: whatever has no function here
//! traps when called. Every call is charged. Which interfaces may be imported at all: `imports.rs`.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, LinkerInstance, Lower, Resource, ResourceType, Val};

use super::instance::State;
use crate::model::attempt::LogLevel;

/// Instructions that a host call counts for, and that each of its bytes does.
const CALL_COST: u64 = 100;
const BYTE_COST: u64 = 1;
/// The most that one read of randomness or one write gives or takes.
const CHUNK: u64 = 64 * 1024;
/// How far the monotonic clock goes on with each look at it, in nanoseconds.
const TICK: u64 = 1000;

struct InputStream;
struct OutputStream;
struct Pollable;
struct IoError;
struct TerminalInput;
struct TerminalOutput;

const STDOUT: u32 = 1;
const STDERR: u32 = 2;

type Context<'a> = StoreContextMut<'a, State>;
type Outcome<T> = Result<T, wasmtime::Error>;
type Streamed<T> = (Result<T, StreamError>,);

#[derive(ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[allow(dead_code, reason = "a case of the interface's type; no operation of ours fails so")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

/// The plugin called `exit`.
#[derive(Debug, thiserror::Error)]
#[error("it called exit")]
pub(super) struct Exited;

/// Defines the import `name` (`package:interface/path@version`), under exactly that name. Unknown ones are left out.
pub(super) fn define(linker: &mut Linker<State>, name: &str) -> Outcome<()> {
    let (interface, _version) = name.split_once('@').unwrap_or((name, ""));
    let mut at = linker.instance(name)?;
    if interface.starts_with("wasi:") {
        resources(&mut at)?;
    }
    match interface {
        "waxwing:plugin/log" => log(&mut at),
        "wasi:cli/environment" => environment(&mut at),
        "wasi:cli/exit" => exit(&mut at),
        "wasi:cli/stdin" | "wasi:cli/stdout" | "wasi:cli/stderr" => standard_streams(&mut at),
        "wasi:cli/terminal-stdin" => nothing(&mut at, "get-terminal-stdin", || Val::Option(None)),
        "wasi:cli/terminal-stdout" => nothing(&mut at, "get-terminal-stdout", || Val::Option(None)),
        "wasi:cli/terminal-stderr" => nothing(&mut at, "get-terminal-stderr", || Val::Option(None)),
        "wasi:clocks/monotonic-clock" => monotonic_clock(&mut at),
        "wasi:clocks/wall-clock" => wall_clock(&mut at),
        "wasi:filesystem/preopens" => nothing(&mut at, "get-directories", || Val::List(Vec::new())),
        "wasi:filesystem/types" => nothing(&mut at, "filesystem-error-code", || Val::Option(None)),
        "wasi:io/poll" => poll(&mut at),
        "wasi:io/streams" => streams(&mut at),
        "wasi:random/random" => random(&mut at, ["get-random-bytes", "get-random-u64"]),
        "wasi:random/insecure" => random(&mut at, ["get-insecure-random-bytes", "get-insecure-random-u64"]),
        "wasi:random/insecure-seed" => insecure_seed(&mut at),
        _ => Ok(()),
    }
}

/// An interface exports the resources that it uses under their own names, so each has to be the same everywhere.
fn resources(at: &mut LinkerInstance<'_, State>) -> Outcome<()> {
    drops::<Pollable>(at, "pollable")?;
    drops::<IoError>(at, "error")?;
    drops::<InputStream>(at, "input-stream")?;
    drops::<OutputStream>(at, "output-stream")?;
    drops::<TerminalInput>(at, "terminal-input")?;
    drops::<TerminalOutput>(at, "terminal-output")
}

fn charge(store: &mut Context<'_>, bytes: u64) -> Outcome<()> {
    let left = store.get_fuel()?;
    store.data_mut().charge(CALL_COST.saturating_add(bytes.saturating_mul(BYTE_COST)), left)
}

fn log(at: &mut LinkerInstance<'_, State>) -> Outcome<()> {
    use super::contract::log::Level;
    at.func_wrap("log", |mut store: Context<'_>, (level, message): (Level, String)| {
        charge(&mut store, bytes(message.len()))?;
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        store.data_mut().log.push(level, &message);
        Ok(())
    })
}

fn environment(at: &mut LinkerInstance<'_, State>) -> Outcome<()> {
    at.func_wrap("get-environment", |mut store: Context<'_>, (): ()| {
        charge(&mut store, 0).map(|()| (Vec::<(String, String)>::new(),))
    })?;
    at.func_wrap("get-arguments", |mut store: Context<'_>, (): ()| {
        charge(&mut store, 0).map(|()| (Vec::<String>::new(),))
    })?;
    at.func_wrap("initial-cwd", |mut store: Context<'_>, (): ()| charge(&mut store, 0).map(|()| (None::<String>,)))
}

fn exit(at: &mut LinkerInstance<'_, State>) -> Outcome<()> {
    at.func_wrap("exit", |_: Context<'_>, (_,): (Result<(), ()>,)| -> Outcome<()> { Err(Exited.into()) })
}

fn standard_streams(at: &mut LinkerInstance<'_, State>) -> Outcome<()> {
    at.func_wrap("get-stdin", |mut store: Context<'_>, (): ()| {
        charge(&mut store, 0).map(|()| (Resource::<InputStream>::new_own(0),))
    })?;
    at.func_wrap("get-stdout", |mut store: Context<'_>, (): ()| {
        charge(&mut store, 0).map(|()| (Resource::<OutputStream>::new_own(STDOUT),))
    })?;
    at.func_wrap("get-stderr", |mut store: Context<'_>, (): ()| {
        charge(&mut store, 0).map(|()| (Resource::<OutputStream>::new_own(STDERR),))
    })
}

/// A resource of which there is nothing to clean up.
fn drops<R: 'static>(at: &mut LinkerInstance<'_, State>, name: &str) -> Outcome<()> {
    at.resource(name, ResourceType::host::<R>(), |mut store, _| charge(&mut store, 0))
}

/// A function that always answers the same: there is no such thing here.
fn nothing(at: &mut LinkerInstance<'_, State>, name: &str, answer: fn() -> Val) -> Outcome<()> {
    at.func_new(name, move |mut store: Context<'_>, _, _, results| {
        charge(&mut store, 0)?;
        results.iter_mut().for_each(|result| *result = answer());
        Ok(())
    })
}

fn monotonic_clock(at: &mut LinkerInstance<'_, State>) -> Outcome<()> {
    at.func_wrap("now", |mut store: Context<'_>, (): ()| {
        charge(&mut store, 0)?;
        Ok((store.data_mut().tick(TICK),))
    })?;
    at.func_wrap("resolution", |mut store: Context<'_>, (): ()| charge(&mut store, 0).map(|()| (TICK,)))?;
    // Nobody waits here: a sleep is over at once, and the clock has gone on by as much.
    at.func_wrap("subscribe-instant", |mut store: Context<'_>, (when,): (u64,)| {
        charge(&mut store, 0)?;
        store.data_mut().tick_to(when);
        Ok((Resource::<Pollable>::new_own(0),))
    })?;
    at.func_wrap("subscribe-duration", |mut store: Context<'_>, (nanoseconds,): (u64,)| {
        charge(&mut store, 0)?;
        store.data_mut().tick(nanoseconds);
        Ok((Resource::<Pollable>::new_own(0),))
    })
}

fn wall_clock(at: &mut LinkerInstance<'_, State>) -> Outcome<()> {
    at.func_wrap("now", |mut store: Context<'_>, (): ()| {
        charge(&mut store, 0)?;
        let millis = store.data().occurred_at.millis();
        let nanoseconds = u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000;
        Ok((Datetime { seconds: millis / 1000, nanoseconds },))
    })?;
    at.func_wrap("resolution", |mut store: Context<'_>, (): ()| {
        charge(&mut store, 0).map(|()| (Datetime { seconds: 0, nanoseconds: 1_000_000 },))
    })
}

fn poll(at: &mut LinkerInstance<'_, State>) -> Outcome<()> {
    at.func_wrap("[method]pollable.ready", |mut store: Context<'_>, (_,): (Resource<Pollable>,)| {
        charge(&mut store, 0).map(|()| (true,))
    })?;
    at.func_wrap("[method]pollable.block", |mut store: Context<'_>, (_,): (Resource<Pollable>,)| {
        charge(&mut store, 0)
    })?;
    at.func_wrap("poll", |mut store: Context<'_>, (all,): (Vec<Resource<Pollable>>,)| {
        charge(&mut store, bytes(all.len()))?;
        let ready = 0..u32::try_from(all.len())?;
        Ok((ready.collect::<Vec<u32>>(),))
    })
}

fn streams(at: &mut LinkerInstance<'_, State>) -> Outcome<()> {
    for name in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        at.func_wrap(name, |mut store: Context<'_>, (_, _): (Resource<InputStream>, u64)| {
            charge(&mut store, 0)?;
            let end: Streamed<Vec<u8>> = (Err(StreamError::Closed),);
            Ok(end)
        })?;
    }
    for name in ["[method]input-stream.skip", "[method]input-stream.blocking-skip"] {
        at.func_wrap(name, |mut store: Context<'_>, (_, _): (Resource<InputStream>, u64)| {
            charge(&mut store, 0)?;
            let end: Streamed<u64> = (Err(StreamError::Closed),);
            Ok(end)
        })?;
    }
    at.func_wrap("[method]input-stream.subscribe", |mut store: Context<'_>, (_,): (Resource<InputStream>,)| {
        charge(&mut store, 0).map(|()| (Resource::<Pollable>::new_own(0),))
    })?;
    output_stream(at)
}

fn output_stream(at: &mut LinkerInstance<'_, State>) -> Outcome<()> {
    at.func_wrap("[method]output-stream.check-write", |mut store: Context<'_>, (_,): (Resource<OutputStream>,)| {
        charge(&mut store, 0)?;
        let room: Streamed<u64> = (Ok(CHUNK),);
        Ok(room)
    })?;
    for name in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        at.func_wrap(name, |mut store: Context<'_>, (stream, text): (Resource<OutputStream>, Vec<u8>)| {
            charge(&mut store, bytes(text.len()))?;
            let level = if stream.rep() == STDERR { LogLevel::Error } else { LogLevel::Info };
            store.data_mut().log.print(level, &String::from_utf8_lossy(&text));
            let written: Streamed<()> = (Ok(()),);
            Ok(written)
        })?;
    }
    for name in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        at.func_wrap(name, |mut store: Context<'_>, (_,): (Resource<OutputStream>,)| {
            charge(&mut store, 0)?;
            let flushed: Streamed<()> = (Ok(()),);
            Ok(flushed)
        })?;
    }
    at.func_wrap("[method]output-stream.subscribe", |mut store: Context<'_>, (_,): (Resource<OutputStream>,)| {
        charge(&mut store, 0).map(|()| (Resource::<Pollable>::new_own(0),))
    })
}

fn random(at: &mut LinkerInstance<'_, State>, [of_bytes, of_u64]: [&str; 2]) -> Outcome<()> {
    at.func_wrap(of_bytes, |mut store: Context<'_>, (length,): (u64,)| {
        charge(&mut store, length)?;
        if length > CHUNK {
            return Err(wasmtime::Error::msg(format!("it asked for {length} random bytes at once; {CHUNK} are given")));
        }
        let mut random = vec![0; usize::try_from(length)?];
        store.data_mut().random.fill(&mut random);
        Ok((random,))
    })?;
    at.func_wrap(of_u64, |mut store: Context<'_>, (): ()| {
        charge(&mut store, 8)?;
        Ok((store.data_mut().random.next(),))
    })
}

fn insecure_seed(at: &mut LinkerInstance<'_, State>) -> Outcome<()> {
    for name in ["insecure-seed", "get-insecure-seed"] {
        at.func_wrap(name, |mut store: Context<'_>, (): ()| {
            charge(&mut store, 16)?;
            let random = &mut store.data_mut().random;
            Ok(((random.next(), random.next()),))
        })?;
    }
    Ok(())
}

fn bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
