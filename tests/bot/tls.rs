//! The bot and Redis over TLS: `rediss://`, with the system's certificates or those of
//! SSL_CERT_FILE.

use redis_state_bot::ledger::MemoryLedger;
use support::Server;

use crate::echo_service::waiting;
use crate::http_ledger::serve;
use crate::program::{Process, run};
use crate::whatsapp::{FakeGraph, TARIRO, deliver, text};
use crate::{soon, until};

#[test]
fn every_connection_of_the_bot_uses_tls() {
    let server = Server::builder().tls().arg("--state.feed").arg("sessions").start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let (url, authority) = (server.tls_url(), server.authority().display().to_string());
        let more = [("REDIS_STATE_URL", &*url), ("SSL_CERT_FILE", &*authority), ("BOT_FEED", "sessions")];
        let bot = Process::start(&server, &graph, &serve(MemoryLedger::new()), &more);
        assert_eq!(deliver(bot.address, &[text("wamid.1", TARIRO, "hello")]).await, 200);
        graph.has_sent(1).await;
        until("no message waits", || waiting(&mut client) == 0).await;
        assert!(graph.sent()[0].1.contains("not a member yet"), "{:?}", graph.sent());
        // All but the test's own connection use the TLS port.
        let list = client.text(&["CLIENT", "LIST"]);
        let plain = list.lines().filter(|line| line.contains(&format!("laddr=127.0.0.1:{} ", server.port())));
        assert_eq!(plain.count(), 1, "{list}");
        assert!(list.lines().count() >= 4, "{list}");
    });
}

#[test]
fn untrusted_certificate_is_rejected() {
    let server = Server::builder().tls().start();
    let other = Server::builder().tls().start();
    let (url, theirs) = (server.tls_url(), other.authority().display().to_string());
    let output = run("terminal", &[], &[("REDIS_STATE_URL", &url), ("SSL_CERT_FILE", &theirs)]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("certificate"), "{said}");
}

/// A certificate for another name belongs to another server.
#[test]
fn certificate_for_another_name_is_rejected() {
    let server = Server::builder().tls_for("redis.example").start();
    let url = server.tls_url();
    let authority = server.authority().display().to_string();
    let output = run("terminal", &[], &[("REDIS_STATE_URL", &url), ("SSL_CERT_FILE", &authority)]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("certificate"), "{said}");
}
