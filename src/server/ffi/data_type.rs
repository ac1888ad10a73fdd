//! A native type: the pointer by which the server knows it.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicPtr, Ordering};

use redis_module::raw;

/// A native type whose values are boxes of `T` (R4).
pub struct DataType<T> {
    registered: AtomicPtr<raw::RedisModuleType>,
    values: PhantomData<fn() -> T>,
}

impl<T> DataType<T> {
    /// A type that is not registered yet: no key holds a value of it.
    pub const fn new() -> DataType<T> {
        DataType { registered: AtomicPtr::new(std::ptr::null_mut()), values: PhantomData }
    }

    /// Takes the pointer that the server returned.
    ///
    /// # Safety
    /// The callbacks that were registered make values by `Box::into_raw(Box<T>)` and nothing else.
    pub(in crate::server) unsafe fn set(&self, registered: *mut raw::RedisModuleType) {
        self.registered.store(registered, Ordering::Relaxed);
    }

    /// Null before the module is loaded.
    pub(super) fn registered(&self) -> *mut raw::RedisModuleType {
        self.registered.load(Ordering::Relaxed)
    }
}
