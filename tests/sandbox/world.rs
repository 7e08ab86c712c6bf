//! A sandbox with one plugin in it, on a cache that all tests share, so that each plugin is compiled once.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use waxwing::model::event::{Event, Payload};
use waxwing::model::plugin::{Digest, Manifest};
use waxwing::model::time::Timestamp;
use waxwing::transform::wasm::limits::Limits;
use waxwing::transform::wasm::{WasmSetup, WasmTransform};
use waxwing::transform::{BadComponent, Components, Run, StageInput, Transform, Verdict, WebhookView};

/// A store that holds one component.
struct Only(Digest, Bytes);

#[async_trait]
impl Components for Only {
    async fn component(&self, digest: Digest) -> Option<Bytes> {
        (digest == self.0).then(|| self.1.clone())
    }
}

/// Where a sandbox is: its limits, its cache, and what compiles for it.
pub(crate) struct Surroundings {
    pub(crate) limits: Limits,
    pub(crate) cache: PathBuf,
    pub(crate) executable: PathBuf,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            cache: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox-cache"),
            executable: PathBuf::from(env!("CARGO_BIN_EXE_waxwing")),
        }
    }
}

impl Surroundings {
    pub(crate) fn within(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// A sandbox that knows no plugin yet, over a store that holds one.
    pub(crate) fn sandbox(self, stored: Bytes) -> WasmTransform {
        WasmTransform::new(WasmSetup {
            limits: self.limits,
            cache: self.cache,
            cache_key: [7; 32],
            executable: self.executable,
            reserved_headers: &["webhook-signature", "webhook-id"],
            components: Arc::new(Only(digest(&stored), stored)),
        })
        .expect("a sandbox")
    }
}

pub(crate) fn digest(wasm: &[u8]) -> Digest {
    Digest(sha2::Digest::finalize(<sha2::Sha256 as sha2::Digest>::new_with_prefix(wasm)).into())
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) transform: Arc<WasmTransform>,
    pub(crate) digest: Digest,
    pub(crate) manifest: Manifest,
}

impl World {
    /// With the faulty plugin.
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::holding(Bytes::from_static(waxwing_bundle::faulty()), limits).await
    }

    /// With one of the plugins that every server knows.
    pub(crate) async fn bundled(name: &str) -> Self {
        let found = waxwing_bundle::plugins().iter().find(|plugin| plugin.name == name);
        let wasm = found.unwrap_or_else(|| panic!("no bundled plugin {name}")).wasm;
        Self::holding(Bytes::from_static(wasm), Limits::default()).await
    }

    pub(crate) async fn holding(wasm: impl Into<Bytes>, limits: Limits) -> Self {
        Self::admit(wasm, Surroundings::within(limits)).await.expect("it is a plugin")
    }

    pub(crate) async fn admit(wasm: impl Into<Bytes>, around: Surroundings) -> Result<Self, BadComponent> {
        let wasm = wasm.into();
        let transform = Arc::new(around.sandbox(wasm.clone()));
        let (digest, manifest) = transform.admit(wasm).await?;
        Ok(Self { transform, digest, manifest })
    }

    /// Runs the faulty plugin with this fault.
    pub(crate) async fn run(&self, fault: &str) -> Run<Verdict> {
        self.run_with(json!({ "fault": fault }), u64::MAX).await
    }

    pub(crate) async fn run_with(&self, settings: Value, fuel: u64) -> Run<Verdict> {
        self.run_on(&event(), settings, fuel).await
    }

    pub(crate) async fn run_on(&self, event: &Event, settings: Value, fuel: u64) -> Run<Verdict> {
        self.transform
            .transform(StageInput {
                digest: self.digest,
                event,
                data: event.data.bytes.clone(),
                webhook: WebhookView { id: 2.into(), origin: "https://shop.example", allow_origins: &[] },
                settings: &settings.to_string(),
                fuel,
            })
            .await
    }
}

pub(crate) fn event() -> Event {
    event_of("order.paid", r#"{"order":7}"#)
}

pub(crate) fn event_of(event_type: &str, data: impl Into<Bytes>) -> Event {
    Event {
        id: 77.into(),
        event_type: event_type.parse().unwrap(),
        tenant: "default".parse().unwrap(),
        environment: "production".parse().unwrap(),
        occurred_at: Timestamp::from_millis(1_750_000_000_123),
        data: Payload::json(data),
        external_id: None,
    }
}
