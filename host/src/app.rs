//! The one place that wires everything: a configuration goes in, a running server comes out.
//!
//! Opens the store with the key, starts the sandbox, loads the plugins that came with us, then delivery, then the router: whoever
//! gets an answer finds all of it there. Holds no rule. `anyhow` is at home here: what fails at the start is told to a person.

mod first;
mod key;
mod parts;
mod stop;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::stop::asked_to_stop;
use crate::clock::{Clock, Rng, SystemClock, SystemRng};
use crate::config::Config;
use crate::deliver::{Deliver, Running};
use crate::model::ids::IdSource;
use crate::model::secret::Secret;
use crate::route::Directory;
use crate::service::{self, Services};
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::{api, deliver, ingest};

/// What a configuration doesn't say: who runs the server, and what stands in for the world.
#[derive(Clone)]
pub struct Surroundings {
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    /// A binary that knows `compile-plugin`: normally this one.
    pub executable: PathBuf,
    /// Local receivers of our own, which may be reached over plain HTTP although they are on loopback.
    pub sinks: Vec<SocketAddr>,
    /// Root certificates besides the public ones.
    pub roots: Vec<CertificateDer<'static>>,
    /// Off: nothing is delivered but by [`App::deliver`]'s `run_due`, step by step.
    pub delivers: bool,
    /// Renders the metrics.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Surroundings {
    /// The machine as it is; `metrics` comes from `telemetry`.
    pub fn of_this_machine(metrics: Arc<dyn Fn() -> String + Send + Sync>) -> anyhow::Result<Self> {
        let executable = std::env::current_exe().context("where this program stands is not known")?;
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        Ok(Self { clock, rng, executable, sinks: Vec::new(), roots: Vec::new(), delivers: true, metrics })
    }
}

/// A running server.
pub struct App {
    pub address: SocketAddr,
    pub services: Arc<Services>,
    pub deliver: Arc<Deliver>,
    /// Made because no admin could get in otherwise; it stands in [`App::token_file`] too.
    pub first_token: Option<Secret>,
    pub token_file: PathBuf,
    store: Arc<SqliteStore>,
    running: Option<Running>,
    stop: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
    drain: Duration,
}

impl App {
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let nothing = Arc::new(String::new);
        Self::start_in(config, Surroundings::of_this_machine(nothing)?).await
    }

    pub async fn start_in(config: Config, around: Surroundings) -> anyhow::Result<Self> {
        // A port that is taken is told before anything is opened.
        let listener = TcpListener::bind(config.server.listen).await;
        let listener = listener.with_context(|| format!("can't listen on {}", config.server.listen))?;
        let address = listener.local_addr().context("the listener has no address")?;
        let wired = Wired::new(&config, &around).await?;
        let Wired { services, deliver, store } = wired;
        parts::keep_bundled(&services).await?;
        services.seed_catalogue().await.context("the catalogue can't be filled")?;
        let (first_token, token_file) = first::admin_token(&services, &config.storage.data).await?;
        let running = match around.delivers {
            true => Some(deliver.start().await.context("what was pending can't be taken over")?),
            false => None,
        };
        let stop = CancellationToken::new();
        let router = api::router(Arc::clone(&services), around.metrics);
        let server = tokio::spawn(serve(listener, router, stop.clone()));
        let drain = config.server.drain;
        Ok(Self { address, services, deliver, first_token, token_file, store, running, stop, server, drain })
    }

    /// Serves until somebody asks it to stop, then drains; asked twice, it stops at once.
    pub async fn run(self) -> anyhow::Result<()> {
        let reason = asked_to_stop().await?;
        tracing::info!(reason, "draining; once more stops at once");
        tokio::select! {
            ended = self.shut_down() => ended,
            _ = asked_to_stop() => {
                tracing::warn!("stopped at once: what was under way is sent again after the next start");
                Ok(())
            }
        }
    }

    /// Takes no more requests, ends those under way, puts back what was not sent, and closes the store.
    pub async fn shut_down(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let ended = tokio::time::timeout(self.drain, self.server).await;
        if let Some(running) = self.running {
            let left = running.drain(self.drain).await;
            if left > 0 {
                tracing::warn!(left, "attempts were still under way: they are made again after the next start");
            }
        }
        self.store.close().await;
        match ended {
            Ok(joined) => joined.context("the listener's task failed")?.context("the listener failed"),
            // Connections that wouldn't end are dropped with the process.
            Err(_) => Ok(()),
        }
    }
}

async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(async move { stop.cancelled().await }).await
}

/// All parts, knowing one another, none at work yet.
struct Wired {
    services: Arc<Services>,
    deliver: Arc<Deliver>,
    store: Arc<SqliteStore>,
}

impl Wired {
    async fn new(config: &Config, around: &Surroundings) -> anyhow::Result<Self> {
        let (clock, rng) = (Arc::clone(&around.clock), Arc::clone(&around.rng));
        let keys = key::read(&config.storage, rng.as_ref()).context("the server's key")?;
        let vault = Arc::clone(&keys.vault);
        let sqlite = parts::store(config, &keys, around).await?;
        let store: Arc<dyn Store> = sqlite.clone();
        let transform = parts::transform(config, keys, around, &store)?;
        let webhooks = store.webhooks().await.context("the webhooks can't be read")?;
        let directory = Arc::new(Directory::new(webhooks));
        let after = store.highest_id().await.context("the last id can't be read")?;
        let ids = Arc::new(IdSource::new(0, after));
        let sender = parts::sender(config, around)?;
        let fuel = transform.limits().fuel;
        let deliver = Deliver::new(
            deliver::Parts {
                store: Arc::clone(&store),
                transform: transform.clone(),
                sender,
                directory: Arc::clone(&directory),
                vault,
                clock: Arc::clone(&clock),
                rng: Arc::clone(&rng),
                ids: Arc::clone(&ids),
                fuel,
            },
            parts::deliver_limits(config),
        );
        // Filled by the services, which know what is in force.
        let (rulebook, _) = ingest::Rulebook::new(&[], &[], &config.delivery.defaults);
        let rulebook = Arc::new(rulebook);
        let ingest = Arc::new(ingest::Ingest::new(ingest::Parts {
            store: Arc::clone(&store),
            handoff: deliver.handoff(),
            directory: Arc::clone(&directory),
            rulebook: Arc::clone(&rulebook),
            ids: Arc::clone(&ids),
            clock: Arc::clone(&clock),
        }));
        let rules = parts::rules(config, around);
        let deliver_too = Arc::clone(&deliver);
        let parts = service::Parts {
            store,
            transform,
            directory,
            clock,
            rng,
            ids,
            deliver: deliver_too,
            ingest,
            rulebook,
            rules,
        };
        let services = Arc::new(Services::start(parts).await.context("the accounts can't be read")?);
        Ok(Self { services, deliver, store: sqlite })
    }
}
