//! The kinds of changes.

/// How the server applies the JSON of an update to the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangeKind {
    /// JSON Merge Patch (RFC 7396). It can't store null.
    #[default]
    Merge,
    /// Each top-level member replaces the member of the same name as a whole; null is a value.
    Shallow,
    /// JSON Patch (RFC 6902).
    Patch,
    /// The whole document.
    Replace,
}

impl ChangeKind {
    /// The word in commands.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Merge => "MERGE",
            ChangeKind::Shallow => "SHALLOW",
            ChangeKind::Patch => "PATCH",
            ChangeKind::Replace => "REPLACE",
        }
    }
}
