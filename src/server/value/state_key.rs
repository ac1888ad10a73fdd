//! A key, as the commands see it: it may hold a state, a stream, something else, or nothing.

use crate::server::ffi::key::{Holds, Key};
use crate::server::value::held::{Held, STATES};

/// What is under a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nothing,
    State,
    Stream,
    Other,
}

impl Key<'_> {
    pub fn kind(&self) -> Kind {
        match self.holds() {
            Holds::Nothing => Kind::Nothing,
            Holds::Stream => Kind::Stream,
            Holds::OfModule if self.is_of(&STATES) => Kind::State,
            Holds::OfModule | Holds::Other => Kind::Other,
        }
    }

    /// The state under this key.
    pub fn held(&self) -> Option<&Held> {
        self.value(&STATES)
    }

    /// The state under this key, to be changed in place, which keeps its expiry.
    pub fn held_mut(&mut self) -> Option<&mut Held> {
        self.value_mut(&STATES)
    }

    /// Puts a state in place of whatever the key holds; the key loses its expiry.
    pub fn put(&mut self, held: Held) {
        self.set_value(&STATES, held);
    }
}
