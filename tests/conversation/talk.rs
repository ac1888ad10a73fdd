//! One conversation as the bot has it: the etag of each reply goes into the next request.
//!
//! The expected documents are computed here, step by step. Comparing replies only with each other
//! would miss a change of the wrong member.

use std::collections::BTreeMap;

use reference::change::merge;
use serde_json::Value;
use support::{Client, Reply};

pub const KEY: &str = "channel:+263771234567";
pub const AUDIT: &str = "{channel:+263771234567}:audit";

/// The command of API handlers: it alone writes protected members.
const API_COMMAND: &str = "STATE.SETPROTECTED";

pub struct Talk<'c> {
    pub client: &'c mut Client,
    /// The etag of the last reply.
    pub etag: String,
    /// The expected document of each version, with its parent; version 1 comes first.
    versions: Vec<(Value, u64)>,
}

impl Talk<'_> {
    pub fn begin(client: &mut Client) -> Talk<'_> {
        Talk { client, etag: "0".to_owned(), versions: Vec::new() }
    }

    /// A user's first message creates a state, which must be this document.
    #[track_caller]
    pub fn first_contact(&mut self, change: &str, document: &str) {
        self.versions.clear();
        let line = ["STATE.UPDATE", KEY, "0", change, "SCHEMA", "vimbiso.channel", "EVENT", "first_contact"];
        let etag = self.client.text(&line);
        self.committed(&etag, json(document), 0);
        self.wrote(&[("event", "create"), ("name", "first_contact"), ("schema", "vimbiso.channel")]);
        // The same message again, as WhatsApp redelivers an unanswered webhook.
        assert_eq!(self.client.err(&line), format!("CONFLICT expected 0, current is {etag}"));
    }

    /// The flow goes on to `path/component`, and `more` of the current step changes with it.
    #[track_caller]
    pub fn step(&mut self, step: &str, more: &str, actor: &str) {
        let (path, component) = step.split_once('/').expect("path/component");
        let begin = format!(r#"{{"current":{{"path":"{path}","component":"{component}""#);
        let more = more.strip_prefix('{').and_then(|more| more.strip_suffix('}')).expect("an object");
        let comma = if more.is_empty() { "" } else { "," };
        self.update("STATE.UPDATE", &format!("{begin}{comma}{more}}}}}"), actor, step);
        self.is_at(step);
    }

    /// An API handler stores a reply of the API.
    #[track_caller]
    pub fn api_update(&mut self, change: &str, actor: &str) {
        self.update(API_COMMAND, change, actor, "api");
    }

    #[track_caller]
    fn update(&mut self, command: &str, change: &str, actor: &str, event: &str) {
        let before = self.version();
        let mut document = self.versions.last().expect("the conversation has begun").0.clone();
        merge(&mut document, json(change));
        let line = [command, KEY, &self.etag, change, "ACTOR", actor, "EVENT", event, "RETURN"];
        let reply = self.client.ok(&line);
        let (etag, returned) = (reply.array()[0].text().to_owned(), reply.array()[1].text());
        self.committed(&etag, document, before);
        assert_eq!(self.client.state(KEY).1, returned, "what was returned is there");
        self.wrote(&[("event", "update"), ("name", event), ("actor", actor)]);
    }

    /// The user goes back: to the nearest ancestor that differs, whose parent the new version takes
    /// over.
    #[track_caller]
    pub fn back(&mut self, step: &str) {
        let (present, mut target) = self.versions.last().expect("the conversation has begun").clone();
        let (document, parent) = loop {
            let (document, parent) = self.versions[usize::try_from(target).expect("small") - 1].clone();
            if document != present {
                break (document, parent);
            }
            target = parent;
        };
        let etag = self.client.text(&["STATE.ROLLBACK", KEY, &self.etag, "ACTOR", "menu"]);
        self.committed(&etag, document, parent);
        self.wrote(&[("event", "rollback"), ("actor", "menu")]);
        self.is_at(step);
    }

    /// A reply with a new version: it must be the next one, with the expected document.
    #[track_caller]
    fn committed(&mut self, etag: &str, document: Value, parent: u64) {
        self.etag = etag.to_owned();
        self.versions.push((document, parent));
        assert_eq!(self.version(), self.versions.len() as u64, "one commit is one version");
        self.is_unchanged();
        let version = self.version().to_string();
        self.wrote(&[("version", &version), ("parent", &parent.to_string()), ("etag", etag)]);
    }

    /// The state is unchanged since the last commit.
    #[track_caller]
    pub fn is_unchanged(&mut self) {
        let (etag, text) = self.client.state(KEY);
        assert_eq!(etag, self.etag);
        assert_eq!(Some(&json(&text)), self.versions.last().map(|(document, _)| document));
    }

    /// The number of audit entries.
    #[track_caller]
    pub fn entries(&mut self) -> i64 {
        self.client.ok(&["XLEN", AUDIT]).int()
    }

    fn version(&self) -> u64 {
        self.etag.split('-').next().and_then(|version| version.parse().ok()).expect("an etag")
    }

    #[track_caller]
    pub fn is_at(&mut self, step: &str) {
        let reply = self.client.ok(&["STATE.GET", KEY, "/current/path", "/current/component"]);
        let parts: Vec<&str> = reply.array()[1..].iter().map(|part| part.text().trim_matches('"')).collect();
        assert_eq!(parts.join("/"), step);
        assert_eq!(reply.array()[0].text(), self.etag);
    }

    /// The member at `pointer` has this text.
    #[track_caller]
    pub fn shows(&mut self, pointer: &str, text: &str) {
        let reply = self.client.ok(&["STATE.GET", KEY, pointer]);
        assert_eq!(reply.array()[1].text(), text, "{pointer}");
    }

    /// The newest audit entry has these fields.
    #[track_caller]
    pub fn wrote(&mut self, fields: &[(&str, &str)]) {
        let newest = self.client.ok(&["XREVRANGE", AUDIT, "+", "-", "COUNT", "1"]);
        let entry = &newest.array()[0].array()[1];
        for (name, value) in fields {
            assert_eq!(entry.field(name).text(), *value, "{name} of {entry}");
        }
    }

    /// Every version up to the present one has exactly one audit entry of a commit.
    #[track_caller]
    pub fn has_one_commit_for_each_version(&mut self) {
        let mut commits: BTreeMap<u64, usize> = BTreeMap::new();
        for entry in self.client.ok(&["XRANGE", AUDIT, "-", "+"]).array() {
            let fields = &entry.array()[1];
            if ["create", "update", "rollback"].contains(&fields.field("event").text()) {
                let version = fields.field("version").text().parse().expect("a version");
                *commits.entry(version).or_default() += 1;
            }
        }
        let expected: BTreeMap<u64, usize> = (1..=self.version()).map(|version| (version, 1)).collect();
        assert_eq!(commits, expected);
        assert_eq!(self.client.ok(&["STATE.META", KEY]).field("version"), &Reply::Int(self.version() as i64));
    }
}

#[track_caller]
fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
