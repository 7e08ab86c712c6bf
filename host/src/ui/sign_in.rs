//! The door: a token or a link that works once gets a session; signing out ends it. And how the pages look, kept in a cookie.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};

use crate::service::{SignInError, SignedIn};

use super::failure::Failure;
use super::field::{Faults, Field, Kind, Summary};
use super::form::{Posted, PostedByAnyone, own_page};
use super::layout::{Layout, rendered};
use super::query::Query;
use super::session::{Anyone, FramedBy, SESSION, Signed, THEME, Theme, Visit, set_cookie};
use super::show::Moment;
use super::{Answer, HOME, Ui};

const DOOR: &str = "/admin/sign-in";
const YEAR_SECONDS: u64 = 365 * 24 * 3600;
/// Longer than any link is.
const LINK_MAX: usize = 128;

pub(super) fn routes() -> Router<Ui> {
    Router::new()
        .route(DOOR, get(door).post(sign_in))
        .route("/admin/sign-in/{link}", get(link).post(redeem))
        .route("/admin/sign-out", post(sign_out))
        .route("/admin/theme", post(theme))
}

/// The door, for somebody who wanted to be elsewhere.
pub(super) fn path_back_to(page: &str) -> String {
    match own_page(page) {
        Some(page) if page != "/admin" && page != HOME => Query::new(DOOR, "").with("next", page),
        _ => DOOR.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct DoorPage {
    at: Layout,
    next: String,
    token: Field,
    faults: Summary,
}

#[derive(Template)]
#[template(path = "sign-in-link.html")]
struct LinkPage {
    at: Layout,
    /// `None`: it opens nothing any more.
    link: Option<Shown>,
}

struct Shown {
    role: &'static str,
    tenant: Option<String>,
    expires: Moment,
}

fn door_page(visit: &Visit, next: &str, faults: &Faults) -> Result<Response, Failure> {
    let token = Field::new("token", "Access token", Kind::Line("password")).required().mono();
    let token = token.hint("Begins with wxt_, or is the server’s WAXWING_ADMIN_TOKEN.").judged("/token", faults);
    let (at, faults) = (visit.layout("Sign in"), faults.summary(&[&token]));
    Ok(rendered(&DoorPage { at, next: next.to_owned(), token, faults })?.into_response())
}

async fn door(Anyone(visit): Anyone, query: Query) -> Answer {
    let next = query.get("next").and_then(own_page).unwrap_or(HOME);
    if visit.visitor.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    door_page(&visit, next, &Faults::default())
}

async fn sign_in(State(ui): State<Ui>, Anyone(visit): Anyone, PostedByAnyone(posted): PostedByAnyone) -> Answer {
    let next = own_page(posted.get("next")).unwrap_or(HOME);
    let refused = |detail: String| {
        let page = door_page(&visit, next, &Faults::one("/token", detail))?;
        Ok((StatusCode::FORBIDDEN, page).into_response())
    };
    let Some(token) = posted.filled("token") else { return refused("a token is needed".to_owned()) };
    match ui.services.sign_in(token, visit.peer.ip()).await {
        Ok(signed_in) => Ok(enter(&visit, &signed_in, next)),
        Err(SignInError::Service(error)) => Err(error.into()),
        Err(SignInError::TooMany { after_seconds }) => {
            let detail = SignInError::TooMany { after_seconds }.to_string();
            Err(Failure::busy(after_seconds, super::failure::sentence(&detail)))
        }
        Err(error) => refused(error.to_string()),
    }
}

/// Only shows a button: programs that look at links in mails and chats don't use it up.
async fn link(State(ui): State<Ui>, Anyone(visit): Anyone, Path(link): Path<String>) -> Answer {
    let known = if link.len() > LINK_MAX { None } else { ui.services.look_at_link(&link).await? };
    let status = if known.is_some() { StatusCode::OK } else { StatusCode::GONE };
    let origin = known.as_ref().and_then(|known| known.grant.origin.clone());
    let link = known.map(|known| Shown {
        role: known.grant.role.as_str(),
        tenant: known.grant.tenant.map(|tenant| tenant.to_string()),
        expires: Moment::new(known.expires_at, ui.services.now()),
    });
    let page = rendered(&LinkPage { at: visit.layout("Sign in"), link })?;
    let mut response = (status, page).into_response();
    if let Some(origin) = origin {
        response.extensions_mut().insert(FramedBy(origin));
    }
    Ok(response)
}

async fn redeem(
    State(ui): State<Ui>,
    Anyone(visit): Anyone,
    Path(link): Path<String>,
    PostedByAnyone(_): PostedByAnyone,
) -> Answer {
    match ui.services.redeem_link(&link).await {
        Ok(signed_in) => Ok(enter(&visit, &signed_in, HOME)),
        Err(SignInError::Service(error)) => Err(error.into()),
        Err(_) => {
            let page = rendered(&LinkPage { at: visit.layout("Sign in"), link: None })?;
            Ok((StatusCode::GONE, page).into_response())
        }
    }
}

fn enter(visit: &Visit, signed_in: &SignedIn, next: &str) -> Response {
    let SignedIn { secret, lasts, origin } = signed_in;
    let cookie = set_cookie(visit, (SESSION, secret.expose()), lasts.as_secs(), origin.is_some());
    ([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()
}

async fn sign_out(State(ui): State<Ui>, Signed(visit, visitor): Signed, _: Posted) -> Answer {
    if let Some(secret) = &visit.secret {
        ui.services.sign_out(secret).await?;
    }
    let cookie = set_cookie(&visit, (SESSION, ""), 0, visitor.origin.is_some());
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(DOOR)).into_response())
}

async fn theme(Signed(visit, visitor): Signed, posted: Posted) -> Answer {
    let theme = Theme::named(posted.get("theme")).as_str();
    let cookie = set_cookie(&visit, (THEME, theme), YEAR_SECONDS, visitor.origin.is_some());
    let headers = HeaderMap::from_iter([(header::SET_COOKIE, cookie)]);
    Ok((headers, Redirect::to(posted.back_or(HOME))).into_response())
}
