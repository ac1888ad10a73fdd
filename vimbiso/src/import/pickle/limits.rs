//! The limits of a pickle.

/// The longest pickle, and the longest JSON of one, in bytes: the default of `state.max-bytes`.
pub(super) const BYTES_MAX: usize = 1024 * 1024;
/// How many values a pickle may build; each takes 32 bytes.
pub(super) const VALUES_MAX: usize = 200_000;
/// How deep containers may nest. The JSON is parsed again, by serde_json, which stops at 128.
pub(super) const DEPTH_MAX: usize = 120;
