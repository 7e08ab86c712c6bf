//! What a person does in a browser: opens pages, finds things by what is written on them, types, chooses, clicks, looks.
//!
//! Whatever is looked for is waited for, in the page itself; nothing sleeps.

use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::{Element, ElementRef};
use fantoccini::wd::TimeoutConfiguration;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::driver::{SCRIPT_TIME, Session};
use crate::world::{ADMIN, World};

/// Longer than anything takes that is meant to happen.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a page is looked at before it is asked whether it is still the page. Less than a script may take.
const LOOK_MILLIS: u32 = 500;
/// By which WebDriver marks an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const HAND: &str = include_str!("hand.js");

pub(crate) const TAB: char = '\u{e004}';
pub(crate) const ENTER: char = '\u{e007}';
pub(crate) const ESCAPE: char = '\u{e00c}';

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

/// Width and height in CSS pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(pub(crate) u32, pub(crate) u32);

pub(crate) const DESKTOP: Size = Size(1280, 900);
pub(crate) const PHONE: Size = Size(360, 740);

pub(crate) struct Tab {
    session: Session,
    site: Mutex<String>,
}

impl Tab {
    /// A new browser, with nobody signed in. `None` if the machine lacks what it takes.
    pub(crate) async fn new() -> Option<Self> {
        let tab = Self { session: Session::start().await?, site: Mutex::default() };
        tab.cdp("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        tab.looks(Theme::Light).await;
        tab.is_sized(DESKTOP).await;
        Some(tab)
    }

    /// A server, and a browser that looks at it.
    pub(crate) async fn on_a_new_server() -> Option<(World, Self)> {
        let tab = Self::new().await?;
        let world = World::start().await;
        tab.turns_to(&world);
        Some((world, tab))
    }

    /// Paths are of this server from now on.
    pub(crate) fn turns_to(&self, world: &World) {
        *self.site.lock() = format!("http://{}", world.app.address());
    }

    pub(crate) async fn open(&self, path: &str) {
        let url = format!("{}{path}", self.site.lock());
        self.session.client.goto(&url).await.unwrap();
    }

    pub(crate) async fn sign_in(&self, token: &str) {
        self.open("/admin/sign-in").await;
        self.fill("Access token", token).await;
        self.click("Sign in").await;
        self.shows("Sign out").await;
    }

    /// Nobody is signed in any more.
    pub(crate) async fn forgets(&self) {
        self.cdp("Network.clearBrowserCookies", json!({})).await;
    }

    pub(crate) async fn sign_in_as_admin(&self) {
        self.sign_in(ADMIN).await;
    }

    /// A link, button, switch or box, by its name.
    pub(crate) async fn click(&self, name: &str) {
        let found = self.element(&format!("'{name}' to click"), "return named(CLICKED, args[0])", json!([name])).await;
        found.click().await.unwrap();
    }

    /// Types into the field of this name, in place of what was there.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let found = self.field(label).await;
        found.clear().await.unwrap();
        found.send_keys(text).await.unwrap();
    }

    /// The file of this path, for a field that takes files.
    pub(crate) async fn give(&self, label: &str, path: &std::path::Path) {
        self.field(label).await.send_keys(path.to_str().unwrap()).await.unwrap();
    }

    /// What is written on the option, of the choice of this name.
    pub(crate) async fn choose(&self, label: &str, option: &str) {
        let look = "return [...(named(TYPED, args[0])?.options ?? [])].find((one) => plain(one.text) === args[1])";
        let found = self.element(&format!("'{option}' of '{label}'"), look, json!([label, option])).await;
        found.click().await.unwrap();
    }

    /// The option whose value begins like this, where what is written on it is long.
    pub(crate) async fn choose_value(&self, label: &str, value: &str) {
        let look = "return [...(named(TYPED, args[0])?.options ?? [])].find((one) => one.value.startsWith(args[1]))";
        let found = self.element(&format!("a value '{value}' of '{label}'"), look, json!([label, value])).await;
        found.click().await.unwrap();
    }

    /// What stands in a field.
    pub(crate) async fn value(&self, label: &str) -> String {
        self.field(label).await;
        self.script("return named(TYPED, args[0]).value", json!([label])).await.as_str().unwrap().to_owned()
    }

    async fn field(&self, label: &str) -> Element {
        self.element(&format!("a field '{label}'"), "return named(TYPED, args[0])", json!([label])).await
    }

    /// Waits until the page shows this.
    pub(crate) async fn shows(&self, text: &str) -> &Self {
        self.until(
            &format!("'{text}'"),
            "return plain(document.body.innerText).includes(plain(args[0]))",
            json!([text]),
        )
        .await;
        self
    }

    /// That it isn't there; say first what is.
    pub(crate) async fn lacks(&self, text: &str) -> &Self {
        let shown = self.script("return plain(document.body.innerText)", json!([])).await;
        assert!(!shown.as_str().unwrap().contains(text), "'{text}' is in: {shown}");
        self
    }

    /// Waits until the address begins like this.
    pub(crate) async fn at(&self, path: &str) -> &Self {
        let look = "return (location.pathname + location.search).startsWith(args[0])";
        self.until(&format!("the address {path}"), look, json!([path])).await;
        self
    }

    /// Path and query of the address.
    pub(crate) async fn address(&self) -> String {
        let address = self.script("return location.pathname + location.search", json!([])).await;
        address.as_str().unwrap().to_owned()
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub(crate) async fn press(&self, keys: &[char]) {
        let strokes = keys.iter().flat_map(|&value| [KeyAction::Down { value }, KeyAction::Up { value }]);
        let actions = strokes.fold(KeyActions::new("keys".to_owned()), KeyActions::then);
        self.session.client.perform_actions(actions).await.unwrap();
    }

    pub(crate) async fn looks(&self, theme: Theme) {
        let scheme = if theme == Theme::Dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    pub(crate) async fn is_sized(&self, Size(width, height): Size) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// A command of the Chrome DevTools Protocol.
    pub(crate) async fn cdp(&self, command: &str, parameters: Value) -> Value {
        let command = json!({ "cmd": command, "params": parameters });
        self.session.ask_chrome("goog/cdp/execute", &command).await.unwrap()
    }

    /// What a script returns; `args` are what it was given.
    pub(crate) async fn script(&self, script: &str, args: Value) -> Value {
        let script = format!("{HAND}\nconst [args] = arguments;\n{script}");
        self.session.client.execute(&script, vec![args]).await.unwrap()
    }

    /// What a script calls `done` with; it may take a minute.
    pub(crate) async fn awaits(&self, script: &str, args: Value) -> Value {
        let script = format!("const [args, done] = arguments;\n{script}");
        let client = &self.session.client;
        let may_take = |time| TimeoutConfiguration::new(Some(time), None, None);
        client.update_timeouts(may_take(Duration::from_secs(60))).await.unwrap();
        let done = client.execute_async(&script, vec![args]).await.unwrap();
        client.update_timeouts(may_take(SCRIPT_TIME)).await.unwrap();
        done
    }

    /// What `look` returns, as soon as it returns something: it is called again and again in the page, and in the next page too.
    pub(crate) async fn until(&self, what: &str, look: &str, args: Value) -> Value {
        let script = format!(
            "{HAND}\nconst [args, patience, done] = arguments;\nconst look = () => {{ {look} }};\n\
             const end = performance.now() + patience;\n\
             const again = () => {{ const got = look(); if (got) done({{ got }}); \
             else if (performance.now() > end) done(null); else setTimeout(again, 10); }};\nagain();"
        );
        let end = Instant::now() + PATIENCE;
        loop {
            let looked = self.session.client.execute_async(&script, vec![args.clone(), json!(LOOK_MILLIS)]).await;
            match looked.map_err(|error| error.to_string()) {
                Ok(Value::Object(mut found)) => return found.remove("got").unwrap(),
                // The page went away meanwhile, and chromedriver may not have noticed: on to the next one.
                Err(error)
                    if Instant::now() < end && (error.contains("unloaded") || error.contains("script timeout")) => {}
                Ok(_) if Instant::now() < end => {}
                Err(error) => panic!("looking for {what}: {error}"),
                Ok(_) => {
                    let text = self.script("return plain(document.body.innerText)", json!([])).await;
                    panic!("no {what} at {} in: {text}", self.address().await);
                }
            }
        }
    }

    /// The element that `look` returns.
    async fn element(&self, what: &str, look: &str, args: Value) -> Element {
        let found = self.until(what, look, args).await;
        let id = found[ELEMENT].as_str().unwrap_or_else(|| panic!("{found} is no element"));
        Element::from_element_id(self.session.client.clone(), ElementRef::from(id.to_owned()))
    }

    /// The end of a test: nothing that a page did was refused by the policy, and no script of ours failed.
    pub(crate) async fn ends(self) {
        let log = self.session.ask_chrome("se/log", &json!({ "type": "browser" })).await.unwrap();
        let bad = |entry: &&Value| matches!(entry["source"].as_str(), Some("security" | "javascript" | "violation"));
        let bad: Vec<&Value> = log.as_array().unwrap().iter().filter(bad).collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }
}
