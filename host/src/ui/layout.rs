//! What is around every page: the way to the others, who is signed in, how it looks.

use askama::Template;
use axum::response::Html;

use crate::model::access::Role;
use crate::service::{Caller, Visitor};

use super::assets::{MARK, SCRIPT, STYLE};
use super::failure::Failure;
use super::form::CSRF;
use super::icon::Icon;
use super::session::{Theme, Visit};

/// The first field of every page's template, as `at`.
pub(super) struct Layout {
    pub(super) title: String,
    pub(super) nav: Vec<Entry>,
    pub(super) who: Option<Who>,
    pub(super) theme: Theme,
    /// Path and query of this page.
    pub(super) here: String,
    /// What was just done, in a sentence.
    pub(super) done: Option<&'static str>,
}

pub(super) struct Entry {
    pub(super) label: &'static str,
    pub(super) path: &'static str,
    pub(super) icon: Icon,
    pub(super) current: bool,
}

pub(super) struct Who {
    pub(super) role: &'static str,
    /// The tenant that he is bound to, or whose word he came in on.
    pub(super) of: String,
    pub(super) csrf: CsrfField,
}

/// One of the ways to look.
pub(super) struct ThemeChoice {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) icon: Icon,
    pub(super) chosen: bool,
}

/// Label, path, icon, and who may open it; a publisher opens nothing.
const NAV: [(&str, &str, &str, &[Role]); 8] = [
    ("Overview", "/admin/overview", "overview", EVERYBODY),
    ("Webhooks", "/admin/webhooks", "webhook", EVERYBODY),
    ("Deliveries", "/admin/deliveries", "delivery", EVERYBODY),
    ("Events", "/admin/events", "event", EVERYBODY),
    ("Plugins", "/admin/plugins", "plugin", EVERYBODY),
    ("Event types", "/admin/event-types", "type", EVERYBODY),
    ("Sinks", "/admin/sinks", "sink", &[Role::Admin, Role::Tenant]),
    ("Settings", "/admin/settings", "settings", &[Role::Admin, Role::Viewer]),
];
const EVERYBODY: &[Role] = &[Role::Admin, Role::Viewer, Role::Tenant];

impl Visit {
    /// The frame of a page with this title.
    pub(super) fn layout(&self, title: impl Into<String>) -> Layout {
        let visitor = self.visitor.as_ref();
        let nav = visitor.map(|visitor| self.nav(&visitor.caller)).unwrap_or_default();
        let who = visitor.map(|visitor| {
            let caller = &visitor.caller;
            let of = caller.tenant.as_ref().map_or_else(|| caller.actor.clone(), ToString::to_string);
            Who { role: caller.role.as_str(), of, csrf: CsrfField::new(visitor) }
        });
        Layout { title: title.into(), nav, who, theme: self.theme, here: self.here.clone(), done: None }
    }

    fn nav(&self, caller: &Caller) -> Vec<Entry> {
        let open = NAV.iter().filter(|(.., roles)| roles.contains(&caller.role));
        let entry = |(label, path, icon, _): &(&'static str, &'static str, &'static str, _)| Entry {
            label,
            path,
            icon: Icon(icon),
            current: self.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        };
        open.map(entry).collect()
    }
}

impl Layout {
    /// Says above the page what was just done.
    pub(super) fn done(self, done: Option<&'static str>) -> Self {
        Self { done, ..self }
    }

    /// For templates.
    pub(super) fn icon(&self, name: &'static str) -> Icon {
        Icon(name)
    }

    pub(super) fn themes(&self) -> [ThemeChoice; 3] {
        Theme::ALL.map(|theme| ThemeChoice {
            name: theme.as_str(),
            label: theme.label(),
            icon: Icon(theme.as_str()),
            chosen: theme == self.theme,
        })
    }

    pub(super) fn style(&self) -> &'static str {
        &STYLE.path
    }

    pub(super) fn script(&self) -> &'static str {
        &SCRIPT.path
    }

    pub(super) fn mark(&self) -> &'static str {
        &MARK.path
    }
}

/// The hidden field by which a form is known to be ours.
#[derive(Template, Clone)]
#[template(ext = "html", source = r#"<input type="hidden" name="{{ CSRF }}" value="{{ self.0 }}">"#)]
pub(super) struct CsrfField(String);

impl askama::filters::HtmlSafe for CsrfField {}

impl CsrfField {
    pub(super) fn new(visitor: &Visitor) -> Self {
        Self(visitor.csrf.clone())
    }
}

/// A page, of its template.
pub(super) fn rendered(template: &impl Template) -> Result<Html<String>, Failure> {
    template.render().map(Html).map_err(|error| {
        tracing::error!(%error, "a page can't be made");
        Failure::internal()
    })
}
