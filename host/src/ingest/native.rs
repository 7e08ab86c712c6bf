//! Our own way to post events: one object `{type, data, …}`, or an array of them.

use bytes::Bytes;

use super::Posted;
use super::error::IngestError;
use super::fields::{Fields, Issues, external_id, pointer};
use super::json::{BadJson, Reader};
use crate::model::event::{DATA_MAX, Payload};

const FIELDS: &[&str] = &["type", "event", "data", "environment", "tenant", "id", "timestamp"];

/// Reads a body. `true`: it was an array.
pub(super) fn read(body: &Bytes) -> Result<(Vec<Posted>, bool), IngestError> {
    read_with(body, event)
}

/// Reads one event of the body, which stands at this place of an array; `None` when it has issues.
pub(super) type ReadOne = fn(&mut Reader<'_>, &Bytes, Option<usize>, &mut Issues) -> Result<Option<Posted>, BadJson>;

/// Reads one object or an array of at most [`super::EVENTS_MAX`], each by `one`; all faults or all events.
pub(super) fn read_with(body: &Bytes, one: ReadOne) -> Result<(Vec<Posted>, bool), IngestError> {
    let mut issues = Issues::default();
    let mut posted = Vec::new();
    let mut count = 0;
    let mut reader = Reader::new(body).map_err(IngestError::NotJson)?;
    let many = reader.next_byte() == Some(b'[');
    let mut next = |reader: &mut Reader<'_>, place: Option<usize>| {
        count += 1;
        if reader.next_byte() != Some(b'{') {
            reader.value()?;
            issues.push(pointer(place, ""), "not-an-object", "an event is a JSON object");
        } else if count > super::EVENTS_MAX {
            reader.value()?;
        } else {
            posted.extend(one(reader, body, place, &mut issues)?);
        }
        Ok(())
    };
    let read = if many { reader.array(|reader, index| next(reader, Some(index))) } else { next(&mut reader, None) };
    read.and_then(|()| reader.end()).map_err(IngestError::NotJson)?;
    if count == 0 {
        issues.push(String::new(), "no-events", "an array of events holds at least one");
    }
    if count > super::EVENTS_MAX {
        issues.0.clear();
        let message = format!("{count} events, at most {} are taken at once", super::EVENTS_MAX);
        issues.push(String::new(), "too-many-events", message);
    }
    if issues.0.is_empty() { Ok((posted, many)) } else { Err(IngestError::Invalid { issues: issues.0 }) }
}

fn event(
    reader: &mut Reader<'_>,
    body: &Bytes,
    place: Option<usize>,
    issues: &mut Issues,
) -> Result<Option<Posted>, BadJson> {
    let fields = Fields::read(reader, (body, place), FIELDS, |key| {
        let message = format!("unknown field `{key}`: an event has {}", FIELDS.join(", "));
        issues.push(pointer(place, key), "unknown-field", message);
    })?;
    let name = match (fields.raw("type"), fields.raw("event")) {
        (Some(_), Some(_)) => {
            issues.push(
                fields.pointer("event"),
                "invalid-value",
                "`event` is another name for `type`: give one of them",
            );
            "type"
        }
        (None, Some(_)) => "event",
        (_, None) => "type",
    };
    let event_type = fields.parsed(name, "invalid-type", issues);
    if fields.raw(name).is_none() {
        issues.push(fields.pointer("type"), "missing-field", "an event needs a `type`");
    }
    let data = fields.raw("data");
    match &data {
        None => issues.push(fields.pointer("data"), "missing-field", "an event needs `data`, any JSON value"),
        Some(data) if data.len() > DATA_MAX => {
            let message = format!("`data` is {} bytes, {DATA_MAX} are allowed", data.len());
            issues.push(fields.pointer("data"), "data-too-large", message);
        }
        Some(_) => {}
    }
    let environment = fields.parsed("environment", "invalid-environment", issues);
    let tenant = fields.parsed("tenant", "invalid-tenant", issues);
    let occurred_at = fields.parsed("timestamp", "invalid-timestamp", issues);
    let id = fields.text("id", issues);
    let external_id = id.and_then(|id| external_id(&id, fields.pointer("id"), issues));
    let (Some(event_type), Some(data)) = (event_type, data) else { return Ok(None) };
    Ok(Some(Posted { event_type, data: Payload::json(data), environment, tenant, external_id, occurred_at }))
}
