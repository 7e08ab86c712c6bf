//! `waxwing bench`, small: each scenario runs through, and is held against the floor of the same round.

use std::process::Command;

use serde_json::Value;

use crate::process::text;

#[test]
fn every_scenario_is_measured_beside_its_floor() {
    let output = Command::new(env!("CARGO_BIN_EXE_waxwing"))
        .args(["bench", "--json", "--events", "200", "--connections", "8"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let scenarios = told["scenarios"].as_array().unwrap();
    let names: Vec<_> = scenarios.iter().map(|scenario| scenario["scenario"].as_str().unwrap()).collect();
    assert_eq!(names, ["floor", "no-plugin", "slack-plugin"]);
    for scenario in scenarios {
        assert_eq!(scenario["rounds"], 1);
        let figure = |name: &str| scenario[name]["median"].as_f64().unwrap();
        assert!(figure("eventsPerSecond") > 0.0 && figure("serverMicros") > 0.0, "{scenario:#}");
    }
    assert_eq!(scenarios[0]["ratioToFloor"]["median"], 1.0);
    assert!(scenarios[2]["ratioToFloor"]["median"].as_f64().unwrap() > 1.0, "{told:#}");
}
