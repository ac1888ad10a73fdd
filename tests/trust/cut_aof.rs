//! cut-aof: a truncated AOF, cut after every command and within some.
//!
//! After each command of a user, the length of the file and the whole dataset are recorded. Cut at
//! one of these lengths, the file must restore exactly that dataset; cut elsewhere, the one before,
//! or no server at all, depending on `aof-load-truncated`. One server reads the cuts between
//! commands (DEBUG LOADAOF), because a start takes as long as twenty of them. A cut within a
//! command or transaction would stop it, so these are real starts.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use fastrand::Rng;
use support::{Client, Fingerprint, Server, fingerprint};

use crate::audited::Audited;
use crate::crowd::{Person, keys, prepare};
use crate::rounds::{Figures, Rounds, rounds};

/// The number of commands of the user.
const COMMANDS: Range<usize> = 12..30;

/// The number of real starts for each file.
const STARTS: usize = 5;

/// Nothing lapses while states are compared.
const TOKEN_S: f64 = 3_600.0;

/// The length of the file when the server had this dataset.
struct Moment {
    len: usize,
    held: Fingerprint,
}

#[test]
fn cut_aof() {
    rounds("cut-aof", Rounds { in_test: 10, in_soak: 200 }, |dice, figures| {
        let server = Server::builder().without_schemas().arg("--appendonly").arg("yes");
        // With `everysec` a write may wait for a sync, and the file be shorter than what was
        // acknowledged.
        let server = server.arg("--appendfsync").arg("no").arg("--aof-load-truncated").arg("yes").start();
        let mut client = server.client();
        prepare(&mut client, TOKEN_S);
        let moments = moments(dice, &server, &mut client);
        let aof = Aof { bytes: std::fs::read(file_of(&server)).expect("the AOF"), moments };
        aof.is_loaded_at_every_moment(&server, &mut client, figures);
        aof.is_loaded_or_rejected_in_between(dice, server, figures);
    });
}

/// Records a moment after each command of a user.
fn moments(dice: &mut Rng, server: &Server, client: &mut Client) -> Vec<Moment> {
    let mut person = Person::new("person", dice, false);
    let moment = |client: &mut Client| {
        let len = std::fs::metadata(file_of(server)).expect("the AOF").len();
        Moment { len: usize::try_from(len).expect("a short file"), held: fingerprint(client) }
    };
    let mut moments = vec![moment(client)];
    for _ in 0..dice.usize(COMMANDS) {
        assert!(person.talk(client), "the server answers");
        moments.push(moment(client));
    }
    moments
}

struct Aof {
    bytes: Vec<u8>,
    moments: Vec<Moment>,
}

impl Aof {
    /// The dataset of the last moment at which the file was at most this long.
    fn held_at(&self, len: usize) -> Option<&Fingerprint> {
        self.moments.iter().rfind(|moment| moment.len <= len).map(|moment| &moment.held)
    }

    #[track_caller]
    fn is_loaded_at_every_moment(&self, server: &Server, client: &mut Client, figures: &mut Figures) {
        for moment in &self.moments {
            std::fs::write(file_of(server), &self.bytes[..moment.len]).expect("the AOF");
            client.ok(&["DEBUG", "LOADAOF"]);
            assert_eq!(fingerprint(client), moment.held, "cut at byte {}", moment.len);
            check_keys(client);
            figures.add("cuts between commands", 1);
        }
    }

    #[track_caller]
    fn is_loaded_or_rejected_in_between(&self, dice: &mut Rng, mut server: Server, figures: &mut Figures) {
        for at in self.places_in_between(dice) {
            for truncated in ["yes", "no"] {
                server.kill();
                std::fs::write(file_of(&server), &self.bytes[..at]).expect("the AOF");
                server.set_arg("--aof-load-truncated", truncated);
                match server.try_start_again() {
                    Ok(()) => {
                        assert_eq!(truncated, "yes", "a file cut at byte {at} is loaded");
                        let mut client = server.client();
                        assert_eq!(Some(&fingerprint(&mut client)), self.held_at(at), "cut at byte {at}");
                        check_keys(&mut client);
                    }
                    Err(log) => {
                        assert_eq!(truncated, "no", "cut at byte {at}: {log}");
                        assert!(log.contains("Unexpected end of file"), "{log}");
                    }
                }
            }
            figures.add("cuts in a command", 1);
        }
    }

    /// Some bytes within commands, and some ends of commands within a transaction: a transaction
    /// without its EXEC must have no effect.
    fn places_in_between(&self, dice: &mut Rng) -> BTreeSet<usize> {
        let between: BTreeSet<usize> = self.moments.iter().map(|moment| moment.len).collect();
        let (first, last) = (self.moments[0].len, self.bytes.len());
        let inner: Vec<usize> = ends_of_commands(&self.bytes)
            .filter(|end| (first..last).contains(end) && !between.contains(end))
            .collect();
        let mut places: BTreeSet<usize> = (0..STARTS).map(|_| dice.usize(first..last)).collect();
        places.extend(dice.choose_multiple(inner, 2));
        places.retain(|place| !between.contains(place));
        places
    }
}

/// The ends of an AOF's commands: each is `*2`, then for each word `$3` and its bytes, with line
/// breaks.
fn ends_of_commands(aof: &[u8]) -> impl Iterator<Item = usize> {
    let number = |at: usize| {
        let line = aof[at + 1..].split(|byte| *byte == b'\r').next().expect("a line");
        let number: usize = std::str::from_utf8(line).expect("digits").parse().expect("a number");
        (number, at + 1 + line.len() + 2)
    };
    let mut at = 0;
    std::iter::from_fn(move || {
        if at == aof.len() {
            return None;
        }
        let (words, mut next) = number(at);
        for _ in 0..words {
            let (len, word) = number(next);
            next = word + len + 2;
        }
        at = next;
        Some(at)
    })
}

#[track_caller]
fn check_keys(client: &mut Client) {
    for key in keys() {
        Audited::read(client, &key);
    }
}

/// The AOF file that receives new commands.
fn file_of(server: &Server) -> PathBuf {
    server.dir().join("appendonlydir/appendonly.aof.1.incr.aof")
}
