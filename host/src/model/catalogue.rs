//! The catalogue of event types: description, JSON Schema, sample.

use super::name::EventType;
use super::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    pub event_type: EventType,
    pub description: String,
    /// JSON Schema 2020-12 of the data; checked only for a strict tenant.
    pub schema: Option<String>,
    /// A JSON text: what `test`, `preview` and `trigger` send when they are not given data.
    pub sample: Option<String>,
    pub deprecated: bool,
    pub updated_at: Timestamp,
}
