//! What PostgreSQL's processes used: the postmaster and all its children, those that have ended included (`/proc`).

use std::time::Duration;

use sqlx::PgConnection;

use crate::cli::Failure;
use crate::cli::bench::process::Stat;

/// The process whose children serve the connections.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli::bench) struct Postmaster(u32);

impl Postmaster {
    /// `None`: it is on another machine, or its processes can't be seen here. A process that only has the same number is told from
    /// it by its title, which names the connection's other end.
    pub(super) async fn of(connection: &mut PgConnection) -> sqlx::Result<Option<Self>> {
        let (backend, port): (i32, Option<i32>) =
            sqlx::query_as("SELECT pg_backend_pid(), inet_client_port()").fetch_one(connection).await?;
        let title = std::fs::read(format!("/proc/{backend}/cmdline")).unwrap_or_default();
        let title = String::from_utf8_lossy(&title);
        let end = port.map_or_else(|| "[local]".to_owned(), |port| format!("({port})"));
        if !title.starts_with("postgres:") || !title.contains(&end) {
            return Ok(None);
        }
        let stat = u32::try_from(backend).ok().and_then(|id| Stat::of(&id.to_string()).ok());
        Ok(stat.map(|stat| Self(stat.parent)))
    }

    pub(in crate::cli::bench) fn cpu(self) -> Result<Duration, Failure> {
        let Self(id) = self;
        let postmaster = Stat::of(&id.to_string())?;
        let mut cpu = postmaster.own + postmaster.ended;
        let processes = std::fs::read_dir("/proc").map_err(|error| Failure::file("/proc".as_ref(), &error))?;
        for process in processes.flatten() {
            let name = process.file_name();
            let number = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
            // One that ended meanwhile is its parent's from now on.
            let stat = number.and_then(|number| Stat::of(number).ok());
            cpu += stat.filter(|stat| stat.parent == id).map_or(Duration::ZERO, |stat| stat.own + stat.ended);
        }
        Ok(cpu)
    }
}
