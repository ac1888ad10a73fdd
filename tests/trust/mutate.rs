//! Bytes that are nearly right: those of true states with a few bits, bytes, lengths or stretches that are not.
//!
//! Random bytes were rejected: the first length in them refuses nearly all, and nothing behind it is ever read. Where a mutation
//! changes a length, what stands around it is made to fit again, so that it is the module's decoder that has to notice.

use fastrand::Rng;
use serde_json::json;
use support::{Client, Reply, sealed};

use crate::crowd::{Person, keys, prepare};

/// How much is said before states are taken.
const COMMANDS: std::ops::Range<usize> = 60..200;

/// No deadline comes in a round, but for those that are mutated.
const TOKEN_S: f64 = 31_536_000.0;

/// A stretch that is cut, put in, repeated or exchanged is mostly this long, in bytes.
const STRETCH_BYTES: usize = 24;

/// A state of the first format, whose past versions are whole.
const FORMAT_1: &[u8] = include_bytes!("golden/dump_1.hex");

/// The first byte of what is written today.
const FORMAT: u8 = 3;

/// Makes true states of everything: versions, labels, attempts, tokens, deadlines and secrets.
pub fn talk(dice: &mut Rng, client: &mut Client) {
    prepare(client, TOKEN_S);
    let mut person = Person::new("person", dice, false);
    for _ in 0..dice.usize(COMMANDS) {
        assert!(person.talk(client), "the server answers");
    }
    for key in keys() {
        let channel = json!({"type": "whatsapp", "identifier": key.trim_start_matches("channel:")});
        let change = json!({"channel": channel, "auth": {"token": "jwt"}}).to_string();
        client.ok(&["STATE.SETPROTECTED", &key, "*", &change, "LABEL", "menu"]);
        client.ok(&["STATE.TOUCH", &key, "PERSIST"]);
    }
}

/// What Redis writes around the only string of a state's DUMP.
pub struct Frame {
    /// The kind of value, the module's id, and that a string follows.
    head: Vec<u8>,
    /// That nothing more follows, and the version of the file format.
    tail: Vec<u8>,
}

/// Where the string of a DUMP begins.
const STRING_AT: usize = 11;
/// What ends a DUMP: a byte of the value, two of version and eight of checksum.
const END_BYTES: usize = 11;

impl Frame {
    /// Takes a DUMP apart that is not compressed: what is around the state, and the state.
    pub fn taken_from(dump: &[u8]) -> (Frame, Vec<u8>) {
        let (head, rest) = dump.split_at(STRING_AT);
        let (string, end) = rest.split_at(rest.len() - END_BYTES);
        let len_bytes = match string[0] >> 6 {
            0 => 1,
            1 => 2,
            2 => 5,
            _ => panic!("a DUMP with rdbcompression no"),
        };
        (Frame { head: head.to_vec(), tail: end[..3].to_vec() }, string[len_bytes..].to_vec())
    }

    /// What stands between the kind of value and the version, in any DUMP: Redis itself reads the first byte, which says whose
    /// decoder is asked, and the version.
    pub fn value_of(&self, dump: &[u8]) -> Vec<u8> {
        dump[1..dump.len() - END_BYTES + 1].to_vec()
    }

    /// A payload with these bytes between its first byte and its version.
    pub fn sealed(&self, value: &[u8]) -> Vec<u8> {
        sealed(&[&self.head[..1], value, &self.tail[1..]].concat())
    }

    /// A payload with these bytes as its state.
    pub fn around(&self, state: &[u8]) -> Vec<u8> {
        let len = state.len();
        let len = match len {
            0..64 => vec![len as u8],
            64..16_384 => vec![0x40 | (len >> 8) as u8, len as u8],
            _ => [&[0x80][..], &(len as u32).to_be_bytes()].concat(),
        };
        sealed(&[&self.head[..], &len, state, &self.tail].concat())
    }
}

/// One of the pool, mutated up to three times.
pub fn mutated(dice: &mut Rng, pool: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = dice.choice(pool).expect("a pool").clone();
    for _ in 0..dice.usize(1..=3) {
        mutate(dice, &mut bytes, pool);
    }
    bytes
}

fn mutate(dice: &mut Rng, bytes: &mut Vec<u8>, pool: &[Vec<u8>]) {
    if bytes.is_empty() {
        bytes.push(dice.u8(..));
    }
    let at = dice.usize(..bytes.len());
    let stretch = stretch(dice, bytes.len());
    match dice.u8(..11) {
        0 => bytes[at] ^= 1 << dice.u8(..8),
        1 => bytes[at] = dice.u8(..),
        2 => bytes[at] = bytes[at].wrapping_add(if dice.bool() { 1 } else { 255 }),
        3 => bytes[at] = dice.choice([0, 1, 2, 0x7f, 0x80, 0xff]).expect("some"),
        4 => drop(bytes.drain(stretch)),
        5 => drop(bytes.splice(at..at, (0..dice.usize(1..STRETCH_BYTES)).map(|_| dice.u8(..)))),
        6 => {
            let again = bytes[stretch].to_vec();
            drop(bytes.splice(at..at, again));
        }
        7 => {
            // Two stretches change places.
            let taken: Vec<u8> = bytes.drain(stretch).collect();
            let to = dice.usize(..=bytes.len());
            drop(bytes.splice(to..to, taken));
        }
        8 => drop(bytes.splice(at..=at, grown(dice, bytes[at]))),
        9 => bytes[stretch].fill(0xff),
        // Two states, the end of one behind the beginning of the other: at places that are alike, or at any.
        _ => {
            let other = dice.choice(pool).expect("a pool");
            let from = if dice.bool() { at.min(other.len()) } else { dice.usize(..=other.len()) };
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}

/// A number longer than needed, or far larger.
fn grown(dice: &mut Rng, byte: u8) -> Vec<u8> {
    let longer = dice.usize(1..10);
    let last = if dice.bool() { 0 } else { dice.u8(1..0x80) };
    let between = std::iter::repeat_n(if dice.bool() { 0x80 } else { 0xff }, longer - 1);
    [byte | 0x80].into_iter().chain(between).chain([last]).collect()
}

fn stretch(dice: &mut Rng, len: usize) -> std::ops::Range<usize> {
    let from = dice.usize(..len);
    let longest = if dice.u8(..8) == 0 { len } else { STRETCH_BYTES };
    from..(from + dice.usize(1..=longest)).min(len)
}

pub struct Payload {
    pub bytes: Vec<u8>,
    /// Whether it is as the module itself writes states, so that it must write this one so again, if it takes it.
    pub is_exact: bool,
}

/// True states, from which mutated ones are made.
pub struct Pool {
    frame: Frame,
    /// The bytes of each state.
    states: Vec<Vec<u8>>,
    /// The same as Redis writes values, compressed.
    compressed: Vec<Vec<u8>>,
}

impl Pool {
    /// What is there when somebody has talked for a while, and a state of the first format.
    pub fn talked(dice: &mut Rng, client: &mut Client) -> Pool {
        talk(dice, client);
        let dumps = |client: &mut Client, compression: &str| {
            client.ok(&["CONFIG", "SET", "rdbcompression", compression]);
            keys().map(|key| dump(client, &key)).collect::<Vec<_>>()
        };
        let compressed = dumps(client, "yes");
        let (mut frames, mut states): (Vec<_>, Vec<_>) =
            dumps(client, "no").iter().map(|dump| Frame::taken_from(dump)).unzip();
        states.push(Frame::taken_from(&from_hex(FORMAT_1)).1);
        let frame = frames.pop().expect("a state");
        let compressed = compressed.iter().map(|dump| frame.value_of(dump)).collect();
        Pool { frame, states, compressed }
    }

    /// Mostly the state itself is mutated; else what Redis has written around it, or compressed.
    pub fn payload(&self, dice: &mut Rng) -> Payload {
        if dice.u8(..8) == 0 {
            return Payload { bytes: self.frame.sealed(&mutated(dice, &self.compressed)), is_exact: false };
        }
        let state = mutated(dice, &self.states);
        Payload { bytes: self.frame.around(&state), is_exact: state.first() == Some(&FORMAT) }
    }
}

fn dump(client: &mut Client, key: &str) -> Vec<u8> {
    let Reply::Bulk(bytes) = client.ok(&["DUMP", key]) else { panic!("DUMP answers bytes") };
    bytes
}

fn from_hex(hex: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = hex.iter().copied().filter(u8::is_ascii_hexdigit).collect();
    let digit = |byte: &u8| (*byte as char).to_digit(16).expect("hex") as u8;
    digits.chunks(2).map(|pair| digit(&pair[0]) << 4 | digit(&pair[1])).collect()
}
