//! A key that has its name with it.

use super::key::Key;
use super::string::{OwnedString, RedisStr};

/// A name, and the key under it once that is open. Fields go in this order: a key is closed before
/// its name is freed.
pub struct NamedKey {
    key: Option<Key<'static>>,
    name: OwnedString,
}

impl NamedKey {
    pub fn new(name: &[u8]) -> NamedKey {
        NamedKey { key: None, name: OwnedString::of(name) }
    }

    pub fn name(&self) -> RedisStr<'_> {
        self.name.borrow()
    }

    /// The key, opened by `open` when it is not open yet; callers keep its name no longer than
    /// this.
    pub fn open(&mut self, open: impl FnOnce(RedisStr<'static>) -> Key<'static>) -> &mut Key<'static> {
        let name = &self.name;
        self.key.get_or_insert_with(|| open(RedisStr::new(name.as_ptr())))
    }

    /// The key, when it is open.
    pub fn opened(&self) -> Option<&Key<'static>> {
        self.key.as_ref()
    }
}
