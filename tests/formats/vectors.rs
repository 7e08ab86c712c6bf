//! Our bytes against the committed vectors, which `vectors/make.py` makes from the published rules without our code.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use waxwing::format::{self, Signing, Wrapping};
use waxwing::model::event::{ContentType, Event, Payload};
use waxwing::model::name::{Environment, EventType, Tenant};
use waxwing::model::request::Method;
use waxwing::model::secret::{Secret, SigningSecret};
use waxwing::model::webhook::{Format, FormatName, FormatOptions};

#[derive(Deserialize)]
struct Vector {
    format: FormatName,
    options: FormatOptions,
    /// Newest first.
    secrets: Vec<String>,
    event: EventInput,
    attempt: AttemptInput,
    expected: Expected,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventInput {
    id: String,
    #[serde(rename = "type")]
    event_type: EventType,
    environment: Environment,
    occurred_at: String,
    content_type: String,
    data: String,
}

#[derive(Deserialize)]
struct AttemptInput {
    delivery: String,
    at: String,
    url: String,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Expected {
    content_type: String,
    body: String,
    headers: BTreeMap<String, String>,
}

impl Vector {
    fn made_by_us(&self) -> Expected {
        let format = Format { name: self.format, options: self.options.clone() };
        let event = self.event.as_event();
        let (delivery, url) = (self.attempt.delivery.parse().unwrap(), self.attempt.url.parse().unwrap());
        let wrapping = Wrapping { event: &event, data: &event.data, delivery, test: false, endpoint: &url };
        let wrapped = format::wrap(&format, wrapping).unwrap();
        let secret = |text: &String| SigningSecret { secret: Secret::new(text.as_str()), until: None };
        let secrets: Vec<_> = self.secrets.iter().map(secret).collect();
        for secret in &self.secrets {
            assert_eq!(format::check_secret(self.format, secret), Ok(()));
        }
        let (now, method) = (self.attempt.at.parse().unwrap(), Method::Post);
        let signing = Signing {
            event: &event,
            delivery,
            test: false,
            secrets: &secrets,
            now,
            method,
            url: &url,
            body: &wrapped.body,
        };
        let headers = format::sign(&format, signing).unwrap();
        assert!(headers.iter().all(|header| format::reserved_headers().contains(&&*header.name)));
        Expected {
            content_type: wrapped.content_type.as_str().to_owned(),
            body: String::from_utf8(wrapped.body.to_bytes().to_vec()).unwrap(),
            headers: headers.iter().map(|header| (header.name.to_string(), header.value.to_string())).collect(),
        }
    }
}

impl EventInput {
    fn as_event(&self) -> Event {
        let content_type = match self.content_type.as_str() {
            ContentType::JSON => ContentType::Json,
            other => ContentType::Other(other.into()),
        };
        Event {
            id: self.id.parse().unwrap(),
            event_type: self.event_type.clone(),
            tenant: Tenant::default_tenant(),
            environment: self.environment.clone(),
            occurred_at: self.occurred_at.parse().unwrap(),
            data: Payload { content_type, bytes: self.data.clone().into() },
            external_id: None,
        }
    }
}

fn vectors() -> BTreeMap<String, Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/formats/vectors");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let json = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    json.map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.file_stem().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
    })
    .collect()
}

#[test]
fn body_and_headers_are_those_of_the_vectors_to_the_byte() {
    for (name, vector) in vectors() {
        assert_eq!(vector.made_by_us(), vector.expected, "{name}");
    }
}

#[test]
fn every_format_has_a_vector() {
    let vectors = vectors();
    for name in FormatName::ALL {
        assert!(vectors.values().any(|vector| vector.format == name), "{name:?}");
    }
}

#[test]
fn data_that_is_not_json_is_refused_where_an_envelope_would_hold_it() {
    let mut vector = vectors().remove("svix-text").unwrap();
    for name in FormatName::ALL {
        vector.format = name;
        let account = (name == FormatName::Keygen).then(|| "acme".to_owned());
        let format = Format { name, options: FormatOptions { account } };
        let event = vector.event.as_event();
        let (delivery, url) = (vector.attempt.delivery.parse().unwrap(), vector.attempt.url.parse().unwrap());
        let wrapped =
            format::wrap(&format, Wrapping { event: &event, data: &event.data, delivery, test: false, endpoint: &url });
        let bare = matches!(name, FormatName::Svix | FormatName::Github);
        match wrapped {
            Ok(wrapped) => assert!(bare && wrapped.content_type.as_str() == "text/plain; charset=utf-8", "{name:?}"),
            Err(error) => assert!(!bare && error.code() == "data-not-json", "{name:?}"),
        }
    }
}
