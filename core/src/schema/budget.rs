//! The cost of a schema, checked before it is compiled.
//!
//! Two small subschemas that refer to each other through `allOf` can make one validation take
//! years. The work budget of a command would stop that, but a schema that no validation can finish
//! is better rejected when it is set. The cost is the number of subschemas that can apply to one
//! value and, in turn, to one of its members, down to the deepest document. A reference that leads
//! back to the same value has no end.

use std::collections::VecDeque;

use super::graph::{Edge, Graph, Number};
use super::keywords::Applies;
use super::source::{Strictness, bad_schema};
use super::validate::DEPTH_MAX;
use crate::error::Error;

/// The most subschemas along one path of the deepest document.
const COST_MAX: u64 = 4096;
/// The deepest document: the upper end of `state.max-depth`.
const LEVELS: usize = 128;

/// Rejects what never ends, or costs too much, or leads deeper than validation goes.
pub(crate) fn check(graph: &Graph, strictness: Strictness) -> Result<(), Error> {
    let order = in_place_order(graph)?;
    // A document that never gets there passes: one that is stored may be in use.
    if strictness == Strictness::Set {
        check_depth(graph, &order)?;
    }
    if cost(graph, &order) > COST_MAX {
        return Err(bad_schema(
            "",
            "its references multiply: one document could take too long to validate".into(),
        ));
    }
    Ok(())
}

fn is_in_place(edge: &Edge) -> bool {
    matches!(edge.applies, Applies::InPlace | Applies::Conditionally)
}

/// The subschemas in an order in which each follows all that apply in place to the same value.
fn in_place_order(graph: &Graph) -> Result<Vec<Number>, Error> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Open,
        Done,
    }
    let mut seen = vec![Seen::No; graph.len()];
    let mut order = Vec::with_capacity(graph.len());
    for root in 0..graph.len() {
        // An explicit stack: a chain of a thousand references must not take a thousand stack
        // frames.
        let mut stack = vec![(root, 0_usize)];
        while let Some((number, next)) = stack.pop() {
            let Some(mark) = seen.get_mut(number) else { continue };
            match *mark {
                Seen::Done => continue,
                Seen::Open if next == 0 => {
                    return Err(bad_schema(
                        &graph.pointer(number),
                        "refers to itself without going down into a member".into(),
                    ));
                }
                _ => *mark = Seen::Open,
            }
            match graph.edges(number).iter().filter(|edge| is_in_place(edge)).nth(next) {
                Some(edge) => stack.extend([(number, next.saturating_add(1)), (edge.to, 0)]),
                None => {
                    *mark = Seen::Done;
                    order.push(number);
                }
            }
        }
    }
    Ok(order)
}

/// Rejects subschemas that are asked within one another for one value, deeper than validation goes.
fn check_depth(graph: &Graph, order: &[Number]) -> Result<(), Error> {
    // The longest chain that begins with each, itself included.
    let mut chains = vec![0_usize; graph.len()];
    for number in order {
        let edges = graph.edges(*number).iter().filter(|edge| is_in_place(edge));
        let longest = edges.filter_map(|edge| chains.get(edge.to)).max().copied().unwrap_or(0);
        if let Some(chain) = chains.get_mut(*number) {
            *chain = longest.saturating_add(1);
        }
    }
    // Breadth first: how many subschemas must be asked around each, at the least.
    let mut around: Vec<Option<usize>> = vec![None; graph.len()];
    let mut open = VecDeque::from([(0, 0_usize)]);
    while let Some((number, depth)) = open.pop_front() {
        match around.get_mut(number) {
            Some(known @ None) => *known = Some(depth),
            _ => continue,
        }
        let deepest = depth.saturating_add(chains.get(number).copied().unwrap_or(0));
        if deepest > DEPTH_MAX {
            let reason = format!(
                "leads through {deepest} subschemas within one another, and validation follows at most \
                 {DEPTH_MAX}: refer to the last one directly"
            );
            return Err(bad_schema(&graph.pointer(number), reason));
        }
        let applied = graph.edges(number).iter().filter(|edge| edge.applies != Applies::Nowhere);
        open.extend(applied.map(|edge| (edge.to, depth.saturating_add(1))));
    }
    Ok(())
}

/// The most subschemas that can apply along one path of a document of [`LEVELS`].
fn cost(graph: &Graph, order: &[Number]) -> u64 {
    let mut below = vec![0_u64; graph.len()];
    for _ in 0..LEVELS {
        let mut here = vec![0_u64; graph.len()];
        for number in order {
            let edges = graph.edges(*number);
            let sum = |wanted: &dyn Fn(&Edge) -> bool, costs: &[u64]| {
                let costs = edges.iter().filter(|edge| wanted(edge)).filter_map(|edge| costs.get(edge.to));
                costs.fold(0, |sum: u64, cost| sum.saturating_add(*cost))
            };
            let most = |wanted: &dyn Fn(Applies) -> bool| {
                let edges = edges.iter().filter(|edge| wanted(edge.applies));
                edges.filter_map(|edge| below.get(edge.to)).max().copied().unwrap_or(0)
            };
            let in_place = sum(&is_in_place, &here);
            // At most one of `properties` and `additionalProperties` applies to a member.
            let one = |applies| matches!(applies, Applies::ToProperty | Applies::ToOtherProperties);
            let properties =
                sum(&|edge| edge.applies == Applies::ToProperties, &below).saturating_add(most(&one));
            let one = |applies| applies == Applies::ToOneItem;
            let items = sum(&|edge| edge.applies == Applies::ToItems, &below).saturating_add(most(&one));
            let cost = in_place.saturating_add(properties.max(items)).saturating_add(1);
            if let Some(place) = here.get_mut(*number) {
                *place = cost;
            }
        }
        below = here;
    }
    below.first().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use crate::schema::budget::check;
    use crate::schema::graph::Graph;
    use crate::schema::source::Strictness;

    fn checked(text: &str) -> String {
        let value = serde_json::from_str(text).expect(text);
        Graph::of(&value, Strictness::Set)
            .and_then(|graph| check(&graph, Strictness::Set))
            .map_or_else(|error| error.to_string(), |_| "OK".to_owned())
    }

    #[test]
    fn ordinary_schemas_pass_recursive_ones_too() {
        for text in [
            "true",
            r##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"object"}}}"##,
            r##"{"properties":{"left":{"$ref":"#"},"right":{"$ref":"#"}}}"##,
            r##"{"additionalProperties":{"$ref":"#"},"items":{"$ref":"#"}}"##,
            r##"{"$ref":"#step","$defs":{"s":{"$anchor":"step","items":{"$ref":"#/$defs/s"}}}}"##,
        ] {
            assert_eq!(checked(text), "OK", "{text}");
        }
    }

    #[test]
    fn a_chain_deeper_than_validation_goes_is_rejected() {
        let chain = |count: usize, root: &str| {
            let links: Vec<String> =
                (1..count).map(|n| format!(r##""d{n}":{{"$ref":"#/$defs/d{}"}}"##, n + 1)).collect();
            format!(r##"{{{root},"$defs":{{{},"d{count}":true}}}}"##, links.join(","))
        };
        let root = r##""$ref":"#/$defs/d1""##;
        assert_eq!(checked(&chain(511, root)), "OK");
        let rejected = checked(&chain(512, root));
        assert!(rejected.starts_with("BADSCHEMA (root): leads through 513 subschemas"), "{rejected}");
        let root = r##""properties":{"a":{"$ref":"#/$defs/d1"}}"##;
        assert_eq!(checked(&chain(510, root)), "OK");
        let rejected = checked(&chain(600, root));
        assert!(rejected.starts_with("BADSCHEMA /properties/a: leads through 602 subschemas"), "{rejected}");
        // Where nothing leads there it does no harm.
        assert_eq!(checked(&chain(600, r#""type":"object""#)), "OK");
    }

    #[test]
    fn multiplying_references_are_rejected() {
        let level = |n: usize| {
            format!(
                r##""d{n}":{{"allOf":[{{"$ref":"#/$defs/d{m}"}},{{"$ref":"#/$defs/d{m}"}}]}}"##,
                m = n + 1
            )
        };
        let levels: Vec<String> = (0..26).map(level).collect();
        let doubling = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d26":{{}}}}}}"##, levels.join(","));
        assert!(checked(&doubling).starts_with("BADSCHEMA (root): its references multiply"));
        let by_depth = r##"{"properties":{"a":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}}"##;
        assert!(checked(by_depth).starts_with("BADSCHEMA (root): its references multiply"));
        let twice = r##"{"patternProperties":{"a":{"$ref":"#"}},"additionalProperties":true,"unevaluatedProperties":{"$ref":"#"}}"##;
        assert!(checked(twice).starts_with("BADSCHEMA (root): its references multiply"));
        let in_place = r##"{"anyOf":[{"$ref":"#"},{"type":"object"}]}"##;
        assert!(checked(in_place).contains("refers to itself"));
    }

    #[test]
    fn dependencies_multiply_like_every_other_reference() {
        let link = |n: usize| {
            let next = n + 1;
            format!(
                r##""d{n}":{{"dependencies":{{"a":{{"$ref":"#/$defs/d{next}"}},"b":{{"$ref":"#/$defs/d{next}"}}}}}}"##
            )
        };
        let links: Vec<String> = (0..24).map(link).collect();
        let doubling = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d24":{{}}}}}}"##, links.join(","));
        assert!(
            checked(&doubling).starts_with("BADSCHEMA (root): its references multiply"),
            "{}",
            checked(&doubling)
        );
    }
}
