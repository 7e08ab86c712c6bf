//! The portal over the wire, without a browser: who gets in, what each sees, what is refused, and what every page carries.
//!
//! Each test starts a whole server, as those of the API do, and a browser of its own kind: one that keeps cookies and sends forms.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod browser;
mod chain;
mod deliveries;
mod event_types;
mod events;
mod forms;
mod framing;
mod links;
mod live;
mod once;
mod overview;
mod pages;
mod plugins;
mod preview;
mod replays;
mod settings;
mod sign_in;
mod sinks;
mod webhook;
mod webhook_form;
mod webhooks;
#[allow(dead_code, reason = "the API's tests use all of it")]
#[path = "../api/world.rs"]
mod world;
