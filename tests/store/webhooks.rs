//! Stories of webhooks: what they are, what they were, and that nobody overwrites what he hasn't seen.

use std::sync::Arc;

use waxwing::model::attempt::Attempt;
use waxwing::model::delivery::{Fixed, FixedBody};
use waxwing::model::plugin::{Digest, Manifest, Plugin};
use waxwing::model::webhook::{DisabledReason, Status, Webhook};
use waxwing::store::{Completion, Start, StoreError};

use crate::fixture::{Fixture, hours, minutes};

async fn saved(f: &Fixture, name: &str) -> Webhook {
    let webhook = f.webhook(name);
    assert!(f.store.save_webhook(&webhook, None, None).await.unwrap());
    webhook
}

/// As it is after a save with another status.
fn changed(f: &Fixture, webhook: &Webhook, status: Status) -> Webhook {
    Webhook { revision: Arc::new(f.revision(webhook.id, status)), ..webhook.clone() }
}

pub(crate) async fn a_webhook_is_read_back_with_all_its_parts(f: Fixture) {
    let webhook = saved(&f, "shop").await;
    assert_eq!(f.store.webhooks().await.unwrap(), std::slice::from_ref(&webhook));
    assert_eq!(f.store.revision(webhook.revision.id).await.unwrap(), Some(webhook.revision));
    let f = f.reopened().await;
    assert_eq!(f.store.webhooks().await.unwrap().len(), 1);
    assert_eq!(f.store.revision(f.id()).await.unwrap(), None);
}

pub(crate) async fn an_edit_makes_a_revision_and_keeps_the_old_one(mut f: Fixture) {
    let first = saved(&f, "shop").await;
    f.advance(hours(1));
    let second = changed(&f, &first, Status::Disabled(DisabledReason::Gone));
    assert!(f.store.save_webhook(&second, Some(&first.revision), None).await.unwrap());
    assert_eq!(f.store.webhooks().await.unwrap(), std::slice::from_ref(&second));
    assert_eq!(f.store.revisions(first.id).await.unwrap(), [second.revision, first.revision]);
}

pub(crate) async fn an_edit_of_what_was_changed_meanwhile_is_refused(f: Fixture) {
    let first = saved(&f, "shop").await;
    let (mine, theirs) = (changed(&f, &first, Status::Paused), changed(&f, &first, Status::Active));
    assert!(f.store.save_webhook(&theirs, Some(&first.revision), None).await.unwrap());
    let refused = f.store.save_webhook(&mine, Some(&first.revision), None).await;
    assert!(matches!(refused, Err(StoreError::Conflict { what: "webhook" })), "{refused:?}");
    assert_eq!(f.store.webhooks().await.unwrap(), std::slice::from_ref(&theirs));
    assert!(f.store.save_webhook(&first, None, None).await.is_err(), "it isn't new");

    assert!(f.store.delete_webhook(first.id, f.now).await.unwrap());
    assert!(!f.store.delete_webhook(first.id, f.now).await.unwrap());
    assert!(f.store.save_webhook(&mine, Some(&theirs.revision), None).await.is_err(), "it is gone");
    assert!(f.store.webhooks().await.unwrap().is_empty());
}

pub(crate) async fn a_save_that_no_later_writer_could_notice_is_refused(f: Fixture) {
    let first = saved(&f, "shop").await;
    let mut rotated = first.clone();
    rotated.current.secrets.truncate(1);
    let refused = f.store.save_webhook(&rotated, Some(&first.revision), None).await;
    assert!(matches!(refused, Err(StoreError::Conflict { what: "webhook" })), "{refused:?}");
    assert_eq!(f.store.webhooks().await.unwrap(), std::slice::from_ref(&first), "nothing was written");

    // With a revision of its own it is saved, and an edit of what it was before is the one that is refused.
    rotated.revision = Arc::new(f.revision(first.id, Status::Active));
    assert!(f.store.save_webhook(&rotated, Some(&first.revision), None).await.unwrap());
    let edited = changed(&f, &first, Status::Paused);
    assert!(f.store.save_webhook(&edited, Some(&first.revision), None).await.is_err());
    assert_eq!(f.store.webhooks().await.unwrap(), [rotated]);
}

pub(crate) async fn a_quota_counts_what_is_there_for_this_tenant(f: Fixture) {
    assert!(!f.store.save_webhook(&f.webhook("none allowed"), None, Some(0)).await.unwrap());
    let first = f.webhook("first");
    assert!(f.store.save_webhook(&first, None, Some(1)).await.unwrap());
    assert!(!f.store.save_webhook(&f.webhook("second"), None, Some(1)).await.unwrap());
    let edit = changed(&f, &first, Status::Paused);
    assert!(f.store.save_webhook(&edit, Some(&first.revision), Some(1)).await.unwrap(), "an edit needs no room");
    let elsewhere = Webhook { tenant: "other".parse().unwrap(), ..f.webhook("other") };
    assert!(f.store.save_webhook(&elsewhere, None, Some(1)).await.unwrap());
    f.store.delete_webhook(first.id, f.now).await.unwrap();
    assert!(f.store.save_webhook(&f.webhook("third"), None, Some(1)).await.unwrap());
}

pub(crate) async fn what_existed_at_a_time_is_known_as_it_was_then(mut f: Fixture) {
    let before = f.now;
    f.advance(minutes(1));
    let first = saved(&f, "edited").await;
    let deleted = saved(&f, "deleted").await;
    let both = f.now;
    f.advance(minutes(1));
    let second = changed(&f, &first, Status::Paused);
    f.store.save_webhook(&second, Some(&first.revision), None).await.unwrap();
    f.store.delete_webhook(deleted.id, f.now).await.unwrap();

    let tenant = &first.tenant;
    assert!(f.store.revisions_at(tenant, before).await.unwrap().is_empty());
    let then = [("edited".to_owned(), first.revision), ("deleted".to_owned(), deleted.revision)];
    assert_eq!(f.store.revisions_at(tenant, both).await.unwrap(), then);
    assert_eq!(f.store.revisions_at(tenant, f.now).await.unwrap(), [("edited".to_owned(), second.revision)]);
    assert!(f.store.revisions_at(&"other".parse().unwrap(), both).await.unwrap().is_empty());
}

pub(crate) fn plugin(f: &Fixture, digest: u8, version: &str) -> Plugin {
    Plugin {
        digest: Digest([digest; 32]),
        manifest: Manifest {
            name: "pager".into(),
            version: version.parse().unwrap(),
            description: "Pages".into(),
            settings_schema: "{}".into(),
            event_types: vec!["*".into()],
            redacts: false,
            classifies: true,
            samples: Vec::new(),
            imports: vec!["wasi:cli/exit@0.2.0".into()],
            attributes: Vec::new(),
        },
        size: 4,
        uploaded_at: f.now,
        bundled: false,
        shared: false,
    }
}

pub(crate) async fn a_plugins_versions_are_listed_newest_first_with_their_bytes(f: Fixture) {
    for (digest, version) in [(1, "1.9.0"), (2, "1.10.0"), (3, "1.10.0-rc.1")] {
        assert!(f.store.save_plugin(&plugin(&f, digest, version), &vec![digest; 4].into()).await.unwrap());
    }
    let wasm = vec![2; 4].into();
    assert!(f.store.save_plugin(&plugin(&f, 2, "1.10.0"), &wasm).await.unwrap(), "the same again is no error");
    assert!(!f.store.save_plugin(&plugin(&f, 9, "1.10.0"), &wasm).await.unwrap(), "another with its name is");
    let versions: Vec<_> = f.store.plugins().await.unwrap().iter().map(|p| p.manifest.version.to_string()).collect();
    assert_eq!(versions, ["1.10.0", "1.10.0-rc.1", "1.9.0"]);
    assert_eq!(f.store.component(Digest([2; 32])).await.unwrap(), Some(wasm));
    assert_eq!(f.store.component(Digest([9; 32])).await.unwrap(), None);

    f.store.share_plugin(Digest([1; 32]), true).await.unwrap();
    let expected = Plugin { shared: true, ..plugin(&f, 1, "1.9.0") };
    assert_eq!(f.store.plugins().await.unwrap().pop(), Some(expected));
}

pub(crate) async fn a_plugin_that_is_needed_is_not_deleted(mut f: Fixture) {
    let needed = Digest([5; 32]);
    f.store.save_plugin(&plugin(&f, 5, "1.0.0"), &vec![5].into()).await.unwrap();
    let webhook = saved(&f, "uses it").await;
    assert!(!f.store.delete_plugin(needed).await.unwrap(), "a current revision names it");

    let claimed = f.accepted_for(webhook.id.number(), Start::Claimed).await;
    let fixed = Some(Fixed { revision: webhook.revision.id, body: FixedBody::Rebuilt });
    let attempt: Option<Attempt> = Some(f.attempt(&claimed, 200));
    f.store.complete(Completion { fixed, attempt, ..f.delivered(&claimed) }).await.unwrap();
    let mut without = f.revision(webhook.id, Status::Active);
    without.chain.clear();
    let edited = Webhook { revision: Arc::new(without), ..webhook.clone() };
    f.store.save_webhook(&edited, Some(&webhook.revision), None).await.unwrap();
    assert!(!f.store.delete_plugin(needed).await.unwrap(), "a stored delivery went through it");

    f.advance(crate::fixture::days(40));
    while f.store.purge(f.now, 100).await.unwrap().rows > 0 {}
    assert!(f.store.delete_plugin(needed).await.unwrap());
    assert_eq!(f.store.component(needed).await.unwrap(), None);
    assert!(f.store.plugins().await.unwrap().is_empty());
}
