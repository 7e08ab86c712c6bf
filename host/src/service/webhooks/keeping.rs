//! Which stage of the chain before each stage of a new one was: its secrets stay where the request masks them or leaves them out.
//!
//! What the request says (`was`) counts first, then equal settings, then being the only one left of its plugin. Where several could be
//! meant and a secret hangs on it, nobody guesses: it would go to another's receiver.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::plugin::Stage;
use crate::service::patch::Patch;

use super::settings::split;

/// A stage of the request, with the plugin that it names.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) schema: &'a Value,
    pub(super) settings: Option<&'a Value>,
    pub(super) was: &'a Patch<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept<'a> {
    Nothing,
    Of(&'a Stage),
    /// Of one of these.
    Unclear(Vec<&'a Stage>),
}

/// For each of them; each stage of the old chain is given once.
pub(super) fn kept<'a>(wanted: &[Wanted<'_>], old: &'a [Stage]) -> Vec<Kept<'a>> {
    let mut left: Vec<Option<&'a Stage>> = old.iter().map(Some).collect();
    let mut found: Vec<Option<Kept<'a>>> = wanted.iter().map(|one| said(one, &mut left)).collect();
    for index in unsettled(&found) {
        let Some(one) = wanted.get(index) else { continue };
        let others = unsettled(&found).into_iter().filter_map(|other| wanted.get(other));
        let twins = others.filter(|other| other.name == one.name && plain(other) == plain(one)).count();
        let kept = equal(one, twins, &mut left);
        if let Some(place) = found.get_mut(index) {
            *place = kept;
        }
    }
    let open = unsettled(&found);
    for index in &open {
        let Some(one) = wanted.get(*index) else { continue };
        let rivals = open.iter().filter_map(|other| wanted.get(*other)).filter(|other| other.name == one.name).count();
        let candidates: Vec<&Stage> = left.iter().flatten().copied().filter(|stage| stage.name == one.name).collect();
        let kept = match candidates[..] {
            [] => Kept::Nothing,
            [only] if rivals == 1 => Kept::Of(only),
            _ if candidates.iter().all(|stage| stage.secrets.is_empty()) => Kept::Nothing,
            _ => Kept::Unclear(candidates),
        };
        if let Some(place) = found.get_mut(*index) {
            *place = Some(kept);
        }
    }
    found.into_iter().map(|kept| kept.unwrap_or(Kept::Nothing)).collect()
}

fn said<'a>(wanted: &Wanted<'_>, left: &mut [Option<&'a Stage>]) -> Option<Kept<'a>> {
    match wanted.was {
        Patch::Keep => None,
        Patch::Reset => Some(Kept::Nothing),
        Patch::Set(index) => {
            let own = left.get_mut(*index).filter(|stage| stage.is_some_and(|stage| stage.name == wanted.name));
            Some(own.and_then(Option::take).map_or(Kept::Nothing, Kept::Of))
        }
    }
}

/// Of equal ones the first, so that as many as before keep their order. Of fewer, with different secrets, any may be meant.
fn equal<'a>(wanted: &Wanted<'_>, twins: usize, left: &mut [Option<&'a Stage>]) -> Option<Kept<'a>> {
    let plain = plain(wanted);
    let is_same = |stage: &&Stage| {
        stage.name == wanted.name && serde_json::from_str::<Value>(&stage.settings).is_ok_and(|known| known == plain)
    };
    let same: Vec<&'a Stage> = left.iter().flatten().copied().filter(is_same).collect();
    let first = *same.first()?;
    if twins < same.len() && same.iter().any(|stage| stage.secrets != first.secrets) {
        return Some(Kept::Unclear(same));
    }
    let place = left.iter_mut().find(|stage| stage.is_some_and(|stage| std::ptr::eq(stage, first)));
    place.and_then(Option::take).map(Kept::Of)
}

/// The settings without what is secret in them.
fn plain(wanted: &Wanted<'_>) -> Value {
    let given = wanted.settings.cloned().unwrap_or_else(|| Value::Object(Map::new()));
    split(wanted.schema, given, &BTreeMap::new()).settings
}

/// Those of which nothing is known yet.
fn unsettled(found: &[Option<Kept<'_>>]) -> Vec<usize> {
    let unknown = found.iter().enumerate().filter(|(_, kept)| kept.is_none());
    unknown.map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::plugin::{Classifies, Digest, OnError};
    use crate::model::secret::Secret;

    fn stage(name: &str, settings: &Value, secret: Option<&str>) -> Stage {
        let secrets = secret.map(|secret| ("/key".to_owned(), Secret::new(secret)));
        Stage {
            digest: Digest([0; 32]),
            name: name.to_owned(),
            version: semver::Version::new(1, 0, 0),
            settings: settings.to_string().into(),
            secrets: secrets.into_iter().collect::<BTreeMap<_, _>>(),
            on_error: OnError::Fail,
            classifies: Classifies::Nothing,
        }
    }

    /// Of each wanted stage, the number of the old one, `-` for nothing, `?` where it is unclear.
    fn told(old: &[Stage], wanted: &[(&str, Value, Patch<usize>)]) -> String {
        let schema = json!({ "properties": { "key": { "type": "string", "format": "secret" } } });
        let wanted: Vec<Wanted<'_>> = wanted
            .iter()
            .map(|(name, settings, was)| Wanted { name, schema: &schema, settings: Some(settings), was })
            .collect();
        let number = |stage: &Stage| old.iter().position(|known| std::ptr::eq(known, stage)).unwrap().to_string();
        let tell = |kept: Kept<'_>| match kept {
            Kept::Nothing => "-".to_owned(),
            Kept::Of(stage) => number(stage),
            Kept::Unclear(_) => "?".to_owned(),
        };
        kept(&wanted, old).into_iter().map(tell).collect()
    }

    #[test]
    fn each_stage_keeps_its_own_and_what_is_unclear_isnt_guessed() {
        let (a, b, c) = (json!({ "n": 1 }), json!({ "n": 2 }), json!({ "n": 3 }));
        let masked = json!({ "n": 2, "key": "********" });
        let old = [stage("x", &a, Some("first")), stage("x", &b, Some("second")), stage("y", &a, None)];
        let keep = || Patch::Keep;
        assert_eq!(told(&old, &[("x", masked, keep()), ("x", a.clone(), keep())]), "10");
        assert_eq!(told(&old, &[("x", c.clone(), keep()), ("x", a.clone(), keep()), ("y", c.clone(), keep())]), "102");
        assert_eq!(told(&old, &[("x", c.clone(), keep())]), "?");
        assert_eq!(told(&old, &[("x", c.clone(), keep()), ("x", json!({}), keep())]), "??");
        assert_eq!(told(&old, &[("x", c.clone(), Patch::Set(1)), ("x", c.clone(), Patch::Reset)]), "1-");
        assert_eq!(told(&old, &[("x", c.clone(), Patch::Set(2)), ("y", c.clone(), Patch::Set(9))]), "--");
        assert_eq!(told(&old[..1], &[("x", c.clone(), keep())]), "0");
        assert_eq!(told(&old[..1], &[("x", c.clone(), keep()), ("x", b, keep())]), "??");
        assert_eq!(told(&old[2..], &[("y", c.clone(), keep()), ("y", c, keep())]), "--");
    }

    #[test]
    fn of_equal_stages_as_many_as_before_keep_their_order_and_which_of_them_is_gone_isnt_guessed() {
        let (a, c) = (json!({ "n": 1 }), json!({ "n": 3 }));
        let pair = |secrets: [Option<&str>; 2]| secrets.map(|secret| stage("x", &a, secret));
        let old = pair([Some("first"), Some("second")]);
        let same = |was| ("x", json!({ "n": 1, "key": "********" }), was);
        let keep = || Patch::Keep;
        assert_eq!(told(&old, &[same(keep())]), "?");
        assert_eq!(told(&old, &[same(keep()), ("x", c.clone(), keep())]), "??");
        assert_eq!(told(&old, &[same(keep()), same(keep())]), "01");
        assert_eq!(told(&old, &[same(keep()), same(keep()), same(keep())]), "01-");
        assert_eq!(told(&old, &[same(Patch::Set(1))]), "1");
        assert_eq!(told(&old, &[same(Patch::Set(1)), same(keep())]), "10");
        assert_eq!(told(&old, &[same(Patch::Reset), same(keep())]), "-?");
        assert_eq!(told(&pair([Some("first"); 2]), &[same(keep()), ("x", c, keep())]), "01");
        assert_eq!(told(&pair([None; 2]), &[same(keep())]), "0");
    }
}
