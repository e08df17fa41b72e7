//! How much memory something takes at its peak. A test binary that measures it has one test only: what another one allocates
//! meanwhile counts as well.
#![allow(unsafe_code, reason = "an allocator that counts what is allocated")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator, counted; the `#[global_allocator]` of a test that uses [`peak_of`].
pub struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static TAKEN: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(held, Relaxed);
        TAKEN.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is the system's, too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the pointer is from `alloc` above, so from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What is done, and the most bytes that were allocated meanwhile beyond those before. It panics where [`Counting`] is not the
/// allocator of the program, which would show as no bytes at all.
pub fn peak_of<T>(act: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.load(Relaxed);
    assert_ne!(before, 0, "`Counting` is the global allocator of the test");
    PEAK.store(before, Relaxed);
    let done = act();
    (done, PEAK.load(Relaxed).saturating_sub(before))
}

/// What is done, and how many bytes were allocated for it, those that were given back meanwhile included: what was copied from
/// one buffer to another counts each time. It panics as [`peak_of`] does.
pub fn taken_by<T>(act: impl FnOnce() -> T) -> (T, usize) {
    assert_ne!(HELD.load(Relaxed), 0, "`Counting` is the global allocator of the test");
    let before = TAKEN.load(Relaxed);
    let done = act();
    (done, TAKEN.load(Relaxed).saturating_sub(before))
}
