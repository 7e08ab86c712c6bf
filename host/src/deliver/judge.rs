//! What a reply means. The plugin that drafted the request knows its receiver best; without one, 2xx is success.

use super::Parts;
use super::build::label;
use super::record::Record;
use super::settings::Placeholders;
use crate::model::attempt::{Outcome, StageResult, StageRun};
use crate::model::delivery::Claimed;
use crate::model::fault::Fault;
use crate::model::plugin::Stage;
use crate::send::Reply;
use crate::transform::{ClassifyInput, ReplyView};

pub(super) fn by_status(status: u16) -> Outcome {
    if (200..300).contains(&status) { Outcome::Delivered } else { Outcome::Rejected { status, judged: None } }
}

/// A fault in `classify` falls back to the status, and stands in the log.
pub(super) async fn by_plugin(
    parts: &Parts,
    stage: &Stage,
    claimed: &Claimed,
    reply: &Reply,
    record: &mut Record,
) -> Outcome {
    let settings = Placeholders::new(&parts.vault, &claimed.event, claimed.webhook).settings_of(stage);
    let input = ClassifyInput {
        digest: stage.digest,
        settings: &settings,
        event: &claimed.event,
        webhook: claimed.webhook,
        attempt: record.number(),
    };
    let view = ReplyView { status: reply.status, headers: &reply.headers, body: &reply.body };
    let run = parts.transform.classify(input, view).await;
    match run.result {
        Ok(None) => Outcome::Delivered,
        Ok(judged) => Outcome::Rejected { status: reply.status, judged },
        Err(kind) => {
            let fault = Fault { plugin: label(stage), kind };
            tracing::warn!(delivery = %claimed.id, %fault, "classify failed: judged by the status instead");
            let (plugin, digest) = (label(stage), stage.digest);
            let result = StageResult::Fault { fault, skipped: true };
            let (cost, log, log_dropped) = (run.cost, run.log, run.log_dropped);
            record.stages.push(StageRun { plugin, digest, result, cost, log, log_dropped });
            by_status(reply.status)
        }
    }
}
