//! Judges a component by what it imports and exports, before anything is compiled: names and versions only.

use crate::transform::BadComponent;

pub(super) const LOG: &str = "waxwing:plugin/log@0.1.0";
pub(super) const TRANSFORMER: &str = "waxwing:plugin/transformer@0.1.0";
pub(super) const RESPONSE: &str = "waxwing:plugin/response@0.1.0";

const PACKAGE: &str = "waxwing:plugin/";
const VERSION: &str = "@0.1.0";
/// Interfaces of WASI that std imports whether it uses them or not. All are linked closed; sockets and HTTP are not among them.
const WASI: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// What a component says at its border: the names, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Border {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
}

impl Border {
    /// Refuses what can't be a plugin of this server, naming what is in the way.
    pub(super) fn judge(&self) -> Result<(), BadComponent> {
        // An unknown version explains foreign imports too, so it goes first.
        let ours = || self.exports.iter().chain(&self.imports).filter(|name| name.starts_with(PACKAGE));
        if let Some(other) = ours().find(|name| !name.ends_with(VERSION)) {
            return Err(BadComponent::UnknownWorld(other.clone()));
        }
        if let Some(foreign) = self.imports.iter().find(|name| !is_known(name)) {
            return Err(BadComponent::ForeignImport(foreign.clone()));
        }
        if self.exports.iter().any(|name| name == TRANSFORMER) {
            Ok(())
        } else {
            Err(BadComponent::MissingExport(TRANSFORMER.to_owned()))
        }
    }

    pub(super) fn classifies(&self) -> bool {
        self.exports.iter().any(|name| name == RESPONSE)
    }
}

fn is_known(name: &str) -> bool {
    if let Some(ours) = name.strip_prefix(PACKAGE) {
        return name == LOG || ours == "types@0.1.0";
    }
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    WASI.contains(&interface) && version.starts_with("0.2.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn border(imports: &[&str], exports: &[&str]) -> Border {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Border { imports: owned(imports), exports: owned(exports) }
    }

    #[test]
    fn what_std_imports_is_fine_and_everything_else_is_named() {
        assert_eq!(border(&[LOG, "wasi:io/streams@0.2.6"], &[TRANSFORMER, RESPONSE]).judge(), Ok(()));
        for foreign in [
            "wasi:sockets/tcp@0.2.3",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:io/streams@0.3.0",
            "run",
            "waxwing:plugin/secrets@0.1.0",
        ] {
            let judged = border(&[LOG, foreign], &[TRANSFORMER]).judge();
            assert_eq!(judged, Err(BadComponent::ForeignImport(foreign.to_owned())));
        }
    }

    #[test]
    fn another_version_of_the_world_is_refused_with_what_was_found() {
        let found = "waxwing:plugin/transformer@0.2.0";
        let judged = border(&["waxwing:plugin/log@0.2.0"], &[found]).judge();
        assert_eq!(judged, Err(BadComponent::UnknownWorld(found.to_owned())));
        assert_eq!(border(&[], &["run"]).judge(), Err(BadComponent::MissingExport(TRANSFORMER.to_owned())));
    }
}
