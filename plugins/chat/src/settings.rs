//! What a schema can't say of the settings that the formatters have in common. Next: the formatters' `settings.rs`.

use waxwing_guest::Issue;

use crate::template::{Template, link_issue};

/// What is wrong with a template at this JSON Pointer, if there is one.
#[must_use]
pub fn check_template(path: &str, template: Option<&str>) -> Option<Issue> {
    template.and_then(|template| Template(template).issue()).map(|message| Issue::new(path, message))
}

/// What is wrong with the address of a link, if there is one.
#[must_use]
pub fn check_link(path: &str, address: Option<&str>) -> Option<Issue> {
    address.and_then(link_issue).map(|message| Issue::new(path, message))
}

/// All that was found.
///
/// # Errors
/// If anything was.
pub fn no_issues(found: impl IntoIterator<Item = Option<Issue>>) -> Result<(), Vec<Issue>> {
    let issues: Vec<_> = found.into_iter().flatten().collect();
    if issues.is_empty() { Ok(()) } else { Err(issues) }
}
