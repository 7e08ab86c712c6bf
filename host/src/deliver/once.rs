//! What the first attempt makes of an event, for all attempts: the webhook's chain is run once, with placeholders for secrets.

use std::sync::Arc;

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::Parts;
use super::settings::Placeholders;
use crate::model::attempt::{Outcome, StageResult, StageRun};
use crate::model::delivery::FixedBody;
use crate::model::event::{ContentType, Event};
use crate::model::fault::{Fault, FaultKind};
use crate::model::webhook::{Revision, Webhook};
use crate::transform::WebhookView;
use crate::transform::chain::{self, ChainEnd, ChainInput, ChainRun};

pub(super) struct Made {
    pub(super) stages: Vec<StageRun>,
    /// As [`ChainRun::left`].
    pub(super) left: Vec<Option<Bytes>>,
    /// What goes out, or why nothing does.
    pub(super) end: Result<FixedBody, Outcome>,
}

pub(super) async fn run_chain(parts: &Parts, webhook: &Webhook, revision: &Revision, event: &Event) -> Made {
    if revision.chain.is_empty() {
        return Made { stages: Vec::new(), left: Vec::new(), end: Ok(FixedBody::Rebuilt) };
    }
    let seen = Placeholders::new(&parts.vault, event, webhook.id).seen_by(&revision.chain);
    let stages: Vec<_> = revision.chain.iter().zip(&seen).map(|(stage, seen)| seen.of(stage)).collect();
    let origin = webhook.current.url.origin();
    let view = WebhookView { id: webhook.id, origin: &origin, allow_origins: &webhook.current.allow_origins };
    let input = ChainInput { event, webhook: view, stages: &stages, fuel: parts.fuel };
    let run = chain::run(parts.transform.as_ref(), input).await;
    let end = match &run.end {
        Ok(ChainEnd::Pass { data: None }) => Ok(FixedBody::Rebuilt),
        Ok(ChainEnd::Pass { data: Some(data) }) => match still_what_it_says(event, data) {
            true => Ok(FixedBody::Replaced(data.clone())),
            false => Err(Outcome::TransformFailed { fault: not_json_any_more(&run) }),
        },
        Ok(ChainEnd::Send(draft)) => Ok(FixedBody::Drafted(Arc::new(draft.clone()))),
        Ok(ChainEnd::Drop { plugin, reason }) => {
            Err(Outcome::Dropped { plugin: plugin.clone(), reason: reason.clone() })
        }
        Err(fault) => Err(Outcome::TransformFailed { fault: fault.clone() }),
    };
    Made { stages: run.stages, left: run.left, end }
}

/// An envelope holds the data as it is: what goes for JSON must be JSON.
fn still_what_it_says(event: &Event, data: &[u8]) -> bool {
    event.data.content_type != ContentType::Json || serde_json::from_slice::<IgnoredAny>(data).is_ok()
}

fn not_json_any_more(run: &ChainRun) -> Fault {
    let replaced = |stage: &&StageRun| matches!(stage.result, StageResult::Replace { .. });
    let plugin = run.stages.iter().rev().find(replaced).map(|stage| stage.plugin.clone());
    let message = "the data that it replaced isn't JSON, and the event's was".to_owned();
    Fault { plugin: plugin.unwrap_or_default(), kind: FaultKind::BadOutput { message } }
}
