//! Long lists of values in a statement, so many at a time.

use sqlx::{Encode, QueryBuilder, Sqlite, Type};

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
