//! The schemas of this server, and how many states use each.
//!
//! Commands run on the main thread, so they never wait for the lock. A static needs one, and INFO
//! may be requested from anywhere.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redis_state_core::{Binding, Error as CoreError, Registry, SCHEMAS_MAX, Schema, Shown};

use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::OwnedString;

static REGISTRY: RwLock<Registry> = RwLock::new(Registry::new());
/// Incremented by each change, so that results derived from the schemas can be cached.
static GENERATION: AtomicU64 = AtomicU64::new(1);

/// The schemas of a dataset that is being loaded while the server serves another one.
static STAGED: Mutex<Option<Registry>> = Mutex::new(None);

/// The names of schemas that states use. Each state holds a clone of its name, so the reference
/// count is the number of users; it goes down wherever a state is freed, the lazy-free thread
/// included, without a lock.
static NAMES: Mutex<BTreeSet<Arc<str>>> = Mutex::new(BTreeSet::new());

/// The present schemas. Each change under the lock is complete, so a poisoned lock is usable.
pub fn read() -> RwLockReadGuard<'static, Registry> {
    REGISTRY.read().unwrap_or_else(PoisonError::into_inner)
}

/// The generation of the schemas: never 0, and a new number after each change.
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

fn write() -> RwLockWriteGuard<'static, Registry> {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    REGISTRY.write().unwrap_or_else(PoisonError::into_inner)
}

/// Sets a schema and the bindings that it asks for, here and on replicas. Returns whether it
/// changed.
pub fn put(ctx: Ctx, schema: Arc<Schema>) -> bool {
    let known = read().get(&schema.reference().name).is_ok_and(|present| Arc::ptr_eq(present, &schema));
    if !known {
        replicate(ctx, &Registry::encode_set(&schema));
        write().put(Arc::clone(&schema));
        notice_demanded_lapses(ctx, &schema);
    }
    let missing = read().missing_bindings(&schema);
    bind(ctx, missing);
    !known
}

/// Logs the members whose lapse resets a document. Not in the reply of STATE.SCHEMA SET: clients
/// read an integer.
fn notice_demanded_lapses(ctx: Ctx, schema: &Schema) {
    const SHOWN_MAX: usize = 8;
    let demanded = schema.demanded_lapses();
    if demanded.is_empty() {
        return;
    }
    let shown: Vec<String> =
        demanded.iter().take(SHOWN_MAX).map(|pointer| Shown(pointer).to_string()).collect();
    let more = match demanded.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (name, shown) = (&schema.reference().name, shown.join(", "));
    let notice = format!(
        "redis-state: schema {name}: some documents require {shown}{more}, with x-ttl and without a default: a lapse there resets the document"
    );
    ctx.log(c"notice", &notice);
}

/// Binds patterns, here and on replicas.
pub fn bind(ctx: Ctx, bindings: Vec<Binding>) {
    bindings.iter().for_each(|binding| replicate(ctx, &Registry::encode_bind(binding)));
    if !bindings.is_empty() {
        write().bind_all(bindings);
    }
}

/// Removes a binding, here and on replicas. Returns whether it existed.
pub fn unbind(ctx: Ctx, pattern: &str) -> bool {
    let existed = write().unbind(pattern);
    if existed {
        replicate(ctx, &Registry::encode_unbind(pattern));
    }
    existed
}

/// Removes a schema, here and on replicas.
pub fn remove(ctx: Ctx, name: &str) {
    if write().remove(name) {
        replicate(ctx, &Registry::encode_remove(name));
    }
}

fn replicate(ctx: Ctx, effect: &[u8]) {
    ctx.replicate(c"STATE.SCHEMAEFFECT", &[OwnedString::of(effect).raw()]);
}

/// Applies a change that arrives as bytes, from a file or a primary.
pub fn apply(bytes: &[u8]) -> Result<(), CoreError> {
    write().apply(bytes)
}

/// Applies schemas of a file that is being loaded.
pub fn load(bytes: &[u8]) -> Result<(), CoreError> {
    match &mut *staged() {
        Some(staged) => staged.apply(bytes),
        None => apply(bytes),
    }
}

/// Removes all schemas before another dataset is loaded, unless the server serves the present one
/// meanwhile.
pub fn clear() {
    if staged().is_none() {
        write().clear();
    }
}

fn staged() -> MutexGuard<'static, Option<Registry>> {
    STAGED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on, loaded schemas belong to another dataset than the one that the server serves.
pub fn begin_staging() {
    *staged() = Some(Registry::new());
}

/// The loaded dataset replaces the other one, or is discarded.
pub fn end_staging(is_complete: bool) {
    let staged = staged().take();
    if let Some(staged) = staged.filter(|_| is_complete) {
        *write() = staged;
    }
}

/// Counts one more user of a schema, until the returned name is dropped.
pub fn user_of(name: &str) -> Arc<str> {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return Arc::clone(known);
    }
    // Names without users stay for the next one, up to a limit: a RESTORE may bring any name.
    if names.len() > 2 * SCHEMAS_MAX {
        names.retain(|name| Arc::strong_count(name) > 1);
    }
    let name: Arc<str> = name.into();
    names.insert(Arc::clone(&name));
    name
}

/// The number of states that use a schema, in all databases.
pub fn users(name: &str) -> usize {
    let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    // One reference is the set's own.
    names.get(name).map_or(0, |name| Arc::strong_count(name) - 1)
}
