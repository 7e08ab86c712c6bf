//! One sink: its URL, what it answers, and what came, live.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;

use crate::model::page::PageRequest;
use crate::model::request::Header;
use crate::model::sink::{Received, SignatureSeen, Sink};
use crate::model::time::Timestamp;
use crate::ui::code::Code;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::page::{Pager, asked, is_first};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::show::{Badge, Moment};
use crate::ui::units::size;
use crate::ui::{Answer, Ui, live};

use super::actions::sentence_of;
use super::{LIST, name_of, named, told};

/// Of each request all headers and the beginning of its body are on the page.
const SHOWN_MAX: u32 = 20;
const BODY_SHOWN: usize = 8 * 1024;

#[derive(Template)]
#[template(path = "sinks/detail.html", blocks = ["live"])]
struct Page {
    at: Layout,
    csrf: CsrfField,
    id: String,
    name: String,
    tenant: String,
    url: Code,
    answer: String,
    answer_headers: Vec<(String, String)>,
    answer_body: Option<Code>,
    is_live: bool,
    rows: Vec<Row>,
    pager: Pager,
}

struct Row {
    id: String,
    line: String,
    came: Moment,
    status: u16,
    signature: Option<Signature>,
    headers: Code,
    body: Option<Code>,
    /// How much there was, where not all is kept.
    cut: Option<String>,
}

struct Signature {
    badge: Badge,
    webhook: String,
    fault: Option<String>,
}

pub(super) async fn detail(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, query: Query) -> Answer {
    let (services, caller, now) = (&ui.services, signed.caller(), ui.services.now());
    let sink = services.sink(caller, named(&id)?).await?;
    let page = PageRequest { limit: SHOWN_MAX, ..asked(&query) };
    let found = services.received(caller, sink.id, page).await?;
    let Sink { answer, tenant, .. } = &sink;
    let page = Page {
        csrf: signed.csrf(),
        id: sink.id.to_string(),
        name: name_of(&sink),
        tenant: tenant.to_string(),
        url: Code::new("The sink’s URL", services.sink_url(&sink)),
        answer: told(answer),
        answer_headers: answer.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        answer_body: (!answer.body.is_empty()).then(|| Code::of_bytes("Answered body", answer.body.as_bytes())),
        is_live: is_first(&query),
        rows: found.rows.iter().map(|received| Row::new(received, now)).collect(),
        pager: Pager::new(&query, &found),
        at: signed.0.layout(format!("{} · Sink", name_of(&sink))).done(query.get("done").and_then(sentence_of)),
    };
    if page.is_live { live::shown(&signed, &page, &page.as_live()) } else { Ok(rendered(&page)?.into_response()) }
}

impl Row {
    fn new(received: &Received, now: Timestamp) -> Self {
        let (head, body) = (&received.head, &*received.body);
        let below = if head.target.is_empty() { "/" } else { &head.target };
        let lines = head.headers.iter().map(|Header { name, value }| format!("{name}: {value}"));
        Self {
            id: received.id.to_string(),
            line: format!("{} {below}", head.method),
            came: Moment::new(received.id.time(), now),
            status: head.status,
            signature: head.signature.as_ref().map(Signature::new),
            headers: Code::new("Headers", lines.collect::<Vec<_>>().join("\n")),
            body: (!body.is_empty()).then(|| Code::of_bytes("Body", body).up_to(BODY_SHOWN)),
            cut: (head.size > body.len() as u64).then(|| size(head.size)),
        }
    }
}

impl Signature {
    fn new(seen: &SignatureSeen) -> Self {
        let badge = match &seen.fault {
            None => Badge::good("Signature is right"),
            Some(_) => Badge::bad("Signature is wrong"),
        };
        let fault = seen.fault.as_deref().map(crate::ui::failure::sentence);
        Self { badge, webhook: seen.webhook.to_string(), fault }
    }
}
