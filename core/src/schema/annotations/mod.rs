//! The annotations of a schema: what a document may become, beyond what it must look like.
//!
//! `x-protected`, `x-immutable`, `x-secret` and `x-transitions` stand on members. Compiled, they are a graph of places:
//! each knows its marks and where its annotated members lead. The checks walk a document along that graph, so a document
//! without annotated members costs nothing, and they never look at the command: only at the document before and after. A
//! way around them would have to make another document. What looks takes nodes of a text, what changes takes drafts.
//!
//! * `places`: from a schema to the graph
//! * `protect`: protected and immutable members
//! * `preserve`: what REPLACE, SHALLOW, rollback, reset and recovery leave as it is
//! * `lapses`: members that last for a while
//! * `secrets`: `"***"` out, `"***"` back in
//! * `transitions`: steps
//! * `steps`: where a document stands in them
//! * `uncovers`: what another schema would guard no more

pub(crate) mod lapses;
pub(crate) mod lifetime;
pub(crate) mod places;
pub(crate) mod preserve;
pub(crate) mod protect;
pub(crate) mod rules;
pub(crate) mod secrets;
pub(crate) mod steps;
pub(crate) mod transitions;
pub(crate) mod uncovers;
