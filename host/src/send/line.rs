//! A connection that speaks HTTP. Over HTTP/1.1 one exchange at a time drives it, from its own task: no other is woken for it. Over
//! HTTP/2 a task of its own does, for all exchanges that share it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use http_body::{Body as _, Frame};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::body::Parts;
use super::stream::Stream;

/// A reply's head, all its lines together, and a bound on what is buffered of it.
const HEAD_MAX: u32 = 64 * 1024;
const HEADERS_MAX: usize = 128;
/// How far an HTTP/2 receiver may run ahead of our reading.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// How often a shared connection is asked whether it is alive, and how long it may take to say so.
const ALIVE_EVERY: Duration = Duration::from_secs(20);
const ALIVE_WITHIN: Duration = Duration::from_secs(10);

pub(super) enum Line {
    /// HTTP/1.1.
    Own(Box<OwnLine>),
    /// HTTP/2. Clones share one connection.
    Shared(http2::SendRequest<Parts>),
}

pub(super) struct OwnLine {
    requests: http1::SendRequest<Parts>,
    connection: http1::Connection<Stream, Parts>,
    ended: bool,
}

impl Line {
    /// Begins to speak what the receiver chose.
    pub(super) async fn begin(stream: Stream) -> Result<Self, hyper::Error> {
        if stream.speaks_http_2() {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .max_header_list_size(HEAD_MAX)
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .keep_alive_interval(ALIVE_EVERY)
                .keep_alive_timeout(ALIVE_WITHIN);
            let (requests, connection) = builder.handshake(stream).await?;
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a shared connection ended badly");
                }
            });
            return Ok(Self::Shared(requests));
        }
        let mut builder = http1::Builder::new();
        builder.max_buf_size(usize::try_from(HEAD_MAX).unwrap_or(usize::MAX)).max_headers(HEADERS_MAX);
        let (requests, connection) = builder.handshake(stream).await?;
        Ok(Self::Own(Box::new(OwnLine { requests, connection, ended: false })))
    }

    /// The reply's head. An error may hold the request again: then nothing of it was written.
    pub(super) async fn send(
        &mut self,
        request: Request<Parts>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Parts>>> {
        match self {
            Self::Own(line) => line.send(request).await,
            Self::Shared(requests) => requests.try_send_request(request).await,
        }
    }

    /// The next piece of a reply's body.
    pub(super) async fn frame(&mut self, body: &mut Incoming) -> Option<Result<Frame<Bytes>, hyper::Error>> {
        poll_fn(|context| match self {
            Self::Own(line) => line.poll(context, |quiet| Pin::new(&mut *body).poll_frame(quiet)),
            Self::Shared(_) => Pin::new(&mut *body).poll_frame(context),
        })
        .await
    }

    /// Whether another exchange can go over it. An HTTP/1.1 connection is looked at without being waited for: nobody is woken when
    /// its receiver closes it.
    pub(super) fn is_open(&mut self) -> bool {
        match self {
            Self::Own(line) => {
                line.drive(&mut Context::from_waker(Waker::noop()));
                !line.ended && line.requests.is_ready()
            }
            Self::Shared(requests) => !requests.is_closed(),
        }
    }
}

impl OwnLine {
    async fn send(&mut self, request: Request<Parts>) -> Result<Response<Incoming>, TrySendError<Request<Parts>>> {
        let mut answer = pin!(self.requests.try_send_request(request));
        let (connection, ended) = (&mut self.connection, &mut self.ended);
        poll_fn(|context| driven(connection, ended, context, |quiet| answer.as_mut().poll(quiet))).await
    }

    fn poll<T>(&mut self, context: &mut Context<'_>, wanted: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        driven(&mut self.connection, &mut self.ended, context, wanted)
    }

    fn drive(&mut self, context: &mut Context<'_>) {
        drive(&mut self.connection, &mut self.ended, context);
    }
}

/// What is wanted comes only by driving the connection, so it needs to wake nobody by itself.
fn driven<T>(
    connection: &mut http1::Connection<Stream, Parts>,
    ended: &mut bool,
    context: &mut Context<'_>,
    mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let quiet = &mut Context::from_waker(Waker::noop());
    let polled = wanted(quiet);
    if polled.is_ready() {
        return polled;
    }
    drive(connection, ended, context);
    wanted(quiet)
}

/// Its end is told by what was wanted of it.
fn drive(connection: &mut http1::Connection<Stream, Parts>, ended: &mut bool, context: &mut Context<'_>) {
    if !*ended {
        *ended = Pin::new(connection).poll(context).is_ready();
    }
}
