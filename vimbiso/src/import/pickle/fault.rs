//! Why a pickle is not read. It names opcodes and places, never a value, which may be a secret.

use super::opcode;

/// The longest name of a class in a reason.
const NAME_BYTES_MAX: usize = 64;

/// A reason that many pickles share, and what is particular to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::import) struct Fault {
    pub(in crate::import) reason: String,
    pub(in crate::import) detail: String,
}

impl Fault {
    /// The pickle is cut or was never one.
    pub(super) fn broken(at: usize, what: &str) -> Fault {
        Fault { reason: "a broken pickle".to_owned(), detail: format!("byte {at}: {what}") }
    }

    pub(super) fn limit(detail: String) -> Fault {
        Fault { reason: "a pickle above a limit".to_owned(), detail }
    }

    /// A value of Python that has no equal in JSON.
    pub(super) fn not_json(what: &str) -> Fault {
        Fault { reason: format!("a pickle with {what}"), detail: "JSON has none".to_owned() }
    }

    pub(super) fn protocol(number: u8) -> Fault {
        let detail = "the importer reads protocols 0 to 5".to_owned();
        Fault { reason: format!("a pickle of protocol {number}"), detail }
    }

    /// An opcode of another type than those that are read. `name` is that of a class.
    pub(super) fn foreign(at: usize, opcode: u8, name: Option<String>) -> Fault {
        let Some((word, what)) = opcode::foreign(opcode) else {
            return Fault::broken(at, &format!("0x{opcode:02x} is no opcode of Python's pickle"));
        };
        let name = name.filter(|name| is_a_name(name)).map(|name| format!(" {name}")).unwrap_or_default();
        let detail =
            format!("byte {at}: the importer reads str, int, float, bool, None, list, tuple and dict");
        Fault { reason: format!("a pickle with {word}{name} ({what})"), detail }
    }
}

/// Whether a text is a short dotted name, so that a hostile one can't fill or garble a terminal.
fn is_a_name(text: &str) -> bool {
    let is_dotted = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_' || letter == b'.';
    text.len() <= NAME_BYTES_MAX && text.bytes().all(is_dotted)
}
