//! The core without a server: the time of each operation, by criterion.
//!
//! For callgrind, `once NAME COUNT` runs one operation COUNT times; `list` prints the names.
//! Instruction counts do not depend on the load of the machine, times do, so the tables have both.

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
