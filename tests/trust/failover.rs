//! failover: the primary is gone, or cut off, while people talk to it, and its replica takes over: told by hand (REPLICAOF NO
//! ONE), or by a sentinel. Some wait for the replica after each command (WAIT 1): nothing that it had is lost. What others were
//! told may be gone; then it is a beginning of what they were told that is left, and whoever comes with an etag of before
//! is told so, and overwrites nothing.

use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;
use support::{Client, Reply, Sentinel, Server, wait_until};

use crate::alike::{alike, is_followed, role};
use crate::crowd::{Answer, Person, Sent, keys, prepare};
use crate::kills::Survived;
use crate::people::{People, Talked};
use crate::proxy::Proxy;
use crate::rounds::{Figures, Rounds, rounds};
use crate::story::{Story, that_stays};

const PEOPLE: usize = 4;

/// Short enough to lapse in most rounds.
const TOKEN_S: f64 = 0.05;

/// What is said to the new primary before the old etags come: as much as may have been lost, or they would all be too new.
const WORDS_AFTER: usize = 300;

/// So many etags of a key are tried, the newest.
const STALE_MAX: usize = 60;

/// S31: versions go on where the replica stood, and nobody writes over what they have not read.
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
    assert!(seen.get("stale etags refused") > 0, "nobody came with an old etag");
}

/// The primary is killed, and a sentinel sees it.
fn by_sentinel(dice: &mut Rng, careful: bool, figures: &mut Figures) {
    let mut sentinel = Sentinel::start();
    let promoted = sentinel.replica().port();
    sentinel.notices_within(Duration::from_millis(200));
    for server in [sentinel.primary(), sentinel.replica()] {
        server.client().ok(&["CONFIG", "SET", "state.audit-maxlen", "1000000"]);
    }
    prepare(&mut sentinel.primary().client(), TOKEN_S);
    is_followed(sentinel.primary());
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

/// Both are primaries for a while, and people talk to the old one. In the end it follows the new one, and holds the same.
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
    alike(&replica, &primary);
    figures.add("both at once", 1);
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
    is_followed(&primary);
    Pair { primary, replica, proxy }
}

fn moment(dice: &mut Rng) -> Duration {
    Duration::from_micros(dice.u64(20_000..200_000))
}

/// Everything that must be true of the new primary, before and after people talk to it.
#[track_caller]
fn goes_on(dice: &mut Rng, promoted: &Server, talked: &Talked, figures: &mut Figures) {
    let mut client = promoted.client();
    let survived = Survived::read(&mut client);
    survived.tells_only_of(&talked.sent);
    for person in &talked.sent {
        survived.is_a_beginning_of(person);
        for lost in survived.lost_of(person) {
            assert!(!talked.copied.contains(&lost.name), "{}: the replica had it, and it is lost", lost.name);
            figures.add("acknowledged and lost", 1);
        }
    }
    let acknowledged = talked.sent.iter().flatten().filter(|sent| sent.counts()).count();
    figures.add("acknowledged", acknowledged as u64);
    figures.add("acknowledged and confirmed by WAIT", talked.copied.len() as u64);
    let mut after = Person::new("after", dice, false);
    for _ in 0..WORDS_AFTER {
        assert!(after.talk(&mut client), "the new primary answers");
    }
    for key in keys() {
        let told = talked.sent.iter().flatten().filter_map(|sent| etag_of(sent, &key)).collect();
        let story = Story::read(&mut client, &key);
        for etag in newest(told) {
            is_stale(&mut client, &key, &etag, &story, figures);
        }
    }
}

/// An etag that somebody was told, and of what.
struct Etag {
    text: String,
    document: Value,
}

fn etag_of(sent: &Sent, key: &str) -> Option<Etag> {
    match &sent.answer {
        Answer::Version { etag, document } if sent.key == key => {
            Some(Etag { text: etag.clone(), document: that_stays(document.clone()) })
        }
        _ => None,
    }
}

fn newest(mut etags: Vec<Etag>) -> impl Iterator<Item = Etag> {
    etags.sort_by_key(|etag| std::cmp::Reverse(Client::version(&etag.text)));
    etags.into_iter().take(STALE_MAX)
}

/// Whoever comes with it is refused, whatever they want: but for who finds the very document that they have read, and that
/// is no overwriting. What is lost is no base for a REBASE either.
#[track_caller]
fn is_stale(client: &mut Client, key: &str, etag: &Etag, story: &Story, figures: &mut Figures) {
    let text = etag.text.as_str();
    let stood = story.lives.iter().find_map(|life| life.document(text));
    if let Some(stood) = &stood {
        assert_eq!(stood, &etag.document, "{key}: {text} stands for another document");
    }
    let change = r#"{"current":{"data":{"said":"too late"}}}"#;
    let mut commands = vec![vec!["STATE.UPDATE", key, text, change], vec!["STATE.DELETE", key, text]];
    if stood.is_none() {
        commands.push(vec!["STATE.UPDATE", key, text, change, "REBASE"]);
        figures.add("etags of what is lost", 1);
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
                figures.add("stale etags refused", 1);
            }
            _ => assert!(stood.is_some() && found.array()[0].text() == text, "{command:?} answered {answer}"),
        }
    }
}
