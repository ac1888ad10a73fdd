//! Durability and robustness tests, in rows of random rounds: the server is killed, cut off,
//! flooded or fed with corrupt data, and then checked against its invariants.
//!
//! Each row is a test that plays a few rounds, or many in a soak (`make soak`), by
//! `support::rounds`. docs/evidence.md has the table of the rows and the results of the last soaks.

mod acl;
mod audited;
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
mod history_client;
mod kills;
mod leak;
mod linearizability;
#[cfg(target_os = "linux")]
mod memcheck;
mod memory_figures;
mod mutate;
mod oom;
mod pause;
mod people;
mod proxy;
mod replica;
mod replica_sync;
mod restore_mutated;
mod sequential;
mod slots;
mod slow_consumers;
mod upgrade;

use support::rounds;
