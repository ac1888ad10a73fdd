//! The encoding of one version, its deadlines and its schema.

use crate::limits::DOCUMENT_BYTES_CEILING;
use crate::state::deadlines::{DEADLINES_MAX, Deadline, Deadlines, PLACE_BYTES_MAX};
use crate::state::document::Document;
use crate::state::version::{Event, SchemaRef, Version};
use crate::wire::{DecodeError, Reader, Writer};

/// Above the upper ends of `state.snapshots` and `state.labels` together.
pub(super) const VERSIONS_CEILING: usize = 2048;

/// Writes a version without its turn and its document.
pub(super) fn write_facts(out: &mut Writer, version: &Version) {
    out.number(version.number);
    out.number(version.parent);
    out.time(version.at_ms);
    out.byte(version.event.to_byte());
    out.optional_text(version.actor.as_deref());
    out.byte(u8::from(version.has_secret));
    write_deadlines(out, &version.deadlines);
}

pub(super) fn read_version(input: &mut Reader) -> Result<Version, DecodeError> {
    let version = read_facts(input)?;
    let document = read_document(input)?;
    Ok(Version { document, ..version })
}

/// Reads a version up to its document.
pub(super) fn read_facts(input: &mut Reader) -> Result<Version, DecodeError> {
    Ok(Version {
        number: input.number()?,
        parent: input.number()?,
        at_ms: input.time()?,
        event: read_event(input)?,
        actor: input.optional_name()?,
        turn: None,
        has_secret: input.flag()?,
        deadlines: read_deadlines(input)?,
        document: Document::empty(),
    })
}

pub(super) fn read_event(input: &mut Reader) -> Result<Event, DecodeError> {
    input.expect("an event, 1 to 6", |input| Event::from_byte(input.byte().ok()?))
}

/// Reads the canonical text of a document.
pub(super) fn read_document(input: &mut Reader) -> Result<Document, DecodeError> {
    input.expect("a JSON object in canonical text", |input| {
        Document::from_stored(input.slice(DOCUMENT_BYTES_CEILING).ok()?)
    })
}

pub(super) fn write_deadlines(out: &mut Writer, deadlines: &Deadlines) {
    out.len(deadlines.iter().len());
    for deadline in deadlines.iter() {
        out.text(&deadline.place);
        out.time(deadline.at_ms);
    }
}

pub(super) fn read_deadlines(input: &mut Reader) -> Result<Deadlines, DecodeError> {
    let offset = input.offset();
    let deadlines = (0..input.len(DEADLINES_MAX)?)
        .map(|_| Ok(Deadline { place: input.text(PLACE_BYTES_MAX)?.into(), at_ms: input.time()? }));
    let deadlines = deadlines.collect::<Result<_, DecodeError>>()?;
    Deadlines::sorted(deadlines).ok_or(DecodeError { offset, expected: "deadlines sorted by place" })
}

pub(super) fn write_schema(out: &mut Writer, schema: Option<&SchemaRef>) {
    out.optional_text(schema.map(|schema| &*schema.name));
    if let Some(schema) = schema {
        out.number(schema.revision);
        out.fixed(schema.digest);
        out.byte(u8::from(schema.has_secrets));
    }
}

pub(super) fn read_schema(input: &mut Reader) -> Result<Option<SchemaRef>, DecodeError> {
    match input.optional_name()? {
        None => Ok(None),
        Some(name) => {
            let (revision, digest, has_secrets) = (input.number()?, input.fixed()?, input.flag()?);
            Ok(Some(SchemaRef { name, revision, digest, has_secrets }))
        }
    }
}
