//! One HTTP/1.1 connection that is kept for request after request, driven by whoever sends over it.
//!
//! No pool, no task of its own and no second thread to wake: as little as a client can be.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(super) struct Wire {
    sender: SendRequest<Full<Bytes>>,
    connection: Pin<Box<Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("no connection")]
    Connect(#[source] std::io::Error),
    #[error("the exchange broke off")]
    Exchange(#[source] hyper::Error),
    #[error("the connection was closed")]
    Closed,
}

impl Wire {
    pub(super) async fn open(to: SocketAddr) -> Result<Self, WireError> {
        let stream = TcpStream::connect(to).await.map_err(WireError::Connect)?;
        stream.set_nodelay(true).map_err(WireError::Connect)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(WireError::Exchange)?;
        Ok(Self { sender, connection: Box::pin(connection) })
    }

    /// Sends, and reads the answer to its end.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), WireError> {
        let Self { sender, connection } = self;
        let exchange = async {
            sender.ready().await?;
            let response = sender.send_request(request).await?;
            let status = response.status();
            Ok((status, response.into_body().collect().await?.to_bytes()))
        };
        let mut exchange = pin!(exchange);
        poll_fn(|context| {
            // Puts the request before the connection, which writes and reads, and may have brought the answer then.
            if let Poll::Ready(answered) = exchange.as_mut().poll(context) {
                return Poll::Ready(answered.map_err(WireError::Exchange));
            }
            let open = connection.as_mut().poll(context);
            match (exchange.as_mut().poll(context), open) {
                (Poll::Ready(answered), _) => Poll::Ready(answered.map_err(WireError::Exchange)),
                (Poll::Pending, Poll::Ready(_)) => Poll::Ready(Err(WireError::Closed)),
                (Poll::Pending, Poll::Pending) => Poll::Pending,
            }
        })
        .await
    }
}
