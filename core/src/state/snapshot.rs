//! A snapshot in storage: its facts packed into bytes, its document as splices of the next newer
//! version.
//!
//! Ten whole copies of a document of 2 KB take 20 KB, ten packed versions less than 2. A snapshot
//! that is packed whole unpacks by itself; any other needs the next newer version, so a chain is
//! walked from the newest. [`CHAIN_MAX`] bounds a chain, and with it the cost of a find and the
//! amplification by a hostile payload. Times are stored as distances from the version's own; most
//! versions of a state have the same deadline pointers, which are shared.

use std::sync::Arc;

use super::deadlines::{DEADLINES_MAX, Deadline, Deadlines};
use super::document::Document;
use super::splices;
use super::splices::Edits;
use super::version::Version;
use crate::state::version::Event;
use crate::wire::{Reader, Writer};

/// The longest chain of snapshots stored as splices; the next one is whole.
pub(crate) const CHAIN_MAX: usize = 32;

/// The usual length of the facts of a version and of the splices of a small change: initial
/// capacities.
const FACTS_BYTES: usize = 64;
const SPLICES_BYTES: usize = 256;

/// How the document is stored.
const WHOLE: u8 = 0;
const SPLICES: u8 = 1;
/// Added to these for a version of a turn.
const OF_A_TURN: u8 = 2;

/// Pointers of members with a deadline, sorted.
pub(crate) type Places = Box<[Box<str>]>;

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The members with the deadlines in the bytes.
    places: Arc<Places>,
    packed: Box<[u8]>,
}

/// The part that depends on no other version.
struct Facts<'p> {
    version: Version,
    kind: u8,
    content: &'p [u8],
}

impl Snapshot {
    /// Packs a version as splices of the next newer one, from which it differs by `edits`, or whole
    /// if that is shorter. Shares deadline pointers with `kin`.
    pub(crate) fn of(version: &Version, edits: &Edits, kin: Option<&Snapshot>) -> Snapshot {
        let mut splices = Writer::with_capacity(SPLICES_BYTES);
        edits.write_back(&mut splices, version.document.text());
        if splices.bytes.len() < version.document.text().len() {
            return Snapshot::pack(version, SPLICES, &splices.bytes, kin);
        }
        Snapshot::whole(version, kin)
    }

    /// Packs a version whole, so that it unpacks by itself.
    pub(crate) fn whole(version: &Version, kin: Option<&Snapshot>) -> Snapshot {
        Snapshot::pack(version, WHOLE, version.document.text().as_bytes(), kin)
    }

    fn pack(version: &Version, kind: u8, content: &[u8], kin: Option<&Snapshot>) -> Snapshot {
        let mut out = Writer::with_capacity(FACTS_BYTES.saturating_add(content.len()));
        out.byte(if version.turn.is_some() { kind | OF_A_TURN } else { kind });
        out.number(version.number);
        out.number(version.number.saturating_sub(version.parent));
        out.time(version.at_ms);
        out.byte(version.event.to_byte());
        out.byte(u8::from(version.has_secret));
        out.optional_text(version.actor.as_deref());
        if let Some(turn) = &version.turn {
            out.text(turn);
        }
        version.deadlines.iter().for_each(|deadline| out.distance(version.at_ms, deadline.at_ms));
        out.bytes.extend_from_slice(content);
        let places = || version.deadlines.iter().map(|deadline| &deadline.place);
        let shared = kin.map(|kin| &kin.places).filter(|kin| kin.iter().eq(places()));
        let places = shared.map_or_else(|| Arc::new(places().cloned().collect()), Arc::clone);
        Snapshot { places, packed: out.bytes.into() }
    }

    /// Takes bytes that are not trusted; [`Snapshot::unpack`] validates them.
    pub(crate) fn of_parts(places: Arc<Places>, packed: &[u8]) -> Snapshot {
        Snapshot { places, packed: packed.into() }
    }

    /// Its version number, 0 for a corrupt one.
    pub(crate) fn number(&self) -> u64 {
        let mut input = Reader::new(&self.packed);
        input.byte().and_then(|_kind| input.number()).unwrap_or(0)
    }

    /// Whether it unpacks without another version.
    pub(crate) fn is_whole(&self) -> bool {
        self.packed.first().is_some_and(|kind| kind & !OF_A_TURN == WHOLE)
    }

    /// The version, given the next newer one; `None` for corrupt bytes.
    pub(crate) fn unpack(&self, newer: &Version) -> Option<Version> {
        let Facts { mut version, kind, content } = self.facts()?;
        let text = match kind {
            WHOLE => std::str::from_utf8(content).ok()?.to_owned(),
            SPLICES => splices::apply(newer.document.text(), Reader::new(content)).ok()?,
            _ => return None,
        };
        version.document = Document::of_trusted(text)?;
        Some(version)
    }

    /// Everything but the document, which is `{}`.
    fn facts(&self) -> Option<Facts<'_>> {
        let mut input = Reader::new(&self.packed);
        let kind = input.byte().ok()?;
        let number = input.number().ok()?;
        let parent = number.checked_sub(input.number().ok()?)?;
        let at_ms = input.time().ok()?;
        let event = Event::from_byte(input.byte().ok()?)?;
        let has_secret = input.flag().ok()?;
        let actor = input.optional_name().ok()?;
        let turn = if kind & OF_A_TURN == 0 { None } else { Some(input.name().ok()?) };
        if self.places.len() > DEADLINES_MAX {
            return None;
        }
        let deadlines = self
            .places
            .iter()
            .map(|place| Some(Deadline { place: place.clone(), at_ms: input.distance(at_ms).ok()? }))
            .collect::<Option<Vec<_>>>()?;
        let version = Version {
            number,
            document: Document::empty(),
            deadlines: Deadlines::sorted(deadlines)?,
            parent,
            at_ms,
            event,
            has_secret,
            actor,
            turn,
        };
        Some(Facts { version, kind: kind & !OF_A_TURN, content: input.rest() })
    }

    /// The deadline pointers and the bytes, for the encoder.
    pub(crate) fn parts(&self) -> (&Arc<Places>, &[u8]) {
        (&self.places, &self.packed)
    }
}
