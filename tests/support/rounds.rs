//! The frame of a row: rounds, each played from a seed of its own, so that whatever one round finds can be found again alone.
//!
//! `make test` plays a few rounds, a soak many. A soak writes down after each round how far it is, in
//! `target/soak/<row>.json`, and goes on from there. How much is said by the environment:
//!
//! | variable | says |
//! |---|---|
//! | `REDIS_STATE_SOAK` | play the soak, at most so many rounds of it now |
//! | `REDIS_STATE_SEED` | the seed from which the seeds of the rounds are made; else a random one |
//! | `REDIS_STATE_ROUND` | play this round alone; `make replay` sets it |
//!
//! proptest's runner was rejected here: a crash can't be made smaller by leaving commands out, since it won't happen again at
//! the same instant.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// How many rounds a row has.
pub struct Rounds {
    pub in_test: u64,
    pub in_soak: u64,
}

/// What the rounds of a row have seen, for the line at their end.
#[derive(Default, Serialize, Deserialize)]
pub struct Figures {
    numbers: BTreeMap<String, u64>,
}

impl Figures {
    /// Counts more of something.
    pub fn add(&mut self, what: &str, more: u64) {
        *self.numbers.entry(what.to_owned()).or_default() += more;
    }

    /// Remembers the largest of something.
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

/// Plays the rounds of `row`; returns what they have seen, or `None` when they were too few to have seen all there is.
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

/// Says how to repeat a round when it fails.
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

/// How far a row is.
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

    /// Where the last soak stopped; one that came to its end, or that had another seed, begins anew.
    fn of_soak(row: &str, in_soak: u64) -> Progress {
        let text = std::fs::read_to_string(Progress::file(row)).ok();
        let kept = text.map(|text| serde_json::from_str::<Progress>(&text).expect("a file of ours"));
        let wanted = variable("REDIS_STATE_SEED");
        let goes_on =
            |kept: &Progress| kept.rounds < in_soak && wanted.is_none_or(|seed| seed == kept.base_seed);
        kept.filter(goes_on).unwrap_or_else(Progress::anew)
    }

    /// By way of another file: who is stopped while writing has the old one.
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

/// Whether this is no `make test`: a row that needs large servers is played on small ones there.
pub fn is_long() -> bool {
    ["REDIS_STATE_SOAK", "REDIS_STATE_ROUND"].iter().any(|name| variable(name).is_some())
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// No two rounds of a row are the same, and each is the same whenever it is played.
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
