//! Who may know whom: the table, and the check that every module of the host keeps to it.
//!
//! Every path that begins with `crate::`, `super::` or `self::` is resolved to the top-level module that it names, wherever it stands:
//! in a `use`, an expression, a type, a pattern or a macro's argument. Libraries that a room must not know are checked by name.

#![allow(clippy::unwrap_used, reason = "this is a test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// One room of the house: what it may know of its neighbours, and which libraries stay outside.
struct Room {
    name: &'static str,
    may_know: &'static [&'static str],
    banned: &'static [&'static str],
}

const IO: &[&str] = &["sqlx", "axum", "wasmtime", "tokio", "hyper", "reqwest"];
const PURE: &[&str] = &["model"];

const fn room(name: &'static str, may_know: &'static [&'static str], banned: &'static [&'static str]) -> Room {
    Room { name, may_know, banned }
}

/// Lower rooms first. A module that isn't here fails the test.
const HOUSE: &[Room] = &[
    room("model", &[], IO),
    room("clock", &["model"], IO),
    room("vault", &["model", "clock"], IO),
    room("route", PURE, IO),
    room("retry", PURE, IO),
    room("format", &["model", "clock"], IO),
    room("store", &["model", "clock", "vault"], &["axum", "wasmtime", "hyper", "reqwest"]),
    room("transform", &["model", "clock"], &["sqlx", "axum", "hyper", "reqwest"]),
    room("send", &["model", "clock"], &["sqlx", "axum", "wasmtime", "reqwest"]),
    room("handoff", &["model", "store"], IO),
    room("ingest", &["model", "clock", "route", "handoff", "store"], &["sqlx", "axum", "wasmtime", "hyper", "reqwest"]),
    room(
        "deliver",
        &["model", "clock", "vault", "route", "format", "retry", "store", "transform", "send", "handoff"],
        &["sqlx", "axum", "wasmtime", "hyper", "reqwest"],
    ),
    room(
        "service",
        &[
            "model",
            "clock",
            "vault",
            "route",
            "format",
            "retry",
            "store",
            "transform",
            "send",
            "handoff",
            "ingest",
            "deliver",
        ],
        &["sqlx", "axum", "wasmtime", "hyper", "reqwest"],
    ),
    room("api", &["model", "service"], &["sqlx", "wasmtime", "reqwest"]),
    room("ui", &["model", "service"], &["sqlx", "wasmtime", "hyper", "reqwest"]),
    room("config", &["model"], &["sqlx", "axum", "wasmtime", "hyper", "reqwest"]),
    room("telemetry", &["config"], &["sqlx", "axum", "wasmtime", "reqwest"]),
    room("app", ANY, &["reqwest"]),
    room("cli", ANY, &[]),
    room("main", ANY, &[]),
];

/// Wired from above: may know every room.
const ANY: &[&str] = &["*"];

/// What one file names: top-level modules of this crate, and libraries.
#[derive(Default)]
struct Named {
    rooms: BTreeSet<String>,
    libraries: BTreeSet<String>,
}

/// The module path of a file below `src`: `store/sqlite/rows.rs` is `["store", "sqlite", "rows"]`.
fn module_of(file: &Path) -> Vec<String> {
    let mut path: Vec<String> = file.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let last = path.pop().unwrap();
    match last.trim_end_matches(".rs") {
        "mod" | "lib" => {}
        name => path.push(name.to_owned()),
    }
    path
}

/// Flattens source into its paths: `use crate::{a, b::c}` gives `crate::a` and `crate::b::c`.
fn paths(tokens: TokenStream, prefix: &[String], out: &mut Vec<Vec<String>>) {
    let mut current = prefix.to_vec();
    let mut after_colons = !prefix.is_empty();
    let mut tokens = tokens.into_iter().peekable();
    let mut finish = |current: &mut Vec<String>| {
        if current.len() > prefix.len() {
            out.push(std::mem::take(current));
        }
        *current = prefix.to_vec();
    };
    let mut nested = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) => {
                if !after_colons {
                    finish(&mut current);
                    current.clear();
                }
                current.push(ident.to_string().trim_start_matches("r#").to_owned());
                after_colons = false;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                let double = matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
                if double {
                    tokens.next();
                    after_colons = true;
                }
            }
            TokenTree::Group(group) => {
                let inner = if after_colons { current.clone() } else { Vec::new() };
                nested.push((group.stream(), inner));
                finish(&mut current);
                after_colons = !prefix.is_empty();
            }
            _ => {
                finish(&mut current);
                after_colons = !prefix.is_empty();
            }
        }
    }
    finish(&mut current);
    for (stream, inner) in nested {
        paths(stream, &inner, out);
    }
}

/// The top-level module that a path names, seen from `module`; `None` for a path of another kind.
fn resolve(path: &[String], module: &[String]) -> Option<String> {
    let mut at: Vec<String> = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => module.to_vec(),
        _ => return None,
    };
    for part in path {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => {
                at.pop();
            }
            name => at.push(name.to_owned()),
        }
    }
    at.into_iter().next()
}

fn named(source: &str, module: &[String]) -> Named {
    let file = syn::parse_file(source).expect("the source parses");
    let mut found = Vec::new();
    paths(quote::ToTokens::into_token_stream(file), &[], &mut found);
    let mut named = Named::default();
    for path in found {
        match resolve(&path, module) {
            Some(room) => drop(named.rooms.insert(room)),
            // A lone identifier is a local name; a library is named by a path through it.
            None if path.len() > 1 => drop(named.libraries.insert(path.into_iter().next().unwrap())),
            None => {}
        }
    }
    named
}

fn rooms() -> BTreeSet<&'static str> {
    HOUSE.iter().map(|room| room.name).collect()
}

/// What a file does that its room doesn't allow.
fn trespasses(file: &Path, source: &str) -> Vec<String> {
    let module = module_of(file);
    let Some(own) = module.first() else { return Vec::new() };
    let Some(room) = HOUSE.iter().find(|room| room.name == own) else {
        return vec![format!("{}: module `{own}` is not in the table of tests/architecture.rs", file.display())];
    };
    let named = named(source, &module);
    let known_rooms = rooms();
    let neighbours = named.rooms.iter().filter(|name| known_rooms.contains(name.as_str()) && *name != own);
    let unwelcome = neighbours.filter(|name| room.may_know != ANY && !room.may_know.contains(&name.as_str()));
    let rooms = unwelcome.map(|name| format!("{}: `{own}` may not know `{name}`", file.display()));
    let banned = named.libraries.iter().filter(|name| room.banned.contains(&name.as_str()));
    rooms.chain(banned.map(|name| format!("{}: `{own}` may not use `{name}`", file.display()))).collect()
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn every_module_keeps_to_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 20, "the sources were not found");
    let all = files
        .iter()
        .flat_map(|file| trespasses(file.strip_prefix(&root).unwrap(), &std::fs::read_to_string(file).unwrap()));
    let found: Vec<String> = all.collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Files that no database compiles would be judged by nobody, and files that only one does would say the same in two places.
#[test]
fn what_the_databases_say_alike_is_compiled_for_each() {
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut shared = Vec::new();
    sources(&store.join("sql"), &mut shared);
    assert!(shared.len() > 5, "the shared files were not found");
    for database in ["sqlite", "postgres"] {
        let modules = std::fs::read_to_string(store.join(database).join("mod.rs")).unwrap();
        for file in &shared {
            let name = file.file_name().unwrap().to_string_lossy();
            assert!(modules.contains(&format!("#[path = \"../sql/{name}\"]")), "{database} leaves out {name}");
        }
    }
}

#[test]
fn a_trespass_is_found_wherever_it_stands() {
    let planted = [
        ("api/webhooks.rs", "use crate::{model::ids, store::Store};", "`api` may not know `store`"),
        ("api/webhooks.rs", "fn f() { let x = crate::deliver::cap(); }", "`api` may not know `deliver`"),
        ("model/ids.rs", "fn f(x: super::super::clock::Clock) {}", "`model` may not know `clock`"),
        ("store/mod.rs", "fn f() { vec![super::send::Reply::new()]; }", "`store` may not know `send`"),
        ("store/sqlite/rows.rs", "use super::super::super::retry;", "`store` may not know `retry`"),
        ("format/mod.rs", "fn f() -> tokio::time::Instant { todo!() }", "`format` may not use `tokio`"),
        ("gadgets.rs", "", "not in the table"),
    ];
    for (file, source, expected) in planted {
        let found = trespasses(Path::new(file), source).join("\n");
        assert!(found.contains(expected), "{file}: {source} gave '{found}'");
    }
}

#[test]
fn what_is_allowed_is_not_reported() {
    let allowed = [
        ("deliver/pipeline.rs", "use crate::store::{Store, StoreError}; use super::dispatcher::Cap;"),
        ("store/sqlite/mod.rs", "use super::super::vault::Vault; use sqlx::query;"),
        ("cli/mod.rs", "use crate::app::App;"),
        ("lib.rs", "pub mod model;"),
    ];
    for (file, source) in allowed {
        assert_eq!(trespasses(Path::new(file), source), Vec::<String>::new(), "{source}");
    }
}
