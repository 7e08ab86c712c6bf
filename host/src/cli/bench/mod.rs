//! `waxwing bench`: how fast, for how much CPU time and memory, beside a floor of minimal code in the same round.
//!
//! Servers, floor and sink are processes of this same binary, so that each one's CPU time is its own; the load is made here. Nothing of
//! the server is switched off for it. What is measured stands in [`scenario`]; [`servers`] starts it, [`run`] measures it, [`report`]
//! prints it; [`raw`] measures each part by itself.

mod body;
mod fill;
mod floor;
mod folder;
mod latency;
mod ledger;
mod load;
mod postgres;
mod process;
mod purge;
mod quarters;
mod raw;
mod report;
mod run;
mod sandbox;
mod scenario;
mod servers;
mod sink;
mod spread;
mod templates;
mod wire;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use self::floor::Keeps;
use self::folder::Folder;
use self::postgres::Postgres;
use self::run::{Amount, Measured};
use self::scenario::{ONE_TO_ONE, Pace, SCENARIOS, Scenario};
use self::templates::{Sizes, Templates};
use super::Failure;
use super::print::Printer;
use super::serve;

#[derive(Debug, clap::Args)]
pub(super) struct Bench {
    /// Events of each scenario; fewer where each goes to many webhooks.
    #[arg(long, default_value_t = 20_000, value_parser = at_least_one)]
    events: usize,
    /// How often all of it is done; what is shown is the median, and from where to where it went.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Requests under way at once.
    #[arg(long, default_value_t = 64, value_parser = at_least_one)]
    connections: usize,
    /// Bytes of an event's data, about.
    #[arg(long, default_value_t = 1024)]
    bytes: usize,
    /// Only this scenario (may be repeated), beside one-to-one and the floors.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(SCENARIOS.iter().map(|scenario| scenario.name)))]
    only: Vec<String>,
    /// Those too that take long, and those on PostgreSQL.
    #[arg(long, conflicts_with = "only")]
    all: bool,
    /// Say what there is to measure, and measure nothing.
    #[arg(long)]
    list: bool,
    /// Scheduled retries in the database of pending-1m.
    #[arg(long, value_name = "ROWS", default_value_t = 1_000_000)]
    pending: usize,
    /// Events with their delivery and attempt in the database of filled.
    #[arg(long, value_name = "EVENTS", default_value_t = 500_000)]
    prefill: usize,
    /// Events of soak.
    #[arg(long, value_name = "EVENTS", default_value_t = 300_000, value_parser = at_least_one)]
    soak: usize,
    /// A PostgreSQL to measure on, which has nothing else to do: databases `waxwing_bench_…` are made and dropped there. It makes
    /// the scenarios on PostgreSQL part of every run. Without it they run when named, or with --all, on a temporary cluster in --folder
    #[arg(long, env = POSTGRES, hide_env_values = true, value_name = "URL")]
    postgres: Option<String>,
    /// Where the servers' folders are made, on the disk that is to be measured; the system's folder for temporary files if absent.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// What this process is in a run that another one leads.
    #[arg(long, hide = true, value_enum)]
    part: Option<Part>,
    #[arg(long, hide = true)]
    target: Option<SocketAddr>,
    #[arg(long, hide = true, default_value_t = 1)]
    fan_out: usize,
    #[arg(long, hide = true)]
    data: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Part {
    Sink,
    Floor,
}

/// In the environment no password shows.
const POSTGRES: &str = "WAXWING_BENCH_POSTGRES";
const UNSEEN: &str = "the processes of this PostgreSQL can't be seen from here: their CPU time isn't counted";
const TOKEN: &str = "bench-token-of-this-run-only";

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "must be a number, at least 1".to_owned())
}

impl Bench {
    pub(super) async fn run(self, printer: &mut Printer) -> Result<(), Failure> {
        match (self.part, self.target, &self.data) {
            (Some(Part::Sink), ..) => return sink::be_sink().await,
            (Some(Part::Floor), Some(target), Some(data)) => {
                let keeps = self.postgres.as_deref().map_or(Keeps::Folder(data), Keeps::Database);
                return floor::be_floor(target, self.fan_out, keeps).await;
            }
            (Some(Part::Floor), ..) => return Err(Failure::Usage("the floor needs --target and --data".into())),
            (None, ..) => {}
        }
        if self.list {
            return list(printer);
        }
        let postgres = OnceCell::new();
        let led = tokio::select! {
            led = self.lead(printer, &postgres) => led,
            // Dropped in the midst of it, its processes and folders go with it.
            stopped = serve::stopped() => stopped.and(Err(Failure::Failed("stopped before the end".into()))),
        };
        match postgres.into_inner() {
            Some(postgres) => led.and(postgres.close().await),
            None => led,
        }
    }

    async fn lead(&self, printer: &mut Printer, postgres: &OnceCell<Postgres>) -> Result<(), Failure> {
        let parent = self.folder.clone().unwrap_or_else(std::env::temp_dir);
        if cfg!(debug_assertions) {
            printer.line("a debug build: what follows says nothing of a release")?;
        }
        if folder::is_memory(&parent) {
            printer.line(format_args!("{} is in memory, commits cost nothing there: --folder", parent.display()))?;
        }
        let mut chosen = self.chosen();
        if chosen.iter().any(|scenario| scenario.server.on_postgres()) {
            match postgres.get_or_try_init(|| self.on_postgres(&parent)).await {
                Ok(found) if found.postmaster().is_none() => printer.line(UNSEEN)?,
                Ok(_) => {}
                // What was asked for by its name isn't left out.
                Err(failure) if self.all && self.postgres.is_none() => {
                    printer.line(format_args!("left out, what runs on PostgreSQL: {failure}; --postgres names one"))?;
                    chosen.retain(|scenario| !scenario.server.on_postgres());
                }
                Err(failure) => return Err(failure),
            }
        }
        printer.line("each part by itself …")?;
        let raw = {
            let folder = Folder::new(&parent, "raw")?;
            raw::measure(folder.path(), self.events, self.bytes).await?
        };
        printer.line("the folders that servers begin with …")?;
        let sizes = Sizes { delivered: self.prefill, scheduled: self.pending, bytes: self.bytes };
        let templates = Templates::make(&parent, &chosen, sizes).await?;
        let mut rounds = Vec::new();
        for round in 1..=self.rounds {
            rounds.push(self.round((&templates, postgres.get()), &chosen, (round, printer)).await?);
        }
        report::report(printer, &raw, &rounds)
    }

    /// Everything once: each scenario after its floor, and `one-to-one` first of them.
    async fn round(
        &self,
        (templates, postgres): (&Templates, Option<&Postgres>),
        chosen: &[Scenario],
        (round, printer): (u32, &mut Printer),
    ) -> Result<Vec<Measured>, Failure> {
        let mut measured: Vec<Measured> = Vec::new();
        for scenario in chosen {
            let full = if scenario.load.is_open() { scenario.full() } else { *scenario };
            for one in [scenario.floor(), full, *scenario] {
                let named = |name: &str| measured.iter().find(|done| done.scenario.name == name);
                if named(one.name).is_some() {
                    continue;
                }
                let asked = if one.load == Pace::Long { self.soak } else { self.events };
                let full = named(scenario.full().name).map_or(1.0, |done| done.rate(done.events));
                let (connections, bytes) = (self.connections, self.bytes);
                let amount = Amount { events: one.events(asked), connections, bytes, rate: (full / 2.0).max(1.0) };
                let (name, events) = (one.name, amount.events);
                printer.line(format_args!("round {round} of {}: {name}, {events} events …", self.rounds))?;
                measured.push(run::measure(templates, &one, amount, postgres).await?);
            }
        }
        Ok(measured)
    }

    async fn on_postgres(&self, parent: &Path) -> Result<Postgres, Failure> {
        match &self.postgres {
            Some(url) => Postgres::at(url).await,
            None => Postgres::temporary(parent).await,
        }
    }

    fn chosen(&self) -> Vec<Scenario> {
        let wanted = |scenario: &&Scenario| match self.only.is_empty() {
            true => self.all || !scenario.heavy || (self.postgres.is_some() && scenario.server.on_postgres()),
            false => scenario.name == ONE_TO_ONE || self.only.iter().any(|name| name == scenario.name),
        };
        SCENARIOS.iter().filter(wanted).copied().collect()
    }
}

fn list(printer: &mut Printer) -> Result<(), Failure> {
    let value = |scenario: &Scenario| json!({ "name": scenario.name, "what": scenario.what, "long": scenario.heavy });
    let values: Vec<Value> = SCENARIOS.iter().map(value).collect();
    let row = |scenario: &Scenario| {
        let when = match (scenario.heavy, scenario.server.on_postgres()) {
            (_, true) => "--only, --all, --postgres",
            (true, false) => "--only, --all",
            (false, false) => "",
        };
        vec![scenario.name.to_owned(), scenario.what.to_owned(), when.to_owned()]
    };
    let rows = SCENARIOS.iter().map(row).collect();
    printer.table(&json!({ "scenarios": values }), &["scenario", "what is measured", "runs"], rows)
}
