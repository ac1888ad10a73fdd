//! What a lapse leaves: the document and its remaining deadlines at one instant.
//!
//! Both follow from the document, its deadlines and the present schema alone. The work budget is a
//! constant, not `state.max-cost`, and the whole document is validated: so a reader, a replica and
//! the primary that commits get the same result, whatever their settings and their memory of what
//! has passed.
//!
//! A lapse that makes a valid document invalid applies the `reset` rung of a recovery: else a step
//! would require a form that is gone, and no update could change either. A document that was
//! invalid before, under a new revision for example, is left to STATE.RECOVER, whose milder rungs
//! keep more of it.

use std::collections::BTreeSet;

use crate::budget::Budget;
use crate::error::Error;
use crate::json::draft::Draft;
use crate::json::node::Node;
use crate::json::pointer::Pointer;
use crate::json::tree::Tree;
use crate::schema::annotations::preserve::Preserve;
use crate::schema::annotations::rules::Rules;
use crate::schema::compiled::Schema;
use crate::state::deadlines::{Deadline, Deadlines};

/// The work budget for validating what lapses leave, in the units of `state.max-cost`; the instants
/// that are left share it. A document that needs more is not reset.
const CHECKS_COST_MAX: u64 = 5_000_000;

/// The charge of a byte of a document that is written again.
const BYTE_COST: usize = 5;
/// The charge of a member of an object that is opened.
const MEMBER_COST: usize = 250;

/// What the lapse of one instant leaves.
pub(super) struct Lapsed {
    pub tree: Tree<'static>,
    pub deadlines: Deadlines,
    /// Why the document was reset, if it was.
    pub reset: Option<String>,
}

impl Lapsed {
    /// The lapse of all members that are due at `due_ms`, the first of the `deadlines`.
    pub(super) fn at(due_ms: i64, schema: Option<&Schema>, before: &Tree, deadlines: &Deadlines) -> Lapsed {
        Lapsed::within(&Budget::of(allowance(deadlines)), due_ms, schema, before, deadlines)
    }

    fn within(
        budget: &Budget,
        due_ms: i64,
        schema: Option<&Schema>,
        before: &Tree,
        deadlines: &Deadlines,
    ) -> Lapsed {
        let places = deadlines.until(due_ms);
        let lapsed = lapsed(schema, before, &places);
        let reset = schema.map(|schema| reset(schema, before, &lapsed, &places, budget));
        let (tree, reset) = match reset {
            Some(Ok(Some((tree, reason)))) => (tree, Some(reason)),
            // Too much work to validate, or nothing to repair.
            Some(Ok(None) | Err(_)) | None => (lapsed, None),
        };
        let is_restored = |place: &Pointer, value: Node| match schema {
            Some(schema) if reset.is_some() => {
                place.find(schema.initial()).is_some_and(|initial| initial.text() == value.text())
            }
            schema => {
                places.iter().any(|due| due.is_prefix_of(place))
                    || schema.is_some_and(|schema| schema.rules().is_default(place, value))
            }
        };
        let deadlines = left(deadlines, due_ms, before, &tree, is_restored);
        Lapsed { deadlines, tree, reset }
    }
}

/// The deadlines after a lapse. A member keeps its own where only a part of it has lapsed or was
/// kept. One that was removed or restored has none any more, so the number of lapses is bounded.
fn left(
    deadlines: &Deadlines,
    due_ms: i64,
    before: &Tree,
    after: &Tree,
    is_restored: impl Fn(&Pointer, Node) -> bool,
) -> Deadlines {
    let left = deadlines.iter().filter(|deadline| deadline.at_ms > due_ms);
    let left = left.filter(|deadline| {
        let Some(place) = Pointer::parse(&deadline.place) else { return false };
        let Some(value) = place.find(after.root()) else { return false };
        let was = place.find(before.root());
        was.is_some_and(|was| was.text() == value.text()) || !is_restored(&place, value)
    });
    Deadlines::new(left.cloned().collect::<Vec<Deadline>>())
}

/// The document after the lapse of `places`, before it is validated. Without the schema the default
/// is unknown: a due member is removed.
pub(super) fn lapsed(schema: Option<&Schema>, tree: &Tree, places: &[Pointer]) -> Tree<'static> {
    let no_rules = Rules::default();
    let mut value = Draft::Same(tree.root());
    schema.map_or(&no_rules, Schema::rules).lapse(&mut value, places);
    value.into_tree()
}

/// The reset document, if the lapse made a valid document invalid and a reset repairs it; and the
/// violations of the lapsed one.
///
/// Errors: `TOOCOSTLY`.
fn reset(
    schema: &Schema,
    before: &Tree,
    lapsed: &Tree,
    places: &[Pointer],
    budget: &Budget,
) -> Result<Option<(Tree<'static>, String)>, Error> {
    if !schema.rules().may_lapse_into_violations() || lapsed.text() == before.text() {
        return Ok(None);
    }
    let violations = match schema.check(lapsed.root(), None, budget) {
        Ok(()) => return Ok(None),
        Err(violations @ Error::Invalid { .. }) => violations,
        Err(error) => return Err(error),
    };
    if !schema.admits(before.root(), budget)? {
        return Ok(None);
    }
    let after = reset_document(schema, lapsed.root(), places, budget)?;
    let is_valid = schema.admits(after.root(), budget)?;
    Ok(is_valid.then(|| (after, violations.reason())))
}

/// The result of STATE.RESET on a document whose `places` have lapsed.
fn reset_document(
    schema: &Schema,
    lapsed: Node,
    places: &[Pointer],
    budget: &Budget,
) -> Result<Tree<'static>, Error> {
    for document in [schema.initial(), lapsed] {
        budget.charge(document.text().len().saturating_mul(BYTE_COST))?;
        budget.charge(document.children().len().saturating_mul(MEMBER_COST))?;
    }
    let mut after = Draft::Same(schema.initial());
    schema.rules().preserve(&mut after, lapsed, Preserve::AnnotatedIfPresent);
    // The default of a parent may restore what has just lapsed.
    schema.rules().lapse(&mut after, places);
    Ok(after.into_tree())
}

/// What the next of these lapses may spend on validation.
fn allowance(deadlines: &Deadlines) -> u64 {
    CHECKS_COST_MAX.checked_div(deadlines.instants() as u64).unwrap_or(CHECKS_COST_MAX)
}

/// Charges a commit for the lapses of its document: every reader computes each of them, so they are
/// computed here once, one after another, and charged as they are then.
///
/// Errors: `TOOCOSTLY`.
pub(super) fn charge_lapses(
    schema: Option<&Schema>,
    document: Node,
    deadlines: &Deadlines,
    budget: &Budget,
) -> Result<(), Error> {
    let instants = deadlines.instants();
    if instants == 0 {
        return Ok(());
    }
    let places = deadlines.iter().map(|deadline| &*deadline.place);
    budget.charge(instants.saturating_mul(lapse_cost(document, places)))?;
    if !schema.is_some_and(|schema| schema.rules().may_lapse_into_violations()) {
        return Ok(());
    }
    let (mut tree, mut deadlines) = (Draft::Same(document).into_tree(), deadlines.clone());
    while let Some(due_ms) = deadlines.first_ms() {
        let part = budget.part(allowance(&deadlines));
        let lapsed = Lapsed::within(&part, due_ms, schema, &tree, &deadlines);
        // One unit more: a part that took the last unit may have been too small.
        budget.charge((part.used() as usize).saturating_add(1))?;
        (tree, deadlines) = (lapsed.tree, lapsed.deadlines);
    }
    Ok(())
}

/// The charge of a lapse of the members at `places`, without validation: each object on the path to
/// one is opened, and the text is written again.
pub(super) fn lapse_cost<'p>(document: Node, places: impl Iterator<Item = &'p str>) -> usize {
    let holders: BTreeSet<&str> =
        places.filter_map(|place| place.rsplit_once('/')).map(|(holder, _)| holder).collect();
    let mut opened = BTreeSet::new();
    let mut members: usize = 0;
    for holder in holders {
        let mut value = Some(document);
        let mut tokens = Pointer::parse(holder).into_iter().flat_map(|pointer| pointer.tokens().to_vec());
        while let Some(object) = value {
            if opened.insert(object.range().start) {
                members = members.saturating_add(object.children().len());
            }
            value = tokens.next().and_then(|token| object.get(&token));
        }
    }
    document.text().len().saturating_mul(BYTE_COST).saturating_add(members.saturating_mul(MEMBER_COST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::parse;
    use crate::limits::Limits;

    const PAY: &str =
        r#""if":{"properties":{"step":{"const":"pay"}},"required":["step"]},"then":{"required":["form"]}"#;

    fn schema(properties: &str) -> Schema {
        let text = format!(r#"{{"required":["step"],"properties":{{{properties}}},{PAY}}}"#);
        Schema::compile("vimbiso.forms", 1, text.as_bytes()).expect("a schema")
    }

    fn tree(document: &str) -> Tree<'static> {
        parse(document.as_bytes(), 64).expect(document)
    }

    /// Deadlines at 1, 2, 3 …
    fn deadlines(places: &[&str]) -> Deadlines {
        let deadlines =
            places.iter().zip(1..).map(|(place, at_ms)| Deadline { place: (*place).into(), at_ms });
        Deadlines::new(deadlines.collect())
    }

    /// The document and the reason for its reset, after the first lapse.
    fn after(schema: &Schema, document: &str, places: &[&str]) -> (String, Option<String>) {
        let lapsed = Lapsed::at(1, Some(schema), &tree(document), &deadlines(places));
        (lapsed.tree.text().to_owned(), lapsed.reset)
    }

    #[test]
    fn lapse_of_a_required_form_resets_the_document() {
        let schema = schema(r#""step":{"default":"menu"},"form":{"x-ttl":1}"#);
        let missing = r#"1 violation: (root): required member "form" is missing"#;
        let (reset, reason) = after(&schema, r#"{"step":"pay","form":{},"note":1}"#, &["/form"]);
        assert_eq!((reset.as_str(), reason.as_deref()), (r#"{"step":"menu"}"#, Some(missing)));
        let (lapsed, reason) = after(&schema, r#"{"step":"offer","form":{},"note":1}"#, &["/form"]);
        assert_eq!((lapsed.as_str(), reason), (r#"{"step":"offer","note":1}"#, None));
    }

    /// A secret keeps its value, and its deadline, unless it is what has lapsed.
    #[test]
    fn reset_keeps_annotated_members_and_their_deadlines() {
        let schema = schema(
            r#""step":{"default":"menu"},"form":{"x-ttl":1,"properties":{"id":{"x-secret":true}}},"tier":{"x-protected":true},
            "phone":{"x-immutable":true},"token":{"x-secret":true,"x-ttl":9},"draft":{"x-ttl":9}"#,
        );
        let document =
            r#"{"step":"pay","form":{"id":7},"tier":2,"phone":"+263771234567","token":"tok_a4c1","draft":1}"#;
        let places = deadlines(&["/form", "/token", "/draft"]);
        let lapsed = Lapsed::at(1, Some(&schema), &tree(document), &places);
        assert_eq!(
            lapsed.tree.text(),
            r#"{"step":"menu","phone":"+263771234567","tier":2,"token":"tok_a4c1"}"#
        );
        assert_eq!(lapsed.deadlines, Deadlines::new(vec![Deadline { place: "/token".into(), at_ms: 2 }]));
    }

    /// The holder of a secret keeps its deadline, or the secret would stay for good.
    #[test]
    fn member_of_which_a_part_is_left_keeps_its_deadline() {
        let schema = schema(
            r#""step":{"default":"menu"},"form":{"x-ttl":1},
            "card":{"x-ttl":9,"properties":{"otp":{"x-ttl":1},"number":{"x-secret":true}}}"#,
        );
        let document =
            |step: &str| tree(&format!(r#"{{"step":"{step}","form":1,"card":{{"otp":1,"number":7}}}}"#));
        let places = deadlines(&["/form", "/card"]);
        let reset = Lapsed::at(1, Some(&schema), &document("pay"), &places);
        assert_eq!(reset.tree.text(), r#"{"step":"menu","card":{"number":7}}"#);
        let places = deadlines(&["/card/otp", "/card"]);
        let lapsed = Lapsed::at(1, Some(&schema), &document("menu"), &places);
        assert_eq!(lapsed.tree.text(), r#"{"step":"menu","form":1,"card":{"number":7}}"#);
        for left in [reset, lapsed] {
            assert_eq!((left.deadlines.of("/card"), left.deadlines.iter().len()), (Some(2), 1));
        }
    }

    #[test]
    fn default_of_a_parent_does_not_restore_what_has_lapsed() {
        let text = r#"{"properties":{"step":{"default":"menu"},"a":{"default":{"form":1},"properties":{"form":{"x-ttl":1}}}},
            "if":{"properties":{"step":{"const":"pay"}}},"then":{"properties":{"a":{"required":["form"]}}}}"#;
        let schema = Schema::compile("vimbiso.forms", 1, text.as_bytes()).expect("a schema");
        let (reset, reason) = after(&schema, r#"{"step":"pay","a":{"form":2}}"#, &["/a/form"]);
        assert_eq!(reset, r#"{"step":"menu","a":{}}"#);
        assert!(reason.is_some());
    }

    #[test]
    fn document_stays_where_a_reset_does_not_help() {
        let kept = schema(r#""step":{"default":"menu","x-protected":true},"form":{"x-ttl":1}"#);
        let lapsed = (r#"{"step":"pay"}"#.to_owned(), None);
        assert_eq!(after(&kept, r#"{"step":"pay","form":{}}"#, &["/form"]), lapsed);
        let schema = schema(r#""step":{"default":"menu"},"form":{"x-ttl":1},"note":{"type":"string"}"#);
        let invalid_before = r#"{"step":"pay","form":{},"note":1}"#;
        let lapsed = (r#"{"step":"pay","note":1}"#.to_owned(), None);
        assert_eq!(after(&schema, invalid_before, &["/form"]), lapsed);
    }

    #[test]
    fn document_beyond_the_budget_is_not_reset() {
        let schema =
            schema(r#""step":{"default":"menu"},"form":{"x-ttl":1},"rows":{"items":{"type":"integer"}}"#);
        for (rows, step) in [(1_000, "menu"), (100_000, "pay")] {
            let document = format!(r#"{{"step":"pay","form":1,"rows":[{}1]}}"#, "1,".repeat(rows));
            let (text, _) = after(&schema, &document, &["/form"]);
            assert!(text.starts_with(&format!(r#"{{"step":"{step}""#)), "{rows} rows");
        }
    }

    #[test]
    fn commit_is_charged_for_the_validation_of_each_lapse() {
        let schema = schema(r#""step":{"default":"menu"},"form":{"x-ttl":1},"draft":{"x-ttl":1}"#);
        let document = tree(r#"{"step":"pay","draft":1,"form":{}}"#);
        let spent = |schema: &Schema, places: &[&str]| {
            let budget = Budget::new(&Limits::default());
            charge_lapses(Some(schema), document.root(), &deadlines(places), &budget).expect("little work");
            budget.used()
        };
        let plain = r#"{"properties":{"form":{"x-ttl":1},"draft":{"x-ttl":1}}}"#;
        let plain = Schema::compile("vimbiso.forms", 1, plain.as_bytes()).expect("a schema");
        let (one, two) = (spent(&schema, &["/form"]), spent(&schema, &["/draft", "/form"]));
        assert!(one > spent(&plain, &["/form"]) + 500, "{one}");
        assert!(two > one + 500, "{one}, {two}");
        for units in 0..two {
            let places = deadlines(&["/draft", "/form"]);
            let charged = charge_lapses(Some(&schema), document.root(), &places, &Budget::of(units));
            assert!(matches!(charged, Err(Error::TooCostly { .. })), "{units} of {two}");
        }
    }
}
