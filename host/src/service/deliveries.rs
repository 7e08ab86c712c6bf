//! Reading the log: deliveries by filter, one with its attempts.

use bytes::Bytes;

use crate::format::{self, Wrapping};
use crate::model::attempt::Attempt;
use crate::model::delivery::{Delivery, FixedBody};
use crate::model::event::Payload;
use crate::model::ids::DeliveryId;
use crate::model::page::{Page, PageRequest};
use crate::store::DeliveryFilter;

use super::Services;
use super::caller::Caller;
use super::error::{Result, ServiceError};

/// What all attempts of a delivery send.
#[derive(Clone, Debug)]
pub struct DeliveryBody {
    pub body: Bytes,
    /// What the chain made of the event's data, where it changed it.
    pub changed: Option<Bytes>,
}

impl Services {
    /// Newest first.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<Delivery>> {
        caller.must_read()?;
        let filter = DeliveryFilter { tenant: caller.scope(filter.tenant.clone())?, ..filter };
        Ok(self.store.deliveries(&filter, page).await?)
    }

    pub async fn delivery(&self, caller: &Caller, id: DeliveryId) -> Result<Delivery> {
        caller.must_read()?;
        let found = self.store.delivery(caller.tenant.as_ref(), id).await?;
        found.ok_or_else(|| ServiceError::not_found("delivery", id))
    }

    /// With its attempts, oldest first.
    pub async fn delivery_with_attempts(&self, caller: &Caller, id: DeliveryId) -> Result<(Delivery, Vec<Attempt>)> {
        let delivery = self.delivery(caller, id).await?;
        let attempts = self.store.attempts(id).await?;
        Ok((delivery, attempts))
    }

    /// The bytes that every attempt sends, secrets still placeholders. `None`: no attempt has made them, or the event is gone.
    pub async fn delivery_body(&self, caller: &Caller, id: DeliveryId) -> Result<Option<DeliveryBody>> {
        let delivery = self.delivery(caller, id).await?;
        let Some(fixed) = self.store.fixed(id).await? else { return Ok(None) };
        let Some(event) = self.store.event(caller.tenant.as_ref(), delivery.event).await? else { return Ok(None) };
        let Some(revision) = self.store.revision(fixed.revision).await? else { return Ok(None) };
        let (data, changed) = match &fixed.body {
            FixedBody::Drafted(draft) => {
                return Ok(Some(DeliveryBody { body: draft.body.clone(), changed: Some(draft.body.clone()) }));
            }
            FixedBody::Replaced(bytes) => (Payload { bytes: bytes.clone(), ..event.data.clone() }, Some(bytes.clone())),
            FixedBody::Rebuilt => (event.data.clone(), None),
        };
        // One format writes the webhook's URL into the body.
        let shown = if caller.sees_urls() { None } else { Some(revision.endpoint.to_string()) };
        let Ok(masked) = shown.map(|shown| shown.parse::<url::Url>()).transpose() else { return Ok(None) };
        let endpoint = masked.as_ref().unwrap_or_else(|| revision.endpoint.expose());
        let wrapping = Wrapping { event: &event, data: &data, delivery: id, test: delivery.test, endpoint };
        let wrapped = format::wrap(&revision.format, wrapping).ok();
        Ok(wrapped.map(|wrapped| DeliveryBody { body: wrapped.body.to_bytes(), changed }))
    }
}
