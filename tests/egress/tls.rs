//! TLS with a certificate authority of the test's own, HTTP/1.1 and HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use waxwing::model::attempt::SendErrorKind;
use waxwing::send::{EgressOptions, HttpSender, Sender, certificates_from_pem};

use crate::receiver::{Names, PATIENCE, loopback, post};

const NAME: &str = "receiver.test";

struct Secure {
    address: SocketAddr,
    root_pem: String,
    connections: Arc<AtomicUsize>,
}

impl Secure {
    /// Echoes `VERSION BODY`; its certificate is for `name`.
    async fn start(name: &str, alpn: &[&str]) -> Self {
        let (root_key, server_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut root = CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root_pem = root.self_signed(&root_key).unwrap().pem();
        let issuer = Issuer::new(root, root_key);
        let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&server_key, &issuer).unwrap();
        let key = PrivateKeyDer::try_from(server_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secure = Self { address: listener.local_addr().unwrap(), root_pem, connections: Arc::default() };
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), Arc::clone(&secure.connections)));
        secure
    }

    fn trusting(&self) -> EgressOptions {
        EgressOptions {
            allow_http: false,
            extra_roots: certificates_from_pem(self.root_pem.as_bytes()).unwrap(),
            ..loopback()
        }
    }

    fn url(&self) -> String {
        format!("https://{NAME}:{}/hook", self.address.port())
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, connections: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, connections) = (acceptor.clone(), Arc::clone(&connections));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            connections.fetch_add(1, Ordering::SeqCst);
            let echo = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                let version = format!("{:?} ", request.version());
                let body = request.into_body().collect().await?.to_bytes();
                Ok::<_, hyper::Error>(http::Response::new(Full::new(Bytes::from([version.as_bytes(), &body].concat()))))
            });
            auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), echo).await.ok();
        });
    }
}

fn sender(options: &EgressOptions) -> HttpSender {
    HttpSender::with_resolver(options, Names::new(&[&["127.0.0.1"]])).unwrap()
}

#[tokio::test]
async fn http_2_is_spoken_where_the_receiver_speaks_it_and_one_connection_serves_all() {
    for (alpn, version) in [(["h2", "http/1.1"].as_slice(), "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1")]
    {
        let secure = Secure::start(NAME, alpn).await;
        let sender = sender(&secure.trusting());
        let first = sender.send(post(&secure.url()), PATIENCE).await;
        assert!(first.timings.tls.is_some(), "{:?}", first.timings);
        let body = first.result.unwrap().body;
        assert_eq!(body, format!("{version} {{\"data\":[1,2]}}"));
        let second = sender.send(post(&secure.url()), PATIENCE).await;
        assert!(second.timings.tls.is_none() && second.timings.connect.is_none(), "{:?}", second.timings);
        assert_eq!(second.result.unwrap().status, 200);
        assert_eq!(secure.connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let secure = Secure::start(NAME, &["h2"]).await;
    let error = sender(&EgressOptions { allow_http: false, ..loopback() }).send(post(&secure.url()), PATIENCE).await;
    let error = error.result.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Tls, "{error}");
    assert_eq!(secure.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let secure = Secure::start("other.test", &["h2"]).await;
    let error = sender(&secure.trusting()).send(post(&secure.url()), PATIENCE).await.result.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Tls, "{error}");
}

#[test]
fn a_root_file_without_certificates_is_refused() {
    assert!(certificates_from_pem(b"nothing").is_err());
}
