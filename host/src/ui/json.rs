//! JSON as people read it, and as they type it.

use serde_json::Value;

/// In lines; what isn't JSON stays as it is.
pub(super) fn in_lines(text: &str) -> String {
    let value: Result<Value, _> = serde_json::from_str(text);
    value.ok().and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
}

/// What was typed, or where it stops being JSON.
pub(super) fn typed(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("isn't JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stands_in_lines_and_a_fault_names_its_place() {
        assert_eq!(in_lines(r#"{"a":1}"#), "{\n  \"a\": 1\n}");
        assert_eq!(in_lines("{"), "{");
        assert!(typed("{\"a\":\n}").unwrap_err().contains("line 2"));
    }
}
