//! The bot: its program as processes, its conversation and service in this process, and recovery
//! from crashes.

mod action_api;
mod api_limits;
mod crash;
mod delivered;
mod duplicates;
mod echo_service;
mod failures;
mod flood;
mod flows;
mod graph;
mod http_ledger;
mod kills;
mod lapsed_sessions;
mod limits;
mod message_properties;
mod offers;
mod past_menus;
mod payloads;
mod permissions;
mod process_death;
mod processes;
mod program;
mod restart;
mod secrets;
mod session_end_notices;
mod shutdown;
mod taps;
mod terminal;
mod tls;
mod webhook;
mod whatsapp;
mod whatsapp_user;
mod world;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use tokio::net::TcpListener;

/// Fails the test when the work hangs.
fn soon<T>(work: impl Future<Output = T>) -> T {
    let limited = async { tokio::time::timeout(Duration::from_secs(120), work).await };
    support::block_on(limited).expect("it ends within two minutes")
}

/// Serves on another thread until the test ends, also while the test waits for a process. Returns
/// the address.
fn serve(router: Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("a bound socket");
    std::thread::spawn(move || {
        support::block_on(async move {
            axum::serve(TcpListener::from_std(listener).expect("a socket"), router).await
        })
    });
    address
}

/// Polls until it is true.
#[track_caller]
fn until(what: &str, mut done: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    async move {
        while !done() {
            assert!(Instant::now() < deadline, "timeout after 30 s: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
