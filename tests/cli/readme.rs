//! The README's examples are run as they stand: every block that is marked ```` ```sh run ````.

use std::process::Command;

use crate::process::{Server, TOKEN, text};

const README: &str = include_str!("../../README.md");

#[test]
fn every_marked_example_of_the_readme_does_what_it_says() {
    let server = Server::shared();
    let examples: Vec<&str> =
        README.split("```sh run\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 5, "the examples are gone");
    for example in examples {
        // `sh` and `curl` are needed: without them this fails, and says so.
        let output = Command::new("sh")
            .args(["-euc", example])
            .env("WAXWING_URL", &server.url)
            .env("WAXWING_TOKEN", TOKEN)
            .output()
            .unwrap();
        assert!(output.status.success(), "{example}\n{}{}", text(&output.stdout), text(&output.stderr));
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(answer.is_object(), "{example}\n{answer}");
    }
    let posted = server.json(&["explain", &first_event(&server)]);
    let webhooks = posted["webhooks"].as_array().unwrap();
    assert!(webhooks.iter().any(|webhook| webhook["name"] == "shop" && webhook["matched"] == true), "{posted}");
}

fn first_event(server: &Server) -> String {
    server.json(&["trigger", "license.created", "--data", "{}"])["id"].as_str().unwrap().to_owned()
}
