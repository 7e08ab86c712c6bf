//! A request's body on its way to the socket.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::phases::Phases;
use crate::model::request::Body;

/// A body as it is: its parts go to the socket one after the other, uncopied.
pub(super) struct Parts {
    left: Body,
    next: usize,
    phases: Arc<Phases>,
}

impl Parts {
    pub(super) const fn new(body: Body, phases: Arc<Phases>) -> Self {
        Self { left: body, next: 0, phases }
    }

    fn rest(&self) -> impl Iterator<Item = &Bytes> {
        self.left.0.iter().skip(self.next)
    }
}

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let parts = self.left.0.iter().enumerate().skip(self.next);
        let part = parts.filter(|(_, part)| !part.is_empty()).map(|(at, part)| (at, part.clone())).next();
        let Some((at, part)) = part else { return Poll::Ready(None) };
        self.next = at + 1;
        if self.is_end_stream() {
            self.phases.body_written();
        }
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest().map(|part| part.len() as u64).sum())
    }
}
