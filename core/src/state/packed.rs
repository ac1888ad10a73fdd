//! A past version as it is kept: its facts packed into bytes, its document as splices of the next newer one.
//!
//! Ten whole copies of a document of 2 KB take 20 KB, ten versions packed like this less than 2. A version that is packed whole
//! needs no other; every other one is unpacked with the newer one at hand, so a chain of them is walked from the newest. No
//! chain is longer than [`CHAIN_MAX`], which bounds what a find costs, and what bytes of others can make us do: so many times
//! the work of reading them at most. Times are kept as their distance from the version's own, and the places of deadlines, the
//! same for most versions of a state, are shared.

use std::sync::Arc;

use super::deadlines::{DEADLINES_MAX, Deadline, Deadlines};
use super::document::Document;
use super::splices;
use super::splices::Edits;
use super::version::Version;
use crate::state::version::Event;
use crate::wire::{Reader, Writer};

/// So many versions in a row are kept as splices; then comes one that is whole.
pub(crate) const CHAIN_MAX: usize = 32;

/// About as long as the facts of a version and the splices of a small change are: they grow if they must.
const FACTS_BYTES: usize = 64;
const SPLICES_BYTES: usize = 256;

/// How the document is kept.
const WHOLE: u8 = 0;
const SPLICES: u8 = 1;

/// Pointers of members with a deadline, sorted.
pub(crate) type Places = Box<[Box<str>]>;

/// A past version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Which members have the deadlines that are in the bytes.
    places: Arc<Places>,
    packed: Box<[u8]>,
}

/// What does not depend on another version.
struct Facts<'p> {
    version: Version,
    kind: u8,
    content: &'p [u8],
}

impl Past {
    /// Packs a version as splices of the next newer one, from which it differs by `edits`, if they are shorter than it is. Places
    /// are shared with `kin`.
    pub(crate) fn of(version: &Version, edits: &Edits, kin: Option<&Past>) -> Past {
        let mut splices = Writer::with_capacity(SPLICES_BYTES);
        edits.write_back(&mut splices, version.document.text());
        if splices.bytes.len() < version.document.text().len() {
            return Past::pack(version, SPLICES, &splices.bytes, kin);
        }
        Past::whole(version, kin)
    }

    /// Packs a version so that no other one is needed to unpack it.
    pub(crate) fn whole(version: &Version, kin: Option<&Past>) -> Past {
        Past::pack(version, WHOLE, version.document.text().as_bytes(), kin)
    }

    fn pack(version: &Version, kind: u8, content: &[u8], kin: Option<&Past>) -> Past {
        let mut out = Writer::with_capacity(FACTS_BYTES.saturating_add(content.len()));
        out.byte(kind);
        out.number(version.number);
        out.number(version.number.saturating_sub(version.parent));
        out.time(version.at_ms);
        out.byte(version.event.to_byte());
        out.byte(u8::from(version.has_secret));
        out.optional_text(version.actor.as_deref());
        version.deadlines.iter().for_each(|deadline| out.distance(version.at_ms, deadline.at_ms));
        out.bytes.extend_from_slice(content);
        let places = || version.deadlines.iter().map(|deadline| &deadline.place);
        let shared = kin.map(|kin| &kin.places).filter(|kin| kin.iter().eq(places()));
        let places = shared.map_or_else(|| Arc::new(places().cloned().collect()), Arc::clone);
        Past { places, packed: out.bytes.into() }
    }

    /// Takes over bytes of others; [`Past::unpack`] has the last word on them.
    pub(crate) fn of_parts(places: Arc<Places>, packed: &[u8]) -> Past {
        Past { places, packed: packed.into() }
    }

    /// Its number, 0 where that can't be read.
    pub(crate) fn number(&self) -> u64 {
        let mut input = Reader::new(&self.packed);
        input.byte().and_then(|_kind| input.number()).unwrap_or(0)
    }

    /// Whether no other version is needed to unpack it.
    pub(crate) fn is_whole(&self) -> bool {
        self.packed.first() == Some(&WHOLE)
    }

    /// The version, given the next newer one; `None` for bytes that no version was packed into.
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

    /// All but the document, which is `{}`.
    fn facts(&self) -> Option<Facts<'_>> {
        let mut input = Reader::new(&self.packed);
        let kind = input.byte().ok()?;
        let number = input.number().ok()?;
        let parent = number.checked_sub(input.number().ok()?)?;
        let at_ms = input.time().ok()?;
        let event = Event::from_byte(input.byte().ok()?)?;
        let has_secret = input.flag().ok()?;
        let actor = input.optional_name().ok()?;
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
        };
        Some(Facts { version, kind, content: input.rest() })
    }

    /// The places and the bytes, to be written.
    pub(crate) fn parts(&self) -> (&Arc<Places>, &[u8]) {
        (&self.places, &self.packed)
    }
}
