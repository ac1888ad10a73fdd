//! The core without a server: how long each piece of work takes, by criterion.
//!
//! For callgrind the same program does one piece of work so many times and ends: `once NAME COUNT`; `list` prints the names. Counts
//! of instructions are the same on a busy machine, times are not, so both stand beside each other.

mod operations;

use std::time::Duration;

use criterion::Criterion;
use operations::{OPERATIONS, Operation};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => OPERATIONS.iter().for_each(|operation| println!("{}", operation.name)),
        ["once", name, count] => once(name, count.parse().expect("COUNT is a number")),
        _ => measure(),
    }
}

fn once(name: &str, count: usize) {
    let operation =
        OPERATIONS.iter().find(|operation| operation.name == name).expect("NAME is one of `list`");
    let mut work = (operation.prepare)();
    for _ in 0..count {
        work();
    }
}

fn measure() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for Operation { name, prepare } in OPERATIONS {
        let mut work = prepare();
        criterion.bench_function(name, |bencher| bencher.iter(&mut work));
    }
    criterion.final_summary();
}
