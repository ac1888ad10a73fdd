//! One conversation as the bot leads it: the etag of each reply goes into the next request.

use std::collections::BTreeMap;

use support::{Client, Reply};

pub const KEY: &str = "channel:+263771234567";
pub const AUDIT: &str = "{channel:+263771234567}:audit";

/// The command that API handlers write with: the members that are theirs alone are written by nobody else.
const API_COMMAND: &str = "STATE.UPDATE";

pub struct Talk<'c> {
    pub client: &'c mut Client,
    /// The last one that a reply carried.
    pub etag: String,
}

impl Talk<'_> {
    pub fn begin(client: &mut Client) -> Talk<'_> {
        Talk { client, etag: "0".to_owned() }
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

    /// An API handler stores what the API said.
    #[track_caller]
    pub fn api(&mut self, change: &str, actor: &str) {
        self.update(API_COMMAND, change, actor, "api");
    }

    #[track_caller]
    fn update(&mut self, command: &str, change: &str, actor: &str, event: &str) {
        let line = [command, KEY, &self.etag, change, "ACTOR", actor, "EVENT", event, "RETURN"];
        let reply = self.client.ok(&line);
        let (etag, document) = (reply.array()[0].text(), reply.array()[1].text());
        self.follows(etag);
        assert_eq!(
            self.client.state(KEY),
            (etag.to_owned(), document.to_owned()),
            "what was returned is there"
        );
        let version = self.version().to_string();
        self.wrote(&[
            ("event", "update"),
            ("name", event),
            ("actor", actor),
            ("version", &version),
            ("etag", &self.etag.clone()),
        ]);
    }

    /// The person goes back.
    #[track_caller]
    pub fn back(&mut self, step: &str) {
        let etag = self.client.text(&["STATE.ROLLBACK", KEY, &self.etag, "ACTOR", "menu"]);
        self.follows(&etag);
        self.wrote(&[("event", "rollback"), ("actor", "menu"), ("etag", &etag)]);
        self.is_at(step);
    }

    /// Takes over the etag of a reply, which must be of the next version.
    #[track_caller]
    fn follows(&mut self, etag: &str) {
        let before = self.version();
        self.etag = etag.to_owned();
        assert_eq!(self.version(), before + 1, "one commit is one version");
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

    /// The newest entry of the trail has these fields.
    #[track_caller]
    pub fn wrote(&mut self, fields: &[(&str, &str)]) {
        let newest = self.client.ok(&["XREVRANGE", AUDIT, "+", "-", "COUNT", "1"]);
        let entry = &newest.array()[0].array()[1];
        for (name, value) in fields {
            assert_eq!(entry.field(name).text(), *value, "{name} of {entry}");
        }
    }

    /// Every version up to the present one has exactly one entry of a commit.
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
