//! One of many clients whose requests and responses make a history: the next request, and what the
//! client remembers.
//!
//! A client writes its own name with each change, so that a document says which request made it. It
//! often expects an earlier etag, since a history without conflicts shows little.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use fastrand::Rng;
use serde_json::{Value, json};
use support::{Client, Reply};

use crate::linearizability::Operation;
use crate::sequential::{Expected, Request, Response};

/// The members that the clients write: few, so that many requests meet.
const MEMBERS: [&str; 5] = ["amount", "handle", "note", "page", "stage"];

pub struct HistoryClient {
    name: String,
    client: usize,
    dice: Rng,
    /// The key of the first requests; the others go to any of `keys`.
    own_key: String,
    keys: Vec<String>,
    own_left: usize,
    left: usize,
    /// The etags that it has seen of each key, by version.
    seen: HashMap<String, BTreeMap<u64, String>>,
    pub operations: Vec<(String, Operation)>,
    /// Each etag in a response, with its key.
    pub etags: Vec<(String, String)>,
}

impl HistoryClient {
    /// Sends so many requests to its own key, then so many to the others.
    pub fn new(
        client: usize,
        dice: &mut Rng,
        own: (String, usize),
        keys: &[String],
        others: usize,
    ) -> HistoryClient {
        HistoryClient {
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

    /// Sends requests until none is left, or until the server does not respond.
    pub fn run(mut self, client: &mut Client) -> HistoryClient {
        while self.left > 0 {
            self.left -= 1;
            let key = self.next_key();
            let name = format!("{}-{}", self.name, self.left);
            let request = self.request(&key, &name);
            let words = self.words(&key, &name, &request);
            let sent_at = Instant::now();
            let reply = client.try_call(&words);
            let until = Instant::now();
            let response = reply.ok().map(|reply| self.response(&key, &words, &reply));
            let is_alive = response.is_some();
            let operation = Operation { name, client: self.client, request, sent_at, response, until };
            self.operations.push((key, operation));
            if !is_alive {
                break;
            }
        }
        self
    }

    /// The server was dead at `dead_at`: a request without a response was applied before, or never.
    pub fn survived(mut self, dead_at: Instant, client: usize) -> HistoryClient {
        if let Some((_, last)) = self.operations.last_mut().filter(|(_, last)| last.response.is_none()) {
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

    fn request(&mut self, key: &str, name: &str) -> Request {
        let empty = BTreeMap::new();
        let seen = self.seen.get(key).unwrap_or(&empty);
        let earlier = self.dice.choice(seen.keys().rev().take(6)).copied();
        let newest = seen.keys().next_back().copied();
        let seen = if self.dice.u8(..4) == 0 { earlier } else { newest };
        let etag = |version: Option<u64>| version.map_or(Expected::Any, Expected::Etag);
        let expected = etag(seen.filter(|_| self.dice.u8(..5) > 0));
        match self.dice.u8(..100) {
            0..25 => Request::Get,
            25..50 => Request::Merge { expected, rebase: false, change: self.change(name) },
            50..80 => {
                let rebase = earlier.is_some();
                Request::Merge { expected: etag(earlier), rebase, change: self.change(name) }
            }
            // A client that has seen no earlier version has no target.
            _ => match earlier.filter(|version| *version > 1) {
                Some(version) => Request::Rollback { expected, to: version - 1 },
                None => Request::Get,
            },
        }
    }

    /// Writes one member or two.
    fn change(&mut self, name: &str) -> Value {
        let written = (0..self.dice.usize(1..=2)).map(|_| *self.dice.choice(&MEMBERS).expect("members"));
        let data: serde_json::Map<String, Value> =
            written.map(|member| (member.to_owned(), json!(name))).collect();
        json!({"current": {"data": data}})
    }

    fn words(&self, key: &str, name: &str, request: &Request) -> Vec<String> {
        let word = |expected: &Expected| match expected {
            Expected::Etag(version) => self.seen[key][version].clone(),
            _ => "*".to_owned(),
        };
        let (begin, end): (Vec<String>, &[&str]) = match request {
            Request::Get => return vec!["STATE.GET".into(), key.into()],
            Request::Merge { expected, rebase, change } => {
                let end: &[&str] = if *rebase { &["REBASE"] } else { &[] };
                (vec!["STATE.UPDATE".into(), key.into(), word(expected), change.to_string()], end)
            }
            Request::Rollback { expected, to } => {
                (vec!["STATE.ROLLBACK".into(), key.into(), word(expected), "TO".into(), to.to_string()], &[])
            }
        };
        let end = ["ACTOR", name, "RETURN"].into_iter().chain(end.iter().copied()).map(str::to_owned);
        begin.into_iter().chain(end).collect()
    }

    fn response(&mut self, key: &str, words: &[String], reply: &Reply) -> Response {
        let (etag, document) = match reply {
            Reply::Array(items) => {
                let [etag, document] = &items[..] else { panic!("{words:?} answered {reply:?}") };
                (etag.text(), Some(document.text().into()))
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
            Some(document) => Response::State { version, document },
            None => Response::Conflict { current: version },
        }
    }
}
