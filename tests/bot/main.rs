//! The bot that lives on the module: its terminal as a process, its conversation in this one, and what a crash leaves.

mod crash;
mod failures;
mod once;
mod over_http;
mod terminal;
mod times;
mod world;
