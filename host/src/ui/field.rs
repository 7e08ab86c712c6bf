//! The fields of a form as they are shown: with what was typed, and what is wrong with it.

use std::borrow::Cow;

use askama::Template;

use crate::service::{Issue, ServiceError};

use super::failure::{Failure, sentence};
use super::icon::Icon;

/// What is wrong with what was typed, by the JSON Pointer that the API would name.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Issue>);

impl Faults {
    /// Faults of the form are shown in it; anything else is a page of its own.
    pub(super) fn of(error: ServiceError) -> Result<Self, Failure> {
        match error {
            ServiceError::Invalid(issues) => Ok(Self(issues)),
            quota @ ServiceError::Quota { .. } => Ok(Self(vec![Issue::new("", "quota-exceeded", quota)])),
            other => Err(Failure::from(other)),
        }
    }

    pub(super) fn one(pointer: &str, detail: impl ToString) -> Self {
        Self(vec![Issue::new(pointer, "invalid-value", detail)])
    }

    /// What was typed, as `parse` reads it; `None` where nothing was, or with its fault noted.
    pub(super) fn parsed<V: AsRef<str>, T, E: ToString>(
        &mut self,
        pointer: &str,
        typed: Option<V>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let parsed = parse(typed?.as_ref());
        parsed.map_err(|error| self.0.push(Issue::new(pointer, "invalid-value", error))).ok()
    }

    /// As if what stands in one of these parts of the request were all of it.
    pub(super) fn outside(mut self, parts: &[&str]) -> Self {
        for issue in &mut self.0 {
            if let Some(inner) = parts.iter().find_map(|part| issue.pointer.strip_prefix(part)) {
                issue.pointer = inner.to_owned();
            }
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that concerns a field, or a part of it.
    pub(super) fn at(&self, pointer: &str) -> Option<String> {
        let concerns = |issue: &&Issue| match issue.pointer.strip_prefix(pointer) {
            Some(rest) => rest.is_empty() || (rest.starts_with('/') && !pointer.is_empty()),
            None => false,
        };
        let said: Vec<String> = self.0.iter().filter(concerns).map(|issue| sentence(&issue.detail)).collect();
        (!said.is_empty()).then(|| said.join(" "))
    }

    /// The list above the form: a link to each field of these (`pointer`, `id`, `label`) that has a fault, and the rest as it is.
    pub(super) fn summary(&self, fields: &[&Field]) -> Summary {
        let places: Vec<_> = fields.iter().map(|field| field.place()).collect();
        self.summary_of(&places)
    }

    /// The same, of whatever stands at these places: pointer, id and label of each.
    pub(super) fn summary_of(&self, fields: &[(&str, &str, &str)]) -> Summary {
        let mut lines: Vec<Line> = Vec::new();
        for (pointer, id, label) in fields {
            if let Some(detail) = self.at(pointer) {
                lines.push(Line { id: Some((*id).to_owned()), label: (*label).to_owned(), detail });
            }
        }
        let shown = |issue: &&Issue| {
            let within = |(pointer, ..): &(&str, &str, &str)| {
                let rest = issue.pointer.strip_prefix(pointer);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            !fields.iter().any(within)
        };
        for issue in self.0.iter().filter(shown) {
            lines.push(Line {
                id: None,
                label: issue.pointer.trim_start_matches('/').to_owned(),
                detail: sentence(&issue.detail),
            });
        }
        Summary { lines }
    }
}

/// Shown above a form that was refused; nothing, if it wasn't.
#[derive(Template, Default)]
#[template(path = "parts/summary.html")]
pub(super) struct Summary {
    lines: Vec<Line>,
}

struct Line {
    id: Option<String>,
    label: String,
    detail: String,
}

impl askama::filters::HtmlSafe for Summary {}

/// What one types into.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Of this type of `<input>`: `text`, `url`, `search`, `password`, `number`, …
    Line(&'static str),
    /// Several lines; so many are shown.
    Text(u8),
    /// To be ticked, which says `yes`; what it means is the label.
    Tick,
    /// Of files with this ending.
    File(&'static str),
    /// Value and label of each.
    Choice(Vec<(String, String)>),
}

/// A field of a form with its label, hint and fault.
#[derive(Template, Clone, Debug)]
#[template(path = "parts/field.html")]
pub(super) struct Field {
    id: String,
    name: Cow<'static, str>,
    label: Cow<'static, str>,
    kind: Kind,
    pointer: Cow<'static, str>,
    value: String,
    hint: Cow<'static, str>,
    error: Option<String>,
    required: bool,
    /// In the type of code: URLs, secrets, JSON.
    mono: bool,
    autocomplete: &'static str,
}

impl askama::filters::HtmlSafe for Field {}

impl Field {
    pub(super) fn new(name: impl Into<Cow<'static, str>>, label: impl Into<Cow<'static, str>>, kind: Kind) -> Self {
        let (name, pointer, value, hint) = (name.into(), Cow::Borrowed("\0"), String::new(), Cow::Borrowed(""));
        let (error, required, mono, autocomplete) = (None, false, false, "off");
        Self {
            id: id_of(&name),
            name,
            label: label.into(),
            kind,
            pointer,
            value,
            hint,
            error,
            required,
            mono,
            autocomplete,
        }
    }

    pub(super) fn value(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    pub(super) fn hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    pub(super) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(super) fn mono(self) -> Self {
        Self { mono: true, ..self }
    }

    /// Not what the browser keeps for this site.
    pub(super) fn fresh(self) -> Self {
        Self { autocomplete: "new-password", ..self }
    }

    /// With what is wrong at this JSON Pointer.
    pub(super) fn judged(self, pointer: impl Into<Cow<'static, str>>, faults: &Faults) -> Self {
        let pointer = pointer.into();
        Self { error: faults.at(&pointer), pointer, ..self }
    }

    /// Pointer, id and label, for the list above the form.
    pub(super) fn place(&self) -> (&str, &str, &str) {
        (&self.pointer, &self.id, &self.label)
    }

    /// The ids of what describes it.
    fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

/// The id of the field of this name.
pub(super) fn id_of(name: &str) -> String {
    let is_other = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
    format!("field-{}", name.replace(is_other, "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_stands_at_its_field_and_what_has_none_stands_above() {
        let issue = |pointer: &str, detail: &str| Issue::new(pointer, "code", detail);
        let faults = Faults(vec![issue("/events/2", "no such type"), issue("/urls", "other"), issue("", "whole")]);
        assert_eq!(faults.at("/events").as_deref(), Some("No such type."));
        assert_eq!(faults.at("/url"), None);
        let field = Field::new("events", "Events", Kind::Line("text")).judged("/events", &faults);
        let summary = faults.summary(&[&field]).to_string();
        assert!(summary.contains("href=\"#field-events\"") && summary.contains("Other.") && summary.contains("Whole."));
        assert!(field.to_string().contains("aria-describedby=\"field-events-error\""), "{field}");
    }
}
