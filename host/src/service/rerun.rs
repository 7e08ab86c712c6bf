//! What was sent, once more: a rerun of a past delivery, and a backtest of a plugin's candidate over past deliveries. Sends nothing,
//! stores nothing.

use std::sync::Arc;

use serde::Deserialize;

use crate::deliver::{Preview, PreviewEnd};
use crate::format::{self, Wrapping};
use crate::model::delivery::{Delivery, FixedBody};
use crate::model::event::{Event, Payload};
use crate::model::ids::DeliveryId;
use crate::model::page::PageRequest;
use crate::model::plugin::{Plugin, Stage};
use crate::model::webhook::{Revision, Webhook};
use crate::store::DeliveryFilter;

use super::Services;
use super::caller::Caller;
use super::error::{Result, ServiceError};

const BACKTEST_MAX: u32 = 200;
const BACKTEST_DEFAULT: u32 = 50;

#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RerunInput {
    /// Other versions of the plugins in the chain, as `name@version` or digests; settings stay.
    pub plugins: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BacktestInput {
    /// The version to try.
    #[schema(example = "1.1.0")]
    pub version: String,
    /// Over how many of the newest deliveries: 1 to 200, 50 by default.
    #[serde(default)]
    pub last: Option<u32>,
}

/// A past delivery, run once more.
#[derive(Clone, Debug)]
pub struct Rerun {
    pub delivery: Delivery,
    pub before: Option<Vec<u8>>,
    pub now: Preview,
    /// The bytes are those that were made then; `None` where nothing had been made.
    pub same: Option<bool>,
}

/// One delivery's outputs, before and with the candidate.
#[derive(Clone, Debug)]
pub struct Compared {
    pub delivery: DeliveryId,
    pub same: bool,
    pub before: Preview,
    pub after: Preview,
}

impl Services {
    /// The chain of the revision that the delivery used, over the same event: bit for bit, unless other versions are asked for.
    pub async fn rerun_delivery(&self, caller: &Caller, id: DeliveryId, input: RerunInput) -> Result<Rerun> {
        caller.must_configure()?;
        let delivery = self.delivery(caller, id).await?;
        let _permit = self.trial()?;
        let past = self.past(caller, &delivery).await?;
        let mut revision = Revision::clone(&past.revision);
        for (index, reference) in input.plugins.iter().enumerate() {
            let at = format!("/plugins/{index}");
            let found = self.find_plugin(caller, reference);
            let plugin = found.map_err(|error| ServiceError::invalid(&at, "unknown-plugin", error))?;
            if !exchange(&mut revision.chain, &plugin) {
                let detail = format!("the delivery's chain has no plugin '{}'", plugin.manifest.name);
                return Err(ServiceError::invalid(at, "unknown-plugin", detail));
            }
        }
        let now = self.deliver.preview(&past.webhook, &revision, &past.event).await;
        let before = self.store.fixed(id).await?.and_then(|fixed| past.body(&fixed.body));
        let same = before.as_deref().map(|before| body_of(&now) == Some(before));
        Ok(Rerun { delivery, before, now, same })
    }

    /// A candidate over the newest deliveries that used the plugin: which outputs differ.
    pub async fn backtest_plugin(&self, caller: &Caller, name: &str, input: BacktestInput) -> Result<Vec<Compared>> {
        caller.must_administer()?;
        let last = input.last.unwrap_or(BACKTEST_DEFAULT);
        if !(1..=BACKTEST_MAX).contains(&last) {
            return Err(ServiceError::invalid("/last", "out-of-bounds", format!("must be 1 to {BACKTEST_MAX}")));
        }
        self.plugin_versions(caller, name)?;
        let candidate = self.plugin_version(caller, name, &input.version);
        let unknown =
            |_| ServiceError::invalid("/version", "unknown-plugin", format!("there is no {name}@{}", input.version));
        let candidate = candidate.map_err(unknown)?;
        let _permit = self.trial()?;
        let mut compared = Vec::new();
        for delivery in self.users_of(caller, (name, last), |delivery| delivery.revision.is_some()).await? {
            let Ok(past) = self.past(caller, &delivery).await else { continue };
            let mut revision = Revision::clone(&past.revision);
            if !exchange(&mut revision.chain, &candidate) {
                continue;
            }
            let before = self.deliver.preview(&past.webhook, &past.revision, &past.event).await;
            let after = self.deliver.preview(&past.webhook, &revision, &past.event).await;
            let same = outcome_of(&before) == outcome_of(&after);
            compared.push(Compared { delivery: delivery.id, same, before, after });
        }
        Ok(compared)
    }

    /// What a delivery was made from.
    async fn past(&self, caller: &Caller, delivery: &Delivery) -> Result<Past> {
        let webhook = self.webhook_of(caller, delivery.webhook)?;
        let event = self.event(caller, delivery.event).await?;
        let revision = match delivery.revision {
            None => Arc::clone(&webhook.revision),
            Some(id) => self.store.revision(id).await?.ok_or_else(|| ServiceError::not_found("revision", id))?,
        };
        Ok(Past { webhook, revision, event })
    }

    /// Of the newest deliveries of each webhook that has the plugin in its chain, the newest of these; tests are left out.
    pub(super) async fn users_of(
        &self,
        caller: &Caller,
        (name, last): (&str, u32),
        wanted: impl Fn(&Delivery) -> bool,
    ) -> Result<Vec<Delivery>> {
        let uses = |webhook: &Arc<Webhook>| webhook.revision.chain.iter().any(|stage| stage.name == name);
        let mut found = Vec::new();
        for webhook in self.directory.all().into_iter().filter(uses).filter(|webhook| caller.sees(&webhook.tenant)) {
            let filter = DeliveryFilter { webhook: Some(webhook.id), ..DeliveryFilter::default() };
            let page = self.store.deliveries(&filter, PageRequest { limit: last, before: None }).await?;
            found.extend(page.rows.into_iter().filter(|delivery| !delivery.test && wanted(delivery)));
        }
        found.sort_unstable_by_key(|delivery| std::cmp::Reverse(delivery.id));
        found.truncate(usize::try_from(last).unwrap_or(usize::MAX));
        Ok(found)
    }
}

struct Past {
    webhook: Arc<Webhook>,
    revision: Arc<Revision>,
    event: Arc<Event>,
}

impl Past {
    /// The bytes that the first attempt fixed, made as every retry makes them. `None`: the format can't carry them any more.
    fn body(&self, fixed: &FixedBody) -> Option<Vec<u8>> {
        let data = match fixed {
            FixedBody::Drafted(draft) => return Some(draft.body.to_vec()),
            FixedBody::Replaced(bytes) => Payload { bytes: bytes.clone(), ..self.event.data.clone() },
            FixedBody::Rebuilt => self.event.data.clone(),
        };
        // As a preview writes it: some envelopes name the delivery, and a rerun is none.
        let delivery = DeliveryId::from(self.event.id.number());
        let endpoint = self.revision.endpoint.expose();
        let wrapping = Wrapping { event: &self.event, data: &data, delivery, test: true, endpoint };
        format::wrap(&self.revision.format, wrapping).ok().map(|wrapped| wrapped.body.to_bytes().to_vec())
    }
}

/// Puts another version of a plugin where its name stands in the chain. `false`: it stands nowhere.
fn exchange(chain: &mut [Stage], plugin: &Plugin) -> bool {
    let mut found = false;
    for stage in chain.iter_mut().filter(|stage| stage.name == plugin.manifest.name) {
        stage.digest = plugin.digest;
        stage.version = plugin.manifest.version.clone();
        stage.classifies = plugin.manifest.classifying();
        found = true;
    }
    found
}

fn body_of(preview: &Preview) -> Option<&[u8]> {
    match &preview.end {
        PreviewEnd::Request { body, .. } => Some(body),
        PreviewEnd::Nothing(_) => None,
    }
}

/// What a receiver would notice: method, URL and body, or why nothing is sent. Signatures differ with the time and don't count.
fn outcome_of(preview: &Preview) -> Noticed<'_> {
    match &preview.end {
        PreviewEnd::Request { sent, body } => Noticed::Request(sent.method.as_str(), &sent.url, body),
        PreviewEnd::Nothing(outcome) => Noticed::Nothing(format!("{outcome:?}")),
    }
}

#[derive(PartialEq)]
enum Noticed<'a> {
    Request(&'a str, &'a str, &'a [u8]),
    Nothing(String),
}
