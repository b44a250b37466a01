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
