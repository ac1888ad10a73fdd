//! The largest compiled pattern.

/// The most states of a compiled pattern; a set of characters counts one for each eight of its
/// ranges, and a property of Unicode twenty more.
pub(in crate::schema) const PATTERN_STATES_MAX: usize = 10_000;

pub(super) fn too_large() -> String {
    format!("takes more than {PATTERN_STATES_MAX} states: use smaller counts in braces, or maxLength")
}
