//! Write [Waxwing] plugins in Rust.
//!
//! Waxwing delivers webhooks. On its way to a webhook, an event goes through the plugins that the webhook names: each is a
//! WebAssembly component that lets it pass, replaces its data, makes the request that goes out, or drops it. A plugin is a
//! **pure function** of the event, the webhook and the settings. It runs once a delivery, in a fresh instance, without
//! network, files or environment; retries send the bytes it made the first time. Signing, retrying and logging are
//! Waxwing's.
//!
//! [Waxwing]: https://docs.rs/waxwing
//!
//! # A plugin
//!
//! `cargo new --lib big-orders`, then in `Cargo.toml` (name, version and description become the plugin's):
//!
//! ```toml
//! [package]
//! name = "big-orders"
//! version = "0.1.0"
//! description = "Drops orders below a minimum"
//! edition = "2024"
//!
//! [lib]
//! crate-type = ["cdylib"]            # an "rlib" beside it (for a `tests/` folder) would leave LTO out
//!
//! [dependencies]
//! schemars = "1"
//! serde = { version = "1", features = ["derive"] }
//! serde_json = "1"
//! waxwing-guest = "0.1"
//!
//! [profile.release]
//! codegen-units = 1
//! lto = true
//! panic = "abort"
//! strip = true
//! ```
//!
//! and in `src/lib.rs`:
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use serde_json::json;
//! use waxwing_guest::{Event, Failure, Plugin, Sample, Verdict, Webhook};
//!
//! pub struct BigOrders;
//!
//! /// Which orders are big.
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! pub struct Settings {
//!     /// Orders of a smaller amount are dropped.
//!     minimum: f64,
//! }
//!
//! #[derive(Deserialize)]
//! struct Order {
//!     amount: f64,
//! }
//!
//! impl Plugin for BigOrders {
//!     type Settings = Settings;
//!
//!     const EVENT_TYPES: &'static [&'static str] = &["order.*"];
//!
//!     fn samples() -> Vec<Sample> {
//!         vec![Sample::new("small", "order.paid", br#"{"amount":3}"#, &json!({ "minimum": 10 }))]
//!     }
//!
//!     fn transform(event: Event, settings: Settings, _: &Webhook) -> Result<Verdict, Failure> {
//!         let order: Order = event.json()?;
//!         if order.amount >= settings.minimum {
//!             Ok(Verdict::Pass)
//!         } else {
//!             Ok(Verdict::drop(format!("{} is below {}", order.amount, settings.minimum)))
//!         }
//!     }
//! }
//!
//! waxwing_guest::export!(BigOrders);
//!
//! // In `#[cfg(test)] mod tests`:
//! use waxwing_guest::testing;
//!
//! let small = testing::event("order.paid", &json!({ "amount": 3 }));
//! let run = testing::run::<BigOrders>(small, json!({ "minimum": 10 }));
//! assert_eq!(run.verdict, Ok(Verdict::drop("3 is below 10")));
//!
//! let refused = testing::check_settings::<BigOrders>(&json!({ "minimun": 10 }));
//! assert!(refused.is_err());
//! ```
//!
//! # Test, build, push
//!
//! ```sh
//! cargo test                                                 # native: no wasm needed
//! rustup target add wasm32-wasip2                            # once
//! cargo build --release --target wasm32-wasip2
//! cd target/wasm32-wasip2/release
//! waxwing plugin run big_orders.wasm --event event.json --settings settings.json
//! waxwing plugin push big_orders.wasm                        # to $WAXWING_URL, with $WAXWING_TOKEN
//! ```
//!
//! `run` shows the verdict, the log and the cost under the server's own limits; nothing is sent. `push` stores this version
//! under its name. A webhook uses it from the next time that it is saved with `"plugins": [{"plugin": "big-orders",
//! "settings": {"minimum": 10}}]`.
//!
//! # Verdicts
//!
//! | A plugin that … | answers | and then |
//! |---|---|---|
//! | filters | [`Verdict::Pass`] or [`Verdict::drop`] | the next stage gets the event, or it isn't sent and the reason is logged |
//! | redacts or enriches | [`Verdict::replace`] | the next stage, or the webhook's format, gets the new data and nothing of the old |
//! | formats | [`Verdict::Send`] with a [`Request`] | this goes out, with the webhook's signature headers; the chain ends |
//! | can't work with it | `Err(`[`Failure`]`)` | the delivery fails, visibly and for good; it can be replayed with a mended plugin |
//!
//! A panic is a fault like a failure, with its text in the delivery's log; so is every limit that is exceeded (by default 20 M
//! units of fuel and 200 for each byte of data, and 64 MiB of memory). Compare with fuel in mind: parse only what you need
//! ([`Event::json`] into a type of your own skips the rest).
//!
//! # What the sandbox means for your code
//!
//! - `SystemTime::now()` is the time of the event, `Instant::now()` advances by a fixed step a read, and random numbers are
//!   seeded from the inputs: the same call always gives the same bytes, so that deliveries can be rerun and compared. Even
//!   a `HashMap` iterates in the same order every time.
//! - Standard input is at its end. `println!` and `eprintln!` go to the log, as [`log`](mod@log) does.
//! - There is no state: whatever you keep in a `static` is gone with the call.
//! - A setting of the type [`Secret`] holds a placeholder; the host fills in the value after you.
//! - What goes out is checked: at most 1 MiB of body and 64 headers in lower case, none of them the host's own. [`testing`]
//!   checks the same.
//!
//! # Judging replies
//!
//! A receiver that says "200, but no" needs [`Classify`], exported with `export!(T, response)`. Without it the rule is
//! [`Judgement::by_status`].

#![deny(missing_docs)]

mod bindings;
mod event;
mod export;
#[cfg(any(target_family = "wasm", test))]
mod heap;
mod plugin;
mod secret;
mod verdict;

pub mod log;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use crate::{
    bindings::{
        plain::waxwing::plugin::types::{
            Event, Failure, Header, Issue, Manifest, Method, Request, Sample, Verdict, Webhook,
        },
        response::exports::waxwing::plugin::response::{Judgement, Reply},
    },
    plugin::{Attempt, Classify, NoSettings, Plugin},
    secret::Secret,
};

/// What `export!` expands to. No part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        bindings::{plain, response},
        export::{classify, describe, describe_judge, transform, validate_settings},
    };
}
