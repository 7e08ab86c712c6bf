//! Sinks: receivers of this server's own, for trying things out. Who sees one sees all that came to it, unmasked: a viewer sees none.

mod answer;
mod pace;
mod receive;

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::model::ids::{ReceivedId, SinkId};
use crate::model::name::Tenant;
use crate::model::page::{Page, PageRequest};
use crate::model::secret::Secret;
use crate::model::sink::{KEPT_FOR, Received, Sink, SinkAnswer};

use super::Services;
use super::audit::Done;
use super::caller::Caller;
use super::error::{Issues, Result, ServiceError};
use super::patch::Patch;

pub(super) use self::pace::Pace;
pub use self::receive::{Arrival, Taken};

/// Of one tenant.
const SINKS_MAX: u32 = 50;
const NAME_MAX: usize = 128;

/// A sink as it is made or changed. In a change, an absent field stays as it is and `null` puts the default back.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SinkInput {
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub name: Patch<String>,
    /// Only when making it.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub tenant: Patch<Tenant>,
    /// What it answers: 200 to 599; 200 by default.
    #[schema(value_type = Option<u16>, example = 200)]
    #[serde(default)]
    pub status: Patch<u16>,
    /// `retry-after`, `content-type`, `location`, or any that begins with `x-`; at most 20.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    #[serde(default)]
    pub headers: Patch<BTreeMap<String, String>>,
    /// At most 64 KiB; none by default.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub body: Patch<String>,
    /// Before it answers, 0 to 10,000.
    #[schema(value_type = Option<u32>)]
    #[serde(default)]
    pub delay_ms: Patch<u32>,
}

impl Services {
    pub async fn create_sink(&self, caller: &Caller, mut input: SinkInput) -> Result<Sink> {
        caller.must_configure()?;
        let tenant = caller.owner(std::mem::take(&mut input.tenant).fresh())?;
        self.profile(&tenant, "/tenant")?;
        let mut bits = [0; 16];
        self.rng.fill(&mut bits);
        let now = self.now();
        let (id, token) = (self.ids.next(now), Secret::new(hex::encode(bits)));
        let blank = Sink { id, tenant, name: String::new(), token, answer: SinkAnswer::default(), created_at: now };
        let sink = changed(blank, input)?;
        if !self.store.add_sink(&sink, SINKS_MAX).await? {
            return Err(ServiceError::Quota { limit: SINKS_MAX, used: SINKS_MAX });
        }
        self.did(caller, &sink, "sink.create").await?;
        Ok(sink)
    }

    /// Newest first.
    pub async fn sinks(&self, caller: &Caller, tenant: Option<Tenant>, page: PageRequest) -> Result<Page<Sink>> {
        caller.must_configure()?;
        Ok(self.store.sinks(caller.scope(tenant)?.as_ref(), page).await?)
    }

    pub async fn sink(&self, caller: &Caller, id: SinkId) -> Result<Sink> {
        caller.must_configure()?;
        let found = self.store.sink(caller.tenant.as_ref(), id).await?;
        found.ok_or_else(|| ServiceError::not_found("sink", id))
    }

    pub async fn update_sink(&self, caller: &Caller, id: SinkId, input: SinkInput) -> Result<Sink> {
        let old = self.sink(caller, id).await?;
        if !input.tenant.is_keep() {
            return Err(ServiceError::invalid("/tenant", "not-changeable", "a sink stays its tenant's: make another"));
        }
        let sink = changed(old, input)?;
        if !self.store.change_sink(&sink).await? {
            return Err(ServiceError::not_found("sink", id));
        }
        self.did(caller, &sink, "sink.update").await?;
        Ok(sink)
    }

    /// With all that came to it. Webhooks that lead to it stay, and fail.
    pub async fn delete_sink(&self, caller: &Caller, id: SinkId) -> Result<()> {
        let sink = self.sink(caller, id).await?;
        self.store.delete_sink(id).await?;
        self.did(caller, &sink, "sink.delete").await
    }

    /// Newest first.
    pub async fn received(&self, caller: &Caller, id: SinkId, page: PageRequest) -> Result<Page<Received>> {
        self.sink(caller, id).await?;
        Ok(self.store.received(id, self.now().minus(KEPT_FOR), page).await?)
    }

    pub async fn one_received(&self, caller: &Caller, sink: SinkId, id: ReceivedId) -> Result<Received> {
        self.sink(caller, sink).await?;
        let found = self.store.one_received(sink, id).await?.filter(|_| id.time() >= self.now().minus(KEPT_FOR));
        found.ok_or_else(|| ServiceError::not_found("received request", id))
    }

    pub async fn clear_sink(&self, caller: &Caller, id: SinkId) -> Result<()> {
        let sink = self.sink(caller, id).await?;
        self.store.clear_received(id).await?;
        self.did(caller, &sink, "sink.clear").await
    }

    /// The secret address of a sink: whoever knows it can send there.
    pub fn sink_url(&self, sink: &Sink) -> String {
        self.rules.own_sinks.url(sink.token.expose())
    }

    async fn did(&self, caller: &Caller, sink: &Sink, action: &'static str) -> Result<()> {
        let (target, detail) = (sink.id.to_string(), sink.name.clone());
        self.audit(caller, Done { tenant: Some(&sink.tenant), action, target, detail }).await
    }
}

fn changed(sink: Sink, input: SinkInput) -> Result<Sink> {
    let Sink { mut name, answer: SinkAnswer { mut status, mut headers, mut body, mut delay_ms }, .. } = sink;
    input.name.apply(&mut name);
    if input.status == Patch::Reset {
        status = SinkAnswer::default().status;
    } else {
        input.status.apply(&mut status);
    }
    input.headers.apply(&mut headers);
    input.body.apply(&mut body);
    input.delay_ms.apply(&mut delay_ms);
    let mut issues = Issues::default();
    if name.len() > NAME_MAX || name.chars().any(char::is_control) {
        issues.add("/name", "out-of-bounds", format!("at most {NAME_MAX} bytes, without control characters"));
    }
    let answer = answer::checked(SinkAnswer { status, headers, body, delay_ms }, &mut issues);
    issues.check()?;
    Ok(Sink { name, answer, ..sink })
}
