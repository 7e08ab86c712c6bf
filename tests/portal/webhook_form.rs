//! The form that makes and changes a webhook: the workflows of the page's document, what is refused, who may.

use serde_json::json;

use crate::browser::{Browser, Page, named};
use crate::world::World;

const NEW: &str = "/admin/webhooks/new";

/// What is shown once.
fn secret(page: &Page) -> String {
    let from = page.text.split("data-copy=\"").nth(1).expect("a secret");
    from.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_activation_alert_is_set_up() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    admin.get("/admin/webhooks").await.shows("href=\"/admin/webhooks/new\"");
    let form = admin.get(NEW).await;
    form.shows("Activation events").shows("name=\"events\" value=\"activation.created\"").shows("value=\"license.*\"");
    form.shows("<option value=\"production\" selected>Production</option>").shows("value=\"yes\" checked");
    let url = world.sink.url();
    let made = admin
        .submit_on(
            NEW,
            &[
                ("name", "Slack Activation Alerts"),
                ("url", &url),
                ("environment", "production"),
                ("active", "yes"),
                ("events", "activation.created"),
                ("events", "activation.failed"),
                ("format", "standard"),
                ("retry", "standard"),
            ],
        )
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    made.shows("Copy the secret now").shows("How to verify").shows("whsec_");
    let listed = world.get("/api/webhooks").await.ok();
    let webhook = &listed["data"][0];
    assert_eq!(webhook["name"], "Slack Activation Alerts");
    assert_eq!(webhook["events"], json!(["activation.created", "activation.failed"]));
    assert_eq!((&webhook["environment"], &webhook["isActive"]), (&json!("production"), &json!(true)));
    let detail = admin.get(&format!("/admin/webhooks/{}", webhook["id"].as_str().unwrap())).await;
    detail.shows("Slack Activation Alerts").lacks(&secret(&made));

    world.publish("activation.failed", json!({ "reason": "no seats" })).await;
    world.deliver().await;
    assert_eq!(world.sink.requests().len(), 1);
}

#[tokio::test]
async fn an_endpoint_is_updated_and_gets_a_new_secret() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{id}/edit");
    let form = admin.get(&path).await;
    form.shows("value=\"shop\"").shows("name=\"events\" value=\"*\" checked").shows(&world.sink.url());
    let (seen, url) = (form.hidden("revision"), format!("{}/new", world.sink.url()));
    let typed = [
        ("revision", seen.as_str()),
        ("name", "shop"),
        ("url", &url),
        ("environment", "production"),
        ("active", "yes"),
        ("events", "*"),
        ("format", "standard"),
        ("retry", "standard"),
        ("new-secret", "yes"),
        ("overlap", "3600"),
    ];
    let saved = admin.submit_on(&path, &typed).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    saved.shows("New secret").shows("signs along");
    assert!(secret(&saved).starts_with("whsec_"));
    let webhook = world.get(&format!("/api/webhooks/{id}")).await.ok();
    assert_eq!((&webhook["url"], &webhook["signingSecrets"]), (&json!(url), &json!(2)));
}

#[tokio::test]
async fn everything_that_can_be_typed_is_saved_and_shown_again() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{id}/edit");
    let (seen, url) = (admin.get(&path).await.hidden("revision"), world.sink.url());
    let typed = [
        ("revision", seen.as_str()),
        ("name", "Keygen’s"),
        ("url", &url),
        ("environment", "production"),
        ("other-environment", "qa-2"),
        ("description", "Two\r\nlines"),
        ("events", "license.*"),
        ("patterns", "order.paid\r\norder.refunds.*, order.paid"),
        ("format", "keygen"),
        ("account", "acme"),
        ("new-secret", "yes"),
        ("retry", "custom"),
        ("delays", "5, 60 300"),
        ("timeout", "30"),
        ("rate", "12"),
        ("ordering", "fifo"),
        ("header-name", "X-Key"),
        ("header-value", "abc"),
        ("header-name", ""),
        ("header-value", ""),
    ];
    let saved = admin.submit_on(&path, &typed).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    let webhook = world.get(&format!("/api/webhooks/{id}")).await.ok();
    assert_eq!(webhook["events"], json!(["license.*", "order.paid", "order.refunds.*"]));
    assert_eq!(webhook["formatOptions"], json!({ "account": "acme" }));
    assert_eq!(webhook["retry"], json!({ "delaysSeconds": [5, 60, 300] }));
    assert_eq!(webhook["headers"], json!({ "x-key": "abc" }));
    assert_eq!((&webhook["environment"], &webhook["description"]), (&json!("qa-2"), &json!("Two\nlines")));
    assert_eq!((&webhook["timeoutSeconds"], &webhook["rateLimit"]), (&json!(30), &json!(12)));
    assert_eq!((&webhook["ordering"], &webhook["isActive"]), (&json!("fifo"), &json!(false)));
    let again = admin.get(&path).await;
    again.shows("<option value=\"qa-2\" selected>").shows("value=\"5, 60, 300\"").shows("value=\"x-key\"");
    again.shows("order.paid\norder.refunds.*</textarea>").shows("value=\"license.*\" checked");
    let detail = admin.get(&format!("/admin/webhooks/{id}")).await;
    detail.shows("Public key").shows("whpk_").shows("after 5, 60, 300 seconds").shows(">order.refunds.*</span>");
}

#[tokio::test]
async fn each_fault_stands_at_its_field_and_what_was_typed_stays() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let typed = [
        ("name", "<b>bold</b>"),
        ("url", "ftp://<i>"),
        ("environment", "production"),
        ("other-environment", "No Such"),
        ("patterns", "bad..pattern"),
        ("format", "keygen"),
        ("retry", "standard"),
        ("timeout", "90"),
        ("rate", "0"),
        ("header-name", "host"),
        ("header-value", "x"),
    ];
    let refused = admin.submit(NEW, &typed).await;
    assert_eq!(refused.status, 422);
    refused
        .shows("&#60;b&#62;bold&#60;/b&#62;")
        .lacks("<b>bold")
        .shows("ftp://&#60;i&#62;")
        .shows("\nbad..pattern</textarea>");
    for field in ["url", "environment", "account", "timeout", "rate"] {
        refused.shows(&format!("href=\"#field-{field}\"")).shows(&format!("id=\"field-{field}-error\""));
    }
    refused.shows("id=\"events-error\"").shows("id=\"headers-error\"").shows("value=\"host\"").shows("value=\"90\"");
    assert_eq!(world.get("/api/webhooks").await.ok()["data"], json!([]));
    let refused = admin.submit(NEW, &[("retry", "custom"), ("delays", "soon"), ("timeout", "long")]).await;
    assert_eq!(refused.status, 422);
    refused.shows("Delays are whole numbers of seconds").shows("Must be a whole number.").shows("value=\"soon\"");
    let empty = admin.submit(NEW, &[]).await;
    empty.shows("A webhook needs a URL.").shows("Must name 1 to 256 event types.");
}

#[tokio::test]
async fn a_save_over_somebody_elses_change_says_so_and_keeps_what_was_typed() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{id}/edit");
    let (seen, url) = (admin.get(&path).await.hidden("revision"), world.sink.url());
    world.patch(&format!("/api/webhooks/{id}"), json!({ "name": "theirs" })).await.ok();
    let typed = |seen: &str| {
        let fields = [("revision", seen), ("name", "mine"), ("url", &url), ("active", "yes"), ("events", "*")];
        fields.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let post = async |fields: [(String, String); 5]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        admin.submit(&path, &fields).await
    };
    let refused = post(typed(&seen)).await;
    assert_eq!(refused.status, 409);
    refused.shows("Somebody else changed this webhook meanwhile").shows("value=\"mine\"");
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.ok()["name"], "theirs");
    let saved = post(typed(&refused.hidden("revision"))).await;
    assert_eq!(saved.location(), format!("/admin/webhooks/{id}?done=saved"));
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.ok()["name"], "mine");
}

#[tokio::test]
async fn only_who_may_change_webhooks_gets_the_form() {
    let world = World::start().await;
    world.put("/api/tenants/acme", json!({})).await.ok();
    let id = named(&world, "shop").await;
    let viewer = Browser::signed_in(&world, &world.token("viewer", None).await).await;
    for path in [NEW.to_owned(), format!("/admin/webhooks/{id}/edit"), format!("/admin/webhooks/{id}/test")] {
        assert_eq!(viewer.get(&path).await.status, 403, "{path}");
        assert_eq!(viewer.submit(&path, &[("name", "x")]).await.status, 403, "{path}");
    }
    let tenant = Browser::signed_in(&world, &world.token("tenant", Some("acme")).await).await;
    for path in [format!("/admin/webhooks/{id}"), format!("/admin/webhooks/{id}/edit")] {
        assert_eq!(tenant.get(&path).await.status, 404, "{path}");
    }
    let url = world.sink.url();
    let made = tenant.submit_on(NEW, &[("url", url.as_str()), ("events", "*"), ("active", "yes")]).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(world.get("/api/webhooks?tenant=acme").await.ok()["data"][0]["tenant"], "acme");
}
