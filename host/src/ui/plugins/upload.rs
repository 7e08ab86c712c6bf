//! Uploading a component with a form: what is wrong with it stands beside the field.

use std::time::Duration;

use askama::Template;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;

use crate::service::{COMPONENT_MAX, ServiceError};
use crate::ui::failure::Failure;
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::form::{CSRF, proven};
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::saying;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::{LIST, UPLOAD};

const WITHIN: Duration = Duration::from_secs(120);
/// The form around the file.
const FRAME_MAX: usize = 64 * 1024;
const FILE: &str = "/file";

#[derive(Template)]
#[template(path = "plugins/upload.html")]
struct Page {
    at: Layout,
    csrf: CsrfField,
    faults: Summary,
    field: Field,
}

pub(super) async fn form(State(ui): State<Ui>, signed: Signed) -> Answer {
    ui.services.may_upload(signed.caller())?;
    page(&signed, &Faults::default())
}

pub(super) async fn upload(State(ui): State<Ui>, signed: Signed, request: Request) -> Answer {
    // Before 16 MiB are read for nothing.
    ui.services.may_upload(signed.caller())?;
    let Posted { csrf, file } = posted(request).await?;
    proven(&signed.1, &csrf)?;
    let faults = match file {
        Some(file) if !file.is_empty() => match ui.services.upload_plugin(signed.caller(), file).await {
            Ok((plugin, is_new)) => {
                let place = super::actions::place(&plugin.manifest.name, &plugin.manifest.version.to_string());
                let done = if is_new { "uploaded" } else { "known" };
                return Ok(Redirect::to(&saying(&place, done)).into_response());
            }
            Err(ServiceError::BadComponent(bad)) => Faults::one(FILE, bad),
            Err(ServiceError::Refused { detail, .. }) => Faults::one(FILE, detail),
            Err(other) => Faults::of(other)?,
        },
        _ => Faults::one(FILE, "choose a file, and not an empty one"),
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&signed, &faults)?).into_response())
}

struct Posted {
    csrf: String,
    file: Option<Bytes>,
}

async fn posted(request: Request) -> Result<Posted, Failure> {
    let (parts, body) = request.into_parts();
    let too_large = || {
        let detail = "A component has at most 16 MiB. Go back, and choose a smaller one.";
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "Too much", detail)
    };
    let read = tokio::time::timeout(WITHIN, to_bytes(body, COMPONENT_MAX + FRAME_MAX)).await;
    let body = read.map_err(|_| Failure::other_method())?.map_err(|_| too_large())?;
    let request = Request::from_parts(parts, Body::from(body));
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| Failure::other_method())?;
    let mut posted = Posted { csrf: String::new(), file: None };
    while let Some(field) = form.next_field().await.map_err(|_| Failure::other_method())? {
        match field.name() {
            Some(CSRF) => posted.csrf = field.text().await.map_err(|_| Failure::other_method())?,
            Some("file") => posted.file = Some(field.bytes().await.map_err(|_| Failure::other_method())?),
            _ => {}
        }
    }
    Ok(posted)
}

fn page(signed: &Signed, faults: &Faults) -> Result<Response, Failure> {
    let field = Field::new("file", "Component", Kind::File(".wasm"))
        .hint("A WebAssembly component (.wasm) of at most 16 MiB, made with the guest SDK or by hand.")
        .required()
        .judged(FILE, faults);
    let faults = faults.summary(&[&field]);
    let at = signed.0.layout("Upload a plugin");
    Ok(rendered(&Page { at, csrf: signed.csrf(), faults, field })?.into_response())
}
