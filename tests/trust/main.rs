//! Whether a server can be trusted: rows of rounds in which it is killed, cut off or fed with broken files, and in which
//! everything it says afterwards is held against what must be true.
//!
//! Each row is one test that plays a few rounds, or many in a soak (`make soak`); `rounds.rs` says how. docs/guarantees.md
//! has the table of the rows and of how far the soaks have run.

mod alike;
mod cluster;
mod crowd;
mod cut_aof;
mod cut_rdb;
mod failover;
mod faults;
mod history;
mod kills;
mod linear;
mod pause;
mod people;
mod proxy;
mod reference;
mod replica;
mod rounds;
mod story;
mod talker;
mod upgrade;
