//! Busy threads that want the processors, too.

use std::hint::spin_loop;
use std::num::NonZero;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Runs something while this many threads for each processor are busy: all have begun before it does, and end with
/// it.
pub(crate) fn under_load<T>(each: usize, run: impl FnOnce() -> T) -> T {
    let threads = each * thread::available_parallelism().map_or(1, NonZero::get);
    let begun = Barrier::new(threads + 1);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                begun.wait();
                while !over.load(Ordering::Relaxed) {
                    spin_loop();
                }
            });
        }
        begun.wait();
        // Also when it panics: the scope waits for the threads.
        let _ends = Ends(&over);
        run()
    })
}

/// Says that it is over when it is dropped.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_ends_with_what_it_is_for() {
        assert_eq!(under_load(2, || 1), 1);
        let panics = std::panic::catch_unwind(|| under_load(2, || panic!("on purpose")));
        assert!(panics.is_err());
    }
}
