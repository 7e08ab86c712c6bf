//! The manifest's samples against files: what a plugin makes of each, written down and reviewed like code.

use std::{collections::BTreeSet, fs, io, path::Path};

use serde_json::Value;

use super::{event, run, show};
use crate::{Plugin, Sample, export};

/// Runs every sample of [`Plugin::samples`] and compares what comes out with `golden/NAME.json` in the crate's folder
/// (`env!("CARGO_MANIFEST_DIR")`). A `settings-schema.json` in the crate's folder is compared with the schema derived from the
/// settings' type. With `UPDATE_GOLDEN=1` in the environment it writes the files instead; read the diff before you commit it.
///
/// # Panics
/// If an output differs or has no file, a file has no sample, the settings of a sample couldn't be saved, a verdict breaks
/// the contract, there are no samples at all, or [`Plugin::settings_schema`] isn't what the settings' type says.
pub fn golden<P: Plugin>(crate_folder: &str) {
    let folder = Path::new(crate_folder).join("golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let samples = P::samples();
    assert!(!samples.is_empty(), "the plugin has no samples");

    let mut problems = Vec::new();
    let mut names = BTreeSet::new();
    for sample in &samples {
        let name = format!("{}.json", sample.name);
        let path = folder.join(&name);
        let made = output::<P>(sample);
        if update {
            write(&path, &made);
        } else if let Some(problem) = difference(&path, &made) {
            problems.push(problem);
        }
        assert!(names.insert(name), "two samples are called {:?}", sample.name);
    }
    problems.extend(strangers(&folder, &names));
    problems.extend(schema::<P>(&Path::new(crate_folder).join("settings-schema.json"), update));
    assert!(problems.is_empty(), "{}\nUPDATE_GOLDEN=1 writes the files anew.", problems.join("\n"));
}

fn schema<P: Plugin>(path: &Path, update: bool) -> Option<String> {
    let derived = match serde_json::from_str::<Value>(&export::settings_schema::<P::Settings>()) {
        Ok(derived) => derived,
        Err(error) => panic!("the derived schema isn't JSON: {error}"),
    };
    let text = format!("{derived:#}\n");
    if path.exists() {
        if !update {
            return difference(path, &text);
        }
        // What the plugin says comes from this file, at the next build.
        write(path, &text);
        return None;
    }
    let told = super::schema::<P>();
    (told != derived).then(|| format!("the settings' schema is\n{told:#}\nbut their type says\n{derived:#}"))
}

fn output<P: Plugin>(sample: &Sample) -> String {
    let settings: Value = match serde_json::from_str(&sample.settings) {
        Ok(settings) => settings,
        Err(error) => panic!("sample {:?}: settings: {error}", sample.name),
    };
    let mut event = event(&sample.event_type, &Value::Null);
    event.data.clone_from(&sample.data);
    format!("{:#}\n", show(&run::<P>(event, settings)))
}

fn difference(path: &Path, made: &str) -> Option<String> {
    match fs::read_to_string(path) {
        Ok(golden) if golden == made => None,
        Ok(golden) => Some(format!("{}:\n--- golden\n{golden}\n--- made\n{made}", path.display())),
        Err(error) => Some(format!("{}: {error}\n--- made\n{made}", path.display())),
    }
}

fn strangers(folder: &Path, names: &BTreeSet<String>) -> Vec<String> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return vec![format!("{}: {error}", folder.display())],
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| !names.contains(&*entry.file_name().to_string_lossy()))
        .map(|entry| format!("{}: no sample is called that", entry.path().display()))
        .collect()
}

fn write(path: &Path, text: &str) {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written: io::Result<()> = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    if let Err(error) = written {
        panic!("{}: {error}", path.display());
    }
}
