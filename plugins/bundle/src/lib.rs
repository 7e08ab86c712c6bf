//! The plugins that come with Waxwing, as components, built and embedded by this crate's build script.
//!
//! Knows nothing of what is in them; the host reads each one's manifest as it reads an uploaded one's. Next:
//! `build/main.rs`, where the list is.

/// A plugin that every Waxwing knows from its first start.
#[derive(Clone, Copy)]
pub struct Bundled {
    /// The plugin's name, the same as in its manifest.
    pub name: &'static str,
    /// The component.
    pub wasm: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// All of them, in the order in which users should see them.
#[must_use]
pub const fn plugins() -> &'static [Bundled] {
    BUNDLED
}

/// Breaks every limit of the sandbox, as its settings say. For tests; a binary that doesn't call this doesn't hold it.
#[must_use]
pub const fn faulty() -> &'static [u8] {
    FAULTY
}
