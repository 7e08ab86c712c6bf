//! Where nothing may be sent, in every spelling, before and after DNS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use proptest::prelude::*;
use waxwing::model::attempt::SendErrorKind;
use waxwing::send::{EgressOptions, HttpSender, Policy, Refusal, Sender};

use crate::receiver::{Names, OK, PATIENCE, Receiver, loopback, post, sender};

fn strict() -> Policy {
    Policy::new(&EgressOptions::default())
}

fn allowed(policy: &Policy, address: &str) -> bool {
    policy.check(SocketAddr::new(address.parse().unwrap(), 443)).is_ok()
}

/// The first and the last address of every range, with a neighbour outside where it is public.
#[test]
fn every_special_range_is_refused_from_its_first_address_to_its_last() {
    let ranges = [
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("169.254.169.254", "169.254.169.254"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "239.255.255.255"),
        ("240.0.0.0", "255.255.255.255"),
        ("::", "::1"),
        ("::7f00:1", "::ffff:ffff"),
        ("::ffff:0.0.0.0", "::ffff:255.255.255.255"),
        ("::ffff:0:7f00:1", "::ffff:0:ffff:ffff"),
        ("64:ff9b::", "64:ff9b::ffff:ffff"),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
        ("100::", "100::ffff:ffff:ffff:ffff"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fd00:ec2::254", "fd00:ec2::254"),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("4000::", "5fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];
    for (first, last) in ranges {
        assert!(!allowed(&strict(), first), "{first}");
        assert!(!allowed(&strict(), last), "{last}");
    }
}

#[test]
fn ordinary_public_addresses_are_allowed() {
    let public = [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::",
        "2001:4860:4860::8888",
        "2606:4700::1111",
        "2a00::1",
        "3ffe::1",
    ];
    for address in public {
        assert!(allowed(&strict(), address), "{address}");
    }
}

proptest! {
    #[test]
    fn what_the_standard_library_calls_special_is_refused(bits in any::<u32>()) {
        let ip = Ipv4Addr::from_bits(bits);
        let special = ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_multicast()
            || ip.is_broadcast() || ip.is_documentation() || ip.is_unspecified();
        if special {
            prop_assert!(!allowed(&strict(), &ip.to_string()));
        }
    }

    #[test]
    fn no_ipv6_dress_lets_an_ipv4_address_pass(bits in any::<u32>()) {
        let v4 = Ipv4Addr::from_bits(bits);
        let [a, b, c, d] = v4.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        let dresses = [
            v4.to_ipv6_mapped(),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !high, !low),
        ];
        for dress in dresses {
            prop_assert!(!allowed(&strict(), &dress.to_string()), "{}", dress);
        }
    }
}

#[test]
fn an_allowed_network_allows_what_it_contains_and_no_other_spelling_of_it() {
    let options = EgressOptions { allow_networks: vec!["10.1.0.0/16".parse().unwrap()], ..EgressOptions::default() };
    let policy = Policy::new(&options);
    assert!(allowed(&policy, "10.1.2.3"));
    for other in ["10.2.0.1", "127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::a01:203"] {
        assert!(!allowed(&policy, other), "{other}");
    }
}

/// The WHATWG URL parser reads all of these as one address; the policy sees what it read.
#[test]
fn an_address_is_the_same_in_every_spelling() {
    let spellings = [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://0177.0.0.01/",
        "https://127.0.0.1./",
        "https://%31%32%37.0.0.1/",
        "https://１２７.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[0:0:0:0:0:ffff:7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://0/",
        "https://0xa9fea9fe/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1]/",
    ];
    for url in spellings {
        let refusal = strict().check_url(&url.parse().unwrap()).unwrap_err();
        assert!(matches!(refusal, Refusal::Address { .. }), "{url}: {refusal}");
    }
}

#[test]
fn schemes_user_info_and_ports_of_other_protocols_are_refused() {
    let check = |url: &str| strict().check_url(&url.parse().unwrap());
    assert_eq!(check("http://example.com/"), Err(Refusal::Http));
    assert_eq!(check("ftp://example.com/"), Err(Refusal::Scheme));
    assert_eq!(check("https://user@example.com/"), Err(Refusal::UserInfo));
    assert_eq!(check("https://:password@example.com/"), Err(Refusal::UserInfo));
    assert_eq!(check("https://example.com:25/"), Err(Refusal::Port(25)));
    assert_eq!(check("https://example.com:0/"), Err(Refusal::Port(0)));
    assert_eq!(check("https://example.com:8443/"), Ok(()));
    let smtp = EgressOptions { allow_ports: vec![25], ..EgressOptions::default() };
    assert_eq!(Policy::new(&smtp).check_url(&"https://example.com:25/".parse().unwrap()), Ok(()));
}

#[tokio::test]
async fn a_single_allowed_address_opens_no_other_port_of_its_host() {
    let (sink, other) = (Receiver::answering(OK).await, Receiver::answering(OK).await);
    let options = EgressOptions { allow_addresses: vec![sink.address], ..EgressOptions::default() };
    let sender = sender(&options);
    assert_eq!(sender.send(post(&sink.url()), PATIENCE).await.result.unwrap().status, 200);
    let refused = sender.send(post(&other.url()), PATIENCE).await.result.unwrap_err();
    assert_eq!(refused.kind, SendErrorKind::Refused);
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_name_that_turns_to_loopback_is_refused_at_its_second_lookup() {
    let receiver = Receiver::answering(OK).await;
    // 127.0.0.2 stands for the public address here: allowed, but nobody answers there.
    let options = EgressOptions {
        allow_http: true,
        allow_networks: vec!["127.0.0.2/32".parse().unwrap()],
        ..EgressOptions::default()
    };
    let names = Names::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let sender = HttpSender::with_resolver(&options, names).unwrap();
    let url = format!("http://rebinding.test:{}/", receiver.address.port());
    let first = sender.send(post(&url), PATIENCE).await.result.unwrap_err();
    assert_eq!(first.kind, SendErrorKind::Connect, "{first}");
    let second = sender.send(post(&url), PATIENCE).await.result.unwrap_err();
    assert_eq!(second.kind, SendErrorKind::Refused, "{second}");
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn of_a_names_addresses_only_the_allowed_ones_are_tried() {
    let receiver = Receiver::answering(OK).await;
    let names = Names::new(&[&["10.0.0.1", "::1", "127.0.0.1"]]);
    let sender = HttpSender::with_resolver(&loopback(), names).unwrap();
    let url = format!("http://mixed.test:{}/", receiver.address.port());
    assert_eq!(sender.send(post(&url), PATIENCE).await.result.unwrap().status, 200);
}

#[tokio::test]
async fn the_machines_own_name_is_refused_after_its_lookup() {
    let receiver = Receiver::answering(OK).await;
    let sender = sender(&EgressOptions { allow_http: true, ..EgressOptions::default() });
    for host in ["localhost", "LOCALHOST"] {
        let url = format!("http://{host}:{}/", receiver.address.port());
        let error = sender.send(post(&url), PATIENCE).await.result.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Refused, "{host}: {error}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn a_refusal_names_the_address_and_what_it_is() {
    let ip: IpAddr = "169.254.169.254".parse().unwrap();
    let refusal = strict().check(SocketAddr::new(ip, 80)).unwrap_err();
    assert_eq!(refusal.to_string(), "169.254.169.254 is refused: a metadata service");
}
