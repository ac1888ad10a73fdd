//! cost: what one command can cost the server at most. Scripts of schemas, documents and commands are made ever more expensive
//! by hill climbing: whatever takes more CPU or memory, for a command or for a byte of it, is kept and changed further.
//!
//! It begins with inputs that were once too expensive (`corpus`), and with each command there is. CPU is that of the server's
//! main thread; what is too expensive is measured again on a quiet machine before it counts. In a soak,
//! which runs a release build, the bound is the one that docs/guarantees.md names. `make test` runs a debug build: there
//! the bound is what the same machine takes for an ordinary command, so many times that only a freeze goes above it.
//!
//! Callgrind was rejected: its counts repeat to the instruction, but a server under it takes fifty times as long, and the climb
//! lives on trying often.

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

/// How many scripts are tried in one climb.
const TRIES: usize = 60;

/// A round is one climb from a few seeds. What it measures leads it, so a replay may take another way: a find is written to a
/// file, which is sent again with `nc`.
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
                    figures.add("refused", spent.refused);
                    figures.most("us of CPU at most", spent.cpu_us);
                    figures.most("KB of memory at most", spent.peak_bytes / 1024);
                    climb.seen(script, spent);
                }
                Err(find) => panic!("{find}\n{}", keep(&script)),
            }
        }
    });
}
