//! Strategies for the parts of commands: what a caller claims to have read, which version, when the key expires, what is said
//! besides, which schema.

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use crate::command::{Common, Expected, Past, Remarks, SchemaText, Ttl};
use crate::rules::{self, NOT_A_SCHEMA, Rules};
use crate::world::Slot;

/// 2100-01-01: so far away that no run sees it.
const FAR_S: i64 = 4_102_444_800;

pub fn expected(slot: &Slot) -> BoxedStrategy<Expected> {
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
pub fn stale() -> BoxedStrategy<Expected> {
    prop_oneof![
        (0_u64..4).prop_map(Expected::OldVersion),
        (0_usize..64).prop_map(Expected::OldEtag),
        (0_usize..64).prop_map(Expected::MixedEtag),
    ]
    .boxed()
}

/// Mostly a version that is kept.
pub fn past(slot: &Slot) -> BoxedStrategy<Past> {
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

pub fn common() -> BoxedStrategy<Common> {
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
pub fn any_rules() -> BoxedStrategy<Rules> {
    prop_oneof![3 => select(&rules::ALL[..]), 2 => Just(Rules::Guarded)].boxed()
}

pub fn schema_text() -> BoxedStrategy<SchemaText> {
    prop_oneof![
        8 => (any_rules(), any::<bool>())
            .prop_map(|(rules, spaced)| SchemaText::Rules { rules, spaced }),
        3 => (0..NOT_A_SCHEMA.len()).prop_map(SchemaText::NotASchema),
    ]
    .boxed()
}
