//! STATE.WAIT with many clients: one update does not send a large document to all of them at once.

use support::{Client, Server, wait_until};

use crate::{KEY, blocked};

const CROWD: usize = 300;

fn peak(client: &mut Client) -> i64 {
    client.info("memory", "used_memory_peak").parse().expect("a number")
}

#[test]
fn large_replies_are_sent_in_turns() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", &format!(r#"{{"note":"{}"}}"#, "x".repeat(1_000_000))]);
    let mut crowd: Vec<Client> = (0..CROWD).map(|_| server.client()).collect();
    crowd.iter_mut().for_each(|waiter| waiter.send(&["STATE.WAIT", KEY, "1", "0"]));
    blocked(&mut client, CROWD);
    let before = peak(&mut client);
    let etag = client.text(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
    for waiter in &mut crowd {
        let reply = waiter.read();
        assert_eq!(reply.array()[0].text(), etag);
        assert_eq!(reply.array()[1].text().len(), 1_000_026);
    }
    let grown = peak(&mut client) - before;
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes");
    blocked(&mut client, 0);
}

#[test]
fn clients_left_for_a_later_turn_get_nil_after_a_deletion() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", &format!(r#"{{"note":"{}"}}"#, "x".repeat(1_000_000))]);
    let mut crowd: Vec<Client> = (0..50).map(|_| server.client()).collect();
    crowd.iter_mut().for_each(|waiter| waiter.send(&["STATE.WAIT", KEY, "1", "0"]));
    blocked(&mut client, 50);
    let update = ["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#];
    client.pipeline(&[&update[..], &["STATE.DELETE", KEY, "2"][..]]);
    let replies: Vec<_> = crowd.iter_mut().map(Client::read).collect();
    let sent = replies.iter().filter(|reply| !reply.is_nil()).count();
    assert!((1..50).contains(&sent), "{sent}");
    wait_until("all are answered", || client.info("clients", "blocked_clients") == "0");
}
