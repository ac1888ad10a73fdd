//! The limits that a client has to keep, in bytes. The server's settings have more; those are not
//! fixed.

/// The longest key of a state. The server matches a key against the bindings at each write, and the
/// name of the audit stream repeats it. States under longer keys, of older releases or by RENAME,
/// can be read and deleted.
pub const KEY_BYTES_MAX: usize = 512;

/// The longest error text of an attempt.
pub const ATTEMPT_ERROR_BYTES_MAX: usize = 1024;
