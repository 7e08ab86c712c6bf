//! What commands print: text and tables for people, or JSON and nothing else.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;

use comfy_table::{ContentArrangement, Table};
use serde_json::{Value, json};

use super::Failure;

pub(super) struct Printer {
    json: bool,
}

impl Printer {
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether somebody sits there and reads: what only he may know can be shown, and stands in no log.
    pub(super) fn is_watched(&self) -> bool {
        !self.json && std::io::stdout().is_terminal()
    }

    /// A line for people; nothing with `--json`.
    pub(super) fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        if self.json { Ok(()) } else { self.write(&text) }
    }

    /// The command's result as JSON, whether or not `--json` was given.
    pub(super) fn value(&mut self, value: &Value) -> Result<(), Failure> {
        if self.json { self.write(value) } else { self.write(&format_args!("{value:#}")) }
    }

    /// The command's result: JSON with `--json`, else this text.
    pub(super) fn result(&mut self, value: &Value, text: impl Display) -> Result<(), Failure> {
        if self.json { self.write(value) } else { self.write(&text) }
    }

    /// One line of JSON for each, else a table.
    pub(super) fn table(&mut self, value: &Value, header: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
        let mut table = Table::new();
        table.set_content_arrangement(ContentArrangement::Disabled).set_header(header.iter().copied());
        table.add_rows(rows);
        self.result(value, table)
    }

    /// Tells why the command failed, on standard error.
    pub(super) fn failure(&mut self, failure: &Failure) -> ExitCode {
        let text = if self.json {
            json!({ "error": failure.to_string(), "exitCode": failure.code() }).to_string()
        } else {
            format!("waxwing: {failure}")
        };
        // Where even that can't be written, the exit code still tells.
        let _ = writeln!(std::io::stderr(), "{text}");
        ExitCode::from(failure.code())
    }

    fn write(&mut self, text: &dyn Display) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            // Whoever read it has read enough (`| head`).
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::Failed(format!("can't print: {error}"))),
            Ok(()) => Ok(()),
        }
    }
}

/// A member of a JSON answer as text; a dash where there is none.
pub(super) fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The rows of a list answer.
pub(super) fn rows(value: &Value, columns: &[&str]) -> Vec<Vec<String>> {
    let list = value.pointer("/data").and_then(Value::as_array);
    list.into_iter().flatten().map(|row| columns.iter().map(|column| text(row, column)).collect()).collect()
}
