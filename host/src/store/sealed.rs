//! Webhooks and revisions as rows: the plain parts as JSON, the secret parts sealed together, bound to their row.
//!
//! Pure, and the same for every database. Nothing secret leaves here unsealed: the URL, the values of the webhook's own headers,
//! its signing secrets and the secrets of its plugins' settings.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::packed::damaged;
use super::{Result, StoreError};
use crate::clock::Rng;
use crate::model::ids::{ReceivedId, RevisionId, SinkId, WebhookId};
use crate::model::name::{Environment, Subscription};
use crate::model::plugin::{Classifies, Digest, OnError, Stage};
use crate::model::policy::RetryPolicy;
use crate::model::request::Header;
use crate::model::secret::{Secret, SigningSecret};
use crate::model::sink::{Received, ReceivedHead};
use crate::model::time::Timestamp;
use crate::model::webhook::{Current, Format, Ordering, Revision, SecretUrl, Status};
use crate::vault::Vault;

/// What seals and opens: the server's key, and randomness for the nonces.
#[derive(Clone, Copy)]
pub struct Sealer<'a> {
    pub vault: &'a Vault,
    pub rng: &'a dyn Rng,
}

/// A row's two parts.
pub struct Parts {
    pub plain: String,
    pub sealed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Policies {
    timeout_ms: u64,
    retry: RetryPolicy,
    rate_limit: Option<u32>,
    ordering: Ordering,
    allow_origins: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    url: std::borrow::Cow<'a, str>,
    headers: Vec<Header>,
    secrets: Vec<(std::borrow::Cow<'a, str>, Option<u64>)>,
}

#[derive(Serialize, Deserialize)]
struct RevisionBody {
    status: Status,
    environment: Environment,
    subscription: Subscription,
    format: Format,
    chain: Vec<StageBody>,
}

#[derive(Serialize, Deserialize)]
struct StageBody {
    digest: Digest,
    name: String,
    version: semver::Version,
    settings: std::sync::Arc<str>,
    on_error: OnError,
    classifies: Classifies,
}

#[derive(Serialize, Deserialize)]
struct SealedRevision<'a> {
    endpoint: std::borrow::Cow<'a, str>,
    /// By stage: JSON Pointer to value.
    stages: Vec<BTreeMap<String, String>>,
}

impl Sealer<'_> {
    pub fn seal_current(&self, webhook: WebhookId, current: &Current) -> Result<Parts> {
        let policies = Policies {
            timeout_ms: u64::try_from(current.timeout.as_millis()).unwrap_or(u64::MAX),
            retry: current.retry.clone(),
            rate_limit: current.rate_limit,
            ordering: current.ordering,
            allow_origins: current.allow_origins.clone(),
        };
        let signing =
            |kept: &'_ SigningSecret| (kept.secret.expose().to_owned().into(), kept.until.map(Timestamp::millis));
        let secret = Sealed {
            url: current.url.expose().as_str().into(),
            headers: current.headers.clone(),
            secrets: current.secrets.iter().map(signing).collect(),
        };
        let place = webhook_place(webhook);
        Ok(Parts { plain: to_json(&policies)?, sealed: self.seal(&place, &secret)? })
    }

    pub fn open_current(&self, webhook: WebhookId, parts: &Parts) -> Result<Current> {
        let policies: Policies = from_json("webhook", parts.plain.as_bytes())?;
        let opened = self.open("webhook", &webhook_place(webhook), &parts.sealed)?;
        let secret: Sealed<'_> = from_json("webhook", &opened)?;
        let signing = |(text, until): (std::borrow::Cow<'_, str>, Option<u64>)| SigningSecret {
            secret: Secret::new(text),
            until: until.map(Timestamp::from_millis),
        };
        Ok(Current {
            url: SecretUrl::new(Url::parse(&secret.url).map_err(|error| damaged("webhook", error))?),
            headers: secret.headers,
            secrets: secret.secrets.into_iter().map(signing).collect(),
            timeout: Duration::from_millis(policies.timeout_ms),
            retry: policies.retry,
            rate_limit: policies.rate_limit,
            ordering: policies.ordering,
            allow_origins: policies.allow_origins,
        })
    }

    pub fn seal_revision(&self, revision: &Revision) -> Result<Parts> {
        let body = RevisionBody {
            status: revision.status,
            environment: revision.environment.clone(),
            subscription: revision.subscription.clone(),
            format: revision.format.clone(),
            chain: revision.chain.iter().map(StageBody::of).collect(),
        };
        let exposed = |(pointer, value): (&String, &Secret)| (pointer.clone(), value.expose().to_owned());
        let secret = SealedRevision {
            endpoint: revision.endpoint.expose().as_str().into(),
            stages: revision.chain.iter().map(|stage| stage.secrets.iter().map(exposed).collect()).collect(),
        };
        Ok(Parts { plain: to_json(&body)?, sealed: self.seal(&revision_place(revision.id), &secret)? })
    }

    pub fn open_revision(&self, row: RevisionRow, parts: &Parts) -> Result<Revision> {
        let body: RevisionBody = from_json("revision", parts.plain.as_bytes())?;
        let opened = self.open("revision", &revision_place(row.id), &parts.sealed)?;
        let secret: SealedRevision<'_> = from_json("revision", &opened)?;
        // Every stage has its entry, though most are empty.
        let mut secrets = secret.stages.into_iter();
        let chain = body.chain.into_iter().map(|stage| stage.with(secrets.next().unwrap_or_default())).collect();
        Ok(Revision {
            id: row.id,
            webhook: row.webhook,
            valid_from: row.valid_from,
            status: body.status,
            environment: body.environment,
            subscription: body.subscription,
            format: body.format,
            endpoint: SecretUrl::new(Url::parse(&secret.endpoint).map_err(|error| damaged("revision", error))?),
            chain,
        })
    }

    /// A sink's token.
    pub fn seal_token(&self, sink: SinkId, token: &Secret) -> Vec<u8> {
        self.vault.seal(&sink_place(sink), token.expose().as_bytes(), self.rng)
    }

    pub fn open_token(&self, sink: SinkId, sealed: &[u8]) -> Result<Secret> {
        let opened = self.open("sink", &sink_place(sink), sealed)?;
        let token = std::str::from_utf8(&opened).map_err(|error| damaged("sink", error))?;
        Ok(Secret::new(token))
    }

    /// Head and body of what came to a sink: it may hold whatever a webhook's secrets are.
    pub fn seal_received(&self, received: &Received) -> Result<(Vec<u8>, Vec<u8>)> {
        let [head, body] = received_places(received.id);
        Ok((self.seal(&head, &received.head)?, self.vault.seal(&body, &received.body, self.rng)))
    }

    pub fn open_received(&self, id: ReceivedId, (head, body): (&[u8], &[u8])) -> Result<(ReceivedHead, Bytes)> {
        let [head_place, body_place] = received_places(id);
        let opened = self.open("received request", &head_place, head)?;
        let body = self.open("received request", &body_place, body)?;
        Ok((from_json("received request", &opened)?, Bytes::copy_from_slice(&body)))
    }

    fn seal(&self, place: &str, secret: &impl Serialize) -> Result<Vec<u8>> {
        let plain = Zeroizing::new(to_json(secret)?);
        Ok(self.vault.seal(place, plain.as_bytes(), self.rng))
    }

    fn open(&self, what: &'static str, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        // The key's id was compared when the database was opened: what doesn't open now was tampered with or moved.
        self.vault.open(place, sealed).map_err(|error| damaged(what, error))
    }
}

/// A revision's own columns.
#[derive(Clone, Copy, Debug)]
pub struct RevisionRow {
    pub id: RevisionId,
    pub webhook: WebhookId,
    pub valid_from: Timestamp,
}

impl StageBody {
    fn of(stage: &Stage) -> Self {
        Self {
            digest: stage.digest,
            name: stage.name.clone(),
            version: stage.version.clone(),
            settings: stage.settings.clone(),
            on_error: stage.on_error,
            classifies: stage.classifies,
        }
    }

    fn with(self, secrets: BTreeMap<String, String>) -> Stage {
        Stage {
            digest: self.digest,
            name: self.name,
            version: self.version,
            settings: self.settings,
            secrets: secrets.into_iter().map(|(pointer, value)| (pointer, Secret::new(value))).collect(),
            on_error: self.on_error,
            classifies: self.classifies,
        }
    }
}

fn webhook_place(id: WebhookId) -> String {
    format!("webhooks/{id}/sealed")
}

fn sink_place(id: SinkId) -> String {
    format!("sinks/{id}/sealed")
}

fn received_places(id: ReceivedId) -> [String; 2] {
    ["head", "body"].map(|part| format!("sink_requests/{id}/{part}"))
}

fn revision_place(id: RevisionId) -> String {
    format!("revisions/{id}/sealed")
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| damaged("value", error))
}

pub(super) fn from_json<'a, T: Deserialize<'a>>(what: &'static str, json: &'a [u8]) -> Result<T, StoreError> {
    serde_json::from_slice(json).map_err(|error| damaged(what, error))
}
