//! What a call costs by itself: a fresh instance on the sandbox's own engine, with its limits, but no seeds, no judging of what came
//! out and no lane. `waxwing bench` holds deliveries against it; nothing is delivered by it.

use std::sync::Arc;

use super::instance::{Call, Plugin};
use super::random::SeededRandom;
use super::{WasmTransform, convert};
use crate::model::event::Event;
use crate::model::fault::FaultKind;
use crate::model::plugin::Digest;
use crate::transform::{ClassifyInput, ReplyView, StageInput, WebhookView};

/// A plugin that is ready to be called again and again.
pub struct RawPlugin<'a> {
    sandbox: &'a WasmTransform,
    plugin: Arc<Plugin>,
    digest: Digest,
    settings: Arc<str>,
}

impl WasmTransform {
    /// One that was admitted before.
    pub async fn raw(&self, digest: Digest) -> Result<RawPlugin<'_>, FaultKind> {
        Ok(RawPlugin { sandbox: self, plugin: self.plugin(digest).await?, digest, settings: Arc::from("{}") })
    }
}

impl RawPlugin<'_> {
    /// A fresh instance, in which nothing is called.
    pub async fn instance(&self, event: &Event) -> Result<(), FaultKind> {
        self.fresh(event).await?.instance().await.result
    }

    /// A fresh instance and one `transform` in it.
    pub async fn transform(&self, event: &Event) -> Result<(), FaultKind> {
        let input = StageInput {
            digest: self.digest,
            event,
            data: event.data.bytes.clone(),
            webhook: WebhookView { id: 1.into(), origin: "http://127.0.0.1", allow_origins: &[] },
            settings: &self.settings,
            fuel: u64::MAX,
        };
        let (told, webhook) = (convert::event(&input, "evt_0000000000001"), convert::webhook(&input, "webhook_1"));
        self.fresh(event).await?.transform(told, webhook).await.result.map(drop)
    }

    /// A fresh instance and one `classify` in it, of a reply that says all is well.
    pub async fn classify(&self, event: &Event) -> Result<(), FaultKind> {
        let webhook = 1.into();
        let input = ClassifyInput { digest: self.digest, settings: &self.settings, event, webhook, attempt: 1 };
        let reply = convert::reply(&ReplyView { status: 200, headers: &[], body: b"ok" });
        let context = convert::context(&input, "evt_0000000000001".to_owned());
        self.fresh(event).await?.classify(reply, context).await.result.map(drop)
    }

    async fn fresh(&self, event: &Event) -> Result<Call, FaultKind> {
        let shared = self.sandbox.shared.clone();
        Ok(Call {
            plugin: Arc::clone(&self.plugin),
            places: self.sandbox.places(&self.plugin).await?,
            occurred_at: event.occurred_at,
            random: SeededRandom::new(Vec::new(), Arc::clone(&self.settings)),
            settings: Arc::clone(&self.settings),
            fuel: shared.limits.fuel.stage(event.data.bytes.len()),
            of_chain: false,
            shared,
        })
    }
}
