//! The sandbox against the plugins that try it: every limit has one that breaks it, and every upload that must not get in.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod attempts;
mod compiling;
mod destinations;
mod determinism;
mod guests;
mod handmade;
mod limits;
mod outputs;
mod uploads;
mod world;
