//! `filter`: lets through the events that a jq expression is true of, and drops the others.
//!
//! Never changes an event. The language is jq as jaq speaks it, with its whole prelude. Next: `program.rs`.

mod prelude;
mod program;
#[cfg(test)]
mod tests;

use jaq_json::{Map, Val, read};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use waxwing_guest::{Event, Failure, Issue, Plugin, Sample, Verdict, Webhook};

use crate::program::{Answer, Program};

pub struct Filter;

/// Which events go through. The language is named so that others can join.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A jq expression over `{type, id, timestamp, tenant, environment, data}`. The event goes through if the first output
    /// is neither `false` nor `null`; it is dropped if there is no output at all. An error fails the delivery: write `?`
    /// or `//` where a field may be missing or of another type.
    #[schemars(length(min = 1, max = 8192), example = ".data.amount >= 100 and .data.currency == \"EUR\"")]
    jq: String,
}

impl Settings {
    fn program(&self) -> Result<Program, Issue> {
        Program::compile(&self.jq).map_err(|error| Issue::new("/jq", error.to_string()))
    }
}

impl Plugin for Filter {
    type Settings = Settings;

    fn samples() -> Vec<Sample> {
        let order = include_bytes!("../samples/order.paid.json");
        let sample = |name, jq| Sample::new(name, "order.paid", order, &json!({ "jq": jq }));
        vec![
            sample("big-order", ".data.amount >= 100"),
            sample("small-order", ".data.amount >= 1000"),
            sample("with-prelude", "(.type | test(\"^order\\\\.\")) and (.data.items | any(.sku == \"B-2\"))"),
            sample("select", "select(.environment == \"staging\")"),
            sample("error", ".data.amount.value > 3"),
        ]
    }

    fn settings_schema() -> String {
        include_str!("../settings-schema.json").to_owned()
    }

    fn validate_settings(settings: &Settings) -> Result<(), Vec<Issue>> {
        settings.program().map(drop).map_err(|issue| vec![issue])
    }

    fn transform(event: Event, settings: Settings, _: &Webhook) -> Result<Verdict, Failure> {
        let program = settings.program()?;
        match program.ask(input(event)?) {
            Ok(Answer::Yes) => Ok(Verdict::Pass),
            Ok(Answer::No(output)) => Ok(Verdict::drop(format!("the filter's output is {output}"))),
            Ok(Answer::Nothing) => Ok(Verdict::drop("the filter has no output")),
            Err(error) => Err(Failure::other(format!("jq: {}", cut(&error)))),
        }
    }
}

fn input(event: Event) -> Result<Val, Failure> {
    let data = read::parse_single(&event.data)
        .map_err(|error| Failure::invalid_event(format!("the data isn't JSON: {error}")))?;
    let members = [
        ("type", Val::from(event.event_type.clone())),
        ("id", Val::from(event.id.clone())),
        ("timestamp", Val::from(event.timestamp())),
        ("tenant", Val::from(event.tenant().to_owned())),
        ("environment", Val::from(event.environment().to_owned())),
        ("data", data),
    ];
    let members: Map = members.into_iter().map(|(key, value)| (Val::from(key.to_owned()), value)).collect();
    Ok(Val::obj(members))
}

/// jq's errors quote the values they are about, which may be the whole event.
fn cut(error: &str) -> String {
    const LIMIT: usize = 300;
    match error.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", error.get(..end).unwrap_or_default()),
        None => error.to_owned(),
    }
}

waxwing_guest::export!(Filter);
