//! What the manifest shows: every sample event with default settings, and the cases that show what settings and odd data do.
//! Each has a golden file. Next: `golden/`.

use serde_json::{Value, json};
use waxwing_chat::SAMPLES;
use waxwing_guest::Sample;

/// The samples, plain ones first.
pub(crate) fn all() -> Vec<Sample> {
    let plain = SAMPLES.iter().map(|event| Sample::new(event.name, event.event_type, event.data, &json!({})));
    plain.chain(cases()).collect()
}

fn cases() -> [Sample; 4] {
    [
        Sample::new("with-settings", "license.expiring-soon", include_bytes!("../samples/expiring.json"), &settings()),
        Sample::new("hostile", "user.created", include_bytes!("../samples/hostile.json"), &json!({ "maxFields": 20 })),
        Sample::new("a-list", "telemetry.received", include_bytes!("../samples/list.json"), &json!({})),
        Sample::new("not-json", "backup.finished", include_bytes!("../samples/plain.txt"), &json!({})),
    ]
}

fn settings() -> Value {
    json!({
        "title": "{/licenseName} ends in {/daysLeft} days",
        "text": "<!here> Please talk to *{/customer/name}*.",
        "fields": [
            { "pointer": "/customer/email" },
            { "pointer": "/expiresAt", "label": "Ends" },
            { "pointer": "/licenseKey" }
        ],
        "link": { "url": "https://app.example.com/licenses/{/licenseId}?from=slack", "label": "Open licence" },
        "styles": [{ "events": "license.*", "emoji": ":hourglass_flowing_sand:" }]
    })
}
