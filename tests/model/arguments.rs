//! Strategies for the arguments of commands, but for JSON.

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use crate::command::{Common, ExpectedChoice, Metadata, SchemaText, Ttl, VersionsBack};
use crate::rules::{self, NOT_A_SCHEMA, Rules};
use crate::state::State;
use crate::world::Slot;

/// 2100-01-01.
const FAR_S: i64 = 4_102_444_800;

pub fn expected(slot: &Slot) -> BoxedStrategy<ExpectedChoice> {
    let (absent, present) = if slot.state.is_some() { (1, 8) } else { (20, 1) };
    prop_oneof![
        8 => Just(ExpectedChoice::Any),
        absent => Just(ExpectedChoice::Absent),
        present => Just(ExpectedChoice::Version),
        present => Just(ExpectedChoice::Etag),
        3 => stale(),
    ]
    .boxed()
}

/// An earlier version or etag.
pub fn stale() -> BoxedStrategy<ExpectedChoice> {
    prop_oneof![
        (0_u64..4).prop_map(ExpectedChoice::OtherVersion),
        (0_usize..64).prop_map(ExpectedChoice::EarlierEtag),
        (0_usize..64).prop_map(ExpectedChoice::MixedEtag),
    ]
    .boxed()
}

/// A version, mostly a kept one.
pub fn version(slot: &Slot) -> BoxedStrategy<VersionsBack> {
    let back = |state: &State| {
        let head = state.head().number;
        state
            .versions
            .numbers()
            .into_iter()
            .map(move |number| VersionsBack(head - number))
            .collect::<Vec<_>>()
    };
    let kept = slot.state.iter().flat_map(back);
    let kept: Vec<VersionsBack> = kept.chain([VersionsBack(0)]).collect();
    prop_oneof![3 => select(kept), 1 => (0_u64..6).prop_map(VersionsBack)].boxed()
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
    let metadata = (
        weighted(0.15, select(&["shown", "logout", "offer made", "é"][..])),
        weighted(0.2, select(&["menu_handler", "webhook"][..])),
        weighted(0.15, select(&["sent to +263771234567", "EX 60", "two\nlines"][..])),
        weighted(0.5, select(&["wamid.HBgMMjYzNzcx", "wamid.é"][..])),
    )
        .prop_map(|(event, actor, note, turn)| Metadata {
            event,
            actor,
            note,
            turn,
            ..Metadata::default()
        });
    let audit = prop_oneof![20 => Just(None), 4 => Just(Some(true)), 1 => Just(Some(false))];
    (metadata, weighted(0.4, ttl()), weighted(0.3, Just(())), audit, 0_usize..6, any::<bool>())
        .prop_map(|(metadata, ttl, returns, audit, rotate, small)| Common {
            metadata,
            ttl,
            returns: returns.is_some(),
            audit,
            rotate,
            small,
        })
        .boxed()
}

pub fn any_rules() -> BoxedStrategy<Rules> {
    prop_oneof![3 => select(&rules::ALL[..]), 2 => Just(Rules::Annotated)].boxed()
}

pub fn schema_text() -> BoxedStrategy<SchemaText> {
    prop_oneof![
        8 => (any_rules(), any::<bool>())
            .prop_map(|(rules, spaced)| SchemaText::Rules { rules, spaced }),
        3 => (0..NOT_A_SCHEMA.len()).prop_map(SchemaText::NotASchema),
    ]
    .boxed()
}
