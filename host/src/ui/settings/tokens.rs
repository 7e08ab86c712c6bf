//! Tokens: listed without their values, made and shown once, taken back.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;

use crate::model::access::AccessToken;
use crate::model::ids::TokenId;
use crate::model::time::Timestamp;
use crate::service::NewToken;
use crate::ui::failure::Failure;
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::form::Posted;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::once;
use crate::ui::query::{Query, saying};
use crate::ui::session::Signed;
use crate::ui::show::Moment;
use crate::ui::{Answer, Ui};

use super::{TOKENS, Tab, tabs};

const ROLES: [(&str, &str); 4] = [
    ("publisher", "Publisher: posts events"),
    ("viewer", "Viewer: looks only"),
    ("tenant", "Tenant: a customer’s own"),
    ("admin", "Admin: everything"),
];
const DAYS: [(&str, &str); 5] =
    [("", "Never"), ("7", "In 7 days"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In 365 days")];

#[derive(Template)]
#[template(path = "settings/tokens.html")]
struct Page {
    at: Layout,
    tabs: Vec<Tab>,
    csrf: CsrfField,
    faults: Summary,
    fields: [Field; 4],
    rows: Vec<Row>,
    /// The token's name and the token, for the only time.
    made: Option<(String, String)>,
}

struct Row {
    id: String,
    name: String,
    role: &'static str,
    tenant: Option<String>,
    created: Moment,
    expires: Option<Moment>,
    is_over: bool,
    /// The session that looks at this hangs on it.
    is_own: bool,
}

#[derive(Template)]
#[template(path = "settings/token-delete.html")]
struct DeletePage {
    at: Layout,
    csrf: CsrfField,
    token: Row,
}

pub(super) async fn list(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    let (made, done) = (once::taken(&ui, &signed), query.get("done").and_then(super::sentence_of));
    let page = page(&ui, &signed, (&Posted::default(), &Faults::default()), (made, done))?;
    Ok(once::shown(&signed, page))
}

pub(super) async fn create(State(ui): State<Ui>, signed: Signed, posted: Posted) -> Answer {
    ui.services.may_administer(signed.caller())?;
    let faults = match input(&posted, ui.services.now()) {
        Ok(input) => match ui.services.create_token(signed.caller(), input).await {
            Ok((token, secret)) => return once::hand_over(&ui, &signed, TOKENS, &(token.name, secret.expose())),
            Err(error) => Faults::of(error)?,
        },
        Err(faults) => faults,
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&ui, &signed, (&posted, &faults), (None, None))?).into_response())
}

pub(super) async fn ask_to_delete(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>) -> Answer {
    let id = named(&id)?;
    let tokens = ui.services.tokens(signed.caller())?;
    let found = tokens.into_iter().find(|token| token.id == id).ok_or_else(Failure::not_found)?;
    let token = Row::new(&found, &signed, ui.services.now());
    Ok(rendered(&DeletePage { at: signed.0.layout("Delete token"), csrf: signed.csrf(), token })?.into_response())
}

pub(super) async fn delete(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, _: Posted) -> Answer {
    ui.services.delete_token(signed.caller(), named(&id)?).await?;
    Ok(Redirect::to(&saying(TOKENS, "token-deleted")).into_response())
}

/// What was typed, as the service takes it.
fn input(posted: &Posted, now: Timestamp) -> Result<NewToken, Faults> {
    let mut faults = Faults::default();
    let role = faults.parsed("/role", Some(posted.get("role")), |role| {
        serde_json::from_value(role.into()).map_err(|_| "choose one of the roles")
    });
    let tenant = faults.parsed("/tenant", posted.filled("tenant"), str::parse);
    let days = faults
        .parsed("/expiresAt", posted.filled("days"), |days| days.parse::<u32>().map_err(|_| "choose one of these"));
    let expires_at = days.map(|days| now.plus(Duration::from_secs(86_400) * days));
    match role.filter(|_| faults.is_empty()) {
        Some(role) => Ok(NewToken { name: posted.get("name").trim().to_owned(), role, tenant, expires_at }),
        None => Err(faults),
    }
}

fn page(
    ui: &Ui,
    signed: &Signed,
    (typed, faults): (&Posted, &Faults),
    (made, done): (Option<(String, String)>, Option<&'static str>),
) -> Result<Response, Failure> {
    let now = ui.services.now();
    let choices = |choices: &[(&str, &str)]| choices.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let fields = [
        Field::new("name", "What it is for", Kind::Line("text"))
            .value(typed.get("name"))
            .hint("The program or person that has it.")
            .required()
            .judged("/name", faults),
        Field::new("role", "Role", Kind::Choice(choices(&ROLES)))
            .value(typed.get("role"))
            .required()
            .judged("/role", faults),
        Field::new("tenant", "Tenant", Kind::Line("text"))
            .value(typed.get("tenant"))
            .hint("Binds it to this tenant. The role tenant needs one.")
            .judged("/tenant", faults),
        Field::new("days", "Expires", Kind::Choice(choices(&DAYS)))
            .value(typed.get("days"))
            .required()
            .judged("/expiresAt", faults),
    ];
    let rows = ui.services.tokens(signed.caller())?;
    let page = Page {
        at: signed.0.layout("Tokens").done(done),
        tabs: tabs(signed.caller(), TOKENS),
        csrf: signed.csrf(),
        faults: faults.summary(&fields.each_ref()),
        fields,
        rows: rows.iter().map(|token| Row::new(token, signed, now)).collect(),
        made,
    };
    Ok(rendered(&page)?.into_response())
}

/// What can't be an id isn't there.
fn named(id: &str) -> Result<TokenId, Failure> {
    id.parse().map_err(|_| Failure::not_found())
}

impl Row {
    fn new(token: &AccessToken, signed: &Signed, now: Timestamp) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.clone(),
            role: token.role.as_str(),
            tenant: token.tenant.as_ref().map(ToString::to_string),
            created: Moment::new(token.created_at, now),
            expires: token.expires_at.map(|end| Moment::new(end, now)),
            is_over: token.expires_at.is_some_and(|end| end <= now),
            is_own: signed.caller().actor == token.id.to_string(),
        }
    }
}
