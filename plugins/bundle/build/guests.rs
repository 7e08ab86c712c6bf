//! Runs cargo for the guests, beside the cargo that runs this script.
//!
//! The inner build has a target folder of its own, `guests` in the outer one: sharing the outer's would wait for its lock
//! for ever, and one in `OUT_DIR` would be built anew for each profile. No setting that was meant for the host's build
//! reaches it. Next: `depfile.rs`.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{depfile, path_from_cargo, toolchain};

/// A crate in `plugins/`, and what it is compiled for.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
}

/// The profile is in the workspace's `Cargo.toml`.
const PROFILE: &str = "guest";

/// What the inner cargo may know of the outer one's environment, beside everything that isn't cargo's or rustc's.
const KEPT: [&str; 6] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_", "RUSTUP_"];
const REMOVED: [&str; 5] = ["CARGO", "__CARGO", "RUST", "CLIPPY", "DEP_"];

/// The components, in the order of `guests`; each name is a crate in `plugins/`.
pub(crate) fn build(guests: &[Guest]) -> Result<Vec<PathBuf>, String> {
    for target in [toolchain::BARE, toolchain::WASI] {
        toolchain::ensure_target(target)?;
    }
    let here = path_from_cargo("CARGO_MANIFEST_DIR")?;
    let workspace = here.ancestors().nth(2).ok_or("the bundle isn't in a workspace")?;
    let target = outer_target()?.join("guests");

    let mut files = Vec::new();
    for guest in guests {
        build_one(guest, workspace, &target)?;
        let (name, made) = (guest.name, target.join(guest.target).join(PROFILE));
        depfile::watch(&made.join(format!("{name}.d")))?;
        println!("cargo::rerun-if-changed={}", workspace.join("plugins").join(name).join("Cargo.toml").display());
        files.push(made.join(format!("{name}.wasm")));
    }
    for file in ["Cargo.toml", "Cargo.lock", "guest-sdk/Cargo.toml", "wit"] {
        println!("cargo::rerun-if-changed={}", workspace.join(file).display());
    }
    Ok(files)
}

/// `cargo rustc` and one crate at a time, since only a `cdylib` that isn't also an `rlib` is optimised as a whole.
fn build_one(guest: &Guest, workspace: &Path, target: &Path) -> Result<(), String> {
    let cargo = path_from_cargo("CARGO")?;
    let mut command = Command::new(&cargo);
    command
        .current_dir(workspace)
        .args(["rustc", "--locked", "--lib", "--crate-type", "cdylib", "--package", guest.name])
        .args(["--profile", PROFILE, "--target", guest.target, "--target-dir"])
        .arg(target)
        .stdin(Stdio::null());
    for (variable, _) in env::vars_os() {
        if is_removed(&variable.to_string_lossy()) {
            command.env_remove(variable);
        }
    }
    command
        .env("CARGO_BUILD_BUILD_DIR", target)
        // The toolchain's own, which makes a component of what it linked. For WASI's target it is the default.
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-component-ld")
        // Set but empty: stronger than any `rustflags` in a configuration file.
        .env("CARGO_ENCODED_RUSTFLAGS", "")
        .env("RUSTC", toolchain::rustc());

    let output = command.output().map_err(|error| format!("{}: {error}", cargo.display()))?;
    if output.status.success() {
        return Ok(());
    }
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    Err(format!("the plugin `{}` doesn't compile for {}, see above", guest.name, guest.target))
}

fn is_removed(variable: &str) -> bool {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| variable.starts_with(prefix));
    begins(&REMOVED) && !begins(&KEPT)
}

/// The folder that the outer cargo marked as its own; where it didn't, the one four levels above `OUT_DIR`.
fn outer_target() -> Result<PathBuf, String> {
    let out = path_from_cargo("OUT_DIR")?;
    let marked = out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    let folder = marked.or_else(|| out.ancestors().nth(4));
    folder.map(Path::to_owned).ok_or_else(|| format!("no target folder above {}", out.display()))
}
