//! A script: the commands sent to a server, with JSON as trees so that it can be mutated.

use std::io::Write as _;

use serde_json::Value;
use support::repository;

/// The name of a script's schema.
pub const SCHEMA: &str = "vimbiso.cost";
pub const KEY: &str = "channel:+263771234567";

#[derive(Clone, Debug)]
pub enum Word {
    Text(Vec<u8>),
    /// A document, a change, or a patch.
    Json(Value),
    Schema(Value),
}

#[derive(Clone, Debug)]
pub enum Step {
    Command(Vec<Word>),
    /// This many clients start to wait for the state, until the script ends.
    Waiters(u32),
    /// A pause in milliseconds, so that members lapse.
    Pause(u64),
}

#[derive(Clone, Debug, Default)]
pub struct Script {
    pub steps: Vec<Step>,
}

impl Script {
    pub fn new() -> Script {
        Script::default()
    }

    /// The number of blocked clients of all steps together.
    pub fn waiters(&self) -> u32 {
        let counts = self.steps.iter().map(|step| match step {
            Step::Waiters(count) => *count,
            Step::Command(_) | Step::Pause(_) => 0,
        });
        counts.sum()
    }

    pub fn with(mut self, step: Step) -> Script {
        self.steps.push(step);
        self
    }

    /// Adds a command of plain words.
    pub fn then(self, line: &str) -> Script {
        self.with(command(line))
    }

    pub fn schema(self, schema: Value) -> Script {
        let words = ["STATE.SCHEMA", "SET", SCHEMA].map(text);
        self.with(Step::Command([&words[..], &[Word::Schema(schema)]].concat()))
    }

    pub fn validate(self, document: Value) -> Script {
        let words = ["STATE.VALIDATE", SCHEMA].map(text);
        self.with(Step::Command([&words[..], &[Word::Json(document)]].concat()))
    }

    /// Adds an update of the state; `options` are words after the JSON.
    pub fn update(self, expected: &str, json: Value, options: &str) -> Script {
        let words = ["STATE.UPDATE", KEY, expected].map(text);
        let options: Vec<Word> = options.split_whitespace().map(text).collect();
        self.with(Step::Command([&words[..], &[Word::Json(json)], &options].concat()))
    }
}

pub fn text(word: &str) -> Word {
    Word::Text(word.as_bytes().to_vec())
}

pub fn command(line: &str) -> Step {
    Step::Command(line.split_whitespace().map(text).collect())
}

/// The bytes of a word.
pub fn sent(word: &Word) -> Vec<u8> {
    match word {
        Word::Text(text) => text.clone(),
        Word::Json(json) | Word::Schema(json) => json.to_string().into_bytes(),
    }
}

/// A command with shortened words, for messages.
pub fn shown(words: &[Vec<u8>]) -> String {
    let cut = |word: &Vec<u8>| match word.len() {
        0..=300 => String::from_utf8_lossy(word).into_owned(),
        len => format!("{}… ({len} bytes)", String::from_utf8_lossy(&word[..300])),
    };
    words.iter().map(cut).collect::<Vec<_>>().join(" ")
}

/// The number of last steps shown: a history can have thousands.
const SHOWN_MAX: usize = 12;

/// Writes the bytes of a script to a file, so that they can be sent again; returns its name and the
/// last steps.
pub fn keep(script: &Script) -> String {
    let file = repository().join("target/soak/cost.resp");
    std::fs::create_dir_all(file.parent().expect("target/soak")).expect("a folder in target");
    let mut out = std::fs::File::create(&file).expect("a file in target");
    for step in &script.steps {
        let Step::Command(words) = step else { continue };
        write!(out, "*{}\r\n", words.len()).expect("a file in target");
        for word in words.iter().map(sent) {
            write!(out, "${}\r\n", word.len()).expect("a file in target");
            out.write_all(&[&word[..], b"\r\n"].concat()).expect("a file in target");
        }
    }
    let steps = script.steps.iter().rev().take(SHOWN_MAX).rev().map(|step| match step {
        Step::Command(words) => shown(&words.iter().map(sent).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    });
    format!("the whole script is in {}:\n{}", file.display(), steps.collect::<Vec<_>>().join("\n"))
}
