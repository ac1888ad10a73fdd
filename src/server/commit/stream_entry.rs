//! An entry of a stream as the server wants it: names and values, each a string of its own.
//!
//! The strings are made once, for the stream and for replicas. Names are never freed; values that the next entry is likely to
//! have too are the same string. The entry's texts as they are were rejected: the server takes nothing but its own strings.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

use redis_module::raw::RedisModuleString;
use redis_state_core::audit::Entry;

use crate::server::ffi::string::OwnedString;

/// Names and values of an entry as strings of the server: made once, for the stream and for whoever gets a copy.
pub struct Words {
    /// Name, value, name, value. The values are those below, which live as long; nobody gets at them for longer.
    all: Vec<*mut RedisModuleString>,
    values: Vec<OwnedString>,
}

impl Words {
    pub fn of(entry: &Entry) -> Words {
        let fields = entry.fields().len();
        let mut words = Words { all: Vec::with_capacity(fields * 2), values: Vec::with_capacity(fields) };
        entry.fields().for_each(|(name, value)| words.push(name, value.as_bytes()));
        words
    }

    pub fn push(&mut self, name: &'static str, value: &[u8]) {
        let field = Field::of(name);
        let value = if field.recurs { OwnedString::recurring(value) } else { OwnedString::new(value) };
        self.all.extend([field.name, value.as_ptr()]);
        self.values.push(value);
    }

    /// Name, value, name, value, as the API functions take them.
    pub fn as_ptrs(&self) -> &[*mut RedisModuleString] {
        &self.all
    }
}

/// A field of entries. There are a few of them, in every entry again, so the string of each is made once and never freed. Nor is
/// the list of them: when the server ends, whoever looks for lost blocks then finds them in it.
#[derive(Clone, Copy)]
struct Field {
    key: &'static str,
    name: *mut RedisModuleString,
    /// Whether one entry often says the same there as the next.
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
            // A name that stands at two places of the program is two fields, which is no harm.
            if let Some(known) = fields.iter().find(|known| std::ptr::eq(known.key, key)) {
                return *known;
            }
            let field = Field::new(key);
            fields.push(field);
            field
        })
    }

    fn new(key: &'static str) -> Field {
        let never_freed = ManuallyDrop::new(OwnedString::new(key.as_bytes()));
        let recurs = matches!(key, "event" | "at" | "user" | "actor" | "schema" | "operation" | "component");
        Field { key, name: never_freed.as_ptr(), recurs }
    }
}
