//! The values of a pickle: each is a place in one table, so that a reference costs a number.

use std::borrow::Cow;

/// A place in the table.
pub(super) type Place = usize;

/// A value of Python. A tuple is a list here, as it is in JSON.
pub(super) enum Node<'p> {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Cow<'p, str>),
    List(Vec<Place>),
    Dict(Vec<(Place, Place)>),
}

/// All values of a pickle.
pub(super) type Table<'p> = Vec<Node<'p>>;
