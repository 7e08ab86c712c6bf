//! One event of each type that licence systems post, as the formatters' samples, and data that is no object.
//!
//! `license.validated` is the example of the licence validator's own documentation. The files are in `samples/`. Next:
//! the formatters' `samples.rs`.

use waxwing_guest::Sample;

/// What is a formatter's own among its samples. Settings are JSON as it stands, so that no guest has to carry what writes it.
#[derive(Debug, Clone, Copy)]
pub struct OwnSamples {
    /// For an event of the type `license.expiring-soon`, whose parts they may name.
    pub settings: &'static str,
    /// An event of the type `user.created` that means harm.
    pub hostile: &'static [u8],
    pub hostile_settings: &'static str,
}

struct Case {
    name: &'static str,
    event_type: &'static str,
    data: &'static [u8],
    settings: &'static str,
}

macro_rules! events {
    ($($name:literal $event_type:literal)*) => {
        &[$(Case {
            name: $name,
            event_type: $event_type,
            data: include_bytes!(concat!("../samples/", $event_type, ".json")),
            settings: "{}",
        }),*]
    };
}

const EVENTS: &[Case] = events! {
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

const ODD: &[Case] = &[
    Case {
        name: "a-list",
        event_type: "telemetry.received",
        data: include_bytes!("../samples/odd/list.json"),
        settings: "{}",
    },
    Case {
        name: "not-json",
        event_type: "backup.finished",
        data: include_bytes!("../samples/odd/plain.txt"),
        settings: "{}",
    },
];

/// The samples of a formatter: every event with default settings, then its own, then the odd ones.
#[must_use]
pub fn samples(own: &OwnSamples) -> Vec<Sample> {
    let own = [
        Case {
            name: "with-settings",
            event_type: "license.expiring-soon",
            data: include_bytes!("../samples/odd/expiring.json"),
            settings: own.settings,
        },
        Case { name: "hostile", event_type: "user.created", data: own.hostile, settings: own.hostile_settings },
    ];
    EVENTS.iter().chain(&own).chain(ODD).map(Case::sample).collect()
}

impl Case {
    fn sample(&self) -> Sample {
        Sample {
            name: self.name.to_owned(),
            event_type: self.event_type.to_owned(),
            data: self.data.to_vec(),
            settings: self.settings.to_owned(),
        }
    }
}
