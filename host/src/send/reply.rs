//! How much of an answer is read: as much as is of use, never what the receiver likes to send.

use http::{HeaderMap, Response};
use hyper::body::Incoming;

use super::Reply;
use super::line::Line;
use crate::model::attempt::{RESPONSE_HEADERS_MAX, RESPONSE_READ_MAX};
use crate::model::request::Header;

/// Reads the reply up to the cap. `true`: to its end, so that another exchange can follow it.
pub(super) async fn read(line: &mut Line, response: Response<Incoming>) -> Result<(Reply, bool), hyper::Error> {
    let (head, mut incoming) = response.into_parts();
    // Copied also where it comes in one piece: that is a part of what the connection reads into, 8 KiB or more, which would be in memory
    // for as long as the piece is.
    let mut body = Vec::new();
    let mut truncated = false;
    while let Some(frame) = line.frame(&mut incoming).await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = RESPONSE_READ_MAX.saturating_sub(body.len());
        if data.len() > room {
            body.extend_from_slice(&data.slice(..room));
            truncated = true;
            break;
        }
        body.extend_from_slice(&data);
    }
    let (status, headers) = (head.status.as_u16(), headers(&head.headers));
    Ok((Reply { status, headers, body: body.into(), truncated }, !truncated))
}

/// The first headers that fit; a value that isn't text is shown as well as it can be.
fn headers(map: &HeaderMap) -> Vec<Header> {
    let mut size = 0;
    let fitting = map.iter().take_while(|(name, value)| {
        size += name.as_str().len() + value.len();
        size <= RESPONSE_HEADERS_MAX
    });
    fitting
        .map(|(name, value)| Header {
            name: name.as_str().into(),
            value: String::from_utf8_lossy(value.as_bytes()).into(),
        })
        .collect()
}
