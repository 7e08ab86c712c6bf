//! What the manifest shows, beside every sample event with default settings: what settings and hostile data do. Each has a golden
//! file. Next: `golden/`.

use waxwing_chat::OwnSamples;

pub(crate) const OWN: OwnSamples = OwnSamples {
    settings: SETTINGS,
    hostile: include_bytes!("../samples/hostile.json"),
    hostile_settings: r#"{"maxFields":20}"#,
};

const SETTINGS: &str = r##"{
  "title": "{/licenseName} ends in {/daysLeft} days",
  "text": "<!here> Please talk to *{/customer/name}*.",
  "fields": [
    { "pointer": "/customer/email" },
    { "pointer": "/expiresAt", "label": "Ends" },
    { "pointer": "/licenseKey" }
  ],
  "link": { "url": "https://app.example.com/licenses/{/licenseId}?from=slack", "label": "Open licence" },
  "styles": [{ "events": "license.*", "emoji": ":hourglass_flowing_sand:" }]
}"##;
