//! Puts a [`Plugin`] behind the contract: what `export!` expands to, and the conversions that it calls.
//!
//! Runs only in the guest (and, for the manifest, in `testing`). It reads settings that the host has checked, so a setting
//! that doesn't fit is answered, never a panic; only `classify`, which can't fail, panics. Next: `plugin.rs`.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;

use crate::{
    Attempt, Classify, Event, Failure, Issue, Judgement, Manifest, Plugin, Reply, Verdict, Webhook,
    bindings::response::exports::waxwing::plugin::response::Context,
};

/// Makes a type the plugin that this crate compiles to. Once in a crate; name, version and description come from its
/// `Cargo.toml`.
///
/// `export!(T)` for a [`Plugin`], `export!(T, response)` for one that is also [`Classify`]. Expands to nothing unless
/// `target_family = "wasm"`, so that the crate also compiles and tests natively.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        $crate::export!(@transformer $plugin, describe);
    };
    (@transformer $plugin:ty, $describe:ident) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Exported;

            impl $crate::__private::plain::exports::waxwing::plugin::transformer::Guest for Exported {
                fn describe() -> $crate::Manifest {
                    $crate::__private::$describe::<$plugin>(
                        env!("CARGO_PKG_NAME"),
                        env!("CARGO_PKG_VERSION"),
                        env!("CARGO_PKG_DESCRIPTION"),
                    )
                }

                fn validate_settings(settings: String) -> Result<(), Vec<$crate::Issue>> {
                    $crate::__private::validate_settings::<$plugin>(&settings)
                }

                fn transform(
                    event: $crate::Event,
                    webhook: $crate::Webhook,
                    settings: String,
                ) -> Result<$crate::Verdict, $crate::Failure> {
                    $crate::__private::transform::<$plugin>(event, &webhook, &settings)
                }
            }

    $crate::__private::plain::export!(Exported with_types_in $crate::__private::plain);
        };
    };
    ($plugin:ty, response) => {
        $crate::export!(@transformer $plugin, describe_judge);

        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::__private::response::exports::waxwing::plugin::response;

            struct Exported;

            impl response::Guest for Exported {
                fn classify(reply: $crate::Reply, context: response::Context) -> $crate::Judgement {
                    $crate::__private::classify::<$plugin>(reply, context)
                }
            }

    $crate::__private::response::export!(Exported with_types_in $crate::__private::response);
        };
    };
}

/// The contract's `describe`.
pub fn describe<P: Plugin>(name: &str, version: &str, description: &str) -> Manifest {
    Manifest {
        name: name.to_owned(),
        version: version.to_owned(),
        description: description.to_owned(),
        settings_schema: P::settings_schema(),
        event_types: P::EVENT_TYPES.iter().map(|&glob| glob.to_owned()).collect(),
        redacts: P::REDACTS,
        samples: P::samples(),
        attributes: Vec::new(),
    }
}

/// The contract's `describe`, of a plugin that judges replies too.
pub fn describe_judge<P: Classify>(name: &str, version: &str, description: &str) -> Manifest {
    let only_failures = P::ONLY_FAILURES.then(|| ("classifies".to_owned(), "failures".to_owned()));
    Manifest { attributes: only_failures.into_iter().collect(), ..describe::<P>(name, version, description) }
}

/// JSON Schema 2020-12 of what deserialises into `T`, with subschemas in their place: a reader need not follow `$ref`s
/// (only a recursive type has any).
pub(crate) fn settings_schema<T: JsonSchema>() -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().as_value().to_string()
}

/// The contract's `validate-settings`.
pub fn validate_settings<P: Plugin>(settings: &str) -> Result<(), Vec<Issue>> {
    let settings = parse(settings).map_err(|issue| vec![issue])?;
    P::validate_settings(&settings)
}

/// The contract's `transform`.
pub fn transform<P: Plugin>(event: Event, webhook: &Webhook, settings: &str) -> Result<Verdict, Failure> {
    P::transform(event, parse(settings)?, webhook)
}

/// The contract's `classify`.
///
/// # Panics
/// If the settings don't fit their type, which a schema derived from it has ruled out. The host then goes by the status.
pub fn classify<P: Classify>(reply: Reply, context: Context) -> Judgement {
    let attempt = Attempt { event_id: context.event_id, number: context.attempt, attributes: context.attributes };
    match parse(&context.settings) {
        Ok(settings) => P::classify(reply, settings, &attempt),
        Err(issue) => panic!("settings: {}", issue.message),
    }
}

fn parse<T: DeserializeOwned>(settings: &str) -> Result<T, Issue> {
    serde_json::from_str(settings).map_err(|error| Issue::new("", error.to_string()))
}
