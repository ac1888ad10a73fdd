//! replica: a server follows another one whose people don't stop talking. It comes late, it is configured otherwise, and its
//! connection breaks at random bytes: in the handshake, in the snapshot, in the middle of a command. In the end both hold the
//! same, and no command on the way was refused there (`propagation-error-behavior panic` would have ended the replica).

use std::time::Duration;

use fastrand::Rng;
use support::{CONFIGURED_OTHERWISE, Server, wait_until};

use crate::alike::alike;
use crate::crowd::prepare;
use crate::people::People;
use crate::pressure::number;
use crate::proxy::Proxy;
use crate::rounds::{Rounds, rounds};

const PEOPLE: usize = 3;

/// Short enough to lapse in most rounds.
const TOKEN_S: f64 = 0.05;

/// S7: whatever happens to the connection between them, a replica comes to hold what its primary holds.
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
        wait_until("all those connections have broken", || proxy.is_through());
        wait_until("the replica's link is up", || {
            replica.client().text(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let sent = people.stop().sent.iter().flatten().count();
        alike(&primary, &replica);
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
    // With the small one a connection that breaks has often missed too much: then all is sent anew.
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
    // Not every server has it.
    let _or_an_error = server.client().call(&["CONFIG", "SET", "propagation-error-behavior", "panic"]);
    server
}

/// After how many bytes a connection breaks: some in what is said first, most in the snapshot or the commands behind it.
fn length(dice: &mut Rng) -> u64 {
    match dice.u8(..6) {
        0 => dice.u64(1..400),
        1..3 => dice.u64(400..40_000),
        _ => dice.u64(40_000..400_000),
    }
}
