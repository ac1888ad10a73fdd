//! The strategy for the next command, given the present world.

use std::sync::Arc;

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use reference::attempts::Outcome;
use reference::json::tree;
use reference::patch::Size;
use reference::pointer;

use crate::arguments::{any_rules, common, expected, schema_text, stale, version};
use crate::bindings::{PATTERNS, bound_to};
use crate::command::{
    Attempt, Command, KEYS, Metadata, NO_SCHEMA, Recover, Rollback, SCHEMAS, SchemaText, TargetChoice,
    Update, VersionsBack,
};
use crate::invalid_commands::ROWS;
use crate::json_arguments;
use crate::recovery_rungs::{by_rung, rung_of};
use crate::rules::{self, Rules};
use crate::state::State;
use crate::world::{Settings, Slot, World};

const OPERATIONS: &[&str] = &["confirm", "offer", "login/Greeting"];
const COMPONENTS: &[&str] = &["ConfirmOffer", "Greeting"];
const LABELS: &[&str] = &["menu", "offer", "confirm", "ledger", "café"];

/// The settings of a run: small limits, so that sixty commands reach them.
pub fn settings() -> BoxedStrategy<Settings> {
    let kept =
        (select(&[0_usize, 0, 1, 2, 3, 4][..]), select(&[0_usize, 1, 2, 3, 3][..]), select(&[300, 4000][..]));
    let audit = (select(&[4096_usize, 60][..]), select(&[100_usize, 0, 1, 3][..]), any::<bool>());
    let schemas = [weighted(0.7, any_rules()), weighted(0.7, any_rules())];
    (kept, audit, 2_u8..=3, 0_usize..6, schemas)
        .prop_map(
            |(
                (snapshots, labels, default_ttl_s),
                (patch_bytes_max, rejects_max, conflicts),
                protocol,
                attempts_history,
                schemas,
            )| {
                Settings {
                    snapshots,
                    labels,
                    default_ttl_s,
                    audit_ttl_s: 86_400,
                    size: Size { bytes_max: 1024, depth_max: 8 },
                    patch_bytes_max,
                    rejects_max,
                    conflicts,
                    attempts_history,
                    schemas,
                    protocol,
                }
            },
        )
        .boxed()
}

/// Makes the strategy for one sort of command on a key.
type Sort = fn(usize, &World) -> BoxedStrategy<Command>;

/// The next command: first its key, then its sort, then its arguments, since their strategy looks
/// at the whole world.
pub fn command(world: &World) -> BoxedStrategy<Command> {
    let world = Arc::new(world.clone());
    let seen = Arc::clone(&world);
    // Mostly one key, so that it gets many versions.
    prop_oneof![4 => Just(0_usize), 1 => 1..KEYS.len()]
        .prop_flat_map(move |key| (Just(key), sort(key, &seen)))
        .prop_flat_map(move |(key, sort)| sort(key, &world))
        .boxed()
}

fn sort(key: usize, world: &World) -> BoxedStrategy<Sort> {
    let slot = &world.slots[key];
    // Snapshots with secrets of a missing schema do not last long, so they are read at once.
    let schema = slot.state.as_ref().and_then(|state| state.schema);
    let lost = schema.is_some_and(|schema| schema.has_secrets && world.rules(Some(schema.name)).is_none());
    let counts = bound_to(&world.bindings, key).or(schema.map(|schema| schema.name));
    // Another schema applies from the next write on.
    let moves = slot.state.is_some() && counts != schema.map(|schema| schema.name);
    let rung_of = world.rules(counts).map_or("", |rules| rung_of(slot, rules));
    let (breaking_it, recovering) = match rung_of {
        "valid" => (2, 1),
        "" => (1, 2),
        _ => (0, 40),
    };
    // Secrets of snapshots, which are masked.
    let masked = schema.is_some_and(|schema| schema.has_secrets)
        && slot.state.iter().flat_map(|state| state.versions.kept()).any(|it| it.text.contains("\"token\""));
    let (reading, rolling_back) = if slot.state.is_some() { (5, 5) } else { (4, 1) };
    prop_oneof![
        12 => Just(update as Sort),
        if moves { 9 } else { rolling_back } => Just(rollback as Sort),
        if moves { 10 } else { 2 } => Just(reset as Sort),
        recovering => Just(recover as Sort),
        if lost { 60 } else if masked { 6 } else { 2 } => Just(reading_versions as Sort),
        reading => Just(about_a_state as Sort),
        4 => Just(about_schemas as Sort),
        breaking_it => Just(breaking as Sort),
        3 => Just(invalid as Sort),
    ]
    .boxed()
}

fn invalid(key: usize, _: &World) -> BoxedStrategy<Command> {
    (0..ROWS.len()).prop_map(move |row| Command::Invalid { row, key }).boxed()
}

fn reading_versions(key: usize, world: &World) -> BoxedStrategy<Command> {
    let slot = &world.slots[key];
    let pointers = prop_oneof![1 => Just(Vec::new()), 1 => json_arguments::pointers(slot)];
    prop_oneof![
        1 => (weighted(0.8, version(slot)), pointers)
            .prop_map(move |(version, pointers)| Command::Get { key, version, pointers }),
        1 => (version(slot), version(slot), any::<bool>())
            .prop_map(move |(from, to, with_turns)| Command::Diff { key, from, to, with_turns }),
    ]
    .boxed()
}

fn about_a_state(key: usize, world: &World) -> BoxedStrategy<Command> {
    let slot = &world.slots[key];
    let deleting = if slot.state.is_some() { 7 } else { 3 };
    prop_oneof![
        2 => weighted(0.5, 1_usize..5).prop_map(move |count| Command::History { key, count }),
        3 => Just(Command::Meta { key }),
        9 => attempt(key),
        5 => (weighted(0.7, select(OPERATIONS)), weighted(0.3, 1_usize..4))
            .prop_map(move |(operation, count)| Command::Attempts { key, operation, count }),
        8 => common().prop_map(move |common| Command::Touch { key, common }),
        deleting => (prop_oneof![1 => expected(slot), 1 => stale()], any::<bool>(), common())
            .prop_map(move |(expected, purge, common)| Command::Delete { key, expected, purge, common }),
        1 => any::<bool>().prop_map(|of_schemas| Command::Help { of_schemas }),
    ]
    .boxed()
}

fn about_schemas(key: usize, world: &World) -> BoxedStrategy<Command> {
    let setting = 7 + 5 * world.schemas_missing();
    let (binding, unbinding) = if world.bindings.len() > 4 { (3, 9) } else { (12, 4) };
    // The schema of the state is set and deleted more often than the others.
    let own = world.slots[key].state.as_ref().and_then(State::schema_name);
    let known = move || select(SCHEMAS.into_iter().chain(own).chain(own).collect::<Vec<_>>());
    let named = || prop_oneof![6 => known(), 1 => Just(NO_SCHEMA)];
    prop_oneof![
        12 => (named(), json_arguments::validated(&world.settings))
            .prop_map(|(name, json)| Command::Validate { name, json }),
        setting => (known(), schema_text()).prop_map(|(name, text)| Command::SchemaSet { name, text }),
        binding => prop_oneof![1 => (0..PATTERNS.len(), named()).boxed(), 2 => rival(world)]
            .prop_map(|(pattern, name)| Command::SchemaBind { pattern, name }),
        unbinding => bound(world).prop_map(|pattern| Command::SchemaUnbind { pattern }),
        3 => named().prop_map(|name| Command::SchemaGet { name }),
        3 => Just(Command::SchemaList),
        7 => (named(), any::<bool>()).prop_map(|(name, force)| Command::SchemaDel { name, force }),
    ]
    .boxed()
}

fn update(key: usize, world: &World) -> BoxedStrategy<Command> {
    let (slot, settings) = (&world.slots[key], &world.settings);
    let mut known: Vec<&'static str> = world.schemas.keys().copied().collect();
    // For a state the schema is mostly its own or none; a new state mostly gets one.
    let own = slot.state.as_ref().map(State::schema_name);
    let unknown = if known.is_empty() { 1 } else { 0 };
    known.extend(SCHEMAS);
    let any = prop_oneof![20 => select(known).prop_map(Some), 1 => Just(Some(NO_SCHEMA))];
    let schema = match own {
        Some(own) => prop_oneof![20 => Just(None), 4 => Just(own), 3 => any].boxed(),
        None => prop_oneof![2 + 8 * unknown => Just(None), 8 => any].boxed(),
    };
    let label = weighted(0.3, select(LABELS));
    let tried = weighted(0.25, (select(OPERATIONS), weighted(0.4, select(COMPONENTS))));
    let said = (label, weighted(0.1, Just(())), tried, common());
    let counts = bound_to(&world.bindings, key).or(own.flatten());
    let annotated = [counts, own.flatten()].map(|name| world.rules(name)).contains(&Some(Rules::Annotated));
    let protect = weighted(if annotated { 0.5 } else { 0.2 }, Just(()));
    (protect, expected(slot), json_arguments::json(slot, settings, annotated), schema, said)
        .prop_map(move |(protect, expected, (kind, json), schema, (label, dry_run, tried, mut common))| {
            let (protect, dry_run) = (protect.is_some(), dry_run.is_some());
            if let Some((operation, component)) = tried {
                common.metadata = Metadata { operation: Some(operation), component, ..common.metadata };
            }
            Command::Update(Update { key, protect, expected, json, kind, schema, label, dry_run, common })
        })
        .boxed()
}

fn attempt(key: usize) -> BoxedStrategy<Command> {
    let outcome =
        prop_oneof![3 => Just(Outcome::Success), 3 => Just(Outcome::Failure), 2 => Just(Outcome::Clear)];
    let error = weighted(0.3, select(&["neither yes nor no", "é\n"][..]));
    (select(OPERATIONS), outcome, weighted(0.4, select(COMPONENTS)), error, common())
        .prop_map(move |(operation, outcome, component, error, common)| {
            Command::Attempt(Attempt { key, operation, outcome, component, error, common })
        })
        .boxed()
}

/// A pattern about as specific as a bound one, for another schema.
fn rival(world: &World) -> BoxedStrategy<(usize, &'static str)> {
    let mut rivals = vec![(0, SCHEMAS[0])];
    for (pattern, name) in &world.bindings {
        let beside = [pattern.wrapping_sub(1), pattern + 1].into_iter().filter(|it| *it < PATTERNS.len());
        let other = SCHEMAS.into_iter().filter(|other| other != name);
        rivals.extend(beside.flat_map(|beside| other.clone().map(move |other| (beside, other))));
    }
    select(rivals).boxed()
}

/// A pattern, mostly a bound one.
fn bound(world: &World) -> BoxedStrategy<usize> {
    let bound: Vec<usize> = world.bindings.keys().copied().chain([0]).collect();
    prop_oneof![5 => select(bound), 1 => 0..PATTERNS.len()].boxed()
}

fn reset(key: usize, world: &World) -> BoxedStrategy<Command> {
    (expected(&world.slots[key]), weighted(0.3, Just(())), common())
        .prop_map(move |(expected, all, common)| {
            let all = all.is_some();
            Command::Reset { key, expected, all, common }
        })
        .boxed()
}

/// Another revision of the applicable schema, so that the state has to be recovered.
fn breaking(key: usize, world: &World) -> BoxedStrategy<Command> {
    let slot = &world.slots[key];
    let own = slot.state.as_ref().and_then(State::schema_name);
    let name = bound_to(&world.bindings, key).or(own).unwrap_or(SCHEMAS[0]);
    by_rung(slot, rules::ALL.map(|rules| (rules, rules)).to_vec())
        .prop_map(move |rules| Command::SchemaSet { name, text: SchemaText::Rules { rules, spaced: false } })
        .boxed()
}

fn recover(key: usize, world: &World) -> BoxedStrategy<Command> {
    let known: Vec<_> = world.schemas.iter().map(|(name, (rules, _))| (*name, *rules)).collect();
    let unknown = Just(NO_SCHEMA).boxed();
    let known = if known.is_empty() { unknown.clone() } else { by_rung(&world.slots[key], known) };
    let named = if bound_to(&world.bindings, key).is_some() { 0.1 } else { 0.4 };
    (weighted(named, prop_oneof![9 => known, 1 => unknown]), common())
        .prop_map(move |(schema, common)| Command::Recover(Recover { key, schema, common }))
        .boxed()
}

fn rollback(key: usize, world: &World) -> BoxedStrategy<Command> {
    let slot = &world.slots[key];
    let is_set = |label: &&&str| slot.state.iter().any(|state| state.versions.labelled(label).is_some());
    let labels: Vec<&'static str> = LABELS.iter().filter(is_set).chain([&LABELS[0]]).copied().collect();
    let target = prop_oneof![
        4 => weighted(0.5, 1_u64..4).prop_map(TargetChoice::Steps),
        3 => version(slot).prop_map(TargetChoice::To),
        3 => select(labels).prop_map(TargetChoice::Label),
        2 => Just(TargetChoice::LastValid),
        2 => select(invalid_versions(world, key)).prop_map(TargetChoice::To),
    ];
    let members = (target, weighted(0.25, json_arguments::pointers(slot)));
    let members = prop_oneof![3 => members, 1 => deep_members(slot)];
    (expected(slot), members, weighted(0.3, Just(())), common())
        .prop_map(move |(expected, (target, only), all, common)| {
            let all = all.is_some();
            Command::Rollback(Rollback { key, expected, target, only, all, common })
        })
        .boxed()
}

/// The versions that fail the present schema; without any, the version before the present one.
fn invalid_versions(world: &World, key: usize) -> Vec<VersionsBack> {
    let mut found = vec![VersionsBack(1)];
    let Some(state) = &world.slots[key].state else { return found };
    let Some(rules) = world.rules(state.schema_name()) else { return found };
    let invalid = state.versions.kept().iter().filter(|version| !rules.pass(&version.text));
    found.extend(invalid.map(|version| VersionsBack(state.head().number - version.number)));
    if found.len() > 1 { found.split_off(1) } else { found }
}

/// A version and a member deep inside it. What leads there may be another value by now.
fn deep_members(slot: &Slot) -> BoxedStrategy<(TargetChoice, Option<Vec<String>>)> {
    let mut found = vec![(TargetChoice::To(VersionsBack(1)), Some(vec!["/data/amount".to_owned()]))];
    let mut without_place = Vec::new();
    if let Some(state) = &slot.state {
        let present = tree(&state.head().text);
        for version in state.versions.kept() {
            let back = VersionsBack(state.head().number - version.number);
            for (member, _) in pointer::all(&tree(&version.text)) {
                let tokens = pointer::tokens(&member).expect("a pointer");
                let has_place = pointer::set(&mut present.clone(), &tokens, true.into()).is_some();
                let kind = if has_place { &mut found } else { &mut without_place };
                if tokens.len() > 1 {
                    kind.push((TargetChoice::To(back), Some(vec![member])));
                }
            }
        }
    }
    let without_place = if without_place.is_empty() { found.clone() } else { without_place };
    prop_oneof![1 => select(found), 1 => select(without_place)].boxed()
}
