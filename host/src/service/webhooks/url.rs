//! Which URLs a webhook may have. Where they lead is judged later, by the address policy, each time something is sent.

use std::net::{IpAddr, SocketAddr};

use ::url::{Host, Url};

use crate::service::Rules;

const URL_MAX: usize = 2048;

/// Why a URL can't be sent to.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum BadUrl {
    #[error("not an absolute URL such as https://example.com/webhooks")]
    Syntax,
    #[error("at most {URL_MAX} bytes")]
    TooLong,
    #[error("must begin with https:// (the server's --allow-http admits http:// too)")]
    NotHttps,
    #[error("must begin with https:// or http://")]
    NotHttp,
    #[error("user name and password can't stand in the URL: use a header")]
    UserInfo,
    #[error("a fragment is never sent: leave out what follows the #")]
    Fragment,
    #[error("only scheme, host and port, such as https://example.com")]
    NotAnOrigin,
    #[error("0.0.0.0 and [::] are no addresses to send to")]
    Unspecified,
}

pub(super) fn parse_url(text: &str, rules: &Rules) -> Result<Url, BadUrl> {
    if text.len() > URL_MAX {
        return Err(BadUrl::TooLong);
    }
    let url = Url::parse(text).map_err(|_| BadUrl::Syntax)?;
    let unspecified = match url.host() {
        None => return Err(if matches!(url.scheme(), "http" | "https") { BadUrl::Syntax } else { BadUrl::NotHttps }),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_unspecified(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_unspecified(),
        Some(Host::Domain(_)) => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if rules.allow_http || is_sink(&url, rules) => {}
        _ if rules.allow_http => return Err(BadUrl::NotHttp),
        _ => return Err(BadUrl::NotHttps),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadUrl::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(BadUrl::Fragment);
    }
    if unspecified { Err(BadUrl::Unspecified) } else { Ok(url) }
}

fn is_sink(url: &Url, rules: &Rules) -> bool {
    if rules.own_sinks.way(url).is_some() {
        return true;
    }
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        Some(Host::Domain(_)) | None => return false,
    };
    url.port_or_known_default().is_some_and(|port| rules.sinks.contains(&SocketAddr::new(ip, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_https_with_a_host_and_nothing_that_would_leak() {
        let refused = |text: &str| parse_url(text, &Rules::default()).unwrap_err();
        assert_eq!(refused("http://example.com/"), BadUrl::NotHttps);
        assert_eq!(refused("ftp://example.com/"), BadUrl::NotHttps);
        assert_eq!(refused("example.com"), BadUrl::Syntax);
        assert_eq!(refused("mailto:a@example.com"), BadUrl::NotHttps);
        assert_eq!(refused("https://user@example.com/"), BadUrl::UserInfo);
        assert_eq!(refused("https://:secret@example.com/"), BadUrl::UserInfo);
        assert_eq!(refused("https://example.com/#part"), BadUrl::Fragment);
        assert_eq!(refused("https://0/"), BadUrl::Unspecified);
        assert_eq!(refused(&format!("https://example.com/{}", "x".repeat(2048))), BadUrl::TooLong);
        let open = Rules { allow_http: true, ..Rules::default() };
        assert!(parse_url("http://127.0.0.1:8080/in?x=1", &open).is_ok());
        assert_eq!(parse_url("ftp://example.com", &open), Err(BadUrl::NotHttp));
        let sinks = Rules { sinks: vec!["127.0.0.1:8080".parse().unwrap()], ..Rules::default() };
        assert!(parse_url("http://127.0.0.1:8080/in", &sinks).is_ok());
        assert_eq!(parse_url("http://127.0.0.1:8081/in", &sinks), Err(BadUrl::NotHttps));
    }
}
