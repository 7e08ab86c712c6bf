//! `waxwing bench`, small: each scenario runs through, and is held against the floor of the same round.

use std::process::Output;

use serde_json::Value;

use crate::process::{command, text};

fn bench(arguments: &[&str]) -> Output {
    // Fewer, and the floor's CPU time is less than `/proc` shows.
    let small = ["--events", "400", "--connections", "8", "--pending", "300", "--prefill", "300", "--soak", "500"];
    command(&[&["bench"], arguments, &small].concat()).output().unwrap()
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
    assert_eq!(listed.len(), 11);
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
    let plain = scenario(&told, "one-to-one");
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
