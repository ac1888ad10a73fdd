//! Commands that are an error in any state: wrong syntax, invalid names, keys without an audit
//! stream, other types.
//!
//! They are played between the others, since they must change nothing.

use crate::command::{Arg, KEYS};
use crate::predicted::Predicted;
use crate::world::Step;

/// Set before each run: a key of another type, and one in place of an audit stream.
pub const OTHER_KEYS: [[&str; 2]; 2] =
    [["menu:tier1", "handle_action_menu"], ["{channel:taken}:audit", "no stream"]];

const SYNTAX: &str = "ERR syntax error";
const ARITY: &str = "ERR wrong number of arguments";
const EXPIRE: &str = "ERR invalid expire time";
const NUMBER: &str = "ERR value is not an integer or out of range";

/// A command line and the beginning of its error. KEY stands for a key of the run, LONG for 129
/// letters, NONE for an empty word.
pub const ROWS: &[(&str, &str)] = &[
    ("STATE.UPDATE KEY", ARITY),
    ("STATE.UPDATE KEY * {} MERGE PATCH", SYNTAX),
    ("STATE.UPDATE KEY * {} RETURN RETURN", SYNTAX),
    ("STATE.UPDATE KEY * {} DRYRUN dryrun", SYNTAX),
    ("STATE.UPDATE KEY * {} REBASE", SYNTAX),
    ("STATE.UPDATE KEY * {} ID audit", SYNTAX),
    ("STATE.UPDATE KEY * {} COMPONENT Greeting", SYNTAX),
    ("STATE.UPDATE KEY * {} OPERATION LONG", "TOOBIG"),
    ("STATE.SETPROTECTED KEY", ARITY),
    ("STATE.SETPROTECTED KEY * {} ALL", SYNTAX),
    ("STATE.UPDATE KEY * {} ALIGN 2 token:+263771234567", SYNTAX),
    ("STATE.SETPROTECTED KEY * {} EX 0", EXPIRE),
    ("STATE.SETPROTECTED KEY * {} MERGE REPLACE", SYNTAX),
    ("STATE.SETPROTECTED a}b * {}", "BADKEY"),
    ("STATE.SETPROTECTED menu:tier1 * {}", "WRONGTYPE"),
    ("STATE.UPDATE KEY * {} STEPS 1", SYNTAX),
    ("STATE.UPDATE KEY * {} EX", SYNTAX),
    ("STATE.UPDATE KEY * {} EX 60 PERSIST", SYNTAX),
    ("STATE.UPDATE KEY * {} KEEPTTL PX 60000", SYNTAX),
    ("STATE.UPDATE KEY * {} EX 0", EXPIRE),
    ("STATE.UPDATE KEY * {} PX -60000", EXPIRE),
    ("STATE.UPDATE KEY * {} EXAT 1741058499", EXPIRE),
    ("STATE.UPDATE KEY * {} PXAT 1741058499570", EXPIRE),
    ("STATE.UPDATE KEY * {} EX soon", NUMBER),
    ("STATE.UPDATE KEY 01 {}", SYNTAX),
    ("STATE.UPDATE KEY -1 {}", SYNTAX),
    ("STATE.UPDATE KEY 1-1f0c {}", SYNTAX),
    ("STATE.UPDATE KEY 1-1F0C5A7D9E3B2846 {}", SYNTAX),
    ("STATE.UPDATE KEY NONE {}", SYNTAX),
    ("STATE.UPDATE KEY 18446744073709551616 {}", SYNTAX),
    ("STATE.UPDATE KEY * {} EVENT audit", SYNTAX),
    ("STATE.UPDATE KEY * {} NOTE Align", SYNTAX),
    ("STATE.UPDATE KEY * {} LABEL ALIGN", SYNTAX),
    ("STATE.UPDATE KEY * {} SCHEMA NONE", SYNTAX),
    ("STATE.UPDATE KEY * {} ACTOR LONG", "TOOBIG"),
    ("STATE.UPDATE KEY * {} LABEL LONG", "TOOBIG"),
    ("STATE.UPDATE a}b * {}", "BADKEY"),
    ("STATE.UPDATE menu:tier1 * {}", "WRONGTYPE"),
    ("STATE.UPDATE channel:taken * {}", "WRONGTYPE audit stream {channel:taken}:audit"),
    ("STATE.ROLLBACK KEY", SYNTAX),
    ("STATE.ROLLBACK KEY * STEPS 0", SYNTAX),
    ("STATE.ROLLBACK KEY * STEPS 2 TO 1", SYNTAX),
    ("STATE.ROLLBACK KEY * LABEL menu LASTVALID", SYNTAX),
    ("STATE.ROLLBACK KEY * ALL ALL", SYNTAX),
    ("STATE.ROLLBACK KEY * ALL 1", SYNTAX),
    ("STATE.ROLLBACK KEY * DRYRUN", SYNTAX),
    ("STATE.ROLLBACK KEY * ONLY 2 /stage", SYNTAX),
    ("STATE.ROLLBACK KEY * ONLY 1 stage", SYNTAX),
    ("STATE.ROLLBACK KEY * EX 0", EXPIRE),
    ("STATE.ROLLBACK KEY ?", SYNTAX),
    ("STATE.ROLLBACK {}x *", "BADKEY"),
    ("STATE.ROLLBACK menu:tier1 *", "WRONGTYPE"),
    ("STATE.GET", ARITY),
    ("STATE.GET KEY stage", SYNTAX),
    ("STATE.GET KEY /a~2", SYNTAX),
    ("STATE.GET KEY VERSION", SYNTAX),
    ("STATE.GET KEY VERSION 0", SYNTAX),
    ("STATE.GET KEY VERSION first", NUMBER),
    ("STATE.GET menu:tier1", "WRONGTYPE"),
    ("STATE.HISTORY KEY COUNT 0", SYNTAX),
    ("STATE.HISTORY KEY COUNT all", NUMBER),
    ("STATE.HISTORY KEY ALL", SYNTAX),
    ("STATE.HISTORY menu:tier1", "WRONGTYPE"),
    ("STATE.DIFF KEY 1", ARITY),
    ("STATE.DIFF KEY 0 1", SYNTAX),
    ("STATE.DIFF menu:tier1 1 2", "WRONGTYPE"),
    ("STATE.META KEY KEY", ARITY),
    ("STATE.META menu:tier1", "WRONGTYPE"),
    ("STATE.TOUCH KEY EX 0", EXPIRE),
    ("STATE.TOUCH KEY RETURN", SYNTAX),
    ("STATE.TOUCH {}x", "BADKEY"),
    ("STATE.TOUCH menu:tier1", "WRONGTYPE"),
    ("STATE.DELETE KEY * PURGE PURGE", SYNTAX),
    ("STATE.DELETE KEY any", SYNTAX),
    ("STATE.DELETE a}b *", "BADKEY"),
    ("STATE.DELETE menu:tier1 *", "WRONGTYPE"),
    ("STATE.VALIDATE vimbiso.offer", ARITY),
    ("STATE.VALIDATE LONG {}", "TOOBIG"),
    ("STATE.SCHEMA SET vimbiso.offer", ARITY),
    ("STATE.SCHEMA SET NONE {}", SYNTAX),
    ("STATE.SCHEMA GET LONG", "TOOBIG"),
    ("STATE.SCHEMA DEL vimbiso.offer NOW", SYNTAX),
    ("STATE.SCHEMA BIND channel:*", ARITY),
    ("STATE.SCHEMA BIND channel:* vimbiso.lost", "NOSCHEMA"),
    ("STATE.SCHEMA BIND NONE vimbiso.offer", SYNTAX),
    ("STATE.SCHEMA BIND LONG vimbiso.offer", "TOOBIG"),
    ("STATE.SCHEMA BIND channel:* vimbiso.offer FORCE", ARITY),
    ("STATE.SCHEMA UNBIND", ARITY),
    ("STATE.RESET KEY", SYNTAX),
    ("STATE.RESET KEY soon", SYNTAX),
    ("STATE.RESET KEY * {}", SYNTAX),
    ("STATE.RESET KEY * LABEL menu", SYNTAX),
    ("STATE.RESET KEY * DRYRUN", SYNTAX),
    ("STATE.RESET KEY * EX 0", EXPIRE),
    ("STATE.RESET {}x *", "BADKEY"),
    ("STATE.RESET menu:tier1 *", "WRONGTYPE"),
    ("STATE.RECOVER", ARITY),
    ("STATE.RECOVER KEY RUNG snapshot", SYNTAX),
    ("STATE.RECOVER KEY RETURN", SYNTAX),
    ("STATE.RECOVER KEY SCHEMA NONE", SYNTAX),
    ("STATE.RECOVER KEY PX 0", EXPIRE),
    ("STATE.RECOVER a}b", "BADKEY"),
    ("STATE.RECOVER channel:taken", "WRONGTYPE audit stream {channel:taken}:audit"),
    ("STATE.RECOVER menu:tier1", "WRONGTYPE"),
    ("STATE.ATTEMPT KEY login", ARITY),
    ("STATE.ATTEMPT KEY login MAYBE", SYNTAX),
    ("STATE.ATTEMPT KEY LONG SUCCESS", "TOOBIG"),
    ("STATE.ATTEMPT KEY audit FAILURE", SYNTAX),
    ("STATE.ATTEMPT KEY login FAILURE NOTE neither", SYNTAX),
    ("STATE.ATTEMPT KEY login FAILURE COMPONENT LONG", "TOOBIG"),
    ("STATE.ATTEMPT KEY login SUCCESS EX 60", SYNTAX),
    ("STATE.ATTEMPT a}b login SUCCESS", "BADKEY"),
    ("STATE.ATTEMPT channel:taken login SUCCESS", "WRONGTYPE audit stream {channel:taken}:audit"),
    ("STATE.ATTEMPTS KEY login COUNT 0", SYNTAX),
    ("STATE.ATTEMPTS KEY login all", SYNTAX),
    ("STATE.ATTEMPT menu:tier1 login SUCCESS", "WRONGTYPE"),
    ("STATE.ATTEMPTS menu:tier1", "WRONGTYPE"),
    ("STATE.EFFECT KEY NONE NONE", "NOPERM"),
];

pub fn step(row: usize, key: usize) -> Step {
    let (line, begins) = ROWS[row];
    let word = |word: &str| match word {
        "KEY" => KEYS[key].to_owned(),
        "LONG" => "x".repeat(129),
        "NONE" => String::new(),
        word => word.to_owned(),
    };
    let args = line.split(' ').map(|part| Arg::Word(word(part))).collect();
    let error = |begins: &str| Predicted::ErrorBegins(begins.to_owned());
    let marks = vec![format!("invalid: {begins}"), format!("invalid row {row}")];
    let predicted = match begins {
        // Newer servers hide internal commands.
        "NOPERM" => Predicted::OneOf([begins, "ERR unknown command"].map(error).into()),
        begins => error(begins),
    };
    Step { args, predicted, key: Some(key), marks }
}
