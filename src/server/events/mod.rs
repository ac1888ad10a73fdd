//! What runs without a command of the module: timers, keyspace events, blocked clients, INFO.

pub mod blocked_clients;
pub mod info;
pub mod lapse_timer;
pub mod session_end;
