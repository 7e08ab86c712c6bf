//! Through a proxy: a tunnel for everything, with the policy in front of it.

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use waxwing::model::attempt::SendErrorKind;
use waxwing::send::{BadEgress, EgressOptions, HttpSender, Sender};

use crate::receiver::{Names, OK, PATIENCE, Receiver, loopback, post, read_request, sender};

/// Tunnels one connection to `target`, whatever it is asked for; gives back what it was asked.
async fn proxy(target: std::net::SocketAddr) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://user:p%40ss@{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let asked = read_request(&mut client).await.unwrap();
        let mut server = TcpStream::connect(target).await.unwrap();
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
        asked
    });
    (url, task)
}

#[tokio::test]
async fn a_delivery_goes_through_the_proxys_tunnel_with_its_credentials() {
    let receiver = Receiver::answering(OK).await;
    let (proxy, asked) = proxy(receiver.address).await;
    let options = EgressOptions { proxy: Some(proxy.parse().unwrap()), ..loopback() };
    let sender = HttpSender::with_resolver(&options, Names::new(&[&["127.0.0.1"]])).unwrap();
    let reply = sender.send(post("http://receiver.test:8080/hook"), PATIENCE).await.result.unwrap();
    assert_eq!(reply.status, 200);
    drop(sender);
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("CONNECT receiver.test:8080 HTTP/1.1\r\nHost: receiver.test:8080\r\n"), "{asked}");
    assert!(asked.contains("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"), "{asked}");
    assert!(receiver.requests()[0].starts_with("POST /hook HTTP/1.1\r\n"));
}

#[tokio::test]
async fn the_policy_stands_before_the_proxy_too() {
    let proxy = Receiver::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let url = format!("http://{}", proxy.address).parse().unwrap();
    let options = EgressOptions { allow_http: true, proxy: Some(url), ..EgressOptions::default() };
    let mixed = Names::new(&[&["93.184.216.34", "10.0.0.1"]]);
    let sender = HttpSender::with_resolver(&options, mixed).unwrap();
    for url in ["http://169.254.169.254/", "http://[::1]/", "http://partly-private.test/"] {
        let error = sender.send(post(url), PATIENCE).await.result.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Refused, "{url}: {error}");
    }
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn a_proxy_that_says_no_is_a_failed_connection() {
    let answer = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    for answer in [answer.to_owned(), "nonsense\r\n\r\n".to_owned(), format!("HTTP/1.1 200 {}", "x".repeat(100_000))] {
        let proxy = Receiver::answering(answer).await;
        let url = format!("http://{}", proxy.address).parse().unwrap();
        let options = EgressOptions { proxy: Some(url), ..loopback() };
        let error = sender(&options).send(post("http://127.0.0.1:1234/"), PATIENCE).await.result.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Connect, "{error}");
    }
}

#[test]
fn a_proxy_url_that_is_not_http_is_refused_at_the_start() {
    for url in ["https://proxy.test", "socks5://proxy.test:1080"] {
        let options = EgressOptions { proxy: Some(url.parse().unwrap()), ..EgressOptions::default() };
        assert!(matches!(HttpSender::new(&options), Err(BadEgress::Proxy)), "{url}");
    }
}
