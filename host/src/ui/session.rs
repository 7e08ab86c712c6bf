//! Who asks, and what is around every answer: the session of the cookie, the headers that keep other sites out, errors as pages.
//!
//! A page takes [`Signed`]: whoever isn't signed in is sent to sign in first, and brought back. What is posted is read by
//! [`super::form::Posted`], which refuses what doesn't come from our own pages.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::service::{Caller, Visitor};

use super::Ui;
use super::failure::Failure;
use super::layout::CsrfField;
use super::live::Look;

pub(super) const SESSION: &str = "waxwing_session";
pub(super) const THEME: &str = "waxwing_theme";
pub(super) const ONCE: &str = "waxwing_once";

/// A page that takes longer has lost its reader.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// What is known of a request, whoever makes it.
#[derive(Clone)]
pub(super) struct Visit {
    pub(super) visitor: Option<Visitor>,
    /// What the cookie holds.
    pub(super) secret: Option<String>,
    pub(super) theme: Theme,
    /// Sealed: [`super::once`].
    pub(super) once: Option<String>,
    pub(super) path: String,
    /// Path and query.
    pub(super) here: String,
    pub(super) is_https: bool,
    /// A stream asks, which wants a part of the page: [`super::live`].
    pub(super) looks: bool,
    pub(super) peer: SocketAddr,
}

/// How the pages look; by the system's own setting, if nobody said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(super) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::System => "As the system",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    pub(super) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.as_str() == name).unwrap_or_default()
    }
}

/// Somebody who is signed in.
pub(super) struct Signed(pub(super) Arc<Visit>, pub(super) Visitor);

impl Signed {
    pub(super) fn caller(&self) -> &Caller {
        &self.1.caller
    }

    /// The first field of every form of the page.
    pub(super) fn csrf(&self) -> CsrfField {
        CsrfField::new(&self.1)
    }
}

impl FromRequestParts<Ui> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &Ui) -> Result<Self, Response> {
        let visit = visit_of(parts).map_err(IntoResponse::into_response)?;
        match visit.visitor.clone() {
            Some(visitor) => Ok(Self(visit, visitor)),
            // What was typed into a form is lost with the session: the page says so.
            None if parts.method != Method::GET => Err(Failure::signed_out().into_response()),
            None => Err(Redirect::to(&super::sign_in::path_back_to(&visit.here)).into_response()),
        }
    }
}

/// Whoever asks.
pub(super) struct Anyone(pub(super) Arc<Visit>);

impl FromRequestParts<Ui> for Anyone {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Ui) -> Result<Self, Failure> {
        visit_of(parts).map(Self)
    }
}

pub(super) fn visit_of(parts: &Parts) -> Result<Arc<Visit>, Failure> {
    parts.extensions.get::<Arc<Visit>>().cloned().ok_or_else(Failure::internal)
}

/// Around every answer.
pub(super) async fn around(State(ui): State<Ui>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let only_reads = matches!(parts.method, Method::GET | Method::HEAD);
    let foreign = !only_reads && is_from_elsewhere(&parts.headers, parts.uri.authority().map(Authority::as_str));
    let (visit, lost) = visit(&ui, &parts).await;
    let visit = Arc::new(visit);
    parts.extensions.insert(Arc::clone(&visit));
    let answered = next.run(Request::from_parts(parts, body));
    let mut response = if let Some(lost) = lost {
        lost.into_response()
    } else if foreign {
        Failure::from_elsewhere().into_response()
    } else if only_reads {
        let in_time = tokio::time::timeout(ANSWERED_WITHIN, answered).await;
        in_time.unwrap_or_else(|_| Failure::unavailable().into_response())
    } else {
        answered.await
    };
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = failure.page(&visit);
    }
    guard(&visit, &mut response);
    response
}

/// The second is set where it couldn't be found out who asks.
async fn visit(ui: &Ui, parts: &Parts) -> (Visit, Option<Failure>) {
    let (headers, path) = (&parts.headers, parts.uri.path());
    let secret = cookie(headers, SESSION).map(str::to_owned);
    let (visitor, lost) = match &secret {
        None => (None, None),
        // Style and scripts are everybody's.
        Some(_) if path.starts_with("/admin/assets/") => (None, None),
        Some(secret) => match ui.services.visitor(secret).await {
            Ok(visitor) => (visitor, None),
            Err(error) => (None, Some(Failure::from(error))),
        },
    };
    let configured = ui.services.public_url().is_some_and(|url| url.scheme() == "https");
    let forwarded = headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes() == b"https");
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let visit = Visit {
        visitor,
        secret,
        theme: cookie(headers, THEME).map(Theme::named).unwrap_or_default(),
        once: cookie(headers, ONCE).map(str::to_owned),
        path: path.to_owned(),
        here: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        is_https: configured || forwarded,
        looks: parts.extensions.get::<Look>().is_some(),
        peer: peer.unwrap_or_else(|| SocketAddr::from(([0; 4], 0))),
    };
    (visit, lost)
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// Whether the browser says that another site's page sends this. One that says nothing at all is no browser of today. `authority`: the
/// host that HTTP/2 asks for.
fn is_from_elsewhere(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN) else { return false };
    let host = text(header::HOST).or(authority).unwrap_or_default();
    origin.split_once("://").is_none_or(|(_, site)| !site.eq_ignore_ascii_case(host))
}

/// A cookie that no script reads. In another site's frame only a partitioned one comes back.
pub(super) fn set_cookie(visit: &Visit, (name, value): (&str, &str), seconds: u64, framed: bool) -> HeaderValue {
    let secure = if visit.is_https { "; Secure" } else { "" };
    let rest = if framed { "SameSite=None; Secure; Partitioned".to_owned() } else { format!("SameSite=Lax{secure}") };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; {rest}");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Who may show an answer in a frame, where it isn't known by the session: a link's own site.
#[derive(Clone)]
pub(super) struct FramedBy(pub(super) String);

fn guard(visit: &Visit, response: &mut Response) {
    let told = response.extensions_mut().remove::<FramedBy>().map(|told| told.0);
    let origin = told.or_else(|| visit.visitor.as_ref()?.origin.clone());
    let framed_by = origin.as_deref().unwrap_or("'none'");
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors {framed_by}"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if origin.is_none() {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // With `no-referrer` a browser would say `Origin: null` of our own forms.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_form_of_another_site_is_told_by_what_the_browser_says() {
        for (said, foreign) in [
            (&[("sec-fetch-site", "same-origin"), ("origin", "null")][..], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("origin", "http://localhost:8480"), ("host", "localhost:8480")], false),
            (&[("origin", "https://evil.example"), ("host", "localhost:8480")], true),
            (&[("origin", "null"), ("host", "localhost:8480")], true),
            (&[("host", "localhost:8480")], false),
        ] {
            assert_eq!(is_from_elsewhere(&headers(said), None), foreign, "{said:?}");
        }
        let over_http2 = headers(&[("origin", "https://waxwing.example")]);
        assert!(!is_from_elsewhere(&over_http2, Some("waxwing.example")));
        assert!(is_from_elsewhere(&over_http2, Some("other.example")));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = headers(&[("cookie", "a=1; waxwing_session=abc; xwaxwing_session=no")]);
        assert_eq!(cookie(&headers, SESSION), Some("abc"));
        assert_eq!(cookie(&headers, THEME), None);
    }
}
