//! A sandbox with the faulty plugin in it, on a cache that all tests share, so that it is compiled once.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use waxwing::model::event::{Event, Payload};
use waxwing::model::plugin::{Digest, Manifest};
use waxwing::model::time::Timestamp;
use waxwing::transform::wasm::limits::Limits;
use waxwing::transform::wasm::{WasmSetup, WasmTransform};
use waxwing::transform::{Components, Run, StageInput, Transform, Verdict, WebhookView};

/// A store that holds one component.
struct Only(Digest, Bytes);

#[async_trait]
impl Components for Only {
    async fn component(&self, digest: Digest) -> Option<Bytes> {
        (digest == self.0).then(|| self.1.clone())
    }
}

pub(crate) struct World {
    pub(crate) transform: Arc<WasmTransform>,
    pub(crate) digest: Digest,
    pub(crate) manifest: Manifest,
}

pub(crate) fn shared_cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox-cache")
}

/// A sandbox that knows no plugin yet.
pub(crate) fn empty(limits: Limits, cache: PathBuf) -> WasmTransform {
    sandbox(limits, cache, waxwing_bundle::faulty())
}

fn sandbox(limits: Limits, cache: PathBuf, stored: &'static [u8]) -> WasmTransform {
    let digest = Digest(sha2::Digest::finalize(<sha2::Sha256 as sha2::Digest>::new_with_prefix(stored)).into());
    WasmTransform::new(WasmSetup {
        limits,
        cache,
        cache_key: [7; 32],
        executable: PathBuf::from(env!("CARGO_BIN_EXE_waxwing")),
        reserved_headers: &["webhook-signature", "webhook-id"],
        components: Arc::new(Only(digest, Bytes::from_static(stored))),
    })
    .expect("a sandbox")
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let wasm = waxwing_bundle::faulty();
        let transform = Arc::new(sandbox(limits, shared_cache(), wasm));
        let (digest, manifest) = transform.admit(Bytes::from_static(wasm)).await.expect("faulty is a plugin");
        Self { transform, digest, manifest }
    }

    /// Runs the faulty plugin with this fault.
    pub(crate) async fn run(&self, fault: &str) -> Run<Verdict> {
        self.run_with(json!({ "fault": fault }), u64::MAX).await
    }

    pub(crate) async fn run_with(&self, settings: serde_json::Value, fuel: u64) -> Run<Verdict> {
        let event = event();
        self.transform
            .transform(StageInput {
                digest: self.digest,
                event: &event,
                data: event.data.bytes.clone(),
                webhook: WebhookView { id: 2.into(), origin: "https://shop.example", allow_origins: &[] },
                settings: &settings.to_string(),
                fuel,
            })
            .await
    }
}

pub(crate) fn event() -> Event {
    Event {
        id: 77.into(),
        event_type: "order.paid".parse().unwrap(),
        tenant: "default".parse().unwrap(),
        environment: "production".parse().unwrap(),
        occurred_at: Timestamp::from_millis(1_750_000_000_123),
        data: Payload::json(r#"{"order":7}"#.to_owned()),
        external_id: None,
    }
}
