//! `waxwing replay` and `waxwing webhook recover` go on until there is no more, though a call does only so many.

use serde_json::{Value, json};

use crate::process::{Server, id, text};

#[test]
fn more_than_one_call_does_are_counted_replayed_and_recovered() {
    const MANY: u64 = 10_300;
    let server = Server::start();
    server.put("/api/tenants/default", json!({ "maxHeld": 20_000 }));
    let made = server.webhook(json!({ "url": "https://example.com/nobody", "events": ["*"] }));
    let webhook = format!("/api/webhooks/{}", id(&made));
    // Held, and cancelled by disabling: no request is made.
    server.post(&format!("{webhook}/pause"), json!({}));
    for begin in (0..MANY).step_by(1000) {
        let event = |number: u64| json!({ "type": "order.paid", "data": number });
        let events: Vec<Value> = (begin..MANY.min(begin + 1000)).map(event).collect();
        server.post("/api/events", json!(events));
    }
    server.patch(&webhook, json!({ "isActive": false }));
    // A few may have come into memory at this very moment: they are cancelled when their turn comes.
    server.until("/api/deliveries?status=pending", |pending| pending["data"] == json!([]));
    let skipped = server.json(&["replay", "--status", "cancelled"]);
    assert_eq!(skipped, json!({ "count": 0, "skipped": MANY, "more": false }));
    server.patch(&webhook, json!({ "isActive": true }));
    server.post(&format!("{webhook}/pause"), json!({}));

    let all = json!({ "count": MANY, "skipped": 0, "more": false });
    assert_eq!(server.json(&["replay", "--status", "cancelled", "--dry-run"]), all);
    let recover = ["webhook", "recover", &id(&made), "--since", "2026-01-01T00:00:00Z"];
    assert_eq!(server.json(&recover), all);
    assert_eq!(text(&server.run(&recover).stdout), "0 sent once more\n");
    assert_eq!(text(&server.run(&["replay", "--status", "cancelled"]).stdout), format!("{MANY} replayed\n"));
    let refused = server.run(&["replay"]);
    assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains("give a filter"), "{refused:?}");
}
