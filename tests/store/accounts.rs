//! Stories of tenants, tokens, catalogue, defaults and the audit log.

use waxwing::model::access::{AccessToken, Role};
use waxwing::model::catalogue::CatalogueEntry;
use waxwing::model::name::Tenant;
use waxwing::model::page::PageRequest;
use waxwing::model::policy::RetryPolicy;
use waxwing::model::tenant::{Defaults, Retention, TenantProfile};
use waxwing::model::webhook::FormatName;
use waxwing::store::{AuditEntry, Start};

use crate::fixture::Fixture;

pub(crate) async fn a_tenant_is_kept_until_nothing_is_its_own(f: Fixture) {
    let mut tenant = TenantProfile::new(Tenant::default_tenant(), f.now);
    f.store.save_tenant(&tenant).await.unwrap();
    tenant.max_webhooks = Some(0);
    tenant.retention = Retention::Year;
    tenant.strict = true;
    tenant.defaults.format = Some(FormatName::Stripe);
    f.store.save_tenant(&tenant).await.unwrap();
    assert_eq!(f.store.tenants().await.unwrap(), [tenant.clone()]);

    let webhook = f.webhook("shop");
    f.store.save_webhook(&webhook, None, None).await.unwrap();
    assert!(!f.store.delete_tenant(&tenant.name).await.unwrap(), "it has a webhook");
    f.store.delete_webhook(webhook.id, f.now).await.unwrap();
    let empty = TenantProfile::new("empty".parse().unwrap(), f.now);
    f.store.save_tenant(&empty).await.unwrap();
    assert!(f.store.delete_tenant(&empty.name).await.unwrap());
    f.accepted(Start::Claimed).await;
    assert!(!f.store.delete_tenant(&tenant.name).await.unwrap(), "it has an event");
    assert_eq!(f.store.tenants().await.unwrap(), [tenant]);
}

pub(crate) async fn tokens_are_kept_as_hashes_with_their_role(f: Fixture) {
    let token = |role, tenant: Option<Tenant>, hash| AccessToken {
        id: f.id(),
        name: "ci".into(),
        role,
        tenant,
        hash: [hash; 32],
        created_at: f.now,
        expires_at: Some(f.now),
    };
    let tokens = [
        token(Role::Admin, None, 1),
        token(Role::Publisher, None, 2),
        token(Role::Viewer, None, 3),
        token(Role::Tenant, Some(Tenant::default_tenant()), 4),
    ];
    for token in &tokens {
        f.store.save_token(token).await.unwrap();
    }
    assert_eq!(f.store.tokens().await.unwrap(), tokens);
    assert!(f.store.delete_token(tokens[0].id).await.unwrap());
    assert!(!f.store.delete_token(tokens[0].id).await.unwrap());
    assert_eq!(f.store.tokens().await.unwrap(), tokens[1..]);
}

pub(crate) async fn the_catalogue_and_the_defaults_are_what_was_last_saved(f: Fixture) {
    assert_eq!(f.store.defaults().await.unwrap(), Defaults::default());
    let defaults = Defaults {
        format: Some(FormatName::LicenseValidator),
        environment: Some("staging".parse().unwrap()),
        retry: Some(RetryPolicy::Keygen),
    };
    f.store.save_defaults(&Defaults::default()).await.unwrap();
    f.store.save_defaults(&defaults).await.unwrap();
    assert_eq!(f.store.defaults().await.unwrap(), defaults);

    let mut entry = CatalogueEntry {
        event_type: "license.created".parse().unwrap(),
        description: "A licence".into(),
        schema: None,
        sample: Some("{}".into()),
        deprecated: false,
        updated_at: f.now,
    };
    f.store.save_catalogue_entry(&entry).await.unwrap();
    entry.schema = Some("{\"type\":\"object\"}".into());
    entry.deprecated = true;
    f.store.save_catalogue_entry(&entry).await.unwrap();
    assert_eq!(f.store.catalogue().await.unwrap(), [entry.clone()]);
    assert!(f.store.delete_catalogue_entry(&entry.event_type).await.unwrap());
    assert!(f.store.catalogue().await.unwrap().is_empty());
}

pub(crate) async fn the_audit_log_is_paged_newest_first_and_by_tenant(f: Fixture) {
    let entry = |id: u64, tenant: Option<&str>| AuditEntry {
        id,
        tenant: tenant.map(|tenant| tenant.parse().unwrap()),
        actor: "token_1".into(),
        action: "webhook.update".into(),
        target: "webhook_1".into(),
        detail: "paused".into(),
    };
    let entries: Vec<_> =
        (1..=5).map(|id| entry(id, [None, Some("a"), Some("b")][usize::try_from(id % 3).unwrap()])).collect();
    for entry in &entries {
        f.store.audit(entry).await.unwrap();
    }
    let first = f.store.audits(None, PageRequest { limit: 3, before: None }).await.unwrap();
    let rest = f.store.audits(None, PageRequest { limit: 3, before: first.next }).await.unwrap();
    assert_eq!(rest.next, None);
    let newest_first: Vec<_> = entries.iter().rev().cloned().collect();
    assert_eq!([first.rows, rest.rows].concat(), newest_first);
    let of_a = f.store.audits(Some(&"a".parse().unwrap()), PageRequest { limit: 9, before: None }).await.unwrap();
    assert_eq!(of_a.rows.iter().map(|entry| entry.id).collect::<Vec<_>>(), [4, 1]);
}
