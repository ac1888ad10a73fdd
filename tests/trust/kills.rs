//! kill-always and kill-everysec: a server is killed (SIGKILL) at a random instant while users
//! write, and started again. Then its data are compared with what was sent and what was
//! acknowledged.
//!
//! SIGKILL loses nothing that the process has given to the kernel. With `appendfsync everysec` the
//! loss of the machine is simulated too: the end of the file that may not be on disk is cut off, at
//! any byte.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fastrand::Rng;
use support::{Client, Server};

use crate::audited::{AuditEntry, Audited, Life, without_lapsing};
use crate::crowd::{Answer, Crowd, Sent, keys, prepare, understood};
use crate::rounds::{Figures, Rounds, rounds};

const PEOPLE: usize = 6;

/// The maximum loss with `appendfsync everysec`: it syncs each second, and waits one more for a
/// slow sync.
const LOSS_MAX: Duration = Duration::from_secs(2);

/// Long enough to lapse in most rounds, and to be pending at many kills.
const TOKEN_S: f64 = 0.05;

/// S7, S31: an acknowledged update survives the death of the process.
#[test]
fn kill_always() {
    let seen = rounds("kill-always", Rounds { in_test: 50, in_soak: 2_000 }, |dice, figures| {
        let preamble = if dice.bool() { "yes" } else { "no" };
        let mut server = durable("always", preamble);
        let crowd = Crowd::begin(&server, PEOPLE, dice);
        let moment = Duration::from_micros(dice.u64(10_000..150_000));
        if dice.u8(..3) == 0 {
            // In a third of the rounds during, or soon after, a rewrite of the AOF.
            std::thread::sleep(moment / 2);
            server.client().ok(&["BGREWRITEAOF"]);
            std::thread::sleep(moment / 2);
        } else {
            std::thread::sleep(moment);
        }
        server.kill();
        let sent = crowd.silent();
        server.start_again();
        let survived = Survived::read(&mut server.client());
        survived.has_only(&sent);
        for person in &sent {
            if let Some(lost) = survived.lost_of(person).next() {
                panic!("{} was acknowledged, but is lost", lost.name);
            }
        }
        survived.goes_on(&mut server.client(), &sent);
        count(figures, &sent, &survived);
    });
    assert_was_not_idle(seen);
}

/// A prefix of the sent commands survives, and at most two seconds of acknowledged ones are lost.
#[test]
fn kill_everysec() {
    let seen = rounds("kill-everysec", Rounds { in_test: 20, in_soak: 500 }, |dice, figures| {
        let mut server = durable("everysec", "yes");
        let crowd = Crowd::begin(&server, PEOPLE, dice);
        // Only a round of more than two seconds can lose too much.
        let long = dice.u8(..16) == 0;
        let moment = Duration::from_millis(if long { dice.u64(2_050..2_300) } else { dice.u64(10..200) });
        let written = watch(&server, moment);
        server.kill();
        let killed_at = Instant::now();
        let sent = crowd.silent();
        if dice.u8(..4) > 0 {
            cut(dice, &server, &written, killed_at);
        }
        server.start_again();
        let survived = Survived::read(&mut server.client());
        survived.has_only(&sent);
        for person in &sent {
            survived.has_a_prefix_of(person);
            for lost in survived.lost_of(person) {
                let ago = killed_at.saturating_duration_since(lost.answered_at);
                assert!(
                    ago <= LOSS_MAX,
                    "{} was acknowledged {ago:?} before the kill, but is lost",
                    lost.name
                );
                figures.add("acknowledged and lost", 1);
                figures.most("ms the oldest of them had been acknowledged", ago.as_millis() as u64);
            }
        }
        survived.goes_on(&mut server.client(), &sent);
        count(figures, &sent, &survived);
    });
    assert_was_not_idle(seen);
}

fn durable(fsync: &str, preamble: &str) -> Server {
    let builder =
        Server::builder().without_schemas().arg("--appendonly").arg("yes").arg("--appendfsync").arg(fsync);
    let builder = builder.arg("--aof-use-rdb-preamble").arg(preamble);
    // The audit streams keep everything, after the restart too.
    let server = builder.arg("--state.audit-maxlen").arg("1000000").start();
    prepare(&mut server.client(), TOKEN_S);
    server
}

/// The length of the file at these times.
type Written = Vec<(Instant, u64)>;

/// Records the length of the file until the time of the kill.
fn watch(server: &Server, moment: Duration) -> Written {
    let end = Instant::now() + moment;
    let mut written = Written::new();
    while Instant::now() < end {
        // The time first: all that was acknowledged by then is within the length.
        let now = Instant::now();
        written.push((now, std::fs::metadata(file_of(server)).expect("the AOF").len()));
        std::thread::sleep(Duration::from_millis(2));
    }
    written
}

/// Cuts off what may not be on disk: bytes of the last two seconds.
fn cut(dice: &mut Rng, server: &Server, written: &Written, killed_at: Instant) {
    let file = std::fs::OpenOptions::new().write(true).open(file_of(server)).expect("the AOF");
    let len = file.metadata().expect("the AOF").len();
    let safe = |(at, _): &&(Instant, u64)| killed_at.duration_since(*at) < LOSS_MAX;
    let safe_len = written.iter().find(safe).map_or(len, |(_, len)| *len);
    file.set_len(dice.u64(safe_len..=len)).expect("the AOF");
}

/// The AOF file that receives new commands.
fn file_of(server: &Server) -> PathBuf {
    server.dir().join("appendonlydir/appendonly.aof.1.incr.aof")
}

/// The data of the server after its restart.
pub struct Survived {
    keys: BTreeMap<String, Audited>,
    /// The names of the applied commands.
    names: BTreeSet<String>,
}

impl Survived {
    #[track_caller]
    pub fn read(client: &mut Client) -> Survived {
        let keys: BTreeMap<String, Audited> =
            keys().map(|key| (key.clone(), Audited::read(client, &key))).collect();
        let entries = keys.values().flat_map(Audited::entries);
        let names = entries.filter_map(|entry| entry.actor.clone()).collect();
        Survived { keys, names }
    }

    fn has(&self, sent: &Sent) -> bool {
        self.names.contains(&sent.name)
    }

    /// Every entry belongs to a sent command, none is there twice, no rejected one is there, and an
    /// acknowledged version is the version that was acknowledged.
    #[track_caller]
    pub fn has_only(&self, sent: &[Vec<Sent>]) {
        let names: BTreeMap<&str, &Sent> =
            sent.iter().flatten().map(|sent| (sent.name.as_str(), sent)).collect();
        for (key, audited) in &self.keys {
            let mut seen = BTreeSet::new();
            for life in &audited.lives {
                for entry in &life.entries {
                    let Some(actor) = entry.actor.as_deref() else {
                        let event = entry.event.as_str();
                        assert!(["lapse", "expire"].contains(&event), "{key}: {event} without an actor");
                        continue;
                    };
                    let sent = names.get(actor).unwrap_or_else(|| panic!("{actor} was never sent"));
                    assert!(seen.insert(actor), "{actor} is there twice");
                    assert_eq!(&sent.key, key, "{actor}");
                    is_what_was_answered(life, entry, sent);
                }
            }
        }
    }

    /// Acknowledged commands that are lost.
    pub fn lost_of<'s>(&'s self, person: &'s [Sent]) -> impl Iterator<Item = &'s Sent> {
        person.iter().filter(|sent| sent.counts() && !self.has(sent))
    }

    /// Once a command is lost, all later ones of that user are lost too.
    #[track_caller]
    pub fn has_a_prefix_of(&self, person: &[Sent]) {
        let Some(first) = person.iter().position(|sent| sent.counts() && !self.has(sent)) else {
            return;
        };
        for later in &person[first..] {
            assert!(!self.has(later), "{} survived, but {} did not", later.name, person[first].name);
        }
    }

    /// Each user sends its unacknowledged command again, and then it is applied once, whether it
    /// survived or not.
    #[track_caller]
    fn goes_on(&self, client: &mut Client, sent: &[Vec<Sent>]) {
        let again: Vec<(&Sent, Answer)> =
            unanswered(sent).map(|sent| (sent, understood(&sent.words, client.call(&sent.words)))).collect();
        let after = Survived::read(client);
        for (key, audited) in &after.keys {
            for life in &audited.lives {
                life.check_actors(key);
            }
        }
        for (sent, answer) in again {
            let counts = after.has(sent);
            assert!(
                counts || matches!(answer, Answer::Rejected),
                "{} was acknowledged, but is missing",
                sent.name
            );
        }
    }
}

#[track_caller]
fn is_what_was_answered(life: &Life, entry: &AuditEntry, sent: &Sent) {
    let name = &sent.name;
    match &sent.answer {
        Answer::Rejected => panic!("{name} was rejected, but has an entry"),
        Answer::Version { etag, document } => {
            assert_eq!(&entry.etag, etag, "{name}");
            assert_eq!(life.document(etag), Some(without_lapsing(document.clone())), "{name}");
        }
        Answer::Done | Answer::None => {}
    }
}

fn count(figures: &mut Figures, sent: &[Vec<Sent>], survived: &Survived) {
    let acknowledged = sent.iter().flatten().filter(|sent| sent.counts());
    let in_flight: Vec<&Sent> = unanswered(sent).collect();
    figures.add("acknowledged", acknowledged.count() as u64);
    figures.add("in flight", in_flight.len() as u64);
    figures.add("in flight and kept", in_flight.iter().filter(|sent| survived.has(sent)).count() as u64);
    for (what, event) in [("lapses", "lapse"), ("expiries", "expire")] {
        let entries = survived.keys.values().flat_map(Audited::entries);
        figures.add(what, entries.filter(|entry| entry.event == event).count() as u64);
    }
}

fn unanswered(sent: &[Vec<Sent>]) -> impl Iterator<Item = &Sent> {
    sent.iter().flatten().filter(|sent| matches!(sent.answer, Answer::None))
}

/// Rounds without activity would show nothing.
fn assert_was_not_idle(seen: Option<Figures>) {
    let Some(seen) = seen else { return };
    for what in ["acknowledged", "in flight", "lapses", "expiries"] {
        assert!(seen.get(what) > 0, "no {what} in any round");
    }
}
