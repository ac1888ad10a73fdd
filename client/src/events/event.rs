//! The events that a server tells of a state.

/// What happened to a key.
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
    /// `state.lapse`: members lapsed, because their time was up.
    Lapse,
    /// `state.delete`: deleted by STATE.DELETE.
    Delete,
    /// `state.reject`: a command was rejected.
    Reject,
    /// `expired`: the key's time was up. The server tells of it with `x` among its flags.
    Expired,
    /// `evicted`: memory was needed. With `e`.
    Evicted,
    /// `del`: deleted by DEL and its like. With `g`.
    Del,
    /// Any other event, as the server names it.
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

    /// As the server names it.
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

/// Something happened to a key.
///
/// For an example see [`Events`](crate::Events).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// To which one.
    pub key: String,
    /// What.
    pub event: StateEvent,
}
