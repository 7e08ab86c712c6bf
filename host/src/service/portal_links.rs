//! Links that sign in to the portal once: for an admin's colleagues, and for a customer's own webhooks within another product.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::model::access::Role;
use crate::model::name::Tenant;
use crate::model::secret::Secret;
use crate::model::session::{Grant, SignInLink};
use crate::model::time::Timestamp;

use super::Services;
use super::audit::Done;
use super::caller::Caller;
use super::error::{Issues, Result};
use super::sessions::{hash, maker_of, new_secret};

const MINUTES_DEFAULT: u32 = 15;
const MINUTES_MAX: u32 = 24 * 60;

#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortalLinkInput {
    /// `admin` (if absent), `viewer` or `tenant`.
    #[schema(value_type = Option<String>, example = "tenant")]
    #[serde(default)]
    pub role: Option<Role>,
    /// Shows only this tenant; required for the role `tenant`.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub tenant: Option<Tenant>,
    /// 1 to 1440; 15 if absent.
    #[serde(default)]
    pub expires_in_minutes: Option<u32>,
    /// A site (`https://host[:port]`) that may show the portal in a frame. Only for the role `tenant`.
    #[serde(default)]
    #[schema(example = "https://app.example.com")]
    pub allowed_origin: Option<String>,
}

/// A link, for the only time.
#[derive(Clone, Debug)]
pub struct PortalLink {
    /// What the link ends in.
    pub secret: Secret,
    pub expires_at: Timestamp,
}

impl PortalLink {
    /// On this site: `https://host[:port]`.
    pub fn url(&self, site: &str) -> String {
        format!("{}/admin/sign-in/{}", site.trim_end_matches('/'), self.secret.expose())
    }
}

impl Services {
    pub async fn create_portal_link(&self, caller: &Caller, input: PortalLinkInput) -> Result<PortalLink> {
        caller.must_administer()?;
        let role = input.role.unwrap_or(Role::Admin);
        let minutes = input.expires_in_minutes.unwrap_or(MINUTES_DEFAULT);
        let mut issues = Issues::default();
        match role {
            Role::Publisher => {
                issues.add("/role", "invalid-value", "must be admin, viewer or tenant: a publisher sees nothing")
            }
            Role::Tenant if input.tenant.is_none() => {
                issues.add("/tenant", "missing", "a link of the role `tenant` is one tenant's")
            }
            _ => {}
        }
        if !(1..=MINUTES_MAX).contains(&minutes) {
            issues.add("/expiresInMinutes", "out-of-bounds", format!("must be 1 to {MINUTES_MAX}"));
        }
        let origin = input.allowed_origin.as_deref().and_then(|text| match origin_of(text) {
            Some(origin) if role == Role::Tenant => Some(origin),
            Some(_) => {
                issues.add("/allowedOrigin", "invalid-value", "only a link of the role `tenant` may be framed");
                None
            }
            None => {
                issues.add(
                    "/allowedOrigin",
                    "invalid-url",
                    "must be a site such as https://app.example.com, without a path",
                );
                None
            }
        });
        issues.check()?;
        let tenant = caller.scope(input.tenant)?;
        if let Some(tenant) = &tenant {
            self.profile(tenant, "/tenant")?;
        }
        let (secret, now, maker) = (new_secret(self.rng.as_ref()), self.now(), maker_of(caller));
        let proof = self.proof(maker, secret.expose())?;
        let grant = Grant { maker: maker.to_owned(), proof, role, tenant, origin };
        let expires_at = now.plus(Duration::from_secs(60 * u64::from(minutes)));
        let link = SignInLink { hash: hash(secret.expose()), grant, created_at: now, expires_at };
        self.store.save_link(&link).await?;
        let (target, detail) = (role.as_str().to_owned(), format!("for {minutes} min"));
        self.audit(caller, Done { tenant: link.grant.tenant.as_ref(), action: "portal.link", target, detail }).await?;
        Ok(PortalLink { secret, expires_at })
    }
}

/// Plain HTTP is for trying it on one's own machine.
fn origin_of(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    // More may stand in a host than in a policy: `*`, or a `;` that begins another directive.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.[]:".contains(&byte);
    let host = url.host_str().filter(|host| host.bytes().all(is_plain))?;
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let is_site = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
    (is_site && is_safe && url.password().is_none()).then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_site_may_frame_the_portal() {
        for (text, origin) in [
            ("https://app.example.com", Some("https://app.example.com")),
            ("https://app.example.com:8443/", Some("https://app.example.com:8443")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("http://app.example.com", None),
            ("https://app.example.com/path", None),
            ("https://user@app.example.com", None),
            ("https://*.example.com", None),
            ("https://a.example.com;script-src", None),
            ("https://a.example.com,b", None),
            ("*", None),
            ("https://a.example.com; script-src *", None),
        ] {
            assert_eq!(origin_of(text).as_deref(), origin, "{text}");
        }
    }
}
