//! The four places that a setting may come from, and which one goes before which.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::ConfigError;
use super::table::{SETTINGS, Setting, Takes, setting};

/// Environment variables, as far as anybody asks for them.
pub type Environ<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where a value was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Flag(&'static str),
    Env(String),
    File(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Env(name) => f.write_str(name),
            Self::File(place) => f.write_str(place),
        }
    }
}

/// The values that were said, by the setting's key; the strongest layer's.
#[derive(Default)]
pub struct Layers {
    said: BTreeMap<&'static str, (Source, Vec<String>)>,
}

/// The environment of this process.
#[allow(clippy::disallowed_methods, reason = "this is the one place that reads it")]
pub fn process_environ(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Layers {
    /// Adds the weakest layer: a TOML file. Keys that no setting has are refused.
    pub fn with_file(mut self, path: &Path) -> Result<Self, ConfigError> {
        let origin = || "--config".to_owned();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            origin: origin(),
            path: path.into(),
            source,
        })?;
        self.add_toml(&text, path)?;
        Ok(self)
    }

    /// Adds what the environment says; each variable also as `NAME_FILE`, whose file holds the value.
    pub fn with_environ(mut self, environ: Environ<'_>) -> Result<Self, ConfigError> {
        for setting in SETTINGS {
            let by_file = format!("{}_FILE", setting.env);
            // `WAXWING_KEY_FILE` is a setting of its own, and means the same.
            let by_file = if setting.key == "key" || setting.key == "key-file" { String::new() } else { by_file };
            let found = match (environ(setting.env), environ(&by_file).filter(|_| !by_file.is_empty())) {
                (Some(_), Some(_)) => {
                    let message = format!("{} says it too; keep one of them", setting.env);
                    return Err(ConfigError::Invalid { origin: by_file, message });
                }
                (Some(value), None) => (setting.env.to_owned(), value),
                (None, Some(path)) => {
                    let read = std::fs::read_to_string(&path);
                    let failed =
                        |source| ConfigError::Unreadable { origin: by_file.clone(), path: path.into(), source };
                    let value = read.map_err(failed)?.trim().to_owned();
                    (by_file, value)
                }
                (None, None) => continue,
            };
            self.put(setting, Source::Env(found.0), split(setting, &found.1));
        }
        Ok(self)
    }

    /// Adds one flag: the strongest layer, so it comes last.
    pub fn flag(&mut self, setting: &'static Setting, values: Vec<String>) {
        let source = Source::Flag(setting.flag.unwrap_or(setting.key));
        self.put(setting, source, values);
    }

    /// A setting as its section wants it, if anybody said it.
    pub fn parse<T>(&self, key: &'static str) -> Result<Option<T>, ConfigError>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        Ok(self.parse_all(key)?.pop())
    }

    /// All values of a setting that takes many.
    pub fn parse_all<T>(&self, key: &'static str) -> Result<Vec<T>, ConfigError>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let Some((_, values)) = self.said.get(key) else { return Ok(Vec::new()) };
        let parsed = |value: &String| value.parse().map_err(|error: T::Err| self.invalid(key, error.to_string()));
        values.iter().map(parsed).collect()
    }

    /// A number within bounds, or its default.
    pub fn number(
        &self,
        key: &'static str,
        default: u64,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let number = self.parse(key)?.unwrap_or(default);
        if bounds.contains(&number) {
            return Ok(number);
        }
        Err(self.invalid(key, format!("must be {} to {}", bounds.start(), bounds.end())))
    }

    /// The error of a setting, with the place where it was said.
    pub fn invalid(&self, key: &'static str, message: String) -> ConfigError {
        let origin = self.said.get(key).map_or_else(|| key.to_owned(), |(source, _)| source.to_string());
        ConfigError::Invalid { origin, message }
    }

    /// Whether anybody said it.
    pub fn says(&self, key: &str) -> bool {
        self.said.contains_key(key)
    }

    pub(super) fn add_toml(&mut self, text: &str, path: &Path) -> Result<(), ConfigError> {
        let failed =
            |error: toml::de::Error| ConfigError::NotToml { path: path.into(), message: error.message().into() };
        let table: toml::Table = text.parse().map_err(failed)?;
        self.add_table(&table, "", path)
    }

    fn add_table(&mut self, table: &toml::Table, prefix: &str, path: &Path) -> Result<(), ConfigError> {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            let place = format!("{}: {key}", path.display());
            match (setting(&key), value) {
                (Some(setting), value) => {
                    let values = texts(setting, value).ok_or_else(|| {
                        let wanted = if setting.takes == Takes::Many { "an array of texts" } else { "one value" };
                        ConfigError::Invalid { origin: place.clone(), message: format!("must be {wanted}") }
                    })?;
                    self.put(setting, Source::File(place), values);
                }
                (None, toml::Value::Table(inner)) => self.add_table(inner, &format!("{key}."), path)?,
                (None, _) => {
                    let hint = hint(&key);
                    return Err(ConfigError::Unknown { origin: path.display().to_string(), key, hint });
                }
            }
        }
        Ok(())
    }

    fn put(&mut self, setting: &'static Setting, source: Source, values: Vec<String>) {
        self.said.insert(setting.key, (source, values));
    }
}

fn split(setting: &Setting, value: &str) -> Vec<String> {
    match setting.takes {
        Takes::Many => value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Into::into).collect(),
        Takes::Switch => vec![match value {
            "1" | "yes" | "on" => "true".to_owned(),
            "0" | "no" | "off" | "" => "false".to_owned(),
            other => other.to_owned(),
        }],
        Takes::One => vec![value.to_owned()],
    }
}

fn texts(setting: &Setting, value: &toml::Value) -> Option<Vec<String>> {
    match (setting.takes, value) {
        (Takes::Many, toml::Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(Into::into)).collect::<Option<Vec<_>>>()
        }
        (Takes::Many, _) => None,
        (_, toml::Value::String(text)) => Some(vec![text.clone()]),
        (_, toml::Value::Integer(number)) => Some(vec![number.to_string()]),
        (_, toml::Value::Boolean(switch)) => Some(vec![switch.to_string()]),
        _ => None,
    }
}

/// A setting whose name ends alike is what was probably meant.
fn hint(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key).replace('_', "-");
    let near = SETTINGS
        .iter()
        .find(|setting| setting.key.rsplit('.').next() == Some(last.as_str()) || setting.flag == Some(last.as_str()));
    near.map_or_else(String::new, |setting| format!("; did you mean '{}'?", setting.key))
}
