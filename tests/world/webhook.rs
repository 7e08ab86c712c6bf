//! Registering a webhook in one line, and asking its receiver afterwards.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use waxwing::clock::Clock;
use waxwing::model::ids::{EventId, WebhookId};
use waxwing::model::name::{Environment, Pattern, Subscription, Tenant};
use waxwing::model::plugin::Stage;
use waxwing::model::policy::RetryPolicy;
use waxwing::model::request::Request;
use waxwing::model::secret::{Secret, SigningSecret};
use waxwing::model::webhook::{
    Current, Format, FormatName, FormatOptions, Ordering, Revision, SecretUrl, Status, Webhook,
};

use super::{Answer, World};

pub(crate) struct Building<'a> {
    world: &'a World,
    name: String,
    subscription: Vec<Pattern>,
    retry: RetryPolicy,
    answers: Vec<Answer>,
    chain: Vec<Stage>,
    ordering: Ordering,
    rate: Option<u32>,
    tenant: Tenant,
}

impl<'a> Building<'a> {
    pub(super) fn new(world: &'a World, name: &str) -> Self {
        Self {
            world,
            name: name.into(),
            subscription: Vec::new(),
            retry: RetryPolicy::Custom(Vec::new()),
            answers: Vec::new(),
            chain: Vec::new(),
            ordering: Ordering::None,
            rate: None,
            tenant: Tenant::default_tenant(),
        }
    }

    pub(crate) fn subscribe(mut self, pattern: &str) -> Self {
        self.subscription.push(pattern.parse().unwrap());
        self
    }

    pub(crate) fn retry(mut self, delays: impl IntoIterator<Item = Duration>) -> Self {
        self.retry = RetryPolicy::custom(delays.into_iter().collect()).unwrap();
        self
    }

    pub(crate) fn answering<A: Into<Answer>>(mut self, answers: impl IntoIterator<Item = A>) -> Self {
        self.answers = answers.into_iter().map(Into::into).collect();
        self
    }

    pub(crate) fn through(mut self, stage: &Stage) -> Self {
        self.chain.push(stage.clone());
        self
    }

    pub(crate) fn in_order(mut self) -> Self {
        self.ordering = Ordering::Fifo;
        self
    }

    pub(crate) fn at_most(mut self, a_second: u32) -> Self {
        self.rate = Some(a_second);
        self
    }

    pub(crate) fn of(mut self, tenant: &str) -> Self {
        self.tenant = tenant.parse().unwrap();
        self
    }
}

impl<'a> IntoFuture for Building<'a> {
    type Output = Receiver<'a>;
    type IntoFuture = Pin<Box<dyn Future<Output = Receiver<'a>> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.save())
    }
}

impl<'a> Building<'a> {
    async fn save(self) -> Receiver<'a> {
        let (world, now) = (self.world, self.world.clock.now());
        let (id, host) = (world.ids.next(now), format!("{}.example", self.name));
        world.sinks.script(&host, self.answers);
        let url = SecretUrl::new(format!("https://{host}/hook").parse().unwrap());
        let revision = Revision {
            id: world.ids.next(now),
            webhook: id,
            valid_from: now,
            status: Status::Active,
            environment: Environment::default(),
            subscription: Subscription::new(self.subscription).unwrap(),
            format: Format { name: FormatName::Standard, options: FormatOptions::default() },
            endpoint: url.clone(),
            chain: self.chain,
        };
        let current = Current {
            url,
            headers: Vec::new(),
            secrets: vec![secret(&self.name)],
            timeout: Duration::from_secs(10),
            retry: self.retry,
            rate_limit: self.rate,
            ordering: self.ordering,
            allow_origins: Vec::new(),
        };
        let (name, description) = (self.name, String::new());
        let revision = Arc::new(revision);
        let webhook = Webhook { id, tenant: self.tenant, name, description, created_at: now, current, revision };
        assert!(world.store.save_webhook(&webhook, None, None).await.unwrap());
        world.directory.put(webhook);
        Receiver { world, id, host }
    }
}

/// A `whsec_` secret of 32 bytes that tells whose it is.
pub(crate) fn secret(of: &str) -> SigningSecret {
    let key = format!("{of:_<32}");
    SigningSecret { secret: Secret::new(format!("whsec_{}", STANDARD.encode(&key[..32]))), until: None }
}

/// A registered webhook and the receiver behind it.
pub(crate) struct Receiver<'a> {
    world: &'a World,
    pub(crate) id: WebhookId,
    pub(crate) host: String,
}

impl Receiver<'_> {
    pub(crate) fn webhook(&self) -> Arc<Webhook> {
        self.world.directory.webhook(self.id).unwrap()
    }

    /// Saves it as `service` does: a new revision in the store, the directory, a word to `deliver`.
    pub(crate) async fn edit(&self, change: impl FnOnce(&mut Current, &mut Revision)) {
        let (old, now) = (self.webhook(), self.world.clock.now());
        let (mut current, mut revision) = (old.current.clone(), (*old.revision).clone());
        (revision.id, revision.valid_from) = (self.world.ids.next(now), now);
        change(&mut current, &mut revision);
        revision.endpoint = current.url.clone();
        let edited = Webhook { current, revision: Arc::new(revision), ..(*old).clone() };
        assert!(self.world.store.save_webhook(&edited, Some(&old.revision), None).await.unwrap());
        self.world.directory.put(edited);
        self.world.deliver.webhook_changed(self.id).await.unwrap();
    }

    pub(crate) async fn set(&self, status: Status) {
        self.edit(|_, revision| revision.status = status).await;
    }

    pub(crate) fn received(&self) -> Vec<Request> {
        self.world.sinks.received(&self.host)
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.received().iter().map(|request| String::from_utf8(request.body.to_bytes().to_vec()).unwrap()).collect()
    }

    /// Every request bears the event's id and a signature that the `standardwebhooks` crate makes, too.
    pub(crate) fn assert_all_signed_with(&self, event: EventId) {
        let requests = self.received();
        assert!(!requests.is_empty(), "{} got nothing", self.host);
        let webhook = self.webhook();
        let key = standardwebhooks::Webhook::new(webhook.current.secrets[0].secret.expose()).unwrap();
        for request in requests {
            let id = sent_header(&request, "webhook-id");
            assert_eq!(id, event.to_string());
            let timestamp = sent_header(&request, "webhook-timestamp").parse().unwrap();
            let expected = key.sign(&id, timestamp, &request.body.to_bytes()).unwrap();
            assert_eq!(sent_header(&request, "webhook-signature"), expected);
        }
    }
}

pub(crate) fn sent_header(request: &Request, name: &str) -> String {
    let found = request.headers.iter().find(|header| &*header.name == name);
    found.unwrap_or_else(|| panic!("no {name} among {:?}", request.headers)).value.to_string()
}
