//! The measured operations: the core's part of each command, with the bot's data.
//!
//! Each operation keeps a state between calls and changes it as a server would, so that every call
//! finds all snapshots and makes a new version. The clock is an argument of the core, and stands
//! still here.

use redis_state_benches::document::{STEPS, change, document};
use redis_state_benches::schema::Rules;
use redis_state_core::codec::{decode_effects, decode_state, encode_effects, encode_state};
use redis_state_core::decide::{
    Context, Metadata, Outcome, Rights, Rollback, Target, Update, Write, rollback, update,
};
use redis_state_core::{
    Budget, Change, ChangeKind, Effect, Expected, Limits, Pointer, Registry, Schema, State, Ttl,
};

const KEY: &[u8] = b"channel:+263771234567";
const NOW_MS: i64 = 1_795_236_654_530;
const KB: usize = 1024;
/// More than the number of snapshots.
const CHANGES: usize = 12;

/// A named operation, with its preparation.
pub struct Operation {
    pub name: &'static str,
    pub prepare: fn() -> Box<dyn FnMut()>,
}

pub const OPERATIONS: &[Operation] = &[
    Operation { name: "update, 2 KB", prepare: || updating(2 * KB, Rules::Whole) },
    Operation { name: "update, 2 KB, local rules", prepare: || updating(2 * KB, Rules::Local) },
    Operation { name: "update, 64 KB", prepare: || updating(64 * KB, Rules::Whole) },
    Operation { name: "update, 64 KB, local rules", prepare: || updating(64 * KB, Rules::Local) },
    Operation { name: "rollback, 2 KB", prepare: rolling_back },
    Operation { name: "encode the effect of an update", prepare: encoding_effect },
    Operation { name: "decode the effect of an update", prepare: decoding_effect },
    Operation { name: "encode a state, ten snapshots", prepare: encoding_state },
    Operation { name: "decode a state, ten snapshots", prepare: decoding_state },
    Operation { name: "read one member of 2 KB", prepare: reading_member },
    Operation { name: "validate 2 KB", prepare: validating },
    Operation { name: "compile the schema", prepare: compiling },
];

/// What a server's memory has for the core.
struct World {
    registry: Registry,
    limits: Limits,
    state: Option<State>,
}

impl World {
    /// A session at the handle of an offer, with all snapshots.
    fn new(bytes: usize, rules: Rules) -> World {
        let mut registry = Registry::new();
        registry.put(registry.prepare(rules.schema(), rules.text().as_bytes()).expect("the bot's schema"));
        let mut world = World { registry, limits: Limits::default(), state: None };
        world.change(ChangeKind::Replace, &document(0, bytes), Some(rules.schema()));
        for step in STEPS {
            world.change(ChangeKind::Merge, step, None);
        }
        for number in 0..CHANGES {
            world.change(ChangeKind::Merge, &change(number), None);
        }
        world
    }

    /// `writes_protected`: as for STATE.SETPROTECTED.
    fn context<'c>(&'c self, budget: &'c Budget, writes_protected: bool) -> Context<'c> {
        Context {
            key: KEY,
            now_ms: NOW_MS,
            etag_keys: redis_state_core::EtagKeys::from_random([7, 1, 2]),
            user: "default",
            limits: &self.limits,
            budget,
            registry: &self.registry,
            expires_at_ms: Some(NOW_MS + 1),
            rights: Rights { writes_protected, ..Rights::NONE },
        }
    }

    fn decide(&self, kind: ChangeKind, json: &str, schema: Option<&str>) -> Outcome {
        let request = Update {
            expected: Expected::Any,
            change: Change::parse(kind, json.as_bytes(), &self.limits),
            schema: schema.map(str::to_owned),
            label: None,
            rebase: false,
            ttl: Ttl::In(300_000),
            metadata: Metadata { actor: Some("amount_input".to_owned()), ..Metadata::default() },
        };
        // The first document has protected members.
        let budget = Budget::new(&self.limits);
        let outcome = update(self.state.as_ref(), &request, &self.context(&budget, schema.is_some()));
        assert!(outcome.reply.is_ok(), "{outcome:?}");
        outcome
    }

    fn change(&mut self, kind: ChangeKind, json: &str, schema: Option<&str>) {
        let outcome = self.decide(kind, json, schema);
        self.apply(outcome);
    }

    /// Applies the effects, as the module does.
    fn apply(&mut self, outcome: Outcome) {
        for effect in effects(outcome) {
            match (&mut self.state, effect) {
                (state, Effect::Put(put)) => *state = Some(*put),
                (Some(state), effect) => state.apply(effect),
                (None, _) => unreachable!("the first effect creates the state"),
            }
        }
    }

    fn state(&self) -> &State {
        self.state.as_ref().expect("a created state")
    }
}

/// All effects of an outcome, in order.
fn effects(outcome: Outcome) -> Vec<Effect> {
    let changes = outcome.writes.into_iter().filter_map(|write| match write {
        Write::Change(change) => Some(change.effects),
        Write::Reject { .. } | Write::Delete { .. } => None,
    });
    changes.flatten().collect()
}

fn updating(bytes: usize, rules: Rules) -> Box<dyn FnMut()> {
    let mut world = World::new(bytes, rules);
    let mut changes = [change(100), change(101)].into_iter().cycle();
    Box::new(move || {
        if let Some(change) = changes.next() {
            world.change(ChangeKind::Merge, &change, None);
        }
    })
}

fn rolling_back() -> Box<dyn FnMut()> {
    let mut world = World::new(2 * KB, Rules::Local);
    Box::new(move || {
        // The version before the present one.
        let target = world.state().head().number.saturating_sub(1);
        let request = Rollback {
            expected: Expected::Any,
            target: Target::To(target),
            only: None,
            all: false,
            ttl: Ttl::In(300_000),
            metadata: Metadata::default(),
        };
        let budget = Budget::new(&world.limits);
        let outcome = rollback(world.state.as_ref(), &request, &world.context(&budget, false));
        assert!(outcome.reply.is_ok(), "{outcome:?}");
        world.apply(outcome);
    })
}

/// A world, and the effects of a change of it.
fn changing() -> (World, Vec<Effect>) {
    let world = World::new(2 * KB, Rules::Local);
    let effects = effects(world.decide(ChangeKind::Merge, &change(100), None));
    (world, effects)
}

fn encoding_effect() -> Box<dyn FnMut()> {
    let (_, effects) = changing();
    Box::new(move || drop(std::hint::black_box(encode_effects(&effects))))
}

fn decoding_effect() -> Box<dyn FnMut()> {
    let (world, effects) = changing();
    let bytes = encode_effects(&effects);
    Box::new(move || assert!(decode_effects(&bytes, world.state.as_ref()).is_ok()))
}

fn encoding_state() -> Box<dyn FnMut()> {
    let world = World::new(2 * KB, Rules::Local);
    Box::new(move || drop(std::hint::black_box(encode_state(world.state()))))
}

fn decoding_state() -> Box<dyn FnMut()> {
    let bytes = encode_state(World::new(2 * KB, Rules::Local).state());
    Box::new(move || assert!(decode_state(&bytes).is_ok()))
}

fn reading_member() -> Box<dyn FnMut()> {
    let world = World::new(2 * KB, Rules::Local);
    let pointers = [Pointer::parse("/current/component").expect("a pointer")];
    Box::new(move || {
        let members = world.state().head().document.members(&pointers, &Limits::default());
        assert!(members.is_ok_and(|members| members.iter().all(Option::is_some)));
    })
}

fn validating() -> Box<dyn FnMut()> {
    let world = World::new(2 * KB, Rules::Whole);
    let json = document(0, 2 * KB);
    Box::new(move || {
        let valid = world.registry.validate(
            Rules::Whole.schema(),
            json.as_bytes(),
            &world.limits,
            &Budget::new(&world.limits),
        );
        assert_eq!(valid, Ok(()));
    })
}

fn compiling() -> Box<dyn FnMut()> {
    let text = Rules::Local.text();
    Box::new(move || {
        let schema = Schema::compile(Rules::Local.schema(), 1, text.as_bytes());
        assert!(schema.is_ok());
    })
}
