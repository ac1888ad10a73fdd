//! The keyspace events of a state.

words! {
    /// An event of a key.
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    pub enum StateEvent {
        /// A state was created.
        Create = "state.create",
        /// It was changed.
        Update = "state.update",
        /// It was rolled back to an earlier version.
        Rollback = "state.rollback",
        /// It was reset to its schema's defaults.
        Reset = "state.reset",
        /// It was recovered or rebuilt.
        Recover = "state.recover",
        /// Members reached their deadline.
        Lapse = "state.lapse",
        /// It was deleted by STATE.DELETE.
        Delete = "state.delete",
        /// A command was rejected.
        Reject = "state.reject",
        /// The key has expired. The server sends it with flag `x`.
        Expired = "expired",
        /// The key was evicted. With flag `e`.
        Evicted = "evicted",
        /// The key was deleted by DEL or a similar command. With flag `g`.
        Del = "del",
    }
}

/// An event with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The key.
    pub key: String,
    /// The event.
    pub event: StateEvent,
}
