//! What runs without a command of the module: timers, server events, blocked clients, INFO.

pub mod blocked_clients;
pub mod info;
pub mod lapse_timer;
pub mod server_events;
pub mod session_end;
