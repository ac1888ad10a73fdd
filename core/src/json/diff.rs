//! The difference of two documents as a JSON patch (RFC 6902) that reproduces the second byte for byte.
//!
//! What has one text on both sides is passed over without being looked into, so the work is that of the containers on the way
//! to what differs. json-patch's own diff was rejected: it says nothing about member order, so a document rebuilt from its
//! patches is the same JSON but another text, and another etag. Arrays are compared after their common
//! beginning and end are set aside; what lies between is compared place by place. That finds an element pushed,
//! popped or changed, which is what a conversation does; a longest common subsequence would cost the square.

use super::lookup::Lookup;
use super::node::{Kind, Node};

/// About as long as a pointer and the patch of a message are: they grow if they must.
const POINTER_BYTES: usize = 64;
const PATCH_BYTES: usize = 256;

/// The text of the patch that turns `from` into `to`.
pub(crate) fn diff_text(from: Node, to: Node) -> String {
    let mut operations = Operations::new();
    compare(from, to, &mut String::with_capacity(POINTER_BYTES), &mut operations);
    operations.end()
}

/// The patch that makes a document out of nothing.
pub(crate) fn creation_text(document: Node) -> String {
    let mut operations = Operations::new();
    operations.push(Op::Add, "", Some(document));
    operations.end()
}

/// What an operation does.
#[derive(Clone, Copy)]
enum Op {
    Add,
    Remove,
    Replace,
}

impl Op {
    /// Up to the path, in one piece.
    fn begin(self) -> &'static str {
        match self {
            Op::Add => r#"{"op":"add","path":""#,
            Op::Remove => r#"{"op":"remove","path":""#,
            Op::Replace => r#"{"op":"replace","path":""#,
        }
    }
}

/// The text of a patch, as it grows.
struct Operations {
    text: String,
}

impl Operations {
    fn new() -> Operations {
        let mut text = String::with_capacity(PATCH_BYTES);
        text.push('[');
        Operations { text }
    }

    /// `path` is as it is written in JSON.
    fn push(&mut self, op: Op, path: &str, value: Option<Node>) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.text.push_str(op.begin());
        self.text.push_str(path);
        if let Some(value) = value {
            self.text.push_str("\",\"value\":");
            self.text.push_str(value.text());
            self.text.push('}');
        } else {
            self.text.push_str("\"}");
        }
    }

    fn end(mut self) -> String {
        self.text.push(']');
        self.text
    }
}

/// Compares two values that are likely not to be the same.
fn compare(from: Node, to: Node, path: &mut String, operations: &mut Operations) {
    match (from.kind(), to.kind()) {
        (Kind::Object, Kind::Object) if has_same_names(from, to) => {
            for (before, after) in from.children().zip(to.children()) {
                if before.text() != after.text() {
                    within(path, after.raw_name(), |path| compare(before, after, path, operations));
                }
            }
        }
        (Kind::Object, Kind::Object) if keeps_order(from, to) => members(from, to, path, operations),
        (Kind::Array, Kind::Array) => elements(from, to, path, operations),
        _ if from.text() == to.text() => {}
        _ => operations.push(Op::Replace, path, Some(to)),
    }
}

/// Whether the difference of two values is that of their members, and not a whole.
pub(crate) fn goes_by_members(from: Node, to: Node) -> bool {
    from.is_object() && to.is_object() && (has_same_names(from, to) || keeps_order(from, to))
}

/// Whether members have the same names in the same order, which is what they mostly have.
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

/// Whether removing and appending members turns the order of `old` into that of `new`.
fn keeps_order(old: Node, new: Node) -> bool {
    let (mut in_new, mut in_old) = (Lookup::new(new), Lookup::new(old));
    let mut names = new.children().map(Node::raw_name);
    let mut kept = old.children().map(Node::raw_name).filter(|name| in_new.get_raw(name).is_some());
    kept.all(|old| names.next() == Some(old)) && names.all(|name| in_old.get_raw(name).is_none())
}

fn members(old: Node, new: Node, path: &mut String, operations: &mut Operations) {
    let (mut in_new, mut in_old) = (Lookup::new(new), Lookup::new(old));
    for member in old.children().filter(|member| in_new.get_raw(member.raw_name()).is_none()) {
        within(path, member.raw_name(), |path| operations.push(Op::Remove, path, None));
    }
    for member in new.children() {
        let before = in_old.get_raw(member.raw_name());
        within(path, member.raw_name(), |path| match before {
            Some(before) if before.text() == member.text() => {}
            Some(before) => compare(before, member, path, operations),
            None => operations.push(Op::Add, path, Some(member)),
        });
    }
}

/// Calls `walk` with the path of a member or element. `~` and `/` are written alike in JSON and out of it.
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

/// How many elements are the same at the beginning and, apart from those, at the end.
fn same_ends(old: &[Node], new: &[Node]) -> (usize, usize) {
    let same = |(old, new): &(&Node, &Node)| old.text() == new.text();
    let begin = old.iter().zip(new).take_while(same).count();
    let left = old.len().min(new.len()).saturating_sub(begin);
    let end = old.iter().rev().zip(new.iter().rev()).take(left).take_while(same).count();
    (begin, end)
}

fn elements(old: Node, new: Node, path: &mut String, operations: &mut Operations) {
    let (old, new): (Vec<Node>, Vec<Node>) = (old.children().collect(), new.children().collect());
    let (begin, end) = same_ends(&old, &new);
    let old_end = old.len().saturating_sub(end);
    let new_end = new.len().saturating_sub(end);
    // From the back, so that the indices of the removals still to come stay what they are.
    for index in (new_end.max(begin)..old_end).rev() {
        within(path, &index.to_string(), |path| operations.push(Op::Remove, path, None));
    }
    for (index, value) in new.iter().enumerate().take(new_end).skip(begin) {
        let before = old.get(index).filter(|_| index < old_end);
        within(path, &index.to_string(), |path| match before {
            Some(before) if before.text() == value.text() => {}
            Some(before) => compare(*before, *value, path, operations),
            None => operations.push(Op::Add, path, Some(*value)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    use crate::json::draft::Draft;
    use crate::json::oracle;
    use crate::json::parse::parse;
    use crate::json::tree::Tree;
    use crate::limits::Limits;

    fn tree(text: &str) -> Tree<'static> {
        parse(text.as_bytes(), 64).expect(text)
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
            assert_eq!(diff_text(tree(from).root(), tree(to).root()), operations, "{from} -> {to}");
        }
    }

    proptest::proptest! {
        #![proptest_config(oracle::config())]

        #[test]
        fn applying_the_difference_gives_the_same_text(pair in oracle::similar_pair()) {
            let (from, to) = (tree(&pair.0.to_string()), tree(&pair.1.to_string()));
            let patch = tree(&diff_text(from.root(), to.root()));
            proptest::prop_assert_eq!(patch.text(), oracle::diff::diff_text(&pair.0, &pair.1));
            let mut rebuilt = Draft::Same(from.root());
            super::super::patch::patch(&mut rebuilt, patch.root(), &Limits::default(), &|_| false).expect("a diff applies");
            proptest::prop_assert_eq!(rebuilt.to_text(), to.text());
            // Another implementation agrees about the JSON, if not about the order of members; where it can read the patch
            // without rewriting its numbers.
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
