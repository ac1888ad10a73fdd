//! replica: a replica follows a primary under continuous writes. It joins late, has other settings,
//! and its connection breaks at random bytes: in the handshake, in the RDB, in the middle of a
//! command. In the end both hold the same data, and the replica has rejected no command
//! (`propagation-error-behavior panic` would have killed it).

use std::time::Duration;

use fastrand::Rng;
use support::{CONFIGURED_OTHERWISE, Server, wait_until};

use crate::crowd::prepare;
use crate::memory_figures::number;
use crate::people::People;
use crate::proxy::Proxy;
use crate::replica_sync::assert_in_sync;
use crate::rounds::{Rounds, rounds};

const PEOPLE: usize = 3;

/// Short enough to lapse in most rounds.
const TOKEN_S: f64 = 0.05;

/// S7: whatever happens to their connection, a replica gets the data of its primary.
#[test]
fn replica() {
    let seen = rounds("replica", Rounds { in_test: 20, in_soak: 1_000 }, |dice, figures| {
        let primary = primary(dice);
        prepare(&mut primary.client(), TOKEN_S);
        let replica = replica_of(dice);
        let proxy = Proxy::before(primary.port());
        let people = People::begin(&primary, PEOPLE, dice, false);
        let late = Duration::from_millis(dice.u64(..100));
        std::thread::sleep(late);
        let cuts = dice.u64(1..=4);
        proxy.cut_after((0..cuts).map(|_| length(dice)).collect::<Vec<_>>());
        replica.client().ok(&["REPLICAOF", "127.0.0.1", &proxy.port().to_string()]);
        wait_until("all those connections have broken", || proxy.all_ended());
        wait_until("the replica's link is up", || {
            replica.client().text(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let sent = people.stop().sent.iter().flatten().count();
        assert_in_sync(&primary, &replica);
        let mut client = primary.client();
        figures.add("commands", sent as u64);
        figures.add("connections cut", proxy.cuts());
        figures.add("full resyncs", number(&mut client, "stats", "sync_full"));
        figures.add("partial resyncs", number(&mut client, "stats", "sync_partial_ok"));
        figures.add("lapses", number(&mut client, "state", "state_lapses"));
    });
    let Some(seen) = seen else { return };
    for what in ["connections cut", "full resyncs", "partial resyncs", "lapses"] {
        assert!(seen.get(what) > 0, "no {what} in any round");
    }
}

fn primary(dice: &mut Rng) -> Server {
    let diskless = if dice.bool() { "yes" } else { "no" };
    let mut builder = Server::builder().without_schemas().arg("--repl-diskless-sync").arg(diskless);
    // With a small backlog, a broken connection often needs a full resynchronization.
    let backlog = if dice.bool() { "16kb" } else { "16mb" };
    builder = builder.arg("--repl-backlog-size").arg(backlog);
    builder.start()
}

fn replica_of(dice: &mut Rng) -> Server {
    let load = *dice.choice(&["disabled", "on-empty-db", "swapdb"]).expect("three ways");
    let mut builder = Server::builder().without_schemas().arg("--repl-diskless-load").arg(load);
    for (name, value) in dice.choose_multiple(CONFIGURED_OTHERWISE, 4) {
        builder = builder.arg(format!("--state.{name}")).arg(value);
    }
    let server = builder.start();
    // Not every server has this setting.
    let _or_an_error = server.client().call(&["CONFIG", "SET", "propagation-error-behavior", "panic"]);
    server
}

/// The number of bytes until a connection breaks: some in the handshake, most in the RDB or the
/// commands after it.
fn length(dice: &mut Rng) -> u64 {
    match dice.u8(..6) {
        0 => dice.u64(1..400),
        1..3 => dice.u64(400..40_000),
        _ => dice.u64(40_000..400_000),
    }
}
