//! The OpenAPI document says what the server does, and the server does what it says.

use reqwest::Method;
use serde_json::Value;

use crate::world::World;

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

#[tokio::test]
async fn the_document_is_whole() {
    let world = World::start().await;
    let document = world.send(world.request(Method::GET, "/openapi.json")).await.ok();
    assert_eq!(document, waxwing::api::openapi());
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["webhooks"]["event"]["post"]["requestBody"].is_object());
    let mut references = Vec::new();
    gather(&document, &mut references);
    assert!(references.len() > 50, "only {} references", references.len());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads elsewhere"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut names = Vec::new();
    for (path, method, call) in calls(&document) {
        let place = format!("{method} {path}");
        assert!(call["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{place} has no summary");
        assert!(!call["responses"].as_object().unwrap().is_empty(), "{place} has no answer");
        names.push(call["operationId"].as_str().unwrap_or_else(|| panic!("{place} has no operationId")).to_owned());
        let in_path: Vec<&str> = path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}')).collect();
        let described = call["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path");
        let described: Vec<&str> = described.map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(in_path, described, "{place}");
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "operationIds are not unique");
}

#[tokio::test]
async fn every_schema_is_a_schema() {
    let document = waxwing::api::openapi();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}: {schema:#}");
    }
}

#[tokio::test]
async fn every_call_of_the_document_is_answered_and_of_every_path_only_those() {
    let world = World::start().await;
    let document = waxwing::api::openapi();
    let known: Vec<(String, String, Value)> = calls(&document);
    assert!(known.len() > 45, "only {} calls", known.len());
    let paths: std::collections::BTreeSet<&str> = known.iter().map(|(path, ..)| path.as_str()).collect();
    for path in paths {
        for method in METHODS {
            let url: String = path
                .split('/')
                .map(|step| if step.starts_with('{') { "none" } else { step })
                .collect::<Vec<_>>()
                .join("/");
            let method_sent: Method = method.to_uppercase().parse().unwrap();
            let answer = world.send(world.request(method_sent, &url)).await;
            let code = answer.body["code"].as_str().unwrap_or_default();
            let described = known.iter().any(|(known, by, _)| known == path && by == method);
            let routed = code != "no-such-route" && code != "method-not-allowed";
            assert_eq!(described, routed, "{method} {path}: {} {code}", answer.status);
        }
    }
}

#[tokio::test]
async fn the_docs_page_needs_nothing_from_elsewhere() {
    let world = World::start().await;
    let page = world.send(world.request(Method::GET, "/docs")).await;
    let text = page.body.as_str().unwrap();
    assert_eq!(page.status, 200);
    assert!(text.contains("/openapi.json") && !text.contains("http://") && !text.contains("https://"));
}

fn calls(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, calls): (&String, &Value)| {
        let calls = calls.as_object().unwrap().iter().filter(|(method, _)| METHODS.contains(&method.as_str()));
        calls.map(|(method, call)| (path.clone(), method.clone(), call.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

fn gather(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| gather(field, references));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, references)),
        _ => {}
    }
}
