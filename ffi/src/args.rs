//! Reading and writing what C passes. Every raw pointer of the ABI is dereferenced here or in the
//! export that documents it.

use std::ffi::{CStr, c_char, c_void};
use std::mem::size_of;
use std::ptr;

use courier_core::{Error, Id, Word};

use crate::types::{courier_bytes_view, courier_string_view};

/// A struct that begins with `uint32_t size` and may grow at its end.
///
/// # Safety
/// The type is `repr(C)`, its first field is a `u32`, and every bit pattern is a value of it.
pub(crate) unsafe trait Growable: Sized {
    /// The size in the first version that had the struct.
    const MINIMUM: usize;

    /// Values for the fields that the caller's version of the struct does not have.
    fn defaults() -> Self;
}

/// Refuses a null pointer by the parameter's name.
pub(crate) fn not_null<T>(pointer: *const T, name: &str) -> Result<(), Error> {
    if pointer.is_null() {
        return Err(Error::new(Word::NullPointer, format!("{name} is NULL")));
    }
    Ok(())
}

/// Refuses a size below the minimum.
pub(crate) fn check_size(size: u32, minimum: usize, name: &str) -> Result<(), Error> {
    if (size as usize) < minimum {
        return Err(Error::new(
            Word::BadSize,
            format!("{name} is {size}, at least {minimum} is needed"),
        ));
    }
    Ok(())
}

/// Copies the part of a growable struct that this library knows.
///
/// # Safety
/// `pointer` is null, or valid for reading the number of bytes that its first field says, and
/// aligned.
pub(crate) unsafe fn read_growable<T: Growable>(pointer: *const T, name: &str) -> Result<T, Error> {
    not_null(pointer, name)?;
    // SAFETY: not null; the caller promises a readable size field, which comes first.
    let size = unsafe { pointer.cast::<u32>().read() };
    check_size(size, T::MINIMUM, &format!("{name}->size"))?;
    let mut value = T::defaults();
    // SAFETY: the caller promises `size` readable bytes, `value` has its own size; any bytes are a
    // valid T.
    unsafe {
        ptr::copy_nonoverlapping(
            pointer.cast::<u8>(),
            (&raw mut value).cast::<u8>(),
            size_of::<T>().min(size as usize),
        );
    }
    Ok(value)
}

/// Fills the part of a growable struct that the caller's header has, `size` bytes, with the defaults.
///
/// # Safety
/// `pointer` is null or valid for writing `size` bytes.
pub(crate) unsafe fn init_growable<T: Growable>(
    pointer: *mut T,
    size: u32,
    name: &str,
) -> Result<(), Error> {
    not_null(pointer, name)?;
    check_size(size, T::MINIMUM, "size")?;
    let mut defaults = T::defaults();
    // SAFETY: a Growable begins with its size.
    unsafe { (&raw mut defaults).cast::<u32>().write(size) };
    // SAFETY: not null, and the caller promises `size` writable bytes.
    unsafe {
        ptr::copy_nonoverlapping(
            (&raw const defaults).cast::<u8>(),
            pointer.cast::<u8>(),
            size_of::<T>().min(size as usize),
        );
    }
    Ok(())
}

/// A host's pointer that is passed back to its callbacks, and never followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserData(*mut c_void);

// SAFETY: the ABI asks hosts for callbacks and user_data that are good on any thread.
unsafe impl Send for UserData {}
// SAFETY: as above, and from several threads at once.
unsafe impl Sync for UserData {}

impl UserData {
    pub(crate) fn new(user_data: *mut c_void) -> UserData {
        UserData(user_data)
    }

    pub(crate) fn get(self) -> *mut c_void {
        self.0
    }
}

/// The callback of a host's struct, which must be there.
pub(crate) fn callback<F>(function: Option<F>, name: &str) -> Result<F, Error> {
    function.ok_or_else(|| Error::new(Word::NullPointer, format!("{name} is NULL")))
}

/// Reads a 32-bit truth value: 0 or 1, and nothing else.
pub(crate) fn truth(value: u32, name: &str) -> Result<bool, Error> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Error::new(
            Word::BadValue,
            format!("{name} is {other}, neither 0 nor 1"),
        )),
    }
}

/// Checks that there is a place for a new handle, and that it holds none yet.
///
/// # Safety
/// `out` is null or valid for reading and aligned.
pub(crate) unsafe fn check_out_handle(out: *const u64, name: &str) -> Result<(), Error> {
    not_null(out, name)?;
    // SAFETY: not null, and the caller promises the rest.
    let old = unsafe { out.read() };
    if old != 0 {
        return Err(Error::new(
            Word::OutNotNull,
            format!("*{name} holds {old:#x} and must hold 0"),
        ));
    }
    Ok(())
}

/// Creates an object and writes its handle, after checking the place for it.
///
/// # Safety
/// The same as [`check_out_handle`], and `out` is valid for writing.
pub(crate) unsafe fn create(
    out: *mut u64,
    name: &str,
    make: impl FnOnce() -> Result<Id, Error>,
) -> Result<(), Error> {
    // SAFETY: the caller's promise.
    unsafe { check_out_handle(out, name) }?;
    let id = make()?;
    // SAFETY: checked for null above; the caller promises the rest.
    unsafe { out.write(id.to_raw()) };
    Ok(())
}

/// Refuses a length that no object can have.
pub(crate) fn object_size(length: usize, name: &str) -> Result<(), Error> {
    match isize::try_from(length) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::new(
            Word::BadValue,
            format!("{name} is {length}, more than memory can hold"),
        )),
    }
}

/// Borrows bytes for the call.
///
/// # Safety
/// `view.data` is valid for reading `view.len` bytes while the result is used, unless `len` is 0 or
/// `data` is null.
pub(crate) unsafe fn bytes<'a>(view: courier_bytes_view, name: &str) -> Result<&'a [u8], Error> {
    if view.len == 0 {
        return Ok(&[]);
    }
    not_null(view.data, &format!("{name}.data"))?;
    object_size(view.len, &format!("{name}.len"))?;
    // SAFETY: not null, not longer than an object can be, and the caller promises the rest.
    Ok(unsafe { std::slice::from_raw_parts(view.data, view.len) })
}

/// Borrows text for the call.
///
/// # Safety
/// The same as [`bytes`].
pub(crate) unsafe fn text<'a>(view: courier_string_view, name: &str) -> Result<&'a str, Error> {
    let view = courier_bytes_view {
        data: view.data.cast(),
        len: view.len,
    };
    // SAFETY: the caller's promise.
    utf8(unsafe { bytes(view, name) }?, name)
}

/// Borrows NUL-terminated text for the call; `None` for null.
///
/// # Safety
/// `pointer` is null, or a NUL-terminated string that is valid while the result is used.
pub(crate) unsafe fn c_text<'a>(
    pointer: *const c_char,
    name: &str,
) -> Result<Option<&'a str>, Error> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not null, and the caller promises the rest.
    let text = unsafe { CStr::from_ptr(pointer) };
    utf8(text.to_bytes(), name).map(Some)
}

fn utf8<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes)
        .map_err(|error| Error::new(Word::NotUtf8, format!("{name} is not UTF-8: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(data: *const u8, len: usize) -> courier_bytes_view {
        courier_bytes_view { data, len }
    }

    #[test]
    fn val_16_an_empty_view_may_carry_any_pointer() {
        for data in [ptr::null(), ptr::dangling(), ptr::without_provenance(1)] {
            // SAFETY: empty.
            assert_eq!(unsafe { bytes(view(data, 0), "bytes") }, Ok(&[][..]));
        }
        // SAFETY: null.
        let refused = unsafe { bytes(view(ptr::null(), 1), "bytes") };
        assert_eq!(refused.unwrap_err().word(), Word::NullPointer);
    }

    #[test]
    fn val_10_a_length_that_no_object_has_is_refused_before_it_is_used() {
        for len in [usize::MAX, isize::MAX as usize + 1] {
            let refused = object_size(len, "bytes.len");
            assert_eq!(refused.unwrap_err().word(), Word::BadValue);
            // SAFETY: refused before it is read.
            let refused = unsafe { bytes(view(b"x".as_ptr(), len), "bytes") };
            assert_eq!(refused.unwrap_err().word(), Word::BadValue);
        }
    }

    #[test]
    fn val_17_text_that_is_not_utf8_is_refused() {
        let data = b"a\xff";
        let view = courier_string_view {
            data: data.as_ptr().cast(),
            len: 2,
        };
        // SAFETY: two readable bytes.
        let refused = unsafe { text(view, "url") }.unwrap_err();
        assert_eq!(refused.word(), Word::NotUtf8);
        // SAFETY: NUL-terminated.
        let refused = unsafe { c_text(c"\xff".as_ptr(), "root") }.unwrap_err();
        assert_eq!(refused.word(), Word::NotUtf8);
    }

    #[repr(C)]
    #[derive(Debug, PartialEq)]
    struct Grown {
        size: u32,
        old: u32,
        new: u32,
    }

    // SAFETY: repr(C), begins with a u32, all fields are integers.
    unsafe impl Growable for Grown {
        const MINIMUM: usize = 8;

        fn defaults() -> Grown {
            Grown {
                size: 12,
                old: 1,
                new: 2,
            }
        }
    }

    #[test]
    fn abi_10_a_truth_value_is_0_or_1() {
        assert_eq!(truth(0, "flag"), Ok(false));
        assert_eq!(truth(1, "flag"), Ok(true));
        assert_eq!(truth(2, "flag").unwrap_err().word(), Word::BadValue);
    }

    #[test]
    fn abi_06_init_writes_what_the_caller_has_room_for() {
        let mut place = Grown {
            size: 0,
            old: 0,
            new: 77,
        };
        // The largest size is more than there is: of it only the known part is written.
        let mut init = |size| {
            // SAFETY: twelve writable bytes are all that is ever written.
            unsafe { init_growable(&raw mut place, size, "options") }
                .map(|()| (place.size, place.old, place.new))
        };
        assert_eq!(init(7).unwrap_err().word(), Word::BadSize);
        assert_eq!(init(8), Ok((8, 1, 77)));
        assert_eq!(init(12), Ok((12, 1, 2)));
        assert_eq!(init(99), Ok((99, 1, 2)));
    }

    #[test]
    fn abi_06_an_older_struct_gets_defaults_and_a_too_small_one_is_refused() {
        let mut given = Grown {
            size: 8,
            old: 7,
            new: 9,
        };
        // SAFETY: twelve readable bytes, more than any size below says.
        let read = |given: &Grown| unsafe { read_growable(given, "options") };
        assert_eq!(
            (read(&given).unwrap().old, read(&given).unwrap().new),
            (7, 2)
        );
        given.size = 12;
        assert_eq!(read(&given).unwrap().new, 9);
        given.size = 7;
        assert_eq!(read(&given).unwrap_err().word(), Word::BadSize);
        // SAFETY: null.
        let refused = unsafe { read_growable::<Grown>(ptr::null(), "options") };
        assert_eq!(refused.unwrap_err().word(), Word::NullPointer);
    }
}
