//! fuzz-decoder: the decoders of states and of effects, in this process, on millions of nearly
//! valid inputs.
//!
//! `restore-mutated` does the same with a whole server. Here no socket is in the way, and effects
//! are covered too, which a server accepts only from its primary and its AOF. The inputs come from
//! a used server: its states by DUMP, and the effects from its AOF, each with the state that it
//! applies to.

use std::collections::HashMap;

use fastrand::Rng;
use redis_state_core::codec::{decode_effects, decode_state, encode_effects, encode_state};
use redis_state_core::{Effect, State};
use support::{Client, Reply, Server};

use crate::crowd::keys;
use crate::mutate::{Frame, mutated, talk};
use crate::rounds::{Rounds, rounds};

const INPUTS: u64 = 50_000;

/// The first byte of the present format; an earlier format is encoded again as this one.
const FORMAT: u8 = 3;

#[test]
fn fuzz_decoder() {
    let seen = rounds("fuzz-decoder", Rounds { in_test: 40, in_soak: 800 }, |dice, figures| {
        let corpus = Corpus::talked(dice);
        for _ in 0..INPUTS {
            let (of_state, of_effects) = (corpus.state(dice), corpus.effects(dice));
            figures.add("states and effects", 2);
            figures.add("states accepted", u64::from(of_state));
            figures.add("effects accepted", u64::from(of_effects));
        }
    });
    if let Some(seen) = seen {
        for what in ["states accepted", "effects accepted"] {
            let (taken, all) = (seen.get(what), seen.get("states and effects") / 2);
            assert!(taken > all / 100 && taken < all * 3 / 4, "{taken} of {all} {what}");
        }
    }
}

/// The state of a key, if any, with the effects that were applied to it.
type Recorded = (Option<State>, Vec<u8>);

struct Corpus {
    states: Vec<Vec<u8>>,
    effects: Vec<Recorded>,
    /// The same effects, for inputs made of two.
    bytes: Vec<Vec<u8>>,
}

impl Corpus {
    fn talked(dice: &mut Rng) -> Corpus {
        let server = Server::builder().without_schemas().arg("--appendonly").arg("yes");
        let server = server.arg("--appendfsync").arg("no").arg("--rdbcompression").arg("no").start();
        let mut client = server.client();
        talk(dice, &mut client);
        let aof =
            std::fs::read(server.dir().join("appendonlydir/appendonly.aof.1.incr.aof")).expect("the AOF");
        let (effects, left) = recorded(&aof);
        let states: Vec<Vec<u8>> = keys().map(|key| state_at(&mut client, &key)).collect();
        for (key, state) in keys().zip(&states) {
            assert_eq!(
                &encode_state(&left[key.as_bytes()]),
                state,
                "{key}: the AOF restores the server's state"
            );
        }
        let bytes = effects.iter().map(|(_, effect)| effect.clone()).collect();
        Corpus { states, effects, bytes }
    }

    /// Accepted bytes are a state, and encode to the same bytes again. Returns whether they were
    /// accepted.
    fn state(&self, dice: &mut Rng) -> bool {
        let bytes = mutated(dice, &self.states);
        let Ok(state) = decode_state(&bytes) else { return false };
        let again = encode_state(&state);
        assert!(again == bytes || bytes[0] != FORMAT, "{bytes:?}");
        is_whole(&state, &bytes);
        true
    }

    /// Accepted effects that apply to the state make a valid state. Returns whether they did.
    fn effects(&self, dice: &mut Rng) -> bool {
        let (before, bytes) = dice.choice(&self.effects).expect("effects");
        let bytes = match dice.u8(..8) {
            // The effects of one command after those of another, or effects of another state.
            0 => [&bytes[..], &mutated(dice, &self.bytes)].concat(),
            1 => mutated(dice, &self.bytes),
            _ => mutated(dice, std::slice::from_ref(bytes)),
        };
        let Ok(effects) = decode_effects(&bytes, before.as_ref()) else { return false };
        let again = encode_effects(&effects);
        assert_eq!(decode_effects(&again, before.as_ref()).as_ref(), Ok(&effects), "{bytes:?}");
        let Some(state) = applied(before.clone(), effects) else { return false };
        is_whole(&state, &bytes);
        true
    }
}

/// It is a state by the decoder's own invariants (`check_invariants`).
#[track_caller]
fn is_whole(state: &State, made_from: &[u8]) {
    let again = decode_state(&encode_state(state));
    assert_eq!(again.as_ref(), Ok(state), "{made_from:?}");
}

/// Applies effects as STATE.EFFECT does: all or none.
fn applied(before: Option<State>, effects: Vec<Effect>) -> Option<State> {
    Effect::admit(&effects, before.as_ref()).ok()?;
    let Some(mut state) = before else {
        let [Effect::Put(state)] = &effects[..] else { return None };
        return Some((**state).clone());
    };
    effects.into_iter().for_each(|effect| state.apply(effect));
    Some(state)
}

/// The effects in an AOF, each with the state that it applies to, and the final states.
fn recorded(aof: &[u8]) -> (Vec<Recorded>, HashMap<Vec<u8>, State>) {
    let mut states: HashMap<Vec<u8>, State> = HashMap::new();
    let mut recorded = Vec::new();
    for words in commands(aof) {
        match &words[..] {
            [name, key, effect, ..] if name == b"STATE.EFFECT" => {
                let before = states.get(key).cloned();
                let effects = decode_effects(effect, before.as_ref()).expect("a valid effect");
                if let Some(state) = applied(before.clone(), effects) {
                    states.insert(key.clone(), state);
                    recorded.push((before, effect.clone()));
                }
            }
            [name, key, ..] if name.eq_ignore_ascii_case(b"DEL") || name.eq_ignore_ascii_case(b"UNLINK") => {
                states.remove(key);
            }
            _ => {}
        }
    }
    (recorded, states)
}

/// The commands of an AOF: each is `*2`, then for each word `$3` and its bytes, with line breaks.
fn commands(aof: &[u8]) -> impl Iterator<Item = Vec<Vec<u8>>> {
    let mut rest = aof;
    let number = move |rest: &mut &[u8]| {
        let end = rest.iter().position(|byte| *byte == b'\r')?;
        let (line, after) = rest.split_at(end);
        *rest = &after[2..];
        std::str::from_utf8(&line[1..]).expect("digits").parse::<usize>().ok()
    };
    std::iter::from_fn(move || {
        let words = number(&mut rest)?;
        let word = |_| {
            let len = number(&mut rest).expect("a length");
            let (word, after) = rest.split_at(len);
            rest = &after[2..];
            word.to_vec()
        };
        Some((0..words).map(word).collect())
    })
}

fn state_at(client: &mut Client, key: &str) -> Vec<u8> {
    let Reply::Bulk(dump) = client.ok(&["DUMP", key]) else { panic!("DUMP answers bytes") };
    Frame::taken_from(&dump).1
}
