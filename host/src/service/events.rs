//! Posting and reading events. Accepting itself is `ingest`'s; here stands who may.

use std::sync::Arc;

use crate::ingest::{Accepted, IngestError, Posting};
use crate::model::event::Event;
use crate::model::ids::EventId;
use crate::model::page::{Page, PageRequest};
use crate::store::EventFilter;

use super::Services;
use super::caller::Caller;
use super::error::{Result, ServiceError};

impl Services {
    /// Durable when it returns.
    pub async fn publish(&self, caller: &Caller, posting: Posting<'_>) -> Result<Accepted> {
        caller.must_publish()?;
        let posting = Posting { tenant: caller.tenant.as_ref(), ..posting };
        let asked = self.store.reach().ask();
        let accepted = self.ingest.accept(posting).await;
        match &accepted {
            Ok(_) => self.store.reach().found(),
            Err(IngestError::Store(error)) => drop(self.store.reach().lost(error, asked)),
            Err(_) => {}
        }
        Ok(accepted?)
    }

    pub async fn event(&self, caller: &Caller, id: EventId) -> Result<Arc<Event>> {
        caller.must_read()?;
        let found = self.store.event(caller.tenant.as_ref(), id).await?;
        found.ok_or_else(|| ServiceError::not_found("event", id))
    }

    /// Newest first.
    pub async fn events(&self, caller: &Caller, filter: EventFilter, page: PageRequest) -> Result<Page<Arc<Event>>> {
        caller.must_read()?;
        let filter = EventFilter { tenant: caller.scope(filter.tenant.clone())?, ..filter };
        Ok(self.store.events(&filter, page).await?)
    }
}
