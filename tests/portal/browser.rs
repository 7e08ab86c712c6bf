//! What a browser does, as far as pages without scripts go: keeps cookies, follows what it is sent to, sends a page's own forms.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use reqwest::header::HeaderMap;
use reqwest::{Method, redirect};
use serde_json::{Value, json};

use crate::world::{ADMIN, World};

pub(crate) struct Browser {
    http: reqwest::Client,
    site: String,
    pub(crate) cookies: Mutex<BTreeMap<String, String>>,
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Where it leads to.
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text);
        self.header("location")
    }

    #[track_caller]
    pub(crate) fn shows(&self, text: &str) -> &Self {
        assert!(self.text.contains(text), "no '{text}' in {}: {}", self.status, self.text);
        self
    }

    #[track_caller]
    pub(crate) fn lacks(&self, text: &str) -> &Self {
        assert!(!self.text.contains(text), "'{text}' in {}", self.text);
        self
    }

    /// What the first hidden field of this name holds.
    #[track_caller]
    pub(crate) fn hidden(&self, name: &str) -> String {
        let from = self.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
        let from = from.unwrap_or_else(|| panic!("no hidden '{name}' in {}: {}", self.status, self.text));
        from.split('"').next().unwrap().to_owned()
    }
}

impl Browser {
    pub(crate) fn new(world: &World) -> Self {
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { http, site: format!("http://{}", world.app.address()), cookies: Mutex::default() }
    }

    /// Signed in with this token.
    pub(crate) async fn signed_in(world: &World, token: &str) -> Self {
        let browser = Self::new(world);
        let entered = browser.post("/admin/sign-in", &[("token", token), ("next", "/admin/webhooks")]).await;
        assert_eq!(entered.location(), "/admin/webhooks");
        browser
    }

    pub(crate) async fn admin(world: &World) -> Self {
        Self::signed_in(world, ADMIN).await
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send(self.request(Method::GET, path)).await
    }

    /// A form as it is, with nothing added.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(self.form(path, fields)).await
    }

    /// A form with the hidden field of this session's pages.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.get("/admin/webhooks").await.hidden("csrf");
        self.post(path, &[fields, &[("csrf", &csrf)]].concat()).await
    }

    /// A form, and the page that it leads to.
    pub(crate) async fn submit_on(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let led = self.submit(path, fields).await;
        self.get(led.location()).await
    }

    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, path).header("origin", &self.site);
        request.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let cookies: Vec<String> = self.cookies.lock().iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.http.request(method, format!("{}{path}", self.site)).header("cookie", cookies.join("; "))
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Page {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.lock().remove(name);
            } else {
                self.cookies.lock().insert(name.to_owned(), value.to_owned());
            }
        }
        Page { status, headers, text: response.text().await.unwrap() }
    }
}

/// A link into the portal: its path.
pub(crate) async fn link(world: &World, body: Value) -> String {
    let made = world.post("/api/portal/links", body).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    let url = url::Url::parse(made.body["url"].as_str().unwrap()).unwrap();
    assert_eq!(url.port(), Some(world.app.address().port()));
    url.path().to_owned()
}

/// A webhook with this name.
pub(crate) async fn named(world: &World, name: &str) -> String {
    world.webhook_with(json!({ "name": name, "events": ["*"] })).await["id"].as_str().unwrap().to_owned()
}
