//! The words of the product as plain data: what an event, a webhook, a delivery *is*.
//!
//! Nothing here does IO, waits, or asks for the time; a value that exists is valid (constructors check). The rules that
//! decide over these values live in `route`, `format` and `retry`; what happens to them over time in `ingest` and `deliver`.

pub mod access;
pub mod attempt;
pub mod catalogue;
pub mod causes;
pub mod delivery;
pub mod event;
pub mod fault;
pub mod ids;
pub mod name;
pub mod page;
pub mod placeholder;
pub mod plugin;
pub mod policy;
pub mod request;
pub mod secret;
pub mod session;
pub mod sink;
pub mod tenant;
pub mod time;
pub mod webhook;
