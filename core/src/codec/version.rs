//! The bytes of one version, its deadlines and its schema.

use crate::limits::DOCUMENT_BYTES_CEILING;
use crate::state::deadlines::{DEADLINES_MAX, Deadline, Deadlines, PLACE_BYTES_MAX};
use crate::state::document::Document;
use crate::state::version::{Event, SchemaRef, Version};
use crate::wire::{Reader, Writer};

/// More past versions than `state.snapshots` and `state.labels` can ask for together.
pub(super) const VERSIONS_CEILING: usize = 2048;

pub(super) fn write_version(out: &mut Writer, version: &Version) {
    write_facts(out, version);
    out.text(version.document.text());
}

/// All of a version but its document.
pub(super) fn write_facts(out: &mut Writer, version: &Version) {
    out.number(version.number);
    out.number(version.parent);
    out.time(version.at_ms);
    out.byte(version.event.to_byte());
    out.optional_text(version.actor.as_deref());
    out.byte(u8::from(version.has_secret));
    write_deadlines(out, &version.deadlines);
}

pub(super) fn read_version(input: &mut Reader) -> Option<Version> {
    let version = read_facts(input)?;
    let document = Document::from_stored(input.slice(DOCUMENT_BYTES_CEILING)?)?;
    Some(Version { document, ..version })
}

/// A version whose document is still to come.
pub(super) fn read_facts(input: &mut Reader) -> Option<Version> {
    Some(Version {
        number: input.number()?,
        parent: input.number()?,
        at_ms: input.time()?,
        event: Event::from_byte(input.byte()?)?,
        actor: input.optional_name()?,
        has_secret: input.flag()?,
        deadlines: read_deadlines(input)?,
        document: Document::empty(),
    })
}

pub(super) fn write_deadlines(out: &mut Writer, deadlines: &Deadlines) {
    out.len(deadlines.iter().len());
    for deadline in deadlines.iter() {
        out.text(&deadline.place);
        out.time(deadline.at_ms);
    }
}

pub(super) fn read_deadlines(input: &mut Reader) -> Option<Deadlines> {
    let deadlines = (0..input.len(DEADLINES_MAX)?).map(|_| {
        let place = std::str::from_utf8(input.slice(PLACE_BYTES_MAX)?).ok()?;
        Some(Deadline { place: place.into(), at_ms: input.time()? })
    });
    Deadlines::sorted(deadlines.collect::<Option<_>>()?)
}

pub(super) fn write_schema(out: &mut Writer, schema: Option<&SchemaRef>) {
    out.optional_text(schema.map(|schema| &*schema.name));
    if let Some(schema) = schema {
        out.number(schema.revision);
        out.fixed(schema.digest);
        out.byte(u8::from(schema.has_secrets));
    }
}

pub(super) fn read_schema(input: &mut Reader) -> Option<Option<SchemaRef>> {
    match input.optional_name()? {
        None => Some(None),
        Some(name) => {
            let (revision, digest, has_secrets) = (input.number()?, input.fixed()?, input.flag()?);
            Some(Some(SchemaRef { name, revision, digest, has_secrets }))
        }
    }
}
