//! `/admin/portal-links`: makes a link that signs in once. The model of a form: what was typed stays, each fault stands at its field.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};

use crate::model::time::Timestamp;
use crate::service::{PortalLink, PortalLinkInput};

use super::field::{Faults, Field, Kind, Summary};
use super::form::Posted;
use super::layout::{CsrfField, Layout, rendered};
use super::query::Query;
use super::session::Signed;
use super::show::Moment;
use super::{Answer, Ui, once};

const PATH: &str = "/admin/portal-links";
const MINUTES: &str = "15";
const ROLES: [(&str, &str); 3] =
    [("admin", "Admin: everything"), ("viewer", "Viewer: looks only"), ("tenant", "Tenant: a customer’s own")];

pub(super) fn routes() -> Router<Ui> {
    Router::new().route(PATH, get(form).post(make))
}

#[derive(Template)]
#[template(path = "portal-links.html")]
struct Page {
    at: Layout,
    csrf: CsrfField,
    faults: Summary,
    fields: [Field; 4],
    /// The link, for the only time.
    made: Option<Made>,
}

struct Made {
    url: String,
    expires: Moment,
}

async fn form(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    ui.services.may_administer(signed.caller())?;
    let typed = Posted::of_fields(&[("role", query.get("role").unwrap_or("admin")), ("minutes", MINUTES)]);
    let made = once::taken(&ui, &signed).map(|(url, expires_at)| Made {
        url,
        expires: Moment::new(Timestamp::from_millis(expires_at), ui.services.now()),
    });
    Ok(once::shown(&signed, page(&signed, &typed, (&Faults::default(), made))?))
}

async fn make(State(ui): State<Ui>, signed: Signed, headers: HeaderMap, posted: Posted) -> Answer {
    ui.services.may_administer(signed.caller())?;
    let input = match input(&posted) {
        Ok(input) => input,
        Err(faults) => return refused(&signed, &posted, &faults),
    };
    match ui.services.create_portal_link(signed.caller(), input).await {
        Ok(link) => {
            let again = Query::new(PATH, "").with("role", posted.get("role"));
            once::hand_over(&ui, &signed, &again, &(url(&ui, &signed, (&headers, &link)), link.expires_at.millis()))
        }
        Err(error) => refused(&signed, &posted, &Faults::of(error)?),
    }
}

fn refused(signed: &Signed, posted: &Posted, faults: &Faults) -> Answer {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(signed, posted, (faults, None))?).into_response())
}

/// What was typed, as the service takes it.
fn input(posted: &Posted) -> Result<PortalLinkInput, Faults> {
    let mut faults = Faults::default();
    let role = faults.parsed("/role", posted.filled("role").map(|role| format!("\"{role}\"")), |role| {
        serde_json::from_str(role).map_err(|_| "choose one of the roles")
    });
    let tenant = faults.parsed("/tenant", posted.filled("tenant"), str::parse);
    let minutes = faults.parsed("/expiresInMinutes", posted.filled("minutes"), |minutes| {
        minutes.parse::<u32>().map_err(|_| "must be a whole number")
    });
    let allowed_origin = posted.filled("origin").map(str::to_owned);
    let input = PortalLinkInput { role, tenant, expires_in_minutes: minutes, allowed_origin };
    if faults.is_empty() { Ok(input) } else { Err(faults) }
}

fn page(signed: &Signed, typed: &Posted, (faults, made): (&Faults, Option<Made>)) -> Result<Response, super::Failure> {
    let roles = ROLES.map(|(value, label)| (value.to_owned(), label.to_owned()));
    let fields = [
        Field::new("role", "Role", Kind::Choice(roles.into()))
            .value(typed.get("role"))
            .required()
            .judged("/role", faults),
        Field::new("tenant", "Tenant", Kind::Line("text"))
            .value(typed.get("tenant"))
            .hint("Shows only this tenant. The role tenant needs one.")
            .judged("/tenant", faults),
        Field::new("minutes", "Expires after", Kind::Line("number"))
            .value(typed.get("minutes"))
            .hint("Minutes until the link opens nothing any more, 1 to 1,440. Whoever is in stays for 12 hours.")
            .required()
            .judged("/expiresInMinutes", faults),
        Field::new("origin", "May be framed by", Kind::Line("url"))
            .value(typed.get("origin"))
            .hint("The site of your own product, such as https://app.example.com. Only for the role tenant.")
            .mono()
            .judged("/allowedOrigin", faults),
    ];
    let summary = faults.summary(&fields.each_ref());
    let at = signed.0.layout("Portal links");
    Ok(rendered(&Page { at, csrf: signed.csrf(), faults: summary, fields, made })?.into_response())
}

/// On the site that the browser asks at, unless the configuration says another.
fn url(ui: &Ui, signed: &Signed, (headers, link): (&HeaderMap, &PortalLink)) -> String {
    if let Some(site) = ui.services.public_url() {
        return link.url(site.as_str());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    link.url(&format!("{}://{host}", if signed.0.is_https { "https" } else { "http" }))
}
