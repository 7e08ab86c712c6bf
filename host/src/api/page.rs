//! Lists by the page: `limit`, `after`, and an answer of `{data, next}`. A cursor is opaque: what it holds may change.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use crate::model::page::cursor;
use crate::model::page::{Page, PageRequest, place_of};

use super::problem::{Answer, Problem};

/// A page of a list, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Listed<T> {
    pub(super) data: Vec<T>,
    /// For `after`, to get the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
    /// Set when the search stopped after 20,000 rows before the page was full: go on from here with `after`.
    #[serde(rename = "scannedTo", skip_serializing_if = "Option::is_none")]
    pub(super) scanned_to: Option<String>,
}

pub(super) fn listed<T, U>(page: Page<T>, each: impl FnMut(T) -> U) -> axum::Json<Listed<U>> {
    let Page { rows, next, scanned_to } = page.map(each);
    axum::Json(Listed { data: rows, next: next.map(cursor), scanned_to: scanned_to.map(cursor) })
}

pub(super) fn all<T, U>(rows: impl IntoIterator<Item = T>, each: impl FnMut(T) -> U) -> axum::Json<Listed<U>> {
    axum::Json(Listed { data: rows.into_iter().map(each).collect(), next: None, scanned_to: None })
}

pub(super) fn page(limit: Option<u32>, after: Option<&str>) -> Answer<PageRequest> {
    let refused = |place: &str, detail: String| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-parameter", &detail).at(
            place,
            "invalid-parameter",
            &detail,
        )
    };
    let before = before(after, "?after")?;
    let bounds = || refused("?limit", format!("must be 1 to {}", PageRequest::LIMIT_MAX));
    PageRequest::new(limit, before).ok_or_else(bounds)
}

/// What `after` says, which stands at `place`.
pub(super) fn before(after: Option<&str>, place: &str) -> Answer<Option<u64>> {
    let detail = "not the `next` of a page or call before";
    let refused = || {
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-parameter", detail);
        problem.at(place, "invalid-parameter", detail)
    };
    after.map(|text| place_of(text).ok_or_else(refused)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_anything_else_is_refused() {
        assert_eq!(page(None, Some(&cursor(77))).unwrap().before, Some(77));
        for text in ["", "77", "zzzzzzzzzzzz", "AAAAAAAAAE1A"] {
            assert_eq!(page(None, Some(text)).unwrap_err().code, "invalid-parameter", "{text}");
        }
        assert!(page(Some(0), None).is_err() && page(Some(251), None).is_err() && page(Some(250), None).is_ok());
    }
}
