//! Which commands are played, and how often: a strategy for the next one, given what is there.

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use crate::command::{
    Attempt, Command, Common, Expected, KEYS, NO_SCHEMA, Past, Remarks, Rollback, SCHEMAS, SchemaText, Tally,
    Target, Ttl, Update,
};
use crate::json;
use crate::patch::Size;
use crate::refused::ROWS;
use crate::rules::{self, NOT_A_SCHEMA, Rules};
use crate::state::{State, tree};
use crate::texts;
use crate::world::{Settings, Slot, World};

const OPERATIONS: &[&str] = &["confirm", "offer", "login/Greeting"];
const COMPONENTS: &[&str] = &["ConfirmOffer", "Greeting"];
const LABELS: &[&str] = &["menu", "offer", "confirm", "ledger", "café"];
/// 2100-01-01: so far away that no run sees it.
const FAR_S: i64 = 4_102_444_800;

/// The settings of a run: small limits, so that sixty commands reach them.
pub fn settings() -> BoxedStrategy<Settings> {
    let kept = (0_usize..5, 0_usize..4, select(&[300, 4000][..]));
    let trail = (select(&[4096_usize, 60][..]), select(&[100_usize, 0, 1, 3][..]), any::<bool>());
    let schemas = [weighted(0.7, rules()), weighted(0.7, rules())];
    (kept, trail, 2_u8..=3, 0_usize..6, schemas)
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

/// The next command.
pub fn command(world: &World) -> BoxedStrategy<Command> {
    // One key is played on most of the time, so that it gets old.
    let world = world.clone();
    prop_oneof![4 => Just(0_usize), 1 => 1..KEYS.len()]
        .prop_flat_map(move |key| command_on(key, &world))
        .boxed()
}

fn command_on(key: usize, world: &World) -> BoxedStrategy<Command> {
    let (slot, settings) = (&world.slots[key], &world.settings);
    let setting_schemas = 4 + 5 * world.schemas_missing();
    // Past versions with secrets that nobody knows any more.
    let lost = slot.state.as_ref().and_then(|state| state.schema);
    let lost = lost.is_some_and(|schema| schema.has_secrets && world.rules(Some(schema.name)).is_none());
    let (reading, rest_of_all) = if lost { (70, 40) } else { (7, 9) };
    let (deleting, going_back) = if slot.state.is_some() { (5, 4) } else { (2, 1) };
    // What the state obeys is set anew and deleted more often than what nobody obeys.
    let own = slot.state.as_ref().and_then(State::schema_name);
    let known = move || select(SCHEMAS.into_iter().chain(own).chain(own).collect::<Vec<_>>());
    let named = || prop_oneof![6 => known(), 1 => Just(NO_SCHEMA)];
    let rest = prop_oneof![
        reading => (weighted(if lost { 0.95 } else { 0.5 }, past(slot)), prop_oneof![1 => Just(Vec::new()), 1 => texts::pointers(slot)])
            .prop_map(move |(version, pointers)| Command::Get { key, version, pointers }),
        2 => weighted(0.5, 1_usize..5).prop_map(move |count| Command::History { key, count }),
        reading => (past(slot), past(slot)).prop_map(move |(from, to)| Command::Diff { key, from, to }),
        4 => Just(Command::Meta { key }),
        9 => attempt(key),
        6 => (weighted(0.7, select(OPERATIONS)), weighted(0.3, 1_usize..4))
            .prop_map(move |(operation, count)| Command::Attempts { key, operation, count }),
        7 => common().prop_map(move |common| Command::Touch { key, common }),
        deleting => (prop_oneof![1 => expected(slot), 1 => stale()], any::<bool>(), common())
            .prop_map(move |(expected, purge, common)| Command::Delete { key, expected, purge, common }),
        12 => (named(), texts::validated(settings)).prop_map(|(name, json)| Command::Validate { name, json }),
        setting_schemas => (known(), schema_text()).prop_map(|(name, text)| Command::SchemaSet { name, text }),
        1 => named().prop_map(|name| Command::SchemaGet { name }),
        1 => Just(Command::SchemaList),
        4 => (named(), weighted(0.4, Just(())))
            .prop_map(|(name, force)| Command::SchemaDel { name, force: force.is_some() }),
        1 => any::<bool>().prop_map(|of_schemas| Command::Help { of_schemas }),
        25 => (0..ROWS.len()).prop_map(move |row| Command::Refused { row, key }),
    ];
    prop_oneof![12 => update(key, world), going_back => rollback(key, world), rest_of_all => rest].boxed()
}

fn update(key: usize, world: &World) -> BoxedStrategy<Command> {
    let (slot, settings) = (&world.slots[key], &world.settings);
    let mut known: Vec<&'static str> = world.schemas.keys().copied().collect();
    // On a state the schema is mostly its own or not said; a new one mostly gets one.
    let own = slot.state.as_ref().map(State::schema_name);
    let unknown = if known.is_empty() { 1 } else { 0 };
    known.extend(SCHEMAS);
    let any = prop_oneof![20 => select(known).prop_map(Some), 1 => Just(Some(NO_SCHEMA))];
    let schema = match own {
        Some(own) => prop_oneof![20 => Just(None), 4 => Just(own), 1 => any].boxed(),
        None => prop_oneof![2 + 8 * unknown => Just(None), 8 => any].boxed(),
    };
    let label = weighted(0.15, select(LABELS));
    let tried = weighted(0.25, (select(OPERATIONS), weighted(0.4, select(COMPONENTS))));
    let said = (label, weighted(0.1, Just(())), tried, common());
    let guarded = own.flatten().and_then(|name| world.rules(Some(name))) == Some(Rules::Guarded);
    let protect = weighted(if guarded { 0.5 } else { 0.2 }, Just(()));
    (protect, expected(slot), texts::json(slot, settings, guarded), schema, said)
        .prop_map(move |(protect, expected, (kind, json), schema, (label, dry_run, tried, mut common))| {
            let (protect, dry_run) = (protect.is_some(), dry_run.is_some());
            if let Some((operation, component)) = tried {
                common.remarks = Remarks { operation: Some(operation), component, ..common.remarks };
            }
            Command::Update(Update { key, protect, expected, json, kind, schema, label, dry_run, common })
        })
        .boxed()
}

fn attempt(key: usize) -> BoxedStrategy<Command> {
    let tally = prop_oneof![3 => Just(Tally::Success), 3 => Just(Tally::Failure), 2 => Just(Tally::Clear)];
    let error = weighted(0.3, select(&["neither yes nor no", "é\n"][..]));
    (select(OPERATIONS), tally, weighted(0.4, select(COMPONENTS)), error, common())
        .prop_map(move |(operation, tally, component, error, common)| {
            Command::Attempt(Attempt { key, operation, tally, component, error, common })
        })
        .boxed()
}

fn rollback(key: usize, world: &World) -> BoxedStrategy<Command> {
    let slot = &world.slots[key];
    let set = slot.state.iter().flat_map(|state| &state.labels).map(|(name, _)| *name);
    let labels: Vec<&'static str> = set.chain([LABELS[0]]).collect();
    let target = prop_oneof![
        4 => weighted(0.5, 1_u64..4).prop_map(Target::Steps),
        3 => past(slot).prop_map(Target::To),
        2 => select(labels).prop_map(Target::Label),
        2 => Just(Target::LastValid),
        2 => select(refused_versions(world, key)).prop_map(Target::To),
    ];
    let members = (target, weighted(0.25, texts::pointers(slot)));
    let members = prop_oneof![3 => members, 1 => members_of_old(slot)];
    (expected(slot), members, weighted(0.3, Just(())), common())
        .prop_map(move |(expected, (target, only), all, common)| {
            let all = all.is_some();
            Command::Rollback(Rollback { key, expected, target, only, all, common })
        })
        .boxed()
}

/// Versions that do not pass the schema as it is now; the one before the present when there are none.
fn refused_versions(world: &World, key: usize) -> Vec<Past> {
    let mut found = vec![Past(1)];
    let Some(state) = &world.slots[key].state else { return found };
    let Some(rules) = world.rules(state.schema_name()) else { return found };
    let refused = state.versions.iter().filter(|version| !rules.violations(&tree(&version.text)).is_empty());
    found.extend(refused.map(|version| Past(state.head().number - version.number)));
    if found.len() > 1 { found.split_off(1) } else { found }
}

/// A version and members deep inside it: what leads there may be something else by now.
fn members_of_old(slot: &Slot) -> BoxedStrategy<(Target, Option<Vec<String>>)> {
    let mut found = vec![(Target::To(Past(1)), Some(vec!["/data/amount".to_owned()]))];
    if let Some(state) = &slot.state {
        for version in &state.versions {
            let deep = json::places(&tree(&version.text)).into_iter().map(|(place, _)| place);
            let deep = deep.filter(|place| place.matches('/').count() > 1);
            let past = Past(state.head().number - version.number);
            found.extend(deep.map(|place| (Target::To(past), Some(vec![place]))));
        }
    }
    select(found).boxed()
}

fn expected(slot: &Slot) -> BoxedStrategy<Expected> {
    let (nothing, present) = if slot.state.is_some() { (1, 8) } else { (20, 1) };
    prop_oneof![
        8 => Just(Expected::Any),
        nothing => Just(Expected::Nothing),
        present => Just(Expected::Version),
        present => Just(Expected::Etag),
        3 => stale(),
    ]
    .boxed()
}

/// What was read a while ago.
fn stale() -> BoxedStrategy<Expected> {
    prop_oneof![
        (0_u64..4).prop_map(Expected::OldVersion),
        (0_usize..64).prop_map(Expected::OldEtag),
        (0_usize..64).prop_map(Expected::MixedEtag),
    ]
    .boxed()
}

/// Mostly a version that is kept.
fn past(slot: &Slot) -> BoxedStrategy<Past> {
    let kept = slot
        .state
        .iter()
        .flat_map(|state| state.versions.iter().map(|version| Past(state.head().number - version.number)));
    let kept: Vec<Past> = kept.chain([Past(0)]).collect();
    prop_oneof![3 => select(kept), 1 => (0_u64..6).prop_map(Past)].boxed()
}

fn ttl() -> BoxedStrategy<Ttl> {
    prop_oneof![
        (60_i64..7200).prop_map(Ttl::Seconds),
        (60_000_i64..7_200_000).prop_map(Ttl::Milliseconds),
        (FAR_S..FAR_S + 1000).prop_map(Ttl::AtSeconds),
        (FAR_S * 1000..FAR_S * 1000 + 1000).prop_map(Ttl::AtMilliseconds),
        Just(Ttl::Keep),
        Just(Ttl::Persist),
    ]
    .boxed()
}

fn common() -> BoxedStrategy<Common> {
    let remarks = (
        weighted(0.15, select(&["shown", "logout", "offer made", "é"][..])),
        weighted(0.2, select(&["menu_handler", "webhook"][..])),
        weighted(0.15, select(&["sent to +263771234567", "EX 60", "two\nlines"][..])),
    )
        .prop_map(|(event, actor, note)| Remarks { event, actor, note, ..Remarks::default() });
    let audit = prop_oneof![20 => Just(None), 4 => Just(Some(true)), 1 => Just(Some(false))];
    (remarks, weighted(0.4, ttl()), weighted(0.3, Just(())), audit, 0_usize..6, any::<bool>())
        .prop_map(|(remarks, ttl, returns, audit, rotate, small)| Common {
            remarks,
            ttl,
            returns: returns.is_some(),
            audit,
            rotate,
            small,
        })
        .boxed()
}

/// What a schema's name stands for.
fn rules() -> BoxedStrategy<Rules> {
    prop_oneof![3 => select(&rules::ALL[..]), 2 => Just(Rules::Guarded)].boxed()
}

fn schema_text() -> BoxedStrategy<SchemaText> {
    prop_oneof![
        8 => (rules(), any::<bool>())
            .prop_map(|(rules, spaced)| SchemaText::Rules { rules, spaced }),
        1 => (0..NOT_A_SCHEMA.len()).prop_map(SchemaText::NotASchema),
    ]
    .boxed()
}
