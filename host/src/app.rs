//! The one place that wires everything: a configuration goes in, a running server comes out.
//!
//! Opens the store with the key, starts the sandbox, loads the plugins that came with us, then delivery, then the router: whoever
//! gets an answer finds all of it there. Holds no rule. `anyhow` is at home here: what fails at the start is told to a person.

mod database;
mod first;
mod key;
mod listen;
mod nodes;
mod parts;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::database::Opened;
pub use self::first::FirstToken;
use self::nodes::{Living, Node};
use crate::api::{Face, Shows};
use crate::clock::{Clock, Rng, SystemClock, SystemRng};
use crate::config::{Config, Role};
use crate::deliver::{Deliver, Running};
use crate::model::causes::WithCauses;
use crate::model::ids::IdSource;
use crate::model::sink::OwnSinks;
use crate::route::Directory;
use crate::service::{self, Services};
use crate::{deliver, ingest, telemetry, ui};

/// What a configuration doesn't say: who runs the server, and what stands in for the world.
#[derive(Clone)]
pub struct Surroundings {
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    /// A binary that knows `compile-plugin`: normally this one.
    pub executable: PathBuf,
    /// Where compiled plugins are kept; in the data folder if absent. Servers with one key may share it.
    pub compiled: Option<PathBuf>,
    /// Root certificates besides the public ones.
    pub roots: Vec<CertificateDer<'static>>,
    /// Off: nothing is delivered but by [`App::deliver`]'s `run_due`, step by step.
    pub delivers: bool,
    /// Renders the metrics.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Surroundings {
    /// The machine as it is. Starts the metrics, which a process has once.
    pub fn of_this_machine() -> anyhow::Result<Self> {
        let executable = std::env::current_exe().context("where this program stands is not known")?;
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let recorder = telemetry::start_metrics()?;
        let metrics = Arc::new(move || recorder.render());
        Ok(Self { clock, rng, executable, compiled: None, roots: Vec::new(), delivers: true, metrics })
    }
}

/// A running server.
pub struct App {
    address: SocketAddr,
    services: Arc<Services>,
    deliver: Arc<Deliver>,
    first_token: Option<FirstToken>,
    store: Opened,
    running: Option<Running>,
    living: Living,
    stop: CancellationToken,
    server: JoinHandle<()>,
    drain: Duration,
}

impl App {
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        Self::start_in(config, Surroundings::of_this_machine()?).await
    }

    pub async fn start_in(config: Config, around: Surroundings) -> anyhow::Result<Self> {
        // A port that is taken is told before anything is opened.
        let listener = TcpListener::bind(config.server.listen).await;
        let listener = listener.with_context(|| format!("can't listen on {}", config.server.listen))?;
        let address = listener.local_addr().context("the listener has no address")?;
        let own_sinks = OwnSinks::new(address, config.server.public_url.as_ref());
        let wired = Wired::new(&config, &around, own_sinks).await?;
        let Wired { services, deliver, store, ids } = wired;
        let living = Node::new(store.store(), (&services, &deliver), &ids, &around).live();
        parts::keep_bundled(&services).await?;
        services.seed_catalogue().await.context("the catalogue can't be filled")?;
        // Nobody can use one where nothing but probes is answered.
        let first_token = match config.server.role {
            Role::All | Role::Api => first::admin_token(&services, &config.storage.data).await?,
            Role::Worker => None,
        };
        let running = match around.delivers {
            true => Some(deliver.start().await.context("what was pending can't be taken over")?),
            false => None,
        };
        let stop = CancellationToken::new();
        let shows = if config.server.role == Role::Worker { Shows::Probes } else { Shows::Everything };
        let portal = ui::router(Arc::clone(&services), stop.clone());
        let face = Arc::new(Face::new(Arc::clone(&services), around.metrics, portal, shows));
        let server = tokio::spawn(listen::serve(listener, face, stop.clone()));
        let drain = config.server.drain;
        Ok(Self { address, services, deliver, first_token, store, running, living, stop, server, drain })
    }

    /// Where it answers.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Made at this start, because no admin could get in otherwise: to be shown to whoever started the server, once.
    pub const fn first_token(&self) -> Option<&FirstToken> {
        self.first_token.as_ref()
    }

    pub const fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// For tests that step it.
    pub const fn deliver(&self) -> &Arc<Deliver> {
        &self.deliver
    }

    /// Takes no more requests, ends those under way, puts back what was not sent, and closes the store. Whoever can't wait drops
    /// the future: what was under way is sent again after the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        let end = Instant::now() + self.drain;
        let ended = tokio::time::timeout_at(end, self.server).await;
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(error = %WithCauses(&error), "the listener's task failed"),
            Err(_) => tracing::warn!("connections that would not end are dropped"),
        }
        if let Some(running) = self.running {
            let left = running.drain(end.saturating_duration_since(Instant::now())).await;
            if left > 0 {
                tracing::warn!(left, "attempts were still under way: they are made again after the next start");
            }
        }
        drop(self.living);
        self.store.close().await;
    }
}

/// All parts, knowing one another, none at work yet.
struct Wired {
    services: Arc<Services>,
    deliver: Arc<Deliver>,
    store: Opened,
    ids: Arc<IdSource>,
}

impl Wired {
    async fn new(config: &Config, around: &Surroundings, own_sinks: OwnSinks) -> anyhow::Result<Self> {
        let (clock, rng) = (Arc::clone(&around.clock), Arc::clone(&around.rng));
        let keys = key::read(&config.storage, rng.as_ref()).context("the server's key")?;
        let vault = Arc::clone(&keys.vault);
        let opened = Opened::open(config, &keys, around).await?;
        let store = opened.store();
        let transform = parts::transform(config, keys, around, &store)?;
        let webhooks = store.webhooks().await.context("the webhooks can't be read")?;
        let directory = Arc::new(Directory::new(webhooks));
        let after = store.highest_id().await.context("the last id can't be read")?;
        let ids = Arc::new(IdSource::new(store.number(), after));
        let sender = parts::sender(config, around, own_sinks.clone())?;
        let fuel = transform.limits().fuel;
        let parts = deliver::Parts {
            store: Arc::clone(&store),
            transform: transform.clone(),
            sender,
            directory: Arc::clone(&directory),
            vault,
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            ids: Arc::clone(&ids),
            fuel,
        };
        let deliver = parts::deliver(config, parts);
        // Filled by the services, which know what is in force.
        let (rulebook, _) = ingest::Rulebook::new(&[], &[], &config.delivery.defaults);
        let rulebook = Arc::new(rulebook);
        let ingest = Arc::new(ingest::Ingest::new(ingest::Parts {
            store: opened.events(),
            handoff: deliver.handoff(),
            directory: Arc::clone(&directory),
            rulebook: Arc::clone(&rulebook),
            ids: Arc::clone(&ids),
            clock: Arc::clone(&clock),
        }));
        let (rules, room) = (parts::rules(config, own_sinks), ingest::Room::new(config.server.intake));
        let deliver_too = Arc::clone(&deliver);
        let parts = service::Parts {
            store,
            transform,
            directory,
            clock,
            rng,
            ids: Arc::clone(&ids),
            deliver: deliver_too,
            ingest,
            rulebook,
            room,
            rules,
        };
        let services = Arc::new(Services::start(parts).await.context("the accounts can't be read")?);
        Ok(Self { services, deliver, store: opened, ids })
    }
}
