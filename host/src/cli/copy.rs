//! `waxwing copy`: moves a stopped installation to the other kind of database, with everything that it holds.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use serde_json::json;

use super::Failure;
use super::print::Printer;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Database;
use crate::store::copy::{CopyError, Holding, Place, Step, copy};
use crate::store::postgres::PostgresCopying;
use crate::store::sqlite::SqliteCopying;

/// As many rows are written in one transaction.
const ROWS_AT_ONCE: u32 = 4096;
/// How often a line is printed where there is no terminal, besides one for every table.
const LINE_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(super) struct Copy {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE; better given in the environment if there is a password in it.
    #[arg(long, env = "WAXWING_COPY_FROM", hide_env_values = true, value_name = "URL")]
    from: String,
    /// The same.
    #[arg(long, env = "WAXWING_COPY_TO", hide_env_values = true, value_name = "URL")]
    to: String,
}

impl Copy {
    pub(super) async fn run(self, printer: &mut Printer) -> Result<(), Failure> {
        let (from, to) = (parse("--from", &self.from)?, parse("--to", &self.to)?);
        let mut telling = Telling::new(printer);
        let copied = between(&from, &to, &mut telling).await?;
        telling.end(&copied, &to)
    }
}

fn parse(flag: &str, url: &str) -> Result<Database, Failure> {
    Database::parse(url).map_err(|error| Failure::Usage(format!("{flag}: {error}")))
}

async fn between(from: &Database, to: &Database, telling: &mut Telling<'_>) -> Result<Holding, Failure> {
    match (from, to) {
        (Database::Sqlite(from), Database::Postgres(url)) => {
            let mut source = SqliteCopying::source(from, SystemClock.now()).await.map_err(failed)?;
            let mut target = PostgresCopying::target(url.expose()).await.map_err(failed)?;
            telling.copy(&mut source, &mut target).await
        }
        (Database::Postgres(url), Database::Sqlite(to)) => {
            let mut source = PostgresCopying::source(url.expose()).await.map_err(failed)?;
            let mut target = SqliteCopying::target(to, SystemClock.now()).await.map_err(failed)?;
            telling.copy(&mut source, &mut target).await
        }
        (Database::Sqlite(_), Database::Sqlite(_)) => {
            Err(same_kind("a file is copied by `sqlite3 FILE \".backup COPY\"`"))
        }
        (Database::Postgres(_), Database::Postgres(_)) => Err(same_kind("`pg_dump` and `pg_restore` copy a database")),
    }
}

fn same_kind(instead: &str) -> Failure {
    Failure::Usage(format!("--from and --to are of one kind: copy goes from SQLite to PostgreSQL or back; {instead}"))
}

fn failed(error: CopyError) -> Failure {
    Failure::Failed(format!("{:#}", anyhow::Error::from(error)))
}

/// What whoever waits gets to see.
struct Telling<'a> {
    printer: &'a mut Printer,
    /// Shows itself on a terminal only.
    bar: ProgressBar,
    begun: Instant,
    last_line: Instant,
    /// Rows that this run has copied.
    rows: u64,
    printed: Result<(), Failure>,
}

impl<'a> Telling<'a> {
    fn new(printer: &'a mut Printer) -> Self {
        let bar = if printer.is_json() { ProgressBar::hidden() } else { ProgressBar::no_length() };
        let shown = "{msg:16} {wide_bar} {human_pos} of {human_len} rows, {rate} a second, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(shown) {
            let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // The bar shows itself again soon.
                let _ = write!(out, "{:.0}", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate));
        }
        let begun = Instant::now();
        Self { printer, bar, begun, last_line: begun, rows: 0, printed: Ok(()) }
    }

    async fn copy(&mut self, from: &mut dyn Place, to: &mut dyn Place) -> Result<Holding, Failure> {
        let copied = copy(from, to, ROWS_AT_ONCE, SystemClock.now(), &mut |step| self.step(step)).await;
        self.bar.finish_and_clear();
        copied.map_err(|error| {
            let goes_on = self.rows > 0 && matches!(error, CopyError::Source(_) | CopyError::Target(_));
            match failed(error) {
                Failure::Failed(told) if goes_on => {
                    let rows = HumanCount(self.rows);
                    Failure::Failed(format!("{told}. {rows} rows were copied: the same command goes on from there"))
                }
                other => other,
            }
        })
    }

    fn step(&mut self, step: Step) {
        self.rows = step.copied - step.before;
        self.bar.set_length(step.total);
        self.bar.set_message(step.table);
        if self.bar.position() == 0 {
            // What an earlier run did says nothing of how quick this one is.
            self.bar.set_position(step.before);
            self.bar.reset_eta();
        }
        self.bar.set_position(step.copied);
        if std::io::stderr().is_terminal() || !(step.table_is_done || self.last_line.elapsed() >= LINE_EVERY) {
            return;
        }
        self.last_line = Instant::now();
        let (copied, total, done) = (HumanCount(step.copied), HumanCount(step.total), step.table_is_done);
        let line = format!("{}{}: {copied} of {total} rows", step.table, if done { " done" } else { "" });
        let printed = self.printer.line(line);
        self.printed = std::mem::replace(&mut self.printed, Ok(())).and(printed);
    }

    fn end(self, copied: &Holding, to: &Database) -> Result<(), Failure> {
        self.printed?;
        let seconds = self.begun.elapsed().as_secs_f64();
        let value = json!({ "rows": copied.rows, "copied": self.rows, "seconds": seconds });
        let rows = copied.rows.iter().map(|(table, rows)| vec![table.clone(), rows.to_string()]).collect();
        self.printer.table(&value, &["table", "rows on both sides"], rows)?;
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = HumanCount(self.rows.saturating_mul(1000) / millis);
        self.printer.line(format_args!(
            "copied {} rows in {seconds:.1} s, {rate} a second; both sides were counted and are alike",
            HumanCount(self.rows)
        ))?;
        let (flag, key) = match to {
            Database::Sqlite(path) => (format!("sqlite:{}", path.display()), ""),
            Database::Postgres(url) => (url.to_string(), " (with user and password)"),
        };
        self.printer
            .line(format_args!("start with --database {flag}{key} and the same key: --key-file, or WAXWING_KEY"))
    }
}
