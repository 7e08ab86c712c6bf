//! A signed request's way to a sink, over a real socket, and what the sink saw.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use waxwing::clock::{Clock, SystemClock};
use waxwing::format::{self, Signing, Wrapping};
use waxwing::model::event::{Event, Payload};
use waxwing::model::ids::{DeliveryId, EventId};
use waxwing::model::name::{Environment, Tenant};
use waxwing::model::request::{Method, Request};
use waxwing::model::secret::{Secret, SigningSecret};
use waxwing::model::webhook::{Format, FormatName, FormatOptions};
use waxwing::send::{EgressOptions, HttpSender, Sender};

/// A request, exactly as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// Wraps, signs and sends the event of this number, and gives back what arrived.
pub(crate) async fn deliver(name: FormatName, secret: &Secret, number: u64) -> Received {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = EgressOptions { allow_addresses: vec![address], ..EgressOptions::default() };
    let request = request(name, secret, number, &format!("http://{address}/hooks/license?a=1%202"));
    let sender = HttpSender::new(&options).unwrap();
    let (received, exchange) = tokio::join!(receive(&listener), sender.send(request, Duration::from_secs(20)));
    assert_eq!(exchange.result.unwrap().status, 204);
    received
}

fn request(name: FormatName, secret: &Secret, number: u64, url: &str) -> Request {
    let account = (name == FormatName::Keygen).then(|| "1fddcec8-8dd3-4d8d-9b16-215cac0f9b52".to_owned());
    let format = Format { name, options: FormatOptions { account } };
    let now = SystemClock.now();
    let event = Event {
        id: EventId::from(number),
        event_type: "license.created".parse().unwrap(),
        tenant: Tenant::default_tenant(),
        environment: Environment::default(),
        occurred_at: now,
        data: Payload::json(format!("{{ \"key\" : \"D08B53-é\\u00e9\\/\\\"\",\n\"n\":{number}.0 }}").into_bytes()),
        external_id: None,
    };
    let (delivery, url) = (DeliveryId::from(number + 1000), url.parse().unwrap());
    let wrapping = Wrapping { event: &event, data: &event.data, delivery, test: false, endpoint: &url };
    let wrapped = format::wrap(&format, wrapping).unwrap();
    let (secrets, method) = ([SigningSecret { secret: secret.clone(), until: None }], Method::Post);
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
    let mut headers = format::sign(&format, signing).unwrap();
    headers.push(format::content_type(&wrapped.content_type));
    Request { method, url, headers, body: wrapped.body }
}

async fn receive(listener: &TcpListener) -> Received {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let mut start = lines.next().unwrap().split(' ').map(str::to_owned);
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    Received { method: start.next().unwrap(), target: start.next().unwrap(), headers, body }
}
