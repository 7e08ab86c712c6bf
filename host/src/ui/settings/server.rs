//! What holds for the whole server: defaults that can be changed here, and what its configuration says.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;

use crate::model::event::DATA_MAX;
use crate::model::policy::RetryPolicy;
use crate::model::webhook::FormatName;
use crate::service::{
    BODY_MAX, COMPONENT_MAX, DEPTH_MAX, EVENTS_MAX, Patch, PluginLimits, REPLAYS_MAX, SettingsInput, SettingsShown,
};
use crate::ui::failure::Failure;
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::form::Posted;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::{Query, saying};
use crate::ui::session::Signed;
use crate::ui::units::count;
use crate::ui::{Answer, Ui};

use super::{SERVER, Tab, tabs};

const OWN: &str = "custom";
const POLICIES: [(&str, &str); 5] = [
    ("", "As the configuration says"),
    ("standard", "standard: 9 retries over 3 days"),
    ("license-validator", "license-validator: after 1, 5 and 30 minutes"),
    ("keygen", "keygen: 15 retries over 3 days"),
    (OWN, "Delays of my own"),
];

#[derive(Template)]
#[template(path = "settings/server.html")]
struct Page {
    at: Layout,
    tabs: Vec<Tab>,
    csrf: CsrfField,
    faults: Summary,
    /// Empty for those who may not change them.
    fields: Vec<Field>,
    defaults: Vec<(&'static str, String)>,
    /// For receivers' allow-lists.
    outgoing: Vec<String>,
    proxy: Option<String>,
    allow_http: bool,
    networks: Vec<String>,
    limits: Vec<(&'static str, String)>,
}

pub(super) async fn show(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    let settings = ui.services.settings(signed.caller())?;
    let known = known(&settings);
    let done = query.get("done").and_then(super::sentence_of);
    page(&signed, &settings, (&known, &Faults::default(), done))
}

pub(super) async fn change(State(ui): State<Ui>, signed: Signed, posted: Posted) -> Answer {
    ui.services.may_upload(signed.caller())?;
    let faults = match input(&posted) {
        Ok(input) => match ui.services.update_settings(signed.caller(), input).await {
            Ok(_) => return Ok(Redirect::to(&saying(SERVER, "changed")).into_response()),
            Err(error) => Faults::of(error)?,
        },
        Err(faults) => faults,
    };
    let settings = ui.services.settings(signed.caller())?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&signed, &settings, (&posted, &faults, None))?).into_response())
}

/// As they are in force, for a form that nobody has typed into.
fn known(settings: &SettingsShown) -> Posted {
    let delays = match &settings.retry {
        RetryPolicy::Custom(delays) => {
            delays.iter().map(|delay| delay.as_secs().to_string()).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    Posted::of_fields(&[
        ("format", settings.format.as_str()),
        ("environment", settings.environment.as_str()),
        ("retry", named(&settings.retry)),
        ("delays", &delays),
    ])
}

const fn named(policy: &RetryPolicy) -> &'static str {
    match policy {
        RetryPolicy::Standard => "standard",
        RetryPolicy::LicenseValidator => "license-validator",
        RetryPolicy::Keygen => "keygen",
        RetryPolicy::Custom(_) => OWN,
    }
}

/// What was typed, as the service takes it.
fn input(posted: &Posted) -> Result<SettingsInput, Faults> {
    let mut faults = Faults::default();
    let format = faults.parsed("/defaultFormat", posted.filled("format"), str::parse::<FormatName>);
    let environment = faults.parsed("/defaultEnvironment", posted.filled("environment"), str::parse);
    let retry = match posted.filled("retry") {
        Some(OWN) => faults.parsed("/delays", Some(posted.get("delays")), own_delays),
        other => faults.parsed("/defaultRetry", other, |name| {
            serde_json::from_value::<RetryPolicy>(name.into()).map_err(|error| error.to_string())
        }),
    };
    let input = SettingsInput {
        // What is left empty is as the configuration says.
        default_format: format.map_or(Patch::Reset, Patch::Set),
        default_environment: environment.map_or(Patch::Reset, Patch::Set),
        default_retry: retry.map_or(Patch::Reset, Patch::Set),
    };
    if faults.is_empty() { Ok(input) } else { Err(faults) }
}

fn own_delays(text: &str) -> Result<RetryPolicy, String> {
    let delays = text.split(',').map(str::trim).filter(|delay| !delay.is_empty());
    let delays: Result<Vec<Duration>, _> = delays.map(|delay| delay.parse().map(Duration::from_secs)).collect();
    let delays = delays.map_err(|_| "must be whole seconds with commas between, such as 5, 300, 1800")?;
    RetryPolicy::custom(delays).map_err(|error| error.to_string())
}

fn fields(typed: &Posted, faults: &Faults) -> Vec<Field> {
    let formats = FormatName::ALL.map(|name| (name.as_str().to_owned(), name.as_str().to_owned()));
    let behind = [(String::new(), "As the configuration says".to_owned())];
    let policies = POLICIES.map(|(value, label)| (value.to_owned(), label.to_owned()));
    vec![
        Field::new("format", "Format", Kind::Choice(behind.into_iter().chain(formats).collect()))
            .value(typed.get("format"))
            .hint("Body, headers and signature of webhooks that don’t say another.")
            .required()
            .judged("/defaultFormat", faults),
        Field::new("environment", "Environment", Kind::Line("text"))
            .value(typed.get("environment"))
            .hint("Of webhooks and events that don’t say one. As the configuration says, if empty.")
            .judged("/defaultEnvironment", faults),
        Field::new("retry", "Retry policy", Kind::Choice(policies.into()))
            .value(typed.get("retry"))
            .hint("When a delivery that failed is tried again.")
            .required()
            .judged("/defaultRetry", faults),
        Field::new("delays", "Delays of my own", Kind::Line("text"))
            .value(typed.get("delays"))
            .hint(
                "Seconds before each retry, with commas between: at most 50, of 7 days at most. Only with that policy.",
            )
            .mono()
            .judged("/delays", faults),
    ]
}

fn page(
    signed: &Signed,
    settings: &SettingsShown,
    (typed, faults, done): (&Posted, &Faults, Option<&'static str>),
) -> Result<Response, Failure> {
    let (caller, rules) = (signed.caller(), &settings.rules);
    let may_change = caller.is_admin() && caller.tenant.is_none();
    let fields = if may_change { fields(typed, faults) } else { Vec::new() };
    let page = Page {
        at: signed.0.layout("Settings").done(done),
        tabs: tabs(caller, SERVER),
        csrf: signed.csrf(),
        faults: faults.summary(&fields.iter().collect::<Vec<_>>()),
        fields,
        defaults: vec![
            ("Format", settings.format.as_str().to_owned()),
            ("Environment", settings.environment.to_string()),
            ("Retry policy", named(&settings.retry).to_owned()),
        ],
        outgoing: rules.source_addresses.clone(),
        proxy: rules.proxy.clone(),
        allow_http: rules.allow_http,
        networks: rules.allow_networks.iter().map(ToString::to_string).collect(),
        limits: limits(&rules.plugin_limits),
    };
    Ok(rendered(&page)?.into_response())
}

fn limits(plugins: &PluginLimits) -> Vec<(&'static str, String)> {
    let mib = |bytes: usize| match bytes {
        bytes if bytes.is_multiple_of(1024 * 1024) => format!("{} MiB", bytes / (1024 * 1024)),
        bytes => format!("{} KiB", bytes / 1024),
    };
    vec![
        ("Data of an event", mib(DATA_MAX)),
        ("Events posted at once", format!("{EVENTS_MAX}, {}", mib(BODY_MAX))),
        ("Depth of JSON", DEPTH_MAX.to_string()),
        ("A plugin’s component", mib(COMPONENT_MAX)),
        (
            "Instructions of a plugin’s run",
            format!("{}, and {} for each byte", count(plugins.fuel), count(plugins.fuel_per_byte)),
        ),
        ("Memory of a plugin’s run", mib(usize::try_from(plugins.memory).unwrap_or(usize::MAX))),
        ("Replays at once", count(REPLAYS_MAX.into())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_seconds_with_commas_between() {
        let delays = |seconds: &[u64]| RetryPolicy::Custom(seconds.iter().copied().map(Duration::from_secs).collect());
        assert_eq!(own_delays("5, 300,1800"), Ok(delays(&[5, 300, 1800])));
        assert_eq!(own_delays(""), Ok(delays(&[])));
        assert!(own_delays("5; 6").is_err() && own_delays("0").is_err() && own_delays("-1").is_err());
    }
}
