//! A bot that lives on redis-state: what VimbisoPay's bot does, without any state of its own.
//!
//! Everything it knows of a user is one state in Redis, so two processes can answer the same user
//! in turn, and one that dies leaves nothing behind that another can't finish.

mod answer;
mod backoff;
pub mod conversation;
pub mod crash;
pub mod ledger;
pub mod message;
pub mod service;
pub mod terminal;
