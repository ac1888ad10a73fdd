//! The client crate against a real server: what it does to a connection, to a conflict and to a lost answer.

mod cluster;
mod connections;
mod retries;
mod schemas;
mod sentinel;
