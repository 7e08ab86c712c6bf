//! A plugin's settings: checked by its schema, and their secrets split out. Pure.
//!
//! A property whose schema says `"format": "secret"` never stands in a stage's settings: its value is kept apart, sealed, and the
//! guest sees a placeholder. Schemas come from strangers' components: references to anything but themselves are not followed.

use std::collections::BTreeMap;

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use crate::model::placeholder::PREFIX;
use crate::model::plugin::Stage;
use crate::model::secret::Secret;
use crate::service::error::{Issue, step};

/// What answers show where a secret is set. Sent back, it means "as it was".
pub const MASK: &str = "********";
/// How deep a schema is followed; below that nothing is taken for a secret, so a schema that hides one there is refused at upload.
const DEPTH_MAX: usize = 32;
const ERRORS_MAX: usize = 20;

/// Settings as a stage keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::service) struct Split {
    pub(in crate::service) settings: Value,
    /// By JSON Pointer.
    pub(in crate::service) secrets: BTreeMap<String, Secret>,
}

/// Faults of `settings` by `schema`, each at its place below `base`. Messages never show values: they may be secrets.
pub(in crate::service) fn check(schema: &Value, settings: &Value, base: &str) -> Vec<Issue> {
    let validator = match jsonschema::draft202012::new(schema) {
        Ok(validator) => validator,
        Err(error) => return vec![Issue::new(base, "schema-unusable", error.masked())],
    };
    let mut issues = Vec::new();
    for error in validator.iter_errors(settings).take(ERRORS_MAX) {
        let place = format!("{base}{}", error.instance_path());
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => issues.extend(
                unexpected
                    .iter()
                    .map(|name| Issue::new(place.clone() + &step(name), "unknown-field", "no such setting")),
            ),
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                issues.push(Issue::new(place + &step(name), "missing", "this setting is required"));
            }
            _ => issues.push(Issue::new(place, "invalid-setting", error.masked())),
        }
    }
    issues
}

/// Takes the secrets out. Where one is masked or absent, the value kept before at the same place stands in again.
pub(in crate::service) fn split(schema: &Value, settings: Value, kept: &BTreeMap<String, Secret>) -> Split {
    let whole = restore(schema, settings, kept);
    let mut secrets = BTreeMap::new();
    let settings = take_out(&Schema::new(schema), whole, "", &mut secrets);
    Split { settings, secrets }
}

/// What the settings mean once kept secrets are put back: what the schema is to judge.
pub(in crate::service) fn restore(schema: &Value, mut settings: Value, kept: &BTreeMap<String, Secret>) -> Value {
    let root = Schema::new(schema);
    for (pointer, secret) in kept {
        let masked = settings.pointer(pointer).is_none_or(|value| value.as_str() == Some(MASK));
        if masked && root.is_secret_at(pointer) {
            put(&mut settings, pointer, Value::String(secret.expose().to_owned()));
        }
    }
    settings
}

/// With `fill` at each secret's place: placeholders for the plugin's own check, or the mask for an answer.
pub(in crate::service) fn filled(
    settings: &Value,
    secrets: &BTreeMap<String, Secret>,
    fill: impl Fn(usize) -> String,
) -> Value {
    let mut whole = settings.clone();
    for (index, pointer) in secrets.keys().enumerate() {
        put(&mut whole, pointer, Value::String(fill(index)));
    }
    whole
}

/// A stage's settings as answers show them.
pub fn masked_settings(stage: &Stage) -> Value {
    let settings = serde_json::from_str(&stage.settings).unwrap_or_default();
    filled(&settings, &stage.secrets, |_| MASK.to_owned())
}

/// A stand-in for a secret outside any run: shaped as the guest will see it, worth nothing.
pub(in crate::service) fn blank_placeholder(index: usize) -> String {
    format!("{PREFIX}{index:032x}")
}

fn take_out(schema: &Schema<'_>, value: Value, at: &str, secrets: &mut BTreeMap<String, Secret>) -> Value {
    match value {
        Value::Object(fields) => {
            let mut rest = Map::new();
            for (name, value) in fields {
                let place = at.to_owned() + &step(&name);
                let below = schema.property(&name);
                match value {
                    Value::String(text) if below.is_secret() => {
                        secrets.insert(place, Secret::new(text));
                    }
                    // `null` takes a secret away.
                    Value::Null if below.is_secret() => {}
                    other => {
                        rest.insert(name, take_out(&below, other, &place, secrets));
                    }
                }
            }
            Value::Object(rest)
        }
        Value::Array(items) => {
            let each = items.into_iter().enumerate();
            let below = schema.items();
            Value::Array(
                each.map(|(index, item)| match item {
                    // A place in an array can't be left out: it holds an empty string until it is filled.
                    Value::String(text) if below.is_secret() => {
                        secrets.insert(format!("{at}/{index}"), Secret::new(text));
                        Value::String(String::new())
                    }
                    other => take_out(&below, other, &format!("{at}/{index}"), secrets),
                })
                .collect(),
            )
        }
        other => other,
    }
}

/// Sets what a pointer names, making the objects on the way. A way through something that is no object or array is not made.
fn put(root: &mut Value, pointer: &str, value: Value) {
    let mut here = root;
    for name in pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~")) {
        let next = match here {
            Value::Object(fields) => Some(fields.entry(name).or_insert_with(|| Value::Object(Map::new()))),
            Value::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            _ => None,
        };
        let Some(next) = next else { return };
        here = next;
    }
    *here = value;
}

/// All subschemas that apply at one place: a property may be spelt out directly, behind a `$ref`, or in an `allOf`, `anyOf`, `oneOf`.
struct Schema<'a> {
    root: &'a Value,
    here: Vec<&'a Value>,
}

impl<'a> Schema<'a> {
    fn new(root: &'a Value) -> Self {
        Self::of(root, vec![root])
    }

    fn of(root: &'a Value, starts: Vec<&'a Value>) -> Self {
        let mut here: Vec<&Value> = Vec::new();
        let mut open: Vec<(&Value, usize)> = starts.into_iter().map(|start| (start, 0)).collect();
        while let Some((schema, depth)) = open.pop() {
            if depth > DEPTH_MAX || here.iter().any(|known| std::ptr::eq(*known, schema)) {
                continue;
            }
            here.push(schema);
            let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
            open.extend(target.and_then(|pointer| root.pointer(pointer)).map(|found| (found, depth + 1)));
            for keyword in ["allOf", "anyOf", "oneOf"] {
                let branches = schema.get(keyword).and_then(Value::as_array);
                open.extend(branches.into_iter().flatten().map(|branch| (branch, depth + 1)));
            }
        }
        Self { root, here }
    }

    fn property(&self, name: &str) -> Self {
        let named = self.here.iter().filter_map(|schema| schema.get("properties")?.get(name));
        let named: Vec<&Value> = named.collect();
        if !named.is_empty() {
            return Self::of(self.root, named);
        }
        let others = self.here.iter().filter_map(|schema| schema.get("additionalProperties"));
        Self::of(self.root, others.collect())
    }

    fn items(&self) -> Self {
        Self::of(self.root, self.here.iter().filter_map(|schema| schema.get("items")).collect())
    }

    fn is_secret(&self) -> bool {
        self.here.iter().any(|schema| schema.get("format").and_then(Value::as_str) == Some("secret"))
    }

    fn is_secret_at(&self, pointer: &str) -> bool {
        let steps = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
        let start = Self::of(self.root, self.here.clone());
        steps
            .fold(start, |schema, name| {
                let property = schema.property(&name);
                if property.here.is_empty() && name.parse::<usize>().is_ok() { schema.items() } else { property }
            })
            .is_secret()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "channel": { "type": "string" },
                "token": { "$ref": "#/$defs/Token" },
                "deep": { "type": "object", "properties": { "key/1": { "type": "string", "format": "secret" } } },
                "keys": { "type": "array", "items": { "$ref": "#/$defs/Token" } },
            },
            "required": ["token"],
            "additionalProperties": false,
            "$defs": { "Token": { "anyOf": [{ "type": "string", "format": "secret", "minLength": 4 }, { "type": "null" }] } },
        })
    }

    #[test]
    fn secrets_leave_the_settings_wherever_the_schema_hides_them() {
        let given = json!({ "channel": "ops", "token": "abcd", "deep": { "key/1": "s" }, "keys": ["first", "second"] });
        let split = split(&schema(), given, &BTreeMap::new());
        assert_eq!(split.settings, json!({ "channel": "ops", "deep": {}, "keys": ["", ""] }));
        let pointers: Vec<&str> = split.secrets.keys().map(String::as_str).collect();
        assert_eq!(pointers, ["/deep/key~11", "/keys/0", "/keys/1", "/token"]);
        let masked = filled(&split.settings, &split.secrets, |_| MASK.to_owned());
        let whole = json!({ "channel": "ops", "deep": { "key/1": MASK }, "keys": [MASK, MASK], "token": MASK });
        assert_eq!(masked, whole);
    }

    #[test]
    fn a_masked_or_absent_secret_stays_and_null_removes_it() {
        let kept = split(&schema(), json!({ "token": "abcd" }), &BTreeMap::new()).secrets;
        for again in [json!({ "token": MASK }), json!({})] {
            assert_eq!(split(&schema(), again, &kept).secrets, kept);
        }
        assert!(split(&schema(), json!({ "token": null }), &kept).secrets.is_empty());
        let other = split(&schema(), json!({ "token": "new one" }), &kept).secrets;
        assert_eq!(other["/token"].expose(), "new one");
    }

    #[test]
    fn faults_are_named_by_their_place_and_never_show_a_value() {
        let issues = check(&schema(), &json!({ "chanel": "ops", "token": "abc" }), "/plugins/0/settings");
        let mut places: Vec<&str> = issues.iter().map(|issue| issue.pointer.as_str()).collect();
        places.sort_unstable();
        assert_eq!(places, ["/plugins/0/settings/chanel", "/plugins/0/settings/token"]);
        assert!(issues.iter().all(|issue| !issue.detail.contains("abc")), "{issues:?}");
        let missing = check(&schema(), &json!({}), "");
        assert_eq!(missing[0].pointer, "/token");
    }

    #[test]
    fn a_schema_that_points_to_the_network_or_to_itself_is_no_trouble() {
        let remote = json!({ "$ref": "https://example.com/schema.json" });
        assert_eq!(check(&remote, &json!({}), "/x")[0].code, "schema-unusable");
        let looping = json!({ "$ref": "#" });
        assert!(split(&looping, json!({ "a": { "b": 1 } }), &BTreeMap::new()).secrets.is_empty());
    }
}
