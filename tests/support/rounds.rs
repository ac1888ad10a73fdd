//! The frame of a randomised test, a *row*: rounds with a seed each, so that a failing round can be
//! played again alone.
//!
//! `make test` plays a few rounds, a soak many. A soak saves its progress after each round in
//! `target/soak/<row>.json`, and resumes there. Environment variables:
//!
//! | variable | meaning |
//! |---|---|
//! | `REDIS_STATE_SOAK` | play the soak, at most this many rounds of it now |
//! | `REDIS_STATE_SEED` | the seed of the rounds' seeds; else a random one |
//! | `REDIS_STATE_ROUND` | play only the round of this seed; `make replay` sets it |
//!
//! Not proptest's runner: a crash can't be minimized by leaving out commands, since it does not
//! recur at the same instant.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// The number of rounds of a row.
pub struct Rounds {
    pub in_test: u64,
    pub in_soak: u64,
}

/// What the rounds of a row have counted, for the line at their end.
#[derive(Default, Serialize, Deserialize)]
pub struct Figures {
    numbers: BTreeMap<String, u64>,
}

impl Figures {
    /// Adds to a count.
    pub fn add(&mut self, what: &str, more: u64) {
        *self.numbers.entry(what.to_owned()).or_default() += more;
    }

    /// Keeps the maximum.
    pub fn most(&mut self, what: &str, seen: u64) {
        let most = self.numbers.entry(what.to_owned()).or_default();
        *most = seen.max(*most);
    }

    pub fn get(&self, what: &str) -> u64 {
        self.numbers.get(what).copied().unwrap_or_default()
    }

    fn shown(&self) -> String {
        let numbers = self.numbers.iter().map(|(what, number)| format!("{number} {what}"));
        numbers.collect::<Vec<_>>().join(", ")
    }
}

/// Plays the rounds of `row`; returns their counts, or `None` when they were too few to cover
/// everything.
pub fn rounds(row: &str, count: Rounds, mut play: impl FnMut(&mut Rng, &mut Figures)) -> Option<Figures> {
    let begun = Instant::now();
    if let Some(seed) = variable("REDIS_STATE_ROUND") {
        let mut figures = Figures::default();
        play_one(row, seed, &mut play, &mut figures);
        println!("{row}: the round of seed {seed}: {}", figures.shown());
        return None;
    }
    let soaked = variable("REDIS_STATE_SOAK");
    let (mut progress, last) = match soaked {
        Some(now) => {
            let progress = Progress::of_soak(row, count.in_soak);
            let last = progress.rounds.saturating_add(now).min(count.in_soak);
            println!("{row}: rounds {} to {last} of {}", progress.rounds + 1, count.in_soak);
            (progress, last)
        }
        None => (Progress::anew(), count.in_test),
    };
    while progress.rounds < last {
        let seed = seed_of(progress.base_seed, progress.rounds);
        play_one(row, seed, &mut play, &mut progress.figures);
        progress.rounds += 1;
        if soaked.is_some() {
            progress.save(row);
        }
    }
    println!("{row}: {} rounds, {} ({:.1?})", progress.rounds, progress.figures.shown(), begun.elapsed());
    (progress.rounds >= count.in_test).then_some(progress.figures)
}

fn seed_of(base_seed: u64, round: u64) -> u64 {
    Rng::with_seed(base_seed.wrapping_add(round)).u64(..)
}

fn play_one(row: &str, seed: u64, play: &mut impl FnMut(&mut Rng, &mut Figures), figures: &mut Figures) {
    let _says_how_to_repeat = OnFailure { row, seed };
    play(&mut Rng::with_seed(seed), figures);
}

/// Prints how to repeat a failed round.
struct OnFailure<'r> {
    row: &'r str,
    seed: u64,
}

impl Drop for OnFailure<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let OnFailure { row, seed } = self;
            eprintln!("{row} failed in the round of seed {seed}; again: make replay ROW={row} SEED={seed}");
        }
    }
}

/// The progress of a row.
#[derive(Serialize, Deserialize)]
struct Progress {
    base_seed: u64,
    rounds: u64,
    figures: Figures,
}

impl Progress {
    fn anew() -> Progress {
        let base_seed = variable("REDIS_STATE_SEED").unwrap_or_else(|| fastrand::u64(..));
        Progress { base_seed, rounds: 0, figures: Figures::default() }
    }

    /// Where the last soak stopped; a finished one, or one with another seed, starts anew.
    fn of_soak(row: &str, in_soak: u64) -> Progress {
        let text = std::fs::read_to_string(Progress::file(row)).ok();
        let kept = text.map(|text| serde_json::from_str::<Progress>(&text).expect("a progress file"));
        let wanted = variable("REDIS_STATE_SEED");
        let goes_on =
            |kept: &Progress| kept.rounds < in_soak && wanted.is_none_or(|seed| seed == kept.base_seed);
        kept.filter(goes_on).unwrap_or_else(Progress::anew)
    }

    /// Writes to another file first: an interrupted write keeps the old one.
    fn save(&self, row: &str) {
        let file = Progress::file(row);
        let new = file.with_extension("new");
        let text = serde_json::to_string(self).expect("numbers and names");
        std::fs::create_dir_all(file.parent().expect("target/soak")).expect("a folder in target");
        std::fs::write(&new, text).expect("a file in target");
        std::fs::rename(&new, &file).expect("a file in target");
    }

    fn file(row: &str) -> PathBuf {
        crate::repository().join("target/soak").join(row).with_extension("json")
    }
}

/// Whether this is a soak or a replay: rows that need large servers use small ones in `make test`.
pub fn is_long() -> bool {
    ["REDIS_STATE_SOAK", "REDIS_STATE_ROUND"].iter().any(|name| variable(name).is_some())
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// The rounds of a row have different seeds, the same in each run.
#[test]
fn seeds_differ_and_repeat() {
    let seeds = |base| (0..2_000).map(|round| seed_of(base, round)).collect::<Vec<_>>();
    let mut apart = seeds(7);
    apart.sort_unstable();
    apart.dedup();
    assert_eq!(apart.len(), 2_000);
    assert_eq!(seeds(7), seeds(7));
    assert_ne!(seeds(7)[0], seeds(8_000)[0]);
}
