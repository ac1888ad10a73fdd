//! The encoding of effects, for replicas and the AOF.
//!
//! A commit is encoded as splices of the document before, with the digest of the result, or as the
//! whole document where that is shorter. Not as a JSON Patch (RFC 6902): it is longer, and needs
//! parsing and the rules of a patch.

use super::attempts::{read_attempt, write_attempt};
use super::idempotency;
use super::state::{LABELS_CEILING, read_key, read_state, write_key, write_state};
use super::version::{
    VERSIONS_CEILING, read_deadlines, read_document, read_event, read_facts, read_schema, write_deadlines,
    write_facts, write_schema,
};
use crate::limits::DOCUMENT_BYTES_CEILING;
use crate::state::attempts::{ATTEMPTS_CEILING, Attempted, Tally};
use crate::state::document::Document;
use crate::state::effect::{Commit, Effect, Relabel};
use crate::state::history::Dropped;
use crate::state::version::{Event, Version};
use crate::state::{State, splices};
use crate::wire::{DecodeError, Reader, Writer};

const EFFECT_PUT: u8 = b'P';
/// A commit with its whole document.
const EFFECT_COMMIT: u8 = b'C';
/// A commit whose document is encoded as splices of the one before.
const EFFECT_CHANGE: u8 = b'S';
/// Precedes one of these: the key for a state without one.
const EFFECT_KEY: u8 = b'K';
/// Precedes 'C' or 'S', behind 'K': the turn of the version.
const EFFECT_TURN: u8 = b'T';
const EFFECT_RELABEL: u8 = b'L';
const EFFECT_ATTEMPT: u8 = b'A';
const EFFECT_DEADLINES: u8 = b'D';
const EFFECT_REMEMBER: u8 = b'I';
/// Precedes 'I': the owner of the token.
const EFFECT_OWNER: u8 = b'O';
/// The most effects of one command on a key.
const EFFECTS_CEILING: usize = 6;
/// The usual length of the effects of a command: an initial capacity.
const EFFECTS_BYTES: usize = 512;

/// Encodes the effects of a command on a key, in order.
pub fn encode_effects(effects: &[Effect]) -> Vec<u8> {
    let mut out = Writer::with_capacity(EFFECTS_BYTES);
    effects.iter().for_each(|effect| write_effect(&mut out, effect));
    out.bytes
}

fn write_effect(out: &mut Writer, effect: &Effect) {
    match effect {
        Effect::Put(state) => {
            out.byte(EFFECT_PUT);
            write_state(out, state);
        }
        Effect::Commit(commit) => {
            if let Some(key) = commit.key {
                out.byte(EFFECT_KEY);
                write_key(out, key);
            }
            if let Some(turn) = &commit.version.turn {
                out.byte(EFFECT_TURN);
                out.text(turn);
            }
            write_committed(out, commit);
            write_schema(out, commit.schema.as_ref());
            out.optional_text(commit.label.as_deref());
            write_dropped(out, &commit.dropped);
        }
        Effect::Relabel(relabel) => {
            out.byte(EFFECT_RELABEL);
            out.text(&relabel.label);
            write_dropped(out, &relabel.dropped);
        }
        Effect::Attempt(attempted) => {
            out.byte(EFFECT_ATTEMPT);
            out.byte(match attempted.tally {
                Tally::Success => 1,
                Tally::Failure => 2,
                Tally::Clear => 3,
            });
            write_attempt(out, &attempted.attempt);
            out.len(attempted.history_max);
        }
        Effect::Deadlines(deadlines) => {
            out.byte(EFFECT_DEADLINES);
            write_deadlines(out, deadlines);
        }
        Effect::Remember(remembered) => {
            if let Some(owner) = &remembered.token.owner {
                out.byte(EFFECT_OWNER);
                out.text(owner);
            }
            out.byte(EFFECT_REMEMBER);
            idempotency::write_remembered(out, remembered);
        }
    }
}

/// Writes a new version: its splices, or the whole document where that is shorter.
fn write_committed(out: &mut Writer, commit: &Commit) {
    let version = &commit.version;
    let text = version.document.text();
    let mut splices = Writer::with_capacity(EFFECTS_BYTES);
    commit.edits.write_forth(&mut splices, text);
    if splices.bytes.len().saturating_add(size_of::<u64>()) < text.len() {
        out.byte(EFFECT_CHANGE);
        write_facts(out, version);
        out.len(splices.bytes.len());
        out.bytes.extend_from_slice(&splices.bytes);
        out.fixed(commit.digest);
        return;
    }
    out.byte(EFFECT_COMMIT);
    write_facts(out, version);
    out.text(text);
}

/// Decodes effects for a state. An error says where the bytes differ from what [`encode_effects`]
/// makes for that state.
pub fn decode_effects(bytes: &[u8], before: Option<&State>) -> Result<Vec<Effect>, DecodeError> {
    let mut input = Reader::new(bytes);
    let mut effects = Vec::new();
    while !input.at_end() {
        if effects.len() == EFFECTS_CEILING {
            return Err(input.unexpected("no more than 6 effects"));
        }
        effects.push(read_effect(&mut input, before)?);
    }
    Ok(effects)
}

/// Whether effects are a lapse without a command, by their first bytes.
pub fn is_lapse(bytes: &[u8]) -> bool {
    let mut input = Reader::new(bytes);
    let mut event = || {
        input.byte().ok().filter(|kind| matches!(*kind, EFFECT_COMMIT | EFFECT_CHANGE))?;
        let (_number, _parent, _at_ms) = (input.number().ok()?, input.number().ok()?, input.time().ok()?);
        read_event(&mut input).ok()
    };
    event() == Some(Event::Lapse)
}

fn read_effect(input: &mut Reader, before: Option<&State>) -> Result<Effect, DecodeError> {
    let missing = input.unexpected("an effect for an existing state");
    let unknown = input.unexpected("a kind of effect: P, C, S, K, T, L, A, D, I or O");
    Ok(match input.byte()? {
        EFFECT_PUT => Effect::Put(Box::new(read_state(input)?)),
        kind @ (EFFECT_KEY | EFFECT_TURN | EFFECT_COMMIT | EFFECT_CHANGE) => {
            read_commit(kind, input, before.ok_or(missing)?)?
        }
        EFFECT_RELABEL => Effect::Relabel(Relabel { label: input.name()?, dropped: read_dropped(input)? }),
        EFFECT_ATTEMPT => {
            let tally =
                input.expect("an outcome of an attempt, 1 to 3", |input| match input.byte().ok()? {
                    1 => Some(Tally::Success),
                    2 => Some(Tally::Failure),
                    3 => Some(Tally::Clear),
                    _ => None,
                })?;
            let attempt = read_attempt(input)?;
            let history_max = input.number_to(ATTEMPTS_CEILING, "how many attempts are kept")?;
            Effect::Attempt(Attempted { tally, attempt, history_max })
        }
        EFFECT_DEADLINES => Effect::Deadlines(read_deadlines(input)?),
        EFFECT_REMEMBER => Effect::Remember(idempotency::read_remembered(input, None)?),
        EFFECT_OWNER => {
            let owner = Some(input.name()?);
            input.expect("a token behind its owner", |input| {
                input.byte().ok().filter(|kind| *kind == EFFECT_REMEMBER)
            })?;
            Effect::Remember(idempotency::read_remembered(input, owner)?)
        }
        _ => return Err(unknown),
    })
}

/// Reads a new version with its whole document or with splices, and what precedes it. The digest
/// that follows the splices proves that the result is the primary's document, so splices never
/// apply to another one.
fn read_commit(mut kind: u8, input: &mut Reader, before: &State) -> Result<Effect, DecodeError> {
    let (mut keys, mut turn) = (before.etag_keys, None);
    if kind == EFFECT_KEY {
        if !keys.have_no_hash_key() {
            return Err(input.unexpected("a key only for a state without one"));
        }
        keys.key = Some(read_key(input)?);
        kind = input.byte()?;
    }
    if kind == EFFECT_TURN {
        turn = Some(input.name()?);
        kind = input.byte()?;
    }
    let unknown = input.unexpected("a new version after its key and its turn");
    let facts = match kind {
        EFFECT_COMMIT | EFFECT_CHANGE => Version { turn, ..read_facts(input)? },
        _ => return Err(unknown),
    };
    let (document, digest) = match kind {
        EFFECT_COMMIT => (read_document(input)?, None),
        _ => {
            let offset = input.offset();
            let text = splices::apply(before.head.document.text(), input.section(DOCUMENT_BYTES_CEILING)?)?;
            let expected = "splices that make a document in canonical text";
            let document = Document::from_stored(text.as_bytes()).ok_or(DecodeError { offset, expected })?;
            (document, Some((input.offset(), input.fixed()?)))
        }
    };
    let version = Version { document, ..facts };
    let (schema, label, dropped) = (read_schema(input)?, input.optional_name()?, read_dropped(input)?);
    let commit = Commit::on(before, version, keys, schema, label, dropped);
    if let Some((offset, digest)) = digest
        && digest != commit.digest
    {
        let expected = "the digest of the document that the splices make of the present one";
        return Err(DecodeError { offset, expected });
    }
    Ok(Effect::Commit(Box::new(commit)))
}

fn write_dropped(out: &mut Writer, dropped: &Dropped) {
    out.len(dropped.labels.len());
    dropped.labels.iter().for_each(|name| out.text(name));
    out.len(dropped.versions.len());
    dropped.versions.iter().for_each(|version| out.number(*version));
}

fn read_dropped(input: &mut Reader) -> Result<Dropped, DecodeError> {
    let labels = input.len(LABELS_CEILING)?;
    let labels = (0..labels).map(|_| input.name()).collect::<Result<_, DecodeError>>()?;
    let versions = input.len(VERSIONS_CEILING)?;
    Ok(Dropped {
        labels,
        versions: (0..versions).map(|_| input.number()).collect::<Result<_, DecodeError>>()?,
    })
}
