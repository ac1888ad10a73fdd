//! Readings of a schema's graph that hold for every document.
//!
//! Only `$ref` and `allOf` apply in place to every value. A reading is bounded: a schema of 64 KiB
//! can name the same few subschemas so often that visiting each would block the server.

use std::cell::Cell;

use serde_json::Value;

use super::graph::{Edge, Graph, Number, Token};
use super::keywords::Applies;
use super::source::bad_schema;
use crate::error::Error;

/// The most visits of all readings of one schema together.
const VISITS_MAX: usize = 10_000;

/// A schema with its visits.
pub struct Whole<'s> {
    graph: &'s Graph<'s>,
    visits: Cell<usize>,
}

/// A subschema.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'s> {
    graph: &'s Graph<'s>,
    pub number: Number,
}

impl<'s> Spot<'s> {
    /// A keyword's value.
    pub fn get(&self, keyword: &str) -> Option<&'s Value> {
        self.graph.schema(self.number).get(keyword)
    }

    /// Its pointer.
    pub fn pointer(&self) -> String {
        self.graph.pointer(self.number)
    }

    /// The pointer of a keyword.
    pub fn at(&self, keyword: &str) -> String {
        self.graph.pointer_of(self.number, keyword)
    }
}

impl<'s> Whole<'s> {
    pub fn new(graph: &'s Graph<'s>) -> Whole<'s> {
        Whole { graph, visits: Cell::new(0) }
    }

    /// The schema itself.
    pub fn root(&self) -> Spot<'s> {
        self.spot(0)
    }

    fn spot(&self, number: Number) -> Spot<'s> {
        Spot { graph: self.graph, number }
    }

    /// Rejects a schema whose readings exceeded the limit.
    pub fn check_visits(&self) -> Result<(), Error> {
        if self.visits.get() > VISITS_MAX {
            let reason = format!("its references lead to more than {VISITS_MAX} subschemas");
            return Err(bad_schema("", reason));
        }
        Ok(())
    }

    /// Counts a visit; false beyond the limit.
    fn visit(&self) -> bool {
        self.visits.set(self.visits.get().saturating_add(1));
        self.visits.get() <= VISITS_MAX
    }

    /// The subschemas of `properties`, by name.
    pub fn properties(&self, spot: &Spot<'s>) -> Vec<(&'s str, Spot<'s>)> {
        let edges = self.graph.edges(spot.number).iter();
        let properties = edges.filter(|edge| edge.applies == Applies::ToProperty);
        properties
            .take_while(|_| self.visit())
            .filter_map(|edge| match edge.token {
                Token::Name(name) => Some((name, self.spot(edge.to))),
                _ => None,
            })
            .collect()
    }

    /// The subschemas that always apply to the same value: the target of `$ref`, and the parts of
    /// `allOf`.
    pub fn in_place(&self, spot: &Spot<'s>) -> Vec<Spot<'s>> {
        let edges = self.graph.edges(spot.number).iter();
        let in_place = edges.filter(|edge| edge.applies == Applies::InPlace).take_while(|_| self.visit());
        // The target of a reference comes before the parts beside it.
        let (references, parts): (Vec<&Edge>, Vec<&Edge>) = in_place.partition(|edge| edge.keyword == "$ref");
        references.into_iter().chain(parts).map(|edge| self.spot(edge.to)).collect()
    }

    /// Every other subschema that applies somewhere, with the keyword that makes it conditional.
    pub fn conditional(&self, spot: &Spot<'s>) -> Vec<(&'static str, Spot<'s>)> {
        let is_definition = |keyword: &str| matches!(keyword, "$defs" | "definitions");
        let conditional = self.graph.edges(spot.number).iter().filter(|edge| {
            !matches!(edge.applies, Applies::InPlace | Applies::ToProperty) && !is_definition(edge.keyword)
        });
        let conditional = conditional.take_while(|_| self.visit());
        conditional.map(|edge| (edge.keyword, self.spot(edge.to))).collect()
    }
}
