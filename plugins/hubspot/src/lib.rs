//! Creates and updates contacts in HubSpot's CRM: one batch upsert an event, by a mapping in the settings.
//!
//! Sends what the mapping names and nothing else of the event. Never sees the access token: it writes the placeholder, the host
//! fills it in. Never sends half an event: if one contact can't be written the way the settings want it, none is. Next:
//! `batch.rs` (events to contacts), `judge.rs` (what HubSpot's answers mean), `README.md`.

mod batch;
mod judge;
mod samples;
mod settings;

use waxwing_guest::{
    Attempt, Classify, Event, Failure, Issue, Judgement, Plugin, Reply, Request, Sample, Verdict, Webhook,
};

use crate::batch::Batch;
pub use crate::settings::{MissingId, Settings};

/// HubSpot's date-versioned API; the webhook's URL gives the origin, `https://api.hubapi.com`.
const PATH: &str = "/crm/objects/2026-03/contacts/batch/upsert";

/// The plugin.
pub struct Hubspot;

impl Plugin for Hubspot {
    type Settings = Settings;

    const EVENT_TYPES: &'static [&'static str] = &["user.*", "license.*", "contract.*"];

    fn samples() -> Vec<Sample> {
        samples::all()
    }

    fn settings_schema() -> String {
        include_str!("../settings-schema.json").to_owned()
    }

    fn validate_settings(settings: &Settings) -> Result<(), Vec<Issue>> {
        settings.check()
    }

    fn transform(event: Event, settings: Settings, _webhook: &Webhook) -> Result<Verdict, Failure> {
        let data = event.json()?;
        match batch::fill(&data, &event.id, &settings)? {
            Batch { inputs, skipped: 0 } if inputs.is_empty() => Ok(Verdict::drop("there are no records in the event")),
            Batch { inputs, skipped } if inputs.is_empty() => {
                Ok(Verdict::drop(format!("no {} in any of {skipped} record(s)", settings.id_property)))
            }
            Batch { inputs, skipped } => {
                if skipped > 0 {
                    waxwing_guest::log::warn(format!("left out {skipped} record(s) without {}", settings.id_property));
                }
                let body = serde_json::json!({ "inputs": inputs });
                let token = format!("Bearer {}", settings.access_token);
                Ok(Request::json(&body)?.path(PATH).header("authorization", token).into())
            }
        }
    }
}

impl Classify for Hubspot {
    fn classify(reply: Reply, _settings: Settings, _attempt: &Attempt) -> Judgement {
        judge::judge(&reply)
    }
}

waxwing_guest::export!(Hubspot, response);
