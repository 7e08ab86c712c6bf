//! Every page of the portal, once, and the way around all of them: what is said of one page is said of each.
//!
//! A page that is added to the router and not to the list fails a test here.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use syn::visit::Visit;

use crate::installation::Installation;
use crate::tab::Tab;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// Of this page and no other.
    pub(crate) name: &'static str,
    /// As in the router.
    route: &'static str,
    /// What it is about, by the installation's name for it.
    of: &'static str,
    query: &'static str,
    /// The button that leads on to what is looked at.
    pressing: &'static str,
    is_for_strangers: bool,
}

const fn page(name: &'static str, route: &'static str) -> Page {
    Page { name, route, of: "", query: "", pressing: "", is_for_strangers: false }
}

impl Page {
    const fn of(self, of: &'static str) -> Self {
        Self { of, ..self }
    }

    const fn asking(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    const fn pressing(self, pressing: &'static str) -> Self {
        Self { pressing, ..self }
    }

    const fn for_strangers(self) -> Self {
        Self { is_for_strangers: true, ..self }
    }

    /// Path and query.
    pub(crate) fn address(&self, place: &Installation) -> String {
        let path = match (self.route.split_once('{'), self.of) {
            (Some((before, rest)), of) => {
                format!("{before}{}{}", place.id(of), rest.split_once('}').unwrap().1)
            }
            (None, _) => self.route.to_owned(),
        };
        format!("{path}{}", self.query)
    }
}

pub(crate) const PAGES: &[Page] = &[
    page("sign-in", "/admin/sign-in").for_strangers(),
    page("sign-in-link", "/admin/sign-in/{link}").of("link").for_strangers(),
    page("sign-in-link-used", "/admin/sign-in/{link}").of("no-link").for_strangers(),
    page("overview", "/admin/overview"),
    page("webhooks", "/admin/webhooks"),
    page("webhooks-none", "/admin/webhooks").asking("?search=nothing-like-it"),
    page("webhook-new", "/admin/webhooks/new"),
    page("webhook-refused", "/admin/webhooks/new").pressing("Save"),
    page("webhook", "/admin/webhooks/{id}").of("slack"),
    page("webhook-failing", "/admin/webhooks/{id}").of("erp"),
    page("webhook-recovery", "/admin/webhooks/{id}").of("erp").pressing("Count first"),
    page("webhook-rest", "/admin/webhooks/{id}").of("erp").asking("?since=2026-01-31T12:00:00Z&after=cancelled"),
    page("webhook-edit", "/admin/webhooks/{id}/edit").of("warehouse"),
    page("webhook-preview", "/admin/webhooks/{id}/edit").of("slack").pressing("Show what would be sent"),
    page("webhook-template", "/admin/webhooks/new").asking("?template=slack-alerts"),
    page("webhook-test", "/admin/webhooks/{id}/test").of("local"),
    page("webhook-tested", "/admin/webhooks/{id}/test").of("local").pressing("Send test"),
    page("webhook-secret", "/admin/webhooks/{id}").of("keygen").pressing("Generate new secret"),
    page("webhook-delete", "/admin/webhooks/{id}/delete").of("old"),
    page("deliveries", "/admin/deliveries"),
    page("deliveries-none", "/admin/deliveries").asking("?type=no.such"),
    page("deliveries-refused", "/admin/deliveries").asking("?since=yesterday&event=none"),
    page("deliveries-replay", "/admin/deliveries/replay").asking("?status=failed"),
    page("delivery", "/admin/deliveries/{id}").of("delivered"),
    page("delivery-failed", "/admin/deliveries/{id}").of("failed"),
    page("delivery-pending", "/admin/deliveries/{id}").of("pending"),
    page("delivery-dropped", "/admin/deliveries/{id}").of("dropped"),
    page("delivery-rerun", "/admin/deliveries/{id}/rerun").of("delivered"),
    page("events", "/admin/events"),
    page("events-none", "/admin/events").asking("?type=no.such"),
    page("event", "/admin/events/{id}").of("event"),
    page("plugins", "/admin/plugins"),
    page("plugin", "/admin/plugins/{name}").of("plugin"),
    page("plugin-run", "/admin/plugins/{name}").of("plugin").asking("?sample=0").pressing("Run"),
    page("plugin-upload", "/admin/plugins/-/upload"),
    page("plugin-upload-refused", "/admin/plugins/-/upload").pressing("Upload"),
    page("templates", "/admin/templates"),
    page("event-types", "/admin/event-types"),
    page("event-type", "/admin/event-types/{name}").of("type"),
    page("event-type-new", "/admin/event-types/-/new"),
    page("event-type-refused", "/admin/event-types/-/new").pressing("Save"),
    page("event-type-edit", "/admin/event-types/{name}/edit").of("type"),
    page("sinks", "/admin/sinks"),
    page("sink", "/admin/sinks/{id}").of("sink"),
    page("sink-edit", "/admin/sinks/{id}/edit").of("sink"),
    page("settings", "/admin/settings"),
    page("tenants", "/admin/settings/tenants"),
    page("tenant-new", "/admin/settings/tenants/-/new"),
    page("tenant", "/admin/settings/tenants/{name}").of("acme"),
    page("tokens", "/admin/settings/tokens"),
    page("token-refused", "/admin/settings/tokens").pressing("Make token"),
    page("token-delete", "/admin/settings/tokens/{id}/delete").of("token"),
    page("audit", "/admin/settings/audit"),
    page("portal-links", "/admin/portal-links"),
    page("portal-link-made", "/admin/portal-links").pressing("Make link"),
    page("not-found", "/admin/nothing"),
];

/// Those that look otherwise where nothing has happened yet.
pub(crate) const EMPTY: &[Page] = &[
    page("empty-overview", "/admin/overview"),
    page("empty-webhooks", "/admin/webhooks"),
    page("empty-deliveries", "/admin/deliveries"),
    page("empty-sinks", "/admin/sinks"),
    page("empty-events", "/admin/events"),
    page("empty-tokens", "/admin/settings/tokens"),
    page("empty-audit", "/admin/settings/audit"),
];

/// Those with a webhook, a delivery and a type of the longest names.
pub(crate) const LONG: &[Page] = &[
    page("long-webhook", "/admin/webhooks/{id}").of("long"),
    page("long-webhook-edit", "/admin/webhooks/{id}/edit").of("long"),
    page("long-webhook-delete", "/admin/webhooks/{id}/delete").of("long"),
    page("long-word", "/admin/webhooks/{id}").of("word"),
    page("long-delivery", "/admin/deliveries/{id}").of("long-delivery"),
    page("long-type", "/admin/event-types/{name}").of("long-type"),
];

/// What is read with GET, and is no page: of a secret, whoever wasn't led there by its button is led to its webhook.
const NO_PAGES: [&str; 6] = [
    "/admin",
    "/admin/",
    "/admin/assets/{name}",
    "/admin/webhook-deliveries",
    "/admin/webhook-deliveries/{id}",
    "/admin/webhooks/{id}/secret",
];

/// Goes through all of them: first as a stranger, then as an admin. What is folded away is opened.
pub(crate) async fn tour(place: &Installation, tab: &Tab, pages: &[Page], mut look: impl AsyncFnMut(&Page)) {
    tab.turns_to(&place.world);
    tab.forgets().await;
    let (strangers, others): (Vec<Page>, Vec<Page>) = pages.iter().partition(|page| page.is_for_strangers);
    for page in strangers {
        visit(place, tab, &page).await;
        look(&page).await;
    }
    tab.sign_in_as_admin().await;
    for page in others {
        visit(place, tab, &page).await;
        look(&page).await;
    }
}

async fn visit(place: &Installation, tab: &Tab, page: &Page) {
    tab.open(&page.address(place)).await;
    if !page.pressing.is_empty() {
        tab.click(page.pressing).await;
    }
    let ready = "return document.readyState === 'complete' && document.querySelector('h1')?.textContent";
    let title = tab.until("a title", ready, serde_json::json!([])).await;
    assert_eq!(title == "Not found", page.name == "not-found", "{} is {title}", page.name);
}

#[test]
fn every_page_of_the_router_is_in_the_list() {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui");
    let mut files = Vec::new();
    collect(&ui, &mut files);
    let files: Vec<syn::File> =
        files.iter().map(|file| syn::parse_file(&std::fs::read_to_string(file).unwrap()).unwrap()).collect();
    let mut all = Texts::default();
    files.iter().for_each(|file| all.visit_file(file));
    let mut read = BTreeSet::new();
    for file in &files {
        let mut own = Texts::default();
        own.visit_file(file);
        for (path, handlers) in own.routes {
            let path = path.or_named(&own.named).or_else(|| path.or_named(&all.named));
            if !handlers.starts_with("post ") {
                read.insert(path.expect("a route's path is a text, or a constant of the portal"));
            }
        }
    }
    assert!(read.len() > 20, "{read:?}");
    let known: BTreeSet<String> = PAGES.iter().map(|page| page.route).chain(NO_PAGES).map(str::to_owned).collect();
    let missing: Vec<&String> = read.difference(&known).collect();
    assert!(missing.is_empty(), "not in tests/browser/pages.rs: {missing:?}");
    let known: BTreeSet<&str> = known.iter().map(String::as_str).filter(|route| *route != "/admin/nothing").collect();
    let gone: Vec<&&str> = known.iter().filter(|route| !read.contains(**route)).collect();
    assert!(gone.is_empty(), "no longer in the router: {gone:?}");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

/// A route's first argument: a text, or a constant's name.
enum Address {
    Text(String),
    Name(String),
}

impl Address {
    fn or_named(&self, names: &HashMap<String, String>) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Name(name) => names.get(name).cloned(),
        }
    }
}

/// The constants and the routes of a file.
#[derive(Default)]
struct Texts {
    named: HashMap<String, String>,
    routes: Vec<(Address, String)>,
}

impl<'ast> Visit<'ast> for Texts {
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &*item.expr {
            self.named.insert(item.ident.to_string(), text.value());
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        syn::visit::visit_expr_method_call(self, call);
        if call.method != "route" || call.args.len() != 2 {
            return;
        }
        let address = match &call.args[0] {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Address::Text(text.value()),
            syn::Expr::Path(path) => Address::Name(path.path.segments.last().unwrap().ident.to_string()),
            other => panic!("{}", quote::quote!(#other)),
        };
        let handlers = &call.args[1];
        self.routes.push((address, quote::quote!(#handlers).to_string()));
    }
}
