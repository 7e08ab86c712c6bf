//! One try at a delivery: at most one HTTP exchange, always one row in the log.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::ids::DeliveryId;
use super::request::{Header, Method};
use super::time::Timestamp;

/// The most of a response that is kept.
pub const RESPONSE_BODY_MAX: usize = 16 * 1024;
pub const RESPONSE_HEADERS_MAX: usize = 8 * 1024;
/// The most of a response that a plugin's `classify` sees, and that is read at all.
pub const RESPONSE_READ_MAX: usize = 64 * 1024;

/// As it is logged. Written once, with the change of the queue that it caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub delivery: DeliveryId,
    /// 1 for the first.
    pub number: u32,
    pub trigger: Trigger,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub outcome: Outcome,
    /// What was sent, secrets masked; none if it didn't come to that.
    pub sent: Option<Sent>,
    pub response: Option<Response>,
    pub timings: Timings,
    /// What each plugin of the chain did; empty but in the attempt that ran the chain.
    pub stages: Vec<StageRun>,
    /// Why there will be another attempt.
    pub retry_reason: Option<String>,
    pub next_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trigger {
    /// The first attempt, and those of the retry policy.
    Automatic,
    /// Somebody asked for one more; no automatic ones follow it.
    Manual,
    /// A test: status and subscription ignored, one attempt, not in the stats.
    Test,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Outcome {
    Delivered,
    /// A reply that isn't success: by its status, or by a plugin's `classify`.
    #[serde(rename_all = "camelCase")]
    Rejected {
        status: u16,
        judged: Option<Judgement>,
    },
    /// No whole reply came.
    Unreachable {
        error: SendError,
    },
    /// A plugin said that this isn't to be sent.
    Dropped {
        plugin: String,
        reason: String,
    },
    /// A plugin ended without a verdict.
    TransformFailed {
        fault: Fault,
    },
    /// The format can't carry this event: `data-not-json`.
    FormatFailed {
        code: String,
        message: String,
    },
}

impl Outcome {
    /// Each kind's own, from 0 on without a gap: as it is stored, and counted.
    pub const fn number(&self) -> u8 {
        match self {
            Self::Delivered => 0,
            Self::Rejected { .. } => 1,
            Self::Unreachable { .. } => 2,
            Self::Dropped { .. } => 3,
            Self::TransformFailed { .. } => 4,
            Self::FormatFailed { .. } => 5,
        }
    }
}

/// In one line.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered => f.write_str("delivered"),
            Self::Rejected { status, judged: None } => write!(f, "answered {status}"),
            Self::Rejected { status, judged: Some(Judgement::Retry { .. }) } => {
                write!(f, "answered {status}: the plugin asks for another try")
            }
            Self::Rejected {
                status,
                judged: Some(Judgement::Fail { reason } | Judgement::DisableWebhook { reason }),
            } => {
                write!(f, "answered {status}: {reason}")
            }
            Self::Unreachable { error } => error.fmt(f),
            Self::Dropped { plugin, reason } => write!(f, "dropped by {plugin}: {reason}"),
            Self::TransformFailed { fault } => fault.fmt(f),
            Self::FormatFailed { message, .. } => f.write_str(message),
        }
    }
}

/// What `classify` said of a reply that it didn't take for success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub enum Judgement {
    #[serde(rename_all = "camelCase")]
    Retry {
        after_ms: Option<u64>,
    },
    Fail {
        reason: String,
    },
    DisableWebhook {
        reason: String,
    },
}

/// Why no reply came. `detail` names hosts and addresses, never paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {detail}", kind.as_str())]
pub struct SendError {
    pub kind: SendErrorKind,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SendErrorKind {
    /// The address policy refused the host, or plain HTTP.
    Refused,
    Dns,
    Connect,
    Tls,
    Timeout,
    /// The connection broke, or what came wasn't HTTP.
    Broken,
}

impl SendErrorKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused by the address policy",
            Self::Dns => "DNS",
            Self::Connect => "connect",
            Self::Tls => "TLS",
            Self::Timeout => "timeout",
            Self::Broken => "broken connection",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    pub method: Method,
    /// Masked: `https://host/…last4`.
    pub url: String,
    pub headers: Vec<Header>,
    pub body_size: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    pub status: u16,
    pub headers: Vec<Header>,
    #[serde(skip)]
    pub body: Bytes,
    /// There was more than is kept.
    pub truncated: bool,
}

/// How long each phase took. A phase that a kept connection saved is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    #[serde(with = "micros", default)]
    pub dns: Option<Duration>,
    #[serde(with = "micros", default)]
    pub connect: Option<Duration>,
    #[serde(with = "micros", default)]
    pub tls: Option<Duration>,
    /// From the request written to the first byte of the reply.
    #[serde(with = "micros", default)]
    pub first_byte: Option<Duration>,
    #[serde(with = "micros", default)]
    pub total: Option<Duration>,
}

/// What one stage of a chain did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageRun {
    /// `name@version`.
    pub plugin: String,
    pub digest: super::plugin::Digest,
    pub result: StageResult,
    pub cost: Cost,
    pub log: Vec<LogLine>,
    /// Lines beyond the limit.
    pub log_dropped: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub enum StageResult {
    Pass,
    Replace { bytes: u64 },
    Send { bytes: u64 },
    Drop { reason: String },
    Fault { fault: Fault, skipped: bool },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    pub fuel: u64,
    pub fuel_limit: u64,
    /// Bytes of linear memory at the end.
    pub memory: u64,
    pub memory_limit: u64,
    pub micros: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    pub level: LogLevel,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

mod micros {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::ref_option, reason = "the signature that serde's `with` asks for")]
    pub(super) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        let micros = duration.map(|duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
        micros.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_micros))
    }
}
