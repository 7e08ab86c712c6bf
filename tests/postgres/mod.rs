//! A PostgreSQL of the tests' own: one temporary cluster a test process, one database a test.
//!
//! The cluster listens on loopback and on a socket in its own folder, trusts everybody there, and doesn't sync: what it holds is
//! worth nothing. It goes, with its folder, when the process that asked for it ends, however that ends: a shell looks after it, which
//! reads a pipe that only this process holds open. Where PostgreSQL isn't installed the tests fail, and say what to install.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use tokio::sync::OnceCell;
use waxwing::store::postgres::PostgresStore;

const INSTALL: &str =
    "these tests need PostgreSQL 14 or newer: apt-get install postgresql (no cluster of its own has to run)";
const TEMPLATE: &str = "waxwing_template";
/// Who PostgreSQL runs as where the tests run as root, which it refuses.
const NOBODY: &str = "nobody";

/// Makes the cluster, says so in one line, and waits for the end of its input.
const KEEPER: &str = r#"
trap '' INT HUP TERM
bin=$1 dir=$2
end() { "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$dir"; }
"$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 &&
printf "port=$3\nunix_socket_directories='$dir'\nlisten_addresses='127.0.0.1'\nfsync=off\nfull_page_writes=off\n\
shared_buffers=64MB\nmax_connections=300\nautovacuum=off\n" >>"$dir/data/postgresql.conf" &&
"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start >/dev/null 2>&1 </dev/null
if [ $? = 0 ]; then echo ready; else echo "failed: $(tail -n 5 "$dir/log" | tr '\n' ' ')"; fi
cat >/dev/null
end
"#;

struct Cluster {
    port: u16,
    folder: PathBuf,
    /// Its input ends with this process.
    _keeper: Child,
    /// Databases that no test needs any more.
    finished: Mutex<Vec<String>>,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A cluster of one test's own, which it may stop and start; with a database `postgres` and no schema of ours.
#[allow(dead_code, reason = "not every test target asks for it")]
pub(crate) struct Own(Cluster);

#[allow(dead_code, reason = "not every test target asks for it")]
impl Own {
    pub(crate) fn start() -> Self {
        Self(Cluster::start_process())
    }

    pub(crate) fn url(&self) -> String {
        url(self.0.port, "postgres")
    }

    /// A statement, as an administrator.
    pub(crate) async fn runs(&self, statement: &'static str) {
        connect(self.0.port, "postgres").await.execute(statement).await.unwrap();
    }

    /// As an administrator does it who doesn't wait for anybody. It is down when this returns.
    pub(crate) fn stops(&self) {
        self.control(&["-m", "fast", "-w", "stop"]);
    }

    /// It takes connections when this returns.
    pub(crate) fn starts(&self) {
        self.control(&["-l", &self.0.folder.join("log").display().to_string(), "-w", "-t", "60", "start"]);
    }

    fn control(&self, what: &[&str]) {
        let mut command = as_owner(&self.0.folder);
        command.args(["-c", r#""$@" >/dev/null 2>&1 </dev/null"#, "control"]).arg(binaries().join("pg_ctl"));
        command.arg("-D").arg(self.0.folder.join("data")).args(what).current_dir("/");
        assert!(command.status().unwrap().success(), "pg_ctl {what:?}");
    }
}

/// A database of the test's own, its schema up to date.
pub(crate) struct Database {
    name: String,
    port: u16,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let cluster = CLUSTER.get_or_init(Cluster::start).await;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = connect(cluster.port, "postgres").await;
        let finished: Vec<String> = std::mem::take(&mut *lock(&cluster.finished));
        for old in finished {
            admin.execute(AssertSqlSafe(format!("DROP DATABASE {old} WITH (FORCE)"))).await.unwrap();
        }
        // Copied as files where that must be said: through the log it takes three times as long.
        let how = if admin.server_version_num() >= Some(150_000) { " STRATEGY file_copy" } else { "" };
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}{how}"))).await.unwrap();
        Self { name, port: cluster.port }
    }

    pub(crate) fn url(&self) -> String {
        url(self.port, &self.name)
    }

    /// The cluster's.
    #[allow(dead_code, reason = "not every test target asks for it")]
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// By the socket in the cluster's folder instead of by loopback.
    #[allow(dead_code, reason = "not every test target asks for it")]
    pub(crate) fn socket_url(&self) -> String {
        let folder = &CLUSTER.get().unwrap().folder;
        format!("postgres:///{}?host={}&port={}&user=postgres", self.name, folder.display(), self.port)
    }

    #[allow(dead_code, reason = "not every test target asks for it")]
    pub(crate) async fn connect(&self) -> PgConnection {
        connect(self.port, &self.name).await
    }

    /// Nobody gets in until [`Self::comes_back`], and whoever was in is out.
    #[allow(dead_code, reason = "not every test target asks for it")]
    pub(crate) async fn goes_away(&self) {
        let mut admin = connect(self.port, "postgres").await;
        admin.execute(AssertSqlSafe(format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name))).await.unwrap();
        self.throws_everybody_out().await;
    }

    #[allow(dead_code, reason = "not every test target asks for it")]
    pub(crate) async fn comes_back(&self) {
        let mut admin = connect(self.port, "postgres").await;
        admin.execute(AssertSqlSafe(format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name))).await.unwrap();
    }

    /// All connections are broken at once; new ones can be made.
    #[allow(dead_code, reason = "not every test target asks for it")]
    pub(crate) async fn throws_everybody_out(&self) {
        let mut admin = connect(self.port, "postgres").await;
        sqlx::query("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1")
            .bind(&self.name)
            .execute(&mut admin)
            .await
            .unwrap();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(cluster) = CLUSTER.get() {
            lock(&cluster.finished).push(std::mem::take(&mut self.name));
        }
    }
}

impl Cluster {
    async fn start() -> Self {
        let cluster = Self::start_process();
        let mut admin = connect(cluster.port, "postgres").await;
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {TEMPLATE}"))).await.unwrap();
        PostgresStore::migrate(&url(cluster.port, TEMPLATE)).await.unwrap();
        admin.close().await.unwrap();
        cluster
    }

    fn start_process() -> Self {
        let bin = binaries();
        // The port may be taken between the look and the start: then another one is looked for.
        let started = (0..5).find_map(|_| Self::try_start(&bin).map_err(|reason| eprintln_reason(&reason)).ok());
        started.expect("the tests' PostgreSQL starts")
    }

    fn try_start(bin: &Path) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("waxwing-postgres-").tempdir().unwrap().keep();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = as_owner(&folder);
        let command = command.args(["-c", KEEPER, "keeper"]).arg(bin).arg(&folder).arg(port.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).current_dir("/").spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.trim() != "ready" {
            drop(child.stdin.take());
            child.wait().unwrap();
            return Err(line);
        }
        Ok(Self { port, folder, _keeper: child, finished: Mutex::new(Vec::new()) })
    }
}

/// A shell, as somebody whom PostgreSQL accepts and who owns the folder.
fn as_owner(folder: &Path) -> Command {
    if said(Command::new("id").arg("-u")) != "0" {
        return Command::new("sh");
    }
    let (user, group) = (said(Command::new("id").args(["-u", NOBODY])), said(Command::new("id").args(["-g", NOBODY])));
    std::os::unix::fs::chown(folder, user.parse().ok(), group.parse().ok()).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &group, "--clear-groups", "--", "sh"]);
    command
}

/// Where `initdb` and `pg_ctl` are: on the path, where `pg_config` says, or where Debian puts them.
fn binaries() -> PathBuf {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    folders.push(said(Command::new("pg_config").arg("--bindir")).into());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    debian.sort();
    folders.extend(debian.into_iter().rev());
    let whole = |folder: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file());
    folders.into_iter().find(whole).unwrap_or_else(|| panic!("{INSTALL}"))
}

/// The first line of what a command prints; nothing where there is no such command.
fn said(command: &mut Command) -> String {
    let spawned = command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn();
    let mut text = String::new();
    if let Ok(mut child) = spawned {
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        child.wait().unwrap();
    }
    text.lines().next().unwrap_or_default().to_owned()
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/{database}?sslmode=disable")
}

async fn connect(port: u16, database: &str) -> PgConnection {
    let options: PgConnectOptions = url(port, database).parse().unwrap();
    options.disable_statement_logging().connect().await.unwrap()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[allow(clippy::print_stderr, reason = "whoever looks at a failed test wants to know")]
fn eprintln_reason(reason: &str) {
    eprintln!("PostgreSQL didn't start: {}", reason.trim());
}
