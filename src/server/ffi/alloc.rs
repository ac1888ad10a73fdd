//! The allocator of the module: the server's own, with a cache of freed small blocks.
//!
//! The module's memory counts as the server's, in `used_memory` and towards `maxmemory`. That
//! accounting is slow: on each allocation and each free, the server asks its allocator for the true
//! size of the block. A command allocates some fifty small blocks and frees most of them before its
//! reply. So freed blocks go to a list of their size class, from which the next command takes them;
//! the server counts them as used, some tens of KB in all. Not an arena for each command: a value
//! that stays in a state would have to be copied out of it.
//!
//! Without the lists an update takes 10 % more instructions and a rollback 13 %, by `make
//! bench-counts`.
//!
//! The lists belong to the main thread: a block that the lazy-free thread frees goes back to the
//! server. Not lists for each thread: finding a thread's own list took as long as an allocation.
//!
//! memcheck does not see a block in a list as freed, and a block may be longer than requested, so
//! it would miss most errors. A build for the tests can disable the lists (faults.rs).

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

use redis_module::alloc::RedisAlloc;

use super::size_classes::{block_bytes, block_class};

/// Larger blocks go straight to the server's allocator.
const KEPT_BLOCK_BYTES_MAX: usize = 4096;
/// Number of size classes.
const CLASSES: usize = block_class(KEPT_BLOCK_BYTES_MAX) + 1;
/// Maximum bytes of freed blocks kept for each class.
const KEPT_BYTES_MAX: usize = 8192;
/// Classes are multiples of this, and blocks aligned to it.
const GRAIN: usize = 16;

/// The class of every size, by grains: working it out takes as long as taking a block.
const CLASS_OF: [u8; KEPT_BLOCK_BYTES_MAX / GRAIN + 1] = {
    let mut class_of = [0; KEPT_BLOCK_BYTES_MAX / GRAIN + 1];
    let mut grains = 0;
    while grains < class_of.len() {
        class_of[grains] = block_class(grains * GRAIN) as u8;
        grains += 1;
    }
    class_of
};

/// The bytes of a block of every class.
const BYTES_OF: [usize; CLASSES] = {
    let mut bytes_of = [0; CLASSES];
    let mut bytes = GRAIN;
    while bytes <= KEPT_BLOCK_BYTES_MAX {
        bytes_of[block_class(bytes)] = block_bytes(bytes);
        bytes += GRAIN;
    }
    bytes_of
};

const NOTHING_KEPT: [Kept; CLASSES] = {
    let mut kept = [Kept { first: ptr::null_mut(), room: 0 }; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        kept[class].room = KEPT_BYTES_MAX / BYTES_OF[class];
        class += 1;
    }
    kept
};

/// See the module's text.
pub struct Allocator;

/// A class of blocks.
struct Class {
    number: usize,
    /// The layout of each of its blocks, which may be longer than requested.
    layout: Layout,
}

impl Class {
    /// The class of a block; `None` for one that is not kept. It follows from the layout alone, so
    /// freeing and taking agree on it.
    fn of(layout: Layout) -> Option<Class> {
        #[cfg(feature = "faults")]
        if crate::server::ffi::faults::keeps_no_blocks() {
            return None;
        }
        if layout.align() > GRAIN {
            return None;
        }
        let number = usize::from(*CLASS_OF.get(layout.size().div_ceil(GRAIN))?);
        let layout = Layout::from_size_align(*BYTES_OF.get(number)?, GRAIN).ok()?;
        Some(Class { number, layout })
    }
}

/// The freed blocks of one class; the first bytes of each say where the next one is.
#[derive(Clone, Copy)]
struct Kept {
    first: *mut u8,
    /// How many more blocks it may hold.
    room: usize,
}

impl Kept {
    fn take(&mut self) -> Option<NonNull<u8>> {
        let block = NonNull::new(self.first)?;
        // SAFETY: a block in a list holds, at its beginning and aligned, where the next one is:
        // `put` wrote it there.
        self.first = unsafe { block.cast::<*mut u8>().read() };
        self.room += 1;
        Some(block)
    }

    /// Whether there is room for a block, which its owner gives up.
    fn put(&mut self, block: *mut u8) -> bool {
        if self.room == 0 {
            return false;
        }
        // SAFETY: a block of any class has room for a pointer and is aligned for one.
        unsafe { block.cast::<*mut u8>().write(self.first) };
        self.first = block;
        self.room -= 1;
        true
    }
}

/// The lists of the main thread.
struct Lists(UnsafeCell<[Kept; CLASSES]>);

// SAFETY: Sync wants no two threads at it at the same time: `with_kept` lets in the main thread
// alone.
unsafe impl Sync for Lists {}

static LISTS: Lists = Lists(UnsafeCell::new(NOTHING_KEPT));

/// The main thread's identity; 0, which is no thread, before the module is loaded.
static MAIN_THREAD: AtomicUsize = AtomicUsize::new(0);

/// Identifies the current thread. Every allocation needs it, and a call of pthread_self would take
/// as long as the rest of the allocation. So its value is read directly.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn this_thread() -> usize {
    let address;
    // SAFETY: by the ABI (ELF Handling For Thread-Local Storage, x86-64) a thread's own address
    // stands there as long as it runs.
    unsafe {
        std::arch::asm!("mov {}, fs:0", out(reg) address, options(pure, readonly, nostack, preserves_flags));
    }
    address
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn this_thread() -> usize {
    unsafe extern "C" {
        /// POSIX: an integer or a pointer, by the system.
        safe fn pthread_self() -> usize;
    }
    pthread_self()
}

/// Begins to keep what this thread frees: the main one, which loads the module and lives as long as
/// the server.
pub fn keep_blocks() {
    MAIN_THREAD.store(this_thread(), Ordering::Relaxed);
}

/// Does something with the list of a class; `None` on another thread than the main one.
fn with_kept<T>(class: &Class, act: impl FnOnce(&mut Kept) -> T) -> Option<T> {
    if this_thread() != MAIN_THREAD.load(Ordering::Relaxed) {
        return None;
    }
    // SAFETY: UnsafeCell wants no second reference at the same time. This is the main thread, and
    // `act`, of this file, neither allocates nor comes back here.
    let lists = unsafe { &mut *LISTS.0.get() };
    lists.get_mut(class.number).map(act)
}

// SAFETY: GlobalAlloc wants blocks that fit their layout and have one owner: a block is the
// server's, of its class's whole size, and it is either in use or in one list. Nothing here panics.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let class = Class::of(layout);
        let kept = class.as_ref().and_then(|class| with_kept(class, Kept::take));
        match kept.flatten() {
            Some(block) => block.as_ptr(),
            // SAFETY: a class's size is not zero, nor is the caller's, whose layout is taken where
            // there is no class.
            None => unsafe { RedisAlloc.alloc(class.map_or(layout, |class| class.layout)) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let class = Class::of(layout);
        let is_kept = class.as_ref().and_then(|class| with_kept(class, |kept| kept.put(block)));
        if is_kept != Some(true) {
            // SAFETY: `alloc` took the block from there with this layout.
            unsafe { RedisAlloc.dealloc(block, class.map_or(layout, |class| class.layout)) };
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else { return ptr::null_mut() };
        let (old, new) = (Class::of(layout), Class::of(wanted));
        if old.is_some_and(|old| new.is_some_and(|new| old.number == new.number)) {
            return block;
        }
        // SAFETY: both layouts are the caller's; what is copied is in both blocks, which are
        // different ones.
        unsafe {
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}
