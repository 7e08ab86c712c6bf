//! A server on which somebody has worked for a day: webhooks of every kind and state, events, deliveries that ended in every way.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use crate::receiver::{Answer, Receiver};
use crate::world::World;

const HOUR: Duration = Duration::from_secs(3600);
const HOURS: usize = 20;

/// What happens in turn, a few of them each hour: type, environment, tenant.
const HAPPENS: [(&str, &str, &str); 11] = [
    ("license.activated", "production", "default"),
    ("activation.created", "production", "default"),
    ("license.expired", "production", "default"),
    ("telemetry.received", "production", "default"),
    ("activation.failed", "production", "default"),
    ("contract.created", "production", "default"),
    ("license.created", "production", "acme"),
    ("telemetry.flagged", "staging", "default"),
    ("license.activated", "production", "acme"),
    ("product.updated", "production", "default"),
    ("license.suspended", "production", "default"),
];

pub(crate) struct Installation {
    pub(crate) world: World,
    receiver: Receiver,
    ids: HashMap<&'static str, String>,
}

impl Installation {
    /// As it is after the first start.
    pub(crate) async fn empty() -> Self {
        Self { world: World::start().await, receiver: Receiver::start().await, ids: HashMap::new() }
    }

    pub(crate) async fn stocked() -> Self {
        let mut place = Self::empty().await;
        place.accounts().await;
        for (key, webhook, _) in webhooks() {
            place.webhook(key, webhook).await;
        }
        place.a_day().await;
        place.as_it_is_now().await;
        place.remember().await;
        place
    }

    /// With the longest names and URL that there can be, too.
    pub(crate) async fn with_long_names(mut self) -> Self {
        let name = "Everything that happens anywhere, for the archive of a department that nobody has heard of, forwarded and kept for good";
        let url = format!("{}?token=", self.receiver.url("/archive/of/everything"));
        let url = format!("{url}{}", "0123456789abcdef".repeat(125)).chars().take(2000).collect::<String>();
        let word = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz".repeat(2);
        let headers = json!({ "x-a-rather-long-header-name-of-somebody": "y".repeat(300) });
        let long = json!({ "name": name, "url": url, "events": ["*"], "description": word, "headers": headers });
        self.webhook("long", long).await;
        let word = word.chars().take(120).collect::<String>();
        self.webhook("word", json!({ "name": word, "url": url, "events": ["license.*"] })).await;
        let long_type = format!("license.{}", "renewed-by-the-same-customer-".repeat(8));
        let event = json!({ "type": long_type, "data": { "note": "z".repeat(900) }, "id": "order-".repeat(30) });
        self.world.post("/api/events", event).await.ok();
        self.world.put(&format!("/api/event-types/{long_type}"), json!({ "description": word.repeat(3) })).await.ok();
        self.world.deliver().await;
        let delivery = self.newest("webhook", "long").await;
        self.ids.insert("long-delivery", delivery);
        self.ids.insert("long-type", long_type);
        self
    }

    /// What stands for `{id}` in the address of a page about this.
    pub(crate) fn id(&self, of: &str) -> &str {
        self.ids.get(of).unwrap_or_else(|| panic!("there is no {of}"))
    }

    async fn webhook(&mut self, key: &'static str, mut webhook: Value) {
        let url = self.receiver.url(&format!("/{key}"));
        webhook.as_object_mut().unwrap().entry("url").or_insert(json!(url));
        let made = self.world.post("/api/webhooks", webhook).await.ok();
        self.ids.insert(key, made["id"].as_str().unwrap().to_owned());
    }

    async fn accounts(&mut self) {
        let world = &self.world;
        world.put("/api/tenants/acme", json!({ "maxWebhooks": 10, "retentionDays": 90 })).await.ok();
        world
            .put("/api/tenants/nordwind", json!({ "maxWebhooks": 50, "retentionDays": 365, "strict": true }))
            .await
            .ok();
        for (name, role, tenant) in [
            ("Licence server, production", "publisher", None),
            ("Support desk", "viewer", None),
            ("Acme’s own portal", "tenant", Some("acme")),
        ] {
            let token = json!({ "name": name, "role": role, "tenant": tenant });
            let made = world.post("/api/tokens", token).await.ok();
            self.ids.insert("token", made["id"].as_str().unwrap().to_owned());
        }
        self.ids.insert("acme", "acme".to_owned());
        self.ids.insert("type", "license.activated".to_owned());
    }

    async fn a_day(&self) {
        let mut samples = HashMap::new();
        for (name, ..) in HAPPENS {
            let shown = self.world.get(&format!("/api/event-types/{name}")).await.ok();
            samples.insert(name, shown["sample"].clone());
        }
        let gone = "<html><body><h1>503 Service Unavailable</h1><p>No server is available to handle this request.</p></body></html>";
        self.receiver.answers("/erp", Answer::new(503, gone).header("content-type", "text/html"));
        let mut happening = HAPPENS.iter().cycle();
        for hour in 0..HOURS {
            let busy = Answer::new(429, r#"{"error":"rate limit exceeded"}"#).header("retry-after", "120");
            let takes_it = Answer::new(200, r#"{"accepted":true}"#).header("content-type", "application/json");
            self.receiver.answers("/crm", if hour % 9 == 4 || hour + 1 == HOURS { busy } else { takes_it });
            let events: Vec<Value> = happening
                .by_ref()
                .take(2 + (hour * 5 + hour / 3) % 6)
                .map(|(name, environment, tenant)| {
                    json!({ "type": name, "environment": environment, "tenant": tenant, "data": samples[name] })
                })
                .collect();
            self.world.post("/api/events", json!(events)).await.ok();
            self.world.deliver().await;
            let step = if hour + 1 == HOURS { HOUR / 10 } else { HOUR };
            self.world.clock.0.fetch_add(u64::try_from(step.as_millis()).unwrap(), Ordering::Relaxed);
        }
        let last =
            json!({ "type": "license.activated", "data": samples["license.activated"], "id": "activation-48210" });
        self.world.post("/api/events", last).await.ok();
        self.world.deliver().await;
    }

    /// The addresses that the webhooks would really have, which no test calls; one paused, one switched off.
    async fn as_it_is_now(&self) {
        for (key, _, url) in webhooks() {
            if !url.is_empty() {
                self.world.patch(&format!("/api/webhooks/{}", self.id(key)), json!({ "url": url })).await.ok();
            }
        }
        self.world.post(&format!("/api/webhooks/{}/pause", self.id("billing")), json!({})).await.ok();
        self.world.patch(&format!("/api/webhooks/{}", self.id("old")), json!({ "isActive": false })).await.ok();
    }

    async fn remember(&mut self) {
        for (key, filter, of) in [
            ("delivered", "status=delivered&webhook", "slack"),
            ("failed", "status=failed&webhook", "erp"),
            ("pending", "status=pending&webhook", "crm"),
            ("dropped", "status=dropped&webhook", "warehouse"),
        ] {
            let delivery = self.newest(filter, of).await;
            self.ids.insert(key, delivery);
        }
        let events = self.world.get("/api/events?limit=1").await.ok();
        self.ids.insert("event", events["data"][0]["id"].as_str().unwrap().to_owned());
        self.ids.insert("plugin", "redact".to_owned());
        let link = self.world.post("/api/portal/links", json!({ "role": "viewer" })).await.ok();
        let link = link["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        self.ids.insert("link", link);
        let sink = json!({ "name": "For trying out", "status": 202, "body": "{\"taken\":true}" });
        let sink = self.world.post("/api/sinks", sink).await.ok();
        let sent = json!({ "type": "license.activated", "data": { "licenseKey": "AAAA-BBBB", "seats": 5 } });
        reqwest::Client::new().post(sink["url"].as_str().unwrap()).json(&sent).send().await.unwrap();
        self.ids.insert("sink", sink["id"].as_str().unwrap().to_owned());
        self.ids.insert("no-link", "used-before".to_owned());
    }

    async fn newest(&self, filter: &str, webhook: &str) -> String {
        let listed = self.world.get(&format!("/api/deliveries?{filter}={}", self.id(webhook))).await.ok();
        listed["data"][0]["id"].as_str().unwrap_or_else(|| panic!("no delivery with {filter}={webhook}")).to_owned()
    }
}

/// A key, what is saved, and the address that it is to show in the end, if not the receiver's.
fn webhooks() -> [(&'static str, Value, &'static str); 10] {
    let slack = json!([{ "plugin": "slack", "settings": { "title": "Activations" } }]);
    let pii = json!({ "plugin": "redact", "settings": { "mask": ["/customerEmail"], "remove": ["/licenseKey"] } });
    let quiet = json!({ "plugin": "filter", "settings": { "jq": ".type != \"telemetry.received\"" } });
    [
        ("local", json!({ "name": "Sandbox", "environment": "development", "events": ["license.*"] }), ""),
        (
            "old",
            json!({ "name": "Old CRM", "events": ["license.expired"], "description": "Replaced by CRM sync." }),
            "https://legacy.nordwind.example/hooks/licences",
        ),
        (
            "board",
            json!({ "name": "Acme status board", "tenant": "acme", "events": ["license.*"], "format": "svix" }),
            "https://hooks.acme.example/licences",
        ),
        (
            "keygen",
            json!({ "name": "Reseller portal", "events": ["contract.*", "product.*"], "format": "keygen",
                "formatOptions": { "account": "nordwind" } }),
            "https://resellers.nordwind.example/keygen/events",
        ),
        (
            "fraud",
            json!({ "name": "Fraud review", "environment": "staging", "events": ["telemetry.flagged"],
                "format": "license-validator", "retry": "license-validator" }),
            "https://review.nordwind.example/flags",
        ),
        (
            "billing",
            json!({ "name": "Billing export", "events": ["contract.*"], "ordering": "fifo" }),
            "https://billing.nordwind.example/api/v2/contracts/events",
        ),
        (
            "erp",
            json!({ "name": "ERP", "events": ["license.*"], "retry": { "delaysSeconds": [1800, 3600] },
                "headers": { "x-client": "licensing" } }),
            "https://erp.nordwind.example/cgi-bin/licence-hook",
        ),
        (
            "warehouse",
            json!({ "name": "Data warehouse", "events": ["*"], "plugins": [quiet, pii], "rateLimit": 50 }),
            "https://ingest.warehouse.example/v1/streams/licensing/events",
        ),
        (
            "crm",
            json!({ "name": "CRM sync", "events": ["license.activated", "license.expired", "license.suspended"],
                "description": "Keeps the licence fields of each account current." }),
            "https://crm.nordwind.example/hooks/waxwing",
        ),
        (
            "slack",
            json!({ "name": "Slack Activation Alerts", "events": ["activation.created", "activation.failed"],
                "plugins": slack }),
            "https://hooks.slack.com/services/T01NW8QK2/B04C7H1PA/kq3vX8",
        ),
    ]
}
