//! One event of each type that licence systems post, as the formatters' samples.
//!
//! `license.validated` is the example of the licence validator's own documentation. The files are in `samples/`. Next:
//! the formatters' `samples.rs`.

/// An event to show a formatter with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleEvent {
    /// The event type as a slug.
    pub name: &'static str,
    pub event_type: &'static str,
    pub data: &'static [u8],
}

macro_rules! samples {
    ($($name:literal $event_type:literal)*) => {
        &[$(SampleEvent {
            name: $name,
            event_type: $event_type,
            data: include_bytes!(concat!("../samples/", $event_type, ".json")),
        }),*]
    };
}

/// The sample events.
pub const SAMPLES: &[SampleEvent] = samples! {
    "license-created" "license.created"
    "license-updated" "license.updated"
    "license-deleted" "license.deleted"
    "license-assigned" "license.assigned"
    "license-activated" "license.activated"
    "license-deactivated" "license.deactivated"
    "license-suspended" "license.suspended"
    "license-expired" "license.expired"
    "license-revoked" "license.revoked"
    "license-validated" "license.validated"
    "license-disabled" "license.disabled"
    "license-validation" "license.validation"
    "license-expiring-soon" "license.expiring-soon"
    "activation-created" "activation.created"
    "activation-deleted" "activation.deleted"
    "activation-failed" "activation.failed"
    "product-created" "product.created"
    "product-updated" "product.updated"
    "product-deleted" "product.deleted"
    "contract-created" "contract.created"
    "contract-updated" "contract.updated"
    "contract-deleted" "contract.deleted"
    "contract-suspended" "contract.suspended"
    "telemetry-received" "telemetry.received"
    "telemetry-flagged" "telemetry.flagged"
    "user-created" "user.created"
};
