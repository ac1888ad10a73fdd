//! An entry of a stream as the server takes it: names and values, each a string of its own.
//!
//! The strings are made once, for the stream and for replicas. Names are never freed; values that
//! the next entry is likely to have too are the same string. Not the entry's texts as they are: the
//! server takes nothing but its own strings.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

use redis_state_core::audit::Entry;

use crate::server::ffi::string::{OwnedString, RawString, StringList};

/// Names and values of an entry as strings of the server: made once, for the stream and for its
/// copies.
pub struct EntryStrings(StringList);

impl EntryStrings {
    pub fn of(entry: &Entry) -> EntryStrings {
        let fields = entry.fields().len();
        let mut strings = EntryStrings(StringList::with_capacity(fields * 2, fields));
        entry.fields().for_each(|(name, value)| strings.push(name, value.as_bytes()));
        strings
    }

    pub fn push(&mut self, name: &'static str, value: &[u8]) {
        let field = Field::of(name);
        self.0.push_leaked(field.name);
        self.0.push(if field.recurs { OwnedString::recurring(value) } else { OwnedString::of(value) });
    }

    /// Name, value, name, value.
    pub fn as_slice(&self) -> &[RawString<'_>] {
        self.0.as_slice()
    }
}

/// A field of entries. Every entry has the same few again, so the string of each is made once and
/// never freed. Nor is the list of them: when the server ends, a leak checker then finds the
/// strings in it.
#[derive(Clone, Copy)]
struct Field {
    key: &'static str,
    name: RawString<'static>,
    /// Whether one entry often has the same value there as the next.
    recurs: bool,
}

impl Field {
    fn of(key: &'static str) -> Field {
        type Fields = RefCell<Vec<Field>>;
        thread_local! {
            static FIELDS: ManuallyDrop<Fields> = const { ManuallyDrop::new(RefCell::new(Vec::new())) };
        }
        FIELDS.with(|fields| {
            let mut fields = fields.borrow_mut();
            // A name that stands at two places of the program is two fields, which does no harm.
            if let Some(known) = fields.iter().find(|known| std::ptr::eq(known.key, key)) {
                return *known;
            }
            let field = Field::new(key);
            fields.push(field);
            field
        })
    }

    fn new(key: &'static str) -> Field {
        let recurs = matches!(key, "event" | "at" | "user" | "actor" | "schema" | "operation" | "component");
        Field { key, name: OwnedString::of(key.as_bytes()).leak(), recurs }
    }
}
