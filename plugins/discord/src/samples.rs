//! What the manifest shows, beside every sample event with default settings: what settings and hostile data do. Each has a golden
//! file. Next: `golden/`.

use waxwing_chat::OwnSamples;

pub(crate) const OWN: OwnSamples = OwnSamples {
    settings: SETTINGS,
    hostile: include_bytes!("../samples/hostile.json"),
    hostile_settings: r#"{"maxFields":25}"#,
};

const SETTINGS: &str = r##"{
  "title": "{/licenseName} ends in {/daysLeft} days",
  "text": "Please talk to **{/customer/name}**.",
  "fields": [
    { "pointer": "/customer/email" },
    { "pointer": "/expiresAt", "label": "Ends" },
    { "pointer": "/licenseKey" }
  ],
  "link": { "url": "https://app.example.com/licenses/{/licenseId}?from=discord" },
  "styles": [{ "events": "license.*", "color": "#8844ee" }],
  "username": "Licence desk",
  "threadName": "{/licenseName}: {headline}"
}"##;
