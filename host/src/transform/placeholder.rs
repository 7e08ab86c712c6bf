//! Finds the placeholders of secret settings (`wxs_` and 32 hex digits) in what goes into a stage and in what comes out.
//!
//! Whoever could plant one of another webhook would get its secret sent somewhere; so one that isn't the stage's own is a
//! fault. `vault` makes them, `format` fills them; neither is known here.

use crate::model::placeholder::found;

/// Whether `text` holds a placeholder that is not among `own`.
pub(super) fn holds_foreign(text: &[u8], own: &[String]) -> bool {
    found(text).any(|placeholder| !own.iter().any(|mine| mine.as_bytes() == placeholder))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINE: &str = "wxs_0123456789abcdef0123456789abcdef";
    const OTHER: &str = "wxs_ffffffffffffffffffffffffffffffff";

    #[test]
    fn only_a_whole_placeholder_that_is_not_ones_own_is_foreign() {
        let own = vec![MINE.to_owned()];
        assert!(!holds_foreign(b"wxs_ is a prefix, wxs_012 too short", &own));
        assert!(!holds_foreign(format!("Bearer {MINE}").as_bytes(), &own));
        assert!(holds_foreign(format!("Bearer {MINE}").as_bytes(), &[]));
        assert!(holds_foreign(format!("{MINE}{OTHER}").as_bytes(), &own));
    }

    proptest! {
        #[test]
        fn a_foreign_one_is_found_wherever_it_stands(
            before in proptest::collection::vec(any::<u8>(), 0..80),
            after in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let text = [before.as_slice(), OTHER.as_bytes(), after.as_slice()].concat();
            prop_assert!(holds_foreign(&text, &[MINE.to_owned()]));
        }
    }
}
