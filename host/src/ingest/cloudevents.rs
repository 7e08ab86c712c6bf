//! CloudEvents 1.0 over HTTP: structured, batched and binary mode (cloudevents/spec, `http-protocol-binding.md`, `json-format.md`).
//!
//! `source` and `id` together are the caller's id. The extensions `tenant` and `environment` mean what they mean in our own
//! events; other extensions are accepted and not kept.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::Posted;
use super::error::IngestError;
use super::fields::{Fields, Issues, external_id, pointer};
use super::json::{self, BadJson, Reader};
use super::native::read_with;
use crate::model::event::{ContentType, DATA_MAX, Payload};

const FIELDS: &[&str] =
    &["specversion", "id", "source", "type", "time", "datacontenttype", "data", "data_base64", "tenant", "environment"];
const CONTENT_TYPE_MAX: usize = 256;

/// `application/cloudevents+json` and `application/cloudevents-batch+json`. `true`: it was an array.
pub(super) fn read(body: &Bytes, batch: bool) -> Result<(Vec<Posted>, bool), IngestError> {
    let (posted, many) = read_with(body, structured)?;
    if many == batch {
        return Ok((posted, many));
    }
    let mut issues = Issues::default();
    let message = if batch { "a batch is an array of events" } else { "one event is an object; an array is a batch" };
    issues.push(String::new(), "invalid-value", message);
    Err(IngestError::Invalid { issues: issues.0 })
}

/// Binary mode: the body is the data, the rest stands in `ce-` headers, given here without that prefix.
pub(super) fn read_binary(
    attributes: &[(&str, &str)],
    content_type: Option<&str>,
    body: &Bytes,
) -> Result<Posted, IngestError> {
    let mut issues = Issues::default();
    let get = |name: &str| attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| percent_decoded(value));
    version(get("specversion").as_deref(), header("specversion"), &mut issues);
    let event_type = required(get("type"), "type", &mut issues).and_then(|text| parsed(&text, "type", &mut issues));
    let source = required(get("source"), "source", &mut issues);
    let id = required(get("id"), "id", &mut issues);
    let own = source.zip(id).and_then(|(source, id)| external_id(&joined(&source, &id), header("id"), &mut issues));
    let occurred_at = get("time").and_then(|text| parsed(&text, "time", &mut issues));
    let tenant = get("tenant").and_then(|text| parsed(&text, "tenant", &mut issues));
    let environment = get("environment").and_then(|text| parsed(&text, "environment", &mut issues));
    let kind = kind_of(content_type, String::new(), &mut issues);
    if kind == Some(ContentType::Json) && !body.is_empty() {
        json::check(body).map_err(IngestError::NotJson)?;
    }
    let bytes =
        if body.is_empty() && kind == Some(ContentType::Json) { Bytes::from_static(b"null") } else { body.clone() };
    too_large(bytes.len(), String::new(), &mut issues);
    match (event_type, own, kind) {
        (Some(event_type), Some(own), Some(content_type)) if issues.0.is_empty() => {
            let data = Payload { content_type, bytes };
            Ok(Posted { event_type, data, environment, tenant, external_id: Some(own), occurred_at })
        }
        _ => Err(IngestError::Invalid { issues: issues.0 }),
    }
}

fn structured(
    reader: &mut Reader<'_>,
    body: &Bytes,
    place: Option<usize>,
    issues: &mut Issues,
) -> Result<Option<Posted>, BadJson> {
    let fields = Fields::read(reader, (body, place), FIELDS, |name| {
        if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            let message = format!("`{name}` is no attribute's name: those are lower-case letters and digits");
            issues.push(pointer(place, name), "unknown-field", message);
        }
    })?;
    version(fields.text("specversion", issues).as_deref(), fields.pointer("specversion"), issues);
    for name in ["type", "source", "id"] {
        if fields.raw(name).is_none() {
            issues.push(fields.pointer(name), "missing-field", format!("a CloudEvent needs `{name}`"));
        }
    }
    let event_type = fields.parsed("type", "invalid-type", issues);
    let own = fields.text("source", issues).zip(fields.text("id", issues));
    let own = own.and_then(|(source, id)| external_id(&joined(&source, &id), fields.pointer("id"), issues));
    let occurred_at = fields.parsed("time", "invalid-timestamp", issues);
    let tenant = fields.parsed("tenant", "invalid-tenant", issues);
    let environment = fields.parsed("environment", "invalid-environment", issues);
    let data = payload(&fields, issues);
    let (Some(event_type), Some(own), Some(data)) = (event_type, own, data) else { return Ok(None) };
    Ok(Some(Posted { event_type, data, environment, tenant, external_id: Some(own), occurred_at }))
}

/// `data` as JSON, as the text of another content type, or decoded from `data_base64`.
fn payload(fields: &Fields<'_>, issues: &mut Issues) -> Option<Payload> {
    let said = fields.text("datacontenttype", issues);
    let content_type = kind_of(said.as_deref(), fields.pointer("datacontenttype"), issues)?;
    let (name, bytes) = match (fields.raw("data"), fields.text("data_base64", issues)) {
        (Some(_), Some(_)) => {
            issues.push(fields.pointer("data_base64"), "invalid-value", "give `data` or `data_base64`, not both");
            return None;
        }
        (None, Some(text)) => ("data_base64", decoded(&text, &content_type, fields, issues)?),
        (Some(raw), None) if content_type == ContentType::Json => ("data", raw),
        (Some(_), None) => ("data", Bytes::from(fields.text("data", issues)?.into_owned())),
        (None, None) => ("data", Bytes::from_static(b"null")),
    };
    too_large(bytes.len(), fields.pointer(name), issues);
    Some(Payload { content_type, bytes })
}

fn decoded(text: &str, content_type: &ContentType, fields: &Fields<'_>, issues: &mut Issues) -> Option<Bytes> {
    let pointer = || fields.pointer("data_base64");
    let Ok(bytes) = STANDARD.decode(text) else {
        issues.push(pointer(), "invalid-value", "`data_base64` must be base64 (RFC 4648, section 4)");
        return None;
    };
    if *content_type == ContentType::Json
        && let Err(bad) = json::check(&bytes)
    {
        issues.push(pointer(), "invalid-value", format!("the decoded data is not JSON: {bad}"));
        return None;
    }
    Some(Bytes::from(bytes))
}

fn version(said: Option<&str>, pointer: String, issues: &mut Issues) {
    if said != Some("1.0") {
        issues.push(pointer, "invalid-value", "`specversion` must be \"1.0\"");
    }
}

fn too_large(size: usize, pointer: String, issues: &mut Issues) {
    if size > DATA_MAX {
        issues.push(pointer, "data-too-large", format!("the data is {size} bytes, {DATA_MAX} are allowed"));
    }
}

/// `application/json`, with or without parameters, or nothing said: JSON. The rest is kept as it is named.
fn kind_of(said: Option<&str>, pointer: String, issues: &mut Issues) -> Option<ContentType> {
    let Some(said) = said.map(str::trim) else { return Some(ContentType::Json) };
    let essence = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == ContentType::JSON {
        return Some(ContentType::Json);
    }
    let fits = (1..=CONTENT_TYPE_MAX).contains(&said.len())
        && essence.contains('/')
        && said.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !fits {
        let message = format!("a content type is type/subtype, at most {CONTENT_TYPE_MAX} visible ASCII characters");
        issues.push(pointer, "invalid-value", message);
    }
    fits.then(|| ContentType::Other(said.into()))
}

/// A source is a URI reference and holds no space, so the pair can be read back.
fn joined(source: &str, id: &str) -> String {
    format!("{source} {id}")
}

fn header(name: &str) -> String {
    format!("ce-{name}")
}

fn required(value: Option<String>, name: &str, issues: &mut Issues) -> Option<String> {
    if value.is_none() {
        issues.push(header(name), "missing-field", format!("a CloudEvent needs the header ce-{name}"));
    }
    value
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(text: &str, name: &str, issues: &mut Issues) -> Option<T> {
    text.parse().map_err(|error| issues.push(header(name), "invalid-value", format!("ce-{name}: {error}"))).ok()
}

/// Header values are percent-encoded where they aren't plain ASCII (`http-protocol-binding.md`, 3.1.3.2).
fn percent_decoded(value: &str) -> String {
    if !value.contains('%') {
        return value.to_owned();
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let pair = tail.get(..2).filter(|_| *first == b'%').and_then(|pair| hex::decode(pair).ok());
        match pair.as_deref() {
            Some([byte]) => {
                bytes.push(*byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
