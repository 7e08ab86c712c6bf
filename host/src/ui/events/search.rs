//! What somebody types who looks for an event: an id, a tenant, an environment, a type, a time, the poster's own id, in any order.

use std::time::Duration;

use crate::model::ids::{DeliveryId, EventId, WebhookId};
use crate::model::time::Timestamp;
use crate::ui::deliveries::time;
use crate::ui::query::Query;

/// A time that somebody remembers is about this exact.
const ABOUT: Duration = Duration::from_secs(5 * 60);

/// What words can be told apart by.
pub(super) struct Known {
    pub(super) tenants: Vec<String>,
    pub(super) environments: Vec<String>,
    /// The catalogue's.
    pub(super) types: Vec<String>,
}

/// The page that shows what was looked for: an event, a delivery, or the list with its filters.
pub(super) fn leads_to(text: &str, known: &Known) -> String {
    let words: Vec<&str> = text.split([' ', ',', '\t']).filter(|word| !word.is_empty()).collect();
    for word in &words {
        if word.parse::<EventId>().is_ok() {
            return format!("{}/{word}", super::LIST);
        }
        if word.parse::<DeliveryId>().is_ok() {
            return format!("{}/{word}", crate::ui::deliveries::LIST);
        }
        if word.parse::<WebhookId>().is_ok() {
            return Query::new(crate::ui::deliveries::LIST, "").with("webhook", word);
        }
    }
    let mut found: Vec<(&str, String)> = Vec::new();
    let mut rest: Vec<&str> = Vec::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let is = |names: &[String]| names.iter().any(|name| name == word);
        if let Some((since, until)) = span(word, words.peek().copied()) {
            if word.len() == DAY && words.peek().is_some_and(|next| is_time_of_day(next)) {
                words.next();
            }
            found.extend([("since", since.to_string()), ("until", until.to_string())]);
        } else if is(&known.tenants) {
            found.push(("tenant", word.to_owned()));
        } else if is(&known.environments) {
            found.push(("environment", word.to_owned()));
        } else if is(&known.types) || (word.contains('.') && word.parse::<crate::model::name::EventType>().is_ok()) {
            found.push(("type", word.to_owned()));
        } else {
            rest.push(word);
        }
    }
    if !rest.is_empty() {
        // Of a poster's id that has spaces in it, nothing else can be told apart.
        let id = if found.is_empty() { text.trim().to_owned() } else { rest.join(" ") };
        found.push(("externalId", id));
    }
    found.iter().fold(super::LIST.to_owned(), |address, (name, value)| {
        let (path, query) = address.split_once('?').unwrap_or((&address, ""));
        Query::new(path, query).with(name, value)
    })
}

/// The length of `2026-01-31`.
const DAY: usize = 10;

/// A whole day, or the minutes around a time.
fn span(word: &str, next: Option<&str>) -> Option<(Timestamp, Timestamp)> {
    let begins_as_a_year = word.len() >= DAY && word.bytes().take(4).all(|byte| byte.is_ascii_digit());
    if !begins_as_a_year {
        return None;
    }
    let around = |at: Timestamp| (at.minus(ABOUT), at.plus(ABOUT));
    if word.len() != DAY {
        return time(word).ok().map(around);
    }
    if let Some(at) = next.filter(|next| is_time_of_day(next)).and_then(|next| time(&format!("{word}T{next}")).ok()) {
        return Some(around(at));
    }
    let midnight = time(word).ok()?;
    Some((midnight, midnight.plus(Duration::from_secs(24 * 3600) - Duration::from_millis(1))))
}

fn is_time_of_day(word: &str) -> bool {
    word.len() >= 4 && word.contains(':') && word.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> String {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let known = Known { tenants: names(&["acme"]), environments: names(&["staging"]), types: names(&["ping"]) };
        leads_to(text, &known).replace("%3A", ":")
    }

    #[test]
    fn an_id_leads_to_what_it_names() {
        assert_eq!(found("  evt_0000000000001 "), "/admin/events/evt_0000000000001");
        assert_eq!(found("delivery_0000000000001"), "/admin/deliveries/delivery_0000000000001");
        assert_eq!(found("webhook_0000000000001"), "/admin/deliveries?webhook=webhook_0000000000001");
    }

    #[test]
    fn words_become_the_filters_that_they_can_only_be() {
        assert_eq!(found("acme, order.paid"), "/admin/events?tenant=acme&type=order.paid");
        assert_eq!(found("ping staging"), "/admin/events?type=ping&environment=staging");
        assert_eq!(found("INV-7"), "/admin/events?externalId=INV-7");
        assert_eq!(found("my own id"), "/admin/events?externalId=my+own+id");
        assert_eq!(found(""), "/admin/events");
    }

    #[test]
    fn a_time_is_the_minutes_around_it_and_a_day_is_all_of_it() {
        let about = "/admin/events?since=2026-01-31T11:55:00.000Z&until=2026-01-31T12:05:00.000Z";
        for text in ["2026-01-31T12:00:00Z", "2026-01-31 12:00", "2026-01-31T12:00"] {
            assert_eq!(found(text), about, "{text}");
        }
        let day = "/admin/events?since=2026-01-31T00:00:00.000Z&until=2026-01-31T23:59:59.999Z";
        assert_eq!(found("2026-01-31"), day);
        assert_eq!(found("2026-01-31 order.paid"), format!("{day}&type=order.paid"));
        assert_eq!(found("2026-13-41"), "/admin/events?externalId=2026-13-41");
    }
}
