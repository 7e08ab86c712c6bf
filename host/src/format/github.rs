//! `github`: the data as the body, with GitHub's headers,
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers>.
//!
//! `X-GitHub-Delivery` is the *event*: GitHub gives one GUID to an event and repeats it for every webhook and redelivery (its
//! REST description of a hook delivery's `guid` says so). Receivers may parse it as a GUID, so the event id is written as one.

use super::key;
use super::names::{self, header};
use super::{FormatError, Signing, Wrapped, Wrapping};
use crate::model::ids::EventId;
use crate::model::request::Header;

pub(super) fn wrap(wrapping: Wrapping<'_>) -> Wrapped {
    wrapping.bare()
}

pub(super) fn sign(signing: Signing<'_>) -> Result<Vec<Header>, FormatError> {
    let secret = signing.newest_secret()?;
    let mut signature = String::with_capacity("sha256=".len() + 64);
    signature.push_str("sha256=");
    key::push_hex(&mut signature, &key::hmac_body(secret.as_bytes(), "", signing.body));
    Ok(vec![
        header(&names::X_GITHUB_EVENT, signing.event.event_type.as_str()),
        header(&names::X_GITHUB_DELIVERY, guid(signing.event.id)),
        header(&names::X_HUB_SIGNATURE_256, signature),
    ])
}

/// A UUID of version 8 (RFC 9562, 5.8): the id's 64 bits, in order, in the places that the version leaves free; the rest is zero.
pub(super) fn guid(event: EventId) -> String {
    let id = event.number();
    let (high, middle, low) = (id >> 16, (id >> 4) & 0xfff, id & 0xf);
    format!("{:08x}-{:04x}-8{middle:03x}-{:04x}-000000000000", high >> 16, high & 0xffff, 0x8000 | (low << 10))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_guid_is_a_uuid_of_version_8_and_holds_the_whole_id(number in 0..=u64::from(u32::MAX) << 31) {
            let text = guid(EventId::from(number));
            let hex: String = text.split('-').collect();
            let uuid = u128::from_str_radix(&hex, 16).unwrap();
            prop_assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
            prop_assert_eq!((uuid >> 76) & 0xf, 8, "version");
            prop_assert_eq!((uuid >> 62) & 3, 2, "variant");
            let back = ((uuid >> 80) << 16) | (((uuid >> 64) & 0xfff) << 4) | ((uuid >> 58) & 0xf);
            prop_assert_eq!(back, u128::from(number));
        }
    }
}
