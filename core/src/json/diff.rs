//! The difference of two documents as a JSON Patch (RFC 6902) that reproduces the second byte for
//! byte.
//!
//! Equal texts are passed over unopened, so the work is that of the containers around the
//! differences. Not json-patch's diff: it ignores member order, so a document rebuilt from its
//! patches is the same JSON with another text and another etag. Arrays are compared after their
//! common prefix and suffix are set aside; the middle is compared by index. That finds a pushed,
//! popped or changed element, as in conversations; a longest common subsequence would cost the
//! square.

use std::collections::HashMap;

use super::node::{Kind, Node};
use crate::limits::Limits;
use crate::shown::start_of;

/// The usual length of a pointer, and of the patch of a message: initial capacities.
const POINTER_BYTES: usize = 64;
const PATCH_BYTES: usize = 256;

/// The length up to which a cut patch is counted: going through all differences would take longer
/// than the number is worth.
const COUNTED_BYTES: usize = 1024 * 1024;

/// A JSON Patch, written up to a limit.
pub(crate) struct PatchText {
    /// The text, cut at the limit.
    pub text: String,
    /// The whole length, or at least [`COUNTED_BYTES`], where counting stops.
    pub bytes: usize,
}

impl PatchText {
    /// A text that is already written.
    pub(crate) fn of(text: &str, bytes_max: usize) -> PatchText {
        PatchText { text: start_of(text, bytes_max).to_owned(), bytes: text.len() }
    }

    /// Whether the text is cut.
    pub(crate) fn is_cut(&self) -> bool {
        self.bytes > self.text.len()
    }
}

/// The patch from `from` to `to`, at most about as long as `state.max-bytes` or `to`.
///
/// A path is repeated in each operation below it, so a patch can be a hundred thousand times as
/// long as both documents. A longer patch becomes a single operation that replaces the document.
pub(crate) fn bounded_diff(from: Node, to: Node, limits: &Limits) -> String {
    let patch = diff_text(from, to, limits.bytes_max);
    if !patch.is_cut() {
        return patch.text;
    }
    let mut whole = Operations::new(usize::MAX);
    whole.push(Op::Replace, "", Some(to));
    whole.end().text
}

/// The patch from `from` to `to`, written up to `bytes_max`.
pub(crate) fn diff_text(from: Node, to: Node, bytes_max: usize) -> PatchText {
    let mut operations = Operations::new(bytes_max);
    compare(from, to, &mut String::with_capacity(POINTER_BYTES), &mut operations);
    operations.end()
}

/// The patch that creates a document.
pub(crate) fn creation_text(document: Node, bytes_max: usize) -> PatchText {
    let mut operations = Operations::new(bytes_max);
    operations.push(Op::Add, "", Some(document));
    operations.end()
}

/// The kind of an operation.
#[derive(Clone, Copy)]
enum Op {
    Add,
    Remove,
    Replace,
}

impl Op {
    /// The operation up to its path, in one piece.
    fn begin(self) -> &'static str {
        match self {
            Op::Add => r#"{"op":"add","path":""#,
            Op::Remove => r#"{"op":"remove","path":""#,
            Op::Replace => r#"{"op":"replace","path":""#,
        }
    }
}

/// The growing text of a patch: beyond the limit it is counted, not kept.
struct Operations {
    text: String,
    bytes: usize,
    bytes_max: usize,
}

impl Operations {
    fn new(bytes_max: usize) -> Operations {
        let text = String::with_capacity(PATCH_BYTES.min(bytes_max));
        let mut operations = Operations { text, bytes: 0, bytes_max };
        operations.write("[");
        operations
    }

    /// Whether writing and counting have stopped.
    fn is_full(&self) -> bool {
        self.bytes > self.bytes_max.max(COUNTED_BYTES)
    }

    fn write(&mut self, piece: &str) {
        let room = self.bytes_max.saturating_sub(self.bytes);
        self.bytes = self.bytes.saturating_add(piece.len());
        self.text.push_str(start_of(piece, room));
    }

    /// `path` is in JSON notation.
    fn push(&mut self, op: Op, path: &str, value: Option<Node>) {
        if self.bytes > 1 {
            self.write(",");
        }
        self.write(op.begin());
        self.write(path);
        if let Some(value) = value {
            self.write("\",\"value\":");
            self.write(value.text());
            self.write("}");
        } else {
            self.write("\"}");
        }
    }

    fn end(mut self) -> PatchText {
        self.write("]");
        PatchText { text: self.text, bytes: self.bytes }
    }
}

/// Compares two values that probably differ.
fn compare(from: Node, to: Node, path: &mut String, operations: &mut Operations) {
    if operations.is_full() {
        return;
    }
    match (from.kind(), to.kind()) {
        (Kind::Object, Kind::Object) if has_same_names(from, to) => {
            for (before, after) in from.children().zip(to.children()) {
                if before.text() != after.text() {
                    within(path, after.raw_name(), |path| compare(before, after, path, operations));
                }
            }
        }
        (Kind::Object, Kind::Object) => {
            let middle = Middle::of(from, to);
            match middle.names_in_order() {
                Some(names) => members(&middle, &names, path, operations),
                None if from.text() == to.text() => {}
                None => operations.push(Op::Replace, path, Some(to)),
            }
        }
        (Kind::Array, Kind::Array) => elements(from, to, path, operations),
        _ if from.text() == to.text() => {}
        _ => operations.push(Op::Replace, path, Some(to)),
    }
}

/// Whether two values are compared member by member, and not replaced whole.
pub(crate) fn goes_by_members(from: Node, to: Node) -> bool {
    let in_order = || Middle::of(from, to).names_in_order().is_some();
    from.is_object() && to.is_object() && (has_same_names(from, to) || in_order())
}

/// Whether members have the same names in the same order, as most do.
fn has_same_names(old: Node, new: Node) -> bool {
    let (mut olds, mut news) = (old.children(), new.children());
    loop {
        match (olds.next(), news.next()) {
            (None, None) => return true,
            (Some(old), Some(new)) if new.is_namesake_of(old) => {}
            _ => return false,
        }
    }
}

/// Two objects between their common first and last names: names are looked up there only.
struct Middle<'a> {
    begin: usize,
    end: usize,
    old: Node<'a>,
    new: Node<'a>,
}

impl<'a> Middle<'a> {
    /// Above this number of names, the patch replaces the whole object: the lookup tables would
    /// cost more than a smaller patch saves.
    const NAMES_MAX: usize = 20_000;

    fn of(old: Node<'a>, new: Node<'a>) -> Middle<'a> {
        let (begin, end) = common_ends(old, new, |old, new| old.is_namesake_of(new));
        Middle { begin, end, old, new }
    }

    fn between(&self, object: Node<'a>) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let count = object.children().len().saturating_sub(self.begin.saturating_add(self.end));
        object.children().skip(self.begin).take(count)
    }

    fn of_old(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        self.between(self.old)
    }

    fn of_new(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        self.between(self.new)
    }

    /// The names, if removing and appending members turns the order of `old` into that of `new`.
    fn names_in_order(&self) -> Option<Names<'a>> {
        let count = self.of_old().count().saturating_add(self.of_new().count());
        if count > Self::NAMES_MAX {
            return None;
        }
        let by_name = |member: Node<'a>| (member.raw_name(), member);
        let in_old: HashMap<&str, Node> = self.of_old().map(by_name).collect();
        let in_new: HashMap<&str, Node> = self.of_new().map(by_name).collect();
        let mut names = self.of_new().map(Node::raw_name);
        let mut kept = self.of_old().map(Node::raw_name).filter(|name| in_new.contains_key(name));
        let in_order = kept.all(|old| names.next() == Some(old))
            && names.all(|name| self.end == 0 && !in_old.contains_key(name));
        in_order.then_some(Names { in_old, in_new })
    }
}

/// The members of a [`Middle`] by their names in JSON notation.
struct Names<'a> {
    in_old: HashMap<&'a str, Node<'a>>,
    in_new: HashMap<&'a str, Node<'a>>,
}

fn members(middle: &Middle, names: &Names, path: &mut String, operations: &mut Operations) {
    for member in middle.of_old().filter(|member| !names.in_new.contains_key(member.raw_name())) {
        within(path, member.raw_name(), |path| operations.push(Op::Remove, path, None));
    }
    let Middle { begin, end, old, new } = middle;
    let ends = new.children().len().saturating_sub(*end);
    for (index, member) in new.children().enumerate() {
        if operations.is_full() {
            return;
        }
        let before = if index < *begin {
            old.child(index)
        } else if index < ends {
            names.in_old.get(member.raw_name()).copied()
        } else {
            old.child(index.saturating_add(old.children().len()).saturating_sub(new.children().len()))
        };
        within(path, member.raw_name(), |path| match before {
            Some(before) if before.text() == member.text() => {}
            Some(before) => compare(before, member, path, operations),
            None => operations.push(Op::Add, path, Some(member)),
        });
    }
}

/// Calls `walk` with the path of a member or element. `~` and `/` are the same in JSON notation.
fn within(path: &mut String, raw_name: &str, walk: impl FnOnce(&mut String)) {
    let len = path.len();
    path.push('/');
    if raw_name.contains(['~', '/']) {
        path.push_str(&super::pointer::escaped(raw_name));
    } else {
        path.push_str(raw_name);
    }
    walk(path);
    path.truncate(len);
}

/// The lengths of the common prefix and, apart from it, of the common suffix of two containers.
fn common_ends(old: Node, new: Node, same: impl Fn(Node, Node) -> bool) -> (usize, usize) {
    let same = |(old, new): &(Node, Node)| same(*old, *new);
    let begin = old.children().zip(new.children()).take_while(same).count();
    let left = old.children().len().min(new.children().len()).saturating_sub(begin);
    let end = old.children().rev().zip(new.children().rev()).take(left).take_while(same).count();
    (begin, end)
}

fn elements(old: Node, new: Node, path: &mut String, operations: &mut Operations) {
    let (begin, end) = common_ends(old, new, |old, new| old.text() == new.text());
    let old_end = old.children().len().saturating_sub(end);
    let new_end = new.children().len().saturating_sub(end);
    let mut index_text = itoa::Buffer::new();
    // From the back, so that the indices of later removals stay valid.
    for index in (new_end.max(begin)..old_end).rev() {
        if operations.is_full() {
            return;
        }
        within(path, index_text.format(index), |path| operations.push(Op::Remove, path, None));
    }
    for (index, value) in new.children().enumerate().take(new_end).skip(begin) {
        if operations.is_full() {
            return;
        }
        let before = old.child(index).filter(|_| index < old_end);
        within(path, index_text.format(index), |path| match before {
            Some(before) if before.text() == value.text() => {}
            Some(before) => compare(before, value, path, operations),
            None => operations.push(Op::Add, path, Some(value)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    use crate::budget::Budget;
    use crate::json::draft::Draft;
    use crate::json::oracle;
    use crate::json::parse::parse;
    use crate::json::tree::Tree;

    fn tree(text: &str) -> Tree<'static> {
        parse(text.as_bytes(), 64).expect(text)
    }

    fn diff(from: &str, to: &str) -> String {
        diff_text(tree(from).root(), tree(to).root(), usize::MAX).text
    }

    /// Found with a path of 100 KB that was repeated for each of 100,000 elements.
    #[test]
    fn a_patch_stops_at_its_limit_while_it_is_written() {
        let document = |element: &str| {
            let elements = vec![element; 100_000].join(",");
            format!(r#"{{"{}":[{elements}]}}"#, "n".repeat(100_000))
        };
        let (from, to) = (tree(&document("0")), tree(&document("1")));
        let patch = diff_text(from.root(), to.root(), 4096);
        assert_eq!((patch.text.len(), patch.is_cut()), (4096, true));
        assert!(patch.text.capacity() < 8192 && patch.bytes > 1_048_576, "{}", patch.bytes);
        let whole = bounded_diff(from.root(), to.root(), &Limits::default());
        assert_eq!(whole, format!(r#"[{{"op":"replace","path":"","value":{}}}]"#, to.text()));
    }

    #[test]
    fn a_cut_patch_is_the_beginning_of_the_whole_one() {
        let (from, to) = (r#"{"note":1,"l":[1,2]}"#, r#"{"note":"zoë 🙂","l":[1,3,"é"]}"#);
        let (from, to) = (tree(from), tree(to));
        let whole = diff_text(from.root(), to.root(), usize::MAX);
        assert!(!whole.is_cut());
        for limit in 0..=whole.bytes + 1 {
            let cut = diff_text(from.root(), to.root(), limit);
            let is_longest = cut.text.len() == limit.min(whole.bytes) || !whole.text.is_char_boundary(limit);
            assert!(whole.text.starts_with(&cut.text) && is_longest && cut.text.len() <= limit, "{limit}");
            assert_eq!((cut.bytes, cut.is_cut()), (whole.bytes, limit < whole.bytes));
        }
    }

    #[test]
    fn says_what_changed_and_no_more() {
        for (from, to, operations) in [
            (r#"{"a":1}"#, r#"{"a":1}"#, "[]"),
            (r#"{"a":1,"b":2}"#, r#"{"b":2}"#, r#"[{"op":"remove","path":"/a"}]"#),
            (
                r#"{"a":{"x/y":1}}"#,
                r#"{"a":{"x/y":1.0}}"#,
                r#"[{"op":"replace","path":"/a/x~1y","value":1.0}]"#,
            ),
            (r#"{"l":[1,2,3]}"#, r#"{"l":[1,3]}"#, r#"[{"op":"remove","path":"/l/1"}]"#),
            (r#"{"l":[1,3]}"#, r#"{"l":[1,2,3]}"#, r#"[{"op":"add","path":"/l/1","value":2}]"#),
            (r#"{"a":1}"#, r#"{"a":1e400}"#, r#"[{"op":"replace","path":"/a","value":1e400}]"#),
            (
                "{}",
                r#"{"a":{"$serde_json::private::Number":"1"}}"#,
                r#"[{"op":"add","path":"/a","value":{"$serde_json::private::Number":"1"}}]"#,
            ),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, r#"[{"op":"replace","path":"","value":{"b":2,"a":1}}]"#),
        ] {
            assert_eq!(diff(from, to), operations, "{from} -> {to}");
        }
    }

    proptest::proptest! {
        #![proptest_config(oracle::config())]

        #[test]
        fn applying_the_difference_gives_the_same_text(pair in oracle::similar_pair()) {
            let (from, to) = (tree(&pair.0.to_string()), tree(&pair.1.to_string()));
            let patch = tree(&diff_text(from.root(), to.root(), usize::MAX).text);
            proptest::prop_assert_eq!(patch.text(), oracle::diff::diff_text(&pair.0, &pair.1));
            let (mut rebuilt, limits) = (Draft::Same(from.root()), Limits::default());
            super::super::patch::patch(&mut rebuilt, patch.root(), &limits, &Budget::new(&limits), &|_| false).expect("a diff applies");
            proptest::prop_assert_eq!(rebuilt.into_tree().into_text(), to.text());
            // Another implementation must agree on the JSON, though not on the order of members, if
            // it can read the patch without rewriting its numbers.
            let operations = Value::Array(oracle::diff::diff(&pair.0, &pair.1));
            let read = serde_json::from_value::<json_patch::Patch>(operations.clone()).ok();
            let read = read.filter(|read| serde_json::to_value(read).ok().as_ref() == Some(&operations));
            let Some(read) = read else { return Ok(()) };
            let mut theirs = pair.0.clone();
            json_patch::patch(&mut theirs, &read).expect("a diff applies");
            proptest::prop_assert_eq!(theirs, pair.1);
        }
    }
}
