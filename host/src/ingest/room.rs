//! How much of what is being posted may be in memory at once: while it is read, and until it is durable.
//!
//! Whoever finds no room is refused before anything of the request is kept. It never waits, and costs an atomic each way. What is
//! durable is no longer counted here: `deliver` has a bound of its own, and what is above that waits in the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

/// What a request weighs besides its body: its head, its task, its answer.
const BESIDE_THE_BODY: usize = 4096;
/// About what one delivery weighs until it is written.
const DELIVERY: usize = 256;
/// Nobody was refused for so long: it is over.
const QUIET: Duration = Duration::from_secs(5);
const REFUSED: &str = "waxwing_requests_refused_total";

/// One for the whole server.
#[derive(Debug)]
pub struct Room {
    most: usize,
    used: AtomicUsize,
    refused: AtomicU64,
    /// Told, and not over yet.
    told: AtomicBool,
}

/// A request's part of the room, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    room: Arc<Room>,
    weight: AtomicUsize,
}

/// There is no room at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more is being posted than can be written at the moment: nothing of this request counts; send it again")]
pub struct NoRoom;

impl Room {
    /// For so many bytes.
    pub fn new(most: usize) -> Arc<Self> {
        metrics::counter!(REFUSED).absolute(0);
        let (used, refused, told) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Self { most, used, refused, told })
    }

    /// A place for a request with so many bytes of body. One request always finds room, however large it is.
    pub fn take(self: &Arc<Self>, bytes: usize) -> Result<Place, NoRoom> {
        let weight = bytes.saturating_add(BESIDE_THE_BODY);
        let fits = |used: usize| (used == 0 || used.saturating_add(weight) <= self.most).then(|| used + weight);
        match self.used.fetch_update(Relaxed, Relaxed, fits) {
            Ok(_) => Ok(Place { room: Arc::clone(self), weight: AtomicUsize::new(weight) }),
            Err(_) => {
                self.refuse();
                Err(NoRoom)
            }
        }
    }

    fn refuse(self: &Arc<Self>) {
        metrics::counter!(REFUSED).increment(1);
        self.refused.fetch_add(1, Relaxed);
        if self.told.swap(true, Relaxed) {
            return;
        }
        tracing::warn!(
            room_mib = self.most / (1024 * 1024),
            "more is posted than can be written: some of it is refused with 429 until there is room (--intake-mib)"
        );
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(Arc::clone(self).tell_the_end())),
            Err(_) => self.told.store(false, Relaxed),
        }
    }

    async fn tell_the_end(self: Arc<Self>) {
        let (begun, mut seen) = (Instant::now(), 0);
        while !self.is_over(&mut seen) {
            tokio::time::sleep(QUIET).await;
        }
        let seconds = begun.elapsed().as_secs_f64();
        tracing::info!(refused = seen, seconds, "what is posted finds room again");
    }

    /// Whether nobody was refused since so many had been `seen`; if so, the next refusal begins anew.
    fn is_over(&self, seen: &mut u64) -> bool {
        let refused = self.refused.load(Relaxed);
        let is_over = refused == *seen;
        if is_over {
            self.refused.fetch_sub(refused, Relaxed);
            self.told.store(false, Relaxed);
        }
        *seen = refused;
        is_over
    }
}

impl Place {
    /// So many deliveries follow from it. They are counted also where that is more than there is room for: whoever comes next is
    /// refused.
    pub(super) fn hold_deliveries(&self, count: usize) {
        let weight = count.saturating_mul(DELIVERY);
        self.room.used.fetch_add(weight, Relaxed);
        self.weight.fetch_add(weight, Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.used.fetch_sub(*self.weight.get_mut(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    #[test]
    fn who_finds_no_room_is_refused_until_a_place_is_given_back() {
        let room = Room::new(100 * KIB);
        let first = room.take(60 * KIB).unwrap();
        assert_eq!(room.take(60 * KIB).unwrap_err(), NoRoom);
        let small = room.take(30 * KIB).unwrap();
        drop(first);
        let again = room.take(60 * KIB).unwrap();
        drop((small, again));
        assert_eq!(room.used.load(Relaxed), 0, "all of it was given back");
    }

    #[test]
    fn one_request_always_finds_room_and_nobody_beside_it() {
        let room = Room::new(KIB);
        let large = room.take(8 * KIB).unwrap();
        assert!(room.take(0).is_err());
        drop(large);
        assert!(room.take(0).is_ok());
    }

    #[test]
    fn the_deliveries_of_a_request_are_counted_until_it_is_done() {
        let room = Room::new(100 * KIB);
        let place = room.take(0).unwrap();
        place.hold_deliveries(1000);
        assert!(room.take(0).is_err());
        drop(place);
        assert_eq!(room.used.load(Relaxed), 0);
    }

    #[test]
    fn it_is_over_when_nobody_was_refused_since_the_last_look() {
        let room = Room::new(KIB);
        let place = room.take(KIB).unwrap();
        room.told.store(true, Relaxed);
        let mut seen = 0;
        for refusals in [1, 3] {
            assert!((0..refusals).all(|_| room.take(0).is_err()));
            assert!(!room.is_over(&mut seen), "somebody was refused meanwhile");
        }
        assert!(room.told.load(Relaxed));
        assert!(room.is_over(&mut seen));
        assert_eq!((seen, room.told.load(Relaxed)), (4, false));
        drop(place);
    }
}
