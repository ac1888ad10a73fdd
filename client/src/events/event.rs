//! The keyspace events of a state.

/// An event of a key.
///
/// For an example see [`Events`](crate::Events).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StateEvent {
    /// `state.create`
    Create,
    /// `state.update`
    Update,
    /// `state.rollback`
    Rollback,
    /// `state.reset`
    Reset,
    /// `state.recover`
    Recover,
    /// `state.lapse`: members reached their deadline.
    Lapse,
    /// `state.delete`: deleted by STATE.DELETE.
    Delete,
    /// `state.reject`: a command was rejected.
    Reject,
    /// `expired`: the key has expired. The server sends it with flag `x`.
    Expired,
    /// `evicted`: the key was evicted. With flag `e`.
    Evicted,
    /// `del`: deleted by DEL or a similar command. With flag `g`.
    Del,
    /// Any other event, with the server's name.
    Other(String),
}

impl StateEvent {
    const ALL: [StateEvent; 11] = [
        StateEvent::Create,
        StateEvent::Update,
        StateEvent::Rollback,
        StateEvent::Reset,
        StateEvent::Recover,
        StateEvent::Lapse,
        StateEvent::Delete,
        StateEvent::Reject,
        StateEvent::Expired,
        StateEvent::Evicted,
        StateEvent::Del,
    ];

    /// The server's name of the event.
    pub fn as_str(&self) -> &str {
        match self {
            StateEvent::Create => "state.create",
            StateEvent::Update => "state.update",
            StateEvent::Rollback => "state.rollback",
            StateEvent::Reset => "state.reset",
            StateEvent::Recover => "state.recover",
            StateEvent::Lapse => "state.lapse",
            StateEvent::Delete => "state.delete",
            StateEvent::Reject => "state.reject",
            StateEvent::Expired => "expired",
            StateEvent::Evicted => "evicted",
            StateEvent::Del => "del",
            StateEvent::Other(name) => name,
        }
    }

    pub(super) fn of(name: &str) -> StateEvent {
        let known = StateEvent::ALL.into_iter().find(|event| event.as_str() == name);
        known.unwrap_or_else(|| StateEvent::Other(name.to_owned()))
    }
}

/// An event with its key.
///
/// For an example see [`Events`](crate::Events).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The key.
    pub key: String,
    /// The event.
    pub event: StateEvent,
}
