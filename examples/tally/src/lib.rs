//! A native library with what bindings get wrong: handles, an error that belongs to a thread, a callback.
//!
//! A tally counts up to a limit. Functions are in `include/tally.h`, which says what each promises.

use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

const OK: c_int = 0;
const UNKNOWN: c_int = 1;
const FULL: c_int = 2;

type Each = unsafe extern "C" fn(count: u64, user_data: *mut c_void);

struct Tallies {
    last: u64,
    live: HashMap<u64, (u64, u64)>,
}

static TALLIES: LazyLock<Mutex<Tallies>> = LazyLock::new(|| {
    Mutex::new(Tallies {
        last: 0,
        live: HashMap::new(),
    })
});

thread_local! {
    static MESSAGE: Cell<&'static std::ffi::CStr> = const { Cell::new(c"") };
}

fn tallies() -> MutexGuard<'static, Tallies> {
    TALLIES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refuse(status: c_int, message: &'static std::ffi::CStr) -> c_int {
    MESSAGE.set(message);
    status
}

#[unsafe(no_mangle)]
pub extern "C" fn tally_new(limit: u64) -> u64 {
    let mut tallies = tallies();
    tallies.last += 1;
    let id = tallies.last;
    tallies.live.insert(id, (0, limit));
    id
}

/// # Safety
/// `each` is a function, or null; it may be called with `user_data` until this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_add(
    id: u64,
    n: u64,
    each: Option<Each>,
    user_data: *mut c_void,
) -> c_int {
    let counts = match tallies().live.get_mut(&id) {
        None => return refuse(UNKNOWN, c"no such tally"),
        Some((count, limit)) if n > *limit - *count => return refuse(FULL, c"the tally is full"),
        Some((count, _)) => {
            *count += n;
            *count - n + 1..=*count
        }
    };
    for count in counts {
        if let Some(each) = each {
            // SAFETY: the caller's promise. No lock is held: it may call us.
            unsafe { each(count, user_data) };
        }
    }
    OK
}

/// # Safety
/// `count` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tally_read(id: u64, count: *mut u64) -> c_int {
    let Some(&(now, _)) = tallies().live.get(&id) else {
        return refuse(UNKNOWN, c"no such tally");
    };
    // SAFETY: the caller's promise.
    unsafe { count.write(now) };
    OK
}

#[unsafe(no_mangle)]
pub extern "C" fn tally_free(id: u64) -> c_int {
    match tallies().live.remove(&id) {
        None => refuse(UNKNOWN, c"no such tally"),
        Some(_) => OK,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn tally_message() -> *const c_char {
    MESSAGE.get().as_ptr()
}
