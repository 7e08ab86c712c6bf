//! This node among the others: its lease, its number, and what is done when somebody's lease ran out.
//!
//! A lease runs by the database's own clock. Whoever writes rows into this node's hands holds the node's row in the same transaction
//! ([`Membership::hold`]), and whoever buries a node waits for that: no row is ever born in a buried node's hands. A node that finds
//! itself buried joins anew, under another id, and says so at its next pulse.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::PostgresOptions;
use super::connect::{Connector, Purpose};
use super::convert::millis;
use super::copied::refuse_unfinished;
use super::in_order::LET_GO;
use super::locks;
use crate::clock::Clock;
use crate::store::{Result, StoreError};

/// What a lease lasts, as PostgreSQL writes it.
pub(super) const LEASE: &str = "30 seconds";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    id: i64,
    number: u16,
}

/// Why nothing can be taken into this node's hands.
#[derive(Debug, thiserror::Error)]
enum NotAMember {
    #[error("this node has signed off")]
    Left,
    #[error("1,024 nodes are at work already")]
    Full,
    #[error("this node was taken for dead twice in a row")]
    Buried,
}

pub(super) struct Membership {
    connector: Arc<Connector>,
    clock: Arc<dyn Clock>,
    name: String,
    delivers: bool,
    member: Mutex<Option<Member>>,
    /// One caller joins anew, the others wait for it.
    joining: tokio::sync::Mutex<()>,
    /// Not told yet.
    rejoined: AtomicBool,
}

impl Membership {
    pub(super) async fn join(
        connector: Arc<Connector>,
        options: &PostgresOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let membership = Self {
            connector,
            clock,
            name: options.name.clone(),
            delivers: options.delivers,
            member: Mutex::new(None),
            joining: tokio::sync::Mutex::new(()),
            rejoined: AtomicBool::new(false),
        };
        membership.register().await?;
        Ok(membership)
    }

    pub(super) fn number(&self) -> u16 {
        self.member.lock().map_or(0, |member| member.number)
    }

    /// What stands in the queue's `node` where this one has a row in hand.
    pub(super) fn id(&self) -> Result<i64> {
        self.member.lock().map(|member| member.id).ok_or_else(|| unavailable(NotAMember::Left))
    }

    /// This node's id, which stays its own until the transaction ends.
    pub(super) async fn hold(&self, transaction: &mut PgConnection) -> Result<i64> {
        for _ in 0..2 {
            let id = self.id()?;
            let held: Option<i64> = sqlx::query_scalar("SELECT id FROM nodes WHERE id = $1 FOR KEY SHARE")
                .bind(id)
                .fetch_optional(&mut *transaction)
                .await?;
            if held.is_some() {
                return Ok(id);
            }
            self.rejoin(id).await?;
        }
        Err(unavailable(NotAMember::Buried))
    }

    /// `buried`: the id under which this node is not known any more.
    pub(super) async fn rejoin(&self, buried: i64) -> Result<()> {
        let _one = self.joining.lock().await;
        if self.id()? != buried {
            return Ok(());
        }
        self.register().await?;
        self.rejoined.store(true, Ordering::Relaxed);
        tracing::warn!("this node was taken for dead: what it had in hand is in other hands now");
        Ok(())
    }

    async fn register(&self) -> Result<()> {
        let mut connection = self.connector.connect(Purpose::Cold).await?;
        let mut transaction = connection.begin().await?;
        locks::MEMBERS.take(&mut transaction).await?;
        refuse_unfinished(&mut transaction).await?;
        let mut number = free_number(&mut transaction).await?;
        if number.is_none() {
            // Starts that failed, each with a lease of its own.
            bury(&mut transaction, millis(self.clock.now())).await?;
            number = free_number(&mut transaction).await?;
        }
        let Some(number) = number else { return Err(unavailable(NotAMember::Full)) };
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO nodes (number, expires_at, name, delivers) \
             VALUES (CAST($1 AS BIGINT), now() + CAST($2 AS INTERVAL), $3, $4) RETURNING id",
        )
        .bind(number)
        .bind(LEASE)
        .bind(&self.name)
        .bind(self.delivers)
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        *self.member.lock() = Some(Member { id, number: u16::try_from(number).unwrap_or_default() });
        Ok(())
    }

    /// Renews the lease. `false`: it had run out, so that it was the database, rather than others, that stood still.
    pub(super) async fn renew(&self, transaction: &mut PgConnection) -> Result<bool> {
        for _ in 0..2 {
            let id = self.id()?;
            let renewed: Option<bool> = sqlx::query_scalar(
                "WITH was AS (SELECT id, expires_at >= now() AS held FROM nodes WHERE id = $1 FOR NO KEY UPDATE) \
                 UPDATE nodes SET expires_at = now() + CAST($2 AS INTERVAL) FROM was WHERE nodes.id = was.id RETURNING was.held",
            )
            .bind(id)
            .bind(LEASE)
            .fetch_optional(&mut *transaction)
            .await?;
            if let Some(held) = renewed {
                return Ok(held);
            }
            self.rejoin(id).await?;
        }
        Err(unavailable(NotAMember::Buried))
    }

    /// How many nodes deliver, this one included if it does.
    pub(super) async fn delivering(&self, transaction: &mut PgConnection) -> Result<u32> {
        let delivering: i64 = sqlx::query_scalar("SELECT count(*) FROM nodes WHERE delivers AND expires_at >= now()")
            .fetch_one(transaction)
            .await?;
        Ok(u32::try_from(delivering).unwrap_or(u32::MAX))
    }

    /// Whether this node has joined anew since it was last asked.
    pub(super) fn has_rejoined(&self) -> bool {
        self.rejoined.swap(false, Ordering::Relaxed)
    }

    /// From now on this node has no id. `None`: it had signed off before.
    pub(super) fn sign_off(&self) -> Option<i64> {
        self.member.lock().take().map(|member| member.id)
    }
}

/// The lowest that is free after the last one given, so that none comes again soon.
async fn free_number(transaction: &mut PgConnection) -> Result<Option<i64>> {
    let number = sqlx::query_scalar(
        "UPDATE counters SET value = (SELECT n FROM generate_series(0, 1023) AS n \
         WHERE NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.number = n) ORDER BY n <= counters.value, n LIMIT 1) \
         WHERE name = 'number' AND (SELECT count(*) FROM nodes) < 1024 RETURNING value",
    );
    Ok(number.fetch_optional(transaction).await?)
}

/// Nodes whose lease ran out go, and what they had in hand is due at once; how many rows that were. One that is just writing isn't
/// dead.
pub(super) async fn bury(transaction: &mut PgConnection, now: i64) -> Result<u64> {
    let dead: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM nodes WHERE expires_at < now() ORDER BY id FOR UPDATE SKIP LOCKED")
            .fetch_all(&mut *transaction)
            .await?;
    if dead.is_empty() {
        return Ok(0);
    }
    let freed = free(transaction, &dead, now).await?;
    tracing::info!(nodes = dead.len(), freed, "took over from nodes whose lease ran out");
    Ok(freed)
}

/// What these nodes have in hand is due at once, or in line again, and they are nodes no more. Their rows must be locked: a statement before.
pub(super) async fn free(transaction: &mut PgConnection, nodes: &[i64], now: i64) -> Result<u64> {
    let freed = sqlx::query(AssertSqlSafe(format!(
        "UPDATE queue AS q SET node = NULL, due_at = {LET_GO} WHERE q.node = ANY ($1)"
    )))
    .bind(nodes)
    .bind(now)
    .execute(&mut *transaction)
    .await?;
    sqlx::query("DELETE FROM nodes WHERE id = ANY ($1)").bind(nodes).execute(transaction).await?;
    Ok(freed.rows_affected())
}

fn unavailable(error: NotAMember) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}
