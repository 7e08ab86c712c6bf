//! What nodes tell each other, by `NOTIFY`: that there is work for whoever is free, and that the configuration changed.
//!
//! A notification only saves a second. Once a second the configuration's counter is looked at, and while nobody listens (the
//! connection broke), that there may be work is said once a second too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::connect::Connector;
use crate::model::causes::WithCauses;
use crate::store::{News, Result};

const CHANNEL: &str = "waxwing";
const EVERY: Duration = Duration::from_secs(1);
/// A look that takes longer is given up for the next one.
const LOOK_WITHIN: Duration = Duration::from_secs(5);
const WORK: &str = "work";
const CONFIGURATION: &str = "configuration";

pub(super) struct Tidings {
    /// Who this is: one's own notifications are no news.
    own: String,
    /// The configuration's counter, as far as this node knows.
    seen: AtomicI64,
    /// Not told yet.
    configuration: AtomicBool,
    work: AtomicBool,
    told: Notify,
    listening: AtomicBool,
    /// There is work to tell the others of.
    found: Notify,
    stop: CancellationToken,
}

impl Tidings {
    /// Starts to listen. `own`: any text that no other node has.
    pub(super) async fn start(
        connector: Arc<Connector>,
        (readers, writers): (PgPool, PgPool),
        own: String,
    ) -> Result<Arc<Self>> {
        let seen = AtomicI64::new(version(&readers).await?);
        let tidings = Arc::new(Self {
            own,
            seen,
            configuration: AtomicBool::new(false),
            work: AtomicBool::new(false),
            told: Notify::new(),
            listening: AtomicBool::new(false),
            found: Notify::new(),
            stop: CancellationToken::new(),
        });
        let stop = tidings.stop.clone();
        let (listener, looker, announcer) = (Arc::clone(&tidings), Arc::clone(&tidings), Arc::clone(&tidings));
        tokio::spawn(async move {
            let work = async {
                tokio::join!(listener.listen(&connector), looker.look(&readers), announcer.tell(&writers));
            };
            stop.run_until_cancelled(work).await;
        });
        Ok(tidings)
    }

    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// The next that another node has to say; what came several times meanwhile is told once.
    pub(super) async fn next(&self) -> News {
        loop {
            let told = self.told.notified();
            if self.configuration.swap(false, Ordering::AcqRel) {
                return News::Configuration;
            }
            if self.work.swap(false, Ordering::AcqRel) {
                return News::Work;
            }
            told.await;
        }
    }

    /// Something stands in the queue that nobody has in hand: the others are told, soon and once for all that came meanwhile.
    pub(super) fn work(&self) {
        self.found.notify_one();
    }

    /// Part of a transaction that changes the configuration; returns what to hand to [`Self::announced`] after its commit.
    pub(super) async fn announce(&self, transaction: &mut PgConnection) -> Result<i64> {
        let version: i64 = sqlx::query_scalar("UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value")
            .bind(CONFIGURATION)
            .fetch_one(&mut *transaction)
            .await?;
        notify(transaction, &format!("{CONFIGURATION}:{}:{version}", self.own)).await?;
        Ok(version)
    }

    /// One's own change is no news, unless another one's came before it.
    pub(super) fn announced(&self, version: i64) {
        let _ = self.seen.compare_exchange(version - 1, version, Ordering::AcqRel, Ordering::Relaxed);
    }

    pub(super) async fn announce_work(&self, writers: &PgPool) -> Result<()> {
        notify(&mut *writers.acquire().await?, &format!("{WORK}:{}", self.own)).await
    }

    /// What a notification says: what, by whom, and of a configuration, which.
    fn heard(&self, payload: &str) {
        let mut parts = payload.split(':');
        let (what, from) = (parts.next(), parts.next());
        if from == Some(self.own.as_str()) {
            return;
        }
        match what {
            Some(WORK) => self.say(&self.work),
            Some(CONFIGURATION) => {
                let version = parts.next().and_then(|version| version.parse().ok()).unwrap_or_default();
                self.seen.fetch_max(version, Ordering::AcqRel);
                self.say(&self.configuration);
            }
            _ => {}
        }
    }

    fn say(&self, flag: &AtomicBool) {
        flag.store(true, Ordering::Release);
        self.told.notify_one();
    }

    async fn tell(&self, writers: &PgPool) {
        loop {
            self.found.notified().await;
            if let Err(error) = self.announce_work(writers).await {
                // The others look for work by themselves now and then.
                tracing::debug!(error = %WithCauses(&error), "the other nodes were not told of work");
            }
        }
    }

    async fn listen(&self, connector: &Connector) {
        loop {
            let pool = connector.listening();
            if let Err(error) = self.listen_once(&pool).await {
                tracing::debug!(%error, "the connection that listens to other nodes broke");
            }
            self.listening.store(false, Ordering::Release);
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn listen_once(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        self.listening.store(true, Ordering::Release);
        // What was said before is lost.
        self.say(&self.work);
        while let Some(notification) = listener.try_recv().await? {
            self.heard(notification.payload());
        }
        Ok(())
    }

    async fn look(&self, readers: &PgPool) {
        loop {
            tokio::time::sleep(EVERY).await;
            if !self.listening.load(Ordering::Acquire) {
                self.say(&self.work);
            }
            // An error is heard of by whoever has something to do.
            if let Ok(Ok(version)) = tokio::time::timeout(LOOK_WITHIN, version(readers)).await
                && self.seen.fetch_max(version, Ordering::AcqRel) < version
            {
                self.say(&self.configuration);
            }
        }
    }
}

async fn version(readers: &PgPool) -> Result<i64> {
    let query = sqlx::query_scalar("SELECT value FROM counters WHERE name = $1").bind(CONFIGURATION);
    Ok(query.fetch_one(readers).await?)
}

async fn notify(connection: &mut PgConnection, payload: &str) -> Result<()> {
    sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(payload).execute(connection).await?;
    Ok(())
}
