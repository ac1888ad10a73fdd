//! The points at which a test ends the process ([`crate::crash`]), in the order in which a call of
//! the ledger passes them.

/// The user's message is in the state; the API step is not entered.
pub const BEFORE_ENTER: &str = "before-enter";
/// The API step is entered; no call was made.
pub const AFTER_ENTER: &str = "after-enter";
/// Right before the ledger is called.
pub const BEFORE_CALL: &str = "before-call";
/// The ledger has answered; its answer is not stored.
pub const AFTER_CALL: &str = "after-call";
/// The answer is stored; the API step is not left.
pub const AFTER_STORE: &str = "after-store";
/// The API step is left; the user was not told.
pub const AFTER_LEAVE: &str = "after-leave";
/// The ledger has failed; the state still stands in the API step.
pub const BEFORE_BACK: &str = "before-back";

/// All of them.
pub const ALL: [&str; 7] =
    [BEFORE_ENTER, AFTER_ENTER, BEFORE_CALL, AFTER_CALL, AFTER_STORE, AFTER_LEAVE, BEFORE_BACK];
