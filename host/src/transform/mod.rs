//! Running plugins: an event goes in, a verdict comes out, and nothing else in the world changes.
//!
//! No database, no secrets, no sockets: components come through [`Components`], settings come with placeholders where secrets
//! stand, and what goes out is a plain [`RequestDraft`], its syntax, counts and reserved names checked.
//! [`chain`] runs the stages of a webhook; [`wasm`] is the sandbox behind [`Transform`].

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::model::attempt::{Cost, Judgement, LogLine};
use crate::model::event::Event;
use crate::model::fault::FaultKind;
use crate::model::ids::WebhookId;
use crate::model::plugin::{Digest, Manifest};
use crate::model::request::{Header, RequestDraft};

/// Where the bytes of a component come from when it isn't in memory: the store, wired in `app`.
#[async_trait]
pub trait Components: Send + Sync {
    async fn component(&self, digest: Digest) -> Option<Bytes>;
}

/// What a stage is given. Two equal inputs to the same digest give equal outputs, always.
#[derive(Clone, Debug)]
pub struct StageInput<'a> {
    pub digest: Digest,
    pub event: &'a Event,
    /// The event's data, or what the stage before replaced it with.
    pub data: Bytes,
    pub webhook: WebhookView<'a>,
    /// A JSON object, placeholders filled in for secrets.
    pub settings: &'a str,
    /// What is left of the chain's fuel; the stage's own limit may be lower.
    pub fuel: u64,
}

/// All that a plugin may know of the webhook.
#[derive(Clone, Debug)]
pub struct WebhookView<'a> {
    pub id: WebhookId,
    /// `scheme://host[:port]`.
    pub origin: &'a str,
    /// Other origins that a `send` may name.
    pub allow_origins: &'a [String],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Replace(Bytes),
    Send(RequestDraft),
    Drop(String),
}

/// A run, however it ended: what it cost and what it logged is there in every case.
#[derive(Clone, Debug)]
pub struct Run<T> {
    pub result: Result<T, FaultKind>,
    pub cost: Cost,
    pub log: Vec<LogLine>,
    pub log_dropped: u32,
}

/// A reply as `classify` sees it.
#[derive(Clone, Debug)]
pub struct ReplyView<'a> {
    pub status: u16,
    pub headers: &'a [Header],
    /// The first 64 KiB.
    pub body: &'a [u8],
}

/// What `classify` is given besides the reply.
#[derive(Clone, Debug)]
pub struct ClassifyInput<'a> {
    pub digest: Digest,
    pub settings: &'a str,
    pub event: &'a Event,
    pub webhook: WebhookId,
    /// 1 for the first.
    pub attempt: u32,
}

/// One of the settings' faults, as the plugin sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsIssue {
    /// A JSON Pointer into the settings.
    pub path: String,
    pub message: String,
}

/// Why a component can't be a plugin here. Each says what its author should do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadComponent {
    #[error("not a WebAssembly binary (it doesn't begin with \\0asm)")]
    NotWasm,
    #[error("a core module, not a component: build for wasm32-wasip2, or wrap it with `wasm-tools component new`")]
    CoreModule,
    #[error("the component is damaged or truncated: {0}")]
    Malformed(String),
    #[error("the component is {size} bytes, {allowed} are allowed")]
    TooLarge { size: u64, allowed: u64 },
    #[error("too complex: {0}")]
    TooComplex(String),
    #[error("it imports '{0}', which plugins don't get: they have no network, files or environment")]
    ForeignImport(String),
    #[error("it is built for {0}; this server knows waxwing:plugin@0.1.0")]
    UnknownWorld(String),
    #[error("it doesn't export '{0}': is it a Waxwing plugin?")]
    MissingExport(String),
    #[error("compiling took more than {0}")]
    CompileLimit(String),
    #[error("its manifest is not usable: {0}")]
    BadManifest(String),
    #[error("its `describe` ended badly: {0:?}")]
    DescribeFailed(FaultKind),
    #[error("it could not be compiled here: {0}")]
    Host(String),
}

/// The sandbox, as the rest of the server sees it.
#[async_trait]
pub trait Transform: Send + Sync {
    /// Checks and compiles an uploaded component and asks it for its manifest. What passed is ready to run.
    async fn admit(&self, wasm: Bytes) -> Result<(Digest, Manifest), BadComponent>;

    /// The plugin's own check of settings that passed its schema.
    async fn check_settings(&self, digest: Digest, settings: &str) -> Run<Vec<SettingsIssue>>;

    async fn transform(&self, input: StageInput<'_>) -> Run<Verdict>;

    /// `Ok(None)`: success.
    async fn classify(&self, input: ClassifyInput<'_>, reply: ReplyView<'_>) -> Run<Option<Judgement>>;
}

pub type SharedTransform = Arc<dyn Transform>;
