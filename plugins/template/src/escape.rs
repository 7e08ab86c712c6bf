//! Writing a value so that it stays what it is where it stands: one rule for each kind of text.

use std::fmt::Write as _;

use minijinja::{Error, ErrorKind, HtmlEscape, Output, Value, value::ValueKind};

/// What is being written, and so what a value must not break out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Strings are escaped for the inside of a string literal; everything else is written as JSON.
    Json,
    /// XML and HTML: the five characters that could be markup.
    Markup,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// One segment of a path.
    Path,
    /// Written as it is: plain text, and headers and query values, which the host checks or encodes as a whole.
    Plain,
}

impl Place {
    /// By the media type's essence and its structured-syntax suffix (RFC 6839).
    pub(crate) fn body(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is = |subtype: &str| essence.ends_with(&format!("/{subtype}")) || essence.ends_with(&format!("+{subtype}"));
        if is("json") {
            Place::Json
        } else if is("xml") || is("html") {
            Place::Markup
        } else if essence == "application/x-www-form-urlencoded" {
            Place::Form
        } else {
            Place::Plain
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Place::Json => "json",
            Place::Markup => "markup",
            Place::Form => "form",
            Place::Path => "path",
            Place::Plain => "plain",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Place::Json, Place::Markup, Place::Form, Place::Path, Place::Plain]
            .into_iter()
            .find(|place| place.name() == name)
    }
}

/// A value that a filter marked as safe (`tojson`, `safe`) is written as it is.
pub(crate) fn write(out: &mut Output<'_>, place: Place, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Ok(());
    }
    if value.is_safe() {
        return Ok(write!(out, "{value}")?);
    }
    match place {
        Place::Json => json(out, value),
        Place::Markup => Ok(write!(out, "{}", HtmlEscape(&value.to_string()))?),
        Place::Form | Place::Path => percent(out, &value.to_string()),
        Place::Plain => Ok(write!(out, "{value}")?),
    }
}

fn json(out: &mut Output<'_>, value: &Value) -> Result<(), Error> {
    let text = serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, "can't be written as JSON").with_source(error))?;
    let inner = match value.kind() {
        ValueKind::String => text.strip_prefix('"').and_then(|text| text.strip_suffix('"')),
        _ => None,
    };
    Ok(out.write_str(inner.unwrap_or(&text))?)
}

/// Everything but RFC 3986's unreserved characters; a segment `.` or `..` is encoded too, or it would climb.
fn percent(out: &mut Output<'_>, text: &str) -> Result<(), Error> {
    let climbs = matches!(text, "." | "..");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || (byte == b'.' && !climbs) {
            out.write_char(char::from(byte))?;
        } else {
            write!(out, "%{byte:02X}")?;
        }
    }
    Ok(())
}
