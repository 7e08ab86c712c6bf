//! Compiling: bombs end within the limits of a process of their own, which knows nothing of the server's; and what was compiled is
//! kept, but believed only if nobody touched it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use waxwing::model::fault::FaultKind;
use waxwing::transform::wasm::limits::{CompileLimits, Limits, UploadLimits};
use waxwing::transform::{BadComponent, Transform, Verdict};

use crate::handmade::{Handmade, text};
use crate::uploads::upload_within;
use crate::world::{Surroundings, World};

const MIB: u64 = 1024 * 1024;

/// A component with this core module in it, and a border that passes.
fn around(module: &str) -> Vec<u8> {
    text(&format!(r#"(component {module} (instance $i) (export "waxwing:plugin/transformer@0.1.0" (instance $i)))"#))
}

/// 35 KB that take a compiler seconds and a gigabyte: loops in loops, each with a thousand variables to carry.
pub(crate) fn loops(loops: usize, locals: usize) -> Vec<u8> {
    let add = |local| format!("(local.set {local} (i64.add (local.get {local}) (i64.const 1)))");
    let adds: String = (0..locals).map(add).collect();
    let open = "loop ".repeat(loops);
    let close = "(br_if 0 (i32.wrap_i64 (local.get 0))) end ".repeat(loops);
    let locals = "i64 ".repeat(locals);
    around(&format!(r#"(core module (func (export "f") (local {locals}) {open} {adds} {close}))"#))
}

/// Functions that do nothing, in number.
fn functions(count: usize) -> Vec<u8> {
    around(&format!("(core module {})", "(func)".repeat(count)))
}

/// Limits that let a bomb get as far as the compiler.
fn blind(compile: CompileLimits) -> Limits {
    let most = usize::MAX;
    let upload = UploadLimits { loops_by_locals: most, functions: most, nesting: most, ..UploadLimits::default() };
    Limits { upload, compile, ..Limits::default() }
}

async fn refusal(compile: CompileLimits, wasm: Vec<u8>) -> String {
    let error = upload_within(blind(compile), wasm).await.unwrap_err();
    assert!(matches!(error, BadComponent::CompileLimit(_)), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_compile_bomb_is_refused_before_anything_is_compiled() {
    for (bomb, counted) in [
        (loops(1000, 1000), "too complex: 1000000 loops times locals in a function, 400000 are allowed"),
        (loops(2001, 1), "too complex: 2001 blocks within blocks, 2000 are allowed"),
        (functions(50_001), "too complex: 50001 functions, 50000 are allowed"),
    ] {
        let error = upload_within(Limits::default(), bomb).await.unwrap_err();
        assert_eq!(error.to_string(), counted);
    }
}

#[tokio::test]
async fn a_bomb_that_passes_the_counting_ends_at_each_limit_of_its_process_and_others_go_on() {
    let bomb = loops(1000, 1000);
    let cpu = CompileLimits { cpu_seconds: 1, ..CompileLimits::default() };
    assert_eq!(refusal(cpu, bomb.clone()).await, "compiling took more than 1 s of CPU time");
    let memory = CompileLimits { memory: 64 * MIB, ..CompileLimits::default() };
    assert_eq!(refusal(memory, bomb.clone()).await, "compiling took more than 64 MiB of memory");
    let wall = CompileLimits { wall: Duration::from_millis(200), ..CompileLimits::default() };
    assert_eq!(refusal(wall, bomb).await, "compiling took more than 0.2 s");
    assert_eq!(World::start().await.run("nothing").await.result, Ok(Verdict::Pass), "others go on");
}

#[tokio::test]
async fn a_great_number_of_tiny_functions_ends_at_the_limit_on_memory() {
    let memory = CompileLimits { memory: 32 * MIB, ..CompileLimits::default() };
    assert_eq!(refusal(memory, functions(50_000)).await, "compiling took more than 32 MiB of memory");
}

#[tokio::test]
async fn machine_code_beyond_its_limit_is_not_read_to_its_end() {
    let output = CompileLimits { output: 10_000, ..CompileLimits::default() };
    let said = refusal(output, functions(2_000)).await;
    assert_eq!(said, "compiling took more than 10000 bytes of machine code");
}

/// A program in the compiler's place, and what it said on standard error.
async fn said_by(script: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let executable = folder.path().join("compiler");
    std::fs::write(&executable, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&executable, std::fs::Permissions::from_mode(0o700)).unwrap();
    let around = Surroundings { executable, cache: folder.path().join("cache"), ..Surroundings::default() };
    match World::admit(Handmade::default().wasm(), around).await {
        Err(BadComponent::Host(said)) => said,
        other => panic!("{:?}", other.map(|_| "it was admitted")),
    }
}

#[tokio::test]
async fn the_compiling_process_gets_no_environment_but_a_word_to_its_allocator() {
    let said = said_by("tr '\\0' ' ' < /proc/$$/environ >&2; pwd >&2; exit 9").await;
    assert_eq!(said, "the compiler ended with Some(9): MIMALLOC_DISALLOW_ARENA_ALLOC=1 /");
}

/// Of a process, from its `/proc/PID/stat`: fields are counted from the name's closing parenthesis (proc(5)).
fn niceness(status: &str) -> i32 {
    status.rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap().parse().unwrap()
}

#[test]
fn the_compiling_process_closes_what_it_inherited_and_limits_itself_before_it_reads_a_byte() {
    // A file that every child inherits, as one may have been handed to the server itself.
    let file = std::fs::File::open("/etc/passwd").unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_waxwing"))
        .args(["compile-plugin", "524288", "whole", "67108864", "7"])
        .env("MIMALLOC_DISALLOW_ARENA_ALLOC", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // More than a pipe holds: once all of it is written, the child has begun to read.
    let mut input = child.stdin.take().unwrap();
    input.write_all(&[0; 256 * 1024]).unwrap();

    let of_child = |file: &str| PathBuf::from(format!("/proc/{}/{file}", child.id()));
    let open = std::fs::read_dir(of_child("fd")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut open: Vec<_> = open.map(|name| name.into_string().unwrap()).collect();
    open.sort_unstable();
    assert_eq!(open, ["0", "1", "2"]);

    let limits = std::fs::read_to_string(of_child("limits")).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(limit("Max cpu time"), ["7", "7"]);
    assert_eq!(limit("Max file size"), ["0", "0"]);
    assert_eq!(limit("Max core file size"), ["0", "0"]);
    let memory: u64 = limit("Max address space")[1].parse().unwrap();
    assert!(memory < 200 * MIB, "{memory}: the allocator set address space aside before the limit was set");
    let status = std::fs::read_to_string(of_child("stat")).unwrap();
    let own = niceness(&std::fs::read_to_string("/proc/self/stat").unwrap());
    assert_eq!(niceness(&status), (own + 10).min(19));

    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(3), "zeros are no component");
}

#[tokio::test]
async fn a_compiler_that_fails_for_no_fault_of_the_component_is_no_refusal_of_it() {
    assert_eq!(said_by("echo out of luck >&2; exit 1").await, "the compiler ended with Some(1): out of luck");
    let absent = Surroundings {
        executable: "/no/such/file".into(),
        cache: tempfile::tempdir().unwrap().path().to_owned(),
        ..Surroundings::default()
    };
    let error = World::admit(Handmade::default().wasm(), absent).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("no process to compile it in"), "{error}");
}

/// A sandbox on this cache that can't compile: what it runs was loaded.
fn cannot_compile(cache: &Path) -> Surroundings {
    Surroundings { cache: cache.to_owned(), executable: PathBuf::from("/bin/false"), ..Surroundings::default() }
}

#[tokio::test]
async fn machine_code_that_somebody_changed_is_not_run_but_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, wasm) = (folder.path(), Bytes::from(Handmade::default().wasm()));
    let compiling = || Surroundings { cache: cache.to_owned(), ..Surroundings::default() };
    World::admit(wasm.clone(), compiling()).await.unwrap();
    let kept = World::admit(wasm.clone(), cannot_compile(cache)).await.unwrap();
    assert_eq!(kept.run("").await.result, Ok(Verdict::Pass));

    let path = std::fs::read_dir(cache).unwrap().next().unwrap().unwrap().path();
    let mut code = std::fs::read(&path).unwrap();
    let middle = code.len() / 2;
    code[middle] ^= 1;
    std::fs::write(&path, &code).unwrap();
    let refused = World::admit(wasm.clone(), cannot_compile(cache)).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, BadComponent::Host(_)), "{refused:?}");

    let again = World::admit(wasm.clone(), compiling()).await.unwrap();
    assert_eq!(again.run("").await.result, Ok(Verdict::Pass));
    assert_ne!(std::fs::read(&path).unwrap(), code, "and it was written anew");
    assert!(World::admit(wasm, cannot_compile(cache)).await.is_ok());
}

#[tokio::test]
async fn a_plugin_whose_machine_code_is_gone_for_good_is_the_hosts_fault() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { resident: 1, ..Limits::default() };
    let around = Surroundings { limits, cache: folder.path().to_owned(), ..Surroundings::default() };
    let world = World::admit(Handmade::default().wasm(), around).await.unwrap();
    // Another plugin takes the only place in memory, and the store doesn't know it.
    let other = Handmade { pages: 3, ..Handmade::default() }.wasm();
    let (other, _) = world.transform.admit(Bytes::from(other)).await.unwrap();
    assert_eq!(world.run("").await.result, Ok(Verdict::Pass), "loaded again");
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let lost = World { digest: other, ..world };
    let expected = FaultKind::Host { message: "its component isn't stored".to_owned() };
    assert_eq!(lost.run("").await.result, Err(expected));
}
