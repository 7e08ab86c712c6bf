//! A PostgreSQL of the run's own, for where none was named: a temporary cluster, as PostgreSQL comes but for where it listens.
//!
//! It syncs as by default. Nobody but its owner gets in: it listens on a socket in its own folder only. It goes, with that folder, when
//! this process ends, however that ends: a shell looks after it, which reads a pipe that only this process holds open.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::cli::Failure;
use crate::cli::bench::folder::Folder;

/// Who PostgreSQL runs as where we are root, which it refuses.
const NOBODY: &str = "nobody";
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Makes the cluster, says so in one line, and waits for the end of its input.
const KEEPER: &str = r#"
trap '' INT HUP TERM
bin=$1 dir=$2 user=$3 group=$4
as() { if [ "$user" ]; then setpriv --reuid "$user" --regid "$group" --clear-groups -- "$@"; else "$@"; fi; }
end() { as "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$dir"; }
as "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C >"$dir/made" 2>&1 &&
printf "listen_addresses=''\nunix_socket_directories='%s'\n" "$dir" >>"$dir/data/postgresql.conf" &&
as "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start >>"$dir/made" 2>&1 </dev/null
if [ $? = 0 ]; then echo ready; else echo $(cat "$dir/made" "$dir/log" 2>/dev/null | tail -n 3); fi
cat >/dev/null
end
"#;

pub(super) struct Cluster {
    /// Its input ends with this process.
    keeper: Child,
    folder: PathBuf,
}

impl Cluster {
    /// The error says what is missing.
    pub(super) async fn start(parent: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("no PostgreSQL can be started: {error}"));
        let missing = || Failure::Failed("PostgreSQL isn't installed (no initdb, pg_ctl and postgres)".into());
        let bin = binaries().await.ok_or_else(missing)?;
        let parent = std::path::absolute(parent).map_err(failed)?;
        let mut folder = Folder::new(&parent, "cluster")?;
        let path = folder.path().to_owned();
        let (user, group) = owner(&path).await?;
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(bin).arg(&path).args([user, group]).current_dir("/");
        let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        // From now on it is the keeper's.
        folder.keep();
        let out = keeper.stdout.take().ok_or_else(|| Failure::Failed("the cluster's keeper ended at once".into()))?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).await.map_err(failed)?;
        let cluster = Self { keeper, folder: path };
        if line.trim() != "ready" {
            cluster.stop().await?;
            return Err(Failure::Failed(format!("no PostgreSQL can be started: {}", line.trim())));
        }
        Ok(cluster)
    }

    pub(super) fn url(&self) -> Result<String, Failure> {
        let mut url = url::Url::parse("postgres:///postgres").map_err(|error| Failure::Failed(error.to_string()))?;
        url.query_pairs_mut().append_pair("host", &self.folder.to_string_lossy()).append_pair("user", "postgres");
        Ok(url.into())
    }

    /// It and its folder are gone when this returns.
    pub(super) async fn stop(mut self) -> Result<(), Failure> {
        drop(self.keeper.stdin.take());
        let ended = self.keeper.wait().await;
        ended.map(drop).map_err(|error| Failure::Failed(format!("the temporary PostgreSQL doesn't end: {error}")))
    }
}

/// Gives the folder to whom PostgreSQL is to run as, and says who that is; nothing where that is us.
async fn owner(folder: &Path) -> Result<(String, String), Failure> {
    if !rustix::process::geteuid().is_root() {
        return Ok(Default::default());
    }
    let missing =
        || Failure::Failed(format!("PostgreSQL doesn't run as root, and here is no user '{NOBODY}' or no setpriv"));
    said("setpriv", &["--version"]).await.ok_or_else(missing)?;
    let user = said("id", &["-u", NOBODY]).await.ok_or_else(missing)?;
    let group = said("id", &["-g", NOBODY]).await.ok_or_else(missing)?;
    let changed = std::os::unix::fs::chown(folder, user.parse().ok(), group.parse().ok());
    changed.map_err(|error| Failure::file(folder, &error))?;
    Ok((user, group))
}

/// Where its programs are: on the path, where `pg_config` says, or where Debian puts them, the newest first.
async fn binaries() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    folders.extend(said("pg_config", &["--bindir"]).await.map(PathBuf::from));
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let mut debian: Vec<PathBuf> = versions.map(|version| version.path()).collect();
    debian.sort_by_key(number);
    folders.extend(debian.into_iter().rev().map(|version| version.join("bin")));
    folders.into_iter().find(|folder| PROGRAMS.iter().all(|name| folder.join(name).is_file()))
}

/// The first line of what a command prints; `None` where there is no such command, or nothing is printed.
async fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().await.ok()?;
    String::from_utf8(output.stdout).ok()?.lines().next().map(str::to_owned).filter(|line| !line.is_empty())
}
