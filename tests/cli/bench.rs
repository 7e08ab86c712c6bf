//! `waxwing bench`, small: each scenario runs through, and is held against the floor of the same round.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::cluster::Database;
use crate::process::{command, text};

fn bench(arguments: &[&str]) -> Output {
    small(arguments).output().unwrap()
}

fn small(arguments: &[&str]) -> Command {
    // Fewer, and the floor's CPU time is less than `/proc` shows.
    let small = ["--events", "400", "--connections", "8", "--pending", "300", "--prefill", "300", "--soak", "500"];
    command(&[&["bench"], arguments, &small].concat())
}

/// Starts one on a temporary cluster in this folder, and signals it as soon as it says a line that begins so. It and all that it
/// started with its standard error have ended when this returns.
fn signalled(arguments: &[&str], folder: &Path, (line, signal): (&str, Signal)) -> (Child, String) {
    let folder = folder.display().to_string();
    let mut command = command(&[&["bench", "--folder", &folder], arguments].concat());
    let mut bench = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(bench.stdout.take().unwrap()).lines();
    let told = lines.find(|told| told.as_ref().unwrap().starts_with(line));
    told.unwrap_or_else(|| panic!("it never says '{line}'")).unwrap();
    kill_process(Pid::from_child(&bench), signal).unwrap();
    let mut said = String::new();
    bench.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (bench, said)
}

fn names_in(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A folder that whoever PostgreSQL runs as can get to.
fn open_folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn scenario<'a>(told: &'a Value, name: &str) -> &'a Value {
    let mut scenarios = told["scenarios"].as_array().unwrap().iter();
    scenarios.find(|scenario| scenario["scenario"] == name).unwrap_or_else(|| panic!("no {name} in {told:#}"))
}

fn median(scenario: &Value, figure: &str) -> f64 {
    scenario[figure]["median"].as_f64().unwrap_or_else(|| panic!("no {figure} in {scenario:#}"))
}

#[test]
fn every_scenario_is_measured_beside_its_floor() {
    let output = bench(&["--json", "--all"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let parts =
        ["/wasm/instanceMicros", "/wasm/slackCallMicros", "/wasm/slackCallMicros300", "/wasm/slackClassifyMicros"];
    let others = ["/wasm/slackCallsPerSecondOnTwoCores", "/commit/rowsPerSecond", "/post/micros"];
    for part in parts.into_iter().chain(others) {
        assert!(told["raw"].pointer(part).and_then(Value::as_f64) > Some(0.0), "{part}: {told:#}");
    }
    let list: Value =
        serde_json::from_slice(&command(&["bench", "--list", "--json"]).output().unwrap().stdout).unwrap();
    let listed = list["scenarios"].as_array().unwrap();
    assert_eq!(listed.len(), 15);
    for one in listed.iter().map(|listed| scenario(&told, listed["name"].as_str().unwrap())) {
        let floor = scenario(&told, one["floor"].as_str().unwrap());
        assert_eq!(median(floor, "ratioToFloor"), 1.0);
        for figure in
            ["eventsPerSecond", "ingestP50Ms", "serverMicros", "ratioToFloor", "peakRssMib", "rssMibLastQuarter"]
        {
            assert!(median(one, figure) > 0.0, "{figure}: {one:#}");
        }
        let sent = one["scenario"] != "filter-drops";
        assert_eq!(one["endToEndP99Ms"]["median"].as_f64() > Some(0.0), sent, "{one:#}");
        assert!(median(one, "ingestP99Ms") >= median(one, "ingestP50Ms"), "{one:#}");
    }
    for name in ["floor-postgres", "postgres", "postgres-3-nodes"] {
        let one = scenario(&told, name);
        assert!(median(one, "databaseMicros") > 0.0 && median(one, "walBytes") > 1024.0, "{one:#}");
    }
    assert_eq!(scenario(&told, "postgres-3-nodes")["floor"], "floor-postgres");
    let plain = scenario(&told, "one-to-one");
    assert!(plain["databaseMicros"].is_null() && plain["walBytes"].is_null(), "{plain:#}");
    assert_eq!((&plain["deliveries"], median(plain, "ratioToOneToOne")), (&400.into(), 1.0));
    let fanned = scenario(&told, "fan-out-100");
    assert_eq!((&fanned["events"], &fanned["deliveries"]), (&20.into(), &2000.into()));
    assert!(median(fanned, "serverMicrosPerExtraDelivery") > 0.0, "{fanned:#}");
    let half = median(scenario(&told, "half-load"), "offeredPerSecond") * 2.0;
    assert!((half - median(plain, "eventsPerSecond")).abs() < 0.1, "{half}: {plain:#}");
    assert_eq!(scenario(&told, "soak")["events"], 500);
}

#[test]
fn what_is_printed_for_people_fits_a_terminal() {
    let output = bench(&["--only", "filter-drops", "--rounds", "2"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    let rows = |name: &str| told.lines().filter(|line| line.starts_with(&format!("| {name} "))).count();
    assert_eq!((rows("floor"), rows("one-to-one"), rows("filter-drops"), rows("fan-out-10")), (3, 3, 3, 0), "{told}");
    for line in told.lines() {
        assert!(line.chars().count() <= 120, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn a_scenario_that_there_is_not_is_named_beside_those_that_there_are() {
    let output = bench(&["--only", "fan-out-7"]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("fan-out-7") && told.contains("fan-out-10"), "{told}");
}

#[test]
fn a_postgresql_that_is_named_is_part_of_the_run_and_left_as_it_was() {
    let runtime = Runtime::new().unwrap();
    let database = runtime.block_on(Database::new());
    let output = small(&["--only", "postgres"]).env("WAXWING_BENCH_POSTGRES", database.url()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    let rows = |name: &str| told.lines().filter(|line| line.starts_with(&format!("| {name} "))).count();
    assert_eq!((rows("floor-postgres"), rows("postgres"), rows("postgres-3-nodes")), (3, 3, 0), "{told}");
    assert!(!told.contains("can't be seen"), "{told}");
    for line in told.lines() {
        assert!(line.chars().count() <= 120, "{} columns: {line}", line.chars().count());
    }
    let left: i64 = runtime.block_on(async {
        let query = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname LIKE 'waxwing\\_bench\\_%'");
        query.fetch_one(&mut database.connect().await).await.unwrap()
    });
    assert_eq!(left, 0);
}

#[test]
fn the_temporary_postgresql_is_gone_however_the_run_ends() {
    let folder = open_folder();
    let line = "round 1 of 1: floor-postgres";
    let (mut stopped, said) =
        signalled(&["--only", "postgres", "--events", "500"], folder.path(), (line, Signal::TERM));
    assert_eq!(stopped.wait().unwrap().code(), Some(1), "{said}");
    assert!(said.contains("stopped before the end"), "{said}");
    assert_eq!(names_in(folder.path()), [""; 0]);
    let line = "each part by itself";
    let (mut killed, said) = signalled(&["--only", "postgres"], folder.path(), (line, Signal::KILL));
    assert_eq!(killed.wait().unwrap().code(), None, "{said}");
    assert_eq!(names_in(folder.path()).iter().filter(|name| name.ends_with("-cluster")).count(), 0);
}

#[test]
fn without_a_postgresql_what_runs_on_it_is_left_out_unless_it_was_named() {
    let folder = open_folder();
    // PostgreSQL's socket can't have a path of more than some hundred bytes.
    let long = folder.path().join("x".repeat(120));
    std::fs::create_dir(&long).unwrap();
    let (mut all, _) = signalled(&["--all"], &long, ("left out, what runs on PostgreSQL: ", Signal::TERM));
    assert_eq!(all.wait().unwrap().code(), Some(1));
    let named = bench(&["--only", "postgres-3-nodes", "--folder", &long.display().to_string()]);
    assert_eq!(named.status.code(), Some(1));
    assert!(text(&named.stderr).contains("no PostgreSQL can be started"), "{}", text(&named.stderr));
    assert_eq!(names_in(&long), [""; 0]);
    let elsewhere = bench(&["--postgres", "postgres://somebody@127.0.0.1:1/nothing"]);
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(text(&elsewhere.stderr).contains("PostgreSQL: "), "{}", text(&elsewhere.stderr));
    let other = bench(&["--postgres", "mysql://127.0.0.1/nothing"]);
    assert_eq!(other.status.code(), Some(2), "{}", text(&other.stderr));
}
