//! The pages tell the truth: the sessions in them are played against a server with redis-cli, and the grammar in
//! docs/commands.md is compared with what the server says of its commands.
//!
//! A session stands between "```console" and "```": prompts with commands, and what redis-cli prints. Digests, times and
//! stream IDs differ from run to run, so they are compared as such.

use std::io::Write;
use std::process::{Command, Stdio};

use support::{Server, repository};

const PROMPT: &str = "127.0.0.1:6379> ";

fn page(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Commands and the replies that the page prints for them.
fn session(page: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (line, line.strip_prefix(PROMPT)) {
            ("```console", _) => inside = true,
            ("```", _) => inside = false,
            (_, Some(command)) if inside => steps.push((command.to_owned(), String::new())),
            (line, None) if inside => {
                let (_, reply) = steps.last_mut().expect("a session begins with a prompt");
                *reply += &format!("{line}\n");
            }
            _ => {}
        }
    }
    steps
}

/// What redis-cli prints for a command, as in a terminal.
fn played(server: &Server, command: &str) -> String {
    let mut cli = Command::new("redis-cli")
        .args(["-p", &server.port().to_string(), "--no-raw"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-cli comes with redis-server");
    let mut stdin = cli.stdin.take().expect("piped");
    writeln!(stdin, "{command}").expect("redis-cli reads");
    drop(stdin);
    let printed = cli.wait_with_output().expect("redis-cli ends").stdout;
    let printed = String::from_utf8(printed).expect("redis-cli prints text");
    format!("{}\n", printed.trim_end())
}

/// The text with every digest, time and stream ID replaced by its kind. The version of an etag stays.
fn masked(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kind, bytes) = varying(rest).unwrap_or((first.to_string(), first.len_utf8()));
        shown += &kind;
        rest = &rest[bytes..];
    }
    shown
}

/// What differs from run to run, when the text begins with such a thing: how it is shown, and its length in bytes.
fn varying(text: &str) -> Option<(String, usize)> {
    let (number, behind) =
        text.split_once('-').filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))?;
    let count = |is: fn(&u8) -> bool| behind.bytes().take_while(is).count();
    match (number.len(), count(u8::is_ascii_hexdigit), count(u8::is_ascii_digit)) {
        (1.., 16, _) => Some((format!("{number}-<digest>"), number.len() + 17)),
        (13, _, sequence @ 1..) => Some(("<id>".to_owned(), 14 + sequence)),
        (4, 2, 2) if behind.get(5..6) == Some("T") => Some(("<time>".to_owned(), 24)),
        _ => None,
    }
}

#[track_caller]
fn plays_as_printed(name: &str) {
    let server = Server::start();
    let steps = session(&page(name));
    assert!(steps.len() >= 5, "{name} has a session");
    for (command, printed) in steps {
        let reply = played(&server, &command);
        assert_eq!(masked(&reply), masked(&printed), "{name}: {command}");
    }
}

#[test]
fn the_readme_works_as_printed() {
    plays_as_printed("README.md");
}

#[test]
fn the_examples_of_the_commands_work_as_printed() {
    plays_as_printed("docs/commands.md");
}

/// Its "```json" blocks are the schemas that its reader sends from a file; each is set, by its title, where it stands.
#[test]
fn the_examples_of_the_schema_page_work_as_printed() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    let page = page("docs/schema.md");
    let mut parts = page.split("```json\n");
    let mut sessions = vec![(None, parts.next().expect("the page begins with text"))];
    for part in parts {
        let (schema, text) = part.split_once("\n```\n").expect("a schema ends");
        sessions.push((Some(schema), text));
    }
    assert!(sessions.len() > 1, "docs/schema.md has a schema in a file");
    for (schema, text) in sessions {
        if let Some(schema) = schema {
            let title = schema.split('"').nth(3).expect("a schema begins with its title");
            client.ok(&["STATE.SCHEMA", "SET", title, schema]);
        }
        let steps = session(text);
        assert!(!steps.is_empty(), "docs/schema.md has a session after each schema");
        for (command, printed) in steps {
            let reply = played(&server, &command);
            assert_eq!(masked(&reply), masked(&printed), "docs/schema.md: {command}");
        }
    }
}

#[test]
fn the_page_of_commands_has_the_grammar_of_the_server() {
    let server = Server::start();
    let mut client = server.client();
    let page = page("docs/commands.md");
    let lines: Vec<&str> = page.lines().collect();
    let help = client.ok(&["STATE.HELP"]);
    let told: Vec<&str> =
        help.array().iter().map(support::Reply::text).filter(|line| !line.starts_with(' ')).collect();
    for grammar in &told {
        assert!(lines.contains(grammar), "docs/commands.md lacks: {grammar}");
    }
    let written = lines.iter().filter(|line| line.starts_with("STATE."));
    for grammar in written {
        assert!(told.contains(grammar), "the server does not know: {grammar}");
    }
}

#[test]
fn the_page_of_commands_has_the_summary_and_the_complexity_of_each() {
    let server = Server::start();
    let mut client = server.client();
    let page = page("docs/commands.md");
    for command in client.ok(&["COMMAND", "LIST", "FILTERBY", "MODULE", "state"]).array() {
        let name = command.text();
        if name.contains('|')
            || ["state.effect", "state.schemaeffect", "state.panic", "state.fault"].contains(&name)
        {
            continue;
        }
        let heading = format!("\n## {}\n", name.to_uppercase());
        let section = page.split_once(&heading).unwrap_or_else(|| panic!("no section for {name}")).1;
        let section = section.split("\n## ").next().expect("a section");
        let docs = client.ok(&["COMMAND", "DOCS", name]);
        let docs = docs.field(name);
        let summary = docs.field("summary").text().trim_end_matches('.').to_owned();
        assert!(section.contains(&summary), "{name}: {summary}");
        let complexity = docs.field("complexity").text();
        assert!(name == "state.schema" || section.contains(complexity), "{name}: {complexity}");
    }
}
