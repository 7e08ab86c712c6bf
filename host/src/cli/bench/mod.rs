//! `waxwing bench`: events a second from end to end, and CPU time per event, beside a floor of minimal code in the same run.
//!
//! Server, floor and sink are processes of this same binary, so that each one's CPU time is its own (`/proc/PID/stat`); the
//! load is made here. A scenario is a row of [`SCENARIOS`].

mod floor;
mod load;
mod process;
mod spread;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use url::Url;

use self::process::Child;
use self::spread::Spread;
use super::Failure;
use super::client::Client;
use super::print::{Printer, text};

#[derive(Debug, clap::Args)]
pub(super) struct Bench {
    /// Events of each scenario.
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// How often all of it is done; what is shown is the median, and from where to where it went.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Requests under way at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Bytes of an event's data, about.
    #[arg(long, default_value_t = 1024)]
    bytes: usize,
    /// Only scenarios whose name holds this; the floor always runs.
    #[arg(long)]
    only: Option<String>,
    /// What this process is in a run that another one leads.
    #[arg(long, hide = true, value_enum)]
    part: Option<Part>,
    #[arg(long, hide = true)]
    target: Option<Url>,
    #[arg(long, hide = true)]
    data: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Part {
    Sink,
    Floor,
}

/// One thing to measure.
struct Scenario {
    name: &'static str,
    server: Server,
}

enum Server {
    /// Accept, commit, POST: minimal code.
    Floor,
    Waxwing {
        plugin: Option<&'static str>,
    },
}

const SCENARIOS: &[Scenario] = &[
    Scenario { name: "floor", server: Server::Floor },
    Scenario { name: "no-plugin", server: Server::Waxwing { plugin: None } },
    Scenario { name: "slack-plugin", server: Server::Waxwing { plugin: Some("slack") } },
];

/// What came out of one scenario.
struct Measured {
    name: &'static str,
    events: usize,
    took: Duration,
    server: Duration,
    generator: Duration,
    sink: Duration,
}

const TOKEN: &str = "bench-token-of-this-run-only";
/// How long deliveries may go on after the last event was accepted.
const PATIENCE: Duration = Duration::from_secs(120);

impl Bench {
    pub(super) async fn run(self, printer: &mut Printer) -> Result<(), Failure> {
        match (self.part, &self.target, &self.data) {
            (Some(Part::Sink), ..) => return process::be_sink().await,
            (Some(Part::Floor), Some(target), Some(data)) => return floor::be_floor(target, data).await,
            (Some(Part::Floor), ..) => return Err(Failure::Usage("the floor needs --target and --data".into())),
            (None, ..) => {}
        }
        let wanted = |scenario: &&Scenario| {
            matches!(scenario.server, Server::Floor)
                || self.only.as_ref().is_none_or(|only| scenario.name.contains(only.as_str()))
        };
        let mut rounds = Vec::new();
        for round in 1..=self.rounds {
            let mut measured = Vec::new();
            for scenario in SCENARIOS.iter().filter(wanted) {
                let name = scenario.name;
                printer.line(format_args!("round {round} of {}: {name}, {} events …", self.rounds, self.events))?;
                measured.push(self.measure(scenario).await?);
            }
            rounds.push(measured);
        }
        report(printer, &rounds)
    }

    async fn measure(&self, scenario: &Scenario) -> Result<Measured, Failure> {
        let folder = process::Folder::new(scenario.name)?;
        let mut sink = Child::start(&["bench", "--part", "sink"], &[]).await?;
        let to = format!("http://{}/", sink.address);
        let server = match &scenario.server {
            Server::Floor => {
                Child::start(&["bench", "--part", "floor", "--target", &to, "--data", &folder.text()], &[]).await?
            }
            Server::Waxwing { plugin } => self.waxwing(&folder, sink.address, *plugin).await?,
        };
        let (server_before, sink_before) = (server.cpu()?, sink.cpu()?);
        let generator_before = process::own_cpu()?;
        let began = Instant::now();
        load::post_all(server.address, self.events, self.connections, self.bytes).await?;
        while sink.count().await? < self.events {
            if began.elapsed() > PATIENCE {
                let got = sink.count().await?;
                return Err(Failure::Failed(format!(
                    "{}: the sink got {got} of {} events",
                    scenario.name, self.events
                )));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(Measured {
            name: scenario.name,
            events: self.events,
            took: began.elapsed(),
            server: server.cpu()?.saturating_sub(server_before),
            generator: process::own_cpu()?.saturating_sub(generator_before),
            sink: sink.cpu()?.saturating_sub(sink_before),
        })
    }

    /// A server with one webhook that takes everything.
    async fn waxwing(
        &self,
        folder: &process::Folder,
        sink: SocketAddr,
        plugin: Option<&str>,
    ) -> Result<Child, Failure> {
        let data = folder.text();
        let flags = ["serve", "--json", "--listen", "127.0.0.1:0", "--data", &data, "--log-filter", "error"];
        let network = ["--allow-http", "--allow-network", "127.0.0.1/32", "--per-webhook", "64"];
        let server = Child::start(&[&flags[..], &network[..]].concat(), &[("WAXWING_ADMIN_TOKEN", TOKEN)]).await?;
        let base = format!("http://{}", server.address);
        let base = base.parse().map_err(|_| Failure::Failed(format!("{base} is no URL")))?;
        let client = Client::new(base, Some(TOKEN.into()))?;
        let chain: Vec<Value> = plugin.iter().map(|name| json!({ "plugin": name })).collect();
        let webhook = json!({ "url": format!("http://{sink}/"), "events": ["*"], "plugins": chain });
        client.post("/api/webhooks", &webhook).await?;
        Ok(server)
    }
}

/// One row a scenario. A ratio is of one round: its floor ran just before.
fn report(printer: &mut Printer, rounds: &[Vec<Measured>]) -> Result<(), Failure> {
    let scenarios = rounds.first().map_or(0, Vec::len);
    let of = |index: usize, figure: fn(&Measured, &Measured) -> f64| {
        Spread::of(rounds.iter().filter_map(|round| Some(figure(round.get(index)?, round.first()?))).collect())
    };
    let value = |index: usize| {
        let name = rounds.first().and_then(|round| round.get(index)).map(|measured| measured.name);
        json!({
            "scenario": name,
            "rounds": rounds.len(),
            "eventsPerSecond": of(index, |one, _| one.rate()).value(),
            "serverMicros": of(index, |one, _| one.per_event(one.server)).value(),
            "ratioToFloor": of(index, |one, floor| one.per_event(one.server) / floor.per_event(floor.server)).value(),
            "generatorMicros": of(index, |one, _| one.per_event(one.generator)).value(),
            "sinkMicros": of(index, |one, _| one.per_event(one.sink)).value(),
        })
    };
    let values: Vec<Value> = (0..scenarios).map(value).collect();
    let figures = ["eventsPerSecond", "serverMicros", "ratioToFloor", "generatorMicros", "sinkMicros"];
    let row = |value: &Value| {
        let shown = figures.iter().map(|figure| Spread::shown(value.get(figure)));
        std::iter::once(text(value, "/scenario")).chain(shown).collect()
    };
    let rows = values.iter().map(row).collect();
    let header = ["scenario", "events/s", "server CPU µs/event", "x floor", "generator µs", "sink µs"];
    printer.table(&json!({ "scenarios": values }), &header, rows)
}

impl Measured {
    #[allow(clippy::cast_precision_loss, reason = "numbers of events are far below 2^52")]
    fn per_event(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() * 1e6 / self.events.max(1) as f64
    }

    #[allow(clippy::cast_precision_loss, reason = "numbers of events are far below 2^52")]
    fn rate(&self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }
}
