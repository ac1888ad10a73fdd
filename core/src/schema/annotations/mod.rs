//! The annotations of a schema: the allowed changes of a document, beyond its shape.
//!
//! `x-protected`, `x-immutable`, `x-secret`, `x-transitions` and `x-ttl` annotate members.
//! Compiled, they are a graph of places: each has its marks and leads to its annotated members. The
//! checks walk a document along that graph, so a document without annotated members costs nothing.
//! They compare the documents before and after, and never see the command, so no command can bypass
//! them. Checks read nodes of a text, changes write drafts.
//!
//! * `places`: compiles a schema into the graph
//! * `protect`: protected and immutable members
//! * `preserve`: what REPLACE, SHALLOW, rollback, reset and recovery leave unchanged
//! * `lapses`: members with a lifetime
//! * `breaking`: whether a lapse can make a valid document invalid
//! * `demanded`: members with a lifetime that only some documents require
//! * `secrets`: masking and unmasking
//! * `transitions`: the allowed transitions
//! * `steps`: the present steps of a document
//! * `uncovers`: protection that another schema would remove

pub(crate) mod breaking;
pub(crate) mod demanded;
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
