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

/// Whether it is the one with the newest.
pub(super) fn is_first(query: &Query) -> bool {
    query.get(AFTER).is_none()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_stopped_says_down_to_when_it_looked_and_goes_on_from_there() {
        let id = 1 << 40;
        let page: Page<()> = Page { rows: Vec::new(), next: Some(id), scanned_to: Some(id) };
        let pager = Pager::new(&Query::new("/admin/deliveries", "type=a.b&after=x"), &page).to_string();
        assert!(pager.contains("20000 rows were looked at, down to 2020-01-01 00:04:22 UTC"), "{pager}");
        assert!(
            pager.contains(&format!("after={}", cursor(id)))
                && pager.contains("type=a.b")
                && pager.contains("Search on")
        );
        assert!(pager.contains("href=\"/admin/deliveries?type=a.b\""), "{pager}");
        let whole: Page<()> = Page { rows: Vec::new(), next: None, scanned_to: None };
        assert_eq!(Pager::new(&Query::new("/admin/deliveries", ""), &whole).to_string(), "");
    }
}
