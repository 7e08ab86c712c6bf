//! An HTTP proxy on the way out. Every connection is a tunnel (`CONNECT`, RFC 9110, 9.3.6), also for `http://`.
//!
//! The policy still sees the target first: an address literal as it is, a name by our own lookup, of which *every* address
//! must be allowed. The proxy then looks the name up again, so a name that changes its mind in between is the proxy's to stop:
//! behind a proxy that reaches private networks, give the proxy a policy too.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;
use zeroize::Zeroizing;

use super::client::BadEgress;

/// The most that a proxy may answer before the tunnel begins.
const ANSWER_MAX: usize = 8 * 1024;

pub(super) struct Proxy {
    host: String,
    port: u16,
    /// The header's line with its end; empty without a user.
    authorization: Zeroizing<String>,
}

impl Proxy {
    pub(super) fn new(url: &Url) -> Result<Self, BadEgress> {
        let (Some(host), Some(port), "http") = (url.host_str(), url.port_or_known_default(), url.scheme()) else {
            return Err(BadEgress::Proxy);
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let decoded = |text: &str| Zeroizing::new(percent_decoded(text));
        let mut authorization = Zeroizing::new(String::new());
        if !url.username().is_empty() {
            let password = decoded(url.password().unwrap_or_default());
            let pair = Zeroizing::new([decoded(url.username()).as_slice(), b":", password.as_slice()].concat());
            *authorization = format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(&*pair));
        }
        Ok(Self { host, port, authorization })
    }

    pub(super) fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// `stream` leads to the proxy; what is returned leads to the target.
    pub(super) async fn tunnel(&self, mut stream: TcpStream, host: &str, port: u16) -> io::Result<TcpStream> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let authorization = &*self.authorization;
        let ask = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{authorization}\r\n");
        stream.write_all(Zeroizing::new(ask).as_bytes()).await?;
        let mut answer = Vec::with_capacity(256);
        // Byte by byte, since what follows the empty line is the target's. It is one short answer for each connection.
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() == ANSWER_MAX {
                return Err(io::Error::other("the answer is too long"));
            }
            answer.push(stream.read_u8().await?);
        }
        match answer.get(..12) {
            Some([b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'2', _, _]) => Ok(stream),
            Some([_, _, _, _, _, _, _, _, _, status @ ..]) => {
                Err(io::Error::other(format!("answered {}", String::from_utf8_lossy(status).escape_default())))
            }
            _ => Err(io::Error::other("the answer isn't HTTP/1")),
        }
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    // A form's decoding is the same but for '+', '&' and '=', which mean nothing in user info.
    let text = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned().into_bytes())
        .unwrap_or_default()
}
