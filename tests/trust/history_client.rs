//! One of many clients whose requests and replies make a history: chooses the next request, and
//! records the replies.
//!
//! Every write has a unique name, so a document shows its writer. Many requests name old etags: a
//! history without conflicts shows little.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use fastrand::Rng;
use serde_json::{Value, json};
use support::{Client, Reply};

use crate::linear::Operation;
use crate::reference::{Ask, Said};

/// The members that the clients write at random: few, so that many writes overlap.
const MEMBERS: [&str; 5] = ["amount", "handle", "note", "page", "stage"];

/// A client, with its requests and replies so far.
pub struct Talker {
    name: String,
    client: usize,
    dice: Rng,
    /// The key of the first requests; later ones go to any of `keys`.
    own_key: String,
    keys: Vec<String>,
    own_left: usize,
    left: usize,
    /// The known etags of each key, by version.
    seen: HashMap<String, BTreeMap<u64, String>>,
    pub operations: Vec<(String, Operation)>,
    /// Each etag of a key that it got.
    pub etags: Vec<(String, String)>,
}

impl Talker {
    /// A client that sends so many requests to its own key, then so many to the others.
    pub fn new(
        client: usize,
        dice: &mut Rng,
        own: (String, usize),
        keys: &[String],
        others: usize,
    ) -> Talker {
        Talker {
            name: format!("client-{client}"),
            client,
            dice: dice.fork(),
            own_key: own.0,
            keys: keys.to_vec(),
            own_left: own.1,
            left: own.1 + others,
            seen: HashMap::new(),
            operations: Vec::new(),
            etags: Vec::new(),
        }
    }

    pub fn has_more(&self) -> bool {
        self.left > 0
    }

    /// Sends requests until the last one, or until the server is gone.
    pub fn talk(mut self, client: &mut Client) -> Talker {
        while self.left > 0 {
            self.left -= 1;
            let key = self.next_key();
            let name = format!("{}-{}", self.name, self.left);
            let ask = self.ask(&key, &name);
            let words = self.words(&key, &name, &ask);
            let asked_at = Instant::now();
            let reply = client.try_call(&words);
            let until = Instant::now();
            let said = reply.ok().map(|reply| self.understood(&key, &words, &reply));
            let alive = said.is_some();
            let operation = Operation { name, client: self.client, ask, asked_at, said, until };
            self.operations.push((key, operation));
            if !alive {
                break;
            }
        }
        self
    }

    /// Its server was dead by then: a request without a reply had been applied before, or never.
    pub fn survived(mut self, dead_at: Instant, client: usize) -> Talker {
        if let Some((_, last)) = self.operations.last_mut().filter(|(_, last)| last.said.is_none()) {
            last.until = dead_at;
            self.client = client;
        }
        self
    }

    fn next_key(&mut self) -> String {
        if self.own_left > 0 {
            self.own_left -= 1;
            return self.own_key.clone();
        }
        self.dice.choice(&self.keys).expect("there are keys").clone()
    }

    fn ask(&mut self, key: &str, name: &str) -> Ask {
        let empty = BTreeMap::new();
        let seen = self.seen.get(key).unwrap_or(&empty);
        let old = self.dice.choice(seen.keys().rev().take(6)).copied();
        let newest = seen.keys().next_back().copied();
        let wanted = if self.dice.u8(..4) == 0 { old } else { newest };
        let expected = wanted.filter(|_| self.dice.u8(..5) > 0);
        match self.dice.u8(..100) {
            0..25 => Ask::Get,
            25..50 => Ask::Merge { expected, rebase: false, change: self.change(name) },
            50..80 => Ask::Merge { rebase: old.is_some(), expected: old, change: self.change(name) },
            // Without an older known version there is no target for a rollback.
            _ => match old.filter(|old| *old > 1) {
                Some(old) => Ask::Rollback { expected, to: old - 1 },
                None => Ask::Get,
            },
        }
    }

    /// A change of one or two members.
    fn change(&mut self, name: &str) -> Value {
        let written = (0..self.dice.usize(1..=2)).map(|_| *self.dice.choice(&MEMBERS).expect("members"));
        let data: serde_json::Map<String, Value> =
            written.map(|member| (member.to_owned(), json!(name))).collect();
        json!({"current": {"data": data}})
    }

    fn words(&self, key: &str, name: &str, ask: &Ask) -> Vec<String> {
        let etag = |version: &Option<u64>| match version {
            Some(version) => self.seen[key][version].clone(),
            None => "*".to_owned(),
        };
        let (begin, end): (Vec<String>, &[&str]) = match ask {
            Ask::Get => return vec!["STATE.GET".into(), key.into()],
            Ask::Merge { expected, rebase, change } => {
                let end: &[&str] = if *rebase { &["REBASE"] } else { &[] };
                (vec!["STATE.UPDATE".into(), key.into(), etag(expected), change.to_string()], end)
            }
            Ask::Rollback { expected, to } => {
                (vec!["STATE.ROLLBACK".into(), key.into(), etag(expected), "TO".into(), to.to_string()], &[])
            }
        };
        let end = ["ACTOR", name, "RETURN"].into_iter().chain(end.iter().copied()).map(str::to_owned);
        begin.into_iter().chain(end).collect()
    }

    fn understood(&mut self, key: &str, words: &[String], reply: &Reply) -> Said {
        let (etag, document) = match reply {
            Reply::Array(items) => {
                let [etag, document] = &items[..] else { panic!("{words:?} answered {reply:?}") };
                (etag.text(), Some(serde_json::from_str(document.text()).expect("a document is JSON")))
            }
            Reply::Error(line) if line.starts_with("CONFLICT ") => {
                (line.rsplit(' ').next().expect("the line ends with an etag"), None)
            }
            other => panic!("{words:?} answered {other:?}"),
        };
        let version = Client::version(etag);
        self.seen.entry(key.to_owned()).or_default().insert(version, etag.to_owned());
        self.etags.push((key.to_owned(), etag.to_owned()));
        match document {
            Some(document) => Said::State { version, document },
            None => Said::Conflict { current: version },
        }
    }
}
