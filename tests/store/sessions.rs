//! Stories of those who are signed in to the portal, and of the links that let them in.

use std::time::Duration;

use waxwing::model::access::Role;
use waxwing::model::session::{Grant, Session, SignInLink};

use crate::fixture::{Fixture, hours};

pub(crate) fn grant(number: u8) -> Grant {
    Grant {
        maker: "token_1".into(),
        proof: (number > 1).then_some([number; 32]),
        role: Role::Tenant,
        tenant: Some("shop".parse().unwrap()),
        origin: (number > 1).then(|| "https://app.example.com".into()),
    }
}

pub(crate) fn session(f: &Fixture, number: u8) -> Session {
    let (by_link, expires_at) = (number > 1, f.now.plus(hours(12)));
    Session { hash: [number; 32], grant: grant(number), by_link, created_at: f.now, expires_at }
}

pub(crate) fn link(f: &Fixture, number: u8) -> SignInLink {
    SignInLink { hash: [number; 32], grant: grant(number), created_at: f.now, expires_at: f.now.plus(hours(1)) }
}

pub(crate) async fn a_session_is_kept_until_it_is_ended_or_has_expired(mut f: Fixture) {
    let (first, second) = (session(&f, 1), session(&f, 2));
    for session in [&first, &second] {
        f.store.save_session(session).await.unwrap();
        assert_eq!(f.store.session(&session.hash).await.unwrap().as_ref(), Some(session));
    }
    assert!(f.store.save_session(&first).await.is_err(), "a hash is of one session");
    assert!(f.store.delete_session(&first.hash).await.unwrap());
    assert!(!f.store.delete_session(&first.hash).await.unwrap());
    assert_eq!(f.store.session(&first.hash).await.unwrap(), None);
    f.advance(hours(12));
    let third = session(&f, 3);
    f.store.save_session(&third).await.unwrap();
    assert_eq!(f.store.session(&second.hash).await.unwrap(), None, "it has expired");
    assert_eq!(f.store.session(&third.hash).await.unwrap(), Some(third));
}

pub(crate) async fn a_link_is_taken_once_however_many_ask_at_once(f: Fixture) {
    let known = link(&f, 2);
    f.store.save_link(&known).await.unwrap();
    assert_eq!(f.store.link(&known.hash, f.now).await.unwrap().as_ref(), Some(&known));
    let ask = || f.store.take_link(&known.hash, f.now);
    let answers = tokio::join!(ask(), ask(), ask());
    let taken: Vec<_> = [answers.0, answers.1, answers.2].into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(taken.as_slice(), std::slice::from_ref(&known));
    assert_eq!(f.store.link(&known.hash, f.now).await.unwrap(), None);
}

pub(crate) async fn a_link_that_has_expired_is_not_taken(mut f: Fixture) {
    let known = link(&f, 1);
    f.store.save_link(&known).await.unwrap();
    let just_before = known.expires_at.minus(Duration::from_millis(1));
    assert!(f.store.link(&known.hash, just_before).await.unwrap().is_some());
    assert_eq!(f.store.link(&known.hash, known.expires_at).await.unwrap(), None);
    assert_eq!(f.store.take_link(&known.hash, known.expires_at).await.unwrap(), None);
    f.advance(hours(1));
    f.store.save_link(&link(&f, 2)).await.unwrap();
    assert_eq!(f.store.take_link(&known.hash, just_before).await.unwrap(), None, "it is forgotten");
}
