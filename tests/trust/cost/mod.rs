//! cost: the maximum cost of one command. Hill climbing makes scripts of schemas, documents and
//! commands ever more expensive: what takes more CPU time or memory, for a command or for a byte of
//! it, is kept and mutated further.
//!
//! It starts from inputs that were once too expensive (`corpus`), and from every command. CPU time
//! is that of the server's main thread, and an excess is measured again on a quiet machine before
//! it counts. A soak runs a release build, with the limit of docs/guarantees.md. `make test` runs a
//! debug build, whose limit is a multiple of an ordinary command's time, so that only a freeze
//! exceeds it.
//!
//! Not callgrind: its counts are exact, but a server under it takes fifty times as long, and
//! climbing depends on many tries.

mod change_command;
mod change_json;
mod change_schema;
mod climb;
pub mod corpus;
mod corpus_commands;
mod corpus_memory;
mod corpus_numbers;
mod corpus_schemas;
mod corpus_wide;
pub mod figures;
pub mod meter;
mod quiet;
pub mod script;

use crate::rounds::{Rounds, rounds};
use climb::Climb;
use corpus::corpus;
use meter::Meter;
use script::keep;

/// The number of scripts tried in one climb.
const TRIES: usize = 60;

/// A round is one climb from a few seeds. It depends on measurements, so a replay may differ: a
/// find is written to a file, which `nc` can send again.
#[test]
fn cost() {
    let seeds = corpus();
    let mut meter = Meter::start();
    rounds("cost", Rounds { in_test: 3, in_soak: 20_000 }, |dice, figures| {
        let mut climb = Climb::from(dice, &seeds);
        for _ in 0..TRIES {
            let script = climb.next(dice);
            match meter.play(&script) {
                Ok(spent) => {
                    figures.add("scripts", 1);
                    figures.add("commands", spent.commands);
                    figures.add("rejected", spent.rejected);
                    figures.most("us of CPU at most", spent.cpu_us);
                    figures.most("KB of memory at most", spent.peak_bytes / 1024);
                    climb.seen(script, spent);
                }
                Err(find) => panic!("{find}\n{}", keep(&script)),
            }
        }
    });
}
