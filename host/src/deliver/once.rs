//! What the first attempt makes of an event, for all attempts: the webhook's chain is run once, with placeholders for secrets.

use super::Parts;
use super::settings::Placeholders;
use crate::model::attempt::{Outcome, StageRun};
use crate::model::delivery::FixedBody;
use crate::model::event::Event;
use crate::model::webhook::{Revision, Webhook};
use crate::transform::WebhookView;
use crate::transform::chain::{self, ChainEnd, ChainInput};

pub(super) struct Made {
    pub(super) stages: Vec<StageRun>,
    /// What goes out, or why nothing does.
    pub(super) end: Result<FixedBody, Outcome>,
}

pub(super) async fn run_chain(parts: &Parts, webhook: &Webhook, revision: &Revision, event: &Event) -> Made {
    if revision.chain.is_empty() {
        return Made { stages: Vec::new(), end: Ok(FixedBody::Rebuilt) };
    }
    let settings = Placeholders::new(&parts.vault, event, webhook.id).settings(&revision.chain);
    let origin = webhook.current.url.origin();
    let view = WebhookView { id: webhook.id, origin: &origin, allow_origins: &webhook.current.allow_origins };
    let input = ChainInput { stages: &revision.chain, settings: &settings, event, webhook: view };
    let run = chain::run(parts.transform.as_ref(), input).await;
    let end = match run.end {
        ChainEnd::Passed => Ok(FixedBody::Rebuilt),
        ChainEnd::Replaced(bytes) => Ok(FixedBody::Replaced(bytes)),
        ChainEnd::Send(draft) => Ok(FixedBody::Drafted(draft.into())),
        ChainEnd::Dropped { plugin, reason } => Err(Outcome::Dropped { plugin, reason }),
        ChainEnd::Failed(fault) => Err(Outcome::TransformFailed { fault }),
    };
    Made { stages: run.stages, end }
}
