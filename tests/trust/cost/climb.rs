//! Hill climbing: of all tried scripts, the most expensive ones by each of four measures are kept
//! and mutated further.

use fastrand::Rng;

use super::change_command::change_commands;
use super::change_json::change_document;
use super::change_schema::change_schema;
use super::corpus::Seed;
use super::meter::Spent;
use super::script::{Script, Step, Word};

/// The number of scripts that a climb tries unchanged first.
const FIRST: usize = 3;
/// The number of scripts kept for each measure.
const KEPT: usize = 3;

/// CPU time and memory, of a command and for each byte of it.
const MEASURES: [fn(&Spent) -> u64; 4] = [
    |spent| spent.cpu_us,
    |spent| spent.cpu_ns_a_byte,
    |spent| spent.peak_bytes,
    |spent| spent.peak_bytes_a_byte,
];

pub struct Climb {
    first: Vec<Script>,
    /// The most expensive scripts for each measure, in descending order.
    kept: [Vec<(u64, Script)>; MEASURES.len()],
}

impl Climb {
    pub fn from(dice: &mut Rng, seeds: &[Seed]) -> Climb {
        let first = (0..FIRST).map(|_| dice.choice(seeds).expect("seeds").script()).collect();
        Climb { first, kept: [const { Vec::new() }; MEASURES.len()] }
    }

    /// The next script to try.
    pub fn next(&mut self, dice: &mut Rng) -> Script {
        if let Some(script) = self.first.pop() {
            return script;
        }
        let kept = dice.choice(&self.kept).expect("measures");
        let mut script = dice.choice(kept).expect("the scripts tried first").1.clone();
        for _ in 0..dice.usize(1..=3) {
            change(dice, &mut script);
        }
        script
    }

    pub fn seen(&mut self, script: Script, spent: Spent) {
        for (measure, kept) in MEASURES.iter().zip(&mut self.kept) {
            let cost = measure(&spent);
            let place = kept.partition_point(|(other, _)| *other >= cost);
            if place < KEPT {
                kept.insert(place, (cost, script.clone()));
                kept.truncate(KEPT);
            }
        }
    }
}

/// Mutates one step.
fn change(dice: &mut Rng, script: &mut Script) {
    if dice.u8(..4) == 0 {
        change_commands(dice, &mut script.steps);
        return;
    }
    let words = script.steps.iter_mut().filter_map(|step| match step {
        Step::Command(words) => Some(words),
        _ => None,
    });
    let trees: Vec<&mut Word> =
        words.flatten().filter(|word| matches!(word, Word::Json(_) | Word::Schema(_))).collect();
    let count = trees.len();
    let Some(word) = trees.into_iter().nth(dice.usize(..count.max(1))) else { return };
    match word {
        Word::Json(json) => change_document(dice, json),
        Word::Schema(schema) => change_schema(dice, schema),
        Word::Text(_) => {}
    }
}
