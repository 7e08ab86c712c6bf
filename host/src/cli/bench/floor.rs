//! The floor: the least code that accepts an event, commits it and posts it on. What Waxwing costs above it is what it does.
//!
//! hyper, one SQLite table, one transaction for all that wait (`synchronous=FULL`), a client that keeps its connections. No
//! routing, no signatures, no log, no retries, no limits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::load::{Http, http};
use super::process::say;
use crate::cli::Failure;

/// The most events of one transaction, as in the server.
const BATCH: usize = 1024;
const CHUNK: usize = 64;

type Waiting = (Bytes, oneshot::Sender<()>);

pub(super) async fn be_floor(target: &Url, data: &Path) -> Result<(), Failure> {
    let failed = |error: sqlx::Error| Failure::Failed(format!("the floor's database: {error}"));
    let options = SqliteConnectOptions::new()
        .filename(data.join("floor.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut database = options.connect().await.map_err(failed)?;
    sqlx::query("CREATE TABLE events (id INTEGER PRIMARY KEY, data BLOB NOT NULL)")
        .execute(&mut database)
        .await
        .map_err(failed)?;
    let (sender, waiting) = mpsc::channel(BATCH);
    let writer = tokio::spawn(write(database, waiting));

    let broken = |error: std::io::Error| Failure::Failed(format!("the floor: {error}"));
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.map_err(broken)?;
    say(&format!("{{\"listening\":\"http://{}\"}}", listener.local_addr().map_err(broken)?)).await?;
    let target = Arc::<str>::from(target.as_str());
    tokio::select! {
        stopped = serve(listener, sender, target) => stopped.map_err(broken),
        ended = writer => match ended {
            Ok(Err(error)) => Err(failed(error)),
            _ => Err(Failure::Failed("the floor's writer stopped".into())),
        },
    }
}

async fn serve(listener: TcpListener, sender: mpsc::Sender<Waiting>, target: Arc<str>) -> std::io::Result<()> {
    let client = http();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (sender, client, target) = (sender.clone(), client.clone(), Arc::clone(&target));
        let service = service_fn(move |request| accept(request, sender.clone(), client.clone(), Arc::clone(&target)));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn accept(
    request: Request<Incoming>,
    sender: mpsc::Sender<Waiting>,
    client: Http,
    target: Arc<str>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let status = match take(request, &sender).await {
        None => StatusCode::BAD_REQUEST,
        Some(body) => {
            tokio::spawn(async move {
                if let Ok(request) = Request::post(&*target).body(Full::new(body))
                    && let Ok(response) = client.request(request).await
                {
                    // Read to its end, or the connection isn't kept.
                    let _ = response.into_body().collect().await;
                }
            });
            StatusCode::ACCEPTED
        }
    };
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
    *response.status_mut() = status;
    Ok(response)
}

/// The body, once it is committed.
async fn take(request: Request<Incoming>, sender: &mpsc::Sender<Waiting>) -> Option<Bytes> {
    let body = request.into_body().collect().await.ok()?.to_bytes();
    serde_json::from_slice::<serde::de::IgnoredAny>(&body).ok()?;
    let (done, durable) = oneshot::channel();
    sender.send((body.clone(), done)).await.ok()?;
    durable.await.ok()?;
    Some(body)
}

async fn write(mut database: SqliteConnection, mut waiting: mpsc::Receiver<Waiting>) -> Result<(), sqlx::Error> {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let mut transaction = database.begin().await?;
        for chunk in batch.chunks(CHUNK) {
            let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO events (data) ");
            insert.push_values(chunk, |mut row, (body, _)| {
                row.push_bind(body.as_ref());
            });
            insert.build().execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        for (_, done) in batch.drain(..) {
            // Who went away needs no answer.
            let _ = done.send(());
        }
    }
    Ok(())
}
