//! The playground: an event and settings in, verdict, log and cost out. Sends nothing.

use serde_json::value::RawValue;

use crate::model::attempt::Cost;
use crate::model::fault::Fault;
use crate::model::plugin::Plugin;
use crate::service::{Ran, RunInput, TrialEvent, Verdict};
use crate::ui::diff::Diff;
use crate::ui::field::{Faults, Field, Kind};
use crate::ui::form::Posted;
use crate::ui::json::{in_lines, typed};
use crate::ui::show::Badge;
use crate::ui::units::count;

/// How a run ended, to be shown.
pub(super) struct Outcome {
    pub(super) badge: Badge,
    /// In a sentence.
    pub(super) said: String,
    pub(super) diff: Option<Diff>,
    pub(super) request: Option<Request>,
    pub(super) log: Vec<LogLine>,
    pub(super) log_dropped: u32,
    pub(super) cost: Vec<(&'static str, String)>,
}

pub(super) struct Request {
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) body: String,
}

pub(super) struct LogLine {
    pub(super) level: String,
    pub(super) message: String,
}

/// What is there before anybody types: the plugin's own sample with this number.
pub(super) fn sample(plugin: &Plugin, number: usize) -> Posted {
    let manifest = &plugin.manifest;
    let usual =
        || manifest.event_types.iter().find(|name| !name.contains('*')).map_or("license.activated", String::as_str);
    match manifest.samples.get(number) {
        Some(sample) => Posted::of_fields(&[
            ("type", &sample.event_type),
            ("data", &in_lines(&sample.data)),
            ("settings", &in_lines(&sample.settings)),
        ]),
        None => Posted::of_fields(&[("type", usual()), ("settings", "{}")]),
    }
}

pub(super) fn fields(typed: &Posted, faults: &Faults) -> [Field; 3] {
    [
        Field::new("type", "Event type", Kind::Line("text"))
            .value(typed.get("type"))
            .required()
            .mono()
            .judged("/event/type", faults),
        Field::new("data", "Data", Kind::Text(8))
            .value(typed.get("data"))
            .hint("JSON. The catalogue’s sample of the type, if empty.")
            .mono()
            .judged("/event/data", faults),
        Field::new("settings", "Settings", Kind::Text(6))
            .value(typed.get("settings"))
            .hint("A JSON object that fits the plugin’s schema.")
            .mono()
            .judged("/settings", faults),
    ]
}

/// What was typed, as the service takes it.
pub(super) fn input(posted: &Posted, version: &str) -> Result<RunInput, Faults> {
    let mut faults = Faults::default();
    let event_type = faults.parsed("/event/type", posted.filled("type"), str::parse);
    let data = faults.parsed("/event/data", posted.filled("data"), |text| {
        RawValue::from_string(text.to_owned()).map_err(|error| format!("isn't JSON: {error}"))
    });
    let settings = faults.parsed("/settings", posted.filled("settings"), typed);
    let event = TrialEvent { event_type, data, ..TrialEvent::default() };
    let input = RunInput { version: Some(version.to_owned()), event, settings };
    if faults.is_empty() { Ok(input) } else { Err(faults) }
}

impl Outcome {
    pub(super) fn new(ran: Ran) -> Self {
        let Ran { plugin, event, run } = ran;
        let before = text(&event.data.bytes);
        let (mut diff, mut request) = (None, None);
        let (badge, said) = match run.result {
            Ok(Verdict::Pass) => (Badge::good("pass"), "The data goes on as it came.".to_owned()),
            Ok(Verdict::Replace(after)) => {
                diff = Diff::new("What it changes in the data, by lines", &in_lines(&before), &in_lines(&text(&after)));
                (Badge::good("replace"), "Other data goes on in its place.".to_owned())
            }
            Ok(Verdict::Send(draft)) => {
                let line = |name: &str, value: &str| format!("{name}: {value}");
                let headers: Vec<String> = draft.headers.iter().map(|each| line(&each.name, &each.value)).collect();
                let query: Vec<String> = draft.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let facts = vec![
                    ("Method", draft.method.as_str().to_owned()),
                    ("Origin", draft.origin.clone().unwrap_or_default()),
                    ("Path", draft.path.clone().unwrap_or_default()),
                    ("Query", query.join("&")),
                    ("Headers", headers.join("\n")),
                    ("Content type", draft.content_type.clone()),
                ];
                let facts = facts.into_iter().filter(|(_, value)| !value.is_empty()).collect();
                request = Some(Request { facts, body: in_lines(&text(&draft.body)) });
                (Badge::good("send"), "It makes the whole request, which is then signed and sent.".to_owned())
            }
            Ok(Verdict::Drop(reason)) => (Badge::idle("drop"), format!("Nothing is sent: {reason}")),
            Err(kind) => {
                let name = format!("{}@{}", plugin.manifest.name, plugin.manifest.version);
                (Badge::bad("fault"), Fault { plugin: name, kind }.to_string())
            }
        };
        let log = run
            .log
            .iter()
            .map(|line| LogLine { level: format!("{:?}", line.level).to_lowercase(), message: line.message.clone() });
        Self { badge, said, diff, request, log: log.collect(), log_dropped: run.log_dropped, cost: cost(run.cost) }
    }
}

fn cost(cost: Cost) -> Vec<(&'static str, String)> {
    vec![
        ("Fuel", format!("{} of {} instructions", count(cost.fuel), count(cost.fuel_limit))),
        ("Memory", format!("{} of {}", super::size(cost.memory), super::size(cost.memory_limit))),
        ("Time", format!("{} µs", count(cost.micros))),
    ]
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
