//! `svix`: the data as the body, signed as Standard Webhooks under Svix's names,
//! <https://docs.svix.com/receiving/verifying-payloads/how-manual>.

use super::names::{self, header};
use super::standard::Signed;
use super::{FormatError, Signing, Wrapped, Wrapping};
use crate::model::request::Header;

pub(super) fn wrap(wrapping: Wrapping<'_>) -> Wrapped {
    wrapping.bare()
}

pub(super) fn sign(signing: Signing<'_>) -> Result<Vec<Header>, FormatError> {
    let signed = Signed::new(signing)?;
    Ok(vec![
        header(&names::SVIX_ID, signed.id),
        header(&names::SVIX_TIMESTAMP, signed.timestamp),
        header(&names::SVIX_SIGNATURE, signed.signatures),
    ])
}
