//! The raw floor of a plugin's call, on the sandbox's own engine with its limits and its fuel: the bundled Slack formatter, a fresh
//! instance every time.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::body::Bodies;
use super::latency::wall_micros;
use super::raw::Stretch;
use crate::cli::Failure;
use crate::clock::{Clock, SystemClock};
use crate::format;
use crate::model::event::{Event, Payload};
use crate::model::name::{Environment, Tenant};
use crate::model::plugin::Digest;
use crate::transform::wasm::limits::Limits;
use crate::transform::wasm::{WasmSetup, WasmTransform};
use crate::transform::{Components, Transform};

/// The smaller event; the other one has as many bytes as the bench's own.
const SMALL: usize = 300;
const CORES: usize = 2;

/// CPU microseconds of an instance, of an instance with its `transform` of a small and of a usual event, and of one with its `classify`;
/// and how many calls a second two tasks make beside what one makes.
pub(super) async fn measure(folder: &Path, count: usize, bytes: usize) -> Result<Value, Failure> {
    let bundled = waxwing_bundle::plugins().iter().find(|plugin| plugin.name == "slack");
    let component = bundled.ok_or_else(|| failed(&"this program was built without it"))?.wasm;
    let sandbox = WasmTransform::new(WasmSetup {
        limits: Limits::default(),
        cache: folder.join("compiled"),
        cache_key: [7; 32],
        executable: std::env::current_exe().map_err(|error| failed(&error))?,
        reserved_headers: format::reserved_headers(),
        components: Arc::new(Nowhere),
    });
    let sandbox = Arc::new(sandbox.map_err(|error| failed(&error))?);
    let (digest, _) = sandbox.admit(Bytes::from_static(component)).await.map_err(|error| failed(&error))?;
    let (small, usual) = (Arc::new(event(SMALL)?), Arc::new(event(bytes)?));
    let of = |what, event: &Arc<Event>| Calls { sandbox: Arc::clone(&sandbox), digest, what, event: Arc::clone(event) };
    let (instance, _) = of(What::Instance, &usual).measure(count, 1).await?;
    let (call_small, _) = of(What::Transform, &small).measure(count, 1).await?;
    let (classify, _) = of(What::Classify, &small).measure(count, 1).await?;
    let (call, calls) = of(What::Transform, &usual).measure(count, 1).await?;
    let (_, calls_of_two) = of(What::Transform, &usual).measure(count, CORES).await?;
    Ok(json!({
        "instanceMicros": instance,
        "slackCallMicros": call,
        "slackCallMicros300": call_small,
        "slackClassifyMicros": classify,
        "slackCallsPerSecond": calls,
        "slackCallsPerSecondOnTwoCores": calls_of_two,
    }))
}

#[derive(Clone, Copy)]
enum What {
    Instance,
    Transform,
    Classify,
}

/// One kind of call, again and again.
#[derive(Clone)]
struct Calls {
    sandbox: Arc<WasmTransform>,
    digest: Digest,
    what: What,
    event: Arc<Event>,
}

impl Calls {
    /// CPU microseconds a call, and calls a second, of so many tasks at once.
    async fn measure(&self, count: usize, tasks: usize) -> Result<(f64, f64), Failure> {
        let begun = Stretch::begin();
        let mut running = JoinSet::new();
        for _ in 0..tasks {
            running.spawn(self.clone().make(count / tasks));
        }
        while let Some(ended) = running.join_next().await {
            ended.map_err(|error| failed(&error))??;
        }
        Ok(begun.end(count))
    }

    async fn make(self, count: usize) -> Result<(), Failure> {
        let plugin = self.sandbox.raw(self.digest).await.map_err(|fault| failed(&fault))?;
        for _ in 0..count {
            let made = match self.what {
                What::Instance => plugin.instance(&self.event).await,
                What::Transform => plugin.transform(&self.event).await,
                What::Classify => plugin.classify(&self.event).await,
            };
            made.map_err(|fault| failed(&fault))?;
        }
        Ok(())
    }
}

fn failed(what: &dyn std::fmt::Debug) -> Failure {
    Failure::Failed(format!("a plugin can't be called here: {what:?}"))
}

/// Everything is in memory once it was admitted.
struct Nowhere;

#[async_trait]
impl Components for Nowhere {
    async fn component(&self, _digest: Digest) -> Option<Bytes> {
        None
    }
}

fn event(bytes: usize) -> Result<Event, Failure> {
    let (now, bodies) = (SystemClock.now(), Bodies::new(bytes, 0));
    Ok(Event {
        id: 1.into(),
        event_type: bodies.event_type(0).parse().map_err(|_| Failure::Failed("an event type is none".into()))?,
        tenant: Tenant::default_tenant(),
        environment: Environment::default(),
        occurred_at: now,
        data: Payload::json(bodies.data(1, wall_micros())),
        external_id: None,
    })
}
