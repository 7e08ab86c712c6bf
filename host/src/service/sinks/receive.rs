//! What comes to a sink, from anybody who knows its URL: looked at, kept, and answered as the sink is told to.

use bytes::Bytes;

use crate::format::verify::{self, Received as AsReceived, TOLERANCE, Terms};
use crate::model::request::Header;
use crate::model::secret::Secret;
use crate::model::sink::{KEPT_MAX, Received, ReceivedHead, SignatureSeen, Sink, SinkAnswer, token_of};
use crate::model::webhook::Webhook;
use crate::service::error::{Result, ServiceError};
use crate::service::{Services, token_hash};

/// A request as it came, with the beginning of its body.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<Header>,
    pub body: Bytes,
    /// Of the whole body.
    pub size: u64,
}

/// A sink that takes one more request.
#[derive(Clone, Debug)]
pub struct Taken(Sink);

impl Taken {
    pub fn answer(&self) -> &SinkAnswer {
        &self.0.answer
    }
}

impl Services {
    /// The sink at this path, before anything of the request's body is read. `None`: there is none.
    pub async fn sink_at(&self, path: &str) -> Result<Option<Taken>> {
        let Some((token, _)) = token_of(path) else { return Ok(None) };
        let Some(sink) = self.store.sink_by_hash(&token_hash(token)).await? else { return Ok(None) };
        if !self.sink_pace.lock().take(sink.id, self.clock.steady()) {
            return Err(ServiceError::Busy { after_seconds: 1 });
        }
        Ok(Some(Taken(sink)))
    }

    pub async fn receive(&self, taken: &Taken, arrival: Arrival) -> Result<()> {
        let sink = &taken.0;
        let signature = self.signature_of(sink, &arrival);
        let Arrival { method, target, headers, body, size } = arrival;
        let target = token_of(&target).map(|(_, below)| below.to_owned()).unwrap_or_default();
        let status = sink.answer.status;
        let head = ReceivedHead { method, target, headers, size, status, signature };
        let received = Received { id: self.ids.next(self.now()), sink: sink.id, head, body };
        Ok(self.store.keep_received(&received, KEPT_MAX).await?)
    }

    /// As the webhooks sign that lead to this sink; of several, the one that it is right for. Of a body that isn't whole nobody can tell.
    fn signature_of(&self, sink: &Sink, arrival: &Arrival) -> Option<SignatureSeen> {
        if arrival.size > arrival.body.len() as u64 {
            return None;
        }
        let mut seen = None;
        for webhook in self.directory.all().into_iter().filter(|webhook| self.leads_to(webhook, sink)) {
            let fault = self.fault_of(&webhook, arrival);
            if seen.is_none() || fault.is_none() {
                seen = Some(SignatureSeen { webhook: webhook.id, fault });
            }
        }
        seen
    }

    fn leads_to(&self, webhook: &Webhook, sink: &Sink) -> bool {
        let url = webhook.current.url.expose();
        let has_token = token_of(url.path()).is_some_and(|(token, _)| token == sink.token.expose());
        webhook.tenant == sink.tenant && has_token && self.rules.own_sinks.way(url).is_some()
    }

    fn fault_of(&self, webhook: &Webhook, arrival: &Arrival) -> Option<String> {
        let now = self.now();
        let current = webhook.current.secrets.iter().filter(|signing| signing.is_current(now));
        let secrets: Vec<Secret> = current.map(|signing| signing.secret.clone()).collect();
        let (method, target, headers) = (arrival.method.as_str(), arrival.target.as_str(), arrival.headers.as_slice());
        let received = AsReceived { method, target, headers, body: &arrival.body };
        let format = webhook.revision.format.name;
        let terms = Terms { format, secrets: &secrets, now: Some(now), tolerance: TOLERANCE };
        verify::verify(received, &terms).err().map(|fault| fault.to_string())
    }
}
