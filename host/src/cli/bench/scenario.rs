//! What is measured: the scenarios, as data.

/// One thing to measure. What it doesn't say is as in [`PLAIN`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// One line.
    pub(super) what: &'static str,
    /// Takes long: run only where it is named, or with `--all`.
    pub(super) heavy: bool,
    pub(super) server: Server,
    /// Webhooks that take every event.
    pub(super) fan_out: usize,
    /// Besides these: webhooks with an event type each, in turn, and how many of them never answer.
    pub(super) own_type: OwnType,
    /// The data's size, where it isn't the one that was asked for.
    pub(super) bytes: Option<usize>,
    pub(super) plugin: Option<Plugin>,
    pub(super) stored: Stored,
    pub(super) load: Pace,
}

/// What answers the posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// Accept, commit, POST: minimal code, on SQLite.
    Floor,
    /// The same on PostgreSQL.
    FloorPostgres,
    /// `waxwing serve` on SQLite, as it comes.
    Sqlite,
    /// So many `waxwing serve` on one PostgreSQL database, as they come.
    Postgres { nodes: usize },
}

impl Server {
    pub(super) const fn is_floor(self) -> bool {
        matches!(self, Self::Floor | Self::FloorPostgres)
    }

    pub(super) const fn on_postgres(self) -> bool {
        matches!(self, Self::FloorPostgres | Self::Postgres { .. })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OwnType {
    pub(super) answering: usize,
    pub(super) silent: usize,
}

impl OwnType {
    pub(super) const fn count(self) -> usize {
        self.answering + self.silent
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plugin {
    Slack,
    /// A filter that lets nothing through.
    DropAll,
}

/// What stands in the database before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Nothing,
    /// Events that were delivered (`--prefill`).
    Delivered,
    /// Deliveries that failed once and are scheduled for later (`--pending`).
    Scheduled,
    /// What was delivered on a day that nobody keeps any more (`--prefill`).
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As fast as they are answered.
    Full,
    /// As [`Self::Full`], and as many as `--soak` says.
    Long,
    /// At half the rate of `one-to-one` in the same round, at times that are fixed beforehand.
    Half,
    /// As [`Self::Half`], until what has expired is gone, and for a while without that.
    Purging,
}

impl Pace {
    /// Whether times are fixed beforehand.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Half | Self::Purging)
    }
}

/// How many deliveries a scenario makes for each event that it is asked for, where every event goes to many.
const FANNED: usize = 5;

const PLAIN: Scenario = Scenario {
    name: ONE_TO_ONE,
    what: "one webhook takes every event: the one that the others are held against",
    heavy: false,
    server: Server::Sqlite,
    fan_out: 1,
    own_type: OwnType { answering: 0, silent: 0 },
    bytes: None,
    plugin: None,
    stored: Stored::Nothing,
    load: Pace::Full,
};

const ON_POSTGRES: Scenario = Scenario {
    name: "postgres",
    what: "one-to-one on PostgreSQL: one node",
    heavy: true,
    server: Server::Postgres { nodes: 1 },
    ..PLAIN
};

pub(super) const ONE_TO_ONE: &str = "one-to-one";

/// In the order in which they are run. `one-to-one` is the first, and always runs.
pub(super) const SCENARIOS: &[Scenario] = &[
    PLAIN,
    Scenario { name: "fan-out-10", what: "each event goes to 10 webhooks", fan_out: 10, ..PLAIN },
    Scenario { name: "fan-out-100", what: "each event goes to 100 webhooks", fan_out: 100, ..PLAIN },
    Scenario {
        name: "slack-plugin",
        what: "through the bundled Slack formatter, which judges the reply too",
        plugin: Some(Plugin::Slack),
        ..PLAIN
    },
    Scenario {
        name: "slack-plugin-300",
        what: "the same with 300 bytes of data",
        plugin: Some(Plugin::Slack),
        bytes: Some(300),
        ..PLAIN
    },
    Scenario {
        name: "filter-drops",
        what: "through the bundled filter, which drops every event: nothing is sent",
        plugin: Some(Plugin::DropAll),
        ..PLAIN
    },
    Scenario {
        name: "slow-receivers",
        what: "105 webhooks in turn, 5 of which never answer: what the 100 others get",
        fan_out: 0,
        own_type: OwnType { answering: 100, silent: 5 },
        ..PLAIN
    },
    Scenario {
        name: "half-load",
        what: "at half of one-to-one's rate, sent at fixed times",
        load: Pace::Half,
        ..PLAIN
    },
    Scenario {
        name: "pending-1m",
        what: "beside a million scheduled retries (--pending)",
        heavy: true,
        stored: Stored::Scheduled,
        ..PLAIN
    },
    Scenario {
        name: "filled",
        what: "on a database that holds a log already (--prefill)",
        heavy: true,
        stored: Stored::Delivered,
        ..PLAIN
    },
    Scenario {
        name: "purge",
        what: "half load while a day that has expired is deleted (--prefill), and without that",
        heavy: true,
        stored: Stored::Expired,
        load: Pace::Purging,
        ..PLAIN
    },
    ON_POSTGRES,
    Scenario {
        name: "postgres-3-nodes",
        what: "the same, posted to three nodes on one database in turn",
        heavy: true,
        server: Server::Postgres { nodes: 3 },
        ..PLAIN
    },
    Scenario {
        name: "postgres-purge",
        what: "the same as purge on PostgreSQL: the day is dropped",
        heavy: true,
        server: Server::Postgres { nodes: 1 },
        stored: Stored::Expired,
        load: Pace::Purging,
        ..PLAIN
    },
    Scenario { name: "soak", what: "full load for long (--soak)", heavy: true, load: Pace::Long, ..PLAIN },
];

impl Scenario {
    /// The floor that fits this one: as many receivers, data of the same size, the same kind of database, and the same rate where
    /// that is not full load.
    pub(super) fn floor(&self) -> Self {
        if self.server.on_postgres() {
            return Self { name: "floor-postgres", server: Server::FloorPostgres, ..PLAIN };
        }
        let fan_out = self.fan_out.max(1);
        let load = if self.load.is_open() { Pace::Half } else { Pace::Full };
        let name = match (fan_out, self.bytes, load) {
            (100, ..) => "floor-100",
            (10, ..) => "floor-10",
            (_, Some(_), _) => "floor-300",
            (_, _, Pace::Half) => "floor-half",
            (..) => "floor",
        };
        Self { name, server: Server::Floor, fan_out, bytes: self.bytes, load, ..PLAIN }
    }

    /// Whose rate is halved for this one, where that is not full load.
    pub(super) fn full(&self) -> Self {
        if self.server.on_postgres() { ON_POSTGRES } else { PLAIN }
    }

    /// How many events it posts where so many are asked for: fewer where each goes to many.
    pub(super) fn events(&self, asked: usize) -> usize {
        if self.fan_out > FANNED { (asked * FANNED / self.fan_out).max(1) } else { asked }
    }

    /// How many deliveries of so many events are to end.
    pub(super) fn deliveries(&self, events: usize) -> usize {
        let OwnType { answering, .. } = self.own_type;
        let turns = self.own_type.count();
        let rest = events.checked_rem(turns).map_or(0, |rest| rest.min(answering));
        events * self.fan_out + events.checked_div(turns).unwrap_or(0) * answering + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_floor_is_told_from_the_others_by_its_name() {
        for one in SCENARIOS {
            for other in SCENARIOS {
                let (one, other) = (one.floor(), other.floor());
                let kind = |floor: &Scenario| (floor.server, floor.fan_out, floor.bytes, floor.load);
                let same = kind(&one) == kind(&other);
                assert_eq!(one.name == other.name, same, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn what_never_answers_is_not_waited_for() {
        let slow = SCENARIOS.iter().find(|scenario| scenario.name == "slow-receivers").unwrap();
        assert_eq!(slow.deliveries(210), 200);
        assert_eq!((slow.deliveries(50), slow.deliveries(103)), (50, 100));
        assert_eq!((PLAIN.deliveries(7), SCENARIOS[2].events(200), SCENARIOS[2].deliveries(10)), (7, 10, 1000));
    }
}
