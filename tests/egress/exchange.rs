//! One exchange and its bounds: what is sent, how much is read, when it is given up.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use waxwing::model::attempt::{RESPONSE_HEADERS_MAX, RESPONSE_READ_MAX, SendErrorKind};
use waxwing::send::{EgressOptions, HttpSender, Sender};

use crate::receiver::{Act, BRIEF, Names, OK, PATIENCE, Receiver, loopback, post, read_request, sender};

#[tokio::test]
async fn the_parts_of_a_body_arrive_as_one_with_their_length() {
    let receiver = Receiver::answering(OK).await;
    let reply = sender(&loopback()).send(post(&receiver.url()), PATIENCE).await.result.unwrap();
    assert_eq!((reply.status, &reply.body[..], reply.truncated), (200, &b"ok"[..], false));
    let request = receiver.requests().remove(0);
    assert!(request.starts_with("POST /hook?token=s3cret HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"data\":[1,2]}"), "{request}");
    let head = request.to_lowercase();
    for line in ["content-length: 14", "content-type: application/json", "x-test: yes", "user-agent: waxwing/"] {
        assert!(head.contains(line), "{line} in {request}");
    }
    assert!(head.contains(&format!("host: {}", receiver.address)), "{request}");
}

#[tokio::test]
async fn a_kept_connection_is_used_again_and_saves_the_phases_of_connecting() {
    let receiver = Receiver::answering(OK).await;
    let sender = sender(&loopback());
    let first = sender.send(post(&receiver.url()), PATIENCE).await.timings;
    assert!(first.dns.is_some() && first.connect.is_some() && first.tls.is_none(), "{first:?}");
    let second = sender.send(post(&receiver.url()), PATIENCE).await.timings;
    assert!(second.dns.is_none() && second.connect.is_none(), "{second:?}");
    assert!(second.first_byte.is_some() && second.total >= second.first_byte, "{second:?}");
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_redirect_is_a_reply_like_any_other() {
    let elsewhere = Receiver::answering(OK).await;
    let head = format!("HTTP/1.1 307 Go\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url());
    let receiver = Receiver::answering(head).await;
    let reply = sender(&loopback()).send(post(&receiver.url()), PATIENCE).await.result.unwrap();
    assert_eq!(reply.status, 307);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_body_is_read_up_to_the_cap_and_no_further() {
    let body = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}", "x".repeat(length));
    for (length, truncated) in [(RESPONSE_READ_MAX, false), (RESPONSE_READ_MAX + 1, true), (3_000_000, true)] {
        let receiver = Receiver::answering(body(length)).await;
        let reply = sender(&loopback()).send(post(&receiver.url()), PATIENCE).await.result.unwrap();
        assert_eq!((reply.body.len(), reply.truncated), (RESPONSE_READ_MAX, truncated), "{length}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_cut_and_its_connection_dropped() {
    let endless =
        Receiver::playing(Act::Flood(Bytes::from_static(b"HTTP/1.1 200 OK\r\n\r\nand so on and so on"))).await;
    let reply = sender(&loopback()).send(post(&endless.url()), PATIENCE).await.result.unwrap();
    assert_eq!((reply.status, reply.body.len(), reply.truncated), (200, RESPONSE_READ_MAX, true));
}

#[tokio::test]
async fn headers_are_bounded_in_number_and_in_size() {
    let answer = |headers: String| format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{headers}\r\n");
    let too_many = (0..5000).map(|n| format!("x-{n}: y\r\n")).collect();
    let too_long = format!("x-long: {}\r\n", "y".repeat(1_000_000));
    for headers in [too_many, too_long] {
        let receiver = Receiver::answering(answer(headers)).await;
        let error = sender(&loopback()).send(post(&receiver.url()), PATIENCE).await.result.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Broken, "{error}");
    }
    let many = (0..20).map(|n| format!("x-{n}: {}\r\n", "y".repeat(1000))).collect();
    let receiver = Receiver::answering(answer(many)).await;
    let reply = sender(&loopback()).send(post(&receiver.url()), PATIENCE).await.result.unwrap();
    let kept: usize = reply.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    assert!((1..=RESPONSE_HEADERS_MAX).contains(&kept), "{kept} bytes of headers kept");
}

#[tokio::test]
async fn a_receiver_that_never_answers_costs_its_time_and_no_more() {
    let silent = Receiver::playing(Act::AnswerAndStall(Bytes::new())).await;
    let exchange = sender(&loopback()).send(post(&silent.url()), BRIEF).await;
    let error = exchange.result.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Timeout);
    assert!(error.detail.ends_with("waiting for the reply"), "{error}");
    assert!(exchange.timings.connect.is_some() && exchange.timings.first_byte.is_none());
    assert!(exchange.timings.total.unwrap() >= BRIEF);
}

#[tokio::test]
async fn a_body_that_dribbles_runs_into_the_same_time() {
    let slow = Act::AnswerAndStall(Bytes::from_static(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
    let receiver = Receiver::playing(slow).await;
    let exchange = sender(&loopback()).send(post(&receiver.url()), BRIEF).await;
    let error = exchange.result.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Timeout);
    assert!(error.detail.ends_with("waiting for the rest of the reply"), "{error}");
    assert!(exchange.timings.first_byte.is_some());
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_not_sent_to_again() {
    let receiver = Receiver::playing(Act::AnswerAndClose(Bytes::new())).await;
    let error = sender(&loopback()).send(post(&receiver.url()), PATIENCE).await.result.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Broken, "{error}");
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced_by_a_new_one() {
    let closing = Receiver::playing(Act::AnswerAndClose(Bytes::from_static(OK.as_bytes()))).await;
    let other = Receiver::answering(OK).await;
    let sender = sender(&loopback());
    for _ in 0..3 {
        assert_eq!(sender.send(post(&closing.url()), PATIENCE).await.result.unwrap().status, 200);
        // While this goes to and fro, the end of the first connection is noticed.
        assert_eq!(sender.send(post(&other.url()), PATIENCE).await.result.unwrap().status, 200);
    }
    assert_eq!((closing.requests().len(), closing.connections()), (3, 3));
}

#[tokio::test]
async fn a_kept_connection_that_nobody_uses_is_closed_after_its_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream.write_all(OK.as_bytes()).await.unwrap();
        tokio::time::timeout(PATIENCE, stream.read(&mut [0])).await.unwrap().unwrap()
    });
    let sender = sender(&EgressOptions { idle_timeout: Duration::from_millis(200), ..loopback() });
    assert_eq!(sender.send(post(&url), PATIENCE).await.result.unwrap().status, 200);
    assert_eq!(served.await.unwrap(), 0, "the end of the stream");
}

#[tokio::test]
async fn what_is_not_http_is_a_broken_connection() {
    let receiver = Receiver::answering("SSH-2.0-OpenSSH_9.6\r\n\r\n").await;
    let error = sender(&loopback()).send(post(&receiver.url()), PATIENCE).await.result.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Broken, "{error}");
}

#[tokio::test]
async fn errors_name_hosts_and_never_paths_or_queries() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let broken = Receiver::answering("nonsense\r\n\r\n").await;
    let names = Names::new(&[]);
    let sender = HttpSender::with_resolver(&loopback(), names).unwrap();
    let cases = [
        (format!("http://{closed}/hook?token=s3cret"), SendErrorKind::Connect),
        (broken.url(), SendErrorKind::Broken),
        ("http://nowhere.test/hook?token=s3cret".to_owned(), SendErrorKind::Dns),
        ("http://10.0.0.1/hook?token=s3cret".to_owned(), SendErrorKind::Refused),
    ];
    for (url, kind) in cases {
        let error = sender.send(post(&url), PATIENCE).await.result.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(!error.to_string().contains("hook") && !error.to_string().contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn the_second_address_is_tried_when_the_first_does_not_answer() {
    let receiver = Receiver::answering(OK).await;
    let names = Names::new(&[&["127.0.0.3", "127.0.0.1"]]);
    let options = EgressOptions { connect_timeout: Duration::from_secs(1), ..loopback() };
    let sender = HttpSender::with_resolver(&options, names).unwrap();
    let url = format!("http://two.test:{}/", receiver.address.port());
    assert_eq!(sender.send(post(&url), PATIENCE).await.result.unwrap().status, 200);
}

#[tokio::test]
async fn deliveries_leave_from_the_source_address_that_was_chosen() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let options = EgressOptions { source_address: Some("127.0.0.9".parse().unwrap()), ..loopback() };
    let sender = sender(&options);
    let request = post(&url);
    let (accepted, _) = tokio::join!(listener.accept(), sender.send(request, BRIEF));
    assert_eq!(accepted.unwrap().1.ip().to_string(), "127.0.0.9");
}
