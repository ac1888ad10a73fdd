//! How long setting a hostile schema delays another client.
//!
//! A small schema can cause unlimited work: references that multiply, patterns that expand when
//! compiled, defaults within defaults. The server has one thread, so this delays all clients. A
//! second connection sends PING without a pause; the result is the median of each round's longest
//! wait.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use redis::{Connection, cmd};

use crate::server::Server;

const ROUNDS: usize = 5;
/// The maximum delay by a hostile schema.
pub const LONGEST: Duration = Duration::from_millis(20);

/// A hostile schema, the server's reply, and the delay of another client.
pub struct Pause {
    pub name: &'static str,
    pub bytes: usize,
    pub answer: String,
    /// The longest wait of each round, in ascending order.
    pub waits: Vec<Duration>,
}

impl Pause {
    pub fn median(&self) -> Duration {
        self.waits.get(self.waits.len() / 2).copied().unwrap_or(Duration::MAX)
    }

    pub fn holds(&self) -> bool {
        self.median() < LONGEST
    }
}

pub fn measure(server: &Server) -> Result<Vec<Pause>, String> {
    let mut pauses = Vec::new();
    for (name, schema) in hostile_schemas() {
        let (mut waits, mut answer) = (Vec::new(), String::new());
        for _ in 0..ROUNDS {
            let set = || server.call::<()>(cmd("STATE.SCHEMA").arg(("SET", "hostile", &schema)));
            let (said, waited) = longest_wait_during(server, set)?;
            answer = said.err().unwrap_or_else(|| "accepted".to_owned());
            waits.push(waited);
        }
        waits.sort();
        pauses.push(Pause { name, bytes: schema.len(), answer, waits });
    }
    Ok(pauses)
}

/// Runs `work` while another connection sends one PING after another; returns the longest wait.
fn longest_wait_during<T: Send>(
    server: &Server,
    work: impl FnOnce() -> T + Send,
) -> Result<(T, Duration), String> {
    let mut other = server.client()?;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let working = scope.spawn(|| {
            let result = work();
            done.store(true, Ordering::Release);
            result
        });
        let mut longest = Duration::ZERO;
        while !done.load(Ordering::Acquire) {
            longest = longest.max(ping(&mut other)?);
        }
        Ok((working.join().map_err(|_| "the thread that sets schemas has failed")?, longest))
    })
}

pub fn ping(connection: &mut Connection) -> Result<Duration, String> {
    let begun = Instant::now();
    cmd("PING").exec(connection).map_err(|error| format!("PING: {error}"))?;
    Ok(begun.elapsed())
}

/// Schemas that are expensive in different ways, most of them as expensive as 64 KB allow. The
/// server rejects those whose documents would cost too much.
fn hostile_schemas() -> Vec<(&'static str, String)> {
    // `"a0":<one>,"a1":<one>,…`, where `one` makes a member's value from its number.
    let members = |count: usize, one: &dyn Fn(usize) -> String| {
        (0..count).fold(String::new(), |mut all, number| {
            let comma = if number == 0 { "" } else { "," };
            write!(all, "{comma}\"a{number}\":{}", one(number)).expect("a string takes it");
            all
        })
    };
    let next = |number: usize| format!("{{\"$ref\":\"#/$defs/a{}\"}}", number + 1);
    let twice = |number: usize| format!("{{\"allOf\":[{0},{0}]}}", next(number));
    let swelling = |_: usize| r#"{"pattern":"^[\\p{L}]{1,100}$"}"#.to_owned();
    let default = |number: usize| {
        let below = format!("{{\"$ref\":\"#/$defs/a{}\",\"default\":{{}}}}", number + 1);
        format!("{{\"properties\":{{\"x\":{below},\"y\":{below}}}}}")
    };
    let leaf = r#""a26":{"x-secret":true}"#;
    let wide = vec![r##"{"$ref":"#/$defs/a26"}"##; 400].join(",");
    vec![
        (
            "references that multiply",
            format!(r##"{{"$ref":"#/$defs/a0","$defs":{{{},{leaf}}}}}"##, members(26, &twice)),
        ),
        (
            "defaults that multiply",
            format!(r##"{{"$ref":"#/$defs/a0","$defs":{{{},{leaf}}}}}"##, members(26, &default)),
        ),
        ("defaults without end", r##"{"properties":{"next":{"$ref":"#","default":{}}}}"##.to_owned()),
        (
            "a chain of 1000 references",
            format!(r##"{{"$ref":"#/$defs/a0","$defs":{{{},"a1000":{{}}}}}}"##, members(1000, &next)),
        ),
        (
            "600 members, 300 references each",
            format!(
                r##"{{"properties":{{{}}},"$defs":{{{},"a300":{{"x-secret":true}}}}}}"##,
                members(600, &|_| r##"{"$ref":"#/$defs/a0"}"##.to_owned()),
                members(300, &next)
            ),
        ),
        (
            "500 members, 400 parts each",
            format!(
                r##"{{"properties":{{{}}},"$defs":{{"wide":{{"allOf":[{wide}]}},{leaf}}}}}"##,
                members(500, &|_| r##"{"$ref":"#/$defs/wide"}"##.to_owned())
            ),
        ),
        ("128 patterns that expand", format!(r#"{{"properties":{{{}}}}}"#, members(128, &swelling))),
        ("10 000 subschemas", format!(r#"{{"properties":{{{}}}}}"#, members(5000, &|_| "{}".to_owned()))),
        ("deeper than documents", format!("{}{{}}{}", r#"{"not":"#.repeat(5000), "}".repeat(5000))),
        ("too long", format!(r#"{{"enum":[{}]}}"#, vec!["\"+263771234567\""; 10_000].join(","))),
    ]
}
