//! The client crate against a real server: what it does to a connection, to a conflict and to a lost answer.

mod cutting;
mod errors;
mod requests;
mod retries;
mod spans;
