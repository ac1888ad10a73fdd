//! Python's pickles, of protocols 0 to 5, as JSON.
//!
//! A pickle is a program for a machine with a stack and a memo, and Python's machine can import any
//! module and call any function. This one has only the opcodes that Python writes for str, int,
//! float, bool, None, list, tuple and dict. Any other opcode ends the run with its name.
//!
//! A pickle comes from a database that others may write to, so every size has a limit before memory
//! is used. Values are places in one table, a memo reference is a copy of a place, and a length is
//! compared with the remaining bytes. Cycles and references that multiply are found when the table
//! becomes JSON: by depth, and by the bytes written.
//!
//! Not the crate serde-pickle: it makes a dict of an instance of any class, copies a value for each
//! memo reference, and allocates 4 KiB for each MARK, 1 GB for 256 KiB of them. It has no limit on
//! nesting: 200 KB of lists in lists end the process. Nor does it keep the order of a dict. It is
//! the oracle of the tests.

mod fault;
mod input;
mod json;
mod limits;
mod machine;
mod opcode;
mod scalar;
mod table;

use serde_json::Value;

pub(super) use fault::Fault;
use limits::BYTES_MAX;

/// The JSON of a pickle.
pub(super) fn read(bytes: &[u8]) -> Result<Value, Fault> {
    if bytes.len() > BYTES_MAX {
        return Err(Fault::limit(format!("it has {} bytes, at most {BYTES_MAX} are read", bytes.len())));
    }
    let (table, top) = machine::run(bytes)?;
    json::value(&table, top)
}

/// Whether bytes are a pickle. From protocol 2 on, its first byte is in no UTF-8 text. An older one
/// ends with a full stop, which no JSON does, and begins with one of these opcodes.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let old =
        bytes.ends_with(b".") && bytes.first().is_some_and(|first| b"()]}FGIJKLMNPSTUVXc".contains(first));
    bytes.first() == Some(&opcode::PROTO) || old
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
