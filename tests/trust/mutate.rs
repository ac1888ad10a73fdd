//! Nearly valid bytes: encoded states with a few wrong bits, bytes, lengths or ranges.
//!
//! Not random bytes: the decoder rejects nearly all of them at the first length, and never reads
//! the rest. After a mutation of the length, the enclosing lengths are corrected, so that the
//! module's decoder must notice it.

use fastrand::Rng;
use serde_json::json;
use support::{Client, Reply, sealed};

use crate::crowd::{Person, keys, prepare};

/// The number of commands before states are dumped.
const COMMANDS: std::ops::Range<usize> = 60..200;

/// No deadline falls in a round, except mutated ones.
const TOKEN_S: f64 = 31_536_000.0;

/// The usual length of a cut, inserted, repeated or exchanged range, in bytes.
const STRETCH_BYTES: usize = 24;

/// A state of format 1, with whole snapshots.
const FORMAT_1: &[u8] = include_bytes!("golden/dump_1.hex");

/// The first byte of the present format.
const FORMAT: u8 = 3;

/// Makes states with everything: versions, labels, attempts, tokens, deadlines and secrets.
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
    /// The kind of value, the module's ID, and the mark of a string.
    head: Vec<u8>,
    /// The end mark, and the version of the file format.
    tail: Vec<u8>,
}

/// Where the string of a DUMP begins.
const STRING_AT: usize = 11;
/// The end of a DUMP: a byte of the value, two of version and eight of checksum.
const END_BYTES: usize = 11;

impl Frame {
    /// Splits an uncompressed DUMP into its frame and the state.
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

    /// What is between the kind of value and the version of a DUMP. Redis itself reads the first
    /// byte, which selects the decoder, and the version.
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
            // Exchanges two ranges.
            let taken: Vec<u8> = bytes.drain(stretch).collect();
            let to = dice.usize(..=bytes.len());
            drop(bytes.splice(to..to, taken));
        }
        8 => drop(bytes.splice(at..=at, grown(dice, bytes[at]))),
        9 => bytes[stretch].fill(0xff),
        // The beginning of one state with the end of another, at equal or different places.
        _ => {
            let other = dice.choice(pool).expect("a pool");
            let from = if dice.bool() { at.min(other.len()) } else { dice.usize(..=other.len()) };
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}

/// A number in more bytes than needed, or a far larger one.
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
    /// Whether it is encoded as by the module itself, so that an accepted payload must encode to
    /// the same bytes.
    pub is_exact: bool,
}

/// Valid states, from which mutated ones are made.
pub struct Pool {
    frame: Frame,
    /// The bytes of each state.
    states: Vec<Vec<u8>>,
    /// The same in Redis's encoding of values, compressed.
    compressed: Vec<Vec<u8>>,
}

impl Pool {
    /// The states of a used server, and a state of format 1.
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

    /// Mostly a mutated state; else a mutation of what Redis writes around it, or of compressed
    /// data.
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
