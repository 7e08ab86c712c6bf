//! Reads the `.d` file that cargo writes beside a component: every source that went into it, the SDK's and the embedded
//! samples among them.

use std::{fs, path::Path};

/// Tells the outer cargo to run this script again when one of the sources changes.
pub(crate) fn watch(file: &Path) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    for source in sources(&text) {
        println!("cargo::rerun-if-changed={source}");
    }
    Ok(())
}

/// `output: source source …`, a space within a path as `\ `.
fn sources(text: &str) -> Vec<String> {
    let Some((_, list)) = text.split_once(": ") else {
        return Vec::new();
    };
    let mut sources = vec![String::new()];
    let mut characters = list.trim_end().chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = character == '\\' && characters.peek() == Some(&' ');
        match character {
            ' ' => sources.push(String::new()),
            _ => {
                let character = if escaped { characters.next().unwrap_or(' ') } else { character };
                if let Some(last) = sources.last_mut() {
                    last.push(character);
                }
            }
        }
    }
    sources.retain(|source| !source.is_empty());
    sources
}
