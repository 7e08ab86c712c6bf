//! What is printed: every figure as JSON, the more telling ones as tables of at most 120 columns.
//!
//! A ratio is of one round: what a scenario is held against ran in the same minutes.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::run::Measured;
use super::scenario::ONE_TO_ONE;
use super::spread::{Spread, short};
use crate::cli::Failure;
use crate::cli::print::{Printer, text};

const MIB: f64 = 1024.0 * 1024.0;

/// A scenario in one round, and what ran beside it.
#[derive(Clone, Copy)]
struct Beside<'a> {
    one: &'a Measured,
    floor: Option<&'a Measured>,
    plain: Option<&'a Measured>,
}

type Figure = (&'static str, fn(Beside<'_>) -> Option<f64>);

/// By their names in JSON, which say the unit.
const FIGURES: &[Figure] = &[
    ("eventsPerSecond", |it| Some(it.one.rate(it.one.events))),
    ("deliveriesPerSecond", |it| Some(it.one.rate(it.one.deliveries))),
    ("offeredPerSecond", |it| it.one.offered),
    ("ingestP50Ms", |it| it.one.ingest.map(|ingest| millis(ingest.p50))),
    ("ingestP99Ms", |it| it.one.ingest.map(|ingest| millis(ingest.p99))),
    ("endToEndP50Ms", |it| it.one.end_to_end.map(|receipt| millis(receipt.p50))),
    ("endToEndP99Ms", |it| it.one.end_to_end.map(|receipt| millis(receipt.p99))),
    ("serverMicros", |it| Some(it.one.server_micros())),
    ("serverMicrosPerDelivery", |it| Some(it.one.micros(it.one.cpu.server, it.one.deliveries))),
    ("serverMicrosPerExtraDelivery", |it| {
        let extra = it.one.scenario.fan_out.checked_sub(1).filter(|extra| *extra > 0)?;
        Some((it.one.server_micros() - it.plain?.server_micros()) / float(extra))
    }),
    ("databaseMicros", |it| Some(it.one.micros(it.one.cpu.database?, it.one.events))),
    ("generatorMicros", |it| Some(it.one.micros(it.one.cpu.generator, it.one.events))),
    ("sinkMicros", |it| Some(it.one.micros(it.one.cpu.sink, it.one.events))),
    ("ratioToFloor", |it| Some(it.one.all_micros()? / it.floor?.all_micros()?)),
    ("rateToFloor", |it| Some(it.one.rate(it.one.events) / it.floor?.rate(it.floor?.events))),
    ("ratioToOneToOne", |it| Some(it.one.all_micros()? / it.plain?.all_micros()?)),
    ("microsBeyondOneToOne", |it| Some(it.one.all_micros()? - it.plain?.all_micros()?)),
    ("walBytes", |it| Some(wide(it.one.wal?) / float(it.one.events.max(1)))),
    ("peakRssMib", |it| Some(mib(it.one.peak))),
    ("peakRssMibBeyondOneToOne", |it| Some(mib(it.one.peak) - mib(it.plain?.peak))),
    ("rssMibFirstQuarter", |it| Some(mib(it.one.resident[0]))),
    ("rssMibSecondQuarter", |it| Some(mib(it.one.resident[1]))),
    ("rssMibThirdQuarter", |it| Some(mib(it.one.resident[2]))),
    ("rssMibLastQuarter", |it| Some(mib(it.one.resident[3]))),
    ("purgedRows", |it| Some(wide(it.one.purged?.rows))),
    ("purgeSeconds", |it| Some(it.one.purged?.took.as_secs_f64())),
    ("purgedRowsPerSecond", |it| {
        let purged = it.one.purged?;
        Some(wide(purged.rows) / purged.took.as_secs_f64().max(1e-6))
    }),
    ("ingestP50MsMeanwhile", |it| Some(millis(it.one.purged?.meanwhile?.p50))),
    ("ingestP99MsMeanwhile", |it| Some(millis(it.one.purged?.meanwhile?.p99))),
    ("ingestP50MsOtherwise", |it| Some(millis(it.one.purged?.otherwise?.p50))),
    ("ingestP99MsOtherwise", |it| Some(millis(it.one.purged?.otherwise?.p99))),
    ("ingestP99ToOtherwise", |it| {
        let purged = it.one.purged?;
        Some(millis(purged.meanwhile?.p99) / millis(purged.otherwise?.p99).max(1e-3))
    }),
    ("startMs", |it| Some(it.one.start.as_secs_f64() * 1000.0)),
];

/// A table's columns: the figure, its head, and whether from where to where it went is shown beside the median.
type Columns = &'static [(&'static str, &'static str, bool)];

const SPEED: Columns = &[
    ("eventsPerSecond", "events/s", true),
    ("deliveriesPerSecond", "deliveries/s", false),
    ("rateToFloor", "x floor", false),
    ("ingestP50Ms", "202 p50", false),
    ("ingestP99Ms", "p99", false),
    ("endToEndP50Ms", "receipt p50", false),
    ("endToEndP99Ms", "p99 ms", false),
];

const CPU: Columns = &[
    ("serverMicros", "server", true),
    ("serverMicrosPerDelivery", "delivery", false),
    ("serverMicrosPerExtraDelivery", "µs/extra", false),
    ("ratioToFloor", "x floor", true),
    ("ratioToOneToOne", "x 1:1", false),
    ("databaseMicros", "database", false),
    ("generatorMicros", "generator", false),
    ("sinkMicros", "sink", false),
];

const RETENTION: Columns = &[
    ("purgedRows", "rows", false),
    ("purgeSeconds", "seconds", true),
    ("ingestP50MsMeanwhile", "202 p50", false),
    ("ingestP99MsMeanwhile", "p99", true),
    ("ingestP50MsOtherwise", "otherwise p50", false),
    ("ingestP99MsOtherwise", "p99 ms", false),
    ("ingestP99ToOtherwise", "p99 x", true),
];

const MEMORY: Columns = &[
    ("peakRssMib", "peak MiB", true),
    ("peakRssMibBeyondOneToOne", "beyond 1:1", false),
    ("rssMibFirstQuarter", "at 1/4", false),
    ("rssMibSecondQuarter", "1/2", false),
    ("rssMibThirdQuarter", "3/4", false),
    ("rssMibLastQuarter", "end", false),
    ("startMs", "start ms", false),
];

pub(super) fn report(printer: &mut Printer, raw: &Value, rounds: &[Vec<Measured>]) -> Result<(), Failure> {
    let scenarios: Vec<Value> = rounds.first().into_iter().flatten().map(|one| values(rounds, one)).collect();
    if printer.is_json() {
        let debug = cfg!(debug_assertions);
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let version = env!("CARGO_PKG_VERSION");
        let all = json!({ "version": version, "debug": debug, "cores": cores, "raw": raw, "scenarios": scenarios });
        return printer.value(&all);
    }
    printer.line(format_args!("\nEach part by itself, one after the other:"))?;
    let figure = |pointer: &str| raw.pointer(pointer).and_then(Value::as_f64).map(short).unwrap_or_default();
    let rate = |pointer, unit| format!("{} {unit}", figure(pointer));
    let part = |what: &str, micros, rate| vec![what.to_owned(), figure(micros), rate];
    let parts = vec![
        part("a fresh instance of the Slack formatter", "/wasm/instanceMicros", String::new()),
        part("… with its call", "/wasm/slackCallMicros", rate("/wasm/slackCallsPerSecond", "calls/s on one core")),
        part(
            "… of a 300 B event",
            "/wasm/slackCallMicros300",
            rate("/wasm/slackCallsPerSecondOnTwoCores", "calls/s on two"),
        ),
        part("… with its look at the reply", "/wasm/slackClassifyMicros", String::new()),
        part("a commit's share, 64 events", "/commit/microsPerEvent", rate("/commit/eventsPerSecond", "events/s")),
        part("a POST, 64 in flight", "/post/micros", rate("/post/postsPerSecond", "POSTs/s")),
    ];
    printer.table(&Value::Null, &["part", "CPU µs", ""], parts)?;
    let tables = [
        ("Speed, from end to end; milliseconds from the send time to the 202 and to the receipt:", SPEED),
        ("CPU time by process, µs an event (and a delivery); the ratios are of the server's and its database's:", CPU),
        ("The server's memory:", MEMORY),
    ];
    for (title, columns) in tables {
        printer.line(format_args!("\n{title}"))?;
        table(printer, &scenarios, columns)?;
    }
    let purged: Vec<Value> = scenarios.into_iter().filter(|one| one.get("purgedRows").is_some()).collect();
    if !purged.is_empty() {
        printer.line("\nWhile what has expired was deleted, all of it, and otherwise:")?;
        table(printer, &purged, RETENTION)?;
    }
    Ok(())
}

/// One scenario over all rounds.
fn values(rounds: &[Vec<Measured>], first: &Measured) -> Value {
    let each = rounds.iter().filter_map(|round| Beside::of(first.scenario.name, round)).collect::<Vec<_>>();
    let mut value = Map::new();
    value.insert("scenario".into(), first.scenario.name.into());
    value.insert("rounds".into(), each.len().into());
    value.insert("events".into(), first.events.into());
    value.insert("deliveries".into(), first.deliveries.into());
    value.insert("floor".into(), first.scenario.floor().name.into());
    for (name, figure) in FIGURES {
        let met: Vec<f64> = each.iter().filter_map(|beside| figure(*beside)).collect();
        if !met.is_empty() {
            value.insert((*name).into(), Spread::of(met).value());
        }
    }
    Value::Object(value)
}

fn table(printer: &mut Printer, scenarios: &[Value], columns: Columns) -> Result<(), Failure> {
    let header: Vec<&str> = std::iter::once("scenario").chain(columns.iter().map(|(_, head, _)| *head)).collect();
    let row = |scenario: &Value| {
        let shown = columns.iter().map(|(name, _, range)| Spread::shown(scenario.get(*name), *range));
        std::iter::once(text(scenario, "/scenario")).chain(shown).collect()
    };
    printer.table(&Value::Null, &header, scenarios.iter().map(row).collect())
}

impl<'a> Beside<'a> {
    fn of(name: &str, round: &'a [Measured]) -> Option<Self> {
        let named = |name: &str| round.iter().find(|measured| measured.scenario.name == name);
        let one = named(name)?;
        let plain = named(ONE_TO_ONE).filter(|_| !one.scenario.server.is_floor());
        Some(Self { one, floor: named(one.scenario.floor().name), plain })
    }
}

impl Measured {
    pub(super) fn rate(&self, count: usize) -> f64 {
        float(count) / self.took.as_secs_f64().max(1e-6)
    }

    fn micros(&self, cpu: Duration, count: usize) -> f64 {
        cpu.as_secs_f64() * 1e6 / float(count.max(1))
    }

    fn server_micros(&self) -> f64 {
        self.micros(self.cpu.server, self.events)
    }

    /// The server's and its database's; `None` where the database's can't be seen.
    fn all_micros(&self) -> Option<f64> {
        let database = if self.scenario.server.on_postgres() { self.cpu.database? } else { Duration::ZERO };
        Some(self.micros(self.cpu.server + database, self.events))
    }
}

fn millis(micros: u32) -> f64 {
    f64::from(micros) / 1000.0
}

#[allow(clippy::cast_precision_loss, reason = "memory and numbers of events are far below 2^52")]
fn wide(bytes: u64) -> f64 {
    bytes as f64
}

fn mib(bytes: u64) -> f64 {
    wide(bytes) / MIB
}

#[allow(clippy::cast_precision_loss, reason = "numbers of events are far below 2^52")]
fn float(number: usize) -> f64 {
    number as f64
}
