//! The points at which a test ends the process ([`crate::crash`]), in the order of a call of the
//! ledger.

/// The user's message is in the state; the API step is not entered.
pub const BEFORE_ENTER: &str = "before-enter";
/// The API step is entered; no call was made.
pub const AFTER_ENTER: &str = "after-enter";
/// Before the call of the ledger.
pub const BEFORE_CALL: &str = "before-call";
/// The ledger has replied; its reply is not stored.
pub const AFTER_CALL: &str = "after-call";
/// The reply is stored; the API step is not left.
pub const AFTER_STORE: &str = "after-store";
/// The API step is left; no answer was sent.
pub const AFTER_LEAVE: &str = "after-leave";
/// The ledger has failed; the state is still in the API step.
pub const BEFORE_BACK: &str = "before-back";

/// All points.
pub const ALL: [&str; 7] =
    [BEFORE_ENTER, AFTER_ENTER, BEFORE_CALL, AFTER_CALL, AFTER_STORE, AFTER_LEAVE, BEFORE_BACK];
