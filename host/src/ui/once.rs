//! What a page shows once: a secret that was just made. The form's answer leads to the page, with the secret sealed in a cookie that the
//! page takes back, so that loading it again neither posts the form again nor shows the secret again.

use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderValue, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::secret::Secret;
use crate::service::HANDED_OVER_FOR;

use super::session::{ONCE, Signed, set_cookie};
use super::{Answer, Failure, Ui};

/// To the page that shows this; its query isn't part of what it is known by.
pub(super) fn hand_over(ui: &Ui, signed: &Signed, page: &str, what: &impl Serialize) -> Answer {
    let path = page.split_once('?').map_or(page, |(path, _)| path);
    let what = Secret::new(serde_json::to_string(what).map_err(|_| Failure::internal())?);
    let sealed = ui.services.hand_over(session_of(signed), path, &what);
    Ok((set(signed, &sealed, HANDED_OVER_FOR.as_secs()), Redirect::to(page)).into_response())
}

/// What was handed over to the page that is asked for. [`shown`] is to be called on the page.
pub(super) fn taken<T: DeserializeOwned>(ui: &Ui, signed: &Signed) -> Option<T> {
    let sealed = signed.0.once.as_deref()?;
    let what = ui.services.handed_over(session_of(signed), &signed.0.path, sealed)?;
    serde_json::from_str(what.expose()).ok()
}

/// The page, after which nothing is handed over any more.
pub(super) fn shown(signed: &Signed, page: Response) -> Response {
    if signed.0.once.is_none() { page } else { (set(signed, "", 0), page).into_response() }
}

fn session_of(signed: &Signed) -> &str {
    signed.0.secret.as_deref().unwrap_or_default()
}

fn set(signed: &Signed, sealed: &str, seconds: u64) -> [(header::HeaderName, HeaderValue); 1] {
    let Signed(visit, visitor) = signed;
    [(header::SET_COOKIE, set_cookie(visit, (ONCE, sealed), seconds, visitor.origin.is_some()))]
}
