//! The bytes of past versions: newest first, since each hangs on the one before it in this list.

use std::collections::VecDeque;
use std::sync::Arc;

use super::version::{VERSIONS_CEILING, read_version};
use crate::limits::DOCUMENT_BYTES_CEILING;
use crate::state::deadlines::{DEADLINES_MAX, PLACE_BYTES_MAX};
use crate::state::history::History;
use crate::state::packed::{Past, Places};
use crate::state::version::Version;
use crate::wire::{Reader, Writer};

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
pub(super) fn read_past(input: &mut Reader) -> Option<VecDeque<Past>> {
    let mut past = VecDeque::new();
    let mut newer: Option<Arc<Places>> = None;
    for _ in 0..input.len(VERSIONS_CEILING)? {
        let places = match (input.byte()?, newer) {
            (SAME_PLACES, Some(newer)) => newer,
            (OTHER_PLACES, newer) => {
                let places = (0..input.len(DEADLINES_MAX)?).map(|_| {
                    let place = std::str::from_utf8(input.slice(PLACE_BYTES_MAX)?).ok()?;
                    Some(place.into())
                });
                let places = Arc::new(places.collect::<Option<Places>>()?);
                // One encoding of a state: what is the same says so.
                Some(places).filter(|places| newer.as_ref() != Some(places))?
            }
            _ => return None,
        };
        let packed = input.slice(DOCUMENT_BYTES_CEILING.saturating_add(FACTS_BYTES_MAX))?;
        past.push_front(Past::of_parts(Arc::clone(&places), packed));
        newer = Some(places);
    }
    Some(past)
}

/// The first format: whole versions, oldest first.
pub(super) fn read_whole(input: &mut Reader, head: &Version) -> Option<VecDeque<Past>> {
    let past = input.len(VERSIONS_CEILING)?;
    let past = (0..past).map(|_| read_version(input)).collect::<Option<Vec<Version>>>()?;
    let mut history = History::default();
    for (version, newer) in past.iter().zip(past.iter().skip(1).chain([head])) {
        history.push(history.pack(version, &newer.document.edits_since(&version.document)));
    }
    Some(history.past)
}
