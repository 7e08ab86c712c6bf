//! What stands between a node and its database: it passes everything on, or falls silent, as a broken network does: nothing is
//! refused, nothing is closed, nothing comes.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    silent: watch::Sender<bool>,
}

impl Proxy {
    /// To this port of loopback.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (silent, heard) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, port, heard.clone()));
            }
        });
        Self { port: own, silent }
    }

    /// Until it is told otherwise, whatever comes from either side goes no further.
    pub(crate) fn silence(&self, silent: bool) {
        self.silent.send_replace(silent);
    }
}

async fn connection(from: TcpStream, port: u16, mut silent: watch::Receiver<bool>) {
    let speaks = silent.wait_for(|silent| !silent).await.is_ok();
    let Ok(to) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    if !speaks || from.set_nodelay(true).is_err() || to.set_nodelay(true).is_err() {
        return;
    }
    let ((from_read, from_write), (to_read, to_write)) = (from.into_split(), to.into_split());
    tokio::join!(pass(from_read, to_write, silent.clone()), pass(to_read, from_write, silent));
}

/// One direction, until it ends.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut silent: watch::Receiver<bool>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if silent.wait_for(|silent| !silent).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
