//! The names of all headers that formats write: the one list, from which the reserved names follow.

use std::sync::{Arc, LazyLock};

use crate::model::request::Header;

macro_rules! names {
    ($($name:ident = $text:literal,)*) => {
        $(pub(super) static $name: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from($text));)*
        /// Every one of them.
        pub(super) const ALL: &[&str] = &[$($text),*];
    };
}

names! {
    CONTENT_TYPE = "content-type",
    WEBHOOK_ID = "webhook-id",
    WEBHOOK_TIMESTAMP = "webhook-timestamp",
    WEBHOOK_SIGNATURE = "webhook-signature",
    SVIX_ID = "svix-id",
    SVIX_TIMESTAMP = "svix-timestamp",
    SVIX_SIGNATURE = "svix-signature",
    X_WEBHOOK_SIGNATURE = "x-webhook-signature",
    X_WEBHOOK_DELIVERY = "x-webhook-delivery",
    DATE = "date",
    DIGEST = "digest",
    KEYGEN_DATE = "keygen-date",
    KEYGEN_DIGEST = "keygen-digest",
    KEYGEN_SIGNATURE = "keygen-signature",
    X_GITHUB_EVENT = "x-github-event",
    X_GITHUB_DELIVERY = "x-github-delivery",
    X_HUB_SIGNATURE_256 = "x-hub-signature-256",
    STRIPE_SIGNATURE = "stripe-signature",
}

/// One header under a name of the list; the name is shared, never copied.
pub(super) fn header(name: &LazyLock<Arc<str>>, value: impl Into<Arc<str>>) -> Header {
    Header { name: Arc::clone(name), value: value.into() }
}
