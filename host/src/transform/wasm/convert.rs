//! Between the contract's types and ours: what a plugin is told, and what it answered where no check is needed.

use super::contract::{response, types};

use super::log::shown;
use crate::model::attempt::Judgement;
use crate::model::fault::{FaultKind, Limit};
use crate::transform::{ClassifyInput, ReplyView, Run, SettingsIssue, StageInput};

const MESSAGE_MAX: usize = 1024;
const ISSUES_MAX: usize = 64;

impl<T> Run<T> {
    /// The answer turned into another, which may turn out to be a fault.
    pub(super) fn map<U>(self, turn: impl FnOnce(T) -> Result<U, FaultKind>) -> Run<U> {
        Run { result: self.result.and_then(turn), cost: self.cost, log: self.log, log_dropped: self.log_dropped }
    }
}

pub(super) fn event(input: &StageInput<'_>, id: &str) -> types::Event {
    let event = input.event;
    let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    types::Event {
        id: id.to_owned(),
        event_type: event.event_type.as_str().to_owned(),
        occurred_at: event.occurred_at.millis(),
        content_type: event.data.content_type.as_str().to_owned(),
        data: input.data.to_vec(),
        attributes: vec![
            attribute("tenant", event.tenant.as_str()),
            attribute("environment", event.environment.as_str()),
        ],
    }
}

pub(super) fn webhook(input: &StageInput<'_>, id: &str) -> types::Webhook {
    types::Webhook { id: id.to_owned(), origin: input.webhook.origin.to_owned(), attributes: Vec::new() }
}

pub(super) fn reply(reply: &ReplyView<'_>) -> response::Reply {
    let header = |header: &crate::model::request::Header| types::Header {
        name: header.name.to_string(),
        value: header.value.to_string(),
    };
    response::Reply {
        status: reply.status,
        headers: reply.headers.iter().map(header).collect(),
        body: reply.body.iter().take(crate::model::attempt::RESPONSE_READ_MAX).copied().collect(),
        attributes: Vec::new(),
    }
}

pub(super) fn context(input: &ClassifyInput<'_>, event_id: String) -> response::Context {
    response::Context { settings: input.settings.to_owned(), event_id, attempt: input.attempt, attributes: Vec::new() }
}

/// What it said; a plugin that doesn't export `response` should not have been asked.
pub(super) fn judgement(said: Option<response::Judgement>) -> Result<Option<Judgement>, FaultKind> {
    let said = said.ok_or_else(|| FaultKind::Host { message: "it doesn't judge replies".to_owned() })?;
    Ok(match said {
        response::Judgement::Success => None,
        response::Judgement::Retry(after_ms) => Some(Judgement::Retry { after_ms }),
        response::Judgement::Fail(reason) => Some(Judgement::Fail { reason: shown(&reason, MESSAGE_MAX) }),
        response::Judgement::DisableWebhook(reason) => {
            Some(Judgement::DisableWebhook { reason: shown(&reason, MESSAGE_MAX) })
        }
    })
}

pub(super) fn failure(said: types::Failure) -> FaultKind {
    let message = match said {
        types::Failure::InvalidEvent(why) => format!("the event doesn't suit it: {why}"),
        types::Failure::InvalidSettings(issues) => {
            let each = issues.iter().take(ISSUES_MAX).map(|issue| format!("{} {}", issue.path, issue.message));
            format!("the settings don't suit it: {}", each.collect::<Vec<_>>().join("; "))
        }
        types::Failure::Other(why) => why,
    };
    FaultKind::Failure { message: shown(&message, MESSAGE_MAX) }
}

pub(super) fn issues(said: Option<Vec<types::Issue>>) -> Result<Vec<SettingsIssue>, FaultKind> {
    let said = said.unwrap_or_default();
    if said.len() > ISSUES_MAX {
        let number = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        return Err(FaultKind::Limit { limit: Limit::Count, used: number(said.len()), allowed: number(ISSUES_MAX) });
    }
    let issue = |issue: types::Issue| SettingsIssue {
        path: shown(&issue.path, MESSAGE_MAX),
        message: shown(&issue.message, MESSAGE_MAX),
    };
    Ok(said.into_iter().map(issue).collect())
}
