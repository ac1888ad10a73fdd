//! The first words of the server's errors. Clients decide by them what to do.

/// The state is not the version that the command expects.
pub const CONFLICT: &str = "CONFLICT";
/// There is no state at the key.
pub const NOSTATE: &str = "NOSTATE";
/// The result violates its schema.
pub const INVALID: &str = "INVALID";
/// The result is at a step that may not follow the present one.
pub const TRANSITION: &str = "TRANSITION";
/// The command would write a protected member.
pub const PROTECTED: &str = "PROTECTED";
/// The command would change an immutable member.
pub const IMMUTABLE: &str = "IMMUTABLE";
/// Another command has used the ID before.
pub const IDMISMATCH: &str = "IDMISMATCH";
/// Another owner has used the ID before.
pub const REPLAYED: &str = "REPLAYED";
/// The text is not JSON.
pub const BADJSON: &str = "BADJSON";
/// An operation of a JSON Patch can't be applied.
pub const BADPATCH: &str = "BADPATCH";
/// Something is longer than its limit.
pub const TOOBIG: &str = "TOOBIG";
/// Containers nest deeper than their limit.
pub const TOODEEP: &str = "TOODEEP";
/// The command needs more work than one command may do.
pub const TOOCOSTLY: &str = "TOOCOSTLY";
/// The server has no schema of that name.
pub const NOSCHEMA: &str = "NOSCHEMA";
/// The schema can't be stored, or not be used for this key.
pub const BADSCHEMA: &str = "BADSCHEMA";
/// The server keeps no such version or label.
pub const NOVERSION: &str = "NOVERSION";
/// The key can have no audit stream in its own slot.
pub const BADKEY: &str = "BADKEY";
/// Any other error of a command.
pub const ERR: &str = "ERR";

/// The prefixes of rejections: the server understood the state and the request, and the rules do
/// not allow the result.
pub const REJECTIONS: [&str; 9] =
    [INVALID, TRANSITION, PROTECTED, IMMUTABLE, IDMISMATCH, BADPATCH, TOOBIG, TOODEEP, TOOCOSTLY];
