//! The flags of the configuration, made from its table: a setting added there is a flag here.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::Failure;
use crate::config::table::{SETTINGS, Setting, Takes};
use crate::config::{Config, Layers, process_environ};

/// What was typed, not yet merged with the file and the environment.
#[derive(Clone, Debug, Default)]
pub(super) struct ConfigFlags {
    file: Option<PathBuf>,
    said: Vec<(&'static Setting, Vec<String>)>,
}

impl ConfigFlags {
    /// All four layers, merged and checked.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let mut layers = Layers::default();
        if let Some(path) = self.file.clone().or_else(|| process_environ("WAXWING_CONFIG").map(PathBuf::from)) {
            layers = layers.with_file(&path)?;
        }
        let mut layers = layers.with_environ(&process_environ)?;
        for (setting, values) in &self.said {
            layers.flag(setting, values.clone());
        }
        Ok(Config::read(&layers)?)
    }
}

impl Args for ConfigFlags {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config").long("config").value_name("FILE").value_parser(clap::value_parser!(PathBuf));
        let file = file.help("A TOML file with settings [env: WAXWING_CONFIG]");
        SETTINGS.iter().filter_map(argument).fold(command.arg(file), Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ConfigFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let said = SETTINGS.iter().filter(|setting| setting.flag.is_some()).filter_map(|setting| {
            let values = match setting.takes {
                Takes::Switch => matches.get_flag(setting.key).then(|| vec!["true".to_owned()])?,
                Takes::One | Takes::Many => matches.get_many::<String>(setting.key)?.cloned().collect(),
            };
            Some((setting, values))
        });
        Ok(Self { file: matches.get_one::<PathBuf>("config").cloned(), said: said.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn argument(setting: &'static Setting) -> Option<Arg> {
    let argument = Arg::new(setting.key).long(setting.flag?);
    let default = if setting.default.is_empty() { String::new() } else { format!(" [default: {}]", setting.default) };
    let argument = argument.help(format!("{} [env: {}]{default}", setting.help, setting.env));
    Some(match setting.takes {
        Takes::One => argument.value_name("VALUE"),
        Takes::Many => argument.value_name("VALUE").action(ArgAction::Append),
        Takes::Switch => argument.action(ArgAction::SetTrue),
    })
}
