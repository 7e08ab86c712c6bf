//! `/admin/overview`: how things stand, and what needs somebody; at the beginning, what to do next.

mod chart;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::{HeaderMap, header};

use crate::model::access::Role;
use crate::model::delivery::{Delivery, DeliveryStatus};
use crate::model::time::Timestamp;
use crate::model::webhook::{Health, Status, Webhook};
use crate::service::Standing;

use self::chart::Chart;
use super::deliveries::tenants;
use super::failure::sentence;
use super::layout::Layout;
use super::query::Query;
use super::session::Signed;
use super::show::{Badge, Moment, percent};
use super::units::count;
use super::{Answer, Ui, live};

pub(super) fn routes() -> Router<Ui> {
    Router::new().route(super::HOME, get(overview))
}

#[derive(Template)]
#[template(path = "overview/page.html", blocks = ["live"])]
struct Page {
    at: Layout,
    /// Of whom, where there are several: each tenant's name, and the one that was chosen.
    tenants: Vec<String>,
    tenant: String,
    stats: Vec<Stat>,
    chart: Option<Chart>,
    failing: Vec<Failing>,
    /// Those that aren't named.
    more_failing: usize,
    failed: Vec<Failed>,
    /// Until there are a webhook and an event.
    steps: Option<Steps>,
}

struct Stat {
    label: &'static str,
    value: String,
    /// What it means, or more of it.
    under: String,
    tone: &'static str,
}

struct Steps {
    has_webhook: bool,
    may_configure: bool,
    may_publish: bool,
    curl: String,
}

struct Failing {
    id: String,
    name: String,
    badge: Badge,
    failures: String,
    since: Option<Moment>,
    last_success: Option<Moment>,
}

struct Failed {
    id: String,
    event_type: String,
    webhook: String,
    webhook_id: String,
    reason: String,
    accepted: Moment,
}

async fn overview(State(ui): State<Ui>, signed: Signed, headers: HeaderMap, query: Query) -> Answer {
    let caller = signed.caller();
    let standing = ui.services.overview(caller, query.parsed("tenant")).await?;
    let now = ui.services.now();
    let is_new = standing.webhooks == 0 || !standing.has_events;
    let steps = is_new.then(|| Steps {
        has_webhook: standing.webhooks > 0,
        may_configure: caller.configures(),
        may_publish: caller.role != Role::Tenant,
        curl: curl(&site(&ui, &signed, &headers)),
    });
    let name = |delivery: &Delivery| match ui.services.webhook(caller, delivery.webhook) {
        Ok(webhook) => shown_name(&webhook),
        Err(_) => "A deleted webhook".to_owned(),
    };
    let failed = standing.failed.iter().map(|delivery| Failed::new(delivery, name(delivery), now));
    let page = Page {
        at: signed.0.layout("Overview"),
        tenants: tenants(&ui.services, caller)?,
        tenant: query.get("tenant").unwrap_or_default().to_owned(),
        stats: stats(&standing, now),
        chart: Chart::new(&standing),
        failing: standing.failing.iter().map(|(webhook, health)| Failing::new(webhook, health, now)).collect(),
        more_failing: standing.failing_count - standing.failing.len(),
        failed: failed.collect(),
        steps,
    };
    live::shown(&signed, &page, &page.as_live())
}

fn stats(standing: &Standing, now: Timestamp) -> Vec<Stat> {
    let numbers = &standing.numbers;
    let [delivered, failed, pending] = [DeliveryStatus::Delivered, DeliveryStatus::Failed, DeliveryStatus::Pending]
        .map(|status| standing.count(status));
    let whole = u32::try_from(delivered + failed).unwrap_or(u32::MAX);
    let newest = if numbers.truncated { "of the newest 20,000, " } else { "" };
    let queue = numbers.queue;
    let queued = queue.claimed + queue.scheduled + queue.waiting;
    let oldest = match queue.oldest {
        Some(oldest) => format!("the oldest since {}", age(now, oldest)),
        None => "nothing waits".to_owned(),
    };
    let mut stats = vec![
        Stat {
            label: "Delivered, 24 h",
            value: count(delivered),
            under: format!("{newest}{} failed, {} pending", count(failed), count(pending)),
            tone: "",
        },
        Stat {
            label: "Success rate, 24 h",
            value: percent(u32::try_from(delivered).unwrap_or(u32::MAX), whole),
            under: "of what was delivered or failed".to_owned(),
            tone: match (delivered, whole) {
                (_, 0) => "",
                (delivered, whole) if delivered == u64::from(whole) => "good",
                (delivered, whole) if delivered * 10 >= u64::from(whole) * 9 => "warn",
                _ => "bad",
            },
        },
    ];
    stats.push(Stat {
        label: "Response time",
        value: numbers.p50_ms.map_or_else(|| "–".to_owned(), |ms| format!("{} ms", count(u64::from(ms)))),
        under: match numbers.p95_ms {
            Some(ms) => format!(
                "median; 95 % within {} ms, of the newest {} attempts",
                count(u64::from(ms)),
                count(numbers.attempts)
            ),
            None => "nothing was sent in the last 24 hours".to_owned(),
        },
        tone: "",
    });
    let more = if numbers.queue_truncated { "+" } else { "" };
    stats.push(Stat {
        label: "In the queue",
        value: format!("{}{more}", count(queued)),
        under: format!(
            "{} to be retried, {} waiting for their webhook; {oldest}",
            count(queue.scheduled),
            count(queue.waiting)
        ),
        tone: "",
    });
    stats
}

impl Failing {
    fn new(webhook: &Webhook, health: &Health, now: Timestamp) -> Self {
        let badge = match webhook.revision.status {
            Status::Active => Badge::bad("Failing").titled("Active, and its newest attempts failed"),
            other => Badge::of_webhook(other),
        };
        let failures = match health.consecutive_failures {
            1 => "1 failed attempt".to_owned(),
            many => format!("{} failed attempts", count(u64::from(many))),
        };
        Self {
            id: webhook.id.to_string(),
            name: shown_name(webhook),
            badge,
            failures,
            since: health.failing_since.map(|at| Moment::new(at, now)),
            last_success: health.last_success.map(|at| Moment::new(at, now)),
        }
    }
}

impl Failed {
    fn new(delivery: &Delivery, webhook: String, now: Timestamp) -> Self {
        let reason = delivery.reason.clone().or_else(|| Some(format!("answered {}", delivery.last_status?)));
        Self {
            id: delivery.id.shown(delivery.test),
            event_type: delivery.event_type.to_string(),
            webhook,
            webhook_id: delivery.webhook.to_string(),
            reason: reason.map(|reason| sentence(&reason)).unwrap_or_default(),
            accepted: Moment::new(delivery.id.time(), now),
        }
    }
}

fn shown_name(webhook: &Webhook) -> String {
    if webhook.name.is_empty() { "Unnamed".to_owned() } else { webhook.name.clone() }
}

/// In whole units, without "ago".
fn age(now: Timestamp, then: Timestamp) -> String {
    match now.since(then).as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// As the browser asks for it, unless the configuration says another.
fn site(ui: &Ui, signed: &Signed, headers: &HeaderMap) -> String {
    if let Some(site) = ui.services.public_url() {
        return site.as_str().trim_end_matches('/').to_owned();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("{}://{host}", if signed.0.is_https { "https" } else { "http" })
}

fn curl(site: &str) -> String {
    format!(
        "curl {site}/api/events \\\n  -H \"Authorization: Bearer $WAXWING_TOKEN\" \\\n  -H \"Content-Type: application/json\" \\\n  \
         -d '{{\"type\": \"license.activated\", \"data\": {{\"licenseKey\": \"AAAA-BBBB\"}}}}'"
    )
}
