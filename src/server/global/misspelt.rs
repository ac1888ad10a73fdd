//! Settings `state.*` that do not exist. The server ends when redis.conf has one, and older servers
//! don't say which: so the module looks for them itself before that, and says what was probably
//! meant.
//!
//! A module has no call for what the configuration holds beyond its own settings, so the file is
//! read again. What stands on the command line of redis-server, or came by its standard input,
//! can't be seen.

use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::str::Chars;

use crate::error::Error;
use crate::server::ffi::ctx::Ctx;

/// How deep `include` lines are followed.
const DEPTH_MAX: usize = 8;
/// Names further away than this are no slip of the pen.
const LIKENESS_MIN: f64 = 0.8;

/// What to say of a name, without `state.`, that no setting has.
pub fn advice(name: &str, known: impl Iterator<Item = &'static str>) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(name, known);
    let best = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match best.filter(|best| likeness(best) >= LIKENESS_MIN) {
        Some(best) => format!("no such setting: did you mean state.{best}?"),
        None => "no such setting: docs/operations.md lists them".to_owned(),
    }
}

/// Rejects settings of the server's configuration file that do not exist.
pub fn look(ctx: Ctx, known: impl Iterator<Item = &'static str> + Clone) -> Result<(), Error> {
    match config_file(ctx) {
        Some(file) => look_at(&file, 0, &known),
        None => Ok(()),
    }
}

fn look_at(
    file: &Path,
    depth: usize,
    known: &(impl Iterator<Item = &'static str> + Clone),
) -> Result<(), Error> {
    // The server has read it, so one that can't be read now is no reason to reject.
    let Ok(text) = std::fs::read_to_string(file) else { return Ok(()) };
    for (at, line) in text.lines().enumerate() {
        let mut words = words(line).into_iter();
        let Some(word) = words.next().map(|word| word.to_ascii_lowercase()) else { continue };
        if let Some(name) = word.strip_prefix("state.") {
            if known.clone().all(|known| known != name) {
                let (file, at) = (file.display(), at + 1);
                let advice = advice(name, known.clone());
                return Err(Error::Setting(format!("{file}, line {at}: state.{name}: {advice}")));
            }
        } else if word == "include" && depth < DEPTH_MAX {
            for included in words {
                look_at(&file.parent().unwrap_or(Path::new("")).join(included), depth + 1, known)?;
            }
        }
    }
    Ok(())
}

/// The words of a line as the server reads them: parts of a word may stand in quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut rest) = (Vec::new(), line.chars().peekable());
    loop {
        while rest.next_if(|next| next.is_whitespace()).is_some() {}
        if rest.peek().is_none() {
            return words;
        }
        let (mut word, mut quote) = (String::new(), None);
        while let Some(next) = rest.next() {
            match (quote, next) {
                (Some('"'), '\\') => word.extend(escaped(&mut rest)),
                (Some('\''), '\\') if rest.peek() == Some(&'\'') => word.extend(rest.next()),
                (Some(open), next) if next == open => quote = None,
                (None, '"' | '\'') => quote = Some(next),
                (None, next) if next.is_whitespace() => break,
                (_, next) => word.push(next),
            }
        }
        words.push(word);
    }
}

/// What a backslash stands for between double quotes.
fn escaped(rest: &mut Peekable<Chars>) -> Option<char> {
    let letter = rest.next()?;
    if letter == 'x' {
        let code = rest.clone().take(2).collect::<String>();
        if let Some(code) = u8::from_str_radix(&code, 16).ok().filter(|_| code.len() == 2) {
            rest.by_ref().take(2).for_each(drop);
            return Some(char::from(code));
        }
    }
    Some(match letter {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'a' => '\u{7}',
        letter => letter,
    })
}

/// The file that the server was started with, by its INFO.
fn config_file(ctx: Ctx) -> Option<PathBuf> {
    let info = ctx.call_words(c"INFO", &["server"])?.text()?;
    let file = info.lines().find_map(|line| line.strip_prefix("config_file:"))?.trim();
    (!file.is_empty()).then(|| file.into())
}
