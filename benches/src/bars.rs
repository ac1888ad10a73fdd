//! The bars: the limit, the aim, and the measured value.
//!
//! All are ratios within one run to what a bot does without the module, so they hold on any
//! machine. Documents have 2 KB and are validated as a whole unless stated otherwise.

use redis_state_benches::schema::Rules;

use crate::kind::Kind;
use crate::memory;
use crate::race;
use crate::results::{Rate, Run};
use crate::spread::Spread;
use crate::workload::Shape;

pub struct Bar {
    pub figure: &'static str,
    pub must: f64,
    pub aim: f64,
    pub found: Spread,
}

impl Bar {
    /// If the aim is below the limit, less is better.
    fn is_reached(&self, value: f64) -> bool {
        if self.aim < self.must { self.found.median <= value } else { self.found.median >= value }
    }

    pub fn holds(&self) -> bool {
        self.is_reached(self.must)
    }

    pub fn verdict(&self) -> &'static str {
        match (self.is_reached(self.aim), self.holds()) {
            (true, _) => "aim",
            (false, true) => "must",
            (false, false) => "**short**",
        }
    }
}

const UPDATE: Kind = Kind::StateUpdate(Rules::Whole);
const BATCHED: Shape = Shape::BASE;
const SINGLE: Shape = Shape { depth: 1, ..Shape::BASE };

/// The bars for which the run has figures.
pub fn bars(run: &Run) -> Vec<Bar> {
    let figures = [
        ("STATE.GET / GET, pipeline 1", 0.95, 0.98, rates(run, Kind::StateGet, Kind::Get, SINGLE)),
        ("STATE.GET / GET, pipeline 16", 0.80, 0.90, rates(run, Kind::StateGet, Kind::Get, BATCHED)),
        (
            "STATE.UPDATE / the small Lua script, pipeline 16",
            5.0,
            8.0,
            rates(run, UPDATE, Kind::LuaSmall, BATCHED),
        ),
        (
            "STATE.UPDATE / MULTI{SET, LPUSH, LTRIM, PEXPIRE x2, XADD}, pipeline 16",
            1.2,
            2.0,
            rates(run, UPDATE, Kind::Multi, BATCHED),
        ),
        ("16 clients on one key, committed updates / WATCH loop", 15.0, 20.0, races(run)),
        ("bytes per session with ten snapshots / plain string of the document", 1.75, 1.6, sessions(run)),
        ("AOF bytes per update / the small Lua script's", 0.20, 0.12, aof(run)),
        ("p99 of STATE.GET while another client updates 256 KB documents / alone", 3.0, 1.5, waits(run)),
        ("update of 64 KB / update of 2 KB (small change, local rules)", 16.0, 6.0, growth(run)),
    ];
    let found = |(figure, must, aim, found): (_, _, _, Option<Spread>)| {
        found.map(|found| Bar { figure, must, aim, found })
    };
    figures.into_iter().filter_map(found).collect()
}

pub fn rate(rates: &[Rate], kind: Kind, shape: Shape) -> Option<&Rate> {
    rates.iter().find(|rate| rate.kind == kind && rate.shape == shape)
}

fn rates(run: &Run, kind: Kind, baseline: Kind, shape: Shape) -> Option<Spread> {
    let per_s = |kind| rate(&run.rates, kind, shape).map(|rate| &rate.per_s);
    Some(Spread::of_ratios(per_s(kind)?, per_s(baseline)?))
}

fn races(run: &Run) -> Option<Spread> {
    let on_one_key = |way: &str| run.races.iter().find(|race| race.way == way && race.keys == 1);
    Some(Spread::of_ratios(&on_one_key(race::UPDATE)?.commits_per_s, &on_one_key(race::WATCH)?.commits_per_s))
}

fn sessions(run: &Run) -> Option<Spread> {
    let of = |what: &str| run.memory.iter().find(|memory| memory.what == what);
    Some(Spread::of_ratios(&of(memory::STATE)?.bytes_each, &of(memory::STRING)?.bytes_each))
}

fn aof(run: &Run) -> Option<Spread> {
    let of = |kind| run.written.iter().find(|written| written.kind == kind);
    Some(Spread::of_ratios(&of(UPDATE)?.aof_bytes, &of(Kind::LuaSmall)?.aof_bytes))
}

fn waits(run: &Run) -> Option<Spread> {
    let beside = |kind| run.neighbours.iter().find(|neighbour| neighbour.kind == kind);
    Some(Spread::of_ratios(&beside(Some(UPDATE))?.p99_us, &beside(None)?.p99_us))
}

fn growth(run: &Run) -> Option<Spread> {
    let of = |bytes| {
        let is_it = |rate: &&Rate| rate.kind == Kind::StateUpdate(Rules::Local) && rate.shape.bytes == bytes;
        run.sizes.iter().find(is_it)
    };
    // Time is the inverse of the rate.
    Some(Spread::of_ratios(&of(2048)?.per_s, &of(65_536)?.per_s))
}

#[cfg(test)]
mod tests {
    use super::Bar;
    use crate::spread::Spread;

    #[test]
    fn direction_of_a_bar_follows_its_aim() {
        let verdict = |must, aim, found| Bar { figure: "", must, aim, found: Spread::of([found]) }.verdict();
        assert_eq!([5.0, 8.0, 4.9].map(|found| verdict(5.0, 8.0, found)), ["must", "aim", "**short**"]);
        assert_eq!([0.2, 0.12, 0.21].map(|found| verdict(0.2, 0.12, found)), ["must", "aim", "**short**"]);
        assert_eq!(verdict(5.0, 8.0, f64::NAN), "**short**");
    }
}
