//! Simulated users that send commands concurrently until the server is killed, and record what was
//! sent and acknowledged.
//!
//! Every command has a unique name as ACTOR, so that the audit stream shows which ones were
//! applied, and most have it as ID too, with the user as OWNER. Sessions expire and tokens lapse
//! meanwhile: a crash must not separate a timer's version from its audit entry either.

use std::collections::HashMap;
use std::thread::JoinHandle;
use std::time::Instant;

use fastrand::Rng;
use serde_json::{Value, json};
use support::{Client, Reply, Server, repository};

const KEYS: usize = 8;

/// Few, so that commits of one turn often follow each other.
const TURNS: &[&str] = &["wamid.1", "wamid.2"];

/// The maximum number of commands of a user; the server is killed long before.
const COMMANDS_MAX: usize = 100_000;

/// The server's reply.
pub enum Answer {
    /// No reply: the server was killed.
    None,
    /// A new version.
    Version {
        etag: String,
        document: Value,
    },
    /// An attempt was counted, or a state deleted.
    Done,
    Rejected,
}

/// A command that was sent.
pub struct Sent {
    pub name: String,
    pub key: String,
    pub words: Vec<String>,
    pub answer: Answer,
    pub answered_at: Instant,
}

impl Sent {
    /// Whether it was acknowledged, and has changed something.
    pub fn counts(&self) -> bool {
        matches!(self.answer, Answer::Version { .. } | Answer::Done)
    }
}

pub fn keys() -> impl Iterator<Item = String> {
    (0..KEYS).map(|n| format!("channel:+26377123456{n}"))
}

/// The bot's schema for channels, bound to them, with this TTL of the token.
pub fn prepare(client: &mut Client, token_s: f64) {
    let text = std::fs::read_to_string(repository().join("schemas/vimbiso.channel.json")).expect("a schema");
    let mut schema: Value = serde_json::from_str(&text).expect("JSON");
    let auth = &mut schema["properties"]["auth"];
    auth["x-ttl"] = json!(token_s);
    auth["properties"]["token"]["x-ttl"] = json!(token_s);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.channel", &schema.to_string()]);
    client.ok(&["STATE.SCHEMA", "BIND", "channel:*", "vimbiso.channel"]);
}

/// A simulated user.
pub struct Person {
    name: String,
    dice: Rng,
    /// Whether its sessions may expire within milliseconds.
    hasty: bool,
    /// The last known etag of each key.
    etags: HashMap<String, String>,
    pub sent: Vec<Sent>,
}

impl Person {
    pub fn new(name: impl Into<String>, dice: &mut Rng, hasty: bool) -> Person {
        Person { name: name.into(), dice: dice.fork(), hasty, etags: HashMap::new(), sent: Vec::new() }
    }

    /// Sends one command; false if the server is gone.
    pub fn talk(&mut self, client: &mut Client) -> bool {
        let name = format!("{}-{}", self.name, self.sent.len());
        let key = self.dice.choice(keys().collect::<Vec<_>>()).expect("there are keys");
        let words = self.words(&name, &key);
        let answer = client.try_call(&words).map_or(Answer::None, |reply| understood(&words, reply));
        let alive = !matches!(answer, Answer::None);
        if let Answer::Version { etag, .. } = &answer {
            self.etags.insert(key.clone(), etag.clone());
        }
        self.sent.push(Sent { name, key, words, answer, answered_at: Instant::now() });
        alive
    }

    fn words(&mut self, name: &str, key: &str) -> Vec<String> {
        let expected = match self.etags.get(key) {
            Some(etag) if self.dice.u8(..100) < 40 => etag.clone(),
            _ => "*".to_owned(),
        };
        let owner = self.name.clone();
        let channel = json!({"type": "whatsapp", "identifier": key.trim_start_matches("channel:")});
        let turn = *self.dice.choice(TURNS).expect("there are turns");
        let id = ["ID", name, "OWNER", &owner, "TURN", turn, "RETURN"];
        let (command, args): (&[&str], Vec<&str>) = match self.dice.u8(..100) {
            0..50 => (&["STATE.UPDATE"], id.to_vec()),
            50..55 if self.hasty => (&["STATE.UPDATE"], [&id[..], &["PX", "4"]].concat()),
            50..65 => (&["STATE.SETPROTECTED"], id.to_vec()),
            65..80 => (&["STATE.ROLLBACK"], id.to_vec()),
            80..95 => {
                let outcome = if self.dice.bool() { "SUCCESS" } else { "FAILURE" };
                return owned(&[
                    "STATE.ATTEMPT",
                    key,
                    "offer",
                    outcome,
                    "ACTOR",
                    name,
                    "ID",
                    name,
                    "TURN",
                    turn,
                ]);
            }
            _ => (&["STATE.DELETE"], Vec::new()),
        };
        let json = match command {
            ["STATE.UPDATE"] => json!({"channel": channel, "current": {"data": {"said": name}}}).to_string(),
            ["STATE.SETPROTECTED"] => {
                json!({"channel": channel, "action": {"id": name}, "auth": {"token": name}}).to_string()
            }
            _ => String::new(),
        };
        let json = Some(json.as_str()).filter(|json| !json.is_empty());
        let begin = [command[0], key, &expected];
        let words: Vec<&str> = begin.into_iter().chain(json).chain(["ACTOR", name]).chain(args).collect();
        owned(&words)
    }
}

/// Owned copies of words.
pub fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A conflict is an expected reply; a rejection by a rule is not, since all users keep the rules.
pub fn understood(words: &[String], reply: Reply) -> Answer {
    match reply {
        Reply::Int(_) => Answer::Done,
        Reply::Array(items) => {
            let [etag, document] = &items[..] else { panic!("{words:?} answered {items:?}") };
            let document = serde_json::from_str(document.text()).expect("a document is JSON");
            Answer::Version { etag: etag.text().to_owned(), document }
        }
        Reply::Error(line) => {
            let prefix = line.split(' ').next().unwrap_or_default();
            assert!(["CONFLICT", "NOSTATE", "NOVERSION"].contains(&prefix), "{words:?} answered {line}");
            Answer::Rejected
        }
        other => panic!("{words:?} answered {other:?}"),
    }
}

/// Running users.
pub struct Crowd {
    people: Vec<JoinHandle<Vec<Sent>>>,
}

impl Crowd {
    /// Starts this many users.
    pub fn begin(server: &Server, people: usize, dice: &mut Rng) -> Crowd {
        let begin = |n| {
            let (mut client, mut person) = (server.client(), Person::new(format!("person-{n}"), dice, true));
            std::thread::spawn(move || {
                while person.sent.len() < COMMANDS_MAX && person.talk(&mut client) {}
                person.sent
            })
        };
        Crowd { people: (0..people).map(begin).collect() }
    }

    /// The commands of each user, after the server is gone.
    pub fn silent(self) -> Vec<Vec<Sent>> {
        self.people.into_iter().map(|person| person.join().expect("a user without a failure")).collect()
    }
}
