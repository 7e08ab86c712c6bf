//! Bytes in JSON: as text where they are UTF-8, else in base64, and never changed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use crate::model::event::{ContentType, Payload};

/// The text and how it is to be read: `text` or `base64`.
pub(super) fn text_or_base64(bytes: &[u8]) -> (String, &'static str) {
    std::str::from_utf8(bytes).map_or_else(|_| (STANDARD.encode(bytes), "base64"), |text| (text.to_owned(), "text"))
}

/// An event's data as it was posted: JSON stands in the answer byte for byte, anything else as a string.
pub(super) fn data(payload: &Payload) -> (Option<Box<RawValue>>, Option<String>) {
    if payload.content_type == ContentType::Json
        && let Ok(text) = std::str::from_utf8(&payload.bytes)
        && let Ok(raw) = RawValue::from_string(text.to_owned())
    {
        return (Some(raw), None);
    }
    (None, Some(STANDARD.encode(&payload.bytes)))
}
