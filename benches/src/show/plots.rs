//! The plots of a run.

use super::chart::{self, Bar, Line};
use super::table::short;
use super::tables::amount;
use crate::results::{Run, Scaling, Series, folder};
use crate::spread::{Spread, median};
use crate::workload::Shape;

/// throughput.svg: the base shape, in batches.
pub fn throughput(run: &Run) -> Result<(), String> {
    let rates = run.rates.iter().filter(|rate| rate.shape == Shape::BASE);
    let bars: Vec<Bar> = rates
        .map(|rate| {
            let Spread { min, median, max } = Spread::of(rate.per_s.iter().copied());
            // The module's commands in one colour, the bot's requests without it in another.
            let group = usize::from(!rate.kind.name().starts_with("STATE."));
            Bar { name: rate.kind.name().to_owned(), value: median, min, max, note: short(median), group }
        })
        .collect();
    let title = "requests a second: document of 2 KB, 8 connections, pipeline 16";
    save("throughput.svg", &chart::bars(title, &bars)?)
}

/// latency.svg: the p99 of each request at half of the maximum rate.
pub fn latency(run: &Run) -> Result<(), String> {
    let bars: Vec<Bar> = run
        .latencies
        .iter()
        .map(|latency| {
            let Spread { min, median: p99, max } = Spread::of(latency.p99_us.iter().copied());
            let group = usize::from(!latency.kind.name().starts_with("STATE."));
            let note = format!("{} us at {}/s", short(p99), short(latency.per_s));
            Bar { name: latency.kind.name().to_owned(), value: p99, min, max, note, group }
        })
        .collect();
    save("latency.svg", &chart::bars("p99 in microseconds at half of the maximum rate", &bars)?)
}

/// One plot for each growing thing: scaling-size.svg and so on.
pub fn scaling(scaling: &Scaling) -> Result<(), String> {
    for group in scaling.groups() {
        let [first, ..] = group else { continue };
        let lines: Vec<Line> = group.iter().map(line).collect();
        let title = format!("microseconds a request by {}", first.what);
        let plot = chart::lines(&title, &lines, |x| amount(first, *x), |y| short(*y))?;
        save(&format!("scaling-{}.svg", first.name), &plot)?;
    }
    Ok(())
}

fn line(series: &Series) -> Line {
    // A logarithmic axis has no 0.
    let points = series.points.iter().filter(|point| point.x > 0.0);
    Line {
        name: series.kind.name().to_owned(),
        points: points.map(|point| (point.x, median(&point.us))).collect(),
    }
}

fn save(name: &str, plot: &str) -> Result<(), String> {
    let path = folder().join(name);
    std::fs::write(&path, plot).map_err(|error| format!("{}: {error}", path.display()))
}
