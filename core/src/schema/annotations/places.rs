//! Compiles the annotations of a schema into a graph of places.
//!
//! A place is a set of subschemas that apply to the same value: one under `properties`, and its
//! targets of `$ref` and parts of `allOf`. Two members with the same set are one place, so a
//! recursive schema makes a graph with a cycle, not an endless tree. An annotation that would hold
//! for some documents only, or for an element of an array, which has no lasting place, is rejected:
//! a rule that holds sometimes protects nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::lifetime::{Lifetime, SLIDING, TTL, flag};
use super::transitions::Transitions;
use crate::error::Error;
use crate::json::name::Name;
use crate::json::to_text;
use crate::json::tree::Tree;
use crate::schema::defaults;
use crate::schema::graph::Number;
use crate::schema::refs::{Spot, Whole};
use crate::schema::source::{Strictness, bad_schema};

/// The annotations of a member.
const PROTECTED: &str = "x-protected";
const IMMUTABLE: &str = "x-immutable";
const SECRET: &str = "x-secret";
const TRANSITIONS: &str = "x-transitions";
const ANNOTATIONS: [&str; 6] = [PROTECTED, IMMUTABLE, SECRET, TRANSITIONS, TTL, SLIDING];
/// Keywords by which a change of one member can violate more than the member's own subschema.
const STRICT: [&str; 11] = [
    "anyOf",
    "oneOf",
    "not",
    "if",
    "dependentSchemas",
    "dependentRequired",
    "dependencies",
    "patternProperties",
    "minProperties",
    "enum",
    "const",
];
/// Conditional keywords about the elements of an array.
const OF_ELEMENTS: [&str; 4] = ["items", "prefixItems", "contains", "unevaluatedItems"];

/// The marks of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub protected: bool,
    pub immutable: bool,
    pub secret: bool,
    /// It has transitions.
    pub steps: bool,
    /// It lapses.
    pub lapses: bool,
}

impl Marks {
    fn any(self) -> bool {
        self != Marks::default()
    }

    pub fn with(self, other: Marks) -> Marks {
        Marks {
            protected: self.protected || other.protected,
            immutable: self.immutable || other.immutable,
            secret: self.secret || other.secret,
            steps: self.steps || other.steps,
            lapses: self.lapses || other.lapses,
        }
    }
}

/// A member that is annotated, or has annotated members below it.
#[derive(Debug, Default)]
pub struct Place {
    /// The pointer of its first subschema in the schema.
    pub pointer: String,
    pub marks: Marks,
    pub transitions: Vec<Transitions>,
    /// Its lifetime.
    pub lifetime: Option<Lifetime>,
    /// What a lapse restores: its default with the defaults below it.
    pub default: Option<Tree<'static>>,
    /// The subschemas that its default must satisfy.
    pub own: Vec<Number>,
    /// Whether it requires members.
    pub requires: bool,
    /// Whether a keyword compares its members with one another, or counts them, or has a condition.
    pub is_strict: bool,
    /// Its annotated members, by name, with the number of their places.
    pub members: Vec<(Name, usize)>,
    below: Marks,
}

impl Place {
    /// The marks of this place and of all below it.
    pub fn marks_within(&self) -> Marks {
        self.marks.with(self.below)
    }
}

/// The places of a schema, the document's first.
pub fn compile(whole: &Whole, strictness: Strictness) -> Result<Vec<Place>, Error> {
    let mut builder = Builder {
        whole,
        strictness,
        places: Vec::new(),
        known: HashMap::new(),
        waiting: Vec::new(),
        required: Vec::new(),
    };
    builder.place(vec![whole.root()]);
    let mut looked_at = HashSet::new();
    while let Some(place) = builder.waiting.pop() {
        builder.look(&place, &mut looked_at)?;
        whole.check_visits()?;
    }
    let (required, mut places) = (builder.required, builder.places);
    check_lifetimes(&places, &required)?;
    check_document(places.first())?;
    spread_marks(&mut places);
    check_secret_steps(&places)?;
    let annotated: Vec<bool> = places.iter().map(|place| place.marks_within().any()).collect();
    for place in &mut places {
        place.members.retain(|(_, number)| annotated.get(*number).copied().unwrap_or(false));
    }
    Ok(if annotated.first() == Some(&true) { places } else { Vec::new() })
}

struct Builder<'w, 's> {
    whole: &'w Whole<'s>,
    strictness: Strictness,
    places: Vec<Place>,
    /// Places by the numbers of their subschemas.
    known: HashMap<Vec<Number>, usize>,
    waiting: Vec<Waiting<'s>>,
    /// Members that a place requires.
    required: Vec<(usize, &'s str)>,
}

/// A place that has a number and is still to be read.
struct Waiting<'s> {
    number: usize,
    /// The subschemas under `properties`.
    own: Vec<Spot<'s>>,
    /// These and all that apply with them.
    all: Vec<Spot<'s>>,
}

impl<'s> Builder<'_, 's> {
    /// The number of the place of these subschemas and all that apply with them.
    fn place(&mut self, own: Vec<Spot<'s>>) -> usize {
        let mut all: BTreeMap<Number, Spot<'s>> = BTreeMap::new();
        let mut open = own.clone();
        while let Some(spot) = open.pop() {
            if all.insert(spot.number, spot).is_none() {
                open.extend(self.whole.in_place(&spot));
            }
        }
        let (key, all): (Vec<Number>, Vec<Spot>) = all.into_iter().unzip();
        if let Some(number) = self.known.get(&key) {
            return *number;
        }
        let number = self.places.len();
        let pointer = own.first().map(Spot::pointer).unwrap_or_default();
        self.places.push(Place { pointer, ..Place::default() });
        self.known.insert(key, number);
        self.waiting.push(Waiting { number, own, all });
        number
    }

    /// Reads the annotations of a place and finds its members.
    fn look(&mut self, place: &Waiting<'s>, looked_at: &mut HashSet<Number>) -> Result<(), Error> {
        let mut marks = Marks::default();
        let mut transitions = Vec::new();
        let mut default = None;
        let mut lifetime = None;
        let mut members: BTreeMap<&str, Vec<Spot<'s>>> = BTreeMap::new();
        for spot in &place.all {
            // The root `x-ttl` is the key's.
            if place.number > 0 {
                lifetime = lifetime.or(Lifetime::read(spot)?);
            }
            marks = marks.with(Marks {
                protected: flag(spot, PROTECTED)?,
                immutable: flag(spot, IMMUTABLE)?,
                secret: flag(spot, SECRET)?,
                steps: spot.get(TRANSITIONS).is_some(),
                lapses: lifetime.is_some(),
            });
            if let Some(steps) = steps(spot)? {
                if self.strictness == Strictness::Set {
                    self.check_steps_exist(place, spot, &steps)?;
                }
                transitions.push(steps);
            }
            self.required.extend(required(spot).map(|name| (place.number, name)));
            for (name, below) in self.whole.properties(spot) {
                members.entry(name).or_default().push(below);
            }
            for (keyword, below) in self.whole.conditional(spot) {
                self.reject_annotations(keyword, below, looked_at)?;
            }
        }
        if marks.any() {
            for spot in &place.own {
                if default.is_none() {
                    default = defaults::member(self.whole, spot)?;
                }
            }
        }
        let members = members.into_iter().map(|(name, spots)| (name.into(), self.place(spots))).collect();
        let own = place.own.iter().map(|spot| spot.number).collect();
        let requires = place.all.iter().any(|spot| required(spot).next().is_some());
        let is_strict = place.all.iter().any(is_strict);
        if let Some(place) = self.places.get_mut(place.number) {
            let default = default.map(|default| Tree::of_trusted(to_text(&default)));
            *place = Place {
                marks,
                transitions,
                lifetime,
                default,
                own,
                requires,
                is_strict,
                members,
                ..std::mem::take(place)
            };
        }
        Ok(())
    }

    /// Rejects steps outside the `enum` or `const` of their member: they could never be reached.
    fn check_steps_exist(
        &self,
        place: &Waiting<'s>,
        spot: &Spot<'s>,
        steps: &Transitions,
    ) -> Result<(), Error> {
        let values_of = |spots: &[Spot<'s>]| {
            let mut lists = spots.iter().filter_map(|spot| match (spot.get("enum"), spot.get("const")) {
                (Some(Value::Array(values)), _) => Some(values.as_slice()),
                (_, Some(value)) => Some(std::slice::from_ref(value)),
                _ => None,
            });
            lists.next()
        };
        let members = steps.by().iter().map(|name| {
            let own = place.all.iter().flat_map(|spot| self.whole.properties(spot));
            let own: Vec<Spot<'s>> =
                own.filter(|(member, _)| *member == &**name).map(|(_, spot)| spot).collect();
            let in_place = own.iter().flat_map(|spot| self.whole.in_place(spot));
            let all: Vec<Spot<'s>> = own.iter().copied().chain(in_place).collect();
            values_of(&all)
        });
        let values = if steps.by().is_empty() { vec![values_of(&place.all)] } else { members.collect() };
        match steps.missing(&values) {
            Some(step) => Err(bad_schema(
                &spot.at(TRANSITIONS),
                format!(
                    "the step {step} is not in the enum of its member: add it there, or leave it out here"
                ),
            )),
            None => Ok(()),
        }
    }

    /// Rejects annotations that would hold for some documents only.
    fn reject_annotations(
        &self,
        keyword: &str,
        spot: Spot<'s>,
        looked_at: &mut HashSet<Number>,
    ) -> Result<(), Error> {
        let mut open = vec![spot];
        while let Some(spot) = open.pop() {
            if !looked_at.insert(spot.number) {
                continue;
            }
            if let Some(annotation) =
                ANNOTATIONS.into_iter().find(|annotation| spot.get(annotation).is_some())
            {
                let reason = if OF_ELEMENTS.contains(&keyword) {
                    format!("an element of an array has no lasting place: put {annotation} on the array")
                } else {
                    format!(
                        "under {keyword} it would hold for some documents only: put {annotation} on a member under properties"
                    )
                };
                return Err(bad_schema(&spot.at(annotation), reason));
            }
            open.extend(self.whole.in_place(&spot));
            open.extend(self.whole.properties(&spot).into_iter().map(|(_, below)| below));
            open.extend(self.whole.conditional(&spot).into_iter().map(|(_, below)| below));
        }
        Ok(())
    }
}

fn steps(spot: &Spot) -> Result<Option<Transitions>, Error> {
    let Some(annotation) = spot.get(TRANSITIONS) else { return Ok(None) };
    let at = spot.at(TRANSITIONS);
    let transitions = Transitions::compile(annotation, &at)?;
    if !transitions.fits_type(spot.get("type")) {
        let reason = "with by it stands on an object, without by on a string".to_owned();
        return Err(bad_schema(&at, reason));
    }
    Ok(Some(transitions))
}

/// The document itself is not a member: it exists as long as the state.
fn check_document(document: Option<&Place>) -> Result<(), Error> {
    let marks = document.map(|place| place.marks).unwrap_or_default();
    for (marked, annotation) in
        [(marks.protected, PROTECTED), (marks.immutable, IMMUTABLE), (marks.secret, SECRET)]
    {
        if marked {
            return Err(bad_schema(
                &format!("/{annotation}"),
                "stands on members, not on the whole document".into(),
            ));
        }
    }
    Ok(())
}

/// A required or immutable member can't be removed by a lapse.
fn check_lifetimes(places: &[Place], required: &[(usize, &str)]) -> Result<(), Error> {
    let rejected =
        |place: &Place, reason: &str| Err(bad_schema(&format!("{}/{TTL}", place.pointer), reason.to_owned()));
    if let Some(place) = places.iter().find(|place| place.lifetime.is_some() && place.marks.immutable) {
        return rejected(place, "what is x-immutable stays for good: take one of the two away");
    }
    for (holder, name) in required {
        let members = places.get(*holder).into_iter().flat_map(|holder| &holder.members);
        let mut member = members.filter(|(member, _)| **member == **name);
        let place = member.next().and_then(|(_, number)| places.get(*number));
        if let Some(place) = place.filter(|place| place.lifetime.is_some() && place.default.is_none()) {
            return rejected(place, "the member is required, so it needs a default to go back to");
        }
    }
    Ok(())
}

/// Whether a subschema has one of the [`STRICT`] keywords. Schemas of further members may be those
/// of an annotated one in another part of `allOf`.
fn is_strict(spot: &Spot) -> bool {
    let has_schema = |keyword: &&str| spot.get(keyword).is_some_and(|further| further.is_object());
    STRICT.iter().any(|keyword| spot.get(keyword).is_some())
        || ["additionalProperties", "unevaluatedProperties"].iter().any(has_schema)
}

/// The names in `required`.
pub(super) fn required<'s>(spot: &Spot<'s>) -> impl Iterator<Item = &'s str> + use<'s> {
    spot.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Gives every place the marks below it. Places are numbered from the document down, so few rounds
/// from the end suffice.
fn spread_marks(places: &mut [Place]) {
    loop {
        let mut changed = false;
        for number in (0..places.len()).rev() {
            let within = |member: &(Name, usize)| places.get(member.1).map(Place::marks_within);
            let members = places.get(number).into_iter().flat_map(|place| &place.members);
            let below = members.filter_map(within).fold(Marks::default(), Marks::with);
            if let Some(place) = places.get_mut(number).filter(|place| place.below != below) {
                place.below = below;
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

/// A rejected transition names the present step, which a secret must not.
fn check_secret_steps(places: &[Place]) -> Result<(), Error> {
    for place in places {
        let is_secret = |name: &str| {
            let member = place.members.iter().find(|(member, _)| &**member == name);
            member
                .and_then(|(_, number)| places.get(*number))
                .is_some_and(|member| member.marks_within().secret)
        };
        let by_secret = place.transitions.iter().any(|steps| steps.by().iter().any(|name| is_secret(name)));
        if by_secret || (place.marks.secret && place.marks_within().steps) {
            return Err(bad_schema(
                &place.pointer,
                "a step can't be made of a secret: errors show it".into(),
            ));
        }
    }
    Ok(())
}
