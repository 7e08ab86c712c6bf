//! Webhooks: creating, changing, pausing, deleting, their secrets and their history.

mod chain;
mod change;
mod create;
mod input;
mod keeping;
mod list;
mod secrets;
mod settings;
mod status;
mod update;
mod url;
mod version;

pub use chain::StageInput;
pub use create::Created;
pub use input::WebhookInput;
pub use list::{Stats, WebhookFilter};
pub use secrets::{NewSecret, RotateSecret};
pub use settings::{MASK, masked_settings};
pub use version::UseVersion;

pub(super) use chain::shown_name;
pub(super) use change::Fallback;
pub(super) use settings::{blank_placeholder, check as check_by_schema, filled};
