//! A violation of a schema.

/// A violation of a schema, as listed by an `INVALID` error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The place, as a JSON pointer. The empty pointer is the whole document, and is printed as
    /// `(root)`.
    pub pointer: String,
    /// What the schema requires, without the value that was found.
    pub message: String,
}
