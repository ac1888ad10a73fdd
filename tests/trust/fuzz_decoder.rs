//! fuzz-decoder: the decoder of states and of effects, in this process, on millions of inputs that are nearly right.
//!
//! `restore-mutated` asks the same of a whole server; here no socket is in the way, and the effects are reached, which
//! a server takes from its primary and its AOF alone. The inputs come from a server that was talked to: its states by DUMP, and
//! the effects from its AOF, each with the state that it is for.

use std::collections::HashMap;

use fastrand::Rng;
use redis_state_core::codec::{decode_effects, decode_state, encode_effects, encode_state};
use redis_state_core::{Effect, State};
use support::{Client, Reply, Server};

use crate::crowd::keys;
use crate::mutate::{Frame, mutated, talk};
use crate::rounds::{Rounds, rounds};

const INPUTS: u64 = 50_000;

/// The first byte of what is written today; an earlier format is written anew as this one.
const FORMAT: u8 = 3;

#[test]
fn fuzz_decoder() {
    let seen = rounds("fuzz-decoder", Rounds { in_test: 40, in_soak: 800 }, |dice, figures| {
        let corpus = Corpus::talked(dice);
        for _ in 0..INPUTS {
            let (of_state, of_effects) = (corpus.state(dice), corpus.effects(dice));
            figures.add("states and effects", 2);
            figures.add("states taken", u64::from(of_state));
            figures.add("effects taken", u64::from(of_effects));
        }
    });
    if let Some(seen) = seen {
        for what in ["states taken", "effects taken"] {
            let (taken, all) = (seen.get(what), seen.get("states and effects") / 2);
            assert!(taken > all / 100 && taken < all * 3 / 4, "{taken} of {all} {what}");
        }
    }
}

/// What was told of a key, and what it was when that was told.
type Told = (Option<State>, Vec<u8>);

struct Corpus {
    states: Vec<Vec<u8>>,
    effects: Vec<Told>,
    /// The same effects, for those that are made of two.
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
        let (effects, left) = told(&aof);
        let states: Vec<Vec<u8>> = keys().map(|key| state_at(&mut client, &key)).collect();
        for (key, state) in keys().zip(&states) {
            assert_eq!(
                &encode_state(&left[key.as_bytes()]),
                state,
                "{key}: the AOF tells what the server holds"
            );
        }
        let bytes = effects.iter().map(|(_, effect)| effect.clone()).collect();
        Corpus { states, effects, bytes }
    }

    /// What is taken is a state, and encodes to the same bytes again. Whether it was taken.
    fn state(&self, dice: &mut Rng) -> bool {
        let bytes = mutated(dice, &self.states);
        let Ok(state) = decode_state(&bytes) else { return false };
        let again = encode_state(&state);
        assert!(again == bytes || bytes[0] != FORMAT, "{bytes:?}");
        is_whole(&state, &bytes);
        true
    }

    /// What is taken for a state and fits makes a state of it. Whether it did.
    fn effects(&self, dice: &mut Rng) -> bool {
        let (before, bytes) = dice.choice(&self.effects).expect("effects");
        let bytes = match dice.u8(..8) {
            // Those of one command behind those of another, and others for this state.
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

/// It is a state by the decoder's own measure: `check_invariants` has the last word there.
#[track_caller]
fn is_whole(state: &State, made_from: &[u8]) {
    let again = decode_state(&encode_state(state));
    assert_eq!(again.as_ref(), Ok(state), "{made_from:?}");
}

/// As STATE.EFFECT applies effects: all or none.
fn applied(before: Option<State>, effects: Vec<Effect>) -> Option<State> {
    Effect::admit(&effects, before.as_ref()).ok()?;
    let Some(mut state) = before else {
        let [Effect::Put(state)] = &effects[..] else { return None };
        return Some((**state).clone());
    };
    effects.into_iter().for_each(|effect| state.apply(effect));
    Some(state)
}

/// The effects in an AOF, each with the state that it is for, and the states that are left.
fn told(aof: &[u8]) -> (Vec<Told>, HashMap<Vec<u8>, State>) {
    let mut states: HashMap<Vec<u8>, State> = HashMap::new();
    let mut told = Vec::new();
    for words in commands(aof) {
        match &words[..] {
            [name, key, effect, ..] if name == b"STATE.EFFECT" => {
                let before = states.get(key).cloned();
                let effects = decode_effects(effect, before.as_ref()).expect("an effect of ours");
                if let Some(state) = applied(before.clone(), effects) {
                    states.insert(key.clone(), state);
                    told.push((before, effect.clone()));
                }
            }
            [name, key, ..] if name.eq_ignore_ascii_case(b"DEL") || name.eq_ignore_ascii_case(b"UNLINK") => {
                states.remove(key);
            }
            _ => {}
        }
    }
    (told, states)
}

/// The commands of an AOF: each is `*2`, and then its words as `$3` and so many bytes, with line breaks behind all.
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
