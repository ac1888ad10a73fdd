//! The client crate against a real server: what it does to a connection, to a conflict and to a lost answer.

mod bot;
mod cached_user;
mod cannot;
mod channel;
mod channel_api;
mod channel_errors;
mod channel_roles;
mod cluster;
mod connections;
mod cutting;
mod errors;
mod import;
mod import_again;
mod import_documents;
mod keys;
mod menu;
mod requests;
mod retries;
mod schemas;
mod sentinel;
mod spans;
