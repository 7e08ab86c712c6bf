//! How much of an answer is read: as much as is of use, never what the receiver likes to send.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response};
use hyper::body::Incoming;

use super::Reply;
use super::line::Line;
use crate::model::attempt::{RESPONSE_HEADERS_MAX, RESPONSE_READ_MAX};
use crate::model::request::Header;

/// Reads the reply up to the cap. `true`: to its end, so that another exchange can follow it.
pub(super) async fn read(line: &mut Line, response: Response<Incoming>) -> Result<(Reply, bool), hyper::Error> {
    let (head, mut incoming) = response.into_parts();
    let mut body = Gathered::default();
    let mut truncated = false;
    while let Some(frame) = line.frame(&mut incoming).await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = RESPONSE_READ_MAX.saturating_sub(body.len());
        if data.len() > room {
            body.push(data.slice(..room));
            truncated = true;
            break;
        }
        body.push(data);
    }
    let (status, headers) = (head.status.as_u16(), headers(&head.headers));
    Ok((Reply { status, headers, body: body.into_bytes(), truncated }, !truncated))
}

/// Most replies come in one piece, which isn't copied.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    rest: BytesMut,
}

impl Gathered {
    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 { self.first = data } else { self.rest.extend_from_slice(&data) }
    }

    fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { [self.first, self.rest.freeze()].concat().into() }
    }
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
