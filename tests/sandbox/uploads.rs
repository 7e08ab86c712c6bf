//! What may be uploaded, and what each of the others is told.

use std::time::Duration;

use bytes::Bytes;
use waxwing::model::plugin::Manifest;
use waxwing::transform::wasm::limits::{CompileLimits, Limits, UploadLimits};
use waxwing::transform::{BadComponent, Transform};

use crate::world::{World, empty, shared_cache};

async fn upload_within(limits: Limits, wasm: Vec<u8>) -> Result<Manifest, BadComponent> {
    let transform = empty(limits, shared_cache());
    transform.admit(Bytes::from(wasm)).await.map(|(_, manifest)| manifest)
}

async fn upload(wasm: Vec<u8>) -> Result<Manifest, BadComponent> {
    upload_within(Limits::default(), wasm).await
}

fn text(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).expect("valid text")
}

#[tokio::test]
async fn a_plugin_is_admitted_with_what_it_says_of_itself() {
    let world = World::start().await;
    assert_eq!(world.manifest.name, "faulty");
    assert!(world.manifest.classifies);
    assert!(world.manifest.imports.iter().any(|import| import == "waxwing:plugin/log@0.1.0"));
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
    let error = upload_within(small, text("(component (core module (memory 1) (data \"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\")))")).await;
    assert!(matches!(error, Err(BadComponent::TooLarge { allowed: 100, .. })), "{error:?}");
}

#[tokio::test]
async fn a_foreign_import_is_named() {
    let wasm = text(r#"(component (import "wasi:sockets/tcp@0.2.3" (instance)))"#);
    assert_eq!(upload(wasm).await.unwrap_err(), BadComponent::ForeignImport("wasi:sockets/tcp@0.2.3".into()));
}

#[tokio::test]
async fn another_version_of_the_world_is_named() {
    let wasm = text(r#"(component (instance $i) (export "waxwing:plugin/transformer@0.9.0" (instance $i)))"#);
    let expected = BadComponent::UnknownWorld("waxwing:plugin/transformer@0.9.0".into());
    assert_eq!(upload(wasm).await.unwrap_err(), expected);
    let none = upload(text("(component)")).await.unwrap_err();
    assert_eq!(none, BadComponent::MissingExport("waxwing:plugin/transformer@0.1.0".into()));
}

/// 35 KB that take a compiler seconds and a gigabyte: loops in loops, each with a thousand variables to carry.
fn bomb(loops: usize, locals: usize) -> Vec<u8> {
    let sets: String = (0..locals).map(|local| format!("(local.set {local} (i64.const {local}))")).collect();
    let open = "(loop ".repeat(loops);
    let close = "(br_if 0 (i32.wrap_i64 (local.get 0))))".repeat(loops);
    let locals = "i64 ".repeat(locals);
    text(&format!(
        r#"(component (core module (func (export "f") (local {locals}) {sets} {open} {close}))
            (instance $i) (export "waxwing:plugin/transformer@0.1.0" (instance $i)))"#
    ))
}

#[tokio::test]
async fn a_compile_bomb_is_refused_before_anything_is_compiled() {
    let error = upload(bomb(1000, 1000)).await.unwrap_err();
    assert!(matches!(&error, BadComponent::TooComplex(what) if what.contains("1000000 loops times locals")), "{error}");
}

#[tokio::test]
async fn a_bomb_that_passes_the_counting_ends_within_the_limits_of_its_process() {
    let upload_limits = UploadLimits { loops_by_locals: usize::MAX, ..UploadLimits::default() };
    let limits = Limits { upload: upload_limits, ..Limits::default() };
    let hasty = CompileLimits { wall: Duration::from_millis(1), ..CompileLimits::default() };
    let error = upload_within(Limits { compile: hasty, ..limits }, bomb(1000, 1000)).await.unwrap_err();
    assert!(matches!(error, BadComponent::CompileLimit(_)), "{error}");
    assert!(World::start().await.run("nothing").await.result.is_ok(), "others go on");
}
