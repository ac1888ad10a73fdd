//! The protection of a schema that another one in its place would remove.

use std::collections::HashSet;

use super::places::Place;
use super::rules::Rules;
use crate::json::pointer::escaped;

/// Two recursive schemas have as many pairs as the product of their places. Above this limit the
/// answer is that a member would be uncovered, which is the safe one.
const PAIRS_MAX: usize = 20_000;

/// A place of the protecting schema, the other schema's place for the same member, and what the
/// other schema marks at that member or above it: secret, protected.
type Pair = (usize, Option<usize>, bool, bool);

impl Rules {
    /// The first member, with its annotation, that is secret or protected here and not by `other`.
    pub fn uncovered_by(&self, other: &Rules) -> Option<(String, &'static str)> {
        self.first_uncovered(other, false)
    }

    /// The same for secrets alone.
    pub fn unmasked_by(&self, other: &Rules) -> Option<(String, &'static str)> {
        if self.has_secrets() { self.first_uncovered(other, true) } else { None }
    }

    /// `protected` says whether every member counts as protected by `other`.
    fn first_uncovered(&self, other: &Rules, protected: bool) -> Option<(String, &'static str)> {
        let mut seen: HashSet<Pair> = HashSet::new();
        let root = (!other.places.is_empty()).then_some(0);
        let mut open: Vec<(Pair, String)> = vec![((0, root, false, protected), String::new())];
        while let Some((pair, pointer)) = open.pop() {
            let (number, over, secret, protected) = pair;
            let Some(place) = self.places.get(number) else { continue };
            if !seen.insert(pair) {
                continue;
            }
            let over = over.and_then(|over| other.places.get(over));
            let marks = over.map(|over| over.marks).unwrap_or_default();
            let (secret, protected) = (secret || marks.secret, protected || marks.protected);
            if place.marks.secret && !secret {
                return Some((pointer, "x-secret"));
            }
            if (place.marks.protected && !protected) || seen.len() > PAIRS_MAX {
                return Some((pointer, "x-protected"));
            }
            for (name, below) in &place.members {
                let over = over.and_then(|over| member(over, name));
                open.push(((*below, over, secret, protected), format!("{pointer}/{}", escaped(name))));
            }
        }
        None
    }
}

fn member(place: &Place, name: &str) -> Option<usize> {
    place.members.iter().find(|(member, _)| **member == *name).map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use crate::schema::compiled::Schema;

    fn uncovered(before: &str, after: &str) -> Option<String> {
        let schema = |text: &str| Schema::compile("vimbiso.channel", 1, text.as_bytes()).expect(text);
        let (before, after) = (schema(before), schema(after));
        before
            .rules()
            .uncovered_by(after.rules())
            .map(|(pointer, annotation)| format!("{annotation} {pointer}"))
    }

    const TOKEN: &str =
        r#"{"properties":{"auth":{"properties":{"token":{"x-secret":true},"tier":{"x-protected":true}}}}}"#;

    #[test]
    fn what_stays_guarded_is_not_uncovered() {
        let above = r#"{"properties":{"auth":{"x-secret":true,"x-protected":true}}}"#;
        let referred = r##"{"$ref":"#/$defs/all","$defs":{"all":{"properties":{"auth":{"properties":{
            "token":{"x-secret":true,"type":"string"},"tier":{"x-protected":true}}}}}}}"##;
        for after in [TOKEN, above, referred] {
            assert_eq!(uncovered(TOKEN, after), None, "{after}");
        }
        assert_eq!(uncovered("{}", TOKEN), None);
        let recursive = r##"{"properties":{"next":{"$ref":"#"},"pin":{"x-secret":true}}}"##;
        assert_eq!(uncovered(recursive, recursive), None);
    }

    #[test]
    fn the_first_member_that_is_guarded_no_more_is_named() {
        let tier = r#"{"properties":{"auth":{"properties":{"tier":{"x-protected":true}}}}}"#;
        let token = r#"{"properties":{"auth":{"properties":{"token":{"x-secret":true}}}}}"#;
        let swapped = r#"{"properties":{"auth":{"properties":{
            "token":{"x-protected":true},"tier":{"x-secret":true}}}}}"#;
        assert_eq!(uncovered(TOKEN, tier).as_deref(), Some("x-secret /auth/token"));
        assert_eq!(uncovered(TOKEN, token).as_deref(), Some("x-protected /auth/tier"));
        assert!(uncovered(TOKEN, swapped).is_some());
        let deep = r##"{"properties":{"next":{"$ref":"#"},"pin":{"x-secret":true}}}"##;
        let shallow = r#"{"properties":{"next":{"properties":{"pin":{}}},"pin":{"x-secret":true}}}"#;
        assert_eq!(uncovered(deep, shallow).as_deref(), Some("x-secret /next/pin"));
        assert!(uncovered(TOKEN, "{}").is_some());
    }
}
