//! Whether a server can be trusted: rows of rounds in which it is killed, cut off, flooded or fed with broken bytes, and
//! in which everything it says afterwards is held against what must be true.
//!
//! Each row is one test that plays a few rounds, or many in a soak (`make soak`); `support::rounds` says how. docs/evidence.md
//! has the table of the rows and of how far the soaks have run.

mod acl;
mod alike;
mod bounded;
mod cluster;
mod cost;
mod crowd;
mod cut_aof;
mod cut_rdb;
mod eviction;
mod failover;
mod faults;
mod fuzz;
mod fuzz_arguments;
mod fuzz_decoder;
mod fuzz_schemas;
mod grammar;
mod history;
mod kills;
mod leak;
mod linear;
#[cfg(target_os = "linux")]
mod memcheck;
mod mutate;
mod oom;
mod pause;
mod people;
mod pressure;
mod proxy;
mod reference;
mod replica;
mod restore_mutated;
mod slots;
mod slow_consumers;
mod story;
mod talker;
mod upgrade;

use support::rounds;
