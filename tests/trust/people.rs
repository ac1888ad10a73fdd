//! Simulated users that stop on request or when the server is gone; a
//! [`Crowd`](crate::crowd::Crowd) stops only with its server. They may wait after each command for
//! a replica (WAIT).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use fastrand::Rng;
use support::{Client, Server};

use crate::crowd::{Person, Sent};

/// The commands of all users.
#[derive(Default)]
pub struct Talked {
    /// By user.
    pub sent: Vec<Vec<Sent>>,
    /// The names of the commands that a replica had.
    pub copied: BTreeSet<String>,
}

pub struct People {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<(Vec<Sent>, BTreeSet<String>)>>,
}

impl People {
    /// Starts this many users; `careful` ones wait for a replica after each command.
    pub fn begin(server: &Server, people: usize, dice: &mut Rng, careful: bool) -> People {
        let stop = Arc::new(AtomicBool::new(false));
        let mut begin = |n| {
            let (client, stop) = (server.client(), Arc::clone(&stop));
            let person = Person::new(format!("person-{n}"), dice, true);
            std::thread::spawn(move || talk(person, client, careful, &stop))
        };
        let threads = (0..people).map(&mut begin).collect();
        People { stop, threads }
    }

    pub fn stop(self) -> Talked {
        self.stop.store(true, Ordering::SeqCst);
        let mut talked = Talked::default();
        for person in self.threads {
            let (sent, copied) = person.join().expect("a user without a failure");
            talked.sent.push(sent);
            talked.copied.extend(copied);
        }
        talked
    }
}

fn talk(
    mut person: Person,
    mut client: Client,
    careful: bool,
    stop: &AtomicBool,
) -> (Vec<Sent>, BTreeSet<String>) {
    let mut copied = BTreeSet::new();
    while !stop.load(Ordering::SeqCst) && person.talk(&mut client) {
        let last = person.sent.last().expect("a command was sent");
        if careful && last.counts() {
            let Ok(replicas) = client.try_call(&["WAIT", "1", "50"]) else { break };
            if replicas.int() > 0 {
                copied.insert(last.name.clone());
            }
        }
    }
    (person.sent, copied)
}
