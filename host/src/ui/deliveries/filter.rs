//! What a list of the log is filtered by: read from the address or a form, and shown again as it was typed.

use std::str::FromStr;

use crate::model::delivery::DeliveryStatus;
use crate::model::time::Timestamp;
use crate::service::webhooks::WebhookFilter;
use crate::service::{Caller, DeliveryFilter, Services};
use crate::ui::Answer;
use crate::ui::field::{Faults, Field, Kind};
use crate::ui::query::Query;

pub(super) const FILTERS: [&str; 9] =
    ["webhook", "event", "type", "status", "httpClass", "environment", "tenant", "since", "until"];
/// Those that are folded away until one of them is used.
const MORE: [&str; 5] = ["event", "environment", "tenant", "since", "until"];
const CLASSES: [(&str, &str); 6] =
    [("", "Any answer"), ("2", "2xx"), ("3", "3xx"), ("4", "4xx"), ("5", "5xx"), ("0", "No answer")];
/// The most webhooks that there are to choose from: a page of them.
const WEBHOOKS_MAX: u32 = 250;

/// The filter, and what of it can't be read.
pub(super) fn read<'t>(get: impl Fn(&'static str) -> Option<&'t str>) -> (DeliveryFilter, Faults) {
    let mut faults = Faults::default();
    let filter = DeliveryFilter {
        webhook: faults.parsed("/webhook", get("webhook"), str::parse),
        event: faults.parsed("/event", get("event"), str::parse),
        event_type: faults.parsed("/type", get("type"), str::parse),
        status: faults.parsed("/status", get("status"), status),
        http_class: faults.parsed("/httpClass", get("httpClass"), class),
        environment: faults.parsed("/environment", get("environment"), str::parse),
        tenant: faults.parsed("/tenant", get("tenant"), str::parse),
        since: faults.parsed("/since", get("since"), time),
        until: faults.parsed("/until", get("until"), time),
        replay_of: None,
    };
    (filter, faults)
}

fn status(text: &str) -> Result<DeliveryStatus, &'static str> {
    let found = DeliveryStatus::ALL.into_iter().find(|status| status.as_str() == text);
    found.ok_or("must be pending, delivered, failed, dropped or cancelled")
}

fn class(text: &str) -> Result<u8, &'static str> {
    text.parse().ok().filter(|class| *class <= 5).ok_or("must be 0 to 5")
}

/// A whole time, or one without its zone as browsers give it, which is UTC here.
pub(in crate::ui) fn time(text: &str) -> Result<Timestamp, &'static str> {
    let ways = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z"), format!("{text}T00:00:00Z")];
    let read = ways.iter().find_map(|way| Timestamp::from_str(way).ok());
    read.ok_or("write a time such as 2026-01-31T12:00")
}

/// The bar above the list.
pub(super) struct Filters {
    /// In the bar itself.
    pub(super) bar: Vec<Field>,
    /// Folded away.
    pub(super) more: Vec<Field>,
    pub(super) is_open: bool,
    pub(super) shows_tenant: bool,
}

impl Filters {
    pub(super) fn new(services: &Services, caller: &Caller, (query, faults): (&Query, &Faults)) -> Answer<Self> {
        let typed = |name: &'static str| query.get(name).unwrap_or_default();
        let field = |name, label, kind| Field::new(name, label, kind).value(typed(name));
        let choice = |values: &[(&str, &str)]| {
            Kind::Choice(values.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect())
        };
        let statuses: Vec<(&str, &str)> = [("", "Any status")].into_iter().chain(STATUSES).collect();
        let bar = vec![
            field("webhook", "Webhook", Kind::Choice(webhooks(services, caller, typed("webhook"))?))
                .judged("/webhook", faults),
            field("status", "Status", choice(&statuses)).judged("/status", faults),
            field("httpClass", "Answer", choice(&CLASSES)).judged("/httpClass", faults),
            field("type", "Event type", Kind::Line("search")).judged("/type", faults),
        ];
        let environments = services.environments(caller)?.into_iter().map(|name| (name.to_string(), name.to_string()));
        let environments = Kind::Choice(all("All environments", environments, typed("environment")));
        let mut more = vec![
            field("event", "Event id", Kind::Line("search")).mono().judged("/event", faults),
            field("environment", "Environment", environments).judged("/environment", faults),
            moment(typed("since"), ("since", "Since (UTC)", "/since"), faults),
            moment(typed("until"), ("until", "Until (UTC)", "/until"), faults),
        ];
        let tenants = tenants(services, caller)?;
        let shows_tenant = tenants.len() > 1;
        if shows_tenant {
            let tenants = tenants.into_iter().map(|name| (name.clone(), name));
            let tenants = Kind::Choice(all("All tenants", tenants, typed("tenant")));
            more.push(field("tenant", "Tenant", tenants).judged("/tenant", faults));
        }
        Ok(Self { bar, more, is_open: query.has_any(&MORE), shows_tenant })
    }
}

const STATUSES: [(&str, &str); 5] = [
    ("pending", "Pending"),
    ("delivered", "Delivered"),
    ("failed", "Failed"),
    ("dropped", "Dropped"),
    ("cancelled", "Cancelled"),
];

/// As the browser's own control, if it can show what was typed.
pub(in crate::ui) fn moment(
    typed: &str,
    (name, label, pointer): (&'static str, &'static str, &'static str),
    faults: &Faults,
) -> Field {
    let local = |time: Timestamp| time.calendar().strftime("%Y-%m-%dT%H:%M:%S%.f").to_string();
    let (kind, value) = match time(typed) {
        Ok(time) => ("datetime-local", local(time)),
        Err(_) if typed.is_empty() => ("datetime-local", String::new()),
        Err(_) => ("text", typed.to_owned()),
    };
    Field::new(name, label, Kind::Line(kind)).value(value).judged(pointer, faults)
}

/// The tenants that the caller sees; none where he is bound to one.
pub(in crate::ui) fn tenants(services: &Services, caller: &Caller) -> Answer<Vec<String>> {
    if caller.tenant.is_some() {
        return Ok(Vec::new());
    }
    Ok(services.tenants(caller)?.into_iter().map(|tenant| tenant.name.to_string()).collect())
}

/// The values, with one for all of them first; what was typed is kept, whether it is among them or not.
pub(in crate::ui) fn all(
    label: &str,
    values: impl Iterator<Item = (String, String)>,
    typed: &str,
) -> Vec<(String, String)> {
    let mut choices = vec![(String::new(), label.to_owned())];
    choices.extend(values);
    if !choices.iter().any(|(value, _)| value == typed) {
        choices.push((typed.to_owned(), typed.to_owned()));
    }
    choices
}

fn webhooks(services: &Services, caller: &Caller, typed: &str) -> Answer<Vec<(String, String)>> {
    let page = crate::model::page::PageRequest { limit: WEBHOOKS_MAX, before: None };
    let found = services.webhooks(caller, WebhookFilter::default(), page)?;
    let named = found.rows.iter().map(|webhook| {
        let id = webhook.id.to_string();
        let name = if webhook.name.is_empty() { format!("Unnamed ({id})") } else { webhook.name.clone() };
        (id, name)
    });
    Ok(all("All webhooks", named, typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_and_without_its_zone() {
        for text in ["2026-01-31T12:00:00Z", "2026-01-31T12:00", "2026-01-31T12:00:00", "2026-01-31T13:00:00+01:00"] {
            assert_eq!(time(text).unwrap().to_string(), "2026-01-31T12:00:00.000Z", "{text}");
        }
        assert_eq!(time("2026-01-31").unwrap().to_string(), "2026-01-31T00:00:00.000Z");
        assert!(time("yesterday").is_err());
    }

    #[test]
    fn all_that_can_not_be_read_is_told_at_once() {
        let typed = |name: &str| match name {
            "status" => Some("lost"),
            "webhook" => Some("webhook_1"),
            "httpClass" => Some("9"),
            "type" => Some("order.paid"),
            _ => None,
        };
        let (filter, faults) = read(typed);
        assert!(filter.event_type.is_some() && filter.status.is_none());
        assert!(["/status", "/webhook", "/httpClass"].iter().all(|pointer| faults.at(pointer).is_some()));
    }
}
