//! From what a delivery's first attempt fixed to the finished request of this attempt: envelope or draft, headers, secrets,
//! signature. Pure; what the log may show is made beside it, so that no filled secret can get there.

use std::borrow::Cow;

use url::Url;

use super::mask;
use crate::format::fill::fill;
use crate::format::mask::Mask;
use crate::format::{self, FormatError, Signing, Wrapping};
use crate::model::attempt::{Outcome, Sent};
use crate::model::delivery::FixedBody;
use crate::model::event::{ContentType, Event, Payload};
use crate::model::fault::{Fault, FaultKind};
use crate::model::ids::DeliveryId;
use crate::model::placeholder::Filling;
use crate::model::plugin::Stage;
use crate::model::request::{Body, Header, Method, Request, RequestDraft};
use crate::model::secret::{SIGNING_SECRETS_MAX, SigningSecret};
use crate::model::time::Timestamp;
use crate::model::webhook::{Revision, SecretUrl, Webhook};

/// What a request is made of: the body as it was fixed, in the format that was fixed, for the webhook as it is now.
#[derive(Clone, Copy)]
pub(super) struct Making<'a> {
    pub(super) event: &'a Event,
    pub(super) delivery: DeliveryId,
    pub(super) test: bool,
    pub(super) webhook: &'a Webhook,
    pub(super) revision: &'a Revision,
    pub(super) body: &'a FixedBody,
    /// The secrets of the stage that drafted it.
    pub(super) fillings: &'a [Filling],
    /// The attempt's own time.
    pub(super) now: Timestamp,
}

pub(super) struct Outgoing {
    pub(super) request: Request,
    pub(super) sent: Sent,
    /// Hides in the reply what was filled into the request.
    pub(super) mask: Mask,
}

/// The stage that drafted the request, if one did.
pub(super) fn drafted_by<'a>(body: &FixedBody, revision: &'a Revision) -> Option<&'a Stage> {
    match body {
        FixedBody::Drafted(draft) => revision.chain.get(draft.stage),
        FixedBody::Rebuilt | FixedBody::Replaced(_) => None,
    }
}

pub(super) fn label(stage: &Stage) -> String {
    format!("{}@{}", stage.name, stage.version)
}

/// The finished request; else the outcome of an attempt that sends nothing, which is final.
pub(super) fn build(making: &Making<'_>) -> Result<Outgoing, Outcome> {
    let unsigned = match making.body {
        FixedBody::Rebuilt => wrapped(making, &making.event.data)?,
        FixedBody::Replaced(bytes) => {
            let content_type = making.event.data.content_type.clone();
            wrapped(making, &Payload { content_type, bytes: bytes.clone() })?
        }
        FixedBody::Drafted(draft) => drafted(making, draft)?,
    };
    let secrets = current_secrets(&making.webhook.current.secrets, making.now);
    let signing = Signing {
        event: making.event,
        delivery: making.delivery,
        test: making.test,
        secrets: &secrets,
        now: making.now,
        method: unsigned.method,
        url: &unsigned.url,
        body: &unsigned.body,
    };
    let signature = format::sign(&making.revision.format, signing).map_err(unfit)?;
    let Unsigned { method, url, shown_url, own, headers, shown, content_type, body } = unsigned;
    let content_type = std::slice::from_ref(&content_type);
    let headers = merged([own, &headers, content_type, &signature]);
    let request = Request { method, url, headers, body };
    let sent = mask::sent(&request, shown_url, &merged([own, shown, content_type, &[]]), &signature);
    Ok(Outgoing { request, sent, mask: Mask::new(making.fillings) })
}

/// Envelope or draft, placeholders filled, before it is signed.
struct Unsigned<'a> {
    method: Method,
    url: Url,
    /// As it may be shown.
    shown_url: String,
    /// The webhook's own headers, where they may go.
    own: &'a [Header],
    headers: Vec<Header>,
    /// `headers` as they may be shown.
    shown: &'a [Header],
    content_type: Header,
    body: Body,
}

fn wrapped<'a>(making: &Making<'a>, data: &Payload) -> Result<Unsigned<'a>, Outcome> {
    let current = &making.webhook.current;
    let url = current.url.expose();
    let endpoint = making.revision.endpoint.expose();
    let wrapping = Wrapping { event: making.event, data, delivery: making.delivery, test: making.test, endpoint };
    let wrapped = format::wrap(&making.revision.format, wrapping).map_err(unfit)?;
    Ok(Unsigned {
        method: Method::Post,
        url: url.clone(),
        shown_url: current.url.to_string(),
        own: &current.headers,
        headers: Vec::new(),
        shown: &[],
        content_type: format::content_type(&wrapped.content_type),
        body: wrapped.body,
    })
}

fn drafted<'a>(making: &Making<'a>, draft: &'a RequestDraft) -> Result<Unsigned<'a>, Outcome> {
    let (home, current) = (making.webhook.current.url.expose(), &making.webhook.current);
    let filled = fill(draft, home, making.fillings).map_err(|error| {
        let plugin = making.revision.chain.get(draft.stage).map(label).unwrap_or_default();
        Outcome::TransformFailed { fault: Fault { plugin, kind: FaultKind::BadOutput { message: error.to_string() } } }
    })?;
    let origin = filled.url.origin();
    let abroad = origin != home.origin();
    // It was granted when the chain ran; an admin may have taken the grant back since.
    if abroad && !current.allow_origins.contains(&origin.ascii_serialization()) {
        let message = format!("the webhook may not send to {} (any more)", origin.ascii_serialization());
        return Err(Outcome::FormatFailed { code: "origin-not-allowed".into(), message });
    }
    Ok(Unsigned {
        method: draft.method,
        url: filled.url,
        shown_url: SecretUrl::new(filled.shown_url).to_string(),
        own: if abroad { &[] } else { &current.headers },
        headers: filled.headers,
        shown: &draft.headers,
        content_type: format::content_type(&ContentType::Other(draft.content_type.as_str().into())),
        body: filled.body,
    })
}

fn current_secrets(secrets: &[SigningSecret], now: Timestamp) -> Cow<'_, [SigningSecret]> {
    match secrets {
        [only] if only.is_current(now) => Cow::Borrowed(secrets),
        _ => secrets.iter().filter(|secret| secret.is_current(now)).take(SIGNING_SECRETS_MAX).cloned().collect(),
    }
}

/// One header for each name; a later list goes before an earlier one.
fn merged(lists: [&[Header]; 4]) -> Vec<Header> {
    let mut merged: Vec<Header> = Vec::with_capacity(lists.iter().map(|list| list.len()).sum());
    for header in lists.into_iter().flatten() {
        match merged.iter_mut().find(|known| known.name == header.name) {
            Some(known) => known.clone_from(header),
            None => merged.push(header.clone()),
        }
    }
    merged
}

fn unfit(error: FormatError) -> Outcome {
    Outcome::FormatFailed { code: error.code().into(), message: error.to_string() }
}
