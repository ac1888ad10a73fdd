//! `make bench-quick`: the bars that fit into a minute, and the delay by hostile schemas.

use std::path::Path;
use std::time::Duration;

use redis_state_benches::schema::Rules;

use crate::bars::{Bar, bars};
use crate::kind::Kind;
use crate::pauses::{self, LONGEST, Pause};
use crate::results::{About, Run};
use crate::server::Server;
use crate::show::tables as t;
use crate::workload::Shape;
use crate::{memory, race, throughput, written};

const ROUNDS: usize = 15;
const STRETCH: Duration = Duration::from_millis(60);
const ROUNDS_OF_OTHERS: usize = 5;
const SESSIONS: usize = 400;

const UPDATE: Kind = Kind::StateUpdate(Rules::Whole);
const KINDS: [Kind; 7] =
    [Kind::Get, Kind::StateGet, Kind::StateGetSecret, Kind::Set, Kind::Multi, Kind::LuaSmall, UPDATE];

/// Measures, prints, and returns whether all limits were kept.
pub fn run(module: &Path) -> Result<bool, String> {
    let shapes = [Shape::BASE, Shape { depth: 1, ..Shape::BASE }];
    let found = Run {
        about: About::here(),
        rates: throughput::measure(&Server::start(module)?, &shapes, &KINDS, ROUNDS, STRETCH)?,
        rates_with_aof: vec![],
        sizes: vec![],
        races: race::measure(module, ROUNDS_OF_OTHERS)?,
        latencies: vec![],
        memory: memory::measure(module, SESSIONS, ROUNDS_OF_OTHERS)?,
        written: written::measure(module, &[Kind::LuaSmall, UPDATE], ROUNDS_OF_OTHERS)?,
        neighbours: vec![],
        stalls: vec![],
    };
    for shape in shapes {
        println!("pipeline {}, document of 2 KB, {} connections\n", shape.depth, shape.connections);
        println!("{}", t::rates_table(&found.rates, shape));
    }
    println!("server, client: their CPU use; the one near 100% is the bottleneck\n");
    println!("{}", t::bars_table(&found));
    let pauses = pauses::measure(&Server::start(module)?)?;
    report_pauses(&pauses);
    Ok(bars(&found).iter().all(Bar::holds) && pauses.iter().all(Pause::holds))
}

fn report_pauses(pauses: &[Pause]) {
    println!("a hostile schema: the longest wait of another client; median (range)");
    for pause in pauses {
        let ms = |wait: &Duration| wait.as_secs_f64() * 1000.0;
        let (shortest, longest) = (pause.waits.first().map_or(0.0, ms), pause.waits.last().map_or(0.0, ms));
        println!(
            "{:<34}{:>7} bytes{:>8.2} ms ({shortest:.2}..{longest:.2}) {} {} ms: {:.60}",
            pause.name,
            pause.bytes,
            ms(&pause.median()),
            if pause.holds() { "under" } else { "MISSES" },
            LONGEST.as_millis(),
            pause.answer
        );
    }
}
