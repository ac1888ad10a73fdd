//! Command lines made from the server's own description of its commands, so that the rows that try
//! all of them miss no command and no option.
//!
//! An unknown kind of value fails the test. Not tables of lines as in `suite`: a new option would
//! have to be added to them.

use std::collections::BTreeSet;

use support::{Client, Reply};

pub const KEY: &str = "channel:+263771234567";
pub const AUDIT: &str = "{channel:+263771234567}:audit";
/// A key beside the state.
pub const SIBLING: &str = "token:+263771234567";

/// Commands for fault injection, which no release has.
const OF_THE_TESTS: [&str; 2] = ["state.panic", "state.fault"];

/// A command line, made from the description of a command.
pub struct Line {
    /// As the server names it: `state.schema|set`.
    pub command: String,
    pub words: Vec<Word>,
}

#[derive(Clone)]
pub struct Word {
    pub text: String,
    /// Whether it is a value that the caller chooses.
    pub is_text: bool,
}

impl Line {
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|found| found.text == word)
    }

    pub fn sent(&self) -> Vec<String> {
        self.words.iter().map(|word| word.text.clone()).collect()
    }
}

/// Every command of the module with its required arguments, and with each of its options.
pub fn lines(client: &mut Client) -> Vec<Line> {
    commands(client).iter().flat_map(|name| lines_of(client, name)).collect()
}

/// The names of all commands of the module.
pub fn commands(client: &mut Client) -> BTreeSet<String> {
    let listed = client.ok(&["COMMAND", "LIST", "FILTERBY", "PATTERN", "state.*"]);
    let names = listed.array().iter().map(|name| name.text().to_owned());
    names.filter(|name| !OF_THE_TESTS.contains(&name.as_str())).collect()
}

fn lines_of(client: &mut Client, name: &str) -> Vec<Line> {
    let docs = client.ok(&["COMMAND", "DOCS", name]);
    if member(docs.field(name), "subcommands").is_some() {
        // A container command does nothing alone.
        return Vec::new();
    }
    let begin: Vec<Word> = name.to_uppercase().split('|').map(said).collect();
    let arguments = member(docs.field(name), "arguments").map_or(&[][..], Reply::array);
    // Required arguments stand first, except AUDIT and ALIGN.
    let (optional, needed): (Vec<&Reply>, Vec<&Reply>) =
        arguments.iter().partition(|argument| is(argument, "optional"));
    let needed = ways_of_all(name, &needed);
    let alone = needed.iter().map(|needed| [&begin[..], needed].concat());
    let ways = optional.iter().flat_map(|option| ways(name, option));
    let with_option = ways.map(|way| [&begin[..], &needed[0], &way].concat());
    alone.chain(with_option).map(|words| Line { command: name.to_owned(), words }).collect()
}

/// All forms of one argument.
fn ways(command: &str, argument: &Reply) -> Vec<Vec<Word>> {
    let parts = || member(argument, "arguments").expect("parts").array();
    let forms = match argument.field("type").text() {
        "oneof" => parts().iter().flat_map(|part| ways(command, part)).collect(),
        "block" => ways_of_all(command, &parts().iter().collect::<Vec<_>>()),
        "pure-token" => vec![Vec::new()],
        "key" => vec![vec![said(key(argument))]],
        _ => vec![vec![Word { text: value(command, argument).to_owned(), is_text: true }]],
    };
    let token = member(argument, "token").map(|token| said(token.text()));
    forms.into_iter().map(|words| token.iter().cloned().chain(words).collect()).collect()
}

/// All forms of a sequence of arguments.
fn ways_of_all(command: &str, arguments: &[&Reply]) -> Vec<Vec<Word>> {
    arguments.iter().fold(vec![Vec::new()], |before, argument| {
        let ways = ways(command, argument);
        before.iter().flat_map(|before| ways.iter().map(|way| [&before[..], way].concat())).collect()
    })
}

fn said(word: &str) -> Word {
    Word { text: word.to_owned(), is_text: false }
}

fn member<'r>(map: &'r Reply, name: &str) -> Option<&'r Reply> {
    map.field_names().contains(&name.to_owned()).then(|| map.field(name))
}

fn is(argument: &Reply, flag: &str) -> bool {
    member(argument, "flags").is_some_and(|flags| flags.array().iter().any(|found| found.text() == flag))
}

/// The key for this argument, by its key spec.
fn key(argument: &Reply) -> &'static str {
    match argument.field("key_spec_index").int() {
        0 => KEY,
        1 => AUDIT,
        2 => SIBLING,
        other => panic!("unknown key spec {other}"),
    }
}

/// A value of this kind.
fn value(command: &str, argument: &Reply) -> &'static str {
    match argument.field("name").text() {
        "expected" if command == "state.wait" => "0",
        "expected" => "*",
        "json" => r#"{"current":{"path":"offer"}}"#,
        "name" => "vimbiso.rules",
        "pattern" => "bound:*",
        "pointer" => "/current",
        "operation" => "confirm",
        "token" => "wamid.1",
        "text" | "effect" | "field-or-value" => "late",
        "id" => "1-1",
        "n" | "version" | "from" | "to" | "numkeys" | "timeout-ms" | "length" => "1",
        "seconds" => "60",
        "milliseconds" => "60000",
        "unix-time-seconds" => "4102444800",
        "unix-time-milliseconds" | "expires-at" | "audit-expires-at" => "4102444800000",
        other => panic!("unknown argument {other}"),
    }
}
