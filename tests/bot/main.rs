//! The bot that lives on the module: its program as processes, its conversation and its service in
//! this one, and what a crash leaves.

mod bounds;
mod crash;
mod delivered;
mod door;
mod dying;
mod echo;
mod ends;
mod failures;
mod flood;
mod flows;
mod graph;
mod kills;
mod once;
mod over_http;
mod processes;
mod program;
mod rights;
mod secrets;
mod stops;
mod terminal;
mod times;
mod tls;
mod whatsapp;
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

/// Serves as long as the test runs, on a thread of its own: it answers while a test waits for a
/// process. Its address.
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
