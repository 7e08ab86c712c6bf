//! The log and the metrics of the process: set up once, at its start.

use std::io::IsTerminal;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogStyle};

/// Seconds; from a local receiver to the longest timeout.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The process has a log or a recorder already, or the filter is none.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("the log can't be set up")]
    Log(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the metrics can't be set up")]
    Metrics(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Sends the log to standard error: as text on a terminal, as JSON otherwise, unless said.
pub fn start_log(config: &LogConfig) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|error| TelemetryError::Log(error.into()))?;
    let terminal = std::io::stderr().is_terminal();
    let style = config.style.unwrap_or(if terminal { LogStyle::Text } else { LogStyle::Json });
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match style {
        LogStyle::Text => log.with_ansi(terminal).finish().try_init(),
        LogStyle::Json => log.json().flatten_event(true).finish().try_init(),
    };
    started.map_err(|error| TelemetryError::Log(error.into()))
}

/// How often the histograms' samples are added up: until then each takes up memory.
const UPKEEP_EVERY: Duration = Duration::from_secs(1);

/// The recorder behind the `metrics` macros; the handle renders what it holds for `/metrics`.
pub fn start_metrics() -> Result<PrometheusHandle, TelemetryError> {
    let failed = |error: metrics_exporter_prometheus::BuildError| TelemetryError::Metrics(error.into());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS);
    let recorder = builder.map_err(failed)?.install_recorder().map_err(failed)?;
    keep_up(recorder.clone())?;
    Ok(recorder)
}

/// For as long as the process lives, also if nobody ever asks for the metrics.
fn keep_up(recorder: PrometheusHandle) -> Result<(), TelemetryError> {
    let work = move || {
        loop {
            #[allow(clippy::disallowed_methods, reason = "the thread is its own and holds no worker")]
            std::thread::sleep(UPKEEP_EVERY);
            recorder.run_upkeep();
        }
    };
    let started = std::thread::Builder::new().name("waxwing-metrics".into()).spawn(work);
    started.map(drop).map_err(|error| TelemetryError::Metrics(error.into()))
}
