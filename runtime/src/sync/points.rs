//! Points: places where a harness may delay a thread.
//!
//! Two calls of microseconds that start together on real threads rarely meet at a critical place. Every lock
//! is a point: a harness that delays one thread there and lets another run makes them meet. Only threads that
//! installed a hook are delayed, and only in builds with the feature `test-hooks`.

use std::cell::RefCell;
use std::rc::Rc;

thread_local! {
    static HOOK: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// Calls `hook` at each point that the calling thread reaches inside `run`. The hook must not call this crate.
pub fn at_points<R>(hook: impl Fn() + 'static, run: impl FnOnce() -> R) -> R {
    struct Unhook;
    impl Drop for Unhook {
        fn drop(&mut self) {
            HOOK.set(None);
        }
    }
    HOOK.set(Some(Rc::new(hook)));
    let _unhook = Unhook;
    run()
}

/// A place where the calling thread may be delayed.
pub(super) fn point() {
    // While a thread ends there is no hook.
    let hook = HOOK.try_with(|hook| hook.borrow().clone());
    if let Ok(Some(hook)) = hook {
        hook();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::super::Mutex;
    use super::at_points;

    #[test]
    fn a_lock_is_a_point_while_the_hook_is_there() {
        let count = Rc::new(Cell::new(0));
        let hook = {
            let count = Rc::clone(&count);
            move || count.set(count.get() + 1)
        };
        let mutex = Mutex::new(());
        drop(mutex.lock());
        at_points(hook, || drop(mutex.lock()));
        assert!(count.get() > 0, "no lock was a point");
        let before = count.get();
        drop(mutex.lock());
        assert_eq!(count.get(), before, "the hook stayed");
    }
}
