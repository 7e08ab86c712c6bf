//! What can be done with the server: one file per use case, with its rules, permissions and audit.
//!
//! Every use case takes the [`Caller`] first and its tenant from it. Knows nothing of HTTP: `api` and `ui` are two faces of this.
//! Never holds a transaction over a plugin's run or a request; what must be all or nothing is one call of the store.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::{Mutex, Semaphore};

use crate::clock::{Clock, Rng};
use crate::deliver::Deliver;
use crate::ingest::{Ingest, Room, Rulebook};
use crate::model::ids::IdSource;
use crate::model::sink::OwnSinks;
use crate::model::tenant::Defaults;
use crate::model::time::Timestamp;
use crate::route::Directory;
use crate::store::Store;
use crate::transform::SharedTransform;

mod access;
mod audit;
mod caller;
mod catalogue;
mod deliveries;
mod doorman;
mod error;
mod events;
mod explain;
mod handed_over;
mod keys;
mod memory;
mod overview;
mod patch;
mod plugin_fares;
mod plugins;
mod portal_links;
mod preview;
mod recover;
mod refresh;
mod replay;
mod rerun;
mod run;
mod sessions;
mod settings;
mod sinks;
mod templates;
mod tenants;
mod tokens;
mod trial;
pub mod webhooks;

pub use catalogue::EventTypeInput;
pub use deliveries::DeliveryBody;
pub use explain::{Explanation, WebhookExplained};
pub use handed_over::HANDED_OVER_FOR;
pub use overview::Standing;
pub use plugin_fares::{PluginFares, PluginLimits};
pub use plugins::COMPONENT_MAX;
pub use portal_links::{PortalLink, PortalLinkInput};
pub use preview::{DraftInput, PreviewInput};
pub use recover::{NoPlace, Place, Recover, Recovered};
pub use replay::{REPLAYS_MAX, Replayed};
pub use rerun::{BacktestInput, Compared, Rerun, RerunInput};
pub use run::{Ran, RunInput, TrialEvent};
pub use sessions::{SignInError, SignedIn, Visitor};
pub use settings::{SettingsInput, SettingsShown};
pub use sinks::{Arrival, SinkInput, Taken};
pub use templates::{Question, Template, TemplateStage};
pub use tenants::TenantInput;
pub use tokens::NewToken;
pub use trial::TestInput;
// What the faces show of the layers below, which they don't know themselves.
pub use crate::deliver::{Preview, PreviewEnd, Tested};
pub use crate::format::{PublicKey, public_key, supports_overlap};
pub use crate::ingest::{BODY_MAX, DEPTH_MAX, EVENTS_MAX, IngestError, NoRoom, Place as IntakePlace, Posting};
pub use crate::store::{AuditEntry, DeliveryFilter, EventFilter, Recent, StoreError};
pub use crate::transform::{BadComponent, Verdict};

pub use access::{AccessError, ENVIRONMENT_ACTOR, TOKEN_PREFIX, token_hash};
pub use caller::Caller;
pub use error::{Issue, ServiceError};
pub use patch::Patch;

/// What the server's configuration says that use cases need.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub allow_http: bool,
    /// The hash of one that is always valid, beside those in the store.
    pub admin_token: Option<[u8; 32]>,
    /// What stands behind the defaults that the API sets.
    pub defaults: Defaults,
    pub allow_networks: Vec<IpNet>,
    /// Our own local receivers: webhooks may have `http://` URLs to them.
    pub sinks: Vec<SocketAddr>,
    /// The same of those that this server has itself.
    pub own_sinks: OwnSinks,
    /// How deliveries leave, so that receivers can let them in.
    pub source_addresses: Vec<String>,
    pub plugin_limits: PluginLimits,
    pub proxy: Option<String>,
    /// Where browsers find the portal, if not where they say that they ask.
    pub public_url: Option<url::Url>,
}

/// What the use cases are made of; wired in `app`.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub transform: SharedTransform,
    pub directory: Arc<Directory>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub ids: Arc<IdSource>,
    pub deliver: Arc<Deliver>,
    pub ingest: Arc<Ingest>,
    pub rulebook: Arc<Rulebook>,
    pub room: Arc<Room>,
    pub rules: Rules,
}

/// All use cases; each is a method, in the file of its name.
pub struct Services {
    store: Arc<dyn Store>,
    transform: SharedTransform,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    ids: Arc<IdSource>,
    deliver: Arc<Deliver>,
    ingest: Arc<Ingest>,
    rulebook: Arc<Rulebook>,
    room: Arc<Room>,
    rules: Rules,
    accounts: memory::Accounts,
    /// Held while a webhook is loaded, changed and saved: the index must see saves in the store's order.
    saving: Mutex<()>,
    /// Held while ingest is told what is in memory: whoever tells last has read last.
    telling: parking_lot::Mutex<()>,
    /// Held while a recovery looks what is missing and makes it: two at once would both make it.
    recovering: Mutex<()>,
    /// Tests, previews and dry runs that go on at once.
    trials: Semaphore,
    /// Who tried wrong tokens at the portal's door.
    doorman: parking_lot::Mutex<doorman::Doorman>,
    /// How much came to sinks in this second.
    sink_pace: parking_lot::Mutex<sinks::Pace>,
}

/// Tests, previews and dry runs at once, of all callers.
const TRIALS_MAX: usize = 16;

/// A database that takes longer to answer isn't ready.
const READY_WITHIN: Duration = Duration::from_secs(5);

impl Services {
    pub async fn start(parts: Parts) -> Result<Self, StoreError> {
        let accounts = memory::Accounts::load(parts.store.as_ref()).await?;
        let Parts { store, transform, directory, clock, rng, ids, deliver, ingest, rulebook, room, rules } = parts;
        let (saving, recovering, trials) = (Mutex::new(()), Mutex::new(()), Semaphore::new(TRIALS_MAX));
        let services = Self {
            store,
            transform,
            directory,
            clock,
            rng,
            ids,
            deliver,
            ingest,
            rulebook,
            room,
            rules,
            accounts,
            saving,
            telling: parking_lot::Mutex::new(()),
            recovering,
            trials,
            doorman: parking_lot::Mutex::default(),
            sink_pace: parking_lot::Mutex::default(),
        };
        services.tell_ingest();
        Ok(services)
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Grows with whatever changes what pages show, but for what expires. `None`: nobody can tell without looking.
    pub fn changes(&self) -> Option<u64> {
        self.store.changes()
    }

    /// For what is being posted.
    pub const fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Whether the store answers, and took what was last to be written.
    pub async fn ready(&self) -> Result<(), StoreError> {
        if self.store.reach().is_away() {
            return Err(StoreError::Unavailable("the last write failed".into()));
        }
        let depth = tokio::time::timeout(READY_WITHIN, self.store.depth()).await;
        depth.map_err(|late| StoreError::Unavailable(Box::new(late)))?.map(|_| ())
    }
}
