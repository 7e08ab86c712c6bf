//! Sending: a finished request goes in, a reply or the reason why none came goes out.
//!
//! Knows nothing of events, plugins or retries. The address policy sits in the connector, after DNS: whatever asks to be sent
//! meets it. [`egress`] is the policy, [`client`] the exchange, [`connector`] how a connection is made, [`line`] how HTTP is
//! spoken over it, [`pool`] where it is kept, [`reply`] how much of an answer is read.

mod body;
pub mod client;
mod connector;
pub mod egress;
mod line;
mod phases;
mod pool;
mod proxy;
mod reply;
pub mod resolver;
mod stream;
mod tls;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use self::client::{BadEgress, HttpSender};
pub use self::egress::{EgressOptions, Policy, Refusal};
pub use self::tls::certificates_from_pem;
use crate::model::attempt::{SendError, Timings};
use crate::model::request::{Header, Request};

/// What came of one exchange; the timings are of as far as it got.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub result: Result<Reply, SendError>,
    pub timings: Timings,
}

/// A reply, read up to the cap ([`crate::model::attempt::RESPONSE_READ_MAX`]); the rest was never read.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Bytes,
    pub truncated: bool,
}

#[async_trait]
pub trait Sender: Send + Sync {
    /// One exchange, from name to last byte, within `timeout`. Redirects are not followed.
    async fn send(&self, request: Request, timeout: Duration) -> Exchange;
}
