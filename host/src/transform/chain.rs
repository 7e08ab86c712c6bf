//! Runs the stages of a webhook over one event, in order, until one says `send` or `drop`, or fails.
//!
//! A stage sees what the stage before left, never anything earlier: `skip` passes on what *that stage* was given, so what a
//! redactor removed stays removed. Nothing here fills secrets, signs or sends. Next: `deliver`'s pipeline, and `service`'s preview.

use bytes::Bytes;

use super::fuel::FuelLimits;
use super::{Run, StageInput, Transform, Verdict, WebhookView, placeholder};
use crate::model::attempt::{StageResult, StageRun};
use crate::model::event::Event;
use crate::model::fault::{Fault, FaultKind, Limit};
use crate::model::plugin::{OnError, Stage};
use crate::model::request::RequestDraft;

/// What a chain runs over.
#[derive(Clone, Debug)]
pub struct ChainInput<'a> {
    pub event: &'a Event,
    pub webhook: WebhookView<'a>,
    /// At most [`crate::model::webhook::Revision::CHAIN_MAX`]; longer chains are refused where they are saved.
    pub stages: &'a [ChainStage<'a>],
    pub fuel: FuelLimits,
}

/// A stage, ready to run.
#[derive(Clone, Debug)]
pub struct ChainStage<'a> {
    pub stage: &'a Stage,
    /// The stage's settings, with placeholders where secrets belong.
    pub settings: &'a str,
    /// Those placeholders: the only ones that may stand in what the stage sends.
    pub placeholders: &'a [String],
}

/// What became of the event, and what each stage that ran did.
#[derive(Clone, Debug)]
pub struct ChainRun {
    pub stages: Vec<StageRun>,
    /// What each of them left: the data that goes on, or the body of its request; nothing where the chain ended without one.
    pub left: Vec<Option<Bytes>>,
    pub end: Result<ChainEnd, Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainEnd {
    /// No stage said `send`: the webhook's format wraps this data, or the event's own where there is none.
    Pass { data: Option<Bytes> },
    /// This goes out.
    Send(RequestDraft),
    /// Nothing goes out, as this plugin (`name@version`) wished.
    Drop { plugin: String, reason: String },
}

/// Runs the chain once. The same inputs give the same end, log and fuel, whenever and wherever.
pub async fn run(transform: &dyn Transform, input: ChainInput<'_>) -> ChainRun {
    let mut chain = Chain {
        transform,
        budget: input.fuel.chain(input.event.data.bytes.len()),
        used: 0,
        data: input.event.data.bytes.clone(),
        replaced: false,
        input: &input,
    };
    let (mut stages, mut left) = (Vec::with_capacity(input.stages.len()), Vec::with_capacity(input.stages.len()));
    for (index, stage) in input.stages.iter().enumerate() {
        let (row, end) = chain.step(index, stage).await;
        stages.push(row);
        left.push(chain.left_by(end.as_ref()));
        if let Some(end) = end {
            return ChainRun { stages, left, end };
        }
    }
    ChainRun { stages, left, end: Ok(ChainEnd::Pass { data: chain.replaced.then_some(chain.data) }) }
}

struct Chain<'a> {
    transform: &'a dyn Transform,
    input: &'a ChainInput<'a>,
    budget: u64,
    used: u64,
    /// What the next stage is given.
    data: Bytes,
    replaced: bool,
}

impl Chain<'_> {
    /// Runs one stage; an end if the chain ends with it.
    async fn step(&mut self, index: usize, at: &ChainStage<'_>) -> (StageRun, Option<Result<ChainEnd, Fault>>) {
        let plugin = format!("{}@{}", at.stage.name, at.stage.version);
        let run = self.judge(self.call(at).await, at.placeholders);
        self.used = self.used.saturating_add(run.cost.fuel);
        let (result, end) = match run.result {
            Ok(Verdict::Pass) => (StageResult::Pass, None),
            Ok(Verdict::Replace(data)) => {
                let bytes = length(&data);
                (self.data, self.replaced) = (data, true);
                (StageResult::Replace { bytes }, None)
            }
            Ok(Verdict::Send(draft)) => {
                let result = StageResult::Send { bytes: length(&draft.body) };
                (result, Some(Ok(ChainEnd::Send(RequestDraft { stage: index, ..draft }))))
            }
            Ok(Verdict::Drop(reason)) => {
                let end = ChainEnd::Drop { plugin: plugin.clone(), reason: reason.clone() };
                (StageResult::Drop { reason }, Some(Ok(end)))
            }
            Err(kind) => {
                let fault = Fault { plugin: plugin.clone(), kind };
                let skipped = skips(at.stage.on_error, &fault.kind);
                let end = (!skipped).then(|| Err(fault.clone()));
                (StageResult::Fault { fault, skipped }, end)
            }
        };
        let digest = at.stage.digest;
        (StageRun { plugin, digest, result, cost: run.cost, log: run.log, log_dropped: run.log_dropped }, end)
    }

    /// Behind a stage that ended the chain so, or didn't.
    fn left_by(&self, end: Option<&Result<ChainEnd, Fault>>) -> Option<Bytes> {
        match end {
            None => Some(self.data.clone()),
            Some(Ok(ChainEnd::Send(draft))) => Some(draft.body.clone()),
            Some(_) => None,
        }
    }

    async fn call(&self, at: &ChainStage<'_>) -> Run<Verdict> {
        if placeholder::holds_foreign(&self.data, &[]) {
            return Run::refused("the event holds a placeholder of a secret (wxs_…)".to_owned());
        }
        let input = StageInput {
            digest: at.stage.digest,
            event: self.input.event,
            data: self.data.clone(),
            webhook: self.input.webhook.clone(),
            settings: at.settings,
            fuel: self.budget.saturating_sub(self.used),
        };
        self.transform.transform(input).await
    }

    /// What only the chain can judge of a run: placeholders that aren't the stage's, and fuel that others used up.
    fn judge(&self, run: Run<Verdict>, own: &[String]) -> Run<Verdict> {
        let result = match run.result {
            Ok(Verdict::Replace(data)) if placeholder::holds_foreign(&data, &[]) => {
                Err(foreign("the data that it replaced"))
            }
            Ok(Verdict::Send(draft)) => {
                foreign_part(&draft, own).map_or(Ok(Verdict::Send(draft)), |part| Err(foreign(part)))
            }
            Err(FaultKind::Limit { limit: Limit::ChainFuel, .. }) => Err(FaultKind::Limit {
                limit: Limit::ChainFuel,
                used: self.used.saturating_add(run.cost.fuel),
                allowed: self.budget,
            }),
            other => other,
        };
        Run { result, ..run }
    }
}

/// A host's fault is never skipped: the attempt is repeated instead, so that the same event always makes the same bytes.
fn skips(on_error: OnError, kind: &FaultKind) -> bool {
    on_error == OnError::Skip && kind.blame() == crate::model::fault::Blame::Guest
}

fn foreign(part: &str) -> FaultKind {
    FaultKind::BadOutput {
        message: format!("{part} holds a placeholder (wxs_…) that isn't of this plugin's settings")
    }
}

/// The part of a request that holds a placeholder which isn't the stage's own.
fn foreign_part(draft: &RequestDraft, own: &[String]) -> Option<&'static str> {
    let foreign = |text: &str| placeholder::holds_foreign(text.as_bytes(), own);
    if placeholder::holds_foreign(&draft.body, own) {
        Some("the body")
    } else if draft.headers.iter().any(|header| foreign(&header.value) || foreign(&header.name)) {
        Some("a header")
    } else if draft.query.iter().any(|(name, value)| foreign(name) || foreign(value)) {
        Some("the query")
    } else if draft.path.as_deref().is_some_and(foreign) {
        Some("the path")
    } else {
        foreign(&draft.content_type).then_some("the content type")
    }
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
