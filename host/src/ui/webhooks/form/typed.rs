//! What stands in the form: as a webhook fills it, and what is meant by what was typed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::ids::RevisionId;
use crate::model::policy::RetryPolicy;
use crate::model::webhook::{FormatOptions, Ordering, Status, Webhook};
use crate::service::webhooks::{NewSecret, WebhookInput};
use crate::service::{Patch, SettingsShown};
use crate::ui::field::Faults;
use crate::ui::form::Posted;

use super::events;

/// The choice that goes with one's own list of delays.
pub(super) const OWN_DELAYS: &str = "custom";

pub(super) fn of_settings(settings: &SettingsShown, tenant: Option<&str>, url: String) -> Posted {
    let (retry, delays) = retry(&settings.retry);
    Posted::filled_in(vec![
        ("active".into(), "yes".into()),
        ("url".into(), url),
        ("tenant".into(), tenant.unwrap_or_default().into()),
        ("environment".into(), settings.environment.to_string()),
        ("format".into(), settings.format.as_str().into()),
        ("retry".into(), retry.into()),
        ("delays".into(), delays),
        ("ordering".into(), "none".into()),
    ])
}

pub(super) fn of_webhook(webhook: &Webhook) -> Posted {
    let (current, revision) = (&webhook.current, &webhook.revision);
    let (retry, delays) = retry(&current.retry);
    let is_active = !matches!(revision.status, Status::Disabled(_));
    let ordering = if current.ordering == Ordering::Fifo { "fifo" } else { "none" };
    let mut fields: Vec<(String, String)> = vec![
        ("revision".into(), revision.id.to_string()),
        ("name".into(), webhook.name.clone()),
        ("url".into(), current.url.expose().to_string()),
        ("environment".into(), revision.environment.to_string()),
        ("description".into(), webhook.description.clone()),
        ("active".into(), if is_active { "yes" } else { "" }.into()),
        ("format".into(), revision.format.name.as_str().into()),
        ("account".into(), revision.format.options.account.clone().unwrap_or_default()),
        ("retry".into(), retry.into()),
        ("delays".into(), delays),
        ("timeout".into(), current.timeout.as_secs().to_string()),
        ("rate".into(), current.rate_limit.map(|rate| rate.to_string()).unwrap_or_default()),
        ("ordering".into(), ordering.into()),
    ];
    let patterns = revision.subscription.patterns().iter();
    fields.extend(patterns.map(|pattern| ("events".into(), pattern.to_string())));
    for header in &current.headers {
        fields.push(("header-name".into(), header.name.to_string()));
        fields.push(("header-value".into(), header.value.to_string()));
    }
    Posted::filled_in(fields)
}

/// The choice, and the delays where they are one's own.
pub(in crate::ui::webhooks) fn retry(policy: &RetryPolicy) -> (&'static str, String) {
    match policy {
        RetryPolicy::Standard => ("standard", String::new()),
        RetryPolicy::LicenseValidator => ("license-validator", String::new()),
        RetryPolicy::Keygen => ("keygen", String::new()),
        RetryPolicy::Custom(delays) => {
            let delays: Vec<String> = delays.iter().map(|delay| delay.as_secs().to_string()).collect();
            (OWN_DELAYS, delays.join(", "))
        }
    }
}

/// Rows of custom headers as they were typed.
pub(super) fn headers(typed: &Posted) -> Vec<(&str, &str)> {
    let rows = typed.all("header-name").zip(typed.all("header-value"));
    rows.filter(|(name, value)| !name.trim().is_empty() || !value.trim().is_empty()).collect()
}

/// As the service takes it. All that a new webhook may say; [`change`] adds what only a change has.
pub(super) fn input(typed: &Posted) -> Result<WebhookInput, Faults> {
    let mut faults = Faults::default();
    let or_default = |name: &str| typed.filled(name).map_or(Patch::Reset, |text| Patch::Set(text.to_owned()));
    let environment = typed.filled("other-environment").or_else(|| typed.filled("environment"));
    let account = typed.filled("account").map(str::to_owned);
    let mut input = WebhookInput {
        url: or_default("url"),
        name: Patch::Set(typed.get("name").trim().to_owned()),
        description: Patch::Set(typed.get("description").replace("\r\n", "\n").trim().to_owned()),
        environment: environment.map_or(Patch::Reset, |text| Patch::Set(text.to_owned())),
        events: Patch::Set(events::patterns(typed)),
        is_active: Patch::Set(typed.get("active") == "yes"),
        format_options: account.map_or(Patch::Reset, |account| Patch::Set(FormatOptions { account: Some(account) })),
        ordering: Patch::Set(if typed.get("ordering") == "fifo" { Ordering::Fifo } else { Ordering::None }),
        ..WebhookInput::default()
    };
    let format = faults.parsed("/format", typed.filled("format"), str::parse);
    input.format = format.map_or(Patch::Reset, Patch::Set);
    let retry = faults.parsed("/retry", typed.filled("retry"), |name| policy(name, typed.get("delays")));
    input.retry = retry.map_or(Patch::Reset, Patch::Set);
    let whole = |text: &str| text.parse::<u32>().map_err(|_| "must be a whole number");
    let timeout = faults.parsed("/timeoutSeconds", typed.filled("timeout"), whole);
    input.timeout_seconds = timeout.map_or(Patch::Reset, Patch::Set);
    let rate = faults.parsed("/rateLimit", typed.filled("rate"), whole);
    input.rate_limit = rate.map_or(Patch::Reset, Patch::Set);
    let rows = headers(typed);
    input.headers = faults.parsed("/headers", Some(""), |_| named_once(&rows)).map_or(Patch::Keep, Patch::Set);
    let tenant = faults.parsed("/tenant", typed.filled("tenant"), str::parse);
    input.tenant = tenant.map_or(Patch::Keep, Patch::Set);
    if faults.is_empty() { Ok(input) } else { Err(faults) }
}

/// With the revision that it is meant for, and a new secret where one is asked for.
pub(super) fn change(typed: &Posted) -> Result<WebhookInput, Faults> {
    let mut input = WebhookInput { tenant: Patch::Keep, ..input(typed)? };
    let mut faults = Faults::default();
    let unreadable = |_| "reload the page: the form is incomplete";
    let revision =
        faults.parsed("/revision", Some(typed.get("revision")), |text| text.parse::<RevisionId>().map_err(unreadable));
    input.revision = revision.map_or(Patch::Keep, Patch::Set);
    if typed.get("new-secret") == "yes" {
        let seconds = |text: &str| text.parse::<u64>().map_err(|_| "choose one of these");
        let overlap_seconds = faults.parsed("/newSecret/overlapSeconds", typed.filled("overlap"), seconds);
        input.new_secret = Patch::Set(NewSecret { overlap_seconds });
    }
    if faults.is_empty() { Ok(input) } else { Err(faults) }
}

fn policy(name: &str, delays: &str) -> Result<RetryPolicy, String> {
    match name {
        "standard" => Ok(RetryPolicy::Standard),
        "license-validator" => Ok(RetryPolicy::LicenseValidator),
        "keygen" => Ok(RetryPolicy::Keygen),
        OWN_DELAYS => {
            let parts = delays.split([' ', ',', ';', '\r', '\n', '\t']).filter(|part| !part.is_empty());
            let seconds: Result<Vec<u64>, _> = parts.map(str::parse).collect();
            let seconds = seconds.map_err(|_| "delays are whole numbers of seconds, such as 5, 60, 300")?;
            RetryPolicy::custom(seconds.into_iter().map(Duration::from_secs).collect())
                .map_err(|error| error.to_string())
        }
        _ => Err("choose one of the policies".to_owned()),
    }
}

fn named_once(rows: &[(&str, &str)]) -> Result<BTreeMap<String, String>, String> {
    let mut headers = BTreeMap::new();
    for (name, value) in rows {
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() {
            return Err("a value stands there without a name".to_owned());
        }
        if headers.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("{name} stands there twice"));
        }
    }
    Ok(headers)
}
