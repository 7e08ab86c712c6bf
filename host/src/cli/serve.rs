//! `waxwing serve`: the server, until it is told to stop.

use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;
use super::flags::ConfigFlags;
use super::print::Printer;
use crate::app::{App, FirstToken};
use crate::config::Config;
use crate::service::{PortalLink, PortalLinkInput};
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: ConfigFlags,
}

impl Serve {
    pub(super) async fn run(self, printer: &mut Printer) -> Result<(), Failure> {
        let config = self.flags.config()?;
        telemetry::start_log(&config.log).map_err(|error| Failure::Failed(error.to_string()))?;
        warn_if_exposed(&config);
        let mut signals = Signals::watch()?;
        let app = tokio::select! {
            app = start(config) => app?,
            // It had nothing under way yet.
            () = signals.next() => return Ok(()),
        };
        let address = format!("http://{}", app.address());
        let portal = app.services().public_url().map_or_else(|| address.clone(), ToString::to_string);
        let token_file = app.first_token().map(|first| first.file.display().to_string());
        if let Some(file) = &token_file {
            printer
                .line(format_args!("first start: an admin token was made; export WAXWING_TOKEN=\"$(cat {file})\""))?;
        }
        let value = json!({ "listening": address, "tokenFile": token_file });
        printer.result(&value, format!("listening on {address}"))?;
        if let Some(first) = app.first_token()
            && printer.is_watched()
        {
            let link = first_link(&app, first).await?;
            printer.line(format_args!("the portal, for 15 minutes and once: {}", link.url(&portal)))?;
        }
        signals.next().await;
        tracing::info!("stopping: what is under way may end, nothing new begins");
        tokio::select! {
            () = app.stop() => {}
            // Whoever asks twice means it.
            () = signals.next() => tracing::warn!("stopped at once: what was under way is sent again at the next start"),
        }
        Ok(())
    }
}

/// Starts the server; its whole chain of causes makes the one line.
pub(super) async fn start(config: Config) -> Result<App, Failure> {
    App::start(config).await.map_err(|error| Failure::Failed(format!("can't start: {error:#}")))
}

/// For whoever started the server and looks at it.
async fn first_link(app: &App, first: &FirstToken) -> Result<PortalLink, Failure> {
    let services = app.services();
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("no link to the portal: {error}"));
    let caller = services.authenticate(first.token.expose()).map_err(|error| failed(&error))?;
    let made = services.create_portal_link(&caller, PortalLinkInput::default()).await;
    made.map_err(|error| failed(&error))
}

/// Waits for SIGTERM, SIGINT or Ctrl-C.
pub(super) async fn stopped() -> Result<(), Failure> {
    Signals::watch()?.next().await;
    Ok(())
}

/// SIGTERM and SIGINT, watched from one moment on: none that comes later is lost.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn watch() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("can't watch for signals: {error}"));
        let terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        Ok(Self { terminate, interrupt })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn warn_if_exposed(config: &Config) {
    let listen = config.server.listen;
    if !listen.ip().is_loopback() {
        tracing::warn!(%listen, "this address is open to others, and the API speaks plain HTTP: put TLS in front of it");
        if config.server.admin_token.is_none() {
            tracing::warn!("no admin token is set: only tokens made earlier open the API (WAXWING_ADMIN_TOKEN)");
        }
    }
}
