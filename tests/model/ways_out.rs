//! Which rules would make what of a state in a recovery: without a look at that, hardly any rung but the first is reached.

use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

use crate::rules::Rules;
use crate::state::tree;
use crate::world::Slot;

/// About how a recovery would end under these rules: with the present document, a past version, a new beginning, or not.
pub fn way_out(slot: &Slot, rules: Rules) -> &'static str {
    let passes = |document: &Value| rules.violations(document).is_empty();
    let Some(state) = &slot.state else { return "" };
    let valid = state.versions.iter().filter(|version| passes(&tree(&version.text)));
    let valid: Vec<u64> = valid.map(|version| version.number).collect();
    let (head, labelled) = (state.head().number, |number: &u64| state.label_of(*number).is_some());
    let mut fresh = Value::Object(Map::new());
    rules.fill(&mut fresh);
    match valid.iter().find(|number| !labelled(number)).or(valid.first()) {
        _ if valid.contains(&head) => "valid",
        Some(number) if labelled(number) => "label",
        Some(_) => "snapshot",
        None if passes(&fresh) => "reset",
        None => "",
    }
}

/// One of several rules, each way out of them as often as the others.
pub fn by_way_out<T: Clone + Debug + 'static>(slot: &Slot, among: Vec<(T, Rules)>) -> BoxedStrategy<T> {
    let mut groups: BTreeMap<&'static str, Vec<T>> = BTreeMap::new();
    let broken = |rules: &Rules| !["", "valid"].contains(&way_out(slot, *rules));
    let some_broken = among.iter().any(|(_, rules)| broken(rules));
    for (it, rules) in among.into_iter().filter(|(_, rules)| broken(rules) || !some_broken) {
        groups.entry(way_out(slot, rules)).or_default().push(it);
    }
    select(groups.into_values().collect::<Vec<_>>()).prop_flat_map(select).boxed()
}
