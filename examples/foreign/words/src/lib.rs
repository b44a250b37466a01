//! An index of the words of a text. Functions are in `words.h`, which says what each promises.

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::thread;
use std::time::Duration;

struct Entry {
    length: usize,
    word: String,
}

/// The words of a text, in their order.
pub struct Words {
    entries: Box<[Entry]>,
}

impl Words {
    fn of(text: &str) -> Words {
        let entry = |word: &str| Entry {
            length: word.chars().count(),
            word: word.to_owned(),
        };
        Words {
            entries: text.split_whitespace().map(entry).collect(),
        }
    }

    fn length(&self, place: usize) -> usize {
        if place > self.entries.len() {
            return 0;
        }
        // SAFETY: The place was checked.
        unsafe { self.entries.get_unchecked(place) }.length
    }

    fn longest(&self) -> usize {
        thread::sleep(Duration::from_millis(1));
        let lengths = self.entries.iter().map(|it| it.length);
        lengths.max().unwrap_or_default()
    }
}

/// # Safety
/// `text` is a string of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn words_new(text: *const c_char) -> *mut Words {
    // SAFETY: The caller's promise.
    match unsafe { CStr::from_ptr(text) }.to_str() {
        Ok(text) => Box::into_raw(Box::new(Words::of(text))),
        Err(_) => ptr::null_mut(),
    }
}

/// # Safety
/// `words` came from `words_new`, and nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn words_free(words: *mut Words) {
    // SAFETY: The caller's promise.
    drop(unsafe { Box::from_raw(words) });
}

/// # Safety
/// `words` came from `words_new` and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn words_count(words: *const Words) -> usize {
    // SAFETY: The caller's promise.
    unsafe { &*words }.entries.len()
}

/// # Safety
/// `words` came from `words_new` and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn words_length(words: *const Words, place: usize) -> usize {
    // SAFETY: The caller's promise.
    unsafe { &*words }.length(place)
}

/// # Safety
/// `words` came from `words_new` and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn words_copy(words: *const Words, place: usize) -> *mut c_char {
    // SAFETY: The caller's promise.
    let Some(entry) = unsafe { &*words }.entries.get(place) else {
        return ptr::null_mut();
    };
    CString::new(entry.word.as_str()).map_or(ptr::null_mut(), CString::into_raw)
}

/// # Safety
/// `copy` came from `words_copy`, or is null; nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn words_copy_free(copy: *mut c_char) {
    if !copy.is_null() {
        // SAFETY: The caller's promise.
        drop(unsafe { CString::from_raw(copy) });
    }
}

/// # Safety
/// `words` came from `words_new` and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn words_longest(words: *const Words) -> usize {
    // SAFETY: The caller's promise.
    unsafe { &*words }.longest()
}
