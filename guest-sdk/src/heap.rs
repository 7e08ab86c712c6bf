//! The memory of a guest, on wasm: an arena that is part of the instance from its start, and the toolchain's allocator behind it.
//!
//! An instance lives for one call, and most calls allocate less than the arena holds: there, an allocation moves a mark, and only
//! what was allocated last is taken back. Beyond it the memory grows, which the host pays for with system calls.

#![allow(unsafe_code, reason = "an allocator hands out memory")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};

/// Bytes: four pages of WebAssembly's memory.
const ARENA: usize = 256 * 1024;

#[cfg(target_family = "wasm")]
#[global_allocator]
static HEAP: Heap = Heap::new();

struct Heap {
    arena: UnsafeCell<[u8; ARENA]>,
    used: Cell<usize>,
}

// SAFETY: guests are built without threads.
#[cfg(target_family = "wasm")]
unsafe impl Sync for Heap {}

impl Heap {
    const fn new() -> Self {
        Self { arena: UnsafeCell::new([0; ARENA]), used: Cell::new(0) }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    /// A block that is filled with its number.
    struct Block(*mut u8, Layout, u8);

    impl Block {
        fn is_whole(&self, size: usize) -> bool {
            // SAFETY: as many bytes were written.
            unsafe { std::slice::from_raw_parts(self.0, size) }.iter().all(|byte| *byte == self.2)
        }
    }

    #[test]
    fn no_block_reaches_into_another_within_the_arena_and_beyond_it() {
        let (heap, mut blocks) = (Heap::new(), Vec::<Block>::new());
        let mut state = 7_u32;
        let mut next = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        for round in 0..20_000_u32 {
            let (place, size) = (next(64) as usize, 1 + next(3_000) as usize);
            let layout = Layout::from_size_align(size, 1 << next(5)).unwrap();
            // SAFETY: layouts aren't empty, and each block is given back with the layout that it has.
            unsafe {
                if let Some(old) = blocks.get_mut(place).filter(|_| round % 3 == 0) {
                    let (moved, kept) = (heap.realloc(old.0, old.1, size), size.min(old.1.size()));
                    *old = Block(moved, Layout::from_size_align(size, old.1.align()).unwrap(), old.2);
                    assert!(old.is_whole(kept), "what it held came along");
                    moved.write_bytes(old.2, size);
                } else if place < blocks.len() {
                    let old = blocks.swap_remove(place);
                    assert!(old.is_whole(old.1.size()));
                    heap.dealloc(old.0, old.1);
                } else {
                    let block = heap.alloc(layout);
                    assert_eq!(block.addr() % layout.align(), 0);
                    block.write_bytes(round as u8, size);
                    blocks.push(Block(block, layout, round as u8));
                }
            }
        }
        assert!(blocks.iter().any(|block| heap.place(block.0).is_none()), "some lie beyond the arena");
        for Block(block, layout, number) in blocks {
            assert!(Block(block, layout, number).is_whole(layout.size()));
            // SAFETY: as above.
            unsafe { heap.dealloc(block, layout) };
        }
    }
}
