//! Lists by the page: which one is asked for, and the links to the first and the next, with the filters kept.

use askama::Template;

use crate::model::ids::EventId;
use crate::model::page::{Page, PageRequest, SCAN_MAX, cursor, place_of};

use super::icon::Icon;
use super::query::Query;
use super::show::whole;

/// The parameter that says where a page begins.
const AFTER: &str = "after";

/// What `after` asks for; anything that isn't ours begins at the beginning.
pub(super) fn asked(query: &Query) -> PageRequest {
    PageRequest { limit: PageRequest::LIMIT_DEFAULT, before: query.get(AFTER).and_then(place_of) }
}

/// Below a list. Nothing at all where all of it is on one page.
#[derive(Template)]
#[template(path = "parts/pager.html")]
pub(super) struct Pager {
    first: Option<String>,
    next: Option<String>,
    /// How many rows were looked at and down to when, where the search stopped before the page was full.
    scanned: Option<(u32, String)>,
}

impl askama::filters::HtmlSafe for Pager {}

impl Pager {
    pub(super) fn new<T>(query: &Query, page: &Page<T>) -> Self {
        Self {
            first: query.get(AFTER).map(|_| query.without(&[AFTER, "done"])),
            next: page.next.map(|next| query.with(AFTER, &cursor(next))),
            scanned: page.scanned_to.map(|id| (SCAN_MAX, whole(EventId::from(id).time()))),
        }
    }
}
