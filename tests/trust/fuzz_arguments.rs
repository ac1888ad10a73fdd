//! fuzz-arguments: every command with every option, with arguments that are cut, doubled,
//! exchanged, taken from other lines, or replaced by unexpected ones: keywords, numbers at their
//! limits, half a JSON, invalid UTF-8, a megabyte.

use fastrand::Rng;
use support::{Client, Server};

use crate::fuzz::{Words, survives};
use crate::grammar::{KEY, Line, SIBLING, lines};
use crate::rounds::{Rounds, rounds};

const COMMANDS: usize = 4_000;

/// It would block the client.
const NOT_PLAYED: &str = "state.wait";

const SCHEMA: &str = r#"{"type":"object","x-ttl":1800,"properties":{"dashboard":{"x-protected":true},"amount":{"type":"number"},
    "form":{"x-ttl":0.05,"default":{}},"auth":{"properties":{"token":{"type":"string","x-secret":true}}}}}"#;

/// Values in unexpected places.
const ODD: [&str; 44] = [
    "",
    " ",
    "*",
    "0",
    "-0",
    "-1",
    "1.5",
    "1e3",
    "007",
    "64",
    "65",
    "1025",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1-0000000000000000",
    "1-f",
    "-",
    "/",
    "//",
    "/amount",
    "/auth/token",
    "/a~2",
    "/list/-",
    "ALIGN",
    "align\0",
    "AUDIT",
    "Audit\0x",
    "{",
    "{}",
    "[]",
    "null",
    r#"{"amount":1}"#,
    r#"{"form":{"n":1},"list":[1,2,3]}"#,
    r#"[{"op":"add","path":"/amount","value":2}]"#,
    r#"[{"op":"move","from":"","path":"/a"}]"#,
    r#"{"a":1}}"#,
    "\u{100}\u{4e00}",
    "%s%n",
    "\r\n+OK\r\n",
    "channel:*",
    "{}x",
];

#[test]
fn fuzz_arguments() {
    let seen = rounds("fuzz-arguments", Rounds { in_test: 100, in_soak: 1_500 }, |dice, figures| {
        let script = Script::new().commands(dice);
        let rejected = survives(&script, set_up);
        figures.add("commands", script.len() as u64);
        figures.add("rejected", rejected);
    });
    if let Some(seen) = seen {
        let (rejected, all) = (seen.get("rejected"), seen.get("commands"));
        assert!(rejected > all / 4 && rejected < all * 19 / 20, "{rejected} of {all} are rejected");
    }
}

fn set_up(client: &mut Client) {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", SCHEMA]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"amount":1.10}"#, "SCHEMA", "vimbiso.rules", "LABEL", "menu"]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"amount":2.50}"#, "ID", "wamid.1"]);
    client.ok(&["SET", SIBLING, "tok_a4c1"]);
}

/// The material for lines.
struct Script {
    lines: Vec<Line>,
}

impl Script {
    fn new() -> Script {
        let server = Server::builder().without_schemas().start();
        let mut lines = lines(&mut server.client());
        lines.retain(|line| line.command != NOT_PLAYED);
        Script { lines }
    }

    fn commands(&self, dice: &mut Rng) -> Vec<Words> {
        (0..COMMANDS).map(|_| self.command(dice)).collect()
    }

    fn command(&self, dice: &mut Rng) -> Words {
        let mut words = self.line(dice);
        for _ in 0..dice.usize(..4) {
            self.mutate(dice, &mut words);
        }
        words
    }

    fn line(&self, dice: &mut Rng) -> Words {
        let line = dice.choice(&self.lines).expect("lines");
        line.sent().into_iter().map(String::into_bytes).collect()
    }

    /// The command stays one of the module's: Redis itself rejects an unknown subcommand.
    fn mutate(&self, dice: &mut Rng, words: &mut Words) {
        let first = if words[0] == b"STATE.SCHEMA" { 2 } else { 1 };
        let at = dice.usize(first..=words.len());
        let other = dice.usize(first..=words.len());
        let there = at < words.len();
        match dice.u8(..8) {
            0 if there => drop(words.remove(at)),
            1 if there => words.insert(other, words[at].clone()),
            2 if there && other < words.len() => words.swap(at, other),
            3 if there => words[at] = odd(dice),
            4 if there => bent(dice, &mut words[at]),
            // The options of another command, or of the same again.
            5 => {
                let options = self.line(dice);
                let from = dice.usize(1..=options.len());
                words.extend_from_slice(&options[from..]);
            }
            6 => {
                let line = self.line(dice);
                words.insert(at, dice.choice(line).expect("words"));
            }
            _ => words.insert(at, odd(dice)),
        }
    }
}

fn odd(dice: &mut Rng) -> Vec<u8> {
    match dice.u16(..500) {
        0..40 => (0..dice.usize(..40)).map(|_| dice.u8(..)).collect(),
        40..60 => vec![b'x'; dice.choice([127, 128, 129, 1_024, 1_025, 70_000]).expect("a length")],
        60..63 => format!(r#"{{"note":"{}"}}"#, "x".repeat(dice.usize(1_000..1_100_000))).into_bytes(),
        63..70 => "[".repeat(dice.usize(..3_000)).into_bytes(),
        70..76 => format!("{{\"a\":{}{}}}", "[".repeat(60), "]".repeat(dice.usize(58..64))).into_bytes(),
        _ => dice.choice(ODD).expect("words").as_bytes().to_vec(),
    }
}

/// Changes, adds or removes a byte, or changes the case.
fn bent(dice: &mut Rng, word: &mut Vec<u8>) {
    let at = dice.usize(..=word.len());
    match dice.u8(..4) {
        0 => word.insert(at, dice.u8(..)),
        1 if at < word.len() => drop(word.remove(at)),
        2 if at < word.len() => word[at] = dice.u8(..),
        _ => word.iter_mut().for_each(|byte| *byte ^= if byte.is_ascii_alphabetic() { 0x20 } else { 0 }),
    }
}
