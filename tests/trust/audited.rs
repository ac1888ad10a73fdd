//! All that a server shows of one key, checked against its audit stream: state, snapshots, labels
//! and attempts.
//!
//! The audit stream is read from its beginning into the reference model: the documents follow from
//! the patches of its entries, and the model says which snapshots are kept. Not compared with what
//! a client saw before a crash alone: no client has seen the last instant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reference::attempts::{Attempts, Outcome};
use reference::json::tree;
use reference::patch;
use reference::versions::{self, Versions};
use serde_json::Value;
use support::{Client, Reply};

/// No more deadlines follow each other closely.
const READS_MAX: usize = 20;

pub struct AuditEntry {
    pub event: String,
    pub etag: String,
    /// A name for each command in these tests.
    pub actor: Option<String>,
    fields: BTreeMap<String, String>,
}

/// A key from its creation to its end.
#[derive(Default)]
pub struct Life {
    pub entries: Vec<AuditEntry>,
    /// All versions, so without trimming.
    versions: Versions<Commit>,
    attempts: Attempts<()>,
    has_ended: bool,
}

type Version = versions::Version<Commit>;

#[derive(Clone)]
struct Commit {
    etag: String,
    turn: Option<String>,
    /// The index of its entry.
    entry: usize,
}

/// All lives of a key, oldest first.
pub struct Audited {
    pub lives: Vec<Life>,
}

impl Audited {
    /// Reads a key and checks it.
    #[track_caller]
    pub fn read(client: &mut Client, key: &str) -> Audited {
        let kept_max = [setting(client, "state.snapshots"), setting(client, "state.labels")];
        let replies = replies(client, key);
        let [state, meta, history, attempts, stream] = &replies[..] else { panic!("five replies") };
        let mut audited = Audited { lives: Vec::new() };
        for reply in stream.array() {
            audited.add(key, entry(reply));
        }
        match audited.lives.last().filter(|life| !life.has_ended) {
            None => assert!(state.is_nil(), "{key} has a state after the end in its audit stream: {state}"),
            Some(life) => {
                assert!(!state.is_nil(), "{key} has no state, and no end in its audit stream");
                life.check_state(key, state, meta, history, attempts);
                life.check_kept(key, history, kept_max);
                life.check_snapshots(key, client, history);
            }
        }
        audited
    }

    #[track_caller]
    fn add(&mut self, key: &str, entry: AuditEntry) {
        if entry.event == "create" {
            assert!(self.lives.last().is_none_or(|life| life.has_ended), "{key} is created twice");
            self.lives.push(Life::default());
        }
        let life = self.lives.last_mut().unwrap_or_else(|| panic!("{key} begins with {}", entry.event));
        assert!(!life.has_ended, "{key}: {} after the end", entry.event);
        life.add(key, entry);
    }

    pub fn entries(&self) -> impl Iterator<Item = &AuditEntry> {
        self.lives.iter().flat_map(|life| &life.entries)
    }
}

impl Life {
    /// Each version has one entry, in order. Any other entry is about the present version.
    #[track_caller]
    fn add(&mut self, key: &str, entry: AuditEntry) {
        match entry.event.as_str() {
            "create" => self.commit(key, &entry, entry.field("document").into()),
            "update" | "rollback" | "lapse" => {
                let patched = patch::apply_text(&self.versions.head().text, entry.field("patch"));
                let document = patched.unwrap_or_else(|wrong| panic!("{key}, {}: {wrong}", entry.etag));
                self.commit(key, &entry, document.into());
            }
            event => {
                assert_eq!(entry.etag, self.versions.head().commit.etag, "{key}: {event} of another version");
                match event {
                    "attempt" | "reject" => {}
                    "delete" | "expire" => self.has_ended = true,
                    other => panic!("{key}: no test makes {other}"),
                }
            }
        }
        if let Some(operation) = entry.fields.get("operation") {
            self.attempts.record(operation, entry.outcome(), ());
        }
        self.entries.push(entry);
    }

    #[track_caller]
    fn commit(&mut self, key: &str, entry: &AuditEntry, document: Arc<str>) {
        let parent = entry.field("parent").parse().expect("a version");
        let commit = Commit {
            etag: entry.etag.clone(),
            turn: entry.fields.get("turn").cloned(),
            entry: self.entries.len(),
        };
        self.versions.commit(parent, document, commit);
        let number = self.versions.head().number;
        assert_eq!(Client::version(&entry.etag), number, "{key}: exactly one entry a version");
        assert_eq!(entry.field("version"), number.to_string());
    }

    /// The document of a version, if there was one with this etag.
    pub fn document(&self, etag: &str) -> Option<Value> {
        let version = self.versions.find(Client::version(etag))?;
        (version.commit.etag == etag).then(|| without_lapsing(tree(&version.text)))
    }

    #[track_caller]
    fn check_state(&self, key: &str, state: &Reply, meta: &Reply, history: &Reply, attempts: &Reply) {
        assert_eq!(meta.field("etag"), &state.array()[0], "{key}");
        assert_eq!(meta.field("snapshots").int() + 1, history.array().len() as i64, "{key}");
        assert_eq!(meta.field("valid").int(), 1, "{key}");
        for entry in history.array() {
            self.check_history_entry(key, entry);
        }
        // Reads show a lapse before the timer commits it.
        if let Some(head) = self.versions.find(number(&history.array()[0])) {
            assert_eq!(state.array()[0].text(), self.versions.head().commit.etag, "{key}");
            check_document(key, head, state);
        }
        let shown: BTreeMap<String, i64> = attempts
            .field_names()
            .into_iter()
            .map(|name| (name.clone(), attempts.field(&name).int()))
            .collect();
        let counts = self.attempts.counts().into_iter();
        let counted: BTreeMap<String, i64> =
            counts.map(|(operation, count)| (operation.to_string(), count as i64)).collect();
        assert_eq!(shown, counted, "{key}: attempts");
    }

    /// HISTORY agrees with the audit entry of each version.
    #[track_caller]
    fn check_history_entry(&self, key: &str, shown: &Reply) {
        let number = number(shown);
        let Some(version) = self.versions.find(number) else {
            let next = self.versions.head().number + 1;
            let is_lapse = shown.field("event").text() == "lapse";
            assert!(number == next && is_lapse, "{key}: {shown} has no audit entry");
            return;
        };
        let entry = &self.entries[version.commit.entry];
        for name in ["event", "at"] {
            assert_eq!(shown.field(name).text(), entry.field(name), "{key}, version {number}: {name}");
        }
        assert_eq!(shown.field("parent").int() as u64, version.parent, "{key}, version {number}");
        let actor = Some(shown.field("actor")).filter(|actor| !actor.is_nil()).map(Reply::text);
        assert_eq!(actor, entry.actor.as_deref(), "{key}, version {number}");
        let turn = Some(shown.field("turn")).filter(|turn| !turn.is_nil()).map(Reply::text);
        assert_eq!(turn, version.commit.turn.as_deref(), "{key}, version {number}");
    }

    /// The kept versions are those of the reference model: of a turn its last version, but for
    /// labelled ones. No audit entry has a label, and no test here moves one: each is taken as set
    /// with its version.
    #[track_caller]
    fn check_kept(&self, key: &str, history: &Reply, [snapshots, labels]: [usize; 2]) {
        let mut versions = self.versions.clone();
        let head = versions.head().clone();
        if number(&history.array()[0]) > head.number {
            let lapse = Commit { turn: None, ..head.commit };
            versions.commit(head.number, head.text, lapse);
        }
        for entry in history.array().iter().rev().filter(|entry| !entry.field("label").is_nil()) {
            versions.set_label(entry.field("label").text(), number(entry));
        }
        let labelled = |number: u64| versions.label_of(number).is_some();
        let pairs = versions
            .kept()
            .windows(2)
            .filter(|pair| pair[0].commit.turn.is_some() && pair[0].commit.turn == pair[1].commit.turn);
        let replaced: BTreeSet<u64> =
            pairs.map(|pair| pair[0].number).filter(|number| !labelled(*number)).collect();
        versions.retain_snapshots(|version| !replaced.contains(&version.number));
        versions.trim(snapshots, labels);
        let shown: Vec<u64> = history.array().iter().rev().map(number).collect();
        assert_eq!(shown, versions.numbers(), "{key}: the kept versions");
    }

    /// Each snapshot has the etag and the document of its audit entry.
    #[track_caller]
    fn check_snapshots(&self, key: &str, client: &mut Client, history: &Reply) {
        for version in history.array().iter().filter_map(|entry| self.versions.find(number(entry))) {
            client.ok(&["MULTI"]);
            client.ok(&["STATE.GET", key, "VERSION", &version.number.to_string()]);
            client.ok(&["STATE.GET", key]);
            let replies = client.ok(&["EXEC"]);
            let [snapshot, present] = replies.array() else { panic!("two replies") };
            // The key may have expired by now, or a member lapsed, whose version drops the oldest.
            let head = &self.versions.head().commit.etag;
            if present.is_nil() || (present.array()[0].text() != head && matches!(snapshot, Reply::Error(_)))
            {
                continue;
            }
            check_document(key, version, snapshot);
        }
    }

    /// No command has two entries in one life.
    #[track_caller]
    pub fn check_actors(&self, key: &str) {
        let mut seen = BTreeSet::new();
        for actor in self.entries.iter().filter_map(|entry| entry.actor.as_deref()) {
            assert!(seen.insert(actor), "{key}: {actor} counts twice");
        }
    }
}

impl AuditEntry {
    #[track_caller]
    fn field(&self, name: &str) -> &str {
        let found = self.fields.get(name);
        found.unwrap_or_else(|| panic!("no {name} in the entry {:?}", self.fields))
    }

    /// The outcome of the attempt at the operation that the entry names.
    fn outcome(&self) -> Outcome {
        match (self.event.as_str(), self.fields.get("outcome").map(String::as_str)) {
            ("reject", _) | (_, Some("failure")) => Outcome::Failure,
            (_, Some("clear")) => Outcome::Clear,
            _ => Outcome::Success,
        }
    }
}

/// The version number in an entry of HISTORY.
#[track_caller]
fn number(entry: &Reply) -> u64 {
    entry.field("version").int() as u64
}

#[track_caller]
fn check_document(key: &str, version: &Version, shown: &Reply) {
    let number = version.number;
    let [etag, document] = shown.array() else { panic!("{key}, version {number}: {shown}") };
    assert_eq!(etag.text(), version.commit.etag, "{key}, version {number}");
    let [shown, audited] = [document.text(), &version.text].map(|text| without_lapsing(tree(text)));
    assert_eq!(shown.to_string(), audited.to_string(), "{key}, version {number}: state and audit stream");
}

#[track_caller]
fn setting(client: &mut Client, name: &str) -> usize {
    client.ok(&["CONFIG", "GET", name]).field(name).text().parse().expect("a number")
}

/// All replies about a key, in one transaction, so that no timer and no other client comes between.
/// A deadline may, since each command reads the clock. Then the key is read again.
#[track_caller]
fn replies(client: &mut Client, key: &str) -> Vec<Reply> {
    let stream = format!("{{{key}}}:audit");
    let mut replies = Vec::new();
    for _ in 0..READS_MAX {
        client.ok(&["MULTI"]);
        for line in [
            // First, since the entry of an expired key is written by this access.
            &["STATE.GET", key][..],
            &["STATE.META", key],
            &["STATE.HISTORY", key],
            &["STATE.ATTEMPTS", key],
            &["XRANGE", &stream, "-", "+"],
        ] {
            assert_eq!(client.text(line), "QUEUED");
        }
        replies = client.ok(&["EXEC"]).array().to_vec();
        let shown = match &replies[..3] {
            [Reply::Nil, Reply::Nil, Reply::Nil] => return replies,
            [Reply::Array(state), meta @ Reply::Array(_), Reply::Array(history)] => {
                [Client::version(state[0].text()), number(meta), number(&history[0])]
            }
            _ => continue,
        };
        if shown[0] == shown[1] && shown[1] == shown[2] {
            return replies;
        }
    }
    panic!("GET, META and HISTORY of {key} never agree: {replies:?}");
}

#[track_caller]
fn entry(reply: &Reply) -> AuditEntry {
    let words = reply.array()[1].array();
    let fields: BTreeMap<String, String> =
        words.chunks(2).map(|pair| (pair[0].text().to_owned(), pair[1].text().to_owned())).collect();
    let of = |name: &str| fields.get(name).cloned();
    AuditEntry {
        event: of("event").expect("an event"),
        etag: of("etag").expect("an etag"),
        actor: of("actor"),
        fields,
    }
}

/// A document without the members that lapse: callers with permission see their secret, audit
/// entries and snapshots mask it, and past the deadline no reply has it.
pub fn without_lapsing(mut document: Value) -> Value {
    if let Some(members) = document.as_object_mut() {
        members.retain(|name, _| !["auth", "form"].contains(&name.as_str()));
    }
    document
}
