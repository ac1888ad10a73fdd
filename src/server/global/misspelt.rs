//! Settings `state.*` that do not exist. The server ends when redis.conf has one, and older servers don't say which: so the
//! module looks for them itself before that, and says what was probably meant.
//!
//! A module has no call for what the configuration holds beyond its own settings, so the file is read again. What stands on
//! the command line of redis-server, or came by its standard input, can't be seen.

use std::path::{Path, PathBuf};

use crate::server::ffi::api;
use crate::server::ffi::ctx::Ctx;
use crate::server::global::config;

/// How deep `include` lines are followed.
const DEPTH_MAX: usize = 8;
/// Names further away than this are no slip of the pen.
const LIKENESS_MIN: f64 = 0.8;

/// What to say of a name, without `state.`, that no setting has.
pub fn advice(name: &str) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(name, known);
    let best = config::names().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match best.filter(|best| likeness(best) >= LIKENESS_MIN) {
        Some(best) => format!("no such setting: did you mean state.{best}?"),
        None => "no such setting: docs/operations.md lists them".to_owned(),
    }
}

/// Refuses settings of the server's configuration file that do not exist.
pub fn look(ctx: Ctx) -> Result<(), String> {
    match config_file(ctx) {
        Some(file) => look_at(&file, 0),
        None => Ok(()),
    }
}

fn look_at(file: &Path, depth: usize) -> Result<(), String> {
    // The server has read it, so one that can't be read now is no reason to refuse.
    let Ok(text) = std::fs::read_to_string(file) else { return Ok(()) };
    for (at, line) in text.lines().enumerate() {
        let mut words = line.split_whitespace();
        let Some(word) = words.next().map(str::to_ascii_lowercase) else { continue };
        if let Some(name) = word.strip_prefix("state.") {
            if config::names().all(|known| known != name) {
                let (file, at) = (file.display(), at + 1);
                return Err(format!("{file}, line {at}: state.{name}: {}", advice(name)));
            }
        } else if word == "include" && depth < DEPTH_MAX {
            for included in words {
                let included = included.trim_matches(['"', '\'']);
                look_at(&file.parent().unwrap_or(Path::new("")).join(included), depth + 1)?;
            }
        }
    }
    Ok(())
}

/// The file that the server was started with, by its INFO.
fn config_file(ctx: Ctx) -> Option<PathBuf> {
    // SAFETY: R1, R3: the format names one C string.
    let reply =
        unsafe { api!(RedisModule_Call(ctx.as_ptr(), c"INFO".as_ptr(), c"c".as_ptr(), c"server".as_ptr())) };
    if reply.is_null() {
        return None;
    }
    let mut len = 0;
    // SAFETY: R2: the text is copied before the reply is freed; another type gives a null pointer.
    let text = unsafe {
        let start = api!(RedisModule_CallReplyStringPtr(reply, &mut len));
        let text = (!start.is_null()).then(|| std::slice::from_raw_parts(start.cast::<u8>(), len).to_vec());
        api!(RedisModule_FreeCallReply(reply));
        text
    };
    let text = String::from_utf8_lossy(&text?).into_owned();
    let file = text.lines().find_map(|line| line.strip_prefix("config_file:"))?.trim();
    (!file.is_empty()).then(|| file.into())
}
