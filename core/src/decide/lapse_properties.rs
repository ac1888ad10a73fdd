//! Lapses under random schemas: readers and committers agree, and a lapse leaves no invalid
//! document that a reset could have repaired.

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::lapse::{lapse, lapsed_state};
use super::outcome::{StateChange, Write};
use super::reset::{Reset, reset};
use crate::budget::Budget;
use crate::codec::{decode_effects, decode_state, encode_effects, encode_state};
use crate::context::{Context, Metadata, Rights};
use crate::json::oracle::config;
use crate::json::written::WrittenMembers;
use crate::limits::Limits;
use crate::schema::annotations::lapses::Clock;
use crate::schema::registry::Registry;
use crate::state::State;
use crate::state::document::Document;
use crate::state::effect::Effect;
use crate::state::etag_keys::EtagKeys;
use crate::state::version::{Event, Version};
use redis_state_types::{Expected, Ttl};

const NAME: &str = "vimbiso.forms";
const BEGUN_MS: i64 = 1_741_058_499_570;
/// After every deadline.
const LATE_MS: i64 = BEGUN_MS + 10_000;

fn members() -> Vec<Value> {
    vec![
        json!({"x-ttl": 1}),
        json!({"x-ttl": 2, "type": "string"}),
        json!({"x-ttl": 2, "x-secret": true}),
        json!({"x-ttl": 3, "type": "string", "default": "menu"}),
        json!({"x-ttl": 1, "type": "string", "default": 7}),
        json!({"x-ttl": 2, "required": ["m"], "properties": {"id": {"x-protected": true}, "m": {}}}),
        json!({"x-ttl": 2, "properties": {"id": {"x-immutable": true}, "m": {"x-ttl": 1}}}),
        json!({"properties": {"id": {"x-protected": true, "x-ttl": 1}, "m": {"x-ttl": 2}}, "minProperties": 1}),
        json!({"properties": {"m": {"x-ttl": 2}}, "required": ["id"]}),
        json!({"default": {"m": 1}, "x-ttl": 1, "properties": {"m": {"x-secret": true}}}),
        json!({"enum": ["menu", "pay", 1, {}], "default": "menu"}),
        json!({"default": "menu"}),
        json!({"x-protected": true}),
        json!({}),
    ]
}

/// What a schema says of the whole document.
fn wholes() -> Vec<Value> {
    let is_pay = json!({"properties": {"c": {"const": "pay"}}, "required": ["c"]});
    vec![
        json!({}),
        json!({"if": is_pay, "then": {"required": ["a"]}}),
        json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"properties": {"c": {"type": "string"}}}}),
        json!({"anyOf": [{"required": ["a"]}, {"required": ["c"]}]}),
        json!({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
        json!({"not": {"required": ["c"]}}),
        json!({"not": {"properties": {"a": {"type": "string"}}, "required": ["a"]}}),
        json!({"minProperties": 2}),
        json!({"maxProperties": 2}),
        json!({"dependentRequired": {"a": ["b"]}}),
        json!({"dependentSchemas": {"b": {"required": ["a"]}}}),
        json!({"additionalProperties": false, "required": ["c"]}),
        json!({"patternProperties": {"^a": {"type": ["string", "object"]}}}),
        json!({"allOf": [{"additionalProperties": {"type": "string"}}]}),
        json!({"allOf": [{"properties": {"a": {"type": "object"}}, "unevaluatedProperties": {"type": "string"}}]}),
        json!({"propertyNames": {"enum": ["a", "b", "c"]}, "unevaluatedProperties": false}),
    ]
}

fn values() -> Vec<Value> {
    let texts = [json!("menu"), json!("pay"), json!(1), json!(null), json!({})];
    let objects = [json!({"m": 1}), json!({"id": 1}), json!({"m": "pay", "id": 2})];
    texts.into_iter().chain(objects).collect()
}

fn schemas() -> impl Strategy<Value = Value> {
    let three = || (select(members()), select(members()), select(members()));
    (three(), select(wholes())).prop_map(|((a, b, c), mut whole)| {
        whole["properties"] = json!({"a": a, "b": b, "c": c});
        whole
    })
}

fn documents() -> impl Strategy<Value = Value> {
    let value = || of(select(values()));
    (value(), value(), value()).prop_map(|(a, b, c)| {
        let members = [("a", a), ("b", b), ("c", c)].into_iter();
        Value::Object(members.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    })
}

/// A state whose document, valid or not, was just written; `None` for what is no schema.
fn begun(schema: &Value, document: &Value) -> Option<(Registry, State)> {
    let mut registry = Registry::default();
    let schema = registry.prepare(NAME, schema.to_string().as_bytes()).ok()?;
    registry.put(schema.clone());
    let document = Document::from_stored(document.to_string().as_bytes()).expect("canonical");
    let clock = Clock { now_ms: BEGUN_MS, before: None, written: Some(&WrittenMembers::Differing) };
    let rules = schema.rules();
    let deadlines = rules.deadlines(document.tree().root(), &clock).expect("few members");
    let head = Version {
        number: 1,
        parent: 0,
        at_ms: BEGUN_MS,
        event: Event::Create,
        actor: None,
        turn: None,
        has_secret: rules.has_secret(document.tree().root()),
        deadlines,
        document,
    };
    let keys = EtagKeys::from_random([0x5eed, 1, 2]);
    Some((registry, State::new(keys, BEGUN_MS, Some(schema.reference().clone()), head)))
}

fn context<'a>(registry: &'a Registry, limits: &'a Limits, budget: &'a Budget, now_ms: i64) -> Context<'a> {
    Context {
        key: b"channel:+263771234567",
        now_ms,
        etag_keys: EtagKeys::default(),
        user: "",
        limits,
        budget,
        registry,
        expires_at_ms: None,
        rights: Rights::NONE,
    }
}

fn next_lapse(state: &State, context: &Context) -> Option<StateChange> {
    let writes = lapse(state, context)?.writes;
    let Ok([Write::Change(change)]) = <[Write; 1]>::try_from(writes) else { panic!("a lapse is one change") };
    Some(change)
}

fn applied(state: &State, effects: &[Effect]) -> State {
    let mut state = state.clone();
    effects.iter().cloned().for_each(|effect| state.apply(effect));
    state
}

proptest! {
    #![proptest_config(config())]

    /// Other settings, a budget that is used up, and a state that was loaded make no difference.
    #[test]
    fn reader_and_committer_agree(schema in schemas(), document in documents()) {
        let Some((registry, state)) = begun(&schema, &document) else { return Ok(()) };
        let limits = Limits::default();
        let budget = Budget::new(&limits);
        let reading = context(&registry, &limits, &budget, LATE_MS);
        let read = lapsed_state(&state, &reading).into_owned();
        let others = Limits { snapshots: 1, bytes_max: 1, cost_max: 0, audit_patch_bytes: 10, ..limits };
        let budget = Budget::new(&others);
        let committing = context(&registry, &others, &budget, LATE_MS);
        let mut committed = decode_state(&encode_state(&state)).expect("encoded");
        let mut replica = decode_state(&encode_state(&state)).expect("encoded");
        while let Some(change) = next_lapse(&committed, &committing) {
            let received = decode_effects(&encode_effects(&change.effects), Some(&replica));
            let received = received.expect("encoded");
            prop_assert_eq!(Effect::admit(&received, Some(&replica)), Ok(()));
            committed = applied(&committed, &change.effects);
            replica = applied(&replica, &received);
            prop_assert_eq!(lapsed_state(&replica, &reading).etag(), read.etag());
        }
        for end in [&committed, &replica] {
            prop_assert_eq!((end.etag(), end.head(), end.schema()), (read.etag(), read.head(), read.schema()));
        }
    }

    #[test]
    fn lapse_leaves_nothing_invalid_that_a_reset_repairs(schema in schemas(), document in documents()) {
        let Some((registry, mut state)) = begun(&schema, &document) else { return Ok(()) };
        let limits = Limits::default();
        let budget = Budget::new(&limits);
        let is_valid = |state: &State| registry.admits(state, &budget) == Ok(true);
        let may_violate = registry.get(NAME).expect("set").rules().may_lapse_into_violations();
        while let Some(change) = next_lapse(&state, &context(&registry, &limits, &budget, LATE_MS)) {
            let after = applied(&state, &change.effects);
            let was_reset = change.entry.is_some_and(|entry| entry.fields().any(|(name, _)| name == "rung"));
            prop_assert!(!was_reset || (is_valid(&state) && is_valid(&after)));
            if is_valid(&state) && !is_valid(&after) {
                prop_assert!(may_violate, "the schema was found to need no validation");
                let at_once = context(&registry, &limits, &budget, after.head().at_ms);
                let (expected, ttl, metadata) = (Expected::Any, Ttl::Keep, Metadata::default());
                let reset = reset(Some(&after), &Reset { expected, all: false, ttl, metadata }, &at_once);
                prop_assert!(reset.reply.is_err(), "a reset repairs {}", after.head().document.text());
            }
            state = after;
        }
    }
}
