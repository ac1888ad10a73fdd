//! A command line: a name, arguments, and options in any order.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use redis::{Arg, Cmd, ToRedisArgs};
use redis_state_types::{Expected, audit_stream_key};

use crate::resend::Resend;

/// A command with its arguments: what a [`Request`](crate::Request) sends. By itself it is a
/// request for any command of Redis, and its reply a value of redis-rs:
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{CommandLine, Resend, connect, redis::Value};
///
/// let length = CommandLine::new("XLEN", Resend::Safe).arg("{offer:7d1f}:audit");
/// assert_eq!(connect(url).await?.send(&length).await?, Value::Int(0));
/// # Ok(()) });
/// ```
#[derive(Clone)]
pub struct CommandLine {
    name: &'static str,
    /// The name and the arguments before the options.
    start: Cmd,
    /// Each by what it sets: the last call of a builder counts.
    options: BTreeMap<&'static str, Vec<Vec<u8>>>,
    resend: Resend,
}

impl CommandLine {
    /// A command without arguments. The name of a subcommand has two words, as `XGROUP CREATE`.
    pub fn new(name: &'static str, resend: Resend) -> CommandLine {
        let mut start = Cmd::new();
        start.arg(name.split(' ').collect::<Vec<&str>>());
        CommandLine { name, start, options: BTreeMap::new(), resend }
    }

    /// Adds an argument, or several.
    pub fn arg(mut self, argument: impl ToRedisArgs) -> CommandLine {
        self.start.arg(argument);
        self
    }

    /// The command's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it may be resent without a reply.
    pub fn resend(&self) -> Resend {
        // The server recognizes an ID, and a dry run changes nothing.
        if self.has("ID") || self.has("DRYRUN") { Resend::Safe } else { self.resend }
    }

    /// The command, for redis-rs.
    pub fn command(&self) -> Cmd {
        let mut command = self.start.clone();
        for words in self.options.values() {
            command.arg(words);
        }
        command
    }

    /// Another command with the same options.
    pub(crate) fn restarted(self, name: &'static str) -> CommandLine {
        CommandLine { options: self.options, ..CommandLine::new(name, self.resend) }
    }

    /// Adds a text as an argument.
    pub(crate) fn text(self, text: impl Into<String>) -> CommandLine {
        let text: String = text.into();
        self.arg(text)
    }

    /// Adds the expected version. A command that names one is applied at most once.
    pub(crate) fn expecting(mut self, expected: impl Into<Expected>) -> CommandLine {
        let expected: Expected = expected.into();
        self.resend = if expected == Expected::Any { Resend::Never } else { Resend::ByEtag };
        self.arg(expected.to_string())
    }

    /// Sets an option to these words, in place of those that it had. Options are sent in the order
    /// of their names, in which small letters come last.
    pub(crate) fn set(&mut self, option: &'static str, words: impl ToRedisArgs) {
        self.options.insert(option, words.to_redis_args());
    }

    /// Sets a keyword without a value.
    pub(crate) fn set_flag(&mut self, keyword: &'static str) {
        self.set(keyword, keyword);
    }

    /// Sets a keyword with a text.
    pub(crate) fn set_text(&mut self, keyword: &'static str, text: impl Into<String>) {
        let text: String = text.into();
        self.set(keyword, (keyword, text));
    }

    /// Sets a keyword with the length of a list and its items; nothing for an empty list.
    pub(crate) fn set_list<T: Into<String>>(
        &mut self,
        keyword: &'static str,
        items: impl IntoIterator<Item = T>,
    ) {
        let items: Vec<String> = items.into_iter().map(Into::into).collect();
        self.options.remove(keyword);
        if !items.is_empty() {
            self.set(keyword, (keyword, items.len(), items));
        }
    }

    /// Names the audit stream of the key, which is the first argument.
    pub(crate) fn set_audit(&mut self) {
        let stream = match self.start.args_iter().nth(1) {
            Some(Arg::Simple(key)) => audit_stream_key(key),
            _ => None,
        };
        if let Some(stream) = stream {
            self.set("AUDIT", ("AUDIT", stream));
        }
    }

    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.contains_key(option)
    }
}

/// Shows no argument: it may contain a secret.
impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandLine({})", self.name)
    }
}

/// Milliseconds, rounded up so that a time above zero stays above zero.
pub(crate) fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_makes_no_time_zero() {
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_millis(1500)), 1500);
        assert_eq!(milliseconds(Duration::MAX), i64::MAX);
    }

    #[test]
    fn last_call_of_an_option_counts() {
        let mut line = CommandLine::new("STATE.TOUCH", Resend::Safe).text("offer:7d1f");
        line.set("ttl", ("PX", 5));
        line.set("ttl", "PERSIST");
        line.set_list("ALIGN", ["token:7d1f"]);
        line.set_list("ALIGN", [""; 0]);
        line.set_audit();
        let command = line.command();
        let words: Vec<Arg<&[u8]>> = command.args_iter().collect();
        let expected = ["STATE.TOUCH", "offer:7d1f", "AUDIT", "{offer:7d1f}:audit", "PERSIST"];
        assert_eq!(words, expected.map(|word| Arg::Simple(word.as_bytes())));
    }
}
