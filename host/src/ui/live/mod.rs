//! Pages that follow what happens while they are open: Server-Sent Events at the page's own address.
//!
//! A browser that asks for a live page as `text/event-stream` gets the page's region, whole, each time it has changed: the block `live` of
//! the page's template, from the page's own handler, behind the page's own session. So a stream shows nobody more than the page does, and
//! ends with the session. An open page costs one look a second at most, a twentieth of one processor if looks are slow, and next to nothing
//! while nothing changes ([`is_due`]). Streams are few ([`Streams`]), and none holds up a server that stops.

mod news;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::service::Services;

use self::news::{Sent, is_due};
use super::Answer;
use super::layout::rendered;
use super::session::Signed;

/// Of one session: browsers open six connections to a server that speaks HTTP/1.1, and pages need some.
const OF_A_SESSION_MAX: usize = 4;
const OF_ALL_MAX: usize = 100;
/// How often it is asked whether anything changed.
const TICK: Duration = Duration::from_millis(500);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// When a browser comes again, after its stream broke off, and where there was no place for it.
const AGAIN: Duration = Duration::from_secs(3);
const AGAIN_IF_FULL: HeaderValue = HeaderValue::from_static("30");
const STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// That a stream asks, and wants a page's region alone.
#[derive(Clone, Copy)]
pub(super) struct Look;

/// What a stream finds.
#[derive(Clone)]
struct Region {
    html: String,
    /// By which his session is told from others.
    whose: String,
}

/// The page, or its region alone where a stream asks.
pub(super) fn shown(signed: &Signed, page: &impl Template, region: &impl Template) -> Answer {
    if !signed.0.looks {
        return Ok(rendered(page)?.into_response());
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.extensions_mut().insert(Region { html: rendered(region)?.0, whose: signed.1.csrf.clone() });
    Ok(response)
}

/// The open streams of this process.
pub(super) struct Streams {
    services: Arc<Services>,
    stop: CancellationToken,
    /// How many each session has.
    open: Mutex<HashMap<String, usize>>,
}

/// One stream's; given back when it is dropped.
struct Place {
    streams: Arc<Streams>,
    whose: String,
}

impl Streams {
    pub(super) fn new(services: Arc<Services>, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self { services, stop, open: Mutex::default() })
    }

    /// `None`: there are as many as there may be.
    fn place(self: &Arc<Self>, whose: &str) -> Option<Place> {
        let mut open = self.open.lock();
        let own = open.get(whose).copied().unwrap_or_default();
        if own >= OF_A_SESSION_MAX || open.values().sum::<usize>() >= OF_ALL_MAX {
            return None;
        }
        open.insert(whose.to_owned(), own + 1);
        Some(Place { streams: Arc::clone(self), whose: whose.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock();
        match open.get_mut(&self.whose) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(open.remove(&self.whose)),
        }
    }
}

/// Around every answer, outside of [`super::session::around`], which each look goes through anew.
pub(super) async fn around(State(streams): State<Arc<Streams>>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET || !wants_stream(&request) {
        return next.run(request).await;
    }
    let asked = request.into_parts().0;
    let (looking, changes) = (Looking { asked, next }, streams.services.changes());
    let begun = Instant::now();
    let mut first = looking.look().await;
    let region = first.extensions_mut().remove::<Region>();
    let (mut head, body) = first.into_parts();
    let Some(region) = region else {
        return match head.status {
            // A page that isn't live, or a database that will be back.
            StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE => Response::from_parts(head, body),
            _ => streaming(head, futures_util::stream::iter([Ok::<_, Infallible>(over())])),
        };
    };
    let Some(place) = streams.place(&region.whose) else {
        head.status = StatusCode::TOO_MANY_REQUESTS;
        head.headers.insert(header::RETRY_AFTER, AGAIN_IF_FULL);
        return Response::from_parts(head, Body::empty());
    };
    let looked = Looked { at: begun, took: begun.elapsed(), changes };
    let open = Open { looking, place, looked, sent: Sent::new(&region.html, begun) };
    let first = Event::default().retry(AGAIN).data(for_the_wire(&region.html));
    let state = (Some(first), Some(open));
    let events = futures_util::stream::unfold(state, |(first, open)| async move {
        match (first, open) {
            (Some(first), open) => Some((Ok::<_, Infallible>(first), (None, open))),
            (None, Some(mut open)) => match open.next().await {
                News::Region(html) => Some((Ok(Event::default().data(for_the_wire(&html))), (None, Some(open)))),
                News::Over => Some((Ok(over()), (None, None))),
                News::Stopping => None,
            },
            (None, None) => None,
        }
    });
    streaming(head, events)
}

fn wants_stream(request: &Request) -> bool {
    let accepted = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|kind| kind.trim().starts_with("text/event-stream"))
}

/// Keeps the head's own headers: those of every answer.
fn streaming<S>(mut head: http::response::Parts, events: S) -> Response
where
    S: futures_util::Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    head.status = StatusCode::OK;
    for name in [header::LOCATION, header::CONTENT_LENGTH] {
        head.headers.remove(name);
    }
    head.headers.insert(header::CONTENT_TYPE, STREAM);
    // Proxies are asked not to gather it.
    head.headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    let body = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response().into_body();
    Response::from_parts(head, body)
}

/// Nothing more will come: the session has ended, or the page is gone.
fn over() -> Event {
    Event::default().event("over").data("over")
}

/// A carriage return would end a line of the stream.
fn for_the_wire(html: &str) -> String {
    html.replace('\r', "&#13;")
}

/// The page's request, made once more for each look.
struct Looking {
    asked: Parts,
    next: Next,
}

impl Looking {
    async fn look(&self) -> Response {
        let mut request = Request::from_parts(self.asked.clone(), Body::empty());
        request.extensions_mut().insert(Look);
        self.next.clone().run(request).await
    }
}

struct Open {
    looking: Looking,
    place: Place,
    looked: Looked,
    sent: Sent,
}

struct Looked {
    at: Instant,
    took: Duration,
    /// What was known to have changed until then.
    changes: Option<u64>,
}

enum News {
    Region(String),
    Over,
    Stopping,
}

impl Open {
    async fn next(&mut self) -> News {
        let stop = self.place.streams.stop.clone();
        stop.run_until_cancelled(self.news()).await.unwrap_or(News::Stopping)
    }

    async fn news(&mut self) -> News {
        loop {
            self.until_due().await;
            let (at, changes) = (Instant::now(), self.place.streams.services.changes());
            let mut response = self.looking.look().await;
            self.looked = Looked { at, took: at.elapsed(), changes };
            match response.extensions_mut().remove::<Region>() {
                Some(region) if self.sent.is_news(&region.html, at) => return News::Region(region.html),
                Some(_) => {}
                None if response.status() == StatusCode::SERVICE_UNAVAILABLE => {}
                None => return News::Over,
            }
        }
    }

    async fn until_due(&self) {
        loop {
            tokio::time::sleep(TICK).await;
            let changed = self.place.streams.services.changes().map(|changes| Some(changes) != self.looked.changes);
            if is_due(self.looked.at.elapsed(), self.looked.took, changed) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_page_ends_a_line_of_the_stream() {
        assert_eq!(for_the_wire("a\r\nb\rdata: c"), "a&#13;\nb&#13;data: c");
    }
}
