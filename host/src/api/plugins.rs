//! `/api/plugins`: uploading, listing, running and comparing them.

use axum::Json as Shown;
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::plugin::Plugin;
use crate::service::{BacktestInput, COMPONENT_MAX, Caller, Ran, RunInput, Verdict};

use super::Api;
use super::bodies::text_or_base64;
use super::document::Refused;
use super::extract::{CreatedAt, Json, content_type, read};
use super::page::{Listed, all};
use super::problem::{Answer, Problem};
use super::trials::{PreviewShown, previewed};
use super::view::json;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(upload, list))
        .routes(routes!(get))
        .routes(routes!(versions))
        .routes(routes!(version, change, delete))
        .routes(routes!(run))
        .routes(routes!(backtest))
}

/// One version of a plugin.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PluginShown {
    #[schema(example = "slack")]
    name: String,
    version: String,
    #[schema(example = "sha256:…")]
    digest: String,
    description: String,
    /// JSON Schema 2020-12.
    #[schema(value_type = Object)]
    settings_schema: Value,
    /// What it is made for.
    event_types: Vec<String>,
    /// It hides things, and so can't be skipped.
    redacts: bool,
    /// It judges replies to what it sent.
    classifies: bool,
    #[schema(value_type = Vec<Object>)]
    samples: Value,
    imports: Vec<String>,
    attributes: std::collections::BTreeMap<String, String>,
    /// Bytes.
    size: u64,
    uploaded_at: String,
    /// Came with the server.
    bundled: bool,
    /// Tenants may use it.
    shared: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PluginChange {
    /// Whether tenants may use it.
    shared: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RunShown {
    plugin: String,
    event_id: String,
    /// `pass`, `replace`, `send` or `drop`; absent after a fault.
    #[schema(value_type = Option<Object>)]
    verdict: Option<Value>,
    #[schema(value_type = Option<Object>)]
    fault: Option<Value>,
    #[schema(value_type = Vec<Object>)]
    log: Value,
    log_dropped: u32,
    /// Fuel, memory and time, with their limits.
    #[schema(value_type = Object)]
    cost: Value,
}

#[derive(Serialize, ToSchema)]
struct BacktestShown {
    /// Deliveries compared.
    compared: usize,
    /// Those whose output differs.
    different: usize,
    deliveries: Vec<ComparedShown>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ComparedShown {
    delivery_id: String,
    same: bool,
    /// Both sides, where they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<PreviewShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<PreviewShown>,
}

/// Uploads a component
///
/// As the body (`application/wasm`) or as the first file of a form (`multipart/form-data`). It is checked, compiled and asked for its
/// manifest; the same bytes again are answered with 200.
#[utoipa::path(post, path = "/api/plugins", tag = "plugins",
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses((status = 201, body = PluginShown), (status = 200, body = PluginShown, description = "It was there already"), Refused))]
async fn upload(State(api): State<Api>, caller: Caller, request: Request) -> Answer<axum::response::Response> {
    use axum::response::IntoResponse as _;
    // Before a stranger's 16 MiB are read.
    api.services.may_upload(&caller)?;
    let (plugin, is_new) = api.services.upload_plugin(&caller, component(request).await?).await?;
    let place = format!("/api/plugins/{}/versions/{}", plugin.manifest.name, plugin.manifest.version);
    let shown = shown(&plugin);
    Ok(if is_new { CreatedAt(place, shown).into_response() } else { Shown(shown).into_response() })
}

async fn component(request: Request) -> Answer<Bytes> {
    let said = content_type(request.headers()).unwrap_or_default().to_ascii_lowercase();
    if !said.starts_with("multipart/form-data") {
        if !matches!(said.split(';').next().unwrap_or_default().trim(), "application/wasm" | "application/octet-stream")
        {
            let detail = "send the component as application/wasm, or in a form as multipart/form-data";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-content-type", detail));
        }
        return read(request.into_body(), COMPONENT_MAX).await;
    }
    let broken = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "form-broken", detail);
    let (parts, body) = request.into_parts();
    // The frame around the file is small; what is above the limit is refused before it is taken apart.
    let body = read(body, COMPONENT_MAX + 64 * 1024).await?;
    let request = Request::from_parts(parts, axum::body::Body::from(body));
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(error.body_text()))?;
    while let Some(field) = form.next_field().await.map_err(|error| broken(error.body_text()))? {
        if field.file_name().is_some() || field.content_type() == Some("application/wasm") {
            return field.bytes().await.map_err(|error| broken(error.body_text()));
        }
    }
    Err(broken("the form holds no file".into()))
}

/// Lists every version of every plugin
#[utoipa::path(get, path = "/api/plugins", tag = "plugins", responses((status = 200, body = Listed<PluginShown>), Refused))]
async fn list(State(api): State<Api>, caller: Caller) -> Answer<Shown<Listed<PluginShown>>> {
    Ok(all(api.services.plugins(&caller)?, |plugin| shown(&plugin)))
}

/// Shows the newest version of a plugin
#[utoipa::path(get, path = "/api/plugins/{name}", tag = "plugins", params(("name" = String, Path)),
    responses((status = 200, body = PluginShown), Refused))]
async fn get(State(api): State<Api>, caller: Caller, Path(name): Path<String>) -> Answer<Shown<PluginShown>> {
    let versions = api.services.plugin_versions(&caller, &name)?;
    let newest = versions.first().ok_or_else(super::problem::not_found)?;
    Ok(Shown(shown(newest)))
}

/// Lists the versions of a plugin, newest first
#[utoipa::path(get, path = "/api/plugins/{name}/versions", tag = "plugins", params(("name" = String, Path)),
    responses((status = 200, body = Listed<PluginShown>), Refused))]
async fn versions(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Answer<Shown<Listed<PluginShown>>> {
    Ok(all(api.services.plugin_versions(&caller, &name)?, |plugin| shown(&plugin)))
}

/// Shows one version
#[utoipa::path(get, path = "/api/plugins/{name}/versions/{version}", tag = "plugins",
    params(("name" = String, Path), ("version" = String, Path)), responses((status = 200, body = PluginShown), Refused))]
async fn version(
    State(api): State<Api>,
    caller: Caller,
    Path((name, version)): Path<(String, String)>,
) -> Answer<Shown<PluginShown>> {
    Ok(Shown(shown(&*api.services.plugin_version(&caller, &name, &version)?)))
}

/// Shares a version with tenants, or stops that
#[utoipa::path(patch, path = "/api/plugins/{name}/versions/{version}", tag = "plugins",
    params(("name" = String, Path), ("version" = String, Path)), request_body = PluginChange,
    responses((status = 200, body = PluginShown), Refused))]
async fn change(
    State(api): State<Api>,
    caller: Caller,
    Path((name, version)): Path<(String, String)>,
    Json(input): Json<PluginChange>,
) -> Answer<Shown<PluginShown>> {
    let plugin = api.services.plugin_version(&caller, &name, &version)?;
    Ok(Shown(shown(&*api.services.share_plugin(&caller, &plugin, input.shared).await?)))
}

/// Deletes a version that nothing needs
#[utoipa::path(delete, path = "/api/plugins/{name}/versions/{version}", tag = "plugins",
    params(("name" = String, Path), ("version" = String, Path)), responses((status = 204), Refused))]
async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path((name, version)): Path<(String, String)>,
) -> Answer<StatusCode> {
    api.services.delete_plugin(&caller, &name, &version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Runs a plugin over an event, and sends nothing
#[utoipa::path(post, path = "/api/plugins/{name}/run", tag = "plugins", params(("name" = String, Path)),
    request_body = RunInput, responses((status = 200, body = RunShown), Refused))]
async fn run(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Json(input): Json<RunInput>,
) -> Answer<Shown<RunShown>> {
    let Ran { plugin, event, run } = api.services.run_plugin(&caller, &name, input).await?;
    let (verdict, fault) = match &run.result {
        Ok(verdict) => (Some(verdict_shown(verdict)), None),
        Err(fault) => (None, Some(json(fault))),
    };
    Ok(Shown(RunShown {
        plugin: format!("{}@{}", plugin.manifest.name, plugin.manifest.version),
        event_id: event.id.to_string(),
        verdict,
        fault,
        log: json(&run.log),
        log_dropped: run.log_dropped,
        cost: json(&run.cost),
    }))
}

/// Compares a version with what was, over past deliveries
///
/// Runs the newest deliveries that used the plugin through both versions. Sends nothing.
#[utoipa::path(post, path = "/api/plugins/{name}/backtest", tag = "plugins", params(("name" = String, Path)),
    request_body = BacktestInput, responses((status = 200, body = BacktestShown), Refused))]
async fn backtest(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Json(input): Json<BacktestInput>,
) -> Answer<Shown<BacktestShown>> {
    let compared = api.services.backtest_plugin(&caller, &name, input).await?;
    let different = compared.iter().filter(|each| !each.same).count();
    let deliveries = compared.iter().map(|each| ComparedShown {
        delivery_id: each.delivery.to_string(),
        same: each.same,
        before: (!each.same).then(|| previewed(&each.before)),
        after: (!each.same).then(|| previewed(&each.after)),
    });
    Ok(Shown(BacktestShown { compared: compared.len(), different, deliveries: deliveries.collect() }))
}

fn shown(plugin: &Plugin) -> PluginShown {
    let manifest = &plugin.manifest;
    PluginShown {
        name: manifest.name.clone(),
        version: manifest.version.to_string(),
        digest: plugin.digest.to_string(),
        description: manifest.description.clone(),
        settings_schema: serde_json::from_str(&manifest.settings_schema).unwrap_or_default(),
        event_types: manifest.event_types.clone(),
        redacts: manifest.redacts,
        classifies: manifest.classifies,
        samples: json(&manifest.samples),
        imports: manifest.imports.clone(),
        attributes: manifest.attributes.iter().cloned().collect(),
        size: plugin.size,
        uploaded_at: plugin.uploaded_at.to_string(),
        bundled: plugin.bundled,
        shared: plugin.shared,
    }
}

fn verdict_shown(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Pass => serde_json::json!({ "verdict": "pass" }),
        Verdict::Drop(reason) => serde_json::json!({ "verdict": "drop", "reason": reason }),
        Verdict::Replace(bytes) => {
            let (data, encoding) = text_or_base64(bytes);
            serde_json::json!({ "verdict": "replace", "data": data, "dataEncoding": encoding })
        }
        Verdict::Send(draft) => {
            let (body, encoding) = text_or_base64(&draft.body);
            serde_json::json!({ "verdict": "send", "request": json(draft), "body": body, "bodyEncoding": encoding })
        }
    }
}
