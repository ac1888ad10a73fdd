//! One run: each command goes to the server and to the model, and then both are compared.
//!
//! A difference is an error value, not a panic: while proptest shortens a failing run it fails
//! hundreds of times, and only the shortest one is printed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::test_runner::TestCaseError;
use support::{Client, Reply};

use crate::command::{AUDITS, Command, KEYS, SCHEMAS};
use crate::invalid_commands::OTHER_KEYS;
use crate::observed::Observed;
use crate::reply_text::{Checked, ensure};
use crate::world::{Settings, Step, World};

/// How often each mark occurred.
pub type Counts = BTreeMap<String, u64>;

struct Run {
    client: Client,
    observed: Observed,
    /// The number of entries of each audit stream that have been compared.
    entries: [usize; KEYS.len()],
}

/// Plays a run. `seen` counts the played commands for proptest.
pub fn run(
    port: u16,
    mut world: World,
    commands: &[Command],
    seen: Option<Arc<AtomicUsize>>,
    counts: &mut Counts,
) -> Result<(), TestCaseError> {
    // Once the server has crashed every run fails, and the shortest one does not show the cause.
    let Ok(client) = Client::connect(port) else {
        return Err(TestCaseError::reject("the server does not answer"));
    };
    let mut run = Run::begin(client, &world.settings);
    for command in commands {
        if let Some(seen) = &seen {
            seen.fetch_add(1, Ordering::SeqCst);
        }
        world = world.play(command);
        let step = world.step.take().expect("a command was played");
        run.play(&world, &step).map_err(|wrong| {
            let words: Vec<String> = step.args.iter().map(|arg| run.observed.word(arg)).collect();
            TestCaseError::fail(format!("command {}, {words:?}: {wrong}", world.tick))
        })?;
        step.marks.into_iter().for_each(|mark| *counts.entry(mark).or_default() += 1);
    }
    let protocol = format!("RESP{}", world.settings.protocol);
    world.events().into_iter().chain([protocol]).for_each(|mark| *counts.entry(mark).or_default() += 1);
    run.end(&world).map_err(|wrong| TestCaseError::fail(format!("at the end: {wrong}")))
}

impl Run {
    /// Removes what the run before has left, and applies the settings.
    fn begin(mut client: Client, settings: &Settings) -> Run {
        client.ok(&["HELLO", &settings.protocol.to_string()]);
        // SYNC: INFO counts states until they are freed, which some servers do in a thread.
        client.ok(&["FLUSHALL", "SYNC"]);
        for schema in client.ok(&["STATE.SCHEMA", "LIST"]).array() {
            for pattern in schema.field("bindings").array() {
                client.ok(&["STATE.SCHEMA", "UNBIND", pattern.text()]);
            }
            if schema.field("revision").int() > 0 {
                client.ok(&["STATE.SCHEMA", "DEL", schema.field("name").text(), "FORCE"]);
            }
        }
        for [name, text] in OTHER_KEYS {
            client.ok(&["SET", name, text]);
        }
        for (name, value) in [
            ("snapshots", settings.snapshots),
            ("labels", settings.labels),
            ("default-ttl", settings.default_ttl_s as usize),
            ("audit-ttl", settings.audit_ttl_s as usize),
            ("max-bytes", settings.size.bytes_max),
            ("max-depth", settings.size.depth_max),
            ("audit-patch-bytes", settings.patch_bytes_max),
            ("audit-rejects", settings.rejects_max),
            ("attempts-history", settings.attempts_history),
        ] {
            client.ok(&["CONFIG", "SET", &format!("state.{name}"), &value.to_string()]);
        }
        let conflicts = if settings.conflicts { "yes" } else { "no" };
        client.ok(&["CONFIG", "SET", "state.audit-conflicts", conflicts]);
        for (name, rules) in SCHEMAS.into_iter().zip(settings.schemas) {
            if let Some(rules) = rules {
                client.ok(&["STATE.SCHEMA", "SET", name, rules.text()]);
            }
        }
        let mut observed = Observed::default();
        // Commands are counted from 1.
        observed.played(0, 0, &Reply::Nil);
        Run { client, observed, entries: [0; KEYS.len()] }
    }

    /// Sends a command, compares its reply, and then what the key shows.
    fn play(&mut self, world: &World, step: &Step) -> Checked {
        let words: Vec<String> = step.args.iter().map(|arg| self.observed.word(arg)).collect();
        let from_ms = now_ms();
        let reply = self.client.call(&words);
        self.observed.played(from_ms, now_ms(), &reply);
        self.observed.check(&step.predicted, &reply)?;
        step.key.map_or(Ok(()), |key| self.probe(world, key))
    }

    /// Compares document, history, expiry and audit stream. So an error has changed nothing.
    fn probe(&mut self, world: &World, key: usize) -> Checked {
        let probes = world.probes(key);
        // Pipelined, since a round trip costs more than the commands.
        probes.iter().for_each(|(words, _)| self.client.send(words));
        let replies: Vec<Reply> = probes.iter().map(|_| self.client.read()).collect();
        for ((words, predicted), reply) in probes.iter().zip(&replies) {
            self.observed
                .check(predicted, reply)
                .map_err(|wrong| format!("afterwards {words:?}: {wrong}"))?;
        }
        let entries = &world.slots[key].audit.entries;
        let known = self.entries[key].min(entries.len());
        self.entries[key] = entries.len();
        if known == entries.len() {
            return Ok(());
        }
        let fresh = entries.len() - known;
        let newest = ["XREVRANGE", AUDITS[key], "+", "-", "COUNT", &fresh.to_string()].map(str::to_owned);
        self.compare_audit(world, key, &newest, fresh)
    }

    /// Compares the newest entries of an audit stream, which come newest first.
    fn compare_audit(&mut self, world: &World, key: usize, words: &[String], count: usize) -> Checked {
        let reply = self.client.ok(words);
        let found = reply.array();
        ensure(found.len() == count, || {
            format!("{} entries in the audit stream, not {count}: {reply}", found.len())
        })?;
        let entries = world.slots[key].audit.entries.iter().rev();
        entries.zip(found).try_for_each(|(entry, found)| {
            self.observed
                .entry(entry, found, world.settings.patch_bytes_max)
                .map_err(|wrong| format!("the audit stream: {wrong}"))
        })
    }

    /// Compares both keys again, each kept version and whole audit streams, and that nothing else
    /// is on the server.
    fn end(&mut self, world: &World) -> Checked {
        let mut keys = OTHER_KEYS.len();
        for (key, slot) in world.slots.iter().enumerate() {
            self.probe(world, key)?;
            let count = slot.audit.entries.len();
            let all = ["XREVRANGE", AUDITS[key], "+", "-"].map(str::to_owned);
            self.compare_audit(world, key, &all, count)?;
            for (mut line, predicted) in world.final_probes(key) {
                let words: Vec<String> = line.words(None).iter().map(|arg| self.observed.word(arg)).collect();
                let reply = self.client.call(&words);
                self.observed.check(&predicted, &reply).map_err(|wrong| format!("{words:?}: {wrong}"))?;
            }
            keys += usize::from(slot.state.is_some()) + usize::from(count > 0);
        }
        let found = self.client.ok(&["DBSIZE"]).int();
        ensure(usize::try_from(found) == Ok(keys), || format!("{found} keys on the server, not {keys}"))?;
        let (schemas, bindings) = (world.schemas.len(), world.bindings.len());
        let counters = [format!("state_schemas:{schemas}"), format!("state_bindings:{bindings}")];
        for counter in counters.iter().map(String::as_str).chain(["state_panics:0"]) {
            let info = self.client.text(&["INFO", "state"]);
            ensure(info.lines().any(|line| line == counter), || format!("no {counter} in {info}"))?;
        }
        Ok(())
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the year 292 million")
}
