//! The bytes of past versions: newest first, since each hangs on the one before it in this list.

use std::collections::VecDeque;
use std::sync::Arc;

use super::version::{VERSIONS_CEILING, read_version};
use crate::limits::DOCUMENT_BYTES_CEILING;
use crate::state::deadlines::{DEADLINES_MAX, PLACE_BYTES_MAX};
use crate::state::history::History;
use crate::state::packed::{Past, Places};
use crate::state::version::Version;
use crate::wire::{DecodeError, Reader, Writer};

/// A version's deadlines have the places of those of the next newer past version.
const SAME_PLACES: u8 = 0;
const OTHER_PLACES: u8 = 1;

/// All but the document of a packed version fits into this: its deadlines and its actor are the longest in it.
const FACTS_BYTES_MAX: usize = 64 * 1024;

pub(super) fn write_past(out: &mut Writer, past: &VecDeque<Past>) {
    out.len(past.len());
    let mut newer: Option<&Places> = None;
    for past in past.iter().rev() {
        let (places, packed) = past.parts();
        if newer == Some(&**places) {
            out.byte(SAME_PLACES);
        } else {
            out.byte(OTHER_PLACES);
            out.len(places.len());
            places.iter().for_each(|place| out.text(place));
        }
        out.len(packed.len());
        out.bytes.extend_from_slice(packed);
        newer = Some(places);
    }
}

/// The versions are unpacked, and so looked at, by `check_invariants`.
pub(super) fn read_past(input: &mut Reader) -> Result<VecDeque<Past>, DecodeError> {
    let mut past = VecDeque::new();
    let mut newer: Option<Arc<Places>> = None;
    for _ in 0..input.len(VERSIONS_CEILING)? {
        let kind = input.unexpected("0 for the deadlines' places of the newer version, 1 for others");
        let places = match (input.byte()?, newer) {
            (SAME_PLACES, Some(newer)) => newer,
            (OTHER_PLACES, newer) => {
                let places =
                    (0..input.len(DEADLINES_MAX)?).map(|_| input.text(PLACE_BYTES_MAX).map(Into::into));
                let places = Arc::new(places.collect::<Result<Places, DecodeError>>()?);
                // One encoding of a state: equal places must be encoded as equal.
                if newer.as_ref() == Some(&places) {
                    return Err(kind);
                }
                places
            }
            _ => return Err(kind),
        };
        let packed = input.slice(DOCUMENT_BYTES_CEILING.saturating_add(FACTS_BYTES_MAX))?;
        past.push_front(Past::of_parts(Arc::clone(&places), packed));
        newer = Some(places);
    }
    Ok(past)
}

/// The first format: whole versions, oldest first.
pub(super) fn read_whole(input: &mut Reader, head: &Version) -> Result<VecDeque<Past>, DecodeError> {
    let past = input.len(VERSIONS_CEILING)?;
    let past = (0..past).map(|_| read_version(input)).collect::<Result<Vec<Version>, DecodeError>>()?;
    let mut history = History::default();
    for (version, newer) in past.iter().zip(past.iter().skip(1).chain([head])) {
        history.push(history.pack(version, &newer.document.edits_since(&version.document)));
    }
    Ok(history.past)
}
