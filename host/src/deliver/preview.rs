//! What would be sent, and why: each stage's verdict, cost and log, and the final signed request. Sends and stores nothing.

use bytes::Bytes;

use super::Parts;
use super::build::{self, Making};
use super::once::{self, Made};
use super::settings::Placeholders;
use crate::model::attempt::{Outcome, Sent, StageRun};
use crate::model::event::Event;
use crate::model::ids::DeliveryId;
use crate::model::placeholder::Filling;
use crate::model::secret::Secret;
use crate::model::webhook::{Revision, Webhook};

#[derive(Clone, Debug)]
pub struct Preview {
    pub stages: Vec<StageRun>,
    /// What each stage left: the data that goes on, or the body of its request, with placeholders for secrets.
    pub left: Vec<Option<Bytes>>,
    pub end: PreviewEnd,
}

#[derive(Clone, Debug)]
pub enum PreviewEnd {
    /// Credentials hidden, placeholders where secrets would be filled in; the signature is over what is shown.
    Request { sent: Sent, body: Bytes },
    /// An attempt would end so and send nothing.
    Nothing(Outcome),
}

pub(super) async fn preview(parts: &Parts, webhook: &Webhook, revision: &Revision, event: &Event) -> Preview {
    let Made { stages, left, end } = once::run_chain(parts, webhook, revision, event).await;
    let body = match end {
        Ok(body) => body,
        Err(outcome) => return Preview { stages, left, end: PreviewEnd::Nothing(outcome) },
    };
    let placeholders = Placeholders::new(&parts.vault, event, webhook.id);
    let fillings = build::drafted_by(&body, revision).map(|stage| placeholders.fillings(stage)).unwrap_or_default();
    let delivery = DeliveryId::from(event.id.number());
    let making = Making {
        event,
        delivery,
        test: true,
        webhook,
        revision,
        body: &body,
        fillings: &fillings,
        now: parts.clock.now(),
    };
    // Once in earnest, so that a secret in a place where it can't stand shows; what is shown keeps the placeholders.
    let in_earnest = build::build(&making);
    let shown =
        in_earnest.and_then(|_| build::build(&Making { fillings: &standing_for_themselves(&fillings), ..making }));
    let end = match shown {
        Ok(outgoing) => PreviewEnd::Request { sent: outgoing.sent, body: outgoing.request.body.to_bytes() },
        Err(outcome) => PreviewEnd::Nothing(outcome),
    };
    Preview { stages, left, end }
}

fn standing_for_themselves(fillings: &[Filling]) -> Vec<Filling> {
    let echo = |filling: &Filling| Filling {
        placeholder: filling.placeholder.clone(),
        value: Secret::new(filling.placeholder.clone()),
    };
    fillings.iter().map(echo).collect()
}
