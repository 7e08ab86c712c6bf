//! Moves everything that one database holds to another of the other kind, while no server works on either.
//!
//! Table by table, a batch at a time in the order of the table's key. How far it has come stands in the target, in the transaction of
//! the rows themselves: a copy that was broken off at any moment is gone on with, no row lost or doubled. As long as that mark is
//! there, no server starts on the target ([`StoreError::UnfinishedCopy`]). Sealed values are copied as they are, so nobody needs the
//! key; the target becomes that of the source's key. The source is only read.
//!
//! It knows no SQL: a database gives it [`Place`]. What is copied is the list in [`tables`].

pub mod rows;
pub mod tables;

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use self::rows::{Batch, Rows, Value};
use self::tables::{TABLES, Table};
use super::{Result, StoreError};
use crate::model::time::Timestamp;

/// The name of the setting that holds the [`Mark`].
pub const MARK: &str = "unfinished_copy";
/// A batch of larger rows ends where it has so many bytes, with one row at least.
pub const BYTES_MAX: usize = 8 * 1024 * 1024;
/// What a table's first batch asks for: the next one asks for twice what the last one brought.
const ROWS_FIRST: u32 = 16;

/// Why a copy isn't done.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("the source can't be read")]
    Source(#[source] StoreError),
    #[error("the target can't be written")]
    Target(#[source] StoreError),
    #[error("{} doesn't exist", path.display())]
    NotThere { path: PathBuf },
    #[error("the source holds nothing of Waxwing's: is it the right database?")]
    NoSchema,
    #[error("the source has schema version {found}, this program knows {known}: {remedy}")]
    OldSchema { found: i64, known: i64, remedy: &'static str },
    #[error("the source is an unfinished copy itself: finish that first, or copy from where it came from")]
    UnfinishedSource,
    #[error("the target holds data already, in the table '{table}': name an empty database, or empty this one")]
    NotEmpty { table: &'static str },
    #[error("the target was set up with another key than the source: name an empty database, or empty this one")]
    OtherKey,
    #[error(
        "the target holds an unfinished copy of something else than the source holds now: either that was another source, or a \
         server ran on this one meanwhile. Empty the target and copy again"
    )]
    OtherSource,
    #[error("a server ran on the source during the copy ({changed}): stop it, empty the target and copy again")]
    SourceChanged { changed: String },
    #[error("the copy isn't whole ({missing}): empty the target and copy again")]
    NotWhole { missing: String },
}

/// What a database holds, as far as a copy can tell one state of it from another: whatever a server does adds rows or takes some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// By table.
    pub rows: BTreeMap<String, u64>,
    /// The highest identifier.
    pub highest: u64,
}

/// How far a copy has come, as it stands in the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What was there to be copied.
    pub source: Holding,
    /// The table that is being copied; those before it are done.
    pub table: String,
    /// The key of the last row of it that was written; empty: none was.
    pub after: Vec<Value>,
    /// Rows written so far, of all tables.
    pub copied: u64,
}

/// How a copy begins in a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    Yes,
    /// Nothing was written: this table isn't empty.
    Holds(&'static str),
    /// Nothing was written.
    OtherKey,
}

/// Told after every batch, and at every table's end.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub table: &'static str,
    pub table_is_done: bool,
    /// Rows that the target had when this run began.
    pub before: u64,
    /// Rows that it has.
    pub copied: u64,
    /// Rows that it will have.
    pub total: u64,
}

/// One end of a copy: a database on which nobody else is at work.
#[async_trait]
pub trait Place: Send {
    /// [`StoreError::Locked`] if a server is at work on it after all.
    async fn is_left_alone(&mut self) -> Result<()>;

    async fn holding(&mut self) -> Result<Holding>;

    /// The id of the key that seals its secrets, if a server ever started on it.
    async fn key_id(&mut self) -> Result<Option<String>>;

    /// The next rows of a table: at most `most`, fewer where they are large, none at its end.
    async fn read(&mut self, table: &'static Table, after: &[Value], most: u32) -> Result<Batch>;

    /// Of the copy that is under way into it.
    async fn mark(&mut self) -> Result<Option<Mark>>;

    /// Leaves the first mark and the key's id, if it is empty.
    async fn begin(&mut self, key_id: Option<&str>, mark: &Mark) -> Result<Begun>;

    /// Writes the rows and the mark in one transaction.
    async fn write(&mut self, rows: &Rows, mark: &Mark) -> Result<()>;

    /// Makes of the rows what a server can start on, and takes the mark away; durable when it returns.
    async fn finish(&mut self, now: Timestamp) -> Result<()>;
}

/// Copies what isn't copied yet, at most `most` rows at a time, and compares. Returns what both hold then. Where everything was copied
/// before, and nothing has happened since, there is nothing to do.
pub async fn copy(
    from: &mut dyn Place,
    to: &mut dyn Place,
    most: u32,
    now: Timestamp,
    tell: &mut (dyn FnMut(Step) + Send),
) -> Result<Holding, CopyError> {
    if from.mark().await.map_err(CopyError::Source)?.is_some() {
        return Err(CopyError::UnfinishedSource);
    }
    let source = from.holding().await.map_err(CopyError::Source)?;
    let Some(mut mark) = begin(from, to, &source).await? else { return Ok(source) };
    let (before, total) = (mark.copied, mark.source.rows.values().sum());
    let mut told = |table: &'static Table, table_is_done, copied| {
        tell(Step { table: table.name, table_is_done, before, copied, total });
    };
    let begun = TABLES.iter().position(|table| table.name == mark.table).unwrap_or_default();
    for table in TABLES.iter().skip(begun) {
        if mark.table != table.name {
            (mark.table, mark.after) = (table.name.to_owned(), Vec::new());
        }
        copy_table((from, to), (table, most), &mut mark, &mut |copied| told(table, false, copied)).await?;
        told(table, true, mark.copied);
    }
    compare(from, to, &mark.source).await?;
    to.finish(now).await.map_err(CopyError::Target)?;
    Ok(mark.source)
}

/// The mark to go on from; none where all is copied: whoever was told of a failure at the very end asks again.
async fn begin(from: &mut dyn Place, to: &mut dyn Place, source: &Holding) -> Result<Option<Mark>, CopyError> {
    if let Some(mark) = to.mark().await.map_err(CopyError::Target)? {
        return if mark.source == *source { Ok(Some(mark)) } else { Err(CopyError::OtherSource) };
    }
    let key_id = from.key_id().await.map_err(CopyError::Source)?;
    let first = TABLES.first().map(|table| table.name.to_owned()).unwrap_or_default();
    let mark = Mark { source: source.clone(), table: first, after: Vec::new(), copied: 0 };
    match to.begin(key_id.as_deref(), &mark).await.map_err(CopyError::Target)? {
        Begun::Yes => Ok(Some(mark)),
        Begun::Holds(_) if to.holding().await.map_err(CopyError::Target)? == *source => Ok(None),
        Begun::Holds(table) => Err(CopyError::NotEmpty { table }),
        Begun::OtherKey => Err(CopyError::OtherKey),
    }
}

async fn copy_table(
    (from, to): (&mut dyn Place, &mut dyn Place),
    (table, most): (&'static Table, u32),
    mark: &mut Mark,
    tell: &mut (dyn FnMut(u64) + Send),
) -> Result<(), CopyError> {
    let mut batch = from.read(table, &mark.after, ROWS_FIRST.min(most)).await.map_err(CopyError::Source)?;
    while !batch.rows.is_empty() {
        let read = batch.rows.len();
        mark.after.clone_from(&batch.last);
        mark.copied += u64::try_from(read).unwrap_or(u64::MAX);
        let next = u32::try_from(read).unwrap_or(most).saturating_mul(2).min(most);
        // What comes next is read while this is written.
        let (written, following) = tokio::join!(to.write(&batch.rows, mark), from.read(table, &batch.last, next));
        written.map_err(CopyError::Target)?;
        tell(mark.copied);
        batch = following.map_err(CopyError::Source)?;
    }
    Ok(())
}

/// The source holds what it held at the beginning, and the target the same.
async fn compare(from: &mut dyn Place, to: &mut dyn Place, source: &Holding) -> Result<(), CopyError> {
    from.is_left_alone().await.map_err(CopyError::Source)?;
    let now = from.holding().await.map_err(CopyError::Source)?;
    if now != *source {
        return Err(CopyError::SourceChanged { changed: differences(source, &now) });
    }
    let target = to.holding().await.map_err(CopyError::Target)?;
    if target != *source {
        return Err(CopyError::NotWhole { missing: differences(source, &target) });
    }
    Ok(())
}

/// `events: 3 rows, then 4`
fn differences(expected: &Holding, found: &Holding) -> String {
    let other = |(table, rows): (&String, &u64)| {
        let found = found.rows.get(table).copied().unwrap_or_default();
        (found != *rows).then(|| format!("{table}: {rows} rows, then {found}"))
    };
    let different: Vec<String> = expected.rows.iter().filter_map(other).collect();
    if different.is_empty() { "the highest id is another one".to_owned() } else { different.join(", ") }
}
