//! The commands that only read, and those of STATE.SCHEMA.

use reference::json::tree;
use reference::pointer;

use crate::annotations::Applicable;
use crate::command::{AUDITS, Command, KEYS, VersionsBack};
use crate::command_line::Line;
use crate::predicted::Predicted;
use crate::state::{State, Version};
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
    pub fn read(&mut self, command: &Command) -> Step {
        let mut key_asked = None;
        let (line, predicted) = match command {
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
            Command::Diff { key, from, to, with_turns } => {
                key_asked = Some(*key);
                self.diff_line(*key, *from, *to, *with_turns)
            }
            Command::Meta { key } => {
                key_asked = Some(*key);
                let rules = |state: &State| self.rules(state.schema_name());
                let predicted = self.of_state(*key, |state| state.meta(AUDITS[*key], rules(state)));
                (Line::new("STATE.META", &[KEYS[*key]]), predicted)
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
                (Line::new("STATE.SCHEMA GET", &[name]), Predicted::optional(text))
            }
            Command::SchemaList => (Line::new("STATE.SCHEMA LIST", &[]), self.list()),
            Command::SchemaBind { pattern, name } => self.bind(*pattern, name),
            Command::SchemaUnbind { pattern } => self.unbind(*pattern),
            Command::SchemaDel { name, force } => self.delete_schema(name, *force),
            Command::Help { of_schemas: true } => {
                (Line::new("STATE.SCHEMA HELP", &[]), Predicted::Lines(SUBCOMMANDS))
            }
            Command::Help { of_schemas: false } => (Line::new("STATE.HELP", &[]), Predicted::Lines(COMMANDS)),
            other => unreachable!("played elsewhere: {other:?}"),
        };
        let outcome = if matches!(predicted, Predicted::Nil) { "nil" } else { "answered" };
        self.step(line, None, predicted, key_asked, outcome)
    }

    /// The reply about a state; nil without one.
    pub fn of_state(&self, key: usize, answer: impl Fn(&State) -> Predicted) -> Predicted {
        self.slots[key].state.as_ref().map_or(Predicted::Nil, answer)
    }

    /// The commands that show every kept version of a key, the changes since, and each operation.
    pub fn final_probes(&self, key: usize) -> Vec<(Line, Predicted)> {
        let Some(state) = &self.slots[key].state else { return Vec::new() };
        let back =
            state.versions.numbers().into_iter().map(|number| VersionsBack(state.head().number - number));
        let versions = back.flat_map(|back| {
            [self.get(key, Some(back), &[]), self.diff_line(key, back, VersionsBack(0), false)]
        });
        let operations = state.attempts.operations();
        let attempts = operations.iter().map(|operation| self.attempts(key, Some(operation), None));
        versions.chain(attempts).collect()
    }

    fn get(&self, key: usize, version: Option<VersionsBack>, pointers: &[String]) -> (Line, Predicted) {
        let mut line = Line::new("STATE.GET", &[KEYS[key]]);
        let state = self.slots[key].state.as_ref();
        let number = version.map(|back| state.map_or(1, |state| state.number(back)));
        if let Some(number) = number {
            line = line.arg("VERSION".into()).arg(number.to_string().as_str().into());
            line.marks.push("STATE.GET VERSION".into());
        }
        for pointer in pointers {
            line = line.arg(pointer.as_str().into());
            line.marks.push("STATE.GET pointer".into());
        }
        let predicted = self.of_state(key, |state| {
            let Some(version) = number.map_or(Some(state.head()), |number| state.versions.find(number))
            else {
                return state.no_version();
            };
            let etag = state.etag_of(version);
            let mut document = tree(&version.text);
            if version.number != state.head().number {
                match self.masking(state, &[version]) {
                    Ok(masking) => document = masking.masked(&document),
                    Err(unknown) => return unknown,
                }
            }
            if pointers.is_empty() {
                return Predicted::List(vec![Predicted::Etag(etag), Predicted::text(&document.to_string())]);
            }
            let member = |pointer: &String| {
                let tokens = pointer::tokens(pointer).expect("the test names members by pointers");
                pointer::get(&document, &tokens).map(ToString::to_string)
            };
            let members: Vec<Option<String>> = pointers.iter().map(member).collect();
            let bytes: usize = members.iter().flatten().map(String::len).sum();
            if bytes > self.settings.size.bytes_max.max(document.to_string().len()) {
                return Predicted::ErrorBegins(format!("TOOBIG the members together take {bytes} bytes"));
            }
            let members = members.iter().map(|member| Predicted::optional(member.as_deref()));
            Predicted::List(std::iter::once(Predicted::Etag(etag)).chain(members).collect())
        });
        (line, predicted)
    }

    fn diff_line(
        &self,
        key: usize,
        from: VersionsBack,
        to: VersionsBack,
        with_turns: bool,
    ) -> (Line, Predicted) {
        let state = self.slots[key].state.as_ref();
        let number = |back: VersionsBack| state.map_or(1, |state| state.number(back));
        let numbers = [number(from), number(to)].map(|number| number.to_string());
        let mut line = Line::new("STATE.DIFF", &[KEYS[key], &numbers[0], &numbers[1]]);
        if with_turns {
            line.option("WITHTURNS", &[]);
        }
        (line, self.of_state(key, |state| self.diff(state, from, to, with_turns)))
    }

    fn diff(&self, state: &State, from: VersionsBack, to: VersionsBack, with_turns: bool) -> Predicted {
        let version = |back: VersionsBack| state.versions.find(state.number(back));
        let (Some(from), Some(to)) = (version(from), version(to)) else { return state.no_version() };
        let masking = match self.masking(state, &[from, to]) {
            Ok(masking) => masking,
            Err(unknown) => return unknown,
        };
        let (before, after) = masking.masked_pair(&tree(&from.text), &tree(&to.text));
        let patch = Predicted::Patch { from: before.to_string().into(), to: after.to_string().into() };
        if !with_turns {
            return patch;
        }
        let turns = [from, to].map(|version| Predicted::optional(version.commit.turn));
        Predicted::List(std::iter::once(patch).chain(turns).collect())
    }

    /// The length of a version's document as it is shown. The test user sees secrets of the present
    /// version.
    pub fn bytes(&self, state: &State, version: &Version) -> u64 {
        if version.number == state.head().number {
            return version.text.len() as u64;
        }
        let masked = |masking: Applicable| masking.masked(&tree(&version.text)).to_string().len() as u64;
        self.masking(state, &[version]).map_or(0, masked)
    }

    /// The schema that masks snapshots: the present text under the state's schema name. Without it,
    /// the secrets are unknown.
    fn masking(&self, state: &State, versions: &[&Version]) -> Result<Applicable, Predicted> {
        let rules = self.rules(state.schema_name());
        let had_secrets = versions.iter().any(|version| version.commit.has_secret);
        match state.schema {
            Some(schema) if (schema.has_secrets || had_secrets) && rules.is_none() => {
                self.needs(schema.name)?
            }
            _ => {}
        }
        Ok(Applicable { rules, former: None, former_is_missing: false })
    }

    fn validate(&self, name: &'static str, text: &str) -> Predicted {
        let json = self.readable(text, 0);
        let rules = match (self.needs(name), &json) {
            (Ok(()), _) => self.rules(Some(name)).expect("a schema that is set"),
            (Err(unknown), Ok(_)) => return unknown,
            // Which of two errors is reported is unspecified.
            (Err(unknown), Err(unreadable)) => return Predicted::OneOf(vec![unknown, unreadable.clone()]),
        };
        let document = match json {
            Ok(document) => document,
            Err(unreadable) => return unreadable,
        };
        if !document.is_object() {
            return Predicted::Error("INVALID 1 violation: (root): must be an object".into());
        }
        let violations = rules.violations(&document);
        if violations.is_empty() { Predicted::Ok } else { Predicted::Invalid(violations) }
    }
}
