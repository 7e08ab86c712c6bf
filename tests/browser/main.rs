//! The portal in a real browser: Chromium, driven as a person drives it.
//!
//! Each test starts a whole server, as those of the API do, and a browser of its own. Deliveries are stepped, and what a page is to show
//! is waited for in the page. `pages.rs` has every page once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod accessibility;
mod driver;
mod geometry;
#[allow(dead_code, reason = "the sandbox's tests use all of it")]
#[path = "../sandbox/handmade.rs"]
mod handmade;
mod installation;
mod journeys;
mod keyboard;
mod live;
mod pages;
mod planted;
mod receiver;
mod screenshots;
mod tab;
mod troubles;
mod workflows;
#[allow(dead_code, reason = "the API's tests use all of it")]
#[path = "../api/world.rs"]
mod world;
