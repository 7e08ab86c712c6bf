//! Counts wrong tokens by where they came from, so that nobody can try many. Pure, and bounded however many come.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::model::time::Timestamp;

/// Wrong ones in a window.
const WRONG_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered.
const PEERS_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Doorman {
    peers: HashMap<IpAddr, Tried>,
}

#[derive(Clone, Copy, Debug)]
struct Tried {
    wrong: u32,
    since: Timestamp,
}

impl Tried {
    fn is_over(&self, now: Timestamp) -> bool {
        // A clock that went back begins a new window.
        now < self.since || now.since(self.since) >= WINDOW
    }
}

impl Doorman {
    /// How many seconds, if any, nothing from there is looked at.
    pub(super) fn must_wait(&self, peer: IpAddr, now: Timestamp) -> Option<u32> {
        let tried = self.peers.get(&network(peer)).filter(|tried| tried.wrong >= WRONG_MAX && !tried.is_over(now))?;
        let left = WINDOW.saturating_sub(now.since(tried.since)).as_secs() + 1;
        u32::try_from(left).ok()
    }

    pub(super) fn was_wrong(&mut self, peer: IpAddr, now: Timestamp) {
        let peer = network(peer);
        if self.peers.len() >= PEERS_MAX && !self.peers.contains_key(&peer) {
            self.peers.retain(|_, tried| !tried.is_over(now));
        }
        // All of them busy at once: whoever has so many addresses isn't stopped by counting them.
        if self.peers.len() >= PEERS_MAX && !self.peers.contains_key(&peer) {
            self.peers.clear();
        }
        let tried = self.peers.entry(peer).or_insert(Tried { wrong: 0, since: now });
        if tried.is_over(now) {
            *tried = Tried { wrong: 0, since: now };
        }
        tried.wrong += 1;
    }
}

/// One customer of a provider has 2^64 addresses of IPv6.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn after_ten_wrong_ones_nothing_more_is_looked_at_for_a_minute() {
        let (mut doorman, peer) = (Doorman::default(), "2001:db8::1".parse().unwrap());
        for _ in 0..WRONG_MAX {
            assert_eq!(doorman.must_wait(peer, at(5)), None);
            doorman.was_wrong(peer, at(5));
        }
        let neighbour = "2001:db8::ffff:2".parse().unwrap();
        assert_eq!(doorman.must_wait(neighbour, at(6)), Some(60), "the same network");
        assert_eq!(doorman.must_wait("2001:db8:0:1::1".parse().unwrap(), at(6)), None);
        assert_eq!(doorman.must_wait(peer, at(65)), None);
        doorman.was_wrong(peer, at(65));
        assert_eq!(doorman.must_wait(peer, at(66)), None, "it is counted anew");
    }

    #[test]
    fn however_many_addresses_try_few_are_remembered() {
        let mut doorman = Doorman::default();
        for number in 0..20_000_u32 {
            doorman.was_wrong(IpAddr::V4(number.into()), at(1));
            assert!(doorman.peers.len() <= PEERS_MAX);
        }
    }
}
