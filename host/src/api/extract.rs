//! What a handler takes: the caller, a checked body, a checked query, a checked path. Each refusal is a problem with its place.

use std::str::FromStr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use http_body::Body as _;
use serde::de::DeserializeOwned;

use crate::service::{AccessError, Caller};

use super::Api;
use super::problem::Problem;

/// The most that a JSON body other than events may have.
pub(super) const JSON_MAX: usize = 2 * 1024 * 1024;
/// A body that takes longer is given up: it holds room that others could have.
const BODY_WITHIN: Duration = Duration::from_secs(60);

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).ok_or(AccessError::Missing)?;
        Ok(api.services.authenticate(token)?)
    }
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
}

/// A JSON body. Unknown fields are refused with their pointer.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Api> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Problem> {
        if let Some(said) = content_type(request.headers())
            && !is_json(said)
        {
            let detail =
                format!("this path takes application/json, not {}", said.chars().take(128).collect::<String>());
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-content-type", detail));
        }
        let body = read(request.into_body(), JSON_MAX).await?;
        parse(&body).map(Self)
    }
}

/// A body that may be left out.
pub(super) struct MaybeJson<T>(pub(super) T);

impl<T: DeserializeOwned + Default> FromRequest<Api> for MaybeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Problem> {
        let body = read(request.into_body(), JSON_MAX).await?;
        if body.is_empty() { Ok(Self(T::default())) } else { parse(&body).map(Self) }
    }
}

/// The whole body, at most `max` bytes. It is refused before it is read where its length is told.
pub(super) async fn read(body: Body, max: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("the body is larger than {max} bytes: send less at once");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
    };
    if body.size_hint().lower() > max as u64 {
        return Err(too_large());
    }
    let in_time = tokio::time::timeout(BODY_WITHIN, to_bytes(body, max)).await;
    in_time.map_err(|_| too_slow())?.map_err(|error| {
        let limit =
            std::error::Error::source(&error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if limit {
            too_large()
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "body-broken", "the body ended before its end")
        }
    })
}

fn too_slow() -> Problem {
    let detail = format!("the body didn't come within {} seconds: send less at once", BODY_WITHIN.as_secs());
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail)
}

pub(super) fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence == "application/merge-patch+json"
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| refused(&error))?;
    json.end().map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "not-json", error))?;
    Ok(parsed)
}

fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    let text = inner.to_string();
    if inner.classify() != serde_json::error::Category::Data {
        let deep = text.contains("recursion limit");
        let code = if deep { "too-deep" } else { "not-json" };
        let detail =
            if deep { "the JSON is nested deeper than 128 levels".to_owned() } else { format!("not JSON: {text}") };
        return Problem::new(StatusCode::BAD_REQUEST, code, detail);
    }
    let mut pointer = pointer(error.path());
    // Serde tells of a missing field at the object that lacks it.
    let named = |prefix: &str| text.strip_prefix(prefix)?.split('`').next();
    let code = match (named("missing field `"), text.starts_with("unknown field")) {
        (Some(name), _) => {
            pointer = format!("{pointer}/{name}");
            "missing"
        }
        (None, true) => "unknown-field",
        (None, false) => "invalid-value",
    };
    // The position that serde adds says less than the pointer.
    let detail = text.split(" at line ").next().unwrap_or(&text).to_owned();
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, &detail).at(pointer, code, &detail)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(),
    };
    path.iter().map(step).collect()
}

/// The query's parameters; an unknown one is refused, since a filter that is misspelt would match too much.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let deserializer = serde::de::value::MapDeserializer::new(
            pairs.map(|(name, value)| (name.into_owned(), Text(value.into_owned()))),
        );
        serde_path_to_error::deserialize(deserializer).map(Self).map_err(|error| bad_parameter(&error))
    }
}

fn bad_parameter(error: &serde_path_to_error::Error<serde::de::value::Error>) -> Problem {
    let text = error.inner().to_string();
    let unknown = text.starts_with("unknown field");
    let code = if unknown { "unknown-parameter" } else { "invalid-parameter" };
    let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let place = missing.map_or_else(|| format!("?{}", error.path()), |name| format!("?{name}"));
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, format!("{place}: {text}")).at(place, code, &text)
}

/// A value of the query: text that becomes whatever its field is.
struct Text(String);

impl<'de> serde::de::IntoDeserializer<'de, serde::de::value::Error> for Text {
    type Deserializer = TextDeserializer;

    fn into_deserializer(self) -> TextDeserializer {
        TextDeserializer(self.0)
    }
}

struct TextDeserializer(String);

macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty, $what:literal;)*) => {
        $(fn $method<V: serde::de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            let number = <$type>::from_str(&self.0).map_err(|_| serde::de::Error::custom(concat!("must be ", $what)))?;
            visitor.$visit(number)
        })*
    };
}

impl<'de> serde::Deserializer<'de> for TextDeserializer {
    type Error = serde::de::value::Error;

    parsed! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_u8 visit_u8 u8, "a small whole number";
        deserialize_u32 visit_u32 u32, "a whole number";
    }

    fn deserialize_any<V: serde::de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: serde::de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_enum<V: serde::de::Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(serde::de::IntoDeserializer::into_deserializer(self.0))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 u16 u64 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// A name in the path. What can't be one doesn't exist.
pub(super) struct Named<T>(pub(super) T);

impl<T: FromStr + Send> FromRequestParts<Api> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Path(text): Path<String> =
            Path::from_request_parts(parts, api).await.map_err(|_| super::problem::not_found())?;
        let shown: String = text.chars().take(128).collect();
        let missing =
            |_| Problem::new(StatusCode::NOT_FOUND, "not-found", format!("there is nothing with the id '{shown}'"));
        text.parse().map(Self).map_err(missing)
    }
}

/// 201 with where it is.
pub(super) struct CreatedAt<T>(pub(super) String, pub(super) T);

impl<T: serde::Serialize> IntoResponse for CreatedAt<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, [(header::LOCATION, self.0)], axum::Json(self.1)).into_response()
    }
}
