//! Signals to processes that a test has started.
//!
//! Not by the program `kill`: it belongs to procps, which a minimal Debian lacks.

use std::process::Child;

use rustix::process::{Pid, kill_process};

pub use rustix::process::Signal;

/// Sends a signal to a child that has not been waited for, so that its process ID is still its own.
pub fn send_signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("a child of this process takes its signals");
}
