//! The dispatcher by itself: whose place is free when, and how much may be sent before it is written down.

use std::sync::Arc;

use super::dispatcher::{Dispatcher, Limits};
use super::lane::Pace;
use super::under_way::Held;
use crate::clock::Clock;
use crate::model::attempt::Trigger;
use crate::model::delivery::Claimed;
use crate::model::event::{DATA_MAX, Event, Payload};
use crate::model::ids::{DeliveryId, EventId, WebhookId};
use crate::model::name::{Environment, Tenant};
use crate::model::time::Timestamp;
use crate::route::Directory;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_769_860_800_000)
    }
}

fn dispatcher() -> Dispatcher {
    Dispatcher::new(Arc::new(Directory::default()), Arc::new(Noon), Limits::default(), Box::new(|| ()))
}

fn claimed(number: u64) -> Claimed {
    let event = Event {
        id: EventId::from(number),
        event_type: "order.paid".parse().unwrap(),
        tenant: Tenant::default_tenant(),
        environment: Environment::default(),
        occurred_at: Noon.now(),
        data: Payload::json("{}"),
        external_id: None,
    };
    Claimed {
        id: DeliveryId::from(number),
        event: Arc::new(event),
        webhook: WebhookId::from(1),
        attempts: 0,
        trigger: Trigger::Automatic,
        replay_of: None,
        fixed: None,
        fence: 1,
    }
}

#[test]
fn a_receiver_that_has_answered_gets_the_next_one_before_its_answer_is_written_down() {
    let dispatcher = dispatcher();
    (1..=9).for_each(|number| dispatcher.offer(claimed(number)).unwrap());
    let begun: Vec<Claimed> = std::iter::from_fn(|| dispatcher.next()).collect();
    assert_eq!(begun.len(), 4, "so many go to one that nothing is known of");
    assert!(dispatcher.answered(Held::by(&begun[0]), Pace::Answered));
    assert_eq!(dispatcher.in_flight(), 3);
    assert!(dispatcher.next().is_some());
    assert_eq!(dispatcher.rows(), 9, "it stays in memory until it is written down");
    dispatcher.recorded(Held::by(&begun[0]));
    assert_eq!(dispatcher.rows(), 8);
}

#[test]
fn no_more_is_sent_and_not_written_down_than_a_crash_may_repeat() {
    let dispatcher = dispatcher();
    let mut answered = Vec::new();
    for number in 1..2000 {
        dispatcher.offer(claimed(number)).unwrap();
        let Some(next) = dispatcher.next() else { break };
        assert!(dispatcher.answered(Held::by(&next), Pace::Answered));
        answered.push(next);
    }
    assert_eq!(answered.len(), 1024);
    dispatcher.recorded(Held::by(&answered[0]));
    assert!(dispatcher.next().is_some());
}

#[test]
fn what_is_fetched_at_once_fits_into_the_memory_that_is_free() {
    let dispatcher = dispatcher();
    assert_eq!(dispatcher.room_for(256), 256);
    let large = |number: u64| {
        let one = claimed(number);
        let data = Payload::json(vec![b'1'; DATA_MAX]);
        Claimed { event: Arc::new(Event { data, ..(*one.event).clone() }), ..one }
    };
    (1..=200).for_each(|number| dispatcher.insist(large(number)));
    assert_eq!(dispatcher.room_for(256), 56);
    (201..=255).for_each(|number| dispatcher.insist(large(number)));
    assert_eq!(dispatcher.room_for(256), 16, "a call is worth more than one row");
    dispatcher.insist(large(256));
    assert_eq!(dispatcher.room_for(256), 0);
}
