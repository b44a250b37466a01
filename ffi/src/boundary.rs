//! The wrapper around every export: it contains panics and keeps the thread's last error.

use std::cell::RefCell;
use std::sync::LazyLock;

use courier_core::{Courier, Error, Word};

use crate::types::{COURIER_OK, courier_status};

#[cfg(panic = "abort")]
compile_error!("courier contains panics at its boundary: build it with panic = \"unwind\"");

/// The process's instance of the library.
pub(crate) static COURIER: LazyLock<Courier> = LazyLock::new(Courier::new);

thread_local! {
    /// The diagnostic of the thread's last status-returning call; empty if that succeeded.
    static LAST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a status-returning call: clears the last error, contains panics, and records why the call
/// was refused.
pub(crate) fn status(call: impl FnOnce() -> Result<(), Error>) -> courier_status {
    set_last_error(String::new());
    match contain(call) {
        Ok(()) => {
            // A provider that was called meanwhile may have left the text of a refusal of its own.
            set_last_error(String::new());
            COURIER_OK
        }
        Err(error) => {
            set_last_error(error.to_string());
            error.status() as courier_status
        }
    }
}

/// Runs a void call, which has no way to refuse: bad ids are silently ignored. The last error stays.
pub(crate) fn silent(call: impl FnOnce() -> Result<(), Error>) {
    // Kept aside: a callback inside the call may make status-returning calls of its own. The text that C
    // may be reading stays where it is in memory.
    let kept = LAST_ERROR.try_with(|last| std::mem::take(&mut *last.borrow_mut()));
    let _ = contain(call);
    if let Ok(kept) = kept {
        set_last_error(kept);
    }
}

/// Address and length of the last error's text.
pub(crate) fn last_error() -> (*const u8, usize) {
    LAST_ERROR
        .try_with(|text| {
            let text = text.borrow();
            (text.as_ptr(), text.len())
        })
        // The thread is ending and its storage is gone.
        .unwrap_or((std::ptr::null(), 0))
}

/// Sets the thread's last error, and gives the one until now.
#[cfg(feature = "test-hooks")]
pub(crate) fn exchange_last_error(text: String) -> String {
    LAST_ERROR.replace(text)
}

fn set_last_error(text: String) {
    // While a thread ends there is nowhere to keep a diagnostic.
    let _ = LAST_ERROR.try_with(|last| *last.borrow_mut() = text);
}

/// Turns a panic into an error that carries its text.
fn contain(call: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    let call = || {
        #[cfg(feature = "test-hooks")]
        crate::planted::panic_if_planted();
        call()
    };
    courier_core::contain(call).unwrap_or_else(|panic| Err(Error::new(Word::Panic, panic)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{COURIER_INVALID_STATE, COURIER_NATIVE_ERROR};

    fn text() -> String {
        let (data, len) = last_error();
        if len == 0 {
            return String::new();
        }
        // SAFETY: the text is this thread's until its next call.
        let bytes = unsafe { std::slice::from_raw_parts(data, len) };
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn sta_05_the_diagnostic_is_set_on_failure_and_cleared_on_entry() {
        let refuse = || Err(Error::new(Word::Completed, "twice"));
        assert_eq!(status(refuse), COURIER_INVALID_STATE);
        assert_eq!(text(), "[completed] twice");
        let address = last_error();
        silent(|| Err(Error::new(Word::Stale, "void calls leave it alone")));
        assert_eq!(text(), "[completed] twice");
        silent(|| {
            // As a callback does that a release leads to.
            assert_eq!(status(|| Ok(())), COURIER_OK);
            Ok(())
        });
        assert_eq!(text(), "[completed] twice");
        assert_eq!(last_error(), address, "C may still be reading it");
        let on_entry = status(|| {
            assert_eq!(text(), "");
            Ok(())
        });
        assert_eq!(on_entry, COURIER_OK);
        assert_eq!(text(), "");
        let nested = status(|| {
            assert_eq!(status(refuse), COURIER_INVALID_STATE);
            Ok(())
        });
        assert_eq!((nested, text().as_str()), (COURIER_OK, ""));
    }

    #[test]
    fn sta_05_each_thread_has_its_own_diagnostic() {
        let refuse = || Err(Error::new(Word::Completed, "twice"));
        assert_eq!(status(refuse), COURIER_INVALID_STATE);
        let other = std::thread::spawn(|| {
            assert_eq!(text(), "", "of a thread that made no call");
            assert_eq!(status(|| Ok(())), COURIER_OK);
        });
        other.join().unwrap();
        assert_eq!(text(), "[completed] twice");
    }

    #[test]
    fn abi_05_a_panic_becomes_a_native_error_with_its_text() {
        assert_eq!(status(|| panic!("number {}", 7)), COURIER_NATIVE_ERROR);
        assert_eq!(text(), "[panic] number 7");
        assert_eq!(status(|| panic!("plain")), COURIER_NATIVE_ERROR);
        assert_eq!(text(), "[panic] plain");
        assert_eq!(status(|| std::panic::panic_any(7)), COURIER_NATIVE_ERROR);
        assert_eq!(text(), "[panic] a panic without text");
        silent(|| panic!("contained as well"));
    }
}
