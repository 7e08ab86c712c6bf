//! Access tokens: made once and shown once, listed without their value, taken back.

use serde::Deserialize;

use crate::model::access::{AccessToken, Role};
use crate::model::ids::TokenId;
use crate::model::name::Tenant;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;

use super::Services;
use super::access::{new_token, token_hash};
use super::audit::Done;
use super::caller::Caller;
use super::error::{Issues, Result, ServiceError};

const NAME_MAX: usize = 128;
/// Each request compares with all of them.
const TOKENS_MAX: usize = 1000;

#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    #[schema(example = "CI")]
    pub name: String,
    /// `admin`, `publisher`, `viewer` or `tenant`.
    #[schema(value_type = String, example = "publisher")]
    pub role: Role,
    /// Binds the token to one tenant; required for the role `tenant`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub tenant: Option<Tenant>,
    /// After this it opens nothing; never, if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Timestamp>,
}

impl Services {
    /// The token itself is in no other answer, and not in the store.
    pub async fn create_token(&self, caller: &Caller, input: NewToken) -> Result<(AccessToken, Secret)> {
        caller.must_administer()?;
        let mut issues = Issues::default();
        if input.name.trim().is_empty() || input.name.len() > NAME_MAX {
            issues.add("/name", "out-of-bounds", format!("must be 1 to {NAME_MAX} bytes"));
        }
        if input.role == Role::Tenant && input.tenant.is_none() {
            issues.add("/tenant", "missing", "a token of the role `tenant` is one tenant's");
        }
        if input.expires_at.is_some_and(|end| end <= self.now()) {
            issues.add("/expiresAt", "out-of-bounds", "is in the past");
        }
        if self.accounts.tokens().len() >= TOKENS_MAX {
            issues.add("", "too-many", format!("there are {TOKENS_MAX} tokens: delete some first"));
        }
        issues.check()?;
        // A bound admin makes bound tokens only.
        let tenant = caller.scope(input.tenant)?;
        if let Some(tenant) = &tenant {
            self.profile(tenant, "/tenant")?;
        }
        let secret = new_token(self.rng.as_ref());
        let token = AccessToken {
            id: self.ids.next(self.now()),
            name: input.name,
            role: input.role,
            tenant,
            hash: token_hash(secret.expose()),
            created_at: self.now(),
            expires_at: input.expires_at,
        };
        self.store.save_token(&token).await?;
        self.accounts.reload_tokens(self.store.as_ref()).await?;
        let (target, detail) = (token.id.to_string(), format!("{} ({})", token.name, token.role.as_str()));
        self.audit(caller, Done { tenant: token.tenant.as_ref(), action: "token.create", target, detail }).await?;
        Ok((token, secret))
    }

    /// Newest first; without their values, which nobody has.
    pub fn tokens(&self, caller: &Caller) -> Result<Vec<AccessToken>> {
        caller.must_administer()?;
        let mut tokens = Vec::clone(&self.accounts.tokens());
        tokens.retain(|token| caller.tenant.is_none() || token.tenant == caller.tenant);
        tokens.sort_unstable_by_key(|token| std::cmp::Reverse(token.id));
        Ok(tokens)
    }

    pub async fn delete_token(&self, caller: &Caller, id: TokenId) -> Result<()> {
        let known = self.tokens(caller)?.into_iter().find(|token| token.id == id);
        let Some(token) = known else { return Err(ServiceError::not_found("token", id)) };
        self.store.delete_token(id).await?;
        self.accounts.reload_tokens(self.store.as_ref()).await?;
        let done = Done {
            tenant: token.tenant.as_ref(),
            action: "token.delete",
            target: id.to_string(),
            detail: token.name.clone(),
        };
        self.audit(caller, done).await
    }

    /// The token for a server that has none yet: `Some` only when no admin could get in.
    pub async fn first_admin_token(&self) -> Result<Option<Secret>> {
        let now = self.now();
        let opens = |token: &AccessToken| token.role == Role::Admin && token.expires_at.is_none_or(|end| now < end);
        if self.rules.admin_token.is_some() || self.accounts.tokens().iter().any(opens) {
            return Ok(None);
        }
        let input = NewToken { name: "first start".into(), role: Role::Admin, tenant: None, expires_at: None };
        Ok(Some(self.create_token(&Caller::server("first-start"), input).await?.1))
    }
}
