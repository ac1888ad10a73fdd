//! Secrets: masking as `"***"` for readers without the right, and unmasking of `"***"` in changes.
//!
//! A mask replaces the whole value: even a length or a type would be a hint. A change that must not
//! touch a secret is applied to a masked document: compared with the secret itself, a right guess
//! would be no change and a wrong one a rejection.

use std::ops::Range;
use std::sync::LazyLock;

use super::places::{Marks, Place};
use super::preserve::remove_member;
use super::protect::Before;
use super::rules::{Rules, member, pointer, within};
use crate::budget::Budget;
use crate::error::Error;
use crate::json::diff::goes_by_members;
use crate::json::draft::Draft;
use crate::json::equal::same_literals;
use crate::json::node::Node;
use crate::json::pointer::Pointer;
use crate::json::tree::Tree;

/// The mask. No secret has this value, so writing it mentions no member.
const SECRET: &str = "\"***\"";
static SECRET_TREE: LazyLock<Tree> = LazyLock::new(|| Tree::of_trusted(SECRET));
/// The mask in the older of two compared documents when the secrets differ.
const OTHER_SECRET: &str = "\"**\"";

/// The charge of a member of an object that has secrets, and of finding one by name.
const MEMBER_PASSED: usize = 50;
const MEMBER_FOUND: usize = 100;

/// The mask of a whole document.
pub fn mask() -> &'static Tree<'static> {
    &SECRET_TREE
}

fn secret() -> Draft<'static> {
    Draft::Same(SECRET_TREE.root())
}

fn is_secret(value: &Draft) -> bool {
    value.as_same().is_some_and(|value| value.text() == SECRET)
}

impl Rules {
    /// Returns a document with every secret masked.
    pub fn masked(&self, document: Node) -> Tree<'static> {
        self.masks(document).apply(document)
    }

    /// Returns the length of the masked text.
    ///
    /// Errors: `TOOCOSTLY`.
    pub fn masked_len(&self, document: Node, budget: &Budget) -> Result<usize, Error> {
        let text_len = document.text().len();
        self.root().map_or(Ok(text_len), |root| self.masked_len_at(root, document, budget))
    }

    fn masked_len_at(&self, place: &Place, value: Node, budget: &Budget) -> Result<usize, Error> {
        if place.marks.secret {
            return Ok(SECRET.len());
        }
        let mut len = value.text().len();
        budget.charge(value.children().len().saturating_mul(MEMBER_PASSED))?;
        for (name, below) in self.members(place, |marks| marks.secret) {
            budget.charge(value.table_cost().saturating_add(MEMBER_FOUND))?;
            if let Some(member) = value.member(name) {
                let masked = self.masked_len_at(below, member, budget)?;
                len = len.saturating_add(masked).saturating_sub(member.text().len());
            }
        }
        Ok(len)
    }

    fn masks(&self, document: Node) -> Masks {
        let mut masks = Masks::default();
        if let Some(root) = self.root() {
            self.mask_at(root, document, &mut masks);
        }
        masks
    }

    fn mask_at(&self, place: &Place, value: Node, masks: &mut Masks) {
        if place.marks.secret {
            masks.add(value, SECRET);
            return;
        }
        for (name, below) in self.members(place, |marks| marks.secret) {
            if let Some(member) = value.member(name) {
                self.mask_at(below, member, masks);
            }
        }
    }

    /// Whether a document has a secret.
    pub fn has_secret(&self, value: Node) -> bool {
        self.root().is_some_and(|root| self.has_secret_at(root, value))
    }

    fn has_secret_at(&self, place: &Place, value: Node) -> bool {
        let mut members = self.members(place, |marks| marks.secret);
        place.marks.secret
            || members.any(|(name, below)| {
                value.member(name).is_some_and(|member| self.has_secret_at(below, member))
            })
    }

    /// Returns two documents, with every secret masked, for a patch between them. The patch still
    /// says that a secret was written, and nothing else about it.
    pub fn masked_pair(&self, before: Node, after: Node) -> (Tree<'static>, Tree<'static>) {
        let (mut in_before, mut in_after) = (Masks::default(), Masks::default());
        if let Some(root) = self.root() {
            self.mask_pair_at(root, (before, after), &mut in_before, &mut in_after);
        }
        (in_before.apply(before), in_after.apply(after))
    }

    fn mask_pair_at(&self, place: &Place, pair: (Node, Node), in_before: &mut Masks, in_after: &mut Masks) {
        let (before, after) = pair;
        if place.marks.secret {
            in_before.add(before, if same_literals(before, after) { SECRET } else { OTHER_SECRET });
            in_after.add(after, SECRET);
            return;
        }
        for (name, below) in self.members(place, |marks| marks.secret) {
            match (before.member(name), after.member(name)) {
                (Some(before), Some(after)) => self.mask_pair_at(below, (before, after), in_before, in_after),
                (Some(only), None) => self.mask_at(below, only, in_before),
                (None, Some(only)) => self.mask_at(below, only, in_after),
                (None, None) => {}
            }
        }
    }

    /// Whether the patch between two documents passes over their secrets, so that no masking is
    /// needed: it goes member by member, and the members with a secret are equal. An equal secret
    /// within a value that the patch has as a whole would be revealed.
    pub fn are_passed_over(&self, before: Node, after: Node) -> bool {
        let mut holders = self.root().into_iter().flat_map(|root| self.members(root, |marks| marks.secret));
        let is_same = |name| before.member(name).map(Node::text) == after.member(name).map(Node::text);
        !self.has_secrets() || (goes_by_members(before, after) && holders.all(|(name, _)| is_same(name)))
    }

    /// Masks the secrets that a caller without the right can't write; [`Rules::unmask`] restores
    /// them. If the `state_exists`, that includes immutable ones.
    pub fn mask_unwritable(&self, value: &mut Draft, state_exists: bool) {
        if let Some(root) = self.root() {
            self.mask_unwritable_at(root, Marks::default(), value, state_exists);
        }
    }

    fn mask_unwritable_at(&self, place: &Place, above: Marks, value: &mut Draft, state_exists: bool) {
        let marks = above.with(place.marks);
        if is_unwritable_secret(marks, state_exists) {
            *value = secret();
            return;
        }
        for (name, below) in self.members(place, move |below| marks.secret || below.secret) {
            if let Some(member) = value.get_mut(name) {
                self.mask_unwritable_at(below, marks, member, state_exists);
            }
        }
    }

    /// Whether an object names a top-level member that is a secret or has one in it.
    pub fn names_secrets(&self, json: Node) -> bool {
        let members = self.root().into_iter().flat_map(|root| self.members(root, |marks| marks.secret));
        !json.is_object() || members.into_iter().any(|(name, _)| json.member(name).is_some())
    }

    /// Rejects any value for such a secret where one is set, its own value included.
    ///
    /// Errors: `PROTECTED`, `IMMUTABLE`.
    pub fn reject_guesses(&self, before: Before, after: Node) -> Result<(), Error> {
        let Some(root) = self.root() else { return Ok(()) };
        self.reject_guesses_at(root, Marks::default(), &mut pointer(), before, after)
    }

    fn reject_guesses_at(
        &self,
        place: &Place,
        above: Marks,
        pointer: &mut String,
        before: Before,
        after: Node,
    ) -> Result<(), Error> {
        let marks = above.with(place.marks);
        if is_unwritable_secret(marks, before.document.is_some()) {
            let pointer = pointer.clone();
            return match (after.text() == SECRET, before.document.or(before.protected)) {
                (true, _) | (_, None) => Ok(()),
                (false, _) if marks.immutable && before.document.is_some() => {
                    Err(Error::Immutable { pointer })
                }
                (false, _) => Err(Error::Protected { pointer }),
            };
        }
        for (name, below) in self.members(place, move |below| marks.secret || below.secret) {
            if let Some(after) = after.member(name) {
                let before = before.member(name);
                within(pointer, name, |pointer| {
                    self.reject_guesses_at(below, marks, pointer, before, after)
                })?;
            }
        }
        Ok(())
    }

    /// Replaces `"***"` at a secret's place, or below it, by the value in `before`. Removes it if
    /// `before` has no value there.
    pub fn unmask<'v>(&self, after: &mut Draft<'v>, before: Option<Node<'v>>) {
        if let Some(root) = self.root() {
            self.unmask_at(root, false, after, before);
        }
    }

    fn unmask_at<'v>(&self, place: &Place, in_secret: bool, after: &mut Draft<'v>, before: Option<Node<'v>>) {
        for (name, below) in self.members(place, move |marks| in_secret || marks.secret) {
            let before = member(before, name);
            let Some(member) = after.get_mut(name) else { continue };
            let in_secret = in_secret || below.marks.secret;
            if !in_secret || !is_secret(member) {
                self.unmask_at(below, in_secret, member, before);
                continue;
            }
            match before {
                Some(before) => *member = Draft::Same(before),
                None => remove_member(after, name),
            }
        }
    }

    /// Whether a text may have a masked secret: most changes have none.
    pub fn may_stand_for_secrets(&self, text: &str) -> bool {
        self.has_secrets() && text.contains(SECRET)
    }

    /// Whether `value` at `pointer` masks a secret, so that writing it mentions no member.
    pub fn is_masked_secret(&self, pointer: &Pointer, value: Node) -> bool {
        value.text() == SECRET && self.secret_at(pointer).is_some_and(|place| place == pointer.to_string())
    }

    /// Removes every `"***"` at a secret's place, whose value is lost, or restores its default.
    pub fn forget<'v>(&'v self, value: &mut Draft<'v>) {
        if let Some(root) = self.root() {
            self.forget_at(root, value);
        }
    }

    fn forget_at<'v>(&'v self, place: &'v Place, value: &mut Draft<'v>) {
        for (name, below) in self.members(place, |marks| marks.secret) {
            let Some(member) = value.get_mut(name) else { continue };
            match &below.default {
                _ if !below.marks.secret => self.forget_at(below, member),
                Some(default) => *member = Draft::Same(default.root()),
                None => remove_member(value, name),
            }
        }
    }

    /// Whether reading this pointer would read a secret: at, above or below it.
    pub fn reads_secret(&self, pointer: &Pointer) -> bool {
        let Some(mut place) = self.root() else { return false };
        for token in pointer.tokens() {
            if place.marks.secret {
                return true;
            }
            match self.below(place, token) {
                Some(below) => place = below,
                None => return false,
            }
        }
        place.marks_within().secret
    }

    /// The secret at or above a pointer, if any.
    pub fn secret_at(&self, pointer: &Pointer) -> Option<String> {
        let mut place = self.root()?;
        let mut path = String::new();
        for token in pointer.tokens() {
            place = self.below(place, token)?;
            path.push('/');
            path.push_str(&crate::json::pointer::escaped(token));
            if place.marks.secret {
                return Some(path);
            }
        }
        None
    }
}

/// The masks of a document, by the range of each secret in its text. Spliced into the text, not set
/// in a draft, which would open every object around a secret.
#[derive(Default)]
struct Masks(Vec<(Range<usize>, &'static str)>);

impl Masks {
    fn add(&mut self, secret: Node, mask: &'static str) {
        self.0.push((secret.range(), mask));
    }

    fn apply(mut self, document: Node) -> Tree<'static> {
        let mut rest = document.text();
        let mut text = String::with_capacity(rest.len());
        let mut end = document.range().start;
        self.0.sort_unstable_by_key(|(secret, _)| secret.start);
        for (secret, mask) in self.0 {
            let (kept, tail) = rest.split_at_checked(secret.start.saturating_sub(end)).unwrap_or_default();
            text.push_str(kept);
            text.push_str(mask);
            rest = tail.get(secret.len()..).unwrap_or_default();
            end = secret.end;
        }
        text.push_str(rest);
        Tree::of_trusted(text)
    }
}

/// Whether a secret can't be written without the right.
fn is_unwritable_secret(marks: Marks, state_exists: bool) -> bool {
    marks.secret && (marks.protected || (marks.immutable && state_exists))
}

#[cfg(test)]
mod tests {
    use crate::limits::Limits;
    use crate::schema::compiled::Schema;
    use crate::state::document::Document;

    /// A patch has a whole object, with all that is in it, when the order of its members differs.
    #[test]
    fn what_is_told_as_a_whole_tells_no_secret() {
        let schema = r##"{"properties":{"token":{"x-secret":true},"inner":{"$ref":"#"},"note":{}}}"##;
        let schema = Schema::compile("vimbiso.inner", 1, schema.as_bytes()).expect("a schema");
        let document = |text: &str| Document::from_stored(text.as_bytes()).expect(text);
        let before = r#"{"note":1,"inner":{"token":"s3cret","note":2},"stage":3}"#;
        for (after, shown) in [
            (
                r#"{"note":4,"inner":{"token":"s3cret","note":2},"stage":3}"#,
                r#"[{"op":"replace","path":"/note","value":4}]"#,
            ),
            (
                r#"{"inner":{"token":"s3cret","note":2},"note":1,"stage":3}"#,
                r#"[{"op":"replace","path":"","value":{"inner":{"token":"***","note":2},"note":1,"stage":3}}]"#,
            ),
            (
                r#"{"note":1,"inner":{"note":2,"token":"s3cret"},"stage":3}"#,
                r#"[{"op":"replace","path":"/inner","value":{"note":2,"token":"***"}}]"#,
            ),
            (r#"{"note":1,"stage":3}"#, r#"[{"op":"remove","path":"/inner"}]"#),
            (
                r#"{"note":1,"inner":{"token":"other","note":2},"stage":3}"#,
                r#"[{"op":"replace","path":"/inner/token","value":"***"}]"#,
            ),
        ] {
            let diff = schema.masked_diff(&document(before), &document(after), &Limits::default());
            assert_eq!(diff, shown, "{after}");
        }
    }
}
