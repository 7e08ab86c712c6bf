//! Makes sure that the toolchain in use can compile for wasm. Adds a target through rustup where it is missing and that
//! isn't forbidden; never touches another toolchain, never installs one.

use std::{
    env,
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Its `std` asks the host for nothing: what comes out is one core module without imports, the cheapest to run.
pub(crate) const BARE: &str = "wasm32-unknown-unknown";
/// Its `std` has WASI's clock, randomness and output.
pub(crate) const WASI: &str = "wasm32-wasip2";

const INSTALL_IS_FORBIDDEN_BY: &str = "WAXWING_NO_TARGET_INSTALL";

/// One line of advice as the error, where the target is missing and can't be added.
pub(crate) fn ensure_target(target: &str) -> Result<(), String> {
    if has_target(target)? {
        return Ok(());
    }
    let toolchain = toolchain(target)?;
    let command = format!("rustup target add {target} --toolchain {}", toolchain.name);
    if env::var_os(INSTALL_IS_FORBIDDEN_BY).is_some_and(|value| value == "1") {
        return Err(format!(
            "the Rust target {target} is missing and {INSTALL_IS_FORBIDDEN_BY}=1 forbids to add it: type `{command}`"
        ));
    }

    // Two builds at once (`cargo build` and an editor's) must not both unpack into the toolchain.
    let path = toolchain.rustup_home.join("waxwing-target-add.lock");
    let lock = File::create(&path).map_err(|error| format!("{}: {error}: type `{command}`", path.display()))?;
    lock.lock().map_err(|error| format!("{}: {error}: type `{command}`", path.display()))?;
    if has_target(target)? {
        return Ok(());
    }
    let output = Command::new("rustup")
        .args(["target", "add", target, "--toolchain", &toolchain.name])
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| no_rustup(target, &error.to_string()))?;
    if output.status.success() && has_target(target)? {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let told = said.lines().find(|line| line.starts_with("error:"));
    let reason = told.or_else(|| said.lines().rfind(|line| !line.trim().is_empty())).unwrap_or("it said nothing");
    Err(format!("`{command}` failed ({}): {}", output.status, reason.trim()))
}

pub(crate) fn rustc() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// The folder is only there where the target's standard library is.
fn has_target(target: &str) -> Result<bool, String> {
    let folder = ask_rustc(&["--print", "target-libdir", "--target", target])?;
    Ok(Path::new(&folder).is_dir())
}

struct Toolchain {
    name: String,
    rustup_home: PathBuf,
}

/// The toolchain whose rustc compiles this crate. It is rustup's if it lies in rustup's folder.
fn toolchain(target: &str) -> Result<Toolchain, String> {
    let sysroot = PathBuf::from(ask_rustc(&["--print", "sysroot"])?);
    let output = Command::new("rustup")
        .args(["show", "home"])
        .output()
        .map_err(|error| no_rustup(target, &error.to_string()))?;
    let rustup_home = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let name = sysroot.file_name().map(|name| name.to_string_lossy().into_owned());
    match name {
        Some(name) if same_folder(sysroot.parent(), &rustup_home.join("toolchains")) => {
            Ok(Toolchain { name, rustup_home })
        }
        _ => Err(no_rustup(target, &format!("rustup doesn't manage the rustc in {}", sysroot.display()))),
    }
}

fn same_folder(one: Option<&Path>, other: &Path) -> bool {
    match (one.map(Path::canonicalize), other.canonicalize()) {
        (Some(Ok(one)), Ok(other)) => one == other,
        _ => false,
    }
}

fn no_rustup(target: &str, reason: &str) -> String {
    format!(
        "the Rust target {target} is missing and rustup can't add it ({reason}): \
         install the toolchain's `rust-std` for {target}, or use rustup (https://rustup.rs)"
    )
}

fn ask_rustc(arguments: &[&str]) -> Result<String, String> {
    let rustc = rustc();
    let output =
        Command::new(&rustc).args(arguments).output().map_err(|error| format!("{}: {error}", rustc.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} {}: {}", rustc.display(), arguments.join(" "), said.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
