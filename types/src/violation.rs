//! One way in which a document breaks its schema.

/// One way in which a document breaks its schema, as an `INVALID` error lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a JSON pointer. The empty pointer is the whole document, and is printed as
    /// `(root)`.
    pub pointer: String,
    /// What the schema requires, without the value that was found.
    pub message: String,
}
