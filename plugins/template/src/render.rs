//! minijinja set up for one call: which variables there are, what a missing one does, how values are written.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value};
use waxwing_guest::{Event, Failure, Secret, Webhook};

use crate::{
    Missing,
    escape::{self, Place},
};

pub(crate) struct Renderer {
    environment: Environment<'static>,
}

impl Renderer {
    pub(crate) fn new(missing: Missing) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(match missing {
            Missing::Fail => UndefinedBehavior::Strict,
            Missing::Empty => UndefinedBehavior::Chainable,
        });
        environment.set_auto_escape_callback(|name| match Place::named(name) {
            Some(place) => AutoEscape::Custom(place.name().into()),
            None => AutoEscape::None,
        });
        environment.set_formatter(|out, state, value| {
            let place = match state.auto_escape() {
                AutoEscape::Custom(name) => Place::named(name),
                // `{% autoescape false %}`: the template's author means it.
                _ => None,
            };
            escape::write(out, place.unwrap_or(Place::Plain), value)
        });
        Renderer { environment }
    }

    /// Whether it is a template at all.
    pub(crate) fn check(&self, place: Place, text: &str) -> Result<(), String> {
        self.environment.template_from_named_str(place.name(), text).map(drop).map_err(|error| describe(&error))
    }

    pub(crate) fn render(&self, place: Place, text: &str, context: &Value) -> Result<String, String> {
        self.environment.render_named_str(place.name(), text, context.clone()).map_err(|error| describe(&error))
    }
}

/// What a template can name.
pub(crate) fn context(event: &Event, webhook: &Webhook, secret: Option<&Secret>) -> Result<Value, Failure> {
    let data: Value = event.json()?;
    let text = |text: &str| Value::from(text);
    let mut variables = BTreeMap::from([
        ("type", text(&event.event_type)),
        ("id", text(&event.id)),
        ("timestamp", text(&event.timestamp())),
        ("tenant", text(event.tenant())),
        ("environment", text(event.environment())),
        ("data", data),
        ("webhook", Value::from_pairs([("id", text(&webhook.id)), ("origin", text(&webhook.origin))])),
    ]);
    if let Some(secret) = secret {
        variables.insert("secret", text(secret.placeholder()));
    }
    Ok(Value::from_pairs(variables))
}

fn describe(error: &Error) -> String {
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    match error.line() {
        Some(line) => format!("{what} in line {line}"),
        None => what,
    }
}
