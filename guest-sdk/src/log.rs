//! The plugin's log, shown with the attempt that it belongs to: at most 100 lines of 1 KiB, 16 KiB a run, the rest counted.
//!
//! Never write secrets or whole events: logs are kept and read by people. Natively,
//! [`testing::run`](crate::testing::run()) collects the lines.

pub use crate::bindings::plain::waxwing::plugin::log::Level;

/// What an author wants to know while writing the plugin.
pub fn debug(message: impl AsRef<str>) {
    write(Level::Debug, message.as_ref());
}

/// What a user may want to know of a delivery that went well.
pub fn info(message: impl AsRef<str>) {
    write(Level::Info, message.as_ref());
}

/// What a user should look at, though the delivery goes on.
pub fn warn(message: impl AsRef<str>) {
    write(Level::Warn, message.as_ref());
}

/// Why the verdict is a failure, where its own text has no room for it.
pub fn error(message: impl AsRef<str>) {
    write(Level::Error, message.as_ref());
}

#[cfg(target_family = "wasm")]
fn write(level: Level, message: &str) {
    crate::bindings::plain::waxwing::plugin::log::log(level, message);
}

#[cfg(not(target_family = "wasm"))]
fn write(level: Level, message: &str) {
    crate::testing::collect(level, message);
}
