//! The database's machine is gone: nothing is refused, nothing closed, nothing comes. Whoever reads is told so.

use std::time::{Duration, Instant};

use sqlx::{Connection, Executor};

use crate::cluster::Database;
use crate::process::{PATIENCE, Server};
use crate::proxy::Proxy;

/// 30 seconds, and what a busy machine takes besides.
const TOLD_WITHIN: Duration = Duration::from_secs(45);

#[test]
fn a_read_that_gets_no_answer_is_refused_and_later_ones_are_answered_again() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (database, proxy, mut other) = runtime.block_on(async {
        let database = Database::new().await;
        let proxy = Proxy::to(database.port()).await;
        let other = database.connect().await;
        (database, proxy, other)
    });
    let through = database.url().replace(&format!(":{}/", database.port()), &format!(":{}/", proxy.port));
    let server = Server::start_with(&["--database", &through]);

    // So that the read is under way when the machine goes.
    runtime.block_on(other.execute("BEGIN; LOCK TABLE webhooks, deliveries IN ACCESS EXCLUSIVE MODE")).unwrap();
    let (status, took) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let begun = Instant::now();
            (server.status("/api/deliveries"), begun.elapsed())
        });
        runtime.block_on(async {
            let mut looking = database.connect().await;
            let waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND database = \
                           (SELECT oid FROM pg_database WHERE datname = current_database()))";
            while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut looking).await.unwrap() {
                tokio::task::yield_now().await;
            }
            proxy.silence(true);
            other.execute("ROLLBACK").await.unwrap();
            other.close().await.unwrap();
        });
        reading.join().unwrap()
    });
    assert_eq!(status, 503);
    assert!(took < TOLD_WITHIN, "{took:?}");
    proxy.silence(false);
    let back = Instant::now();
    for path in ["/api/deliveries", "/readyz"] {
        while server.status(path) != 200 {
            assert!(back.elapsed() < PATIENCE, "{path} isn't answered again");
        }
    }
}
