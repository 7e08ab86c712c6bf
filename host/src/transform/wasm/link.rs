//! From machine code to a plugin that can be called: linked with the closed WASI and the log, its exports looked up. And why one
//! can't be.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::contract::{response, transformer};
use super::imports::TRANSFORMER;
use super::instance::Plugin;
use super::wasi;
use crate::model::fault::FaultKind;
use crate::transform::BadComponent;

/// Why a component can't run now. In a run none of it is the plugin's fault; at its upload some of it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotReady {
    #[error("its component isn't stored")]
    Absent,
    #[error("{0}")]
    NotCompiled(BadComponent),
    #[error("its machine code doesn't load: {0:#}")]
    Unloadable(wasmtime::Error),
    #[error("it doesn't export '{0}'")]
    NotAPlugin(String),
    #[error("the server is going down")]
    Stopping,
}

impl From<NotReady> for FaultKind {
    fn from(error: NotReady) -> Self {
        Self::Host { message: error.to_string() }
    }
}

/// At an upload.
impl From<NotReady> for BadComponent {
    fn from(error: NotReady) -> Self {
        match error {
            NotReady::NotCompiled(bad) => bad,
            // Just compiled by us, so what is in the way is its own: more instances or tables than the pool has for one.
            NotReady::Unloadable(error) => Self::TooComplex(format!("{error:#}")),
            NotReady::NotAPlugin(missing) => Self::MissingExport(missing),
            NotReady::Absent | NotReady::Stopping => Self::Host(error.to_string()),
        }
    }
}

/// Machine code, linked with the closed WASI and the log.
pub(super) fn link(engine: &Engine, code: &[u8], slots: usize) -> Result<Plugin, NotReady> {
    #[allow(
        unsafe_code,
        reason = "machine code of ours: the compiling child's own answer, or a file that bears our seal"
    )]
    // SAFETY: see the reason; nothing else calls this.
    let component = unsafe { Component::deserialize(engine, code) }.map_err(NotReady::Unloadable)?;
    let mut linker = Linker::new(engine);
    let names: Vec<String> = component.component_type().imports(engine).map(|(name, _)| name.to_owned()).collect();
    let pre = names
        .iter()
        .try_for_each(|name| wasi::define(&mut linker, name))
        // What of WASI has no function here traps when called: a file can't be opened where there is no folder to open it in.
        .and_then(|()| linker.define_unknown_imports_as_traps(&component))
        .and_then(|()| linker.instantiate_pre(&component))
        .map_err(NotReady::Unloadable)?;
    Ok(Plugin {
        transformer: transformer::GuestIndices::new(&pre).map_err(|error| NotReady::NotAPlugin(missing(&error)))?,
        // Looked for, not required: most plugins have none.
        response: response::GuestIndices::new(&pre).ok(),
        slots: Arc::new(Semaphore::new(slots.max(1))),
        pre,
    })
}

/// The function that an error of the lookup names, in backticks and last.
fn missing(error: &wasmtime::Error) -> String {
    let text = error.to_string();
    text.rsplit('`').nth(1).map_or_else(|| TRANSFORMER.to_owned(), |function| format!("{TRANSFORMER}#{function}"))
}
