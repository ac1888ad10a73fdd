//! The two merges: JSON merge patch (RFC 7396) and the shallow merge of top-level members.

use super::draft::Draft;
use super::node::Node;
use crate::budget::Budget;
use crate::error::Error;

/// The charge of finding or appending a member.
const MEMBER_MERGED: usize = 320;

/// Applies a merge patch: `null` removes, objects merge, everything else replaces. Members keep
/// their places; new ones are appended.
pub(crate) fn merge<'a>(target: &mut Draft<'a>, patch: Node<'a>, budget: &Budget) -> Result<(), Error> {
    if !patch.is_object() {
        *target = Draft::Same(patch);
        return Ok(());
    }
    if !target.is_object() {
        *target = Draft::object();
    }
    // An empty patch: the target stays one span.
    if patch.is_empty() {
        return Ok(());
    }
    budget.charge(patch.children().len().saturating_mul(MEMBER_MERGED))?;
    target.open_charged("", budget)?;
    target.charge_index(patch.children().len(), budget)?;
    let Some(members) = target.members_mut() else { return Ok(()) };
    let mut removed: Vec<&str> =
        patch.children().filter(|member| member.is_null()).map(Node::raw_name).collect();
    if !removed.is_empty() {
        // One pass: removing members one by one moves all that follow, each time.
        removed.sort_unstable();
        members.retain(|name| removed.binary_search(&name).is_err());
    }
    for member in patch.children().filter(|member| !member.is_null()) {
        if !member.is_object() {
            members.insert(member.raw_name(), Draft::Same(member));
        } else if let Some(target) = members.entry(member.raw_name().into(), Draft::object) {
            merge(target, member, budget)?;
        }
    }
    Ok(())
}

/// Replaces each top-level member that `change` names; `null` is a value. A change that is no
/// object replaces the document, and is rejected later like every result that is no object.
pub(crate) fn shallow<'a>(target: &mut Draft<'a>, change: Node<'a>, budget: &Budget) -> Result<(), Error> {
    if !change.is_object() || !target.is_object() {
        *target = Draft::Same(change);
        return Ok(());
    }
    budget.charge(change.children().len().saturating_mul(MEMBER_MERGED))?;
    target.open_charged("", budget)?;
    target.charge_index(change.children().len(), budget)?;
    if let Some(members) = target.members_mut() {
        change.children().for_each(|member| drop(members.insert(member.raw_name(), Draft::Same(member))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::parse;
    use crate::json::tree::Tree;
    use crate::limits::Limits;

    fn tree(text: &str) -> Tree<'_> {
        parse(text.as_bytes(), 64).expect(text)
    }

    #[test]
    fn merges_as_rfc_7396_appendix_a() {
        for (target, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let (target, patch) = (tree(target), tree(patch));
            let mut merged = Draft::Same(target.root());
            merge(&mut merged, patch.root(), &Budget::new(&Limits::default())).expect("cheap");
            assert_eq!(merged.into_tree().into_text(), result, "{} + {}", target.text(), patch.text());
        }
    }

    /// The charge of merging `patch` into `target`.
    fn cost(target: &str, patch: &str) -> Result<u64, Error> {
        let (target, patch) = (tree(target), tree(patch));
        let budget = Budget::new(&Limits { cost_max: u64::MAX, ..Limits::default() });
        let mut merged = Draft::Same(target.root());
        merge(&mut merged, patch.root(), &budget).map(|()| budget.used())
    }

    #[test]
    fn the_table_of_names_is_charged_where_many_are_looked_up() {
        let object = |members: usize| {
            let members: Vec<String> = (0..members).map(|n| format!(r#""{n:05}":0"#)).collect();
            format!("{{{}}}", members.join(","))
        };
        let wide = object(100_000);
        let (one, many) =
            (cost(&wide, &object(1)).expect("merged"), cost(&wide, &object(100)).expect("merged"));
        // A document of a megabyte with members this small can still be changed.
        assert!(one < Limits::default().cost_max * 3 / 4, "{one}");
        assert!(many > one + 100_000 * 100, "{one} {many}");
    }

    #[test]
    fn shallow_replaces_members_whole_and_keeps_null() {
        let state = tree(r#"{"current":{"path":"offer","data":{"amount":5}},"action":{"id":1}}"#);
        let change = tree(r#"{"current":{"path":"menu"},"action":null,"note":1}"#);
        let mut changed = Draft::Same(state.root());
        shallow(&mut changed, change.root(), &Budget::new(&Limits::default())).expect("cheap");
        assert_eq!(changed.into_tree().into_text(), change.text());
    }
}
