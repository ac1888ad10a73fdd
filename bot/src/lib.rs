//! A bot on redis-state: VimbisoPay's bot, without memory of its own.
//!
//! All that it knows of a user is one state in Redis. So two processes can answer the same user in
//! turn, and any process can complete the work of one that died.

mod answer;
mod backoff;
pub mod conversation;
pub mod crash;
pub mod ledger;
pub mod message;
pub mod restart;
pub mod service;
pub mod terminal;
