//! A flood of connections that send nothing, or never finish their request.

use std::time::{Duration, Instant};

use support::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::echo_service::{Echo, config, start};
use crate::soon;
use crate::whatsapp::{FakeGraph, TARIRO, deliver, text};

const UNFINISHED_HEADERS: &str = "POST /webhook HTTP/1.1\r\nHost: bot\r\nX-Padding: ";
const UNFINISHED_BODY: &str = "POST /webhook HTTP/1.1\r\nHost: bot\r\nContent-Length: 1000\r\n\r\n{";

/// Opens this many connections, each with the beginning of a request.
async fn flood(bot: std::net::SocketAddr, count: usize, beginning: &str) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(bot).await.expect("it accepts");
        // The bot may have closed it already.
        let _closed = stream.write_all(beginning.as_bytes()).await;
        held.push(stream);
    }
    held
}

/// The number of connections that are still open.
async fn still_open(held: &mut [TcpStream]) -> usize {
    let mut open = 0;
    for stream in held {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(Duration::from_millis(1), stream.read_to_end(&mut rest)).await;
        open += usize::from(read.is_err());
    }
    open
}

/// The bot has 20 connections here, and 300 clients want one.
#[test]
fn unfinished_requests_do_not_block_the_webhook() {
    let server = Server::start();
    soon(async {
        let graph = FakeGraph::start();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        for (number, beginning) in ["", UNFINISHED_HEADERS, UNFINISHED_BODY].iter().enumerate() {
            let mut held = flood(bot.address(), 300, beginning).await;
            let begun = Instant::now();
            let message = [text(&format!("wamid.{number}"), TARIRO, "hi")];
            assert_eq!(deliver(bot.address(), &message).await, 200);
            assert!(begun.elapsed() < Duration::from_secs(2), "{:?}: {beginning:?}", begun.elapsed());
            let open = still_open(&mut held).await;
            assert!(open <= 20, "{open} are open: {beginning:?}");
        }
        graph.has_sent(3).await;
    });
}

/// Below the limit, an unfinished connection is closed too.
#[test]
fn unfinished_headers_are_disconnected() {
    let server = Server::start();
    soon(async {
        let graph = FakeGraph::start();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        let mut held = flood(bot.address(), 5, UNFINISHED_HEADERS).await;
        assert_eq!(still_open(&mut held).await, 5);
        let deadline = Instant::now() + Duration::from_secs(15);
        for stream in &mut held {
            // Single bytes do not extend the timeout.
            while Instant::now() < deadline && stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        assert_eq!(still_open(&mut held).await, 0);
    });
}

/// A signed request keeps its connection, here while Redis hangs.
#[test]
fn signed_request_keeps_its_connection() {
    let server = Server::start();
    soon(async {
        let graph = FakeGraph::start();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        let address = bot.address();
        server.freeze();
        let message = [text("wamid.1", TARIRO, "hi")];
        let delivered = tokio::spawn(async move { deliver(address, &message).await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        let held = flood(address, 300, UNFINISHED_HEADERS).await;
        server.thaw();
        assert_eq!(delivered.await.expect("no panic"), 200);
        graph.has_sent(1).await;
        drop(held);
    });
}
