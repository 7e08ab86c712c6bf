//! `template`: renders the request from a Jinja-style template in the settings; for every receiver that wants a simple body.
//!
//! What comes from the event is escaped for where it stands, so that no event can write the body's structure. Never reads
//! anything but the event and the settings. Next: `render.rs`, `escape.rs`.

mod escape;
mod render;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use waxwing_guest::{Event, Failure, Issue, Plugin, Request, Sample, Secret, Verdict, Webhook};

use crate::{escape::Place, render::Renderer};

pub struct Template;

/// The request, as templates over `{type, id, timestamp, tenant, environment, data, webhook, secret}`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// The body. In JSON, XML, HTML and form bodies every `{{ value }}` is escaped for the content type: in JSON a string
    /// is escaped for the inside of a string literal, and `{{ value | tojson }}` writes a complete value.
    #[schemars(length(max = 65_536), example = "{\"text\": \"Order {{ data.order }} was paid\"}")]
    template: String,
    /// The media type of the body.
    #[serde(default = "json_type")]
    #[schemars(length(min = 1, max = 256))]
    content_type: String,
    /// The method.
    #[serde(default)]
    method: Method,
    /// A template of the path, beginning with `/`; without it the webhook's own is used. What comes from the event stays
    /// within its segment.
    #[schemars(length(max = 4096))]
    path: Option<String>,
    /// Templates of query parameters, by name. They are merged over the webhook's own.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 32))]
    query: BTreeMap<String, String>,
    /// Templates of headers, by lower-case name.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 32))]
    headers: BTreeMap<String, String>,
    /// What the template may write as `{{ secret }}`: never shown to anyone, filled in only towards the webhook's own origin.
    secret: Option<Secret>,
    /// What a value that isn't there does.
    #[serde(default)]
    missing: Missing,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Method {
    #[default]
    Post,
    Put,
    Patch,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Missing {
    /// Ends the delivery as failed, naming the line. `default` and `is defined` still work.
    #[default]
    Fail,
    /// Is empty text.
    Empty,
}

fn json_type() -> String {
    "application/json".to_owned()
}

impl Settings {
    /// Every template with its place in the settings.
    fn templates(&self) -> Vec<(String, Place, &str)> {
        let pointer = |list: &str, name: &str| format!("/{list}/{}", name.replace('~', "~0").replace('/', "~1"));
        let body = ("/template".to_owned(), Place::body(&self.content_type), self.template.as_str());
        let path = self.path.iter().map(|path| ("/path".to_owned(), Place::Path, path.as_str()));
        let query = self.query.iter().map(|(name, text)| (pointer("query", name), Place::Plain, text.as_str()));
        let headers = self.headers.iter().map(|(name, text)| (pointer("headers", name), Place::Plain, text.as_str()));
        [body].into_iter().chain(path).chain(query).chain(headers).collect()
    }
}

impl Plugin for Template {
    type Settings = Settings;

    fn samples() -> Vec<Sample> {
        let data = include_bytes!("../samples/order.paid.json");
        let sample = |name, settings| Sample::new(name, "order.paid", data, &settings);
        vec![
            sample(
                "json",
                json!({ "template": "{\"text\": \"{{ data.customer }} paid {{ data.amount }}\", \"items\": {{ data.items | tojson }}}" }),
            ),
            sample(
                "xml",
                json!({
                    "template": "<order no=\"{{ data.order }}\">{% for item in data.items %}<item>{{ item.sku }}</item>{% endfor %}<by>{{ data.customer }}</by></order>",
                    "contentType": "application/xml",
                }),
            ),
            sample(
                "form",
                json!({
                    "template": "event={{ type }}&customer={{ data.customer }}",
                    "contentType": "application/x-www-form-urlencoded",
                    "method": "put",
                    "path": "/v1/orders/{{ data.order }}",
                    "query": { "env": "{{ environment }}" },
                    "headers": { "x-event": "{{ id }}" },
                }),
            ),
            sample("missing", json!({ "template": "{\"text\": \"{{ data.phone }}\"}" })),
            sample("not-json", json!({ "template": "{\"customer\": {{ data.customer }}}" })),
        ]
    }

    fn settings_schema() -> String {
        include_str!("../settings-schema.json").to_owned()
    }

    fn validate_settings(settings: &Settings) -> Result<(), Vec<Issue>> {
        let renderer = Renderer::new(settings.missing);
        let templates = settings.templates();
        let issues: Vec<_> = templates
            .iter()
            .filter_map(|(pointer, place, text)| {
                renderer.check(*place, text).err().map(|error| Issue::new(pointer.clone(), error))
            })
            .collect();
        if issues.is_empty() { Ok(()) } else { Err(issues) }
    }

    fn transform(event: Event, settings: Settings, webhook: &Webhook) -> Result<Verdict, Failure> {
        let renderer = Renderer::new(settings.missing);
        let context = render::context(&event, webhook, settings.secret.as_ref())?;
        let render = |place, text: &str| {
            renderer.render(place, text, &context).map_err(|error| Failure::invalid_event(format!("template: {error}")))
        };

        let body = render(Place::body(&settings.content_type), &settings.template)?;
        if Place::body(&settings.content_type) == Place::Json {
            serde_json::from_str::<serde::de::IgnoredAny>(&body)
                .map_err(|error| Failure::invalid_event(format!("the rendered body isn't JSON: {error}")))?;
        }
        let mut request = Request::new(settings.content_type, body).method(match settings.method {
            Method::Post => waxwing_guest::Method::Post,
            Method::Put => waxwing_guest::Method::Put,
            Method::Patch => waxwing_guest::Method::Patch,
        });
        if let Some(path) = &settings.path {
            request = request.path(render(Place::Path, path)?);
        }
        for (name, text) in &settings.query {
            request = request.query(name, render(Place::Plain, text)?);
        }
        for (name, text) in &settings.headers {
            request = request.header(name, render(Place::Plain, text)?);
        }
        Ok(request.into())
    }
}

waxwing_guest::export!(Template);
