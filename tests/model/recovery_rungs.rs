//! The rung that recovers a state under given rules, so that the strategies reach every rung and
//! not only the first.

use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

use crate::rules::Rules;
use crate::world::Slot;

/// About which rung recovers a state under these rules; "" for none.
pub fn rung_of(slot: &Slot, rules: Rules) -> &'static str {
    let Some(state) = &slot.state else { return "" };
    let valid = state.versions.kept().iter().filter(|version| rules.pass(&version.text));
    let valid: Vec<u64> = valid.map(|version| version.number).collect();
    let (head, labelled) = (state.head().number, |number: &u64| state.versions.label_of(*number).is_some());
    let mut fresh = Value::Object(Map::new());
    rules.fill(&mut fresh);
    match valid.iter().find(|number| !labelled(number)).or(valid.first()) {
        _ if valid.contains(&head) => "valid",
        Some(number) if labelled(number) => "label",
        Some(_) => "snapshot",
        None if rules.violations(&fresh).is_empty() => "reset",
        None => "",
    }
}

/// One of several rules, so that each rung is as likely as any other.
pub fn by_rung<T: Clone + Debug + 'static>(slot: &Slot, among: Vec<(T, Rules)>) -> BoxedStrategy<T> {
    let mut groups: BTreeMap<&'static str, Vec<T>> = BTreeMap::new();
    let broken = |rules: &Rules| !["", "valid"].contains(&rung_of(slot, *rules));
    let some_broken = among.iter().any(|(_, rules)| broken(rules));
    for (it, rules) in among.into_iter().filter(|(_, rules)| broken(rules) || !some_broken) {
        groups.entry(rung_of(slot, rules)).or_default().push(it);
    }
    select(groups.into_values().collect::<Vec<_>>()).prop_flat_map(select).boxed()
}
