//! Components ready to run, the most lately used ones: what is evicted is loaded again, with the same results.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::model::plugin::Digest;

/// A place for one component; whoever comes while it is being filled waits for that.
pub(super) type Place<T> = Arc<OnceCell<Arc<T>>>;

pub(super) struct Resident<T> {
    most: usize,
    places: Mutex<Places<T>>,
}

struct Places<T> {
    used: u64,
    by_digest: HashMap<Digest, (u64, Place<T>)>,
}

impl<T> Resident<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), places: Mutex::new(Places { used: 0, by_digest: HashMap::new() }) }
    }

    /// The place of a component, made if there is none; then the one that was not used for the longest time goes.
    pub(super) fn place(&self, digest: Digest) -> Place<T> {
        let mut places = self.places.lock();
        places.used += 1;
        let now = places.used;
        if let Some((used, place)) = places.by_digest.get_mut(&digest) {
            *used = now;
            return Arc::clone(place);
        }
        if places.by_digest.len() >= self.most {
            let oldest = places.by_digest.iter().min_by_key(|(_, (used, _))| *used).map(|(digest, _)| *digest);
            oldest.and_then(|digest| places.by_digest.remove(&digest));
        }
        let place = Place::<T>::default();
        places.by_digest.insert(digest, (now, Arc::clone(&place)));
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_not_used_for_longest_goes_first() {
        let resident = Resident::<u8>::new(2);
        let fill = |byte: u8| resident.place(Digest([byte; 32])).set(Arc::new(byte)).is_ok();
        assert!(fill(1) && fill(2));
        assert!(!fill(1), "still there, and used again");
        assert!(fill(3));
        assert!(!fill(1));
        assert!(fill(2), "2 had gone");
    }
}
