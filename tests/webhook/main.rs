//! The bot behind WhatsApp, over real HTTP: what comes in by the webhook, and what the Graph API is sent.
//!
//! Everything runs in one process, so that a test can look at a message while it is answered; a service that is dropped dies as
//! its process would: nothing of it runs on, and nobody is told.

mod delivered;
mod door;
mod dying;
mod ends;
mod fakes;
mod graph;
mod stops;

use std::time::{Duration, Instant};

/// Fails the test when the work hangs.
fn soon<T>(work: impl Future<Output = T>) -> T {
    let limited = async { tokio::time::timeout(Duration::from_secs(60), work).await };
    support::block_on(limited).expect("it ends within a minute")
}

/// Looks until it is so.
#[track_caller]
fn until(what: &str, mut done: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    async move {
        while !done() {
            assert!(Instant::now() < deadline, "waited 30 s in vain: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
