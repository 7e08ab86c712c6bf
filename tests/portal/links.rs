//! The form that makes links: refused with everything that was typed, and shown once.

use crate::browser::Browser;
use crate::world::World;

const PATH: &str = "/admin/portal-links";

#[tokio::test]
async fn a_link_is_made_by_a_form_and_opens_the_portal() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    admin
        .get(PATH)
        .await
        .shows("name=\"minutes\" type=\"number\" value=\"15\"")
        .shows("<option value=\"admin\" selected>");
    let made = admin.submit_on(PATH, &[("role", "viewer"), ("minutes", "5"), ("tenant", ""), ("origin", "")]).await;
    assert_eq!(made.status, 200);
    made.shows("expires <time").shows("in 5 min");
    let url = made.text.split("data-copy=\"").nth(1).unwrap().split('"').next().unwrap();
    let path = url.strip_prefix(&format!("http://{}", world.app.address())).unwrap();
    let guest = Browser::new(&world);
    assert_eq!(guest.post(path, &[]).await.status, 303);
    let page = guest.get("/admin/webhooks").await;
    page.shows(">viewer<").lacks("Create");
    assert_eq!(guest.get(PATH).await.status, 403);
    assert_eq!(guest.submit("/admin/sign-out", &[]).await.status, 303);
}

#[tokio::test]
async fn each_fault_stands_at_its_field_and_what_was_typed_stays() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let typed = [("role", "tenant"), ("minutes", "5000"), ("tenant", ""), ("origin", "app<b>.example")];
    let refused = admin.submit(PATH, &typed).await;
    assert_eq!(refused.status, 422);
    refused.shows("3 things need correcting").shows("<option value=\"tenant\" selected>").shows("value=\"5000\"");
    refused.shows("value=\"app&#60;b&#62;.example\"").lacks("<b>.example");
    for field in ["minutes", "tenant", "origin"] {
        refused.shows(&format!("href=\"#field-{field}\"")).shows(&format!("id=\"field-{field}-error\""));
    }
    refused.shows("aria-describedby=\"field-minutes-hint field-minutes-error\" aria-invalid=\"true\"");
    let refused = admin.submit(PATH, &[("role", "king"), ("minutes", "soon"), ("tenant", "A B")]).await;
    assert_eq!(refused.status, 422);
    refused.shows("Choose one of the roles.").shows("Must be a whole number.").shows("Must be 1 to 64 characters");
}
