//! Lapses: what changes in a state when members reach their deadlines.
//!
//! Each instant with one or more due members makes a version of its own, dated at that instant. So
//! the result of a lapse depends on the state alone, not on when it is noticed: a reader computes
//! it without writing, on a primary and on a replica, and gets the etag of the later commit.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::lapsed_document::{Lapsed, lapse_cost, lapsed};
use super::outcome::{Outcome, StateChange, Write};
use crate::audit::entry::{Entry, LapsePatch};
use crate::budget::Budget;
use crate::context::Context;
use crate::error::Error;
use crate::json::node::Node;
use crate::json::pointer::Pointer;
use crate::json::to_text;
use crate::schema::compiled::Schema;
use crate::schema::registry::Registry;
use crate::state::State;
use crate::state::document::Document;
use crate::state::effect::{Commit, Effect};
use crate::state::version::{Event, Version};
use redis_state_types::{Etag, VERSION_MAX};

/// The first due lapse, as the timer commits it; `None` when none is due.
pub fn lapse(state: &State, context: &Context) -> Option<Outcome<()>> {
    first_lapse(state, context).map(|change| Outcome::of_change(change, ()))
}

/// The state after all due lapses, and the writes that make it.
pub(super) fn due_lapses<'s>(state: &'s State, context: &Context) -> (Cow<'s, State>, Vec<Write>) {
    let (mut after, mut writes) = (Cow::Borrowed(state), Vec::new());
    while let Some(change) = first_lapse(&after, context) {
        let state = after.to_mut();
        change.effects.iter().cloned().for_each(|effect| state.apply(effect));
        writes.push(Write::Change(change));
    }
    (after, writes)
}

/// The first due lapse: a commit; or only fewer deadlines when the document does not change, or has
/// its last version. `None` when none is due; at a deadline equal to the key's expiry the key
/// expires instead.
fn first_lapse(state: &State, context: &Context) -> Option<StateChange> {
    let due_ms = state.head().deadlines.first_ms().filter(|due_ms| {
        *due_ms <= context.now_ms && context.expires_at_ms.is_none_or(|expires_at_ms| *due_ms < expires_at_ms)
    })?;
    let (schema, head) = (schema_of(state, context.registry), state.head());
    let before = head.document.tree();
    let Lapsed { tree: after, deadlines, reset } = Lapsed::at(due_ms, schema, &before, &head.deadlines);
    let document = Document::of_tree(&after);
    let number = head.number.checked_add(1).filter(|number| *number <= VERSION_MAX);
    let expires_at_ms = context.expires_at_ms;
    let Some(number) = number.filter(|_| document != head.document) else {
        let effects = vec![Effect::Deadlines(deadlines)];
        return Some(StateChange { effects, expires_at_ms, entry: None, event: None });
    };
    let version = Version {
        number,
        parent: head.number,
        at_ms: due_ms,
        event: Event::Lapse,
        actor: None,
        turn: None,
        has_secret: schema.map_or(head.has_secret, |schema| schema.rules().has_secret(after.root())),
        deadlines,
        document,
    };
    let dropped = state.history().plan(Some(head.number), false, None, context.limits);
    let masked = schema.map(|schema| schema.rules().masked_pair(before.root(), after.root()));
    let patch = match (&masked, state.schema()) {
        (Some((before, after)), _) => LapsePatch::Between(before.root(), after.root()),
        (None, None) => LapsePatch::Between(before.root(), after.root()),
        (None, Some(_)) => {
            LapsePatch::Removals(removals(&head.deadlines.until(due_ms), before.root(), after.root()))
        }
    };
    // A reset document was validated against the present revision.
    let validated = schema.filter(|_| reset.is_some()).map(|schema| schema.reference());
    let reference = validated.or(state.schema()).cloned();
    // Without a new key: readers compute the same etag.
    let commit = Commit::on(state, version, state.etag_keys, reference, None, dropped);
    let etag = Etag { version: number, digest: commit.digest };
    let entry = Entry::lapse(state, etag, due_ms, reset.as_deref(), patch, context);
    let effects = vec![Effect::Commit(Box::new(commit))];
    Some(StateChange { effects, expires_at_ms, entry: Some(entry), event: Some(Event::Lapse) })
}

/// The patch of a lapse as removals by pointer, without any value.
fn removals(places: &[Pointer], before: Node, after: Node) -> String {
    let is_gone = |place: &Pointer| place.find(before).is_some() && place.find(after).is_none();
    let gone: BTreeSet<&[String]> =
        places.iter().filter(|place| is_gone(place)).map(Pointer::tokens).collect();
    let is_within_another = |tokens: &[String]| {
        (0..tokens.len()).any(|len| tokens.get(..len).is_some_and(|above| gone.contains(above)))
    };
    let topmost = places.iter().filter(|place| gone.contains(place.tokens()));
    let topmost = topmost.filter(|place| !is_within_another(place.tokens()));
    let operations = topmost.map(|place| json!({"op": "remove", "path": place.to_string()}));
    to_text(&Value::Array(operations.collect()))
}

/// The state after all due lapses. As `due_lapses`, without copies of the effects, for readers.
pub fn lapsed_state<'s>(state: &'s State, context: &Context) -> Cow<'s, State> {
    let mut after = Cow::Borrowed(state);
    while let Some(change) = first_lapse(&after, context) {
        let state = after.to_mut();
        change.effects.into_iter().for_each(|effect| state.apply(effect));
    }
    after
}

/// Charges the work of [`snapshot_document`].
///
/// Errors: `TOOCOSTLY`.
pub fn charge_snapshot(version: &Version, now_ms: i64, budget: &Budget) -> Result<(), Error> {
    let due = version.deadlines.iter().take_while(|deadline| deadline.at_ms <= now_ms);
    let mut due = due.map(|deadline| &*deadline.place).peekable();
    if due.peek().is_none() {
        return Ok(());
    }
    budget.charge(lapse_cost(version.document.tree().root(), due))
}

/// The document of a snapshot without the members that have lapsed since.
pub fn snapshot_document<'v>(
    schema: Option<&Schema>,
    version: &'v Version,
    now_ms: i64,
) -> Cow<'v, Document> {
    let places = version.deadlines.until(now_ms);
    if places.is_empty() {
        return Cow::Borrowed(&version.document);
    }
    let after = lapsed(schema, &version.document.tree(), &places);
    Cow::Owned(Document::of_shown(after))
}

/// The present schema of the state, which decides what a lapse leaves.
fn schema_of<'r>(state: &State, registry: &'r Registry) -> Option<&'r Schema> {
    state.schema().and_then(|schema| registry.get(&schema.name).ok()).map(|schema| &**schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Rights;
    use crate::limits::Limits;
    use crate::state::deadlines::{Deadline, Deadlines};
    use crate::state::etag_keys::EtagKeys;

    const DUE_MS: i64 = 1_741_058_499_570;

    fn lapsed_text(now_ms: i64, expires_at_ms: Option<i64>) -> Option<String> {
        let deadline = |place: &str, at_ms| Deadline { place: place.into(), at_ms };
        let head = Version {
            number: 1,
            parent: 0,
            at_ms: 1,
            event: Event::Create,
            actor: None,
            turn: None,
            has_secret: false,
            deadlines: Deadlines::new(vec![deadline("/form", DUE_MS), deadline("/auth", DUE_MS + 5)]),
            document: Document::from_stored(br#"{"form":1,"auth":2}"#).expect("a document"),
        };
        let (limits, registry) = (Limits::default(), Registry::default());
        let context = Context {
            key: b"channel:+263771234567",
            now_ms,
            etag_keys: EtagKeys::default(),
            user: "",
            limits: &limits,
            budget: &Budget::new(&limits),
            registry: &registry,
            expires_at_ms,
            rights: Rights::NONE,
        };
        let change =
            first_lapse(&State::new(EtagKeys::from_random([0x5eed, 1, 2]), 1, None, head), &context)?;
        let [Effect::Commit(commit)] = change.effects.as_slice() else { panic!("{change:?}") };
        assert_eq!((commit.version.at_ms, commit.version.deadlines.first_ms()), (DUE_MS, Some(DUE_MS + 5)));
        Some(commit.version.document.text().to_owned())
    }

    #[test]
    fn one_instant_lapses_at_a_time_and_never_early() {
        assert_eq!(lapsed_text(DUE_MS - 1, None), None);
        for now_ms in [DUE_MS, DUE_MS + 5, DUE_MS + 1000] {
            assert_eq!(lapsed_text(now_ms, None).as_deref(), Some(r#"{"auth":2}"#));
        }
    }

    /// A key may exist in the very millisecond of its expiry.
    #[test]
    fn the_end_of_the_key_is_no_lapse() {
        assert_eq!(lapsed_text(DUE_MS, Some(DUE_MS)), None);
        assert_eq!(lapsed_text(DUE_MS, Some(DUE_MS + 1)).as_deref(), Some(r#"{"auth":2}"#));
    }
}
