//! kill-always and kill-everysec: a server is killed (SIGKILL) while people talk to it, at an instant that nobody has chosen,
//! and started again. Then everything it says is held against what was sent and what was acknowledged.
//!
//! Killing a process loses nothing that it has given to the kernel, so with `appendfsync everysec` the death of the machine is
//! played too: the end of the file that can't have been on the disk for sure is cut off, at any byte.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fastrand::Rng;
use support::{Client, Server};

use crate::crowd::{Answer, Crowd, Sent, keys, prepare, understood};
use crate::rounds::{Figures, Rounds, rounds};
use crate::story::{Life, Story, Told, that_stays};

const PEOPLE: usize = 6;

/// What `appendfsync everysec` may lose: it syncs each second, and waits one more for a sync that is slow.
const LOSS_MAX: Duration = Duration::from_secs(2);

/// Long enough to lapse in most rounds, and to be there when the server is killed in many.
const TOKEN_S: f64 = 0.05;

/// S7, S31: an update that was acknowledged is there, whatever happens to the process.
#[test]
fn kill_always() {
    let seen = rounds("kill-always", Rounds { in_test: 50, in_soak: 2_000 }, |dice, figures| {
        let preamble = if dice.bool() { "yes" } else { "no" };
        let mut server = durable("always", preamble);
        let crowd = Crowd::begin(&server, PEOPLE, dice);
        let moment = Duration::from_micros(dice.u64(10_000..150_000));
        if dice.u8(..3) == 0 {
            // A third of them die while, or soon after, their file is written anew.
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
        survived.tells_only_of(&sent);
        for person in &sent {
            if let Some(lost) = survived.lost_of(person).next() {
                panic!("{} was acknowledged, and is lost", lost.name);
            }
        }
        survived.goes_on(&mut server.client(), &sent);
        count(figures, &sent, &survived);
    });
    assert_was_not_idle(seen);
}

/// What survives is what was sent up to some instant, and no more than two seconds of acknowledged work are gone.
#[test]
fn kill_everysec() {
    let seen = rounds("kill-everysec", Rounds { in_test: 20, in_soak: 500 }, |dice, figures| {
        let mut server = durable("everysec", "yes");
        let crowd = Crowd::begin(&server, PEOPLE, dice);
        // Only in a round of more than two seconds can too much be lost.
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
        survived.tells_only_of(&sent);
        for person in &sent {
            survived.is_a_beginning_of(person);
            for lost in survived.lost_of(person) {
                let ago = killed_at.saturating_duration_since(lost.answered_at);
                assert!(
                    ago <= LOSS_MAX,
                    "{} was acknowledged {ago:?} before the kill, and is lost",
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
    // The trails keep all, in the second life too.
    let server = builder.arg("--state.audit-maxlen").arg("1000000").start();
    prepare(&mut server.client(), TOKEN_S);
    server
}

/// How long the file was, and when.
type Written = Vec<(Instant, u64)>;

/// Watches the file grow until the moment to kill has come.
fn watch(server: &Server, moment: Duration) -> Written {
    let end = Instant::now() + moment;
    let mut written = Written::new();
    while Instant::now() < end {
        // First the time: whatever had been acknowledged by then is within the length.
        let now = Instant::now();
        written.push((now, std::fs::metadata(file_of(server)).expect("the AOF").len()));
        std::thread::sleep(Duration::from_millis(2));
    }
    written
}

/// Takes away what the disk need not have had: anything that was written in the last two seconds.
fn cut(dice: &mut Rng, server: &Server, written: &Written, killed_at: Instant) {
    let file = std::fs::OpenOptions::new().write(true).open(file_of(server)).expect("the AOF");
    let len = file.metadata().expect("the AOF").len();
    let safe = |(at, _): &&(Instant, u64)| killed_at.duration_since(*at) < LOSS_MAX;
    let safe_len = written.iter().find(safe).map_or(len, |(_, len)| *len);
    file.set_len(dice.u64(safe_len..=len)).expect("the AOF");
}

/// The file that new commands go to.
fn file_of(server: &Server) -> PathBuf {
    server.dir().join("appendonlydir/appendonly.aof.1.incr.aof")
}

/// What a server says after its second start.
pub struct Survived {
    stories: BTreeMap<String, Story>,
    /// The names of the commands that counted.
    names: BTreeSet<String>,
}

impl Survived {
    #[track_caller]
    pub fn read(client: &mut Client) -> Survived {
        let stories: BTreeMap<String, Story> =
            keys().map(|key| (key.clone(), Story::read(client, &key))).collect();
        let names = stories.values().flat_map(Story::told).filter_map(|told| told.actor.clone()).collect();
        Survived { stories, names }
    }

    fn has(&self, sent: &Sent) -> bool {
        self.names.contains(&sent.name)
    }

    /// Nothing is there that nobody has sent, nothing twice, nothing that was refused; and what was acknowledged as a version
    /// is the version that was acknowledged.
    #[track_caller]
    pub fn tells_only_of(&self, sent: &[Vec<Sent>]) {
        let names: BTreeMap<&str, &Sent> =
            sent.iter().flatten().map(|sent| (sent.name.as_str(), sent)).collect();
        for (key, story) in &self.stories {
            let mut seen = BTreeSet::new();
            for life in &story.lives {
                for told in &life.told {
                    let Some(actor) = told.actor.as_deref() else {
                        let event = told.event.as_str();
                        assert!(["lapse", "expire"].contains(&event), "{key}: {event} by nobody");
                        continue;
                    };
                    let sent = names.get(actor).unwrap_or_else(|| panic!("nobody has sent {actor}"));
                    assert!(seen.insert(actor), "{actor} counts twice");
                    assert_eq!(&sent.key, key, "{actor}");
                    is_what_was_answered(life, told, sent);
                }
            }
        }
    }

    /// What a person was told has happened, and has not.
    pub fn lost_of<'s>(&'s self, person: &'s [Sent]) -> impl Iterator<Item = &'s Sent> {
        person.iter().filter(|sent| sent.counts() && !self.has(sent))
    }

    /// Once something is lost, all that the same person said later is lost too.
    #[track_caller]
    pub fn is_a_beginning_of(&self, person: &[Sent]) {
        let Some(first) = person.iter().position(|sent| sent.counts() && !self.has(sent)) else {
            return;
        };
        for later in &person[first..] {
            assert!(!self.has(later), "{} is there, {} is not", later.name, person[first].name);
        }
    }

    /// Everybody sends again what was not answered, and then it counts once, whether the server had it or not.
    #[track_caller]
    fn goes_on(&self, client: &mut Client, sent: &[Vec<Sent>]) {
        let again: Vec<(&Sent, Answer)> =
            unanswered(sent).map(|sent| (sent, understood(&sent.words, client.call(&sent.words)))).collect();
        let after = Survived::read(client);
        for (key, story) in &after.stories {
            for life in &story.lives {
                life.counts_each_once(key);
            }
        }
        for (sent, answer) in again {
            let counts = after.has(sent);
            assert!(
                counts || matches!(answer, Answer::Refused),
                "{} was acknowledged, and is not there",
                sent.name
            );
        }
    }
}

#[track_caller]
fn is_what_was_answered(life: &Life, told: &Told, sent: &Sent) {
    let name = &sent.name;
    match &sent.answer {
        Answer::Refused => panic!("{name} was refused, and counts"),
        Answer::Version { etag, document } => {
            assert_eq!(&told.etag, etag, "{name}");
            assert_eq!(life.document(etag), Some(that_stays(document.clone())), "{name}");
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
        let told = survived.stories.values().flat_map(Story::told).filter(|told| told.event == event);
        figures.add(what, told.count() as u64);
    }
}

fn unanswered(sent: &[Vec<Sent>]) -> impl Iterator<Item = &Sent> {
    sent.iter().flatten().filter(|sent| matches!(sent.answer, Answer::None))
}

/// Rows of rounds in which nothing was going on would show nothing.
fn assert_was_not_idle(seen: Option<Figures>) {
    let Some(seen) = seen else { return };
    for what in ["acknowledged", "in flight", "lapses", "expiries"] {
        assert!(seen.get(what) > 0, "no {what} in any round");
    }
}
