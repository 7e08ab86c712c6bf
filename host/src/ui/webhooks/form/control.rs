//! One field of the form of a webhook. Unlike [`crate::ui::field::Field`], its name and label may come from what is stored.

use askama::Template;

use crate::ui::field::Faults;
use crate::ui::icon::Icon;

#[derive(Clone, Debug)]
pub(in crate::ui::webhooks) enum Kind {
    /// Of this type of `<input>`.
    Line(&'static str),
    /// Of as many lines.
    Text(u8),
    /// Value and label of each.
    Choice(Vec<(String, String)>),
    /// Its value is `yes` where it is checked.
    Check,
}

#[derive(Template, Clone, Debug)]
#[template(path = "webhooks/control.html")]
pub(in crate::ui::webhooks) struct Control {
    id: String,
    name: String,
    label: String,
    kind: Kind,
    pointer: String,
    value: String,
    hint: String,
    error: Option<String>,
    required: bool,
    mono: bool,
}

impl askama::filters::HtmlSafe for Control {}

/// The id of the field of this name.
pub(in crate::ui::webhooks) fn id_of(name: &str) -> String {
    format!("field-{}", name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-"))
}

impl Control {
    pub(in crate::ui::webhooks) fn new(name: &str, label: &str, kind: Kind) -> Self {
        let id = id_of(name);
        let (name, label, pointer) = (name.to_owned(), label.to_owned(), "\0".to_owned());
        let (value, hint, error) = (String::new(), String::new(), None);
        Self { id, name, label, kind, pointer, value, hint, error, required: false, mono: false }
    }

    pub(in crate::ui::webhooks) fn value(self, value: &str) -> Self {
        Self { value: value.to_owned(), ..self }
    }

    pub(in crate::ui::webhooks) fn hint(self, hint: &str) -> Self {
        Self { hint: hint.to_owned(), ..self }
    }

    pub(in crate::ui::webhooks) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(in crate::ui::webhooks) fn mono(self) -> Self {
        Self { mono: true, ..self }
    }

    /// With what is wrong at this JSON Pointer.
    pub(in crate::ui::webhooks) fn judged(self, pointer: &str, faults: &Faults) -> Self {
        Self { pointer: pointer.to_owned(), error: faults.at(pointer), ..self }
    }

    /// Pointer, id and label, for the list above the form.
    pub(in crate::ui::webhooks) fn place(&self) -> (&str, &str, &str) {
        (&self.pointer, &self.id, &self.label)
    }

    /// The ids of what describes it.
    fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}
