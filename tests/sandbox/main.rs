//! The sandbox against the plugins that try it: every limit has one that breaks it, and every upload that must not get in.

mod determinism;
mod limits;
mod outputs;
mod uploads;
mod world;
