//! What was built is what the host accepts: components that export the contract and import nothing but its log and WASI 0.2.

use wasmparser::{Parser, Payload, Validator};
use waxwing_bundle::{faulty, plugins};

/// Everything that the host links, closed. Anything else is refused at upload.
const WASI: [&str; 5] = ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/"];

/// The second holds types alone: nothing to call.
const OWN: [&str; 2] = ["waxwing:plugin/log@0.1.0", "waxwing:plugin/types@0.1.0"];
const TRANSFORMER: &str = "waxwing:plugin/transformer@0.1.0";
const RESPONSE: &str = "waxwing:plugin/response@0.1.0";

struct Surface {
    imports: Vec<String>,
    exports: Vec<String>,
}

/// Of the outermost component; those nested in it only wire it up.
fn surface(wasm: &[u8]) -> Surface {
    let mut surface = Surface { imports: Vec::new(), exports: Vec::new() };
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.expect("parses") {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                surface.imports.extend(section.into_iter().map(|import| import.expect("parses").name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                surface.exports.extend(section.into_iter().map(|export| export.expect("parses").name.name.to_owned()));
            }
            _ => {}
        }
    }
    surface
}

fn all() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    plugins().iter().map(|plugin| (plugin.name, plugin.wasm)).chain([("faulty", faulty())])
}

#[test]
fn every_plugin_is_a_valid_component() {
    for (name, wasm) in all() {
        assert!(Parser::is_component(wasm), "{name} is no component");
        Validator::new().validate_all(wasm).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn every_plugin_exports_the_contract_and_imports_only_what_the_host_closes() {
    for (name, wasm) in all() {
        let Surface { imports, exports } = surface(wasm);
        assert!(exports.iter().any(|export| export == TRANSFORMER), "{name} exports {exports:?}");
        assert!(exports.iter().all(|export| export == TRANSFORMER || export == RESPONSE), "{name} exports {exports:?}");
        for import in imports {
            let wasi = WASI.iter().any(|prefix| import.starts_with(prefix)) && import.contains("@0.2.");
            assert!(wasi || OWN.contains(&import.as_str()), "{name} imports {import}");
        }
    }
}

#[test]
fn who_needs_no_clock_imports_no_function() {
    for plugin in plugins().iter().filter(|plugin| !["filter", "hubspot"].contains(&plugin.name)) {
        let imports = surface(plugin.wasm).imports;
        assert!(imports.iter().all(|import| import == OWN[1]), "{} imports {imports:?}", plugin.name);
    }
}

#[test]
fn only_who_judges_replies_exports_the_response_interface() {
    let judges = |wasm| surface(wasm).exports.iter().any(|export| export == RESPONSE);
    assert!(judges(faulty()));
    for plugin in plugins().iter().filter(|plugin| ["filter", "redact", "template"].contains(&plugin.name)) {
        assert!(!judges(plugin.wasm), "{}", plugin.name);
    }
}

#[test]
fn no_two_plugins_have_one_name() {
    let mut names: Vec<_> = plugins().iter().map(|plugin| plugin.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), plugins().len());
}
