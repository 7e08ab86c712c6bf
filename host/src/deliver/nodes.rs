//! What the other nodes on the same database mean for delivering here.

use super::Deliver;

impl Deliver {
    /// So many nodes deliver, this one included: each keeps to its share of a webhook's rate, at least one a second.
    pub fn share_rates(&self, nodes: u32) {
        self.dispatcher.share(nodes);
    }

    /// Another node left something in the queue: what is due and what waits is looked for now, not at the next tick.
    pub fn look_everywhere(&self) {
        self.worker.sweeper.ask();
        self.look();
    }

    /// This node was taken for dead: what it has in memory and hasn't begun is in other hands, and is forgotten here. Of what it
    /// took since, the database is told that it may be taken by anybody. Attempts under way end as they will, and don't count.
    pub async fn let_go(&self) {
        let queued = self.dispatcher.take_queued();
        self.worker.put_back(queued).await;
        self.look_everywhere();
    }
}
