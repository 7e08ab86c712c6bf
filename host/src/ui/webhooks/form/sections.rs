//! The fields of the form, section by section; what the chain and the events have is elsewhere.

use crate::model::webhook::Webhook;
use crate::service::supports_overlap;
use crate::ui::field::{Field, Kind};
use crate::ui::form::Posted;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::formats::FORMATS;
use super::typed::OWN_DELAYS;
use super::{Shown, events, typed};

/// Rows for headers beyond those that are filled.
const SPARE_ROWS: usize = 3;
const USUAL_ENVIRONMENTS: [&str; 3] = ["production", "staging", "development"];
const RETRIES: [(&str, &str); 4] = [
    ("standard", "Standard: 9 retries over 3 days"),
    ("license-validator", "License validator: after 1, 5 and 30 minutes"),
    ("keygen", "Keygen: 15 retries over 3 days"),
    (OWN_DELAYS, "My own delays"),
];
const ORDERINGS: [(&str, &str); 2] =
    [("none", "As fast as the receiver takes them"), ("fifo", "One at a time, in order")];
const OVERLAPS: [(&str, &str); 5] = [
    ("", "The old one ends at once"),
    ("3600", "Both sign for 1 hour"),
    ("86400", "Both sign for 1 day"),
    ("604800", "Both sign for 7 days"),
    ("2592000", "Both sign for 30 days"),
];

/// A custom header.
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) value: String,
}

pub(super) fn basics(ui: &Ui, signed: &Signed, shown: &Shown<'_>) -> Answer<Vec<Field>> {
    let (typed, faults) = (shown.typed, shown.faults);
    let line = |name, label, of| Field::new(name, label, Kind::Line(of)).value(typed.get(name));
    let mut environments: Vec<String> = USUAL_ENVIRONMENTS.map(str::to_owned).into();
    let known = ui.services.environments(signed.caller())?.into_iter().map(|name| name.to_string());
    for name in known.chain([typed.get("environment").to_owned()]) {
        if !name.is_empty() && !environments.contains(&name) {
            environments.push(name);
        }
    }
    let environments = environments.into_iter().map(|name| (name.clone(), events::capital(&name))).collect();
    let mut fields = vec![
        line("name", "Name", "text").hint("Such as “CRM sync”.").judged("/name", faults),
        line("url", "Target URL", "url")
            .mono()
            .required()
            .hint("Where events are sent: the full address, beginning with https://.")
            .judged("/url", faults),
        Field::new("environment", "Environment", Kind::Choice(environments))
            .required()
            .value(typed.get("environment"))
            .hint("It gets the events of this environment only.")
            .judged("/environment", faults),
        line("other-environment", "Another environment", "text")
            .hint("Goes before the choice above: small letters, digits, - and _."),
        Field::new("description", "Description", Kind::Text(2))
            .value(typed.get("description"))
            .judged("/description", faults),
        Field::new("active", "Active: it gets events", Kind::Tick)
            .value(typed.get("active"))
            .hint("Without it, no deliveries are made, and what is pending is cancelled.")
            .judged("/isActive", faults),
    ];
    if shown.webhook.is_none() && signed.caller().tenant.is_none() {
        let tenants = ui.services.tenants(signed.caller())?.into_iter().map(|tenant| tenant.name.to_string());
        let tenants: Vec<_> = tenants.map(|name| (name.clone(), name)).collect();
        if tenants.len() > 1 {
            let tenant = typed.filled("tenant").unwrap_or("default");
            let choice = Field::new("tenant", "Tenant", Kind::Choice(tenants)).required().value(tenant);
            fields
                .insert(0, choice.hint("Whose events it gets. This can’t be changed later.").judged("/tenant", faults));
        }
    }
    Ok(fields)
}

pub(super) fn format(shown: &Shown<'_>) -> Vec<Field> {
    let formats = FORMATS.iter().map(|words| (words.name.as_str().to_owned(), words.label.to_owned())).collect();
    vec![
        Field::new("format", "Format", Kind::Choice(formats))
            .required()
            .value(shown.typed.get("format"))
            .hint("Envelope, headers and signature of what is sent.")
            .judged("/format", shown.faults),
        Field::new("account", "Account", Kind::Line("text"))
            .value(shown.typed.get("account"))
            .hint("Only for Keygen, which needs it: the keyid of the signature.")
            .judged("/formatOptions", shown.faults),
    ]
}

pub(super) fn delivery(shown: &Shown<'_>) -> Vec<Field> {
    let (typed, faults) = (shown.typed, shown.faults);
    let choices = |choices: &[(&str, &str)]| {
        Kind::Choice(choices.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect())
    };
    vec![
        Field::new("retry", "Retry policy", choices(&RETRIES))
            .required()
            .value(typed.get("retry"))
            .hint("When what failed is tried again.")
            .judged("/retry", faults),
        Field::new("delays", "Own delays", Kind::Line("text"))
            .value(typed.get("delays"))
            .mono()
            .hint("For “My own delays”: seconds before each retry, such as 5, 60, 300. At most 50."),
        Field::new("timeout", "Timeout", Kind::Line("number"))
            .value(typed.get("timeout"))
            .hint("Seconds within which the receiver must answer: 1 to 60, 10 if left empty.")
            .judged("/timeoutSeconds", faults),
        Field::new("rate", "Rate limit", Kind::Line("number"))
            .value(typed.get("rate"))
            .hint("Deliveries a second, 1 to 10,000. Unlimited if left empty.")
            .judged("/rateLimit", faults),
        Field::new("ordering", "Order", choices(&ORDERINGS))
            .required()
            .value(typed.get("ordering"))
            .hint("In order, one that fails holds up those behind it.")
            .judged("/ordering", faults),
    ]
}

pub(super) fn renewal(webhook: &Webhook, shown: &Shown<'_>) -> Vec<Field> {
    let (typed, faults) = (shown.typed, shown.faults);
    let mut fields = vec![
        Field::new("new-secret", "Generate a new secret when this is saved", Kind::Tick)
            .value(typed.get("new-secret"))
            .hint("It is shown once, after saving. Do this if the old one may be known to somebody else.")
            .judged("/secret", faults),
    ];
    if supports_overlap(webhook.revision.format.name) {
        let overlaps = OVERLAPS.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect();
        fields.push(
            Field::new("overlap", "The old secret", Kind::Choice(overlaps))
                .required()
                .value(typed.get("overlap"))
                .hint("Time for the receiver to take the new one.")
                .judged("/newSecret", faults),
        );
    }
    fields
}

pub(super) fn rows(typed: &Posted) -> Vec<Row> {
    let filled = typed::headers(typed).into_iter().chain(std::iter::repeat_n(("", ""), SPARE_ROWS));
    let row = |(index, (name, value)): (usize, (&str, &str))| Row {
        number: index + 1,
        name: name.to_owned(),
        value: value.to_owned(),
    };
    filled.enumerate().map(row).collect()
}
