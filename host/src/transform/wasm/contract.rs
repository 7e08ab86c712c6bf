//! The generated types of the contract, by the names that the sandbox uses for them.

pub(super) use waxwing_bindings::plugin::exports::waxwing::plugin::transformer;
pub(super) use waxwing_bindings::plugin::waxwing::plugin::{log, types};
pub(super) use waxwing_bindings::plugin_with_response::exports::waxwing::plugin::response;
