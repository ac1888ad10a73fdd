//! How an imported user gets to their step, since a conversation may begin only in an initial step.
//!
//! A new state can't be created in the middle of its `x-transitions`. So an import creates it at
//! the nearest initial step and continues by the shortest allowed path to the user's step. Not at
//! the beginning, which would lose the user's place. Not without a schema at first, because the
//! server would not know the secret members until then.
//!
//! The steps are members under `properties`, at any depth. If no path leads to the step, the
//! document is sent as it is, and the server's error says why.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

/// A member with steps, and their transitions.
struct Place<'s> {
    pointer: Vec<&'s str>,
    by: Vec<&'s str>,
    initial: Vec<&'s str>,
    allow: BTreeMap<&'s str, Vec<&'s str>>,
}

/// The documents from the initial one to the source's, which is the last. Each differs from the one
/// before in its steps only.
pub(super) fn route(schema: &Value, document: &Value) -> Vec<Value> {
    let mut places = Vec::new();
    collect(schema, &mut Vec::new(), &mut places);
    let ways: Vec<(&Place, Vec<String>)> =
        places.iter().filter_map(|place| Some((place, place.way_to(&place.step(document)?)?))).collect();
    let longest = ways.iter().map(|(_, way)| way.len()).max().unwrap_or(1);
    let stops = (0..longest).map(|stop| {
        let mut on_the_way = document.clone();
        for (place, way) in &ways {
            if let Some(step) = way.get(stop) {
                place.set(&mut on_the_way, step);
            }
        }
        on_the_way
    });
    stops.collect()
}

/// The change from one document to the next: a merge patch of the steps. Steps are texts, so it
/// removes nothing.
pub(super) fn change(from: &Value, to: &Value) -> Value {
    let (Some(before), Some(after)) = (from.as_object(), to.as_object()) else { return to.clone() };
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let nested = changed.map(|(name, value)| {
        let before = before.get(name).unwrap_or(&Value::Null);
        (name.clone(), change(before, value))
    });
    Value::Object(nested.collect())
}

fn collect<'s>(schema: &'s Value, pointer: &mut Vec<&'s str>, places: &mut Vec<Place<'s>>) {
    places.extend(schema.get("x-transitions").and_then(|steps| Place::read(steps, pointer)));
    for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        pointer.push(name);
        collect(member, pointer, places);
        pointer.pop();
    }
}

fn names(list: &Value) -> Option<Vec<&str>> {
    list.as_array()?.iter().map(Value::as_str).collect()
}

/// The steps of a list of targets; `null`, no step, leads nowhere.
fn targets(list: &Value) -> Option<Vec<&str>> {
    list.as_array()?.iter().filter(|target| !target.is_null()).map(Value::as_str).collect()
}

impl<'s> Place<'s> {
    fn read(steps: &'s Value, pointer: &[&'s str]) -> Option<Place<'s>> {
        let allow = steps.get("allow")?.as_object()?.iter();
        Some(Place {
            pointer: pointer.to_vec(),
            by: steps.get("by").map_or(Some(Vec::new()), names)?,
            initial: targets(steps.get("initial")?)?,
            allow: allow.map(|(from, to)| Some((from.as_str(), targets(to)?))).collect::<Option<_>>()?,
        })
    }

    /// The step of a document: a text, or several with `/` between them.
    fn step(&self, document: &Value) -> Option<String> {
        let member = self.pointer.iter().try_fold(document, |value, name| value.get(name))?;
        if self.by.is_empty() {
            return member.as_str().map(str::to_owned);
        }
        let parts: Option<Vec<&str>> = self.by.iter().map(|name| member.get(name)?.as_str()).collect();
        Some(parts?.join("/"))
    }

    /// The shortest path to a step from an initial one, both included; `None` if there is none, or
    /// if the parts of a step can't be assigned to members.
    fn way_to(&self, step: &str) -> Option<Vec<String>> {
        let mut ways: VecDeque<Vec<&str>> = self.initial.iter().map(|first| vec![*first]).collect();
        let mut seen: Vec<&str> = self.initial.clone();
        while let Some(way) = ways.pop_front() {
            let here = *way.last()?;
            if here == step {
                let parts = self.by.len().max(1) - 1;
                let clear = self.by.is_empty() || way.iter().all(|stop| stop.matches('/').count() == parts);
                return clear.then(|| way.into_iter().map(str::to_owned).collect());
            }
            let next = [here, "*"].into_iter().filter_map(|from| self.allow.get(from)).flatten();
            for &target in next {
                if !seen.contains(&target) {
                    seen.push(target);
                    ways.push_back(way.iter().copied().chain([target]).collect());
                }
            }
        }
        None
    }

    fn set(&self, document: &mut Value, step: &str) {
        let Some(member) = self.pointer.iter().try_fold(document, |value, name| value.get_mut(name)) else {
            return;
        };
        match member {
            Value::Object(members) if !self.by.is_empty() => {
                for (name, part) in self.by.iter().zip(step.split('/')) {
                    members.insert((*name).to_owned(), part.into());
                }
            }
            member => *member = step.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"properties": {
            "current": {"x-transitions": {
                "by": ["path", "component"],
                "initial": [null, "login/Greeting"],
                "allow": {
                    "login/Greeting": ["login/Call"],
                    "login/Call": ["account/Board"],
                    "account/Board": ["offer/Amount"],
                    "*": ["login/Greeting", null]
                }
            }},
            "box": {"properties": {"stage": {"x-transitions": {"initial": ["menu"], "allow": {"*": ["form"]}}}}}
        }})
    }

    #[test]
    fn shortest_allowed_path_leads_to_the_users_step() {
        let found = json!({"current": {"path": "offer", "component": "Amount", "data": {"n": 1}}, "box": {"stage": "form"}});
        let stops = route(&schema(), &found);
        let steps: Vec<String> = stops
            .iter()
            .map(|stop| {
                format!("{}/{}", stop["current"]["path"].as_str().unwrap_or("?"), stop["box"]["stage"])
            })
            .collect();
        assert_eq!(steps, ["login/\"menu\"", "login/\"form\"", "account/\"form\"", "offer/\"form\""]);
        assert_eq!(stops.last(), Some(&found));
        assert!(stops.iter().all(|stop| stop["current"]["data"]["n"] == 1));
        let [first, second, ..] = stops.as_slice() else { panic!("{stops:?}") };
        assert_eq!(
            change(first, second),
            json!({"current": {"component": "Call"}, "box": {"stage": "form"}})
        );
    }

    #[test]
    fn unreachable_step_keeps_the_document() {
        for found in [
            json!({}),
            json!({"current": {"path": "login", "component": "Greeting"}}),
            json!({"current": {"path": "of", "component": "a person"}}),
            json!({"current": 7, "box": {"stage": null}}),
        ] {
            assert_eq!(route(&schema(), &found), [found]);
        }
    }
}
