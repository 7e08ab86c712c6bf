//! How a scenario's servers are started, and what they have used: one process or several, behind one or several addresses.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::folder::Folder;
use super::postgres::Postmaster;
use super::process::Child;
use super::scenario::{Plugin, Scenario, Server};
use super::sink::SILENT;
use super::templates::node_folder;
use super::{POSTGRES, TOKEN};
use crate::cli::Failure;
use crate::cli::client::Client;

#[derive(Default)]
pub(super) struct Running {
    servers: Vec<Child>,
    /// Of each server; a floor has none.
    apis: Vec<Client>,
    /// Whose CPU time is counted besides.
    postmaster: Option<Postmaster>,
}

/// Where servers keep what they keep, where it isn't in their folders.
#[derive(Clone, Copy)]
pub(super) struct OnPostgres<'a> {
    pub(super) url: &'a str,
    pub(super) postmaster: Option<Postmaster>,
}

impl Running {
    /// What this scenario is measured against, with its webhooks, ready to be posted to.
    pub(super) async fn start(
        scenario: &Scenario,
        folder: &Folder,
        sink: SocketAddr,
        postgres: Option<OnPostgres<'_>>,
    ) -> Result<Self, Failure> {
        let missing = || Failure::Failed("no PostgreSQL was found or named".into());
        match scenario.server {
            Server::Floor => Self::floor(scenario, folder, sink, None).await,
            Server::FloorPostgres => Self::floor(scenario, folder, sink, Some(postgres.ok_or_else(missing)?)).await,
            Server::Sqlite => {
                let running = Self::on_sqlite(folder).await?;
                running.register(scenario, sink).await?;
                Ok(running)
            }
            Server::Postgres { nodes } => {
                let postgres = postgres.ok_or_else(missing)?;
                let mut running = Self { postmaster: postgres.postmaster, ..Self::default() };
                running.node(folder, 1, postgres.url).await?;
                // Those that start after it know it from the start.
                running.register(scenario, sink).await?;
                for node in 2..=nodes {
                    running.node(folder, node, postgres.url).await?;
                }
                Ok(running)
            }
        }
    }

    async fn floor(
        scenario: &Scenario,
        folder: &Folder,
        sink: SocketAddr,
        postgres: Option<OnPostgres<'_>>,
    ) -> Result<Self, Failure> {
        let (target, fan_out, data) = (sink.to_string(), scenario.fan_out.to_string(), folder.text());
        let flags = ["bench", "--part", "floor", "--target", &target, "--fan-out", &fan_out, "--data", &data];
        let environment: Vec<_> = postgres.iter().map(|postgres| (POSTGRES, postgres.url)).collect();
        let server = Child::start(&flags, &environment, None).await?;
        let postmaster = postgres.and_then(|postgres| postgres.postmaster);
        Ok(Self { servers: vec![server], postmaster, ..Self::default() })
    }

    /// As it comes: every setting at its default but where it listens, where its data is, and that it may send to this machine.
    pub(super) async fn on_sqlite(folder: &Folder) -> Result<Self, Failure> {
        let mut running = Self::default();
        running.serve((folder.path(), &folder.path().join("log")), &[], &[]).await?;
        Ok(running)
    }

    /// As it comes, on this database, with the key of the first.
    async fn node(&mut self, folder: &Folder, number: usize, url: &str) -> Result<(), Failure> {
        let data = folder.path().join(node_folder(number));
        let key = folder.path().join(node_folder(1)).join("key").display().to_string();
        let log = folder.path().join(if number == 1 { "log".to_owned() } else { format!("log-{number}") });
        self.serve((&data, &log), &["--key-file", &key], &[("WAXWING_DATABASE", url)]).await
    }

    async fn serve(
        &mut self,
        (data, log): (&Path, &Path),
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<(), Failure> {
        let data = data.display().to_string();
        let own = ["serve", "--json", "--listen", "127.0.0.1:0", "--data", &data];
        let network = ["--allow-http", "--allow-network", "127.0.0.1/32"];
        let environment = [&[("WAXWING_ADMIN_TOKEN", TOKEN)], environment].concat();
        let server = Child::start(&[&own[..], &network[..], flags].concat(), &environment, Some(log)).await;
        let server = server.map_err(|failure| Failure::Failed(format!("{failure}; {}", last_line(log))))?;
        let base = format!("http://{}", server.address);
        let base = base.parse().map_err(|_| Failure::Failed(format!("{base} is no URL")))?;
        self.apis.push(Client::new(base, Some(TOKEN.into()))?);
        self.servers.push(server);
        Ok(())
    }

    async fn register(&self, scenario: &Scenario, sink: SocketAddr) -> Result<(), Failure> {
        let plugins = match scenario.plugin {
            None => json!([]),
            Some(Plugin::Slack) => json!([{ "plugin": "slack" }]),
            // What is posted is in euros.
            Some(Plugin::DropAll) => json!([{ "plugin": "filter", "settings": { "jq": ".data.currency == \"USD\"" } }]),
        };
        for number in 0..scenario.fan_out {
            self.webhook(&format!("http://{sink}/receive/{number}"), "*", &plugins).await?;
        }
        for number in 0..scenario.own_type.count() {
            let path = if number < scenario.own_type.answering { "/receive" } else { SILENT };
            self.webhook(&format!("http://{sink}{path}/{number}"), &format!("bench.turn{number}"), &plugins).await?;
        }
        Ok(())
    }

    async fn webhook(&self, url: &str, events: &str, plugins: &Value) -> Result<(), Failure> {
        let webhook = json!({ "url": url, "events": [events], "plugins": plugins });
        self.api()?.post("/api/webhooks", &webhook).await.map(drop)
    }

    pub(super) fn api(&self) -> Result<&Client, Failure> {
        self.apis.first().ok_or_else(|| Failure::Failed("the floor has no API".into()))
    }

    pub(super) fn entries(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.address).collect()
    }

    pub(super) fn ids(&self) -> Vec<u32> {
        self.servers.iter().map(Child::id).collect()
    }

    pub(super) fn cpu(&self) -> Result<Duration, Failure> {
        self.servers.iter().map(Child::cpu).sum()
    }

    /// `None` where it can't be seen, or there is none.
    pub(super) fn database_cpu(&self) -> Result<Option<Duration>, Failure> {
        self.postmaster.map(Postmaster::cpu).transpose()
    }

    pub(super) fn peak(&self) -> Result<u64, Failure> {
        self.servers.iter().map(Child::peak).sum()
    }

    pub(super) const fn has_api(&self) -> bool {
        !self.apis.is_empty()
    }

    /// How many attempts have ended so and are written down, as the metrics have it.
    pub(super) async fn attempts(&self, outcome: &str) -> Result<usize, Failure> {
        let (mut all, outcome) = (0, format!("outcome=\"{outcome}\""));
        for api in &self.apis {
            let metrics = api.get("/metrics", &[]).await?;
            let counters = metrics.as_str().unwrap_or_default().lines();
            let ended = counters.filter(|line| line.starts_with("waxwing_attempts_total{") && line.contains(&outcome));
            all += ended.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum::<usize>();
        }
        Ok(all)
    }

    /// How many deliveries the log holds as dropped, counted one by one.
    pub(super) async fn logged_as_dropped(&self) -> Result<usize, Failure> {
        let (mut counted, mut after) = (0, None);
        loop {
            let mut query = vec![("status", "dropped".to_owned()), ("limit", "250".to_owned())];
            query.extend(after.take().map(|after| ("after", after)));
            let page = self.api()?.get("/api/deliveries", &query).await?;
            counted += page.get("data").and_then(Value::as_array).map_or(0, Vec::len);
            let next = ["next", "scannedTo"].iter().find_map(|name| page.get(*name)?.as_str());
            match next {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(counted),
            }
        }
    }

    pub(super) async fn stop(self) -> Result<(), Failure> {
        for server in self.servers {
            server.stop().await?;
        }
        Ok(())
    }
}

/// What a server said last.
pub(super) fn last_line(log: &Path) -> String {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    log.lines().next_back().map_or_else(|| "its log is empty".to_owned(), |line| format!("it said last: {line}"))
}
