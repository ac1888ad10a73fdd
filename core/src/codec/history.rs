//! The encoding of snapshots: newest first, since each unpacks from the one before it in this list.

use std::collections::VecDeque;
use std::sync::Arc;

use super::version::{VERSIONS_CEILING, read_version};
use crate::limits::DOCUMENT_BYTES_CEILING;
use crate::state::deadlines::{DEADLINES_MAX, PLACE_BYTES_MAX};
use crate::state::history::History;
use crate::state::snapshot::{Places, Snapshot};
use crate::state::version::Version;
use crate::wire::{DecodeError, Reader, Writer};

/// The deadline pointers equal those of the next newer snapshot.
const SAME_PLACES: u8 = 0;
const OTHER_PLACES: u8 = 1;

/// The longest facts of a packed version: its deadlines and its actor take most of it.
const FACTS_BYTES_MAX: usize = 64 * 1024;

pub(super) fn write_snapshots(out: &mut Writer, snapshot: &VecDeque<Snapshot>) {
    out.len(snapshot.len());
    let mut newer: Option<&Places> = None;
    for snapshot in snapshot.iter().rev() {
        let (places, packed) = snapshot.parts();
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

/// `check_invariants` unpacks, and so validates, each snapshot.
pub(super) fn read_snapshots(input: &mut Reader) -> Result<VecDeque<Snapshot>, DecodeError> {
    let mut snapshot = VecDeque::new();
    let mut newer: Option<Arc<Places>> = None;
    for _ in 0..input.len(VERSIONS_CEILING)? {
        let kind = input.unexpected("0 for the deadlines' places of the newer version, 1 for others");
        let places = match (input.byte()?, newer) {
            (SAME_PLACES, Some(newer)) => newer,
            (OTHER_PLACES, newer) => {
                let places =
                    (0..input.len(DEADLINES_MAX)?).map(|_| input.text(PLACE_BYTES_MAX).map(Into::into));
                let places = Arc::new(places.collect::<Result<Places, DecodeError>>()?);
                // Each state has one encoding: equal pointers must be encoded as equal.
                if newer.as_ref() == Some(&places) {
                    return Err(kind);
                }
                places
            }
            _ => return Err(kind),
        };
        let packed = input.slice(DOCUMENT_BYTES_CEILING.saturating_add(FACTS_BYTES_MAX))?;
        snapshot.push_front(Snapshot::of_parts(Arc::clone(&places), packed));
        newer = Some(places);
    }
    Ok(snapshot)
}

/// Format 1: whole versions, oldest first.
pub(super) fn read_whole_versions(
    input: &mut Reader,
    head: &Version,
) -> Result<VecDeque<Snapshot>, DecodeError> {
    let snapshot = input.len(VERSIONS_CEILING)?;
    let snapshot =
        (0..snapshot).map(|_| read_version(input)).collect::<Result<Vec<Version>, DecodeError>>()?;
    let mut history = History::default();
    for (version, newer) in snapshot.iter().zip(snapshot.iter().skip(1).chain([head])) {
        history.push(history.pack(version, &newer.document.edits_since(&version.document)));
    }
    Ok(history.snapshots)
}
