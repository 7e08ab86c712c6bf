//! What the manifest shows: one contact, many, and records without an id under both settings. Each has a golden file. Next:
//! `golden/`.

use serde_json::{Value, json};
use waxwing_guest::Sample;

/// What settings hold for a token in a guest: a placeholder.
const TOKEN: &str = "wxs_00000000000000000000000000000000";

/// The samples.
pub(crate) fn all() -> Vec<Sample> {
    let user = include_bytes!("../samples/user.created.json");
    let license = include_bytes!("../samples/license.assigned.json");
    let contract = include_bytes!("../samples/contract.created.json");
    let contract_dropping = with(contacts(), json!({ "missingId": "drop" }));
    vec![
        Sample::new("user-created", "user.created", user, &person()),
        Sample::new("license-assigned", "license.assigned", license, &customer()),
        Sample::new("contract-with-contacts", "contract.created", contract, &contract_dropping),
        Sample::new("missing-id-fails", "contract.created", contract, &contacts()),
        Sample::new("missing-id-drops", "license.assigned", license, &with(person(), json!({ "missingId": "drop" }))),
        Sample::new(
            "list-as-data",
            "user.imported",
            include_bytes!("../samples/user.imported.json"),
            &with(person(), json!({ "recordsAt": "" })),
        ),
    ]
}

fn person() -> Value {
    json!({
        "accessToken": TOKEN,
        "properties": { "firstname": "/firstName", "lastname": "/lastName", "company": "/company" },
        "constants": { "lifecyclestage": "lead" }
    })
}

fn customer() -> Value {
    json!({
        "accessToken": TOKEN,
        "idPointer": "/assignedTo/email",
        "properties": { "license_id": "/licenseId", "license_name": "/licenseName", "license_seats": "/seats" },
        "constants": { "lifecyclestage": "customer" }
    })
}

fn contacts() -> Value {
    json!({
        "accessToken": TOKEN,
        "recordsAt": "/contacts",
        "properties": { "firstname": "/first", "contact_roles": "/roles", "newsletter": "/newsletter" }
    })
}

fn with(mut settings: Value, change: Value) -> Value {
    if let (Value::Object(settings), Value::Object(change)) = (&mut settings, change) {
        settings.extend(change);
    }
    settings
}
