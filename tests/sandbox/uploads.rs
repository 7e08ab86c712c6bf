//! What may be uploaded, and what each of the others is told.

use bytes::Bytes;
use waxwing::model::fault::{FaultKind, Limit};
use waxwing::model::plugin::{Classifies, Manifest};
use waxwing::transform::wasm::limits::{Limits, UploadLimits};
use waxwing::transform::{BadComponent, Transform};

use crate::handmade::{Handmade, describing, text};
use crate::world::{Surroundings, World};

/// Instructions that `describe` gets in these tests: enough, and soon over.
const SETUP_FUEL: u64 = 3_000_000;

pub(crate) async fn upload_within(limits: Limits, wasm: Vec<u8>) -> Result<Manifest, BadComponent> {
    let transform = Surroundings::within(limits).sandbox(Bytes::new());
    transform.admit(Bytes::from(wasm)).await.map(|(_, manifest)| manifest)
}

async fn upload(wasm: Vec<u8>) -> Result<Manifest, BadComponent> {
    upload_within(Limits { setup_fuel: SETUP_FUEL, ..Limits::default() }, wasm).await
}

#[tokio::test]
async fn a_plugin_is_admitted_with_what_it_says_of_itself() {
    let world = World::start().await;
    assert_eq!(world.manifest.name, "faulty");
    assert_eq!(world.manifest.classifying(), Classifies::Everything);
    assert!(world.manifest.imports.iter().any(|import| import == "waxwing:plugin/log@0.1.0"));
    let manifest = upload(Handmade::default().wasm()).await.unwrap();
    assert_eq!((manifest.name.as_str(), manifest.description.as_str()), ("handmade", "by hand"));
    assert_eq!(manifest.classifying(), Classifies::Nothing);
}

#[tokio::test]
async fn a_plugin_says_whether_it_wants_to_be_asked_about_a_success() {
    for (name, wanted) in [
        ("slack", Classifies::Failures),
        ("discord", Classifies::Failures),
        ("hubspot", Classifies::Everything),
        ("filter", Classifies::Nothing),
    ] {
        let bundled = waxwing_bundle::plugins().iter().find(|bundled| bundled.name == name).unwrap();
        assert_eq!(upload(bundled.wasm.to_vec()).await.unwrap().classifying(), wanted, "{name}");
    }
}

#[tokio::test]
async fn what_is_no_component_is_told_what_it_is() {
    assert_eq!(upload(b"#!/bin/sh".to_vec()).await.unwrap_err(), BadComponent::NotWasm);
    assert_eq!(upload(text("(module)")).await.unwrap_err(), BadComponent::CoreModule);
    let whole = waxwing_bundle::faulty();
    for length in [9, 100, whole.len() / 2, whole.len() - 1] {
        let error = upload(whole[..length].to_vec()).await.unwrap_err();
        assert!(matches!(error, BadComponent::Malformed(_)), "{length}: {error}");
    }
    let small = Limits { upload: UploadLimits { size: 100, ..UploadLimits::default() }, ..Limits::default() };
    let wasm = Handmade::default().wasm();
    let size = u64::try_from(wasm.len()).unwrap();
    assert_eq!(upload_within(small, wasm).await.unwrap_err(), BadComponent::TooLarge { size, allowed: 100 });
}

#[tokio::test]
async fn a_foreign_import_is_named() {
    for foreign in ["wasi:sockets/tcp@0.2.3", "wasi:http/outgoing-handler@0.2.0", "waxwing:plugin/secrets@0.1.0"] {
        let wasm = text(&format!(r#"(component (import "{foreign}" (instance)))"#));
        let error = upload(wasm).await.unwrap_err();
        assert_eq!(error, BadComponent::ForeignImport(foreign.to_owned()));
        let said =
            format!("it imports '{foreign}', which plugins don't get: they have no network, files or environment");
        assert_eq!(error.to_string(), said);
    }
}

#[tokio::test]
async fn another_version_of_the_world_is_named() {
    let wasm = text(r#"(component (instance $i) (export "waxwing:plugin/transformer@0.9.0" (instance $i)))"#);
    let expected = BadComponent::UnknownWorld("waxwing:plugin/transformer@0.9.0".into());
    assert_eq!(upload(wasm).await.unwrap_err(), expected);
    let none = upload(text("(component)")).await.unwrap_err();
    assert_eq!(none, BadComponent::MissingExport("waxwing:plugin/transformer@0.1.0".into()));
}

#[tokio::test]
async fn what_would_begin_beyond_a_limit_is_refused_by_that_limit() {
    let error = upload(Handmade { pages: 1025, ..Handmade::default() }.wasm()).await.unwrap_err();
    let said = "too complex: 67174400 bytes of memory to begin with, 67108864 are allowed";
    assert_eq!(error.to_string(), said);
    let error = upload(Handmade { fields: "(table 20001 funcref)", ..Handmade::default() }.wasm()).await.unwrap_err();
    assert_eq!(error.to_string(), "too complex: 20001 elements in a table to begin with, 20000 are allowed");
    // Each table is small enough; the pool has no place for so many.
    let error = upload(Handmade { fields: &"(table 1 funcref)".repeat(40), ..Handmade::default() }.wasm()).await;
    assert!(matches!(error, Err(BadComponent::TooComplex(_))), "{error:?}");
}

/// Why `describe` ended.
async fn described(describe: &str) -> FaultKind {
    match upload(describing(describe)).await {
        Err(BadComponent::DescribeFailed(fault)) => fault,
        other => panic!("{describe}: {other:?}"),
    }
}

#[tokio::test]
async fn a_fault_while_it_describes_itself_refuses_the_upload_with_that_fault() {
    let trap = described("unreachable").await;
    assert_eq!(trap, FaultKind::Trap { message: "wasm trap: wasm `unreachable` instruction executed".to_owned() });

    let spin = described("(loop (br 0)) unreachable").await;
    assert_eq!(spin, FaultKind::Limit { limit: Limit::Fuel, used: SETUP_FUEL, allowed: SETUP_FUEL });

    let flood = "(loop (call $log (i32.const 1) (i32.const 1024) (i32.const 8)) (br 0)) unreachable";
    let FaultKind::Limit { limit: Limit::Fuel, used, allowed: SETUP_FUEL } = described(flood).await else {
        panic!("the flood didn't end at the fuel limit")
    };
    assert!((SETUP_FUEL..SETUP_FUEL + 200).contains(&used), "{used}");

    let memory = described("(drop (memory.grow (i32.const 2000))) (i32.const 2048)").await;
    let used = 2002 * 64 * 1024;
    assert_eq!(memory, FaultKind::Limit { limit: Limit::Memory, used, allowed: 64 * 1024 * 1024 });

    // A description of 50 MB.
    let huge =
        "(drop (memory.grow (i32.const 800))) (i32.store (i32.const 2068) (i32.const 50000000)) (i32.const 2048)";
    let most = 8 * 1024 * 1024;
    assert_eq!(described(huge).await, FaultKind::Limit { limit: Limit::HostCalls, used: most, allowed: most });
}

#[tokio::test]
async fn a_manifest_that_could_not_be_shown_is_refused_by_what_is_wrong_with_it() {
    for (describe, named) in [
        // The name is "handmad e", cut by one and followed by the version's digit.
        (
            "(i32.store (i32.const 2052) (i32.const 9)) (i32.store8 (i32.const 1032) (i32.const 32)) (i32.const 2048)",
            "name: ",
        ),
        ("(i32.store (i32.const 2060) (i32.const 3)) (i32.const 2048)", "version: "),
        ("(i32.store (i32.const 2076) (i32.const 1)) (i32.const 2048)", "settings-schema: "),
        ("(i32.store (i32.const 2076) (i32.const 0)) (i32.const 2048)", "settings-schema: "),
        ("(i32.store (i32.const 2084) (i32.const 65)) (i32.const 2048)", "settings-schema: "),
    ] {
        let error = upload(describing(describe)).await.unwrap_err();
        let BadComponent::BadManifest(said) = &error else { panic!("{describe}: {error:?}") };
        assert!(said.starts_with(named), "{describe}: {said}");
    }
}
