//! pause: members fall due while writes are impossible. Writes are paused (CLIENT PAUSE), a replica
//! takes over (FAILOVER), or the primary's process is stopped (SIGSTOP). A timer that wrote then
//! would abort the server.
//!
//! Meanwhile readers see each member until its deadline and no longer, on the primary or the
//! replica. Afterwards each lapse is committed once, dated at its deadline, with the etag that was
//! read before.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use serde_json::json;
use support::{Client, Reply, Server, wait_until};

use crate::crowd::{keys, prepare};
use crate::replica_sync::{assert_in_sync, role, wait_for_replica};
use crate::rounds::{Figures, Rounds, rounds};

/// What prevents writes.
#[derive(Clone, Copy, PartialEq)]
enum Hold {
    Pause,
    Failover,
    Stop,
}

/// A member that will lapse.
struct Due {
    key: String,
    /// The deadline as STATE.META returns it.
    at: String,
    at_ms: i64,
}

/// S13: a lapse waits until writes are possible.
#[test]
fn pause() {
    let holds = [Hold::Pause, Hold::Failover, Hold::Stop];
    let seen = rounds("pause", Rounds { in_test: 6, in_soak: 500 }, |dice, figures| {
        let (primary, replica) = (start(), start());
        replica.follow(&primary);
        wait_for_replica(&primary);
        // Long enough for all of them to be written before the first falls due.
        prepare(&mut primary.client(), dice.f64() * 0.25 + 0.2);
        let hold = *dice.choice(&holds).expect("three of them");
        let pids = [primary.pid(), replica.pid()];
        let dues = states(dice, &mut primary.client());
        replica.catch_up(&primary);
        let long = how_long(dice, &dues);
        let held = held(hold, &primary, &replica, &dues, long);
        let (first, second) =
            if hold == Hold::Failover { (&replica, &primary) } else { (&primary, &replica) };
        let mut client = first.client();
        for due in &dues {
            lapses_once(&mut client, due, &held, figures);
        }
        assert_in_sync(first, second);
        assert_eq!([primary.pid(), replica.pid()], pids);
        for server in [&primary, &replica] {
            assert!(!server.log().contains("ASSERTION"), "{}", server.log());
        }
        figures.add(["paused", "failed over", "stopped"][hold as usize], 1);
    });
    let Some(seen) = seen else { return };
    assert!(seen.get("delayed lapses") > 0, "no member fell due while writes were impossible");
}

fn start() -> Server {
    Server::builder().without_schemas().start()
}

/// A token at each key, in sequence, some written twice, so that their deadlines differ.
fn states(dice: &mut Rng, client: &mut Client) -> Vec<Due> {
    let mut state = |key: String| {
        let channel = json!({"type": "whatsapp", "identifier": key.trim_start_matches("channel:")});
        for turn in 0..dice.u8(1..=2) {
            let change = json!({"channel": channel, "auth": {"token": format!("eyJ{turn}")}}).to_string();
            std::thread::sleep(Duration::from_millis(dice.u64(..4)));
            client.ok(&["STATE.SETPROTECTED", &key, "*", &change]);
        }
        let meta = client.ok(&["STATE.META", &key]);
        let deadlines = meta.field("deadlines");
        // On a slow machine it may have lapsed already.
        let at = deadlines
            .field_names()
            .contains(&"/auth/token".to_owned())
            .then(|| deadlines.field("/auth/token"));
        at.map(|at| Due { key, at: at.text().to_owned(), at_ms: millis(at.text()) })
    };
    keys().filter_map(&mut state).collect()
}

/// In half of the rounds until all members are due.
fn how_long(dice: &mut Rng, dues: &[Due]) -> Duration {
    let all = dues.iter().map(|due| due.at_ms - now_ms() + 10).max();
    let all = all.and_then(|ms| u64::try_from(ms).ok()).filter(|_| dice.bool());
    Duration::from_millis(all.unwrap_or_else(|| dice.u64(100..500)))
}

fn stream_of(key: &str) -> String {
    format!("{{{key}}}:audit")
}

/// What was read while writes were impossible.
struct Held {
    /// No write happened between these times, by the clock that all processes here share.
    from_ms: i64,
    until_ms: i64,
    /// The etag with which a state was shown without its member.
    etags: BTreeMap<String, String>,
}

fn held(hold: Hold, primary: &Server, replica: &Server, dues: &[Due], long: Duration) -> Held {
    // Connected before, because a stopped process accepts no connection.
    let mut reader = if hold == Hold::Stop { replica.client() } else { primary.client() };
    let mut client = primary.client();
    let before_ms = now_ms();
    match hold {
        Hold::Pause => drop(client.ok(&["CLIENT", "PAUSE", &long.as_millis().to_string(), "WRITE"])),
        Hold::Failover => {
            replica.freeze();
            client.ok(&["FAILOVER"]);
        }
        Hold::Stop => primary.freeze(),
    }
    let from_ms = now_ms();
    let end_ms = before_ms + long.as_millis() as i64;
    let mut etags = BTreeMap::new();
    while now_ms() < end_ms {
        for due in dues {
            etags.extend(shows_until_its_deadline(&mut reader, due).map(|etag| (due.key.clone(), etag)));
        }
    }
    let until_ms = if hold == Hold::Pause { end_ms } else { now_ms() };
    match hold {
        Hold::Pause => {}
        Hold::Failover => {
            replica.thaw();
            wait_until("the replica is the primary", || role(replica) == "master");
        }
        Hold::Stop => primary.thaw(),
    }
    Held { from_ms, until_ms, etags }
}

/// A member is shown until its deadline and not after it; then with the etag of its lapse.
#[track_caller]
fn shows_until_its_deadline(reader: &mut Client, due: &Due) -> Option<String> {
    let before = now_ms();
    let (etag, document) = reader.state(&due.key);
    let (shown, after) = (document.contains("token"), now_ms());
    assert!(shown || after >= due.at_ms, "{} lapsed before {}", due.key, due.at);
    assert!(!shown || before <= due.at_ms, "{} is shown after {}", due.key, due.at);
    (!shown).then_some(etag)
}

/// The audit stream has one lapse, at its deadline, written when writes were possible.
#[track_caller]
fn lapses_once(client: &mut Client, due: &Due, held: &Held, figures: &mut Figures) {
    let mut lapses = Vec::new();
    wait_until("it has lapsed", || {
        let stream = client.ok(&["XRANGE", &stream_of(&due.key), "-", "+"]);
        let of_lapse = |entry: &&Reply| entry.array()[1].field("event").text() == "lapse";
        // On a slow machine, a token that was written twice may have lapsed in between.
        let at_this = |entry: &&Reply| entry.array()[1].field("at").text() == due.at;
        lapses = stream.array().iter().filter(of_lapse).filter(at_this).cloned().collect();
        !lapses.is_empty()
    });
    let [lapse] = &lapses[..] else { panic!("{} lapses more than once: {lapses:?}", due.key) };
    let id = lapse.array()[0].text();
    let written_ms: i64 =
        id.split('-').next().and_then(|ms| ms.parse().ok()).expect("an ID begins with a time");
    assert!(written_ms >= due.at_ms, "{}: written at {written_ms}, before {}", due.key, due.at);
    let etag = lapse.array()[1].field("etag").text();
    if let Some(shown) = held.etags.get(&due.key) {
        assert_eq!(etag, shown, "{}: the etag that was shown before", due.key);
    }
    figures.add("lapses", 1);
    if (held.from_ms..held.until_ms).contains(&due.at_ms) {
        assert!(
            written_ms >= held.until_ms,
            "{}: written at {written_ms}, while writes were impossible",
            due.key
        );
        figures.add("delayed lapses", 1);
        figures.most("ms of the longest delay", (written_ms - due.at_ms) as u64);
    }
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    now.as_millis() as i64
}

/// The milliseconds of `2026-11-21T18:48:37.123Z`.
fn millis(text: &str) -> i64 {
    let time = chrono::DateTime::parse_from_rfc3339(text).expect("a time as ISO 8601 has it");
    time.timestamp_millis()
}
