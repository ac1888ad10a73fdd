//! `x-transitions`: the allowed transitions between the steps of a conversation.
//!
//! A step is the text of a string member, or of some members of an object joined by `/`:
//! `login/Greeting`. In the text of one of several members `~` and `/` are written `~0` and `~1`,
//! as in a JSON pointer, so that each step has one text. Steps are compared by that text alone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::json::name::Name;
use crate::json::node::{Kind, Node};
use crate::json::pointer::escaped;
use crate::schema::source::bad_schema;

/// Any step, as a source or a target.
const ANY: &str = "*";
/// The name of a step that the schema does not list.
const UNLISTED: &str = "(unlisted)";
/// The usual length of a step: an initial capacity.
const STEP_BYTES: usize = 32;
/// The most steps in an error.
const ALLOWED_SHOWN: usize = 20;

/// How a text shows that there is no step; a step of that name is quoted.
const NONE: &str = "(none)";

/// The compiled annotation.
#[derive(Debug)]
pub struct Transitions {
    /// The members that make a step; none for a string member.
    by: Vec<Name>,
    initial: Vec<Target>,
    allow: BTreeMap<Box<str>, Vec<Target>>,
}

/// A step that may follow another one; `None`, `null` in the schema, is no step.
type Target = Option<Box<str>>;

/// The present step of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// The member is absent, or has none of the members that make a step.
    None,
    Named(String),
    /// The member can't have a step: a number instead of a string.
    Nameless,
}

impl Transitions {
    /// Compiles the annotation at the pointer `at` of the schema.
    pub fn compile(annotation: &Value, at: &str) -> Result<Transitions, Error> {
        let Some(members) = annotation.as_object() else {
            return Err(bad_schema(
                at,
                "must be an object with initial, allow and, for an object, by".into(),
            ));
        };
        if let Some(name) = members.keys().find(|name| !["by", "initial", "allow"].contains(&name.as_str())) {
            return Err(bad_schema(&format!("{at}/{}", escaped(name)), "is not by, initial or allow".into()));
        }
        let by = match members.get("by") {
            Some(by) => names(by, &format!("{at}/by"))?.iter().map(|name| Name::from(&**name)).collect(),
            None => Vec::new(),
        };
        if by.is_empty() && members.contains_key("by") {
            return Err(bad_schema(&format!("{at}/by"), "must name at least one member".into()));
        }
        let initial = match members.get("initial") {
            Some(initial) => targets(initial, &format!("{at}/initial"))?,
            None => return Err(bad_schema(at, "initial is missing: the steps to begin with".into())),
        };
        let allow = allowed(members, &format!("{at}/allow"))?;
        Ok(Transitions { by, initial, allow })
    }

    /// A listed step that its members can't have, for an error text: `values` are those of each
    /// member that makes a step, or of the one string, where they are listed.
    pub fn missing(&self, values: &[Option<&[Value]>]) -> Option<String> {
        let listed =
            self.initial.iter().chain(self.allow.values().flatten()).flatten().chain(self.allow.keys());
        let can_be = |step: &str| {
            let parts: Vec<String> = match self.by.len() {
                0 | 1 => vec![step.to_owned()],
                _ => step.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect(),
            };
            let has = |part: &String, values: &Option<&[Value]>| {
                // An absent member is an empty part.
                let is_empty = part.is_empty() && !self.by.is_empty();
                is_empty
                    || values.is_none_or(|values| values.iter().any(|value| value.as_str() == Some(part)))
            };
            parts.len() == values.len() && parts.iter().zip(values).all(|(part, values)| has(part, values))
        };
        let mut named = listed.filter(|step| &***step != ANY);
        named.find(|step| !can_be(step)).map(|step| quoted(step))
    }

    /// The members that make a step.
    pub fn by(&self) -> &[Name] {
        &self.by
    }

    /// Whether the annotation fits the `type` beside it.
    pub fn fits_type(&self, type_keyword: Option<&Value>) -> bool {
        let wanted = if self.by.is_empty() { "string" } else { "object" };
        match type_keyword {
            None => true,
            Some(Value::String(name)) => name == wanted,
            Some(Value::Array(names)) => names.iter().any(|name| name.as_str() == Some(wanted)),
            Some(_) => false,
        }
    }

    /// Whether this value is an initial step.
    pub fn begins_with(&self, value: Node) -> bool {
        self.may(&Step::None, &self.step(Some(value)))
    }

    /// Rejects a transition that is not allowed. `pointer` is the member's.
    pub fn check(&self, pointer: &str, before: Option<Node>, after: Option<Node>) -> Result<(), Error> {
        if self.stays(before, after) {
            return Ok(());
        }
        let (from, to) = (self.step(before), self.step(after));
        if self.may(&from, &to) {
            return Ok(());
        }
        Err(Error::Transition {
            pointer: pointer.to_owned(),
            from: self.shown(&from),
            to: self.shown(&to),
            allowed: self.allowed_shown(&from),
        })
    }

    /// Whether the step is obviously unchanged, as in most changes; `false` decides nothing.
    fn stays(&self, before: Option<Node>, after: Option<Node>) -> bool {
        let is_same = |before: Option<Node>, after: Option<Node>| {
            let before = before.and_then(Node::raw_str);
            before.is_some() && before == after.and_then(Node::raw_str)
        };
        if self.by.is_empty() {
            return is_same(before, after);
        }
        let (Some(before), Some(after)) = (before, after) else { return false };
        self.by.iter().all(|name| is_same(before.member(name), after.member(name)))
    }

    fn may(&self, from: &Step, to: &Step) -> bool {
        if from == to && *from != Step::Nameless {
            return true;
        }
        let target = match to {
            Step::Named(name) => Some(name.as_str()),
            Step::None => None,
            Step::Nameless => Some(ANY),
        };
        self.targets(from).any(|allowed| allowed == target || allowed == Some(ANY))
    }

    /// The targets of `from`.
    fn targets<'a>(&'a self, from: &Step) -> impl Iterator<Item = Option<&'a str>> + use<'a> {
        let (initial, own, any) = match from {
            Step::None => (Some(&self.initial), None, None),
            Step::Named(name) => (None, self.allow.get(name.as_str()), self.allow.get(ANY)),
            Step::Nameless => (None, None, self.allow.get(ANY)),
        };
        [initial, own, any].into_iter().flatten().flatten().map(Option::as_deref)
    }

    fn step(&self, value: Option<Node>) -> Step {
        let Some(value) = value else { return Step::None };
        match value.kind() {
            Kind::String if self.by.is_empty() => {
                value.as_str().map_or(Step::Nameless, |name| Step::Named(name.into_owned()))
            }
            Kind::Object if !self.by.is_empty() => {
                // Absent and null are equal.
                let part = |name: &Name| match value.member(name) {
                    None => Some(Cow::Borrowed("")),
                    Some(part) if part.is_null() => Some(Cow::Borrowed("")),
                    Some(part) => part.as_str(),
                };
                let (mut step, mut is_empty) = (String::with_capacity(STEP_BYTES), true);
                for (count, name) in self.by.iter().enumerate() {
                    let Some(part) = part(name) else { return Step::Nameless };
                    is_empty &= part.is_empty();
                    step.push_str(if count == 0 { "" } else { "/" });
                    // Otherwise ("x/y", "z") and ("x", "y/z") would be one step.
                    match self.by.len() {
                        1 => step.push_str(&part),
                        _ => step.push_str(&escaped(&part)),
                    }
                }
                if is_empty { Step::None } else { Step::Named(step) }
            }
            // A nullable member without a step.
            Kind::Null => Step::None,
            _ => Step::Nameless,
        }
    }

    /// The step of `value`, `None` where it has none; a step that the schema does not list is
    /// masked.
    pub fn step_listed(&self, value: Node) -> Option<String> {
        match self.step(Some(value)) {
            Step::None => None,
            Step::Named(name) if self.lists(&name) => Some(name),
            Step::Named(_) | Step::Nameless => Some(UNLISTED.to_owned()),
        }
    }

    fn lists(&self, name: &str) -> bool {
        let in_list = |list: &[Target]| list.iter().any(|listed| listed.as_deref() == Some(name));
        in_list(&self.initial) || self.allow.iter().any(|(from, targets)| &**from == name || in_list(targets))
    }

    /// A step in an error text: a step that the schema does not list may be any text, even the
    /// user's.
    fn shown(&self, step: &Step) -> String {
        match step {
            Step::None => NONE.to_owned(),
            Step::Named(name) if self.lists(name) => quoted(name),
            Step::Named(_) | Step::Nameless => UNLISTED.to_owned(),
        }
    }

    fn allowed_shown(&self, from: &Step) -> String {
        let mut allowed: Vec<Option<&str>> = Vec::new();
        for target in self.targets(from) {
            if !allowed.contains(&target) {
                allowed.push(target);
            }
        }
        if allowed.is_empty() {
            return "nothing".to_owned();
        }
        let more = allowed.len().saturating_sub(ALLOWED_SHOWN);
        let shown = |target: &Option<&str>| target.map_or_else(|| NONE.to_owned(), quoted);
        let shown: Vec<String> = allowed.iter().take(ALLOWED_SHOWN).map(shown).collect();
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{rest}", shown.join(", "))
    }
}

fn quoted(name: &str) -> String {
    Value::from(name).to_string()
}

fn allowed(members: &Map<String, Value>, at: &str) -> Result<BTreeMap<Box<str>, Vec<Target>>, Error> {
    let Some(allow) = members.get("allow").and_then(Value::as_object) else {
        return Err(bad_schema(at, "must be an object: a step and the steps that may follow it".into()));
    };
    let steps = allow.iter().map(|(from, followers)| {
        Ok((from.as_str().into(), targets(followers, &format!("{at}/{}", escaped(from)))?))
    });
    steps.collect()
}

/// Steps, and `null` for no step.
fn targets(value: &Value, at: &str) -> Result<Vec<Target>, Error> {
    let target = |value: &Value| match value {
        Value::String(name) => Some(Some(name.as_str().into())),
        Value::Null => Some(None),
        _ => None,
    };
    let list = value.as_array().and_then(|list| list.iter().map(target).collect());
    list.ok_or_else(|| bad_schema(at, "must be an array of strings, with null for no step".into()))
}

fn names(value: &Value, at: &str) -> Result<Vec<Box<str>>, Error> {
    let list = value.as_array().map(|list| list.iter().map(|name| name.as_str().map(Into::into)));
    let list: Option<Vec<Box<str>>> = list.and_then(Iterator::collect);
    list.ok_or_else(|| bad_schema(at, "must be an array of strings".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::parse;
    use crate::json::tree::Tree;

    fn tree(text: &str) -> Tree<'static> {
        parse(text.as_bytes(), 64).expect(text)
    }

    fn compiled(text: &str) -> Result<Transitions, Error> {
        Transitions::compile(&tree(text).root().to_value(), "/properties/stage/x-transitions")
    }

    fn went(transitions: &Transitions, before: &str, after: &str) -> String {
        let of = |text: &str| (!text.is_empty()).then(|| tree(text));
        let (before, after) = (of(before), of(after));
        let checked =
            transitions.check("/current", before.as_ref().map(Tree::root), after.as_ref().map(Tree::root));
        checked.map_or_else(|error| error.to_string(), |()| "OK".to_owned())
    }

    #[test]
    fn a_step_is_made_of_several_members() {
        let transitions = compiled(
            r#"{"by":["path","component"],"initial":["login/Greeting"],"allow":{"login/Greeting":["login/LoginApiCall"],"*":["login/Greeting"]}}"#,
        )
        .expect("an annotation");
        let at = |path: &str, component: &str| format!(r#"{{"path":"{path}","component":"{component}"}}"#);
        let (greeting, call) = (at("login", "Greeting"), at("login", "LoginApiCall"));
        for (before, after) in [
            ("", &greeting),
            (&greeting, &call),
            (&call, &call),
            (&call, &greeting),
            (&at("x", "y"), &greeting),
        ] {
            assert_eq!(went(&transitions, before, after), "OK", "{before} -> {after}");
        }
        assert_eq!(
            went(&transitions, "", &call),
            r#"TRANSITION /current: (none) -> "login/LoginApiCall"; allowed: "login/Greeting""#
        );
        assert_eq!(
            went(&transitions, &greeting, &at("my", "words")),
            r#"TRANSITION /current: "login/Greeting" -> (unlisted); allowed: "login/LoginApiCall", "login/Greeting""#
        );
        assert!(went(&transitions, &greeting, "").contains("-> (none)"));
        assert!(went(&transitions, &greeting, r#"{"path":7}"#).contains("-> (unlisted)"));
        assert_eq!(went(&transitions, r#"{"path":null}"#, &greeting), "OK", "none of the members is no step");
        assert!(went(&transitions, r#"{"data":{}}"#, &call).contains("(none) -> "));
    }

    #[test]
    fn a_step_may_be_a_string_and_removal_needs_a_star() {
        let transitions = compiled(r#"{"initial":["menu"],"allow":{"menu":["*"],"form":["menu"]}}"#)
            .expect("an annotation");
        for (before, after) in
            [("\"menu\"", "\"anything\""), ("\"menu\"", ""), ("", ""), ("\"form\"", "\"menu\"")]
        {
            assert_eq!(went(&transitions, before, after), "OK", "{before} -> {after}");
        }
        for (before, after) in
            [("\"form\"", ""), ("\"form\"", "\"other\""), ("\"other\"", "\"menu\""), ("7", "8")]
        {
            assert!(went(&transitions, before, after).starts_with("TRANSITION "), "{before} -> {after}");
        }
    }

    #[test]
    fn null_allows_to_remove_a_step() {
        let text =
            r#"{"initial":["menu",null],"allow":{"form":["(none)",null],"menu":["form"],"(none)":[]}}"#;
        let transitions = compiled(text).expect("an annotation");
        assert_eq!(went(&transitions, "\"form\"", ""), "OK");
        assert_eq!(went(&transitions, "\"form\"", "null"), "OK");
        assert_eq!(
            went(&transitions, "\"form\"", "\"menu\""),
            r#"TRANSITION /current: "form" -> "menu"; allowed: "(none)", (none)"#
        );
        assert_eq!(
            went(&transitions, "\"menu\"", ""),
            r#"TRANSITION /current: "menu" -> (none); allowed: "form""#
        );
        assert_eq!(
            went(&transitions, "\"(none)\"", ""),
            r#"TRANSITION /current: "(none)" -> (none); allowed: nothing"#
        );
    }

    #[test]
    fn what_is_no_annotation_is_rejected_with_its_pointer() {
        for (annotation, pointer) in [
            ("7", ""),
            (r#"{"allow":{}}"#, ""),
            (r#"{"initial":"menu","allow":{}}"#, "/initial"),
            (r#"{"initial":[7],"allow":{}}"#, "/initial"),
            (r#"{"initial":[]}"#, "/allow"),
            (r#"{"initial":[],"allow":{"a/b":"c"}}"#, "/allow/a~1b"),
            (r#"{"initial":[],"allow":{},"by":[]}"#, "/by"),
            (r#"{"initial":[],"allow":{},"from":[]}"#, "/from"),
        ] {
            let rejected = compiled(annotation).expect_err(annotation).to_string();
            let begin = format!("BADSCHEMA /properties/stage/x-transitions{pointer}: ");
            assert!(rejected.starts_with(&begin), "{annotation}: {rejected}");
        }
    }
}
