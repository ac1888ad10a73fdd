//! The commands that only ask, and those of STATE.SCHEMA.

use std::collections::BTreeSet;

use crate::command::{AUDITS, Command, KEYS, Past};
use crate::json;
use crate::keep::Obeyed;
use crate::line::Line;
use crate::state::{State, Version, tree};
use crate::want::Want;
use crate::world::{Step, World};

const COMMANDS: &[&str] = &[
    "STATE.GET key",
    "STATE.UPDATE key",
    "STATE.ROLLBACK key",
    "STATE.RESET key",
    "STATE.RECOVER key",
    "STATE.HISTORY key",
    "STATE.DIFF key",
    "STATE.META key",
    "STATE.TOUCH key",
    "STATE.SETPROTECTED key",
    "STATE.ATTEMPT key",
    "STATE.ATTEMPTS key",
    "STATE.DELETE key",
    "STATE.VALIDATE name",
    "STATE.HELP",
];
const SUBCOMMANDS: &[&str] = &[
    "STATE.SCHEMA SET name",
    "STATE.SCHEMA GET name",
    "STATE.SCHEMA LIST",
    "STATE.SCHEMA DEL name",
    "STATE.SCHEMA BIND pattern",
    "STATE.SCHEMA UNBIND pattern",
];

impl World {
    pub fn ask(&mut self, command: &Command) -> Step {
        let mut key_asked = None;
        let (line, want) = match command {
            Command::Get { key, version, pointers } => {
                key_asked = Some(*key);
                self.get(*key, *version, pointers)
            }
            Command::History { key, count } => {
                key_asked = Some(*key);
                let mut line = Line::new("STATE.HISTORY", &[KEYS[*key]]);
                line.option_if("COUNT", count.map(|count| count.to_string()).as_deref());
                (
                    line,
                    self.of_state(*key, |state| state.history(*count, |version| self.bytes(state, version))),
                )
            }
            Command::Diff { key, from, to } => {
                key_asked = Some(*key);
                self.diff_line(*key, *from, *to)
            }
            Command::Meta { key } => {
                key_asked = Some(*key);
                let rules = |state: &State| self.rules(state.schema_name());
                let want = self.of_state(*key, |state| state.meta(AUDITS[*key], rules(state)));
                (Line::new("STATE.META", &[KEYS[*key]]), want)
            }
            Command::Attempts { key, operation, count } => {
                key_asked = Some(*key);
                self.attempts(*key, *operation, *count)
            }
            Command::Validate { name, json } => {
                (Line::new("STATE.VALIDATE", &[name, json]), self.validate(name, json))
            }
            Command::SchemaSet { name, text } => self.set_schema(name, *text),
            Command::SchemaGet { name } => {
                let text = self.rules(Some(name)).map(|rules| rules.text());
                (Line::new("STATE.SCHEMA GET", &[name]), Want::optional(text))
            }
            Command::SchemaList => (Line::new("STATE.SCHEMA LIST", &[]), self.list()),
            Command::SchemaBind { pattern, name } => self.bind(*pattern, name),
            Command::SchemaUnbind { pattern } => self.unbind(*pattern),
            Command::SchemaDel { name, force } => self.forget_schema(name, *force),
            Command::Help { of_schemas: true } => {
                (Line::new("STATE.SCHEMA HELP", &[]), Want::Lines(SUBCOMMANDS))
            }
            Command::Help { of_schemas: false } => (Line::new("STATE.HELP", &[]), Want::Lines(COMMANDS)),
            other => unreachable!("played elsewhere: {other:?}"),
        };
        let outcome = if matches!(want, Want::Nil) { "nil" } else { "answered" };
        let mut line = line;
        let words = line.words(None);
        self.step(line, words, want, key_asked, outcome)
    }

    /// What a state answers; nil where there is none.
    pub fn of_state(&self, key: usize, answer: impl Fn(&State) -> Want) -> Want {
        self.slots[key].state.as_ref().map_or(Want::Nil, answer)
    }

    /// Everything about a key that takes many words to ask: each kept version, what changed since then, each operation.
    pub fn questions(&self, key: usize) -> Vec<(Line, Want)> {
        let Some(state) = &self.slots[key].state else { return Vec::new() };
        let past = state.versions.iter().map(|version| Past(state.head().number - version.number));
        let tried: BTreeSet<&'static str> = state.tried.iter().map(|tried| tried.operation).collect();
        let versions =
            past.flat_map(|past| [self.get(key, Some(past), &[]), self.diff_line(key, past, Past(0))]);
        versions.chain(tried.into_iter().map(|operation| self.attempts(key, Some(operation), None))).collect()
    }

    fn get(&self, key: usize, version: Option<Past>, pointers: &[String]) -> (Line, Want) {
        let mut line = Line::new("STATE.GET", &[KEYS[key]]);
        let state = self.slots[key].state.as_ref();
        let number = version.map(|past| state.map_or(1, |state| state.number(past)));
        if let Some(number) = number {
            line = line.arg("VERSION".into()).arg(number.to_string().as_str().into());
            line.marks.push("STATE.GET VERSION".into());
        }
        for pointer in pointers {
            line = line.arg(pointer.as_str().into());
            line.marks.push("STATE.GET pointer".into());
        }
        let want = self.of_state(key, |state| {
            let Some(version) = number.map_or(Some(state.head()), |number| state.find(number)) else {
                return state.no_version();
            };
            let etag = state.etag_of(version);
            let mut document = tree(&version.text);
            if version.number != state.head().number {
                match self.hiding(state, &[version]) {
                    Ok(hiding) => document = hiding.hidden(&document),
                    Err(unknown) => return unknown,
                }
            }
            if pointers.is_empty() {
                return Want::List(vec![Want::Etag(etag), Want::text(&document.to_string())]);
            }
            let member = |pointer: &String| {
                let tokens = json::tokens(pointer).expect("the test names members by pointers");
                json::get(&document, &tokens).map(ToString::to_string)
            };
            let members: Vec<Option<String>> = pointers.iter().map(member).collect();
            let bytes: usize = members.iter().flatten().map(String::len).sum();
            if bytes > self.settings.size.bytes_max.max(document.to_string().len()) {
                return Want::ErrorBegins(format!("TOOBIG the members together take {bytes} bytes"));
            }
            let members = members.iter().map(|member| Want::optional(member.as_deref()));
            Want::List(std::iter::once(Want::Etag(etag)).chain(members).collect())
        });
        (line, want)
    }

    fn diff_line(&self, key: usize, from: Past, to: Past) -> (Line, Want) {
        let state = self.slots[key].state.as_ref();
        let number = |past: Past| state.map_or(1, |state| state.number(past));
        let numbers = [number(from), number(to)].map(|number| number.to_string());
        let line = Line::new("STATE.DIFF", &[KEYS[key], &numbers[0], &numbers[1]]);
        (line, self.of_state(key, |state| self.diff(state, from, to)))
    }

    fn diff(&self, state: &State, from: Past, to: Past) -> Want {
        let version = |past: Past| state.find(state.number(past));
        let (Some(from), Some(to)) = (version(from), version(to)) else { return state.no_version() };
        match self.hiding(state, &[from, to]) {
            Ok(hiding) => {
                let (from, to) = hiding.hidden_pair(&tree(&from.text), &tree(&to.text));
                Want::Patch { from: from.to_string().into(), to: to.to_string().into() }
            }
            Err(unknown) => unknown,
        }
    }

    /// How long the document of a version is as it is shown; the player may read the secrets of the present one.
    pub fn bytes(&self, state: &State, version: &Version) -> u64 {
        if version.number == state.head().number {
            return version.text.len() as u64;
        }
        let hidden = |hiding: Obeyed| hiding.hidden(&tree(&version.text)).to_string().len() as u64;
        self.hiding(state, &[version]).map_or(0, hidden)
    }

    /// By what the secrets of past versions are hidden: the schema as it is now. While it is gone nobody knows which they
    /// are.
    fn hiding(&self, state: &State, versions: &[&Version]) -> Result<Obeyed, Want> {
        let rules = self.rules(state.schema_name());
        let had_secrets = versions.iter().any(|version| version.has_secret);
        match state.schema {
            Some(schema) if (schema.has_secrets || had_secrets) && rules.is_none() => {
                self.needs(schema.name)?
            }
            _ => {}
        }
        Ok(Obeyed { rules, former: None, former_is_gone: false })
    }

    fn validate(&self, name: &'static str, text: &str) -> Want {
        let json = self.readable(text, 0);
        let rules = match (self.needs(name), &json) {
            (Ok(()), _) => self.rules(Some(name)).expect("it is there"),
            (Err(unknown), Ok(_)) => return unknown,
            // Both are wrong: the contract does not say what is said first.
            (Err(unknown), Err(unreadable)) => return Want::OneOf(vec![unknown, unreadable.clone()]),
        };
        let document = match json {
            Ok(document) => document,
            Err(unreadable) => return unreadable,
        };
        if !document.is_object() {
            return Want::Error("INVALID 1 violation: (root): must be an object".into());
        }
        let violations = rules.violations(&document);
        if violations.is_empty() { Want::Ok } else { Want::Invalid(violations) }
    }
}
