//! The command line: what people and scripts type. One file a command.
//!
//! A command talks to a server over its API, like any client; only `serve`, `demo` and `bench` start one. Every command takes
//! `--json` and then prints JSON and nothing else on standard output. Exit codes: [`Failure::code`].

mod bench;
mod client;
mod copy;
mod demo;
mod doctor;
mod explain;
mod failure;
mod flags;
mod listen;
mod migrate;
mod plugin;
mod portal;
mod print;
mod replay;
mod serve;
mod sign;
mod sink;
mod token;
mod trigger;
mod webhook;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use self::failure::Failure;
use self::print::Printer;

/// A webhook delivery server that is also a WebAssembly plugin host.
#[derive(Debug, Parser)]
#[command(name = "waxwing", version, after_help = failure::EXIT_CODES, disable_help_subcommand = true)]
pub struct Cli {
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    /// The server to talk to.
    #[arg(long, global = true, env = "WAXWING_URL", default_value = "http://127.0.0.1:8480", value_name = "URL")]
    server: url::Url,
    /// The token to show it; better given in the environment.
    #[arg(long, global = true, env = "WAXWING_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(Box<serve::Serve>),
    /// Run a server with sample webhooks and events, and show what becomes of them.
    Demo(demo::Demo),
    /// Post an event.
    Trigger(trigger::Trigger),
    /// Receive webhooks here: verify, print, and pass on.
    Listen(listen::Listen),
    /// Tell why webhooks did or did not get an event.
    Explain(explain::Explain),
    /// Deliver again what was delivered or failed before.
    Replay(replay::Replay),
    /// Sign a body as a webhook of a format would be signed.
    Sign(sign::Sign),
    /// Check a signature, and name what is wrong with it.
    Verify(sign::Verify),
    /// Run, upload and look at plugins.
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// Create, list and change webhooks.
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    /// Create, list and revoke access tokens.
    #[command(subcommand)]
    Token(token::Token),
    /// Make a link that signs in to the portal once.
    PortalLink(portal::PortalLink),
    /// Check that a server can run here.
    Doctor(Box<doctor::Doctor>),
    /// Bring the schema of a PostgreSQL database up to date.
    Migrate(migrate::Migrate),
    /// Copy everything from SQLite to PostgreSQL, or back, while no server runs.
    ///
    /// Ids, times, bodies and tokens stay the same, what is pending goes on being pending, and the same key opens it. The target must be
    /// empty, or hold a part of this very copy: then it is gone on with. The source is not changed.
    Copy(copy::Copy),
    /// Print the API's OpenAPI document.
    Openapi,
    /// Measure this machine: events a second and CPU time per event, beside a floor of minimal code.
    Bench(bench::Bench),
}

/// Runs the command that was typed.
pub fn run(cli: Cli) -> ExitCode {
    let mut printer = Printer::new(cli.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return printer.failure(&Failure::Failed(format!("no threads to run on: {error}"))),
    };
    match runtime.block_on(dispatch(cli, &mut printer)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => printer.failure(&failure),
    }
}

async fn dispatch(cli: Cli, printer: &mut Printer) -> Result<(), Failure> {
    let client = client::Client::new(cli.server, cli.token)?;
    match cli.command {
        Command::Serve(command) => command.run(printer).await,
        Command::Demo(command) => command.run(printer).await,
        Command::Trigger(command) => command.run(&client, printer).await,
        Command::Listen(command) => command.run(printer).await,
        Command::Explain(command) => command.run(&client, printer).await,
        Command::Replay(command) => command.run(&client, printer).await,
        Command::Sign(command) => command.run(printer),
        Command::Verify(command) => command.run(printer),
        Command::Plugin(command) => command.run(&client, printer).await,
        Command::Webhook(command) => command.run(&client, printer).await,
        Command::Token(command) => command.run(&client, printer).await,
        Command::PortalLink(command) => command.run(&client, printer).await,
        Command::Doctor(command) => command.run(printer).await,
        Command::Migrate(command) => command.run(printer).await,
        Command::Copy(command) => command.run(printer).await,
        Command::Openapi => printer.value(&crate::api::openapi()),
        Command::Bench(command) => command.run(printer).await,
    }
}
