//! Which stored secrets a stage of the form gets. The service gives a stage those of the first stage of the same plugin that is left, in
//! their order. Where that isn't the stage that these fields were filled from, a secret would go where nobody meant it to.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::plugin::Stage;
use crate::service::webhooks::MASK;
use crate::ui::field::Faults;

/// A stage of the form: its plugin's name, and the place in the stored chain that its fields were filled from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) name: &'a str,
    pub(super) was: Option<usize>,
}

/// The secrets of one stage, by JSON Pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Secrets {
    /// Stay where their field is left empty.
    pub(super) kept: BTreeSet<String>,
    /// Must be typed again: the service would give another stage's, or none.
    pub(super) lost: BTreeSet<String>,
}

impl Secrets {
    /// Notes those that must be typed again, and weren't.
    pub(super) fn judge(&self, settings: &Value, at: &str, faults: &mut Faults) {
        for pointer in &self.lost {
            let is_absent = settings.pointer(pointer).is_none_or(|value| value.as_str() == Some(MASK));
            let asked = |_: &str| match is_absent {
                true => Err("type this again: another plugin of the same name stood here before"),
                false => Ok(()),
            };
            faults.parsed(&format!("{at}{pointer}"), Some(""), asked);
        }
    }
}

/// Of each stage of the form, in their order.
pub(super) fn secrets(origins: &[Origin<'_>], old: &[Stage]) -> Vec<Secrets> {
    let mut before: Vec<(usize, &Stage)> = old.iter().enumerate().collect();
    let one = |origin: &Origin<'_>| {
        let same = before.iter().position(|(_, stage)| stage.name == origin.name);
        let given = same.map(|found| before.remove(found));
        let times = |names: &mut dyn Iterator<Item = &str>| names.filter(|name| *name == origin.name).count();
        let is_alone = times(&mut origins.iter().map(|origin| origin.name)) <= 1
            && times(&mut old.iter().map(|stage| stage.name.as_str())) <= 1;
        let pointers = |stage: &Stage| stage.secrets.keys().cloned().collect::<BTreeSet<String>>();
        if is_alone || given.map(|(index, _)| index) == origin.was {
            return Secrets { kept: given.map(|(_, stage)| pointers(stage)).unwrap_or_default(), ..Secrets::default() };
        }
        let own = origin.was.and_then(|index| old.get(index)).filter(|stage| stage.name == origin.name);
        let lost = given.map(|(_, stage)| stage).into_iter().chain(own).flat_map(pointers).collect();
        Secrets { lost, ..Secrets::default() }
    };
    origins.iter().map(one).collect()
}
