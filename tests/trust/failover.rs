//! failover: the primary is killed or cut off while users write, and its replica takes over, by
//! REPLICAOF NO ONE or by a sentinel. Some users wait for the replica after each command (WAIT 1):
//! none of what it has is lost. Of the others' acknowledged commands a prefix survives, and a write
//! with an etag from before is rejected.

use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;
use support::{Client, Reply, Sentinel, Server, wait_until};

use crate::audited::{Audited, without_lapsing};
use crate::crowd::{Answer, Person, Sent, keys, prepare};
use crate::kills::Survived;
use crate::people::{People, Talked};
use crate::proxy::Proxy;
use crate::replica_sync::{assert_in_sync, role, wait_for_replica};
use crate::rounds::{Figures, Rounds, rounds};

const PEOPLE: usize = 4;

/// Short enough to lapse in most rounds.
const TOKEN_S: f64 = 0.05;

/// Commands to the new primary before old etags are tried: as many as may be lost, or these would
/// all name later versions.
const COMMANDS_AFTER: usize = 300;

/// The number of old etags tried for each key, the newest first.
const STALE_MAX: usize = 60;

/// S31: versions continue where the replica stood, and no writer overwrites what it has not read.
#[test]
fn failover() {
    let seen = rounds("failover", Rounds { in_test: 5, in_soak: 200 }, |dice, figures| {
        let careful = dice.bool();
        match dice.u8(..5) {
            0..2 => by_sentinel(dice, careful, figures),
            2..4 => by_hand(dice, careful, figures),
            _ => split(dice, careful, figures),
        }
        figures.add(if careful { "with WAIT" } else { "without WAIT" }, 1);
    });
    let Some(seen) = seen else { return };
    assert!(seen.get("stale etags rejected") > 0, "no old etag was tried");
}

/// The primary is killed, and a sentinel notices it.
fn by_sentinel(dice: &mut Rng, careful: bool, figures: &mut Figures) {
    let mut sentinel = Sentinel::start();
    let promoted = sentinel.replica().port();
    sentinel.notices_within(Duration::from_millis(200));
    for server in [sentinel.primary(), sentinel.replica()] {
        server.client().ok(&["CONFIG", "SET", "state.audit-maxlen", "1000000"]);
    }
    prepare(&mut sentinel.primary().client(), TOKEN_S);
    wait_for_replica(sentinel.primary());
    let people = People::begin(sentinel.primary(), PEOPLE, dice, careful);
    std::thread::sleep(moment(dice));
    sentinel.kill_primary();
    let talked = people.stop();
    wait_until("the sentinel names the other one", || {
        sentinel.primary().port() == promoted && role(sentinel.replica()) == "master"
    });
    goes_on(dice, sentinel.replica(), &talked, figures);
    figures.add("by a sentinel", 1);
}

/// The primary is killed, in half of the rounds after it was cut off from its replica for a while.
fn by_hand(dice: &mut Rng, careful: bool, figures: &mut Figures) {
    let Pair { mut primary, replica, proxy } = pair();
    let people = People::begin(&primary, PEOPLE, dice, careful);
    std::thread::sleep(moment(dice));
    if dice.bool() {
        proxy.part();
        std::thread::sleep(moment(dice) / 4);
    }
    primary.kill();
    let talked = people.stop();
    replica.client().ok(&["REPLICAOF", "NO", "ONE"]);
    goes_on(dice, &replica, &talked, figures);
    figures.add("by hand", 1);
}

/// Both are primaries for a while, and users write to the old one. Then it follows the new one, and
/// holds the same data.
fn split(dice: &mut Rng, careful: bool, figures: &mut Figures) {
    let Pair { primary, replica, proxy } = pair();
    let people = People::begin(&primary, PEOPLE, dice, careful);
    std::thread::sleep(moment(dice));
    proxy.part();
    replica.client().ok(&["REPLICAOF", "NO", "ONE"]);
    std::thread::sleep(moment(dice) / 4);
    let talked = people.stop();
    goes_on(dice, &replica, &talked, figures);
    primary.follow(&replica);
    assert_in_sync(&replica, &primary);
    figures.add("two primaries at once", 1);
}

struct Pair {
    primary: Server,
    replica: Server,
    proxy: Proxy,
}

fn pair() -> Pair {
    let start = || Server::builder().without_schemas().arg("--state.audit-maxlen").arg("1000000").start();
    let (primary, replica) = (start(), start());
    prepare(&mut primary.client(), TOKEN_S);
    let proxy = Proxy::before(primary.port());
    replica.client().ok(&["REPLICAOF", "127.0.0.1", &proxy.port().to_string()]);
    wait_for_replica(&primary);
    Pair { primary, replica, proxy }
}

fn moment(dice: &mut Rng) -> Duration {
    Duration::from_micros(dice.u64(20_000..200_000))
}

/// The invariants of the new primary, before and after users write to it.
#[track_caller]
fn goes_on(dice: &mut Rng, promoted: &Server, talked: &Talked, figures: &mut Figures) {
    let mut client = promoted.client();
    let survived = Survived::read(&mut client);
    survived.has_only(&talked.sent);
    for person in &talked.sent {
        survived.has_a_prefix_of(person);
        for lost in survived.lost_of(person) {
            assert!(!talked.copied.contains(&lost.name), "{}: the replica had it, but it is lost", lost.name);
            figures.add("acknowledged and lost", 1);
        }
    }
    let acknowledged = talked.sent.iter().flatten().filter(|sent| sent.counts()).count();
    figures.add("acknowledged", acknowledged as u64);
    figures.add("acknowledged and confirmed by WAIT", talked.copied.len() as u64);
    let mut after = Person::new("after", dice, false);
    for _ in 0..COMMANDS_AFTER {
        assert!(after.talk(&mut client), "the new primary answers");
    }
    for key in keys() {
        let acknowledged = talked.sent.iter().flatten().filter_map(|sent| etag_of(sent, &key)).collect();
        let audited = Audited::read(&mut client, &key);
        for etag in newest(acknowledged) {
            is_stale(&mut client, &key, &etag, &audited, figures);
        }
    }
}

/// An acknowledged etag with its document.
struct Etag {
    text: String,
    document: Value,
}

fn etag_of(sent: &Sent, key: &str) -> Option<Etag> {
    match &sent.answer {
        Answer::Version { etag, document } if sent.key == key => {
            Some(Etag { text: etag.clone(), document: without_lapsing(document.clone()) })
        }
        _ => None,
    }
}

fn newest(mut etags: Vec<Etag>) -> impl Iterator<Item = Etag> {
    etags.sort_by_key(|etag| std::cmp::Reverse(Client::version(&etag.text)));
    etags.into_iter().take(STALE_MAX)
}

/// A write with it is rejected, except on an equal document, where nothing is overwritten. A lost
/// version is no base for a REBASE either.
#[track_caller]
fn is_stale(client: &mut Client, key: &str, etag: &Etag, audited: &Audited, figures: &mut Figures) {
    let text = etag.text.as_str();
    let stood = audited.lives.iter().find_map(|life| life.document(text));
    if let Some(stood) = &stood {
        assert_eq!(stood, &etag.document, "{key}: {text} names another document");
    }
    let change = r#"{"current":{"data":{"said":"too late"}}}"#;
    let mut commands = vec![vec!["STATE.UPDATE", key, text, change], vec!["STATE.DELETE", key, text]];
    if stood.is_none() {
        commands.push(vec!["STATE.UPDATE", key, text, change, "REBASE"]);
        figures.add("etags of lost versions", 1);
    }
    for command in commands {
        client.ok(&["MULTI"]);
        client.ok(&["STATE.GET", key]);
        client.ok(&command);
        let replies = client.ok(&["EXEC"]);
        let [found, answer] = replies.array() else { panic!("two replies") };
        match answer {
            Reply::Error(line) => {
                assert!(line.starts_with("CONFLICT ") || line.starts_with("NOSTATE "), "{command:?}: {line}");
                figures.add("stale etags rejected", 1);
            }
            _ => assert!(stood.is_some() && found.array()[0].text() == text, "{command:?} answered {answer}"),
        }
    }
}
