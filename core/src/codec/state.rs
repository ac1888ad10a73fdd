//! The encoding of a state.

use super::version::{read_document, read_facts, read_schema, write_facts, write_schema};
use super::{attempts, history, idempotency};
use crate::state::State;
use crate::state::etag_keys::{EtagKeys, Key};
use crate::state::history::History;
use crate::state::last_entry::LastEntry;
use crate::state::version::{Label, Version};
use crate::wire::{DecodeError, Reader, Writer};
use std::num::NonZeroU64;

/// The present format: the first byte of an encoded state.
const STATE_FORMAT: u8 = 4;
/// Format without turns and owners; only read.
const STATE_FORMAT_TURNLESS: u8 = 3;
/// Format without a key for etags; only read.
const STATE_FORMAT_KEYLESS: u8 = 2;
/// Format with whole snapshots, oldest first; only read.
const STATE_FORMAT_WHOLE: u8 = 1;

/// Above the upper end of `state.labels`.
pub(super) const LABELS_CEILING: usize = 64;

/// Encodes a state.
pub fn encode_state(state: &State) -> Vec<u8> {
    let mut out = Writer::default();
    write_state(&mut out, state);
    out.bytes
}

/// Decodes a state, or says where the bytes differ from what [`encode_state`] makes.
pub fn decode_state(bytes: &[u8]) -> Result<State, DecodeError> {
    let mut input = Reader::new(bytes);
    let state = read_state(&mut input)?;
    input.finish()?;
    Ok(state)
}

pub(super) fn write_state(out: &mut Writer, state: &State) {
    out.byte(STATE_FORMAT);
    out.fixed(state.etag_keys.seed);
    out.byte(u8::from(!state.etag_keys.have_no_hash_key()));
    if let Some(key) = state.etag_keys.key {
        write_key(out, key);
    }
    out.time(state.initialized_at_ms);
    write_schema(out, state.schema.as_ref());
    write_facts(out, &state.head);
    out.optional_text(state.head.turn.as_deref());
    out.text(state.head.document.text());
    history::write_snapshots(out, &state.history.snapshots);
    out.len(state.history.labels.len());
    for label in &state.history.labels {
        out.text(&label.name);
        out.number(label.version);
    }
    attempts::write_attempts(out, &state.attempts);
    idempotency::write_tokens(out, &state.tokens);
    write_last_entry(out, state.last_entry);
}

pub(super) fn read_state(input: &mut Reader) -> Result<State, DecodeError> {
    let offset = input.offset();
    let format = input.expect("a format of states, 1 to 4", |input| {
        let known = [STATE_FORMAT, STATE_FORMAT_TURNLESS, STATE_FORMAT_KEYLESS, STATE_FORMAT_WHOLE];
        input.byte().ok().filter(|format| known.contains(format))
    })?;
    let mut keys = EtagKeys { seed: input.fixed()?, key: None };
    if format >= STATE_FORMAT_TURNLESS && input.flag()? {
        keys.key = Some(read_key(input)?);
    }
    let initialized_at_ms = input.time()?;
    let schema = read_schema(input)?;
    let facts = read_facts(input)?;
    let turn = if format == STATE_FORMAT { input.optional_name()? } else { None };
    let head = Version { turn, document: read_document(input)?, ..facts };
    let mut state = State::new(keys, initialized_at_ms, schema, head);
    let snapshots = match format {
        STATE_FORMAT_WHOLE => history::read_whole_versions(input, &state.head)?,
        _ => history::read_snapshots(input)?,
    };
    let labels = input.len(LABELS_CEILING)?;
    let labels = (0..labels).map(|_| Ok(Label { name: input.name()?, version: input.number()? }));
    let labels = labels.collect::<Result<_, DecodeError>>()?;
    state.forget_passed();
    state.history = History { snapshots, labels };
    state.attempts = attempts::read_attempts(input)?;
    state.tokens = idempotency::read_tokens(input, format == STATE_FORMAT)?;
    state.last_entry = read_last_entry(input)?;
    state.check_invariants().map_err(|expected| DecodeError { offset, expected })?;
    Ok(state)
}

pub(super) fn write_key(out: &mut Writer, key: Key) {
    out.fixed(key.first.get());
    out.fixed(key.second);
}

pub(super) fn read_key(input: &mut Reader) -> Result<Key, DecodeError> {
    let first =
        input.expect("the first half of a key, not 0", |input| NonZeroU64::new(input.fixed().ok()?))?;
    Ok(Key { first, second: input.fixed()? })
}

pub(super) fn write_last_entry(out: &mut Writer, last: Option<LastEntry>) {
    out.byte(u8::from(last.is_some()));
    if let Some(last) = last {
        out.number(last.id_ms);
        out.number(last.id_seq);
        out.time(last.expires_at_ms);
    }
}

pub(super) fn read_last_entry(input: &mut Reader) -> Result<Option<LastEntry>, DecodeError> {
    if !input.flag()? {
        return Ok(None);
    }
    let (id, offset) = ((input.number()?, input.number()?), input.offset());
    let expected = "a time up to the end of the year 9999";
    LastEntry::new(id, input.time()?).map(Some).ok_or(DecodeError { offset, expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::effects::{decode_effects, encode_effects};
    use crate::state::attempts::{Attempt, Attempted, Attempts, Counter, Tally};
    use crate::state::deadlines::{Deadline, Deadlines};
    use crate::state::document::Document;
    use crate::state::effect::{Commit, Effect, Relabel};
    use crate::state::history::Dropped;
    use crate::state::idempotency::{Made, Remembered, Token, Tokens};
    use crate::state::snapshot::Snapshot;
    use crate::state::splices::Edits;
    use crate::state::version::{Event, SchemaRef};
    use redis_state_types::Etag;

    const KEYS: fn() -> EtagKeys = || EtagKeys::from_random([0x5eed, 1, 2]);

    fn document(text: &str) -> Document {
        Document::from_stored(text.as_bytes()).expect(text)
    }

    fn version(number: u64, text: &str) -> Version {
        let actor = number.is_multiple_of(2).then(|| "amount_input".into());
        Version {
            number,
            parent: number - 1,
            at_ms: 1_741_058_499_570,
            event: Event::Update,
            actor,
            turn: number.is_multiple_of(4).then(|| "wamid.HBgM".into()),
            has_secret: number.is_multiple_of(3),
            deadlines: deadlines(number),
            document: document(text),
        }
    }

    fn deadlines(number: u64) -> Deadlines {
        let deadline = |place: &str, at_ms| Deadline { place: place.into(), at_ms };
        let all = [deadline("/current", 1_741_058_799_570), deadline("/auth/token", 1_741_058_499_600)];
        Deadlines::new(all.into_iter().take(number as usize % 3).collect())
    }

    fn state() -> State {
        let schema = Some(SchemaRef {
            name: "vimbiso.channel".into(),
            revision: 3,
            digest: 0x1f0c,
            has_secrets: true,
        });
        let mut state =
            State::new(KEYS(), 1_741_058_499_000, schema, version(4, r#"{"current":{"path":"offer"}}"#));
        let (first, third) = (version(1, "{}"), version(3, r#"{"current":{"path":"menu"},"amount":1.10}"#));
        let third_packed = Snapshot::of(&third, &state.head.document.edits_since(&third.document), None);
        let first_packed =
            Snapshot::of(&first, &third.document.edits_since(&first.document), Some(&third_packed));
        assert!(first_packed.is_whole() && !third_packed.is_whole());
        state.history.snapshots = [first_packed, third_packed].into();
        state.history.labels =
            vec![Label { name: "menu".into(), version: 1 }, Label { name: "offer".into(), version: 4 }];
        state.attempts = Attempts {
            counters: vec![Counter { operation: "confirm".into(), attempts: 7, failures: 2 }],
            history: [attempt(None), attempt(Some("INVALID 1 violation: /amount: too much"))].into(),
        };
        state.last_entry = LastEntry::new((1_741_058_499_570, 3), 1_741_144_899_570);
        let made = [Made::Etag(Etag { version: 4, digest: 0x1f0c }), Made::Attempts(7)];
        state.tokens = Tokens { kept: made.map(token).into() };
        state
    }

    fn token(made: Made) -> Token {
        let owner = matches!(made, Made::Etag(_)).then(|| "delivery 2".into());
        Token { name: format!("wamid.{made}").into(), digest: 0x7f3a, made, owner }
    }

    fn attempt(error: Option<&str>) -> Attempt {
        Attempt {
            operation: "confirm".into(),
            component: error.map(|_| "ConfirmOffer".into()),
            at_ms: 1_741_058_499_570,
            success: error.is_none(),
            error: error.map(Into::into),
        }
    }

    fn effects() -> Vec<Effect> {
        let dropped = Dropped { labels: vec!["menu".into()], versions: vec![1] };
        let (before, version) = (state(), version(5, "{}"));
        let commit = Commit::on(&before, version, before.etag_keys, None, Some("x".into()), dropped.clone());
        vec![
            Effect::Put(Box::new(state())),
            Effect::Commit(Box::new(commit)),
            Effect::Relabel(Relabel { label: "confirm".into(), dropped }),
            Effect::Attempt(Attempted {
                tally: Tally::Failure,
                attempt: attempt(Some("x")),
                history_max: 100,
            }),
            Effect::Deadlines(deadlines(2)),
            Effect::Remember(Remembered { token: token(Made::Attempts(8)), kept_max: 64 }),
        ]
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        assert_eq!(decode_state(&encode_state(&state())), Ok(state()));
        let before = state();
        assert_eq!(decode_effects(&encode_effects(&effects()), Some(&before)), Ok(effects()));
        for effect in effects() {
            assert_eq!(
                decode_effects(&encode_effects(std::slice::from_ref(&effect)), Some(&before)),
                Ok(vec![effect])
            );
        }
    }

    /// A document of some length, and the commit that changes one number in it.
    fn before_and_change() -> (State, Effect) {
        let note = "School fees for term 2. ".repeat(20);
        let text = |amount: &str| format!(r#"{{"note":"{note}","amount":{amount},"handle":"tariro"}}"#);
        let before = State::new(KEYS(), 1_741_058_499_000, None, version(4, &text("12.50")));
        let version = version(5, &text("7"));
        let commit = Commit::on(&before, version, before.etag_keys, None, None, Dropped::default());
        (before, Effect::Commit(Box::new(commit)))
    }

    #[test]
    fn a_change_is_told_by_what_has_changed() {
        let (before, change) = before_and_change();
        let change = std::slice::from_ref(&change);
        let bytes = encode_effects(change);
        assert!(bytes.len() < 80, "{}", bytes.len());
        assert_eq!(decode_effects(&bytes, Some(&before)).as_deref(), Ok(change));
        for len in 1..bytes.len() {
            assert_eq!(decode_effects(&bytes[..len], Some(&before)).ok(), None, "{len} bytes");
        }
    }

    #[test]
    fn a_change_of_another_document_is_rejected() {
        let (before, change) = before_and_change();
        let bytes = encode_effects(&[change]);
        let mut other = before.clone();
        other.head.document = document(&before.head.document.text().replace("term 2", "term 3"));
        let mut reborn = before.clone();
        reborn.etag_keys = EtagKeys::from_random([0x5eed, 1, 3]);
        for state in [None, Some(&other), Some(&reborn)] {
            assert_eq!(decode_effects(&bytes, state).ok(), None);
        }
    }

    /// A state by a release without keys keeps its etag, and gets a key with its next version.
    #[test]
    fn state_without_a_key_gets_one_with_its_next_version() {
        let (mut before, _) = before_and_change();
        before.etag_keys.key = None;
        before.digest = before.head.etag(before.etag_keys).digest;
        let read = decode_state(&encode_state(&before)).expect("a state without a key");
        assert_eq!((read.etag(), read.etag_keys), (before.etag(), before.etag_keys));
        for text in [before.head.document.text().replace("12.50", "7"), "{}".to_owned()] {
            let keys = before.etag_keys.or_key_of(KEYS());
            let commit = Commit::on(&before, version(5, &text), keys, None, None, Dropped::default());
            let effect = [Effect::Commit(Box::new(commit))];
            let bytes = encode_effects(&effect);
            assert_eq!(decode_effects(&bytes, Some(&before)).as_deref(), Ok(&effect[..]), "{text}");
            let mut after = before.clone();
            effect.into_iter().for_each(|effect| after.apply(effect));
            assert_eq!((after.etag_keys, after.digest), (keys, keys.digest(5, &text)));
            // A key is valid only for a state without one, and in front of a version.
            assert_eq!(decode_effects(&bytes, Some(&after)).ok(), None);
            assert_eq!(decode_effects(&bytes[..17], Some(&before)).ok(), None);
        }
    }

    #[test]
    fn truncated_and_padded_bytes_are_rejected() {
        let bytes = encode_state(&state());
        for len in 0..bytes.len() {
            assert_eq!(decode_state(&bytes[..len]).ok(), None, "{len} bytes");
        }
        assert_eq!(decode_state(&[&bytes[..], &[0]].concat()).ok(), None);
    }

    #[test]
    fn broken_invariants_are_rejected() {
        let mut rising = state();
        rising.history.snapshots.swap(0, 1);
        let mut ancestor = state();
        ancestor.head.parent = 4;
        let mut label = state();
        label.history.labels[0].version = 2;
        let mut twice = state();
        twice.history.labels[0].name = "offer".into();
        let mut time = state();
        time.head.at_ms = i64::MAX;
        let mut counted = state();
        counted.attempts.counters.push(counted.attempts.counters[0].clone());
        let mut beyond = state();
        beyond.attempts.counters[0].attempts = u64::MAX - 1;
        let mut more_failures = state();
        more_failures.attempts.counters[0].failures = 8;
        let mut no_member = state();
        no_member.head.deadlines = Deadlines::new(vec![Deadline { place: "".into(), at_ms: 1 }]);
        let mut entry = state();
        entry.last_entry = entry.last_entry.map(|last| LastEntry { expires_at_ms: i64::MAX, ..last });
        let mut remembered = state();
        remembered.tokens.kept.push_back(token(Made::Attempts(7)));
        let mut made = state();
        made.tokens.kept.push_back(token(Made::Etag(Etag { version: 0, digest: 1 })));
        let mut replayed = state();
        replayed.tokens.kept[1].made = Made::Attempts(u64::MAX - 1);
        let versions = [rising, ancestor, label, twice, time, no_member, entry];
        let counts = [counted, beyond, more_failures, remembered, made, replayed];
        for broken in versions.into_iter().chain(counts) {
            assert_eq!(decode_state(&encode_state(&broken)).ok(), None, "{broken:?}");
        }
    }

    /// A state as dumped by a release that stored snapshots whole.
    #[test]
    fn a_state_of_the_first_format_is_read() {
        let hex: String = include_str!("golden/state_1.hex").split_whitespace().collect();
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("text"));
        let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect();
        let state = decode_state(&bytes).expect("the first format");
        let texts: Vec<String> = state.versions().map(|version| version.document.text().to_owned()).collect();
        let amount_and = |rest: &str| format!(r#"{{"handle":"Zoë \"z\" 🙂","amount":{rest}}}"#);
        assert_eq!(
            texts,
            [
                amount_and(r#"2.50,"steps":[1,2,3],"auth":{"token":"t-1"}"#),
                amount_and(r#"2.50,"steps":[1,2,3,12345678901234567890],"auth":{"token":"t-1"}"#),
                amount_and(r#"2.50,"steps":[1,2,3],"auth":{"token":"t-1"}"#),
                amount_and(r#"1.10,"steps":[1,2,3],"auth":{"token":"t-1"},"form":{"page":1}"#),
                amount_and(r#"1.10,"steps":[1,2,3]"#),
            ]
        );
        assert_eq!(state.etag().to_string(), "5-8fe9a93578891d79");
        let second = state.find(2).expect("kept");
        assert_eq!(
            (second.actor.as_deref(), second.deadlines.of("/form")),
            (Some("login"), Some(1_795_273_887_493))
        );
        assert_eq!((state.kept().as_str(), state.history.labelled("offer")), ("1..5", Some(3)));
        // The present format is shorter.
        let again = encode_state(&state);
        assert!(again.len() < bytes.len());
        assert_eq!(decode_state(&again), Ok(state));
        for len in 0..bytes.len() {
            assert_eq!(decode_state(&bytes[..len]).ok(), None, "{len} bytes");
        }
    }

    #[test]
    fn error_says_where_a_payload_is_corrupt() {
        let bytes = encode_state(&state());
        let error_at = |at: usize, byte: u8| {
            let mut corrupt = bytes.clone();
            corrupt[at] = byte;
            decode_state(&corrupt).expect_err("a corrupt payload")
        };
        let expected = "a format of states, 1 to 4";
        assert_eq!(error_at(0, 9), DecodeError { offset: 0, expected });
        // The flag of the key follows the format and the seed.
        assert_eq!(error_at(9, 7), DecodeError { offset: 9, expected: "a flag, 0 or 1" });
        let document = bytes.windows(10).position(|part| part == br#"{"current""#).expect("a document");
        let expected = "a JSON object in canonical text";
        // The length in front of a document is part of it.
        assert_eq!(error_at(document, b'['), DecodeError { offset: document - 1, expected });
        let error = decode_state(&[&bytes[..], &[0]].concat()).expect_err("one byte too many");
        assert_eq!(error, DecodeError { offset: bytes.len(), expected: "the end of the payload" });
        for len in 0..bytes.len() {
            let error = decode_state(&bytes[..len]).expect_err("a truncated payload");
            assert!(error.offset <= len, "{error} of {len} bytes");
        }
    }

    /// A small payload must not expand into a large state: the chain of one version is bounded.
    #[test]
    fn a_chain_that_is_too_long_is_rejected() {
        let chained = |snapshot: u64| {
            let head = version(snapshot + 1, &format!(r#"{{"note":"{}"}}"#, "x".repeat(100)));
            let mut state = State::new(KEYS(), 1_741_058_499_000, None, head.clone());
            let packed = |number: u64| {
                Snapshot::of(&Version { number, parent: 0, ..head.clone() }, &Edits::default(), None)
            };
            state.history.snapshots = (1..=snapshot).map(packed).collect();
            decode_state(&encode_state(&state)).map(|state| state.history.len()).ok()
        };
        assert_eq!(
            chained(crate::state::snapshot::CHAIN_MAX as u64),
            Some(crate::state::snapshot::CHAIN_MAX)
        );
        assert_eq!(chained(crate::state::snapshot::CHAIN_MAX as u64 + 1), None);
    }

    proptest::proptest! {
        /// Every accepted payload is a state that encodes to the same bytes.
        #[test]
        fn mutated_bytes_never_panic(flips in proptest::collection::vec((0..400_usize, 0..=255_u8), 1..4)) {
            let mut bytes = encode_state(&state());
            for (at, byte) in flips {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            if let Ok(decoded) = decode_state(&bytes) {
                proptest::prop_assert_eq!(encode_state(&decoded), bytes);
                proptest::prop_assert_eq!(decoded.versions().count(), decoded.history.len() + 1);
            }
        }
    }
}
