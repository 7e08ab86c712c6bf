//! How the log looks and what it holds.

use super::{ConfigError, Layers};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `None`: text on a terminal, JSON otherwise.
    pub style: Option<LogStyle>,
    /// As `tracing_subscriber::EnvFilter` reads it; checked here.
    pub filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStyle {
    Text,
    Json,
}

#[derive(Debug, thiserror::Error)]
#[error("must be json or text")]
pub struct UnknownStyle;

impl std::str::FromStr for LogStyle {
    type Err = UnknownStyle;

    fn from_str(text: &str) -> Result<Self, UnknownStyle> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(UnknownStyle),
        }
    }
}

impl LogConfig {
    pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let filter: String = layers.parse("log.filter")?.unwrap_or_else(|| "info".into());
        tracing_subscriber::EnvFilter::try_new(&filter)
            .map_err(|error| layers.invalid("log.filter", format!("'{filter}' is no filter: {error}")))?;
        Ok(Self { style: layers.parse("log.style")?, filter })
    }
}
