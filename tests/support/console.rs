//! Reads the redis-cli sessions of a page, and plays them against a server.
//!
//! A session is a "```console" block: prompts with commands, and the output of redis-cli. Digests,
//! times and stream IDs differ in each run, so only their kind is compared.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::{Server, repository};

const PROMPT: &str = "127.0.0.1:6379> ";

/// The text of a page of the repository.
pub fn page(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The contents of the blocks between "```language" and "```".
pub fn blocks(page: &str, language: &str) -> Vec<String> {
    let opening = format!("\n```{language}\n");
    let blocks = page.split(&opening).skip(1);
    blocks.map(|rest| rest.split_once("\n```\n").expect("a block ends").0.to_owned() + "\n").collect()
}

/// The commands of the console blocks, each with the printed reply.
pub fn session(page: &str) -> Vec<(String, String)> {
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

/// The output of redis-cli for a command, as in a terminal.
pub fn played(server: &Server, command: &str) -> String {
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

/// The text with each digest, time and stream ID replaced by its kind. The version of an etag
/// stays.
pub fn masked(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kind, bytes) = varying(rest).unwrap_or((first.to_string(), first.len_utf8()));
        shown += &kind;
        rest = &rest[bytes..];
    }
    shown
}

/// The kind and byte length of a varying value at the beginning of the text.
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

/// Plays the steps in order and compares each reply with the printed one.
#[track_caller]
pub fn play(server: &Server, name: &str, steps: &[(String, String)]) {
    for (command, printed) in steps {
        let reply = played(server, command);
        assert_eq!(masked(&reply), masked(printed), "{name}: {command}");
    }
}
