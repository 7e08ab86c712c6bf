//! A field of a change: absent, `null` or a value mean three different things (JSON Merge Patch, RFC 7396, one level deep).

use serde::{Deserialize, Deserializer};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Absent: it stays as it is.
    #[default]
    Keep,
    /// `null`: back to the default.
    Reset,
    Set(T),
}

impl<T> Patch<T> {
    /// Puts the change into effect.
    pub(super) fn apply(self, field: &mut T)
    where
        T: Default,
    {
        match self {
            Self::Keep => {}
            Self::Reset => *field = T::default(),
            Self::Set(value) => *field = value,
        }
    }

    pub(super) fn set(&self) -> Option<&T> {
        if let Self::Set(value) = self { Some(value) } else { None }
    }

    pub(super) fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// What it says when there is nothing to keep.
    pub(super) fn fresh(self) -> Option<T> {
        if let Self::Set(value) = self { Some(value) } else { None }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Reset, Self::Set))
    }
}
