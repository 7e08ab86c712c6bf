//! Reading the log: deliveries by filter, one with its attempts.

use crate::model::attempt::Attempt;
use crate::model::delivery::Delivery;
use crate::model::ids::DeliveryId;
use crate::model::page::{Page, PageRequest};
use crate::store::DeliveryFilter;

use super::Services;
use super::caller::Caller;
use super::error::{Result, ServiceError};

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
}
