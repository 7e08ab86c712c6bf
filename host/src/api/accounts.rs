//! `/api/tenants`, `/api/tokens`, `/api/settings`, `/api/audit`: who uses the server, and how it is set.

use axum::Json as Shown;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::access::AccessToken;
use crate::model::event::DATA_MAX;
use crate::model::ids::TokenId;
use crate::model::name::Tenant;
use crate::model::tenant::TenantProfile;
use crate::service::{
    AuditEntry, BODY_MAX, COMPONENT_MAX, Caller, DEPTH_MAX, EVENTS_MAX, NewToken, REPLAYS_MAX, SettingsInput,
    SettingsShown, TenantInput,
};

use super::Api;
use super::document::Refused;
use super::extract::{CreatedAt, Json, MaybeJson, Named, Query};
use super::page::{Listed, all, listed, page};
use super::problem::Answer;
use super::view::json;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(tenants))
        .routes(routes!(tenant, put_tenant, delete_tenant))
        .routes(routes!(create_token, tokens))
        .routes(routes!(delete_token))
        .routes(routes!(settings, change_settings))
        .routes(routes!(audit))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TenantShown {
    name: String,
    /// `null`: any number.
    max_webhooks: Option<u32>,
    max_held: u32,
    retention_days: u16,
    strict: bool,
    #[schema(value_type = Object)]
    defaults: Value,
    created_at: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TokenShown {
    id: String,
    name: String,
    role: String,
    tenant: Option<String>,
    created_at: String,
    expires_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct TokenCreated {
    #[serde(flatten)]
    shown: TokenShown,
    /// In no other answer.
    #[schema(example = "wxt_…")]
    token: String,
}

/// The server's settings as they are in force.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SettingsAnswer {
    default_format: String,
    default_environment: String,
    #[schema(value_type = Object)]
    default_retry: Value,
    allow_http: bool,
    /// Networks that deliveries may go to although they are private.
    allow_networks: Vec<String>,
    /// The addresses that deliveries come from, where they are known: for receivers' allow-lists.
    source_addresses: Vec<String>,
    proxy: Option<String>,
    #[schema(value_type = Object)]
    limits: Value,
}

#[derive(Serialize, ToSchema)]
struct AuditShown {
    at: String,
    actor: String,
    action: String,
    target: String,
    detail: String,
    tenant: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct AuditFilter {
    #[param(value_type = Option<String>)]
    tenant: Option<Tenant>,
    limit: Option<u32>,
    after: Option<String>,
}

/// Lists tenants
#[utoipa::path(get, path = "/api/tenants", tag = "accounts", responses((status = 200, body = Listed<TenantShown>), Refused))]
async fn tenants(State(api): State<Api>, caller: Caller) -> Answer<Shown<Listed<TenantShown>>> {
    Ok(all(api.services.tenants(&caller)?, |tenant| tenant_shown(&tenant)))
}

/// Shows a tenant
#[utoipa::path(get, path = "/api/tenants/{name}", tag = "accounts", params(("name" = String, Path)),
    responses((status = 200, body = TenantShown), Refused))]
async fn tenant(State(api): State<Api>, caller: Caller, Named(name): Named<Tenant>) -> Answer<Shown<TenantShown>> {
    Ok(Shown(tenant_shown(&api.services.tenant(&caller, &name)?)))
}

/// Makes a tenant, or changes its plan
#[utoipa::path(put, path = "/api/tenants/{name}", tag = "accounts", params(("name" = String, Path)), request_body = TenantInput,
    responses((status = 200, body = TenantShown), (status = 201, body = TenantShown), Refused))]
async fn put_tenant(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<Tenant>,
    MaybeJson(input): MaybeJson<TenantInput>,
) -> Answer<Response> {
    let place = format!("/api/tenants/{name}");
    let (profile, is_new) = api.services.put_tenant(&caller, name, input).await?;
    let shown = tenant_shown(&profile);
    Ok(if is_new { CreatedAt(place, shown).into_response() } else { Shown(shown).into_response() })
}

/// Deletes a tenant that has neither webhooks nor events
#[utoipa::path(delete, path = "/api/tenants/{name}", tag = "accounts", params(("name" = String, Path)),
    responses((status = 204), Refused))]
async fn delete_tenant(State(api): State<Api>, caller: Caller, Named(name): Named<Tenant>) -> Answer<StatusCode> {
    api.services.delete_tenant(&caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a token, and shows it for the only time
#[utoipa::path(post, path = "/api/tokens", tag = "accounts", request_body = NewToken,
    responses((status = 201, body = TokenCreated), Refused))]
async fn create_token(
    State(api): State<Api>,
    caller: Caller,
    Json(input): Json<NewToken>,
) -> Answer<(StatusCode, Shown<TokenCreated>)> {
    let (token, secret) = api.services.create_token(&caller, input).await?;
    let created = TokenCreated { shown: token_shown(&token), token: secret.expose().to_owned() };
    Ok((StatusCode::CREATED, Shown(created)))
}

/// Lists tokens, without their values
#[utoipa::path(get, path = "/api/tokens", tag = "accounts", responses((status = 200, body = Listed<TokenShown>), Refused))]
async fn tokens(State(api): State<Api>, caller: Caller) -> Answer<Shown<Listed<TokenShown>>> {
    Ok(all(api.services.tokens(&caller)?, |token| token_shown(&token)))
}

/// Takes a token back
#[utoipa::path(delete, path = "/api/tokens/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), Refused))]
async fn delete_token(State(api): State<Api>, caller: Caller, Named(id): Named<TokenId>) -> Answer<StatusCode> {
    api.services.delete_token(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows the server's settings
#[utoipa::path(get, path = "/api/settings", tag = "accounts", responses((status = 200, body = SettingsAnswer), Refused))]
async fn settings(State(api): State<Api>, caller: Caller) -> Answer<Shown<SettingsAnswer>> {
    Ok(Shown(settings_shown(&api.services.settings(&caller)?)))
}

/// Changes the server's defaults; `null` puts back what its configuration says
#[utoipa::path(patch, path = "/api/settings", tag = "accounts", request_body = SettingsInput,
    responses((status = 200, body = SettingsAnswer), Refused))]
async fn change_settings(
    State(api): State<Api>,
    caller: Caller,
    Json(input): Json<SettingsInput>,
) -> Answer<Shown<SettingsAnswer>> {
    Ok(Shown(settings_shown(&api.services.update_settings(&caller, input).await?)))
}

/// Lists who changed what, newest first
#[utoipa::path(get, path = "/api/audit", tag = "accounts", params(AuditFilter),
    responses((status = 200, body = Listed<AuditShown>), Refused))]
async fn audit(
    State(api): State<Api>,
    caller: Caller,
    Query(asked): Query<AuditFilter>,
) -> Answer<Shown<Listed<AuditShown>>> {
    let page = page(asked.limit, asked.after.as_deref())?;
    Ok(listed(api.services.audits(&caller, asked.tenant, page).await?, audit_shown))
}

fn tenant_shown(profile: &TenantProfile) -> TenantShown {
    TenantShown {
        name: profile.name.to_string(),
        max_webhooks: profile.max_webhooks,
        max_held: profile.max_held,
        retention_days: profile.retention.days(),
        strict: profile.strict,
        defaults: json(&profile.defaults),
        created_at: profile.created_at.to_string(),
    }
}

fn token_shown(token: &AccessToken) -> TokenShown {
    TokenShown {
        id: token.id.to_string(),
        name: token.name.clone(),
        role: token.role.as_str().to_owned(),
        tenant: token.tenant.as_ref().map(ToString::to_string),
        created_at: token.created_at.to_string(),
        expires_at: token.expires_at.map(|time| time.to_string()),
    }
}

fn settings_shown(settings: &SettingsShown) -> SettingsAnswer {
    let rules = &settings.rules;
    SettingsAnswer {
        default_format: settings.format.as_str().to_owned(),
        default_environment: settings.environment.to_string(),
        default_retry: json(&settings.retry),
        allow_http: rules.allow_http,
        allow_networks: rules.allow_networks.iter().map(ToString::to_string).collect(),
        source_addresses: rules.source_addresses.clone(),
        proxy: rules.proxy.clone(),
        limits: serde_json::json!({
            "eventDataBytes": DATA_MAX, "batchBytes": BODY_MAX, "batchEvents": EVENTS_MAX,
            "jsonDepth": DEPTH_MAX, "componentBytes": COMPONENT_MAX, "replays": REPLAYS_MAX,
            "pluginFuel": rules.plugin_limits.fuel, "pluginFuelPerByte": rules.plugin_limits.fuel_per_byte,
            "pluginMemoryBytes": rules.plugin_limits.memory, "pluginOutputBytes": rules.plugin_limits.output,
            "pluginLogLines": rules.plugin_limits.log_lines,
        }),
    }
}

fn audit_shown(entry: AuditEntry) -> AuditShown {
    let AuditEntry { id, tenant, actor, action, target, detail } = entry;
    let at = TokenId::from(id).time().to_string();
    AuditShown { at, actor, action, target, detail, tenant: tenant.map(|tenant| tenant.to_string()) }
}
