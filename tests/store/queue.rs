//! Stories of the queue: who has a delivery in hand, when it is due, and how it ends.

use std::sync::Arc;

use waxwing::model::attempt::Trigger;
use waxwing::model::delivery::{DeliveryStatus, Fixed, FixedBody};
use waxwing::model::ids::{RevisionId, WebhookId};
use waxwing::model::request::{Method, RequestDraft};
use waxwing::store::{Completed, Completion, QueueDepth, Start};

use crate::fixture::{Fixture, hours, minutes};
use crate::samples::{claimed, ended, header, ids, rebuilt, stage_run};

pub(crate) async fn a_delivered_one_leaves_the_queue_for_the_log(f: Fixture) {
    let claimed = f.accepted(Start::Claimed).await;
    assert!(f.store.complete(f.delivered(&claimed)).await.unwrap());

    let delivery = f.store.delivery(None, claimed.id).await.unwrap().unwrap();
    assert_eq!(delivery.status, DeliveryStatus::Delivered);
    assert_eq!((delivery.attempts, delivery.last_status), (1, Some(200)));
    assert_eq!((delivery.revision, delivery.ended_at), (Some(RevisionId::from(9)), Some(f.now)));
    assert_eq!(f.store.depth().await.unwrap(), QueueDepth::default());
    assert_eq!(f.store.attempts(claimed.id).await.unwrap(), [f.attempt(&claimed, 200)]);
    assert_eq!(f.store.fixed(claimed.id).await.unwrap(), Some(rebuilt(9)));
}

pub(crate) async fn an_attempt_is_kept_with_all_its_parts(f: Fixture) {
    let claimed = f.accepted(Start::Claimed).await;
    let mut attempt = f.attempt(&claimed, 200);
    attempt.stages = vec![stage_run()];
    attempt.response.as_mut().unwrap().body = vec![b'x'; 16 * 1024].into();
    let completion = f.completion(&claimed, Some(attempt.clone()), ended(DeliveryStatus::Delivered));
    f.store.complete(completion).await.unwrap();
    assert_eq!(f.store.attempts(claimed.id).await.unwrap(), [attempt]);
}

pub(crate) async fn a_retry_is_claimed_when_it_is_due_and_not_before(mut f: Fixture) {
    let first = f.accepted(Start::Claimed).await;
    let due = f.now.plus(minutes(5));
    assert!(f.store.complete(f.again(&first, due)).await.unwrap());
    let delivery = f.store.delivery(None, first.id).await.unwrap().unwrap();
    assert_eq!((delivery.status, delivery.next_at), (DeliveryStatus::Pending, Some(due)));
    assert_eq!((delivery.last_status, delivery.reason.as_deref()), (Some(503), Some("503")));

    assert!(f.store.claim_due(f.now, 10).await.unwrap().is_empty());
    assert_eq!(f.store.next_due().await.unwrap(), Some(due));
    f.advance(minutes(5));
    let claimed = f.store.claim_due(f.now, 10).await.unwrap().pop().unwrap();
    assert_eq!((claimed.id, claimed.attempts, claimed.fence), (first.id, 1, 2));
    assert_eq!((claimed.event, claimed.fixed), (first.event, Some(rebuilt(9))));
    assert!(f.store.claim_due(f.now, 10).await.unwrap().is_empty(), "it is in our hands already");
    assert_eq!(f.store.next_due().await.unwrap(), None);
}

pub(crate) async fn what_is_due_is_claimed_once_and_the_oldest_first(f: Fixture) {
    let mut expected = Vec::new();
    for minute in [3, 1, 2] {
        let at = f.now.plus(minutes(minute));
        expected.push((at, f.accepted(Start::Scheduled(at)).await.id));
    }
    expected.sort();
    let later = f.now.plus(hours(1));
    let (left, right) = tokio::join!(f.store.claim_due(later, 2), f.store.claim_due(later, 2));
    let both: Vec<_> = [ids(&left.unwrap()), ids(&right.unwrap())].concat();
    let in_order: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    // Whoever came first got the two oldest.
    let other_way = [&in_order[2..], &in_order[..2]].concat();
    assert!(both == in_order || both == other_way, "{both:?} instead of {in_order:?}");
}

pub(crate) async fn a_late_completion_changes_nothing_but_is_logged(mut f: Fixture) {
    let slow = f.accepted(Start::Claimed).await;
    f.taken_for_dead().await;
    let second = f.store.claim_due(f.now, 1).await.unwrap().pop().unwrap();
    assert_eq!((second.id, second.fence), (slow.id, 2));

    f.advance(minutes(1));
    assert!(!f.store.complete(f.failed(&slow)).await.unwrap(), "the first claim's fence is old");
    assert_eq!(f.store.depth().await.unwrap().claimed, 1);
    assert!(f.store.complete(f.delivered(&second)).await.unwrap());
    assert!(!f.store.complete(f.failed(&second)).await.unwrap(), "it ended already");

    let delivery = f.store.delivery(None, slow.id).await.unwrap().unwrap();
    assert_eq!(delivery.status, DeliveryStatus::Delivered);
    let statuses: Vec<_> =
        f.store.attempts(slow.id).await.unwrap().iter().map(|a| a.response.as_ref().unwrap().status).collect();
    assert_eq!(statuses, [500, 200], "both tries were real");
    assert_eq!(f.store.health(slow.webhook).await.unwrap().consecutive_failures, 0);
}

pub(crate) async fn a_late_completion_is_told_from_the_one_that_it_comes_with(f: Fixture) {
    for late_first in [true, false] {
        let slow = f.accepted(Start::Claimed).await;
        f.taken_for_dead().await;
        let second = f.store.claim_due(f.now, 1).await.unwrap().pop().unwrap();
        let mut both = vec![Arc::new(f.failed(&slow)), Arc::new(f.delivered(&second))];
        let mut expected = vec![false, true];
        if !late_first {
            both.reverse();
            expected.reverse();
        }
        assert_eq!(f.store.complete_all(both).await.unwrap(), expected);
        let delivery = f.store.delivery(None, slow.id).await.unwrap().unwrap();
        assert_eq!(delivery.status, DeliveryStatus::Delivered);
        let attempts = f.store.attempts(slow.id).await.unwrap();
        let statuses: Vec<_> = attempts.iter().map(|a| a.response.as_ref().unwrap().status).collect();
        assert_eq!(statuses, [500, 200], "both tries were real");
    }
}

pub(crate) async fn of_one_claim_completed_twice_at_once_one_counts(f: Fixture) {
    let claimed = f.accepted(Start::Claimed).await;
    let (left, right) = tokio::join!(
        f.store.complete(f.delivered(&claimed)),
        f.store.complete(f.again(&claimed, f.now.plus(minutes(1))))
    );
    assert_eq!(u8::from(left.unwrap()) + u8::from(right.unwrap()), 1);
    let health = f.store.health(claimed.webhook).await.unwrap();
    assert_eq!(u32::from(health.last_success.is_some()) + health.consecutive_failures, 1);
}

pub(crate) async fn what_waits_for_a_webhook_is_claimed_in_the_order_of_acceptance(f: Fixture) {
    let mut accepted = Vec::new();
    for _ in 0..5 {
        accepted.push(f.accepted_for(1, Start::Waiting).await.id);
    }
    f.accepted_for(7, Start::Waiting).await;
    f.accepted_for(3, Start::Claimed).await;
    let webhook = WebhookId::from(1);
    assert_eq!(f.store.waiting().await.unwrap(), [webhook, WebhookId::from(7)]);
    assert_eq!(f.store.count_waiting(webhook, 100).await.unwrap(), 5);
    assert_eq!(f.store.count_waiting(webhook, 3).await.unwrap(), 3);
    assert!(f.store.claim_due(f.now.plus(hours(1)), 10).await.unwrap().is_empty(), "they wait for their webhook");

    let first = f.store.claim_waiting(webhook, 2).await.unwrap();
    let rest = f.store.claim_waiting(webhook, 10).await.unwrap();
    assert_eq!([ids(&first), ids(&rest)].concat(), accepted);
    assert_eq!(f.store.waiting().await.unwrap(), [WebhookId::from(7)]);
}

pub(crate) async fn what_waits_for_many_webhooks_is_claimed_at_once_and_shares_its_events(f: Fixture) {
    let mut events = Vec::new();
    for _ in 0..4 {
        let new = f.to(f.event("order.paid"), &[1, 2, 3], Start::Waiting);
        events.push(new.event.id);
        f.store.append(f.batch(vec![new])).await.unwrap();
    }
    let webhook = WebhookId::from;
    let wanted = [(webhook(1), 3), (webhook(2), 2), (webhook(9), 5)];
    let taken = f.store.claim_waiting_all(&wanted, usize::MAX).await.unwrap().claimed;
    let of = |number: u64| taken.iter().filter(|one| one.webhook == webhook(number)).collect::<Vec<_>>();
    let events_of = |number| of(number).into_iter().map(|one| one.event.id).collect::<Vec<_>>();
    assert_eq!((events_of(1), events_of(2), taken.len()), (events[..3].to_vec(), events[..2].to_vec(), 5));
    assert!(Arc::ptr_eq(&of(1)[1].event, &of(2)[1].event), "it was read twice");
    assert!(taken.iter().all(|one| one.event.data.bytes.starts_with(b"{\"type\":\"order.paid\"")));

    let wanted = [(webhook(3), 9), (webhook(2), 9), (webhook(1), 9)];
    let rest = f.store.claim_waiting_all(&wanted, usize::MAX).await.unwrap();
    assert_eq!((rest.claimed.len(), rest.too_large), (7, false));
    assert!(f.store.claim_waiting_all(&[], usize::MAX).await.unwrap().claimed.is_empty());
    for one in &taken {
        assert!(f.store.complete(f.delivered(one)).await.unwrap(), "its fence is the row's");
    }
}

pub(crate) async fn no_more_is_claimed_than_there_is_room_for_its_data(f: Fixture) {
    let mut accepted = Vec::new();
    for number in [2, 1, 2, 1, 2] {
        accepted.push(f.accepted_for(number, Start::Waiting).await);
    }
    let size = accepted[0].event.data.bytes.len();
    let wanted = [(WebhookId::from(1), 9), (WebhookId::from(2), 9)];
    let mut taken = Vec::new();
    for (bytes, rows, too_large) in [(2 * size + 1, 2, true), (0, 1, true), (2 * size, 2, false), (0, 0, false)] {
        let some = f.store.claim_waiting_all(&wanted, bytes).await.unwrap();
        assert_eq!((some.claimed.len(), some.too_large), (rows, too_large), "{bytes} bytes");
        taken.extend(some.claimed);
    }
    assert_eq!(ids(&taken), accepted.iter().map(|claimed| claimed.id).collect::<Vec<_>>(), "the oldest come first");
    for one in &taken {
        assert!(f.store.complete(f.delivered(one)).await.unwrap(), "its fence is the row's");
    }
}

pub(crate) async fn where_the_order_counts_nothing_behind_a_retry_is_taken(f: Fixture) {
    let webhook = WebhookId::from(1);
    let mut accepted = Vec::new();
    for _ in 0..4 {
        accepted.push(f.accepted_for(1, Start::Waiting).await.id);
    }
    let first = f.store.claim_in_order(webhook, 2).await.unwrap().unwrap();
    assert_eq!(ids(&first), accepted[..2]);
    f.store.complete(f.again(&first[0], f.now.plus(minutes(5)))).await.unwrap();
    f.store.complete(f.completion(&first[1], None, Completed::Waiting)).await.unwrap();
    assert!(f.store.claim_in_order(webhook, 9).await.unwrap().is_none(), "all of it comes after the retry");

    let again = f.store.claim_due(f.now.plus(minutes(5)), 9).await.unwrap();
    assert_eq!(ids(&again), accepted[..1]);
    assert!(f.store.complete(f.delivered(&again[0])).await.unwrap());
    let rest = f.store.claim_in_order(webhook, 9).await.unwrap().unwrap();
    assert_eq!(ids(&rest), accepted[1..]);
    assert_eq!(f.store.claim_in_order(webhook, 9).await.unwrap().unwrap().len(), 0, "nothing is left");
    // Accepted before a retry, put back meanwhile: it is before it in the order, too.
    f.store.complete(f.completion(&rest[0], None, Completed::Waiting)).await.unwrap();
    f.store.complete(f.again(&rest[1], f.now.plus(minutes(5)))).await.unwrap();
    f.store.complete(f.completion(&rest[2], None, Completed::Waiting)).await.unwrap();
    assert_eq!(ids(&f.store.claim_in_order(webhook, 9).await.unwrap().unwrap()), accepted[1..2]);
}

pub(crate) async fn one_that_is_put_back_keeps_what_was_known_of_it(f: Fixture) {
    let claimed = f.accepted(Start::Claimed).await;
    f.store.complete(f.again(&claimed, f.now)).await.unwrap();
    let again = f.store.claim_due(f.now, 1).await.unwrap().pop().unwrap();
    assert!(f.store.complete(f.completion(&again, None, Completed::Waiting)).await.unwrap());
    let waiting = f.store.delivery(None, claimed.id).await.unwrap().unwrap();
    assert_eq!((waiting.next_at, waiting.attempts, waiting.last_status), (None, 1, Some(503)));
    let again = f.store.claim_waiting(claimed.webhook, 1).await.unwrap().pop().unwrap();
    assert_eq!((again.fence, again.fixed.clone()), (3, Some(rebuilt(9))));

    let later = f.now.plus(minutes(9));
    assert!(f.store.complete(f.completion(&again, None, Completed::Scheduled(later))).await.unwrap());
    assert_eq!(f.store.next_due().await.unwrap(), Some(later));
    assert_eq!(f.store.attempts(claimed.id).await.unwrap().len(), 1);
}

pub(crate) async fn cancelling_ends_what_nobody_has_in_hand(f: Fixture) {
    let held = f.accepted(Start::Claimed).await;
    let waiting = f.accepted(Start::Waiting).await;
    let scheduled = f.accepted(Start::Scheduled(f.now.plus(hours(1)))).await;
    let others = f.accepted_for(2, Start::Waiting).await;
    let cancelled = f.store.cancel_pending(held.webhook, "webhook disabled", f.now, 100).await.unwrap();
    assert_eq!(cancelled, 2);
    for id in [waiting.id, scheduled.id] {
        let delivery = f.store.delivery(None, id).await.unwrap().unwrap();
        assert_eq!(delivery.status, DeliveryStatus::Cancelled);
        assert_eq!((delivery.reason.as_deref(), delivery.ended_at), (Some("webhook disabled"), Some(f.now)));
    }
    for id in [held.id, others.id] {
        assert_eq!(f.store.delivery(None, id).await.unwrap().unwrap().status, DeliveryStatus::Pending);
    }
    // Its holder gives up later: cancelled too, without an attempt.
    assert!(f.store.complete(f.completion(&held, None, ended(DeliveryStatus::Cancelled))).await.unwrap());
    assert!(f.store.attempts(held.id).await.unwrap().is_empty());
}

pub(crate) async fn cancelling_goes_in_steps(f: Fixture) {
    for _ in 0..5 {
        f.accepted(Start::Waiting).await;
    }
    let webhook = WebhookId::from(1);
    let mut steps = Vec::new();
    for _ in 0..4 {
        steps.push(f.store.cancel_pending(webhook, "deleted", f.now, 2).await.unwrap());
    }
    assert_eq!(steps, [2, 2, 1, 0]);
}

pub(crate) async fn a_manual_retry_takes_back_what_ended(mut f: Fixture) {
    let claimed = f.accepted(Start::Claimed).await;
    f.store.complete(f.failed(&claimed)).await.unwrap();
    f.advance(hours(2));

    let again = f.store.retry(claimed.id, f.now).await.unwrap().unwrap();
    assert_eq!((again.trigger, again.attempts, again.fence), (Trigger::Manual, 1, 2));
    assert_eq!((again.event.clone(), again.fixed.clone()), (claimed.event.clone(), Some(rebuilt(9))));
    assert_eq!(f.store.delivery(None, claimed.id).await.unwrap().unwrap().status, DeliveryStatus::Pending);
    assert!(f.store.retry(claimed.id, f.now).await.unwrap().is_none(), "it is in our hands now");
    assert!(!f.store.complete(f.failed(&claimed)).await.unwrap(), "the first claim is over");

    assert!(f.store.complete(f.delivered(&again)).await.unwrap());
    let delivery = f.store.delivery(None, claimed.id).await.unwrap().unwrap();
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Delivered, 2));
    let triggers: Vec<_> = f.store.attempts(claimed.id).await.unwrap().iter().map(|a| a.trigger).collect();
    assert_eq!(triggers, [Trigger::Automatic, Trigger::Manual]);
    assert_eq!(f.store.depth().await.unwrap(), QueueDepth::default());
}

pub(crate) async fn a_manual_retry_takes_what_is_pending_and_leaves_what_is_in_hand(f: Fixture) {
    let held = f.accepted(Start::Claimed).await;
    assert!(f.store.retry(held.id, f.now).await.unwrap().is_none());
    let scheduled = f.accepted(Start::Scheduled(f.now.plus(hours(1)))).await;
    let taken = f.store.retry(scheduled.id, f.now).await.unwrap().unwrap();
    assert_eq!(taken.trigger, Trigger::Manual);
    assert!(taken.fence > 0, "nobody had it before, and now its fence says that somebody has");
    assert_eq!(f.store.next_due().await.unwrap(), None);
    assert!(f.store.retry(f.id(), f.now).await.unwrap().is_none(), "nobody knows this one");
}

pub(crate) async fn a_test_stays_a_test_whoever_retries_it(f: Fixture) {
    let mut new = f.to(f.event("order.paid"), &[1], Start::Claimed);
    new.deliveries[0].trigger = Trigger::Test;
    let first = claimed(&new);
    f.store.append(f.batch(vec![new])).await.unwrap();
    f.store.complete(Completion { health: None, ..f.failed(&first) }).await.unwrap();
    assert!(f.store.delivery(None, first.id).await.unwrap().unwrap().test);
    assert_eq!(f.store.retry(first.id, f.now).await.unwrap().unwrap().trigger, Trigger::Test);
}

pub(crate) async fn what_a_plugin_made_is_sent_again_to_the_byte(f: Fixture) {
    let draft = RequestDraft {
        method: Method::Put,
        path: Some("/x".into()),
        origin: None,
        query: vec![("wait".into(), "true".into())],
        headers: vec![header("x-a", "1")],
        content_type: "text/plain".into(),
        body: "hello ".repeat(1000).into(),
        stage: 1,
    };
    for body in [FixedBody::Drafted(Arc::new(draft)), FixedBody::Replaced("{\"a\":1}".into())] {
        let made = Fixed { revision: RevisionId::from(4), body };
        let first = f.accepted(Start::Claimed).await;
        let completion = Completion { fixed: Some(made.clone()), ..f.again(&first, f.now) };
        f.store.complete(completion).await.unwrap();
        assert_eq!(f.store.fixed(first.id).await.unwrap(), Some(made.clone()));
        let again = f.store.claim_due(f.now, 1).await.unwrap().pop().unwrap();
        assert_eq!(again.fixed, Some(made));
    }
}

pub(crate) async fn after_a_restart_everything_in_hand_is_due_again(f: Fixture) {
    let held = f.accepted(Start::Claimed).await;
    let waiting = f.accepted(Start::Waiting).await;
    let f = f.reopened().await;
    f.store.recover(f.now).await.unwrap();
    let claimed = f.store.claim_due(f.now, 10).await.unwrap();
    assert_eq!((ids(&claimed), claimed[0].fence), (vec![held.id], 2));
    assert_eq!(f.store.count_waiting(waiting.webhook, 10).await.unwrap(), 1);
    assert!(f.store.highest_id().await.unwrap() >= waiting.id.number());
}

pub(crate) async fn the_depth_counts_each_kind(f: Fixture) {
    let oldest = f.accepted(Start::Waiting).await;
    f.accepted(Start::Claimed).await;
    f.accepted(Start::Claimed).await;
    f.accepted(Start::Scheduled(f.now)).await;
    let expected = QueueDepth { claimed: 2, scheduled: 1, waiting: 1, oldest: Some(oldest.id.time()) };
    assert_eq!(f.store.depth().await.unwrap(), expected);
}

pub(crate) async fn health_adds_up_over_groups_and_starts_anew_with_a_success(mut f: Fixture) {
    let webhook = WebhookId::from(1);
    let began = f.now;
    for _ in 0..3 {
        let claimed = f.accepted(Start::Claimed).await;
        f.store.complete(f.failed(&claimed)).await.unwrap();
        f.advance(minutes(1));
    }
    let health = f.store.health(webhook).await.unwrap();
    assert_eq!((health.consecutive_failures, health.failing_since, health.last_success), (3, Some(began), None));

    let success = f.now;
    let claimed = f.accepted(Start::Claimed).await;
    f.store.complete(f.delivered(&claimed)).await.unwrap();
    f.advance(minutes(1));
    let claimed = f.accepted(Start::Claimed).await;
    f.store.complete(f.failed(&claimed)).await.unwrap();
    let health = f.store.health(webhook).await.unwrap();
    assert_eq!((health.consecutive_failures, health.failing_since), (1, Some(f.now)));
    assert_eq!(health.last_success, Some(success));
    assert_eq!(f.store.healths().await.unwrap(), [(webhook, health)]);

    f.store.reset_health(webhook).await.unwrap();
    let health = f.store.health(webhook).await.unwrap();
    assert_eq!((health.consecutive_failures, health.failing_since, health.last_success), (0, None, Some(success)));
}
