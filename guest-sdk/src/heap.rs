//! The memory of a guest, on wasm: an arena that is part of the instance from its start, and the toolchain's allocator behind it.
//!
//! An instance lives for one call, and most calls allocate less than the arena holds: there, an allocation moves a mark, and only
//! what was allocated last is taken back. Beyond it the memory grows, which the host pays for with system calls.

#![allow(unsafe_code, reason = "an allocator hands out memory")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};

/// Bytes. An event of 1 KiB takes a formatter about 60 KiB.
const ARENA: usize = 256 * 1024;

#[global_allocator]
static HEAP: Heap = Heap { arena: UnsafeCell::new([0; ARENA]), used: Cell::new(0) };

struct Heap {
    arena: UnsafeCell<[u8; ARENA]>,
    used: Cell<usize>,
}

// SAFETY: guests are built without threads.
unsafe impl Sync for Heap {}

impl Heap {
    fn start(&self) -> *mut u8 {
        self.arena.get().cast()
    }

    /// Where in the arena a block begins. `None`: it isn't the arena's.
    fn place(&self, block: *mut u8) -> Option<usize> {
        let place = block.addr().wrapping_sub(self.start().addr());
        (place < ARENA).then_some(place)
    }

    /// A block at the mark, if there is room.
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let mark = self.start().addr() + self.used.get();
        let place = mark.next_multiple_of(layout.align()) - self.start().addr();
        let end = place.checked_add(layout.size()).filter(|&end| end <= ARENA)?;
        self.used.set(end);
        Some(self.start().wrapping_add(place))
    }
}

// SAFETY: blocks of the arena don't overlap, since `used` only goes back to the beginning of the last one when that is given back.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of the allocator behind.
        self.take(layout).unwrap_or_else(|| unsafe { System.alloc(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match self.place(block) {
            Some(place) if place + layout.size() == self.used.get() => self.used.set(place),
            Some(_) => {}
            // SAFETY: what isn't the arena's is that allocator's.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(place) = self.place(block) else {
            // SAFETY: as above.
            return unsafe { System.realloc(block, layout, size) };
        };
        let last = place + layout.size() == self.used.get();
        if last && size <= ARENA - place {
            self.used.set(place + size);
            return block;
        }
        if size <= layout.size() {
            return block;
        }
        // SAFETY: the caller promises that the new size doesn't overflow; the new block is longer and another one.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                block.copy_to_nonoverlapping(moved, layout.size());
            }
            moved
        }
    }
}
