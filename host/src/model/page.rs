//! One page of a list, newest first, stable under inserts: the cursor is the id of the last row seen.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The most rows that a filter without an index looks at before it answers with what it has.
pub const SCAN_MAX: u32 = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// 1 to 250.
    pub limit: u32,
    /// Rows with a lower id than this.
    pub before: Option<u64>,
}

impl PageRequest {
    pub const LIMIT_DEFAULT: u32 = 50;
    pub const LIMIT_MAX: u32 = 250;

    /// `None` when the limit is out of bounds.
    pub fn new(limit: Option<u32>, before: Option<u64>) -> Option<Self> {
        let limit = limit.unwrap_or(Self::LIMIT_DEFAULT);
        (1..=Self::LIMIT_MAX).contains(&limit).then_some(Self { limit, before })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<u64>,
    /// Set where the scan stopped at [`SCAN_MAX`] rows before the page was full: the next page goes on from here.
    pub scanned_to: Option<u64>,
}

impl<T> Page<T> {
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(each).collect(), next: self.next, scanned_to: self.scanned_to }
    }
}

/// The text that stands for a place in a list. Opaque: what it holds may change.
pub fn cursor(id: u64) -> String {
    URL_SAFE_NO_PAD.encode(id.to_be_bytes())
}

/// What [`cursor`] made; `None` for anything else.
pub fn place_of(cursor: &str) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}
