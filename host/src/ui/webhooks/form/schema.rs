//! A plugin's settings as fields of a form: made from its JSON Schema, filled from what is stored, and read back. What the schema says
//! in a way that has no field of its own is written as JSON. Whether the settings are right is the service's to judge.

use serde_json::{Map, Number, Value};

use crate::ui::field::Faults;

/// How deep objects become groups of fields; below that they are JSON.
const DEPTH_MAX: usize = 4;
/// A text that may be longer gets several lines.
const LINE_MAX: u64 = 500;
/// What begins the key of an object's further members; a JSON Pointer begins otherwise.
const REST: &str = "rest:";

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Write-only: left empty, the stored value stays.
    Secret,
    Text {
        long: bool,
    },
    /// Value and label of each.
    Choice(Vec<(String, String)>),
    Boolean,
    Number,
    /// A string each.
    Lines,
    Group(Vec<Property>),
    Json,
    /// An object's members that the schema doesn't name.
    Rest,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Property {
    /// A JSON Pointer below the settings.
    pub(super) key: String,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

impl Property {
    /// Itself, or what is deepest in its group, where that holds what stands at this JSON Pointer.
    pub(super) fn holding(&self, pointer: &str) -> Option<&Self> {
        match &self.shape {
            Shape::Group(below) => below.iter().find_map(|property| property.holding(pointer)),
            _ => (self.key == pointer || self.key.is_empty()).then_some(self),
        }
    }
}

/// The fields of the settings; one of JSON for all of it, where the schema isn't that of a plain object.
pub(super) fn properties(schema: &Value) -> Vec<Property> {
    object(schema, schema, ("", 0)).unwrap_or_else(|| {
        let (label, hint) = ("All settings (JSON)".to_owned(), described(schema));
        vec![Property { key: String::new(), label, hint, required: false, shape: Shape::Json }]
    })
}

fn object(root: &Value, schema: &Value, (at, depth): (&str, usize)) -> Option<Vec<Property>> {
    const OTHERWISE: [&str; 8] =
        ["$ref", "allOf", "anyOf", "oneOf", "if", "patternProperties", "dependentSchemas", "not"];
    if depth > DEPTH_MAX || OTHERWISE.iter().any(|keyword| schema.get(keyword).is_some()) {
        return None;
    }
    let named = schema.get("properties")?.as_object()?;
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|known| known.as_str() == Some(name)));
    let each = named.iter().map(|(name, below)| property(root, below, (at, depth), (name, is_required(name))));
    let mut properties: Vec<Property> = each.collect();
    // What is required comes first, else as the schema has it.
    properties.sort_by_key(|property| !property.required);
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        let (key, label) = (format!("{REST}{at}"), "Further settings (JSON)".to_owned());
        let hint = "An object with members that have no field here.".to_owned();
        properties.push(Property { key, label, hint, required: false, shape: Shape::Rest });
    }
    Some(properties)
}

fn property(root: &Value, schema: &Value, (at, depth): (&str, usize), (name, required): (&str, bool)) -> Property {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
    let schema = target.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema);
    let key = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    let shape = shape(root, schema, (&key, depth));
    let default = schema.get("default").filter(|default| !default.is_null());
    let mut hint = described(schema);
    if let Some(default) = default.filter(|_| !matches!(shape, Shape::Group(_) | Shape::Secret)) {
        let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        if !matches!(default.as_str(), "" | "[]" | "{}") {
            hint.push_str(&format!(" By default: {default}."));
        }
    }
    hint.push_str(&bounds(schema));
    match &shape {
        Shape::Lines => hint.push_str(" One a line."),
        Shape::Text { .. } if may_be_empty(schema) => hint.push_str(" Write \"\" for an empty text."),
        _ => {}
    }
    let title = schema.get("title").and_then(Value::as_str).map_or_else(|| words(name), str::to_owned);
    let label = if shape == Shape::Json { format!("{title} (JSON)") } else { title };
    Property { key, label, hint: hint.trim().to_owned(), required, shape }
}

fn shape(root: &Value, schema: &Value, (key, depth): (&str, usize)) -> Shape {
    let text = |name: &str| schema.get(name).and_then(Value::as_str);
    if text("format") == Some("secret") {
        return Shape::Secret;
    }
    if let Some(choices) = choices(schema) {
        return Shape::Choice(choices);
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).filter(|one| *one != "null").collect(),
        _ => Vec::new(),
    };
    match types.as_slice() {
        ["boolean"] => Shape::Boolean,
        ["integer" | "number"] => Shape::Number,
        ["string"] => {
            Shape::Text { long: schema.get("maxLength").and_then(Value::as_u64).is_some_and(|max| max > LINE_MAX) }
        }
        ["array"] => {
            let items = schema.get("items");
            let of = |name: &str| items.and_then(|items| items.get(name)).and_then(Value::as_str);
            if of("type") == Some("string") && of("format") != Some("secret") { Shape::Lines } else { Shape::Json }
        }
        ["object"] => object(root, schema, (key, depth + 1)).map_or(Shape::Json, Shape::Group),
        _ => Shape::Json,
    }
}

/// Strings to choose from: an `enum`, or a `oneOf` of constants with a word for each.
fn choices(schema: &Value) -> Option<Vec<(String, String)>> {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let one = |value: &Value| value.as_str().map(|value| (value.to_owned(), value.to_owned()));
        return values.iter().filter(|value| !value.is_null()).map(one).collect();
    }
    let one = |branch: &Value| {
        let value = branch.get("const")?.as_str()?;
        let described = branch.get("description").or_else(|| branch.get("title")).and_then(Value::as_str);
        Some((value.to_owned(), described.map_or_else(|| value.to_owned(), |more| format!("{value}: {more}"))))
    };
    schema.get("oneOf")?.as_array()?.iter().map(one).collect()
}

fn described(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn bounds(schema: &Value) -> String {
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!(" From {least} to {most}."),
        (Some(least), None) => format!(" At least {least}."),
        (None, Some(most)) => format!(" At most {most}."),
        (None, None) => String::new(),
    }
}

fn may_be_empty(schema: &Value) -> bool {
    let has = |name: &str| schema.get(name).is_some();
    !has("minLength") && !has("pattern") && !has("enum") && schema.get("default").is_some_and(|default| default != "")
}

/// `maxFields` in words: "Max fields".
fn words(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        match letter {
            '_' | '-' => text.push(' '),
            letter if letter.is_uppercase() => {
                text.push(' ');
                text.extend(letter.to_lowercase());
            }
            letter => text.push(letter),
        }
    }
    super::events::capital(text.trim())
}

/// What stands in the fields of stored settings, by key. Secrets stay out of it.
pub(super) fn fill(properties: &[Property], settings: &Value) -> Vec<(String, String)> {
    let mut filled = Vec::new();
    for property in properties {
        if property.shape == Shape::Rest {
            filled.extend(rest(properties, property, settings));
            continue;
        }
        let Some(value) = settings.pointer(&property.key).filter(|value| !value.is_null()) else { continue };
        let text = match (&property.shape, value) {
            (Shape::Secret | Shape::Rest, _) => continue,
            (Shape::Group(below), _) => {
                filled.extend(fill(below, settings));
                continue;
            }
            (Shape::Json, value) if property.key.is_empty() && value.as_object().is_some_and(Map::is_empty) => continue,
            (Shape::Text { .. }, Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
            (Shape::Text { .. } | Shape::Choice(_), Value::String(text)) => text.clone(),
            (Shape::Lines, Value::Array(items)) if items.iter().all(is_line) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
            }
            (_, value) => serde_json::to_string_pretty(value).unwrap_or_default(),
        };
        filled.push((property.key.clone(), text));
    }
    filled
}

fn is_line(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        !text.is_empty() && !text.contains(['\n', '\r']) && text.trim() == text && !text.starts_with('[')
    })
}

fn rest(properties: &[Property], property: &Property, settings: &Value) -> Option<(String, String)> {
    let at = property.key.strip_prefix(REST)?;
    let mut members = settings.pointer(at)?.as_object()?.clone();
    members.retain(|name, _| {
        let key = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        !properties.iter().any(|known| known.key == key)
    });
    (!members.is_empty()).then(|| (property.key.clone(), serde_json::to_string_pretty(&members).unwrap_or_default()))
}

/// What was typed, by key, as settings; what can't be read is noted below `at`.
pub(super) fn read<'t>(
    properties: &[Property],
    typed: &impl Fn(&str) -> &'t str,
    (faults, at): (&mut Faults, &str),
) -> Value {
    let mut members = Map::new();
    for property in properties {
        let text = typed(&property.key).trim();
        let place = format!("{at}{}", property.key.trim_start_matches(REST));
        let value = match &property.shape {
            Shape::Group(below) => {
                let inner = read(below, typed, (&mut *faults, at));
                let is_empty = inner.as_object().is_some_and(Map::is_empty);
                (property.required || !is_empty).then_some(inner)
            }
            Shape::Rest => {
                let more: Option<Map<String, Value>> =
                    faults.parsed(&place, Some(text).filter(|text| !text.is_empty()), parse_json);
                members.extend(more.unwrap_or_default());
                None
            }
            _ if text.is_empty() => None,
            shape => faults.parsed(&place, Some(text), |text| value(shape, text)),
        };
        let Some(value) = value else { continue };
        if property.key.is_empty() {
            return value;
        }
        let name = property.key.rsplit('/').next().unwrap_or_default();
        members.insert(name.replace("~1", "/").replace("~0", "~"), value);
    }
    Value::Object(members)
}

fn value(shape: &Shape, text: &str) -> Result<Value, String> {
    match shape {
        Shape::Boolean => Ok(Value::Bool(text == "true")),
        Shape::Number => {
            serde_json::from_str::<Number>(text).map(Value::Number).map_err(|_| "must be a number".to_owned())
        }
        Shape::Text { .. } if text == "\"\"" => Ok(Value::String(String::new())),
        Shape::Lines if text.starts_with('[') => parse_json::<Vec<String>>(text).map(Value::from),
        Shape::Lines => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            Ok(lines.map(str::to_owned).collect::<Vec<String>>().into())
        }
        Shape::Json => parse_json(text),
        _ => Ok(Value::String(text.replace("\r\n", "\n"))),
    }
}

fn parse_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("this is no JSON that fits here: {error}"))
}
