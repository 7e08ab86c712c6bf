//! Writing many rows with few statements: a statement costs about as much as fourteen rows, so rows go 64, 16, 4 and 1 at a time.
//! Only four SQL texts exist for each table, so each is prepared once.

use sqlx::sqlite::{Sqlite, SqliteArguments};
use sqlx::{Arguments, AssertSqlSafe, Encode, QueryBuilder, SqlSafeStr, SqlStr, SqliteConnection, Type};

use crate::store::{Result, StoreError};

const SIZES: [usize; 4] = [64, 16, 4, 1];

/// A statement over as many rows as it is given: `head` (?, ?, …), (?, ?, …) `tail`.
pub(super) struct ManyRows {
    texts: [(usize, SqlStr); 4],
}

impl ManyRows {
    /// `head` and `tail` are constants of this program: no value ever stands in an SQL text.
    pub(super) fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        let row = format!("({})", vec!["?"; columns].join(","));
        let text = |rows: usize| AssertSqlSafe(format!("{head} {} {tail}", vec![row.as_str(); rows].join(",")));
        Self { texts: SIZES.map(|rows| (rows, text(rows).into_sql_str())) }
    }

    /// Runs it over `rows`, each of which adds its values in the order of the columns.
    pub(super) async fn run<T: Sync>(
        &self,
        connection: &mut SqliteConnection,
        rows: &[T],
        each: impl Fn(&mut Values, &T) + Send + Sync,
    ) -> Result<()> {
        for (text, chunk) in self.chunks(rows) {
            let values = Values::of(chunk, &each)?;
            sqlx::query_with::<Sqlite, _>(text, values).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// As [`ManyRows::run`], for a statement that returns rows.
    pub(super) async fn fetch<T: Sync>(
        &self,
        connection: &mut SqliteConnection,
        rows: &[T],
        each: impl Fn(&mut Values, &T) + Send + Sync,
    ) -> Result<Vec<sqlx::sqlite::SqliteRow>> {
        let mut found = Vec::with_capacity(rows.len());
        for (text, chunk) in self.chunks(rows) {
            let values = Values::of(chunk, &each)?;
            found.extend(sqlx::query_with::<Sqlite, _>(text, values).fetch_all(&mut *connection).await?);
        }
        Ok(found)
    }

    fn chunks<'a, T>(&'a self, rows: &'a [T]) -> impl Iterator<Item = (SqlStr, &'a [T])> {
        let mut rest = rows;
        std::iter::from_fn(move || {
            let (size, text) = self.texts.iter().find(|(size, _)| *size <= rest.len())?;
            let (chunk, others) = rest.split_at_checked(*size)?;
            rest = others;
            Some((text.clone(), chunk))
        })
    }
}

/// The most values that one `IN (…)` holds.
pub(super) const LIST_MAX: usize = 256;

/// The values and the closing parenthesis of an `IN (…)`.
pub(super) fn push_list<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(
    query: &mut QueryBuilder<Sqlite>,
    values: impl IntoIterator<Item = T>,
) {
    let mut list = query.separated(",");
    for value in values {
        list.push_bind(value);
    }
    query.push(")");
}

/// The values of a statement, in the order of its placeholders.
pub(super) struct Values {
    arguments: SqliteArguments,
    failed: Option<sqlx::error::BoxDynError>,
}

impl Values {
    fn of<T>(rows: &[T], each: &(impl Fn(&mut Self, &T) + Send + Sync)) -> Result<SqliteArguments> {
        let mut values = Self { arguments: SqliteArguments::default(), failed: None };
        rows.iter().for_each(|row| each(&mut values, row));
        match values.failed {
            None => Ok(values.arguments),
            Some(error) => Err(StoreError::Unavailable(error)),
        }
    }

    pub(super) fn add<'t>(&mut self, value: impl Encode<'t, Sqlite> + Type<Sqlite>) -> &mut Self {
        if let Err(error) = self.arguments.add(value) {
            self.failed = Some(error);
        }
        self
    }
}
