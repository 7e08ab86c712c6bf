//! The one exception from the address policy: this server's own sinks, by their whole URL, and nothing beside them.

use waxwing::model::attempt::SendErrorKind;
use waxwing::model::sink::OwnSinks;
use waxwing::send::{EgressOptions, HttpSender, Sender};

use crate::receiver::{Names, OK, PATIENCE, Receiver, post, sender};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A server's policy as it comes, with sinks where this receiver listens.
fn options(receiver: &Receiver, public: Option<&str>) -> EgressOptions {
    let public = public.map(|public| public.parse().unwrap());
    EgressOptions { own_sinks: OwnSinks::new(receiver.address, public.as_ref()), ..EgressOptions::default() }
}

async fn is_refused(sender: &HttpSender, url: &str) {
    let error = sender.send(post(url), PATIENCE).await.result.expect_err(url);
    assert_eq!(error.kind, SendErrorKind::Refused, "{url}: {error}");
}

#[tokio::test]
async fn a_sink_of_our_own_is_reached_and_nothing_beside_it() {
    let (own, other) = (Receiver::answering(OK).await, Receiver::answering(OK).await);
    let (site, sender) = (format!("http://{}", own.address), sender(&options(&own, None)));
    let localhost = format!("http://localhost:{}/sinks/{TOKEN}/below?a=%2e%2e", own.address.port());
    for url in [format!("{site}/sinks/{TOKEN}"), localhost] {
        assert_eq!(sender.send(post(&url), PATIENCE).await.result.unwrap().status, 200, "{url}");
    }
    assert_eq!(own.requests().len(), 2);
    for path in [
        "/",
        "/api/webhooks",
        "/sinks",
        "/sinks/",
        "/sinks/short",
        "/sinks/../api/webhooks",
        "/sinks/TOKEN/../../api/webhooks",
        "/sinks/TOKEN/%2e%2e/%2e%2e/api/webhooks",
        "/sinks/TOKEN/%2E%2E/api",
        "/sinks/TOKEN/..%2f..%2fapi/webhooks",
        "/sinks/TOKEN/%252e%252e/api",
        "/sinks/TOKEN\\..\\..\\api",
        "/sinks/TOKEN/..;/api",
        "//sinks/TOKEN",
        "/api/?/sinks/TOKEN",
        "/api/#/sinks/TOKEN",
        "/sinks%2fTOKEN",
    ] {
        is_refused(&sender, &format!("{site}{}", path.replace("TOKEN", TOKEN))).await;
    }
    let (port, other_port) = (own.address.port(), other.address.port());
    for site in [
        format!("http://127.0.0.1:{other_port}"),
        format!("http://user@127.0.0.1:{port}"),
        format!("http://user:password@127.0.0.1:{port}"),
        format!("http://:{TOKEN}@127.0.0.1:{port}"),
        format!("http://127.0.0.2:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("https://127.0.0.1:{port}"),
        "http://127.0.0.1".to_owned(),
    ] {
        is_refused(&sender, &format!("{site}/sinks/{TOKEN}")).await;
    }
    assert_eq!((own.requests().len(), other.connections()), (2, 0));
}

#[tokio::test]
async fn a_redirect_leads_nowhere_from_a_sink_either() {
    let answer = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /api/webhooks\r\ncontent-length: 0\r\n\r\n";
    let own = Receiver::answering(answer).await;
    let url = format!("http://{}/sinks/{TOKEN}", own.address);
    let reply = sender(&options(&own, None)).send(post(&url), PATIENCE).await.result.unwrap();
    assert_eq!((reply.status, own.requests().len()), (307, 1));
}

#[tokio::test]
async fn what_was_connected_for_a_sink_is_used_for_nothing_else() {
    let own = Receiver::answering(OK).await;
    let public = format!("http://sinks.test:{}", own.address.port());
    // Plain HTTP is allowed, so that only the address is in the way.
    let options = EgressOptions { allow_http: true, ..options(&own, Some(&public)) };
    let sender = HttpSender::with_resolver(&options, Names::new(&[&["127.0.0.1"]])).unwrap();
    let to = |path: &str| format!("{public}{path}");
    let sink = to(&format!("/sinks/{TOKEN}"));
    assert_eq!(sender.send(post(&sink), PATIENCE).await.result.unwrap().status, 200);
    for path in ["/api/webhooks", "/sinks/short", &format!("/sinks/{TOKEN}/%2e%2e/%2e%2e/api")] {
        is_refused(&sender, &to(path)).await;
    }
    assert_eq!(sender.send(post(&sink), PATIENCE).await.result.unwrap().status, 200);
    assert_eq!((own.connections(), own.requests().len()), (1, 2), "the sink's own connection was kept for it");
}

#[tokio::test]
async fn our_own_address_is_never_looked_up() {
    let (own, elsewhere) = (Receiver::answering(OK).await, Names::new(&[&["192.0.2.1"]]));
    let sender = HttpSender::with_resolver(&options(&own, None), elsewhere).unwrap();
    let url = format!("http://localhost:{}/sinks/{TOKEN}", own.address.port());
    assert_eq!(sender.send(post(&url), PATIENCE).await.result.unwrap().status, 200);
}

#[tokio::test]
async fn without_sinks_of_its_own_a_server_lets_none_through() {
    let own = Receiver::answering(OK).await;
    is_refused(&sender(&EgressOptions::default()), &format!("http://{}/sinks/{TOKEN}", own.address)).await;
    assert_eq!(own.connections(), 0);
}
