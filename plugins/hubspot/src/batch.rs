//! From an event to the inputs of one batch upsert. Pure; all or nothing.
//!
//! HubSpot takes 100 inputs a batch and refuses a batch in which an id is there twice. More records than that fail the delivery
//! clearly, since a delivery is one request; records of one contact become one input, later values over earlier ones. Next:
//! `judge.rs`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use waxwing_guest::Failure;

use crate::settings::{MissingId, Settings};

/// Inputs in one batch (developers.hubspot.com, CRM object batch endpoints).
pub(crate) const MOST: usize = 100;
/// A property's value holds so many characters (HubSpot: multi-line text).
const LONGEST_VALUE: usize = 65_536;
/// No id that HubSpot takes is longer.
const LONGEST_ID: usize = 1_000;

/// What is to be sent, and how many records had no id.
#[derive(Debug, PartialEq)]
pub(crate) struct Batch {
    pub(crate) inputs: Vec<Input>,
    pub(crate) skipped: usize,
}

/// One contact.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    id: String,
    id_property: String,
    /// With a trace id for each input HubSpot writes the good ones and answers 207 if others are bad.
    object_write_trace_id: String,
    properties: Map<String, Value>,
}

/// Reads the records in the data and makes an input of each.
pub(crate) fn fill(data: &Value, event_id: &str, settings: &Settings) -> Result<Batch, Failure> {
    let mut inputs: Vec<Input> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut skipped = 0;
    for (index, record) in records(data, settings)?.iter().enumerate() {
        let Some(id) = id_of(record, index, settings)? else {
            skipped += 1;
            continue;
        };
        let properties = properties_of(record, index, settings)?;
        let key = id.to_lowercase();
        if let Some(input) = places.get(&key).and_then(|&place| inputs.get_mut(place)) {
            input.properties.extend(properties);
            continue;
        }
        if inputs.len() == MOST {
            return Err(Failure::invalid_event(format!(
                "more than {MOST} contacts: HubSpot takes {MOST} in one request"
            )));
        }
        places.insert(key, inputs.len());
        inputs.push(Input {
            object_write_trace_id: format!("{event_id}-{index}"),
            id,
            id_property: settings.id_property.clone(),
            properties,
        });
    }
    Ok(Batch { inputs, skipped })
}

fn records<'v>(data: &'v Value, settings: &Settings) -> Result<&'v [Value], Failure> {
    let Some(pointer) = settings.records_at.as_deref() else {
        return Ok(std::slice::from_ref(data));
    };
    match data.pointer(pointer) {
        Some(Value::Array(records)) => Ok(records),
        Some(_) => Err(Failure::invalid_event(format!("what is at {pointer:?} (recordsAt) is no list"))),
        None => Err(Failure::invalid_event(format!("there is nothing at {pointer:?} (recordsAt)"))),
    }
}

/// The record's id; none if it has none and the settings leave such records out.
fn id_of(record: &Value, index: usize, settings: &Settings) -> Result<Option<String>, Failure> {
    let pointer = &settings.id_pointer;
    let id = match record.pointer(pointer) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        None | Some(Value::Null) => String::new(),
        Some(_) => {
            return Err(Failure::invalid_event(format!("record {index}: what is at {pointer:?} can't be an id")));
        }
    };
    if id.len() > LONGEST_ID {
        return Err(Failure::invalid_event(format!(
            "record {index}: the id at {pointer:?} is longer than {LONGEST_ID} bytes"
        )));
    }
    match (id.is_empty(), settings.missing_id) {
        (false, _) => Ok(Some(id)),
        (true, MissingId::Drop) => Ok(None),
        (true, MissingId::Fail) => {
            Err(Failure::invalid_event(format!("record {index}: no {} at {pointer:?}", settings.id_property)))
        }
    }
}

fn properties_of(record: &Value, index: usize, settings: &Settings) -> Result<Map<String, Value>, Failure> {
    let mut properties = Map::new();
    for (name, pointer) in &settings.properties {
        let Some(value) = record.pointer(pointer) else { continue };
        let text = text_of(value).ok_or_else(|| {
            Failure::invalid_event(format!("record {index}: what is at {pointer:?} can't be the property {name:?}: it is no scalar or list of scalars"))
        })?;
        if text.len() > LONGEST_VALUE && text.chars().count() > LONGEST_VALUE {
            return Err(Failure::invalid_event(format!(
                "record {index}: {name:?} is longer than {LONGEST_VALUE} characters"
            )));
        }
        if !matches!(value, Value::Null) {
            properties.insert(name.clone(), Value::String(text));
        }
    }
    for (name, text) in &settings.constants {
        properties.insert(name.clone(), Value::String(text.clone()));
    }
    Ok(properties)
}

/// HubSpot takes every value as text; several choices are separated by `;`.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let items = items.iter().filter(|item| !item.is_null());
            let texts: Option<Vec<_>> = items.map(|item| if item.is_array() { None } else { text_of(item) }).collect();
            Some(texts?.join(";"))
        }
        Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn settings(change: Value) -> Settings {
        let mut settings = json!({ "accessToken": "wxs_0", "properties": { "firstname": "/name" } });
        settings.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(settings).unwrap()
    }

    fn made(data: &Value, change: Value) -> Value {
        match fill(data, "evt_1", &settings(change)) {
            Ok(batch) => json!({ "inputs": batch.inputs, "skipped": batch.skipped }),
            Err(failure) => json!(format!("{failure:?}")),
        }
    }

    #[test]
    fn values_become_text() {
        let record = json!({ "email": " a@b.c ", "n": 1.5, "b": true, "l": ["x", 2, null], "z": null, "e": "" });
        let properties = json!({ "a": "/n", "b": "/b", "c": "/l", "d": "/z", "e": "/e", "f": "/missing" });
        let made = made(&record, json!({ "properties": properties, "constants": { "g": "customer" } }));
        assert_eq!(
            made["inputs"],
            json!([{ "id": "a@b.c", "idProperty": "email", "objectWriteTraceId": "evt_1-0",
                "properties": { "a": "1.5", "b": "true", "c": "x;2", "e": "", "g": "customer" } }])
        );
    }

    #[test]
    fn what_cannot_be_a_value_fails_and_says_where() {
        let failure = made(&json!({ "email": "a@b.c", "name": { "first": "A" } }), json!({}));
        assert!(
            failure.as_str().unwrap().contains("record 0: what is at \\\"/name\\\" can't be the property"),
            "{failure}"
        );
    }

    #[test]
    fn a_record_without_an_id_fails_or_is_left_out_as_the_settings_say() {
        let data = json!([{ "name": "A" }, { "email": "b@b.c", "name": "B" }]);
        assert!(made(&data, json!({ "recordsAt": "" })).as_str().unwrap().contains("record 0: no email"));
        let kept = made(&data, json!({ "recordsAt": "", "missingId": "drop" }));
        assert_eq!((kept["inputs"].as_array().unwrap().len(), &kept["skipped"]), (1, &json!(1)));
    }

    #[test]
    fn records_of_one_contact_become_one_input() {
        let data = json!([{ "email": "A@b.c", "name": "A" }, { "email": "a@b.c", "name": "B" }]);
        let made = made(&data, json!({ "recordsAt": "" }));
        assert_eq!(made["inputs"].as_array().unwrap().len(), 1);
        assert_eq!(made["inputs"][0]["properties"]["firstname"], "B");
    }

    #[test]
    fn a_hundred_contacts_go_and_one_more_fails() {
        let people = |count: usize| json!({ "people": (0..count).map(|n| json!({ "email": format!("{n}@b.c") })).collect::<Vec<_>>() });
        assert_eq!(made(&people(100), json!({ "recordsAt": "/people" }))["inputs"].as_array().unwrap().len(), 100);
        let failure = made(&people(101), json!({ "recordsAt": "/people" }));
        assert!(failure.as_str().unwrap().contains("more than 100 contacts"), "{failure}");
    }

    #[test]
    fn records_that_are_not_where_they_should_be_fail() {
        assert!(
            made(&json!({ "people": 1 }), json!({ "recordsAt": "/people" })).as_str().unwrap().contains("is no list")
        );
        assert!(made(&json!({}), json!({ "recordsAt": "/people" })).as_str().unwrap().contains("there is nothing at"));
    }

    proptest! {
        #[test]
        fn a_batch_never_has_too_many_inputs_or_one_id_twice(emails in prop::collection::vec("[a-cA-C]{0,3}", 0..140)) {
            let data: Value = emails.iter().map(|email| json!({ "email": email })).collect();
            if let Ok(batch) = fill(&data, "evt_1", &settings(json!({ "recordsAt": "", "missingId": "drop" }))) {
                let ids: std::collections::HashSet<_> = batch.inputs.iter().map(|input| input.id.to_lowercase()).collect();
                prop_assert!(batch.inputs.len() <= MOST);
                prop_assert_eq!(ids.len(), batch.inputs.len());
                prop_assert_eq!(batch.skipped, emails.iter().filter(|email| email.is_empty()).count());
            }
        }
    }
}
