//! One run: the commands go to the server and into the model, and after each of them both are compared.
//!
//! A difference is an error value, not a panic: while a failing run is made shorter it fails hundreds of times, and only the
//! shortest one is worth printing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::test_runner::TestCaseError;
use support::{Client, Reply};

use crate::command::{AUDITS, Command, KEYS, SCHEMAS};
use crate::known::Known;
use crate::refused::TAKEN;
use crate::shown::{Checked, ensure};
use crate::world::{Settings, Step, World};

/// How often each thing occurred.
pub type Counts = BTreeMap<String, u64>;

struct Run {
    client: Client,
    known: Known,
    /// How many entries of each trail have been compared.
    entries: [usize; KEYS.len()],
}

/// Plays a run. `seen` counts the commands as they are played, for the shortening.
pub fn run(
    port: u16,
    mut world: World,
    commands: &[Command],
    seen: Option<Arc<AtomicUsize>>,
    counts: &mut Counts,
) -> Result<(), TestCaseError> {
    // Without a server every run fails, and the shortest of them says nothing about the one that brought it down.
    let Ok(client) = Client::connect(port) else { return Err(TestCaseError::reject("the server is gone")) };
    let mut run = Run::begin(client, &world.settings);
    for command in commands {
        if let Some(seen) = &seen {
            seen.fetch_add(1, Ordering::SeqCst);
        }
        world = world.play(command);
        let step = world.step.take().expect("a command was played");
        run.play(&world, &step).map_err(|wrong| {
            let words: Vec<String> = step.args.iter().map(|arg| run.known.word(arg)).collect();
            TestCaseError::fail(format!("command {}, {words:?}: {wrong}", world.tick))
        })?;
        step.marks.into_iter().for_each(|mark| *counts.entry(mark).or_default() += 1);
    }
    let protocol = format!("RESP{}", world.settings.protocol);
    world.events().into_iter().chain([protocol]).for_each(|mark| *counts.entry(mark).or_default() += 1);
    run.end(&world).map_err(|wrong| TestCaseError::fail(format!("at the end: {wrong}")))
}

impl Run {
    /// Nothing is left of the run before, and the settings are this one's.
    fn begin(mut client: Client, settings: &Settings) -> Run {
        client.ok(&["HELLO", &settings.protocol.to_string()]);
        // Some servers free what was there on a thread of their own, and count it until then.
        client.ok(&["FLUSHALL", "SYNC"]);
        for schema in client.ok(&["STATE.SCHEMA", "LIST"]).array() {
            for pattern in schema.field("bindings").array() {
                client.ok(&["STATE.SCHEMA", "UNBIND", pattern.text()]);
            }
            if schema.field("revision").int() > 0 {
                client.ok(&["STATE.SCHEMA", "DEL", schema.field("name").text(), "FORCE"]);
            }
        }
        for [name, text] in TAKEN {
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
        let mut known = Known::default();
        // Commands are counted from 1.
        known.played(0, 0, &Reply::Nil);
        Run { client, known, entries: [0; KEYS.len()] }
    }

    /// Sends one command, compares its reply, and then what is there.
    fn play(&mut self, world: &World, step: &Step) -> Checked {
        let words: Vec<String> = step.args.iter().map(|arg| self.known.word(arg)).collect();
        let from_ms = now_ms();
        let reply = self.client.call(&words);
        self.known.played(from_ms, now_ms(), &reply);
        self.known.check(&step.want, &reply)?;
        step.key.map_or(Ok(()), |key| self.look(world, key))
    }

    /// The document, the history, the expiry and the trail are what the model has: a refusal has changed nothing.
    fn look(&mut self, world: &World, key: usize) -> Checked {
        let probes = world.probes(key);
        // All at once: a round trip costs more than the commands.
        probes.iter().for_each(|(words, _)| self.client.send(words));
        let replies: Vec<Reply> = probes.iter().map(|_| self.client.read()).collect();
        for ((words, want), reply) in probes.iter().zip(&replies) {
            self.known.check(want, reply).map_err(|wrong| format!("afterwards {words:?}: {wrong}"))?;
        }
        let entries = &world.slots[key].trail.entries;
        let known = self.entries[key].min(entries.len());
        self.entries[key] = entries.len();
        if known == entries.len() {
            return Ok(());
        }
        let fresh = entries.len() - known;
        let newest = ["XREVRANGE", AUDITS[key], "+", "-", "COUNT", &fresh.to_string()].map(str::to_owned);
        self.compare_trail(world, key, &newest, fresh)
    }

    /// The newest entries of a trail, which come newest first.
    fn compare_trail(&mut self, world: &World, key: usize, words: &[String], count: usize) -> Checked {
        let reply = self.client.ok(words);
        let found = reply.array();
        ensure(found.len() == count, || {
            format!("{} entries in the trail, not {count}: {reply}", found.len())
        })?;
        let entries = world.slots[key].trail.entries.iter().rev();
        entries.zip(found).try_for_each(|(entry, found)| {
            self.known
                .entry(entry, found, world.settings.patch_bytes_max)
                .map_err(|wrong| format!("the trail: {wrong}"))
        })
    }

    /// Both keys once more, each kept version, whole trails, and nothing else is on the server than what the model knows of.
    fn end(&mut self, world: &World) -> Checked {
        let mut keys = TAKEN.len();
        for (key, slot) in world.slots.iter().enumerate() {
            self.look(world, key)?;
            let count = slot.trail.entries.len();
            let all = ["XREVRANGE", AUDITS[key], "+", "-"].map(str::to_owned);
            self.compare_trail(world, key, &all, count)?;
            for (mut line, want) in world.questions(key) {
                let words: Vec<String> = line.words(None).iter().map(|arg| self.known.word(arg)).collect();
                let reply = self.client.call(&words);
                self.known.check(&want, &reply).map_err(|wrong| format!("{words:?}: {wrong}"))?;
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
