//! What a server says of one key, all of it: the state, its past versions, its attempts and its trail; and whether they tell one
//! story. Whatever has happened to the server, they must.
//!
//! The trail is read from its beginning, and the documents are built anew from its patches, so that each version stands twice:
//! as the state keeps it and as the trail tells it. Comparing with what was there before the crash was rejected as the only
//! means: nobody has seen what was there in the last instant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::{Client, Reply};

/// More deadlines don't come one behind the other.
const READS_MAX: usize = 20;

/// One entry of the trail.
pub struct Told {
    pub event: String,
    pub etag: String,
    /// Who wrote it: in these tests a name for each command that is sent.
    pub actor: Option<String>,
    fields: BTreeMap<String, String>,
}

/// A key from its creation to its end.
#[derive(Default)]
pub struct Life {
    pub told: Vec<Told>,
    /// What each version holds; version 1 comes first.
    versions: Vec<Version>,
    attempts: BTreeMap<String, i64>,
    ended: bool,
}

struct Version {
    etag: String,
    document: Value,
    told: usize,
}

/// All lives of a key, oldest first.
pub struct Story {
    pub lives: Vec<Life>,
}

impl Story {
    #[track_caller]
    pub fn read(client: &mut Client, key: &str) -> Story {
        let replies = replies(client, key);
        let [state, meta, history, attempts, trail] = &replies[..] else { panic!("five replies") };
        let mut story = Story { lives: Vec::new() };
        for entry in trail.array() {
            story.goes_on(key, told(entry));
        }
        match story.lives.last().filter(|life| !life.ended) {
            None => assert!(state.is_nil(), "{key} is there, but its trail says that it has ended: {state}"),
            Some(life) => {
                assert!(!state.is_nil(), "{key} is not there, and its trail does not say that it has ended");
                life.is_what_stands_there(key, state, meta, history, attempts);
                life.has_its_past(key, client, history);
            }
        }
        story
    }

    #[track_caller]
    fn goes_on(&mut self, key: &str, told: Told) {
        if told.event == "create" {
            assert!(self.lives.last().is_none_or(|life| life.ended), "{key} is created twice");
            self.lives.push(Life::default());
        }
        let life = self.lives.last_mut().unwrap_or_else(|| panic!("{key} begins with {}", told.event));
        assert!(!life.ended, "{key}: {} after the end", told.event);
        life.goes_on(key, told);
    }

    pub fn told(&self) -> impl Iterator<Item = &Told> {
        self.lives.iter().flat_map(|life| &life.told)
    }
}

impl Life {
    /// Each version is told once and in its turn; all else is told of the version that was there.
    #[track_caller]
    fn goes_on(&mut self, key: &str, told: Told) {
        match told.event.as_str() {
            "create" => self.commit(key, &told, serde_json::from_str(told.field("document")).expect("JSON")),
            "update" | "rollback" | "lapse" => {
                let mut document = self.versions.last().expect("created").document.clone();
                let patch: json_patch::Patch = serde_json::from_str(told.field("patch")).expect("a patch");
                json_patch::patch(&mut document, &patch).unwrap_or_else(|error| {
                    panic!("{key}: the patch of {} does not fit: {error}", told.etag)
                });
                self.commit(key, &told, document);
            }
            event => {
                let last = self.versions.last().map(|version| version.etag.as_str());
                assert_eq!(Some(told.etag.as_str()), last, "{key}: {event} is told of another version");
                match event {
                    "attempt" | "reject" => {}
                    "delete" | "expire" => self.ended = true,
                    other => panic!("{key}: nothing here makes {other}"),
                }
            }
        }
        // Whatever names an operation is an attempt at it: an update that is refused, too.
        if let Some(operation) = told.fields.get("operation") {
            *self.attempts.entry(operation.clone()).or_default() += 1;
        }
        self.told.push(told);
    }

    #[track_caller]
    fn commit(&mut self, key: &str, told: &Told, document: Value) {
        let version = Client::version(&told.etag);
        assert_eq!(version, self.versions.len() as u64 + 1, "{key}: exactly one entry a version");
        assert_eq!(told.field("version"), version.to_string());
        self.versions.push(Version { etag: told.etag.clone(), document, told: self.told.len() });
    }

    /// What a version held, if there was one with this etag.
    pub fn document(&self, etag: &str) -> Option<Value> {
        let number = i64::try_from(Client::version(etag)).ok()?;
        let version = self.version(number).filter(|version| version.etag == etag)?;
        Some(that_stays(version.document.clone()))
    }

    #[track_caller]
    fn is_what_stands_there(
        &self,
        key: &str,
        state: &Reply,
        meta: &Reply,
        history: &Reply,
        attempts: &Reply,
    ) {
        assert_eq!(meta.field("etag"), &state.array()[0], "{key}");
        let snapshots = meta.field("snapshots").int();
        assert_eq!(usize::try_from(snapshots).expect("a count") + 1, history.array().len(), "{key}");
        assert_eq!(meta.field("valid").int(), 1, "{key}");
        for entry in history.array() {
            self.has_told(key, entry);
        }
        let head = history.array()[0].field("version").int();
        // What has lapsed is shown before the timer has written it.
        if self.version(head).is_some() {
            let last = self.versions.last().expect("created");
            assert_eq!(state.array()[0].text(), last.etag, "{key}");
            self.holds(key, head, state);
        }
        let counted: BTreeMap<String, i64> = attempts
            .field_names()
            .into_iter()
            .map(|name| (name.clone(), attempts.field(&name).int()))
            .collect();
        assert_eq!(counted, self.attempts, "{key}: attempts");
    }

    /// What a version of the history says of itself is what the trail says of it.
    #[track_caller]
    fn has_told(&self, key: &str, entry: &Reply) {
        let number = entry.field("version").int();
        let Some(version) = self.version(number) else {
            let next = self.versions.len() as i64 + 1;
            assert!(number == next && entry.field("event").text() == "lapse", "{key}: {entry} is not told");
            return;
        };
        let told = &self.told[version.told];
        for name in ["event", "at"] {
            assert_eq!(entry.field(name).text(), told.field(name), "{key}, version {number}: {name}");
        }
        assert_eq!(entry.field("parent").int().to_string(), told.field("parent"), "{key}, version {number}");
        let actor = Some(entry.field("actor")).filter(|actor| !actor.is_nil()).map(Reply::text);
        assert_eq!(actor, told.actor.as_deref(), "{key}, version {number}");
    }

    /// Each version that is kept has the etag and the document that were told.
    #[track_caller]
    fn has_its_past(&self, key: &str, client: &mut Client, history: &Reply) {
        let kept: Vec<i64> = history.array().iter().map(|entry| entry.field("version").int()).collect();
        for number in kept.into_iter().filter(|number| self.version(*number).is_some()) {
            let number_said = number.to_string();
            client.ok(&["MULTI"]);
            client.ok(&["STATE.GET", key, "VERSION", &number_said]);
            client.ok(&["STATE.GET", key]);
            let replies = client.ok(&["EXEC"]);
            let [past, present] = replies.array() else { panic!("two replies") };
            // Its time may have come, or that of a member, which makes a version and drops the oldest.
            let last = &self.versions.last().expect("created").etag;
            if present.is_nil() || (present.array()[0].text() != last && matches!(past, Reply::Error(_))) {
                continue;
            }
            self.holds(key, number, past);
        }
    }

    #[track_caller]
    fn holds(&self, key: &str, number: i64, shown: &Reply) {
        let version = self.version(number).expect("a version that is told");
        let [etag, document] = shown.array() else { panic!("{key}, version {number}: {shown}") };
        assert_eq!(etag.text(), version.etag, "{key}, version {number}");
        let document: Value = serde_json::from_str(document.text()).expect("a document is JSON");
        let told = that_stays(version.document.clone());
        assert_eq!(that_stays(document), told, "{key}, version {number}: state and trail");
    }

    fn version(&self, number: i64) -> Option<&Version> {
        self.versions.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// No command has two entries in one life.
    #[track_caller]
    pub fn counts_each_once(&self, key: &str) {
        let mut seen = BTreeSet::new();
        for actor in self.told.iter().filter_map(|told| told.actor.as_deref()) {
            assert!(seen.insert(actor), "{key}: {actor} counts twice");
        }
    }
}

impl Told {
    #[track_caller]
    fn field(&self, name: &str) -> &str {
        let found = self.fields.get(name);
        found.unwrap_or_else(|| panic!("no {name} in the entry {:?}", self.fields))
    }
}

/// Everything, in one transaction, so that no timer and no other client comes in between. A deadline may: each command looks at
/// the clock. Then the replies are of two instants, and the question is asked again.
#[track_caller]
fn replies(client: &mut Client, key: &str) -> Vec<Reply> {
    let trail = format!("{{{key}}}:audit");
    let mut replies = Vec::new();
    for _ in 0..READS_MAX {
        client.ok(&["MULTI"]);
        for line in [
            // First, for a key whose time is up gets its last entry now.
            &["STATE.GET", key][..],
            &["STATE.META", key],
            &["STATE.HISTORY", key],
            &["STATE.ATTEMPTS", key],
            &["XRANGE", &trail, "-", "+"],
        ] {
            assert_eq!(client.text(line), "QUEUED");
        }
        replies = client.ok(&["EXEC"]).array().to_vec();
        let shown = match &replies[..3] {
            [Reply::Nil, Reply::Nil, Reply::Nil] => return replies,
            [Reply::Array(state), meta @ Reply::Array(_), Reply::Array(history)] => {
                let of = |reply: &Reply| reply.field("version").int();
                [Client::version(state[0].text()) as i64, of(meta), of(&history[0])]
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
fn told(entry: &Reply) -> Told {
    let words = entry.array()[1].array();
    let fields: BTreeMap<String, String> =
        words.chunks(2).map(|pair| (pair[0].text().to_owned(), pair[1].text().to_owned())).collect();
    let of = |name: &str| fields.get(name).cloned();
    Told {
        event: of("event").expect("an entry says what happened"),
        etag: of("etag").expect("and to which version"),
        actor: of("actor"),
        fields,
    }
}

/// A document without the members that lapse: shown to their owner, as stars in a trail and in the past, and to nobody when
/// their time is up.
pub fn that_stays(mut document: Value) -> Value {
    if let Some(members) = document.as_object_mut() {
        members.retain(|name, _| !["auth", "form"].contains(&name.as_str()));
    }
    document
}
