//! How the log's larger values are kept: an attempt's details as JSON, bodies as bytes, both with zstd where they exceed 1 KiB.
//!
//! Pure, and the same for every database. Callers of the store pack before they queue up for the writer, so that the one writer
//! only writes. Next: `writer`.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use zstd::bulk::Compressor;

use super::{Completion, StoreError};
use crate::model::attempt::{Attempt, Outcome, RESPONSE_BODY_MAX, Response, Sent, StageRun, Timings, Trigger};
use crate::model::delivery::FixedBody;
use crate::model::ids::DeliveryId;
use crate::model::request::{BODY_MAX, RequestDraft};
use crate::model::time::Timestamp;

/// Above this, a value is compressed.
const COMPRESS_FROM: usize = 1024;
/// zstd's fastest ordinary level: the log is written far more often than read.
const LEVEL: i32 = 1;
/// The most that any packed value unpacks to: a plugin's body, or an attempt with all its stages' logs.
const UNPACKED_MAX: usize = 4 * BODY_MAX;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;

/// A packed value that doesn't unpack: damaged, or written by another version.
#[derive(Debug, thiserror::Error)]
pub enum NotPacked {
    #[error("it has no known beginning, or is too large")]
    Form,
    #[error("zstd refuses it")]
    Zstd(#[source] io::Error),
    #[error("it isn't the JSON that was expected")]
    Json(#[source] serde_json::Error),
}

/// A completion whose rows are ready to be written.
#[derive(Clone, Debug)]
pub struct PackedCompletion {
    pub completion: Arc<Completion>,
    pub attempt: Option<PackedAttempt>,
    pub body: Option<PackedBody>,
}

#[derive(Clone, Debug)]
pub struct PackedAttempt {
    pub outcome: u8,
    pub micros: u64,
    pub detail: Bytes,
    pub response: Option<Bytes>,
}

/// A body that a plugin made.
#[derive(Clone, Debug)]
pub struct PackedBody {
    pub draft: Option<Arc<str>>,
    pub body: Bytes,
}

/// What an attempt's row holds beside its details.
#[derive(Clone, Copy, Debug)]
pub struct AttemptKey {
    pub delivery: DeliveryId,
    pub number: u32,
    pub trigger: Trigger,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub next_at: Option<Timestamp>,
}

impl PackedCompletion {
    pub fn new(completion: Arc<Completion>) -> Result<Self, StoreError> {
        let attempt = completion.attempt.as_ref().map(pack_attempt).transpose()?;
        let made = completion.fixed.as_ref().map(|fixed| pack_body(&fixed.body)).transpose()?;
        Ok(Self { attempt, body: made.flatten(), completion })
    }

    /// About how many bytes it adds to a transaction.
    pub fn weight(&self) -> usize {
        let attempt = self.attempt.as_ref();
        let logged = attempt.map_or(0, |row| row.detail.len() + row.response.as_ref().map_or(0, Bytes::len));
        logged + self.body.as_ref().map_or(0, |made| made.body.len())
    }
}

#[derive(Serialize)]
struct DetailRef<'a> {
    outcome: &'a Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<&'a Sent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a Response>,
    timings: &'a Timings,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stages: &'a [StageRun],
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<&'a str>,
}

#[derive(Deserialize)]
struct Detail {
    outcome: Outcome,
    #[serde(default)]
    sent: Option<Sent>,
    #[serde(default)]
    response: Option<Response>,
    timings: Timings,
    #[serde(default)]
    stages: Vec<StageRun>,
    #[serde(default)]
    retry: Option<String>,
}

pub fn pack_attempt(attempt: &Attempt) -> Result<PackedAttempt, StoreError> {
    let detail = DetailRef {
        outcome: &attempt.outcome,
        sent: attempt.sent.as_ref(),
        response: attempt.response.as_ref(),
        timings: &attempt.timings,
        stages: &attempt.stages,
        retry: attempt.retry_reason.as_deref(),
    };
    // Packed in its place: most details are short, and need no second copy.
    let mut packed = Vec::with_capacity(COMPRESS_FROM / 2);
    packed.push(PLAIN);
    serde_json::to_writer(&mut packed, &detail).map_err(|error| damaged("attempt", NotPacked::Json(error)))?;
    if packed.len() > COMPRESS_FROM {
        packed = pack(packed.get(1..).unwrap_or_default());
    }
    let kept = |response: &Response| {
        let end = response.body.len().min(RESPONSE_BODY_MAX);
        (end > 0).then(|| pack(response.body.get(..end).unwrap_or_default()))
    };
    let took = attempt.timings.total.unwrap_or_else(|| attempt.ended_at.since(attempt.started_at));
    Ok(PackedAttempt {
        outcome: attempt.outcome.number(),
        micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        detail: packed.into(),
        response: attempt.response.as_ref().and_then(kept).map(Bytes::from),
    })
}

pub fn unpack_attempt(key: AttemptKey, detail: &[u8], response: Option<&[u8]>) -> Result<Attempt, NotPacked> {
    let detail: Detail = serde_json::from_slice(&unpack(detail)?).map_err(NotPacked::Json)?;
    let body = response.map(unpack).transpose()?.unwrap_or_default();
    Ok(Attempt {
        delivery: key.delivery,
        number: key.number,
        trigger: key.trigger,
        started_at: key.started_at,
        ended_at: key.ended_at,
        outcome: detail.outcome,
        sent: detail.sent,
        response: detail.response.map(|response| Response { body, ..response }),
        timings: detail.timings,
        stages: detail.stages,
        retry_reason: detail.retry,
        next_at: key.next_at,
    })
}

/// `None` for a body that is rebuilt from its event.
fn pack_body(body: &FixedBody) -> Result<Option<PackedBody>, StoreError> {
    match body {
        FixedBody::Rebuilt => Ok(None),
        FixedBody::Replaced(data) => Ok(Some(PackedBody { draft: None, body: pack(data).into() })),
        FixedBody::Drafted(draft) => {
            let json = serde_json::to_string(&**draft).map_err(|error| damaged("body", NotPacked::Json(error)))?;
            Ok(Some(PackedBody { draft: Some(json.into()), body: pack(&draft.body).into() }))
        }
    }
}

pub fn unpack_body(draft: Option<&str>, body: &[u8]) -> Result<FixedBody, NotPacked> {
    let body = unpack(body)?;
    let Some(draft) = draft else { return Ok(FixedBody::Replaced(body)) };
    let draft: RequestDraft = serde_json::from_str(draft).map_err(NotPacked::Json)?;
    Ok(FixedBody::Drafted(RequestDraft { body, ..draft }.into()))
}

/// One byte that says how, the length where it is compressed, then the value.
pub fn pack(plain: &[u8]) -> Vec<u8> {
    if plain.len() > COMPRESS_FROM
        && let Ok(compressed) = compressed(plain)
        && compressed.len() + 4 < plain.len()
        && let Ok(length) = u32::try_from(plain.len())
    {
        return [&[ZSTD], length.to_le_bytes().as_slice(), &compressed].concat();
    }
    [&[PLAIN], plain].concat()
}

thread_local! {
    /// Made once: a compressor's tables cost more to set up than a few KiB to compress.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

fn compressed(plain: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(LEVEL)?),
        };
        compressor.compress(plain)
    })
}

pub fn unpack(packed: &[u8]) -> Result<Bytes, NotPacked> {
    match packed.split_first() {
        Some((&PLAIN, plain)) => Ok(Bytes::copy_from_slice(plain)),
        Some((&ZSTD, rest)) => {
            let (length, compressed) = rest.split_first_chunk::<4>().ok_or(NotPacked::Form)?;
            let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| NotPacked::Form)?;
            if length > UNPACKED_MAX {
                return Err(NotPacked::Form);
            }
            zstd::bulk::decompress(compressed, length).map(Bytes::from).map_err(NotPacked::Zstd)
        }
        _ => Err(NotPacked::Form),
    }
}

pub(super) fn damaged(what: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Damaged { what, source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_repeats_itself_is_kept_small_and_what_lies_about_its_size_is_refused() {
        let long = vec![b'a'; 100_000];
        let packed = pack(&long);
        assert!(packed.len() < 1000, "{}", packed.len());
        let mut lying = packed.clone();
        lying[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(unpack(&lying), Err(NotPacked::Form)));
        assert!(unpack(&[]).is_err());
        assert!(unpack(&[9, 9]).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_packed_unpacks_to_itself(seed in prop::collection::vec(any::<u8>(), 0..600), times in 1usize..6) {
            let plain = seed.repeat(times);
            prop_assert_eq!(unpack(&pack(&plain)).unwrap(), plain);
        }
    }
}
