//! Builds the bundled plugins as components and embeds them, as part of an ordinary `cargo build`.
//!
//! Two variables steer it: `WAXWING_PLUGINS_DIR` names a folder of prebuilt `NAME.wasm` files (for packagers: nothing is
//! built then), `WAXWING_NO_TARGET_INSTALL=1` forbids to add the wasm targets to the toolchain. Everything else in the
//! environment is kept away from the guests' build. Any failure is one line that says what to do.
//! Next: `toolchain.rs`, `guests.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a build script speaks to cargo by printing")]

mod depfile;
mod guests;
mod toolchain;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use guests::Guest;

/// The crates under `plugins/` that every Waxwing knows from its first start. A new one is a line here.
const BUNDLED: &[Guest] = &[
    Guest { name: "slack", target: toolchain::BARE },
    Guest { name: "discord", target: toolchain::BARE },
    Guest { name: "hubspot", target: toolchain::BARE },
    // jq's `now` asks WASI's clock.
    Guest { name: "filter", target: toolchain::WASI },
    Guest { name: "redact", target: toolchain::BARE },
    Guest { name: "template", target: toolchain::BARE },
];

/// Built along with them, never offered to users: breaks every limit of the sandbox, for its tests.
const FAULTY: Guest = Guest { name: "faulty", target: toolchain::WASI };

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            eprintln!("waxwing-bundle: {line}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    for variable in ["WAXWING_PLUGINS_DIR", "WAXWING_NO_TARGET_INSTALL"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=build");

    let guests: Vec<Guest> = BUNDLED.iter().copied().chain([FAULTY]).collect();
    let names: Vec<&str> = guests.iter().map(|guest| guest.name).collect();
    let built = match env::var_os("WAXWING_PLUGINS_DIR") {
        Some(folder) => prebuilt(Path::new(&folder), &names)?,
        None => guests::build(&guests)?,
    };
    embed(&names, &built)
}

fn prebuilt(folder: &Path, names: &[&str]) -> Result<Vec<PathBuf>, String> {
    // A script runs in its crate's folder, not where its user is.
    if !folder.is_absolute() {
        return Err(format!("WAXWING_PLUGINS_DIR must be an absolute path, not `{}`", folder.display()));
    }
    let file = |name: &&str| {
        let file = folder.join(format!("{name}.wasm"));
        println!("cargo::rerun-if-changed={}", file.display());
        if file.is_file() {
            Ok(file)
        } else {
            Err(format!("WAXWING_PLUGINS_DIR holds no {name}.wasm: {}", file.display()))
        }
    };
    names.iter().map(file).collect()
}

/// Copies the components next to the generated source: they outlive a cleaned guests folder, and `include_bytes!` gets a
/// path that no other build writes to.
fn embed(names: &[&str], built: &[PathBuf]) -> Result<(), String> {
    let out = path_from_cargo("OUT_DIR")?;
    let mut listed = String::new();
    let mut faulty = String::new();
    for (name, file) in names.iter().zip(built) {
        fs::copy(file, out.join(format!("{name}.wasm"))).map_err(|error| format!("{}: {error}", file.display()))?;
        let bytes = format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.wasm\"))");
        if *name == FAULTY.name {
            faulty = format!("static FAULTY: &[u8] = {bytes};\n");
        } else {
            listed.push_str(&format!("    Bundled {{ name: {name:?}, wasm: {bytes} }},\n"));
        }
    }
    // Statics: a constant's bytes are in the binary once for each place that uses it.
    let source = format!("static BUNDLED: &[Bundled] = &[\n{listed}];\n{faulty}");
    let path = out.join("bundled.rs");
    fs::write(&path, source).map_err(|error| format!("{}: {error}", path.display()))
}

fn path_from_cargo(variable: &str) -> Result<PathBuf, String> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| format!("cargo didn't set {variable}"))
}
