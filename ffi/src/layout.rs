//! The layout text, by which Rust, C and Go compare their views of the ABI.
//!
//! The text has one line for the version, one for the header (its hash, so that a changed prototype
//! counts too), and one for each struct (size, alignment), field (offset, size) and constant. This
//! module prints Rust's view. The generated `courier_layout.h` lists the same names for C, and
//! `layout_generated.go` lists them for Go; each of the two prints its own view. Tests compare the three
//! texts. A binding compares their hash when it loads the library.

use std::fmt::Write as _;
use std::mem::{align_of, offset_of, size_of};

use crate::*;

/// A line of the layout text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A struct with its size and alignment in bytes.
    Struct(&'static str, usize, usize),
    /// A field of the struct named before, with its offset and size in bytes.
    Field(&'static str, &'static str, usize, usize),
    /// A constant and its value.
    Const(&'static str, i64),
}

/// The size of a field, by its type.
fn field_size<S, F>(_: impl Fn(&S) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! items {
    (structs { $($name:ident { $($field:ident),* })* } constants { $($constant:ident)* }) => {
        /// Every struct, field and constant of the ABI, as Rust sees it.
        pub fn items() -> Vec<Item> {
            let mut items = Vec::new();
            $(
                // Without `..`: a field that is missing from the list does not compile.
                let _ = |value: $name| { let $name { $($field: _),* } = value; };
                items.push(Item::Struct(stringify!($name), size_of::<$name>(), align_of::<$name>()));
                $(items.push(Item::Field(
                    stringify!($name),
                    stringify!($field),
                    offset_of!($name, $field),
                    field_size(|value: &$name| &value.$field),
                ));)*
            )*
            $(items.push(Item::Const(stringify!($constant), i64::from($constant)));)*
            items
        }
    };
}

items! {
    structs {
        courier_string_view { data, len }
        courier_bytes_view { data, len }
        courier_runtime_options { size, workers, worker_threads, max_loads, root }
        courier_load_options { size, has_deadline, deadline_ms }
        courier_event { kind, failure, session, load, payload }
        courier_provider { size, provide, user_data }
        courier_cancel_callback { size, cancel, user_data }
        courier_wake_callback { size, wake, user_data }
        courier_log_callback { size, limit, log, user_data }
        courier_response { size, kind, bytes, message }
    }
    constants {
        COURIER_OK
        COURIER_INVALID_ARGUMENT
        COURIER_INVALID_STATE
        COURIER_WRONG_THREAD
        COURIER_UNSUPPORTED
        COURIER_NATIVE_ERROR
        COURIER_WORKERS_THREADS
        COURIER_WORKERS_STEPPED
        COURIER_EVENT_COMPLETED
        COURIER_EVENT_FAILED
        COURIER_EVENT_CANCELLED
        COURIER_FAILURE_NONE
        COURIER_FAILURE_PROVIDER
        COURIER_FAILURE_DROPPED
        COURIER_FAILURE_BAD_RESPONSE
        COURIER_FAILURE_UNSUPPORTED
        COURIER_FAILURE_NOT_FOUND
        COURIER_FAILURE_OUTSIDE_ROOT
        COURIER_FAILURE_IO
        COURIER_FAILURE_INTERNAL
        COURIER_FAILURE_MALFORMED
        COURIER_FAILURE_EXPIRED
        COURIER_DECISION_PASS
        COURIER_DECISION_HANDLE
        COURIER_DECISION_FAIL
        COURIER_RESPONSE_BYTES
        COURIER_RESPONSE_ERROR
        COURIER_LOG_ERROR
        COURIER_LOG_WARN
        COURIER_LOG_INFO
        COURIER_LOG_DEBUG
    }
}

/// The checked-in header that this library was built with.
const HEADER: &str = include_str!("../include/courier.h");

/// The layout text as Rust sees it.
pub fn text() -> String {
    let header = fingerprint(HEADER);
    let mut text = format!("abi {COURIER_ABI_VERSION}\nheader {header:016x}\n");
    for item in items() {
        match item {
            Item::Struct(name, size, align) => writeln!(text, "struct {name} {size} {align}"),
            Item::Field(name, field, offset, size) => {
                writeln!(text, "field {name}.{field} {offset} {size}")
            }
            Item::Const(name, value) => writeln!(text, "const {name} {value}"),
        }
        .expect("writing to a String cannot fail");
    }
    text
}

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): three lines in any language, which
/// is all that is asked of it.
pub fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fingerprint(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint("a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn abi_03_every_public_constant_and_struct_is_listed() {
        let mut declared = BTreeSet::new();
        for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap() {
            let path = file.unwrap().path();
            if path.ends_with("test_hooks.rs") {
                // For harnesses that link the rlib; no part of the ABI.
                continue;
            }
            let source = fs::read_to_string(path).unwrap();
            for line in source.lines() {
                let name = line
                    .strip_prefix("pub const ")
                    .or_else(|| line.strip_prefix("pub struct "))
                    .map(|rest| rest.split([':', ' ']).next().unwrap().to_owned());
                declared.extend(name.filter(|name| name != "COURIER_ABI_VERSION"));
            }
        }
        let listed: BTreeSet<String> = items()
            .into_iter()
            .filter_map(|item| match item {
                Item::Struct(name, ..) | Item::Const(name, _) => Some(name.to_owned()),
                Item::Field(..) => None,
            })
            .collect();
        assert_eq!(declared, listed);
    }
}
