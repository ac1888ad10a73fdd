//! The client crate against a real server: what it does to a connection, to a conflict and to a lost answer.

mod bot;
mod cannot;
mod channel;
mod channel_api;
mod channel_errors;
mod channel_roles;
mod retries;
