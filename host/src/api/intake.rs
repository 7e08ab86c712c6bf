//! Who may bring a body: as much as there is room for. One too many is refused before anything of its body is kept.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use crate::service::{BODY_MAX, COMPONENT_MAX, IntakePlace as Place};

use super::Api;
use super::problem::Problem;

/// How long a refused body is read on, so that its sender comes to the answer.
const READ_ON: Duration = Duration::from_secs(10);

/// Room for the body of a request until the place is dropped.
pub(super) async fn admit(api: &Api, headers: &HeaderMap, body: Body) -> Result<(Place, Body), Problem> {
    // One that doesn't tell its length may have any. What is larger than the largest is refused by its reader, unread.
    let told = body.size_hint().exact().map_or(BODY_MAX, |exact| usize::try_from(exact).unwrap_or(usize::MAX));
    let length = told.min(COMPONENT_MAX);
    match api.services.room().take(length) {
        Ok(place) => Ok((place, body)),
        Err(no_room) => {
            let waits_to_be_asked = headers.contains_key(header::EXPECT);
            if !waits_to_be_asked {
                discard(body).await;
            }
            Err(no_room.into())
        }
    }
}

/// The same for a request that may have none.
pub(super) async fn admit_if_any(api: &Api, headers: &HeaderMap, body: Body) -> Result<(Option<Place>, Body), Problem> {
    if body.is_end_stream() {
        return Ok((None, body));
    }
    admit(api, headers, body).await.map(|(place, body)| (Some(place), body))
}

/// Reads it to its end and keeps nothing: a connection that is closed before may take the answer with it.
async fn discard(mut body: Body) {
    let read = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, bytes::Bytes::len);
            if read > BODY_MAX {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(READ_ON, read).await;
}
