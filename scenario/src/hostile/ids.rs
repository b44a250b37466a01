//! Handles that are none, against every export that takes one.

use std::ffi::c_void;
use std::ptr;

use courier::*;
use courier_core::{Kind, Word};

use super::world::{BLOB, NO_EVENT, World, respond};
use super::{Checked, Wrong, choose, expect, run, word};
use crate::driver::abi::{diagnostic, view};
use crate::oracle::ContractCounts;

/// An export that takes a handle. `call` passes the handle and good arguments, and checks that the out
/// parameters stay untouched.
struct Export {
    name: &'static str,
    kind: Kind,
    /// Returns nothing, and ignores what it does not know.
    silent: bool,
    call: fn(u64) -> courier_status,
}

const fn export(name: &'static str, kind: Kind, call: fn(u64) -> courier_status) -> Export {
    Export {
        name,
        kind,
        silent: false,
        call,
    }
}

const fn silent(name: &'static str, kind: Kind, call: fn(u64) -> courier_status) -> Export {
    Export {
        silent: true,
        ..export(name, kind, call)
    }
}

/// The value of an out parameter before a call, and after one that was refused.
const UNTOUCHED: u32 = 0xa5a5_a5a5;

/// Passes an out parameter of 32 bits.
fn with_out(call: impl FnOnce(*mut u32) -> courier_status) -> courier_status {
    let mut out = UNTOUCHED;
    let status = call(&raw mut out);
    assert_eq!(out, UNTOUCHED, "an out parameter was written");
    status
}

/// Passes a place for a handle.
fn with_handle(call: impl FnOnce(*mut u64) -> courier_status) -> courier_status {
    let mut out = 0;
    let status = call(&raw mut out);
    assert_eq!(out, 0, "a handle was written");
    status
}

unsafe extern "C" fn provide(
    _: *mut c_void,
    _: courier_request,
    _: courier_string_view,
) -> courier_decision {
    unreachable!("the installation is refused")
}

unsafe extern "C" fn called(_: *mut c_void) {
    unreachable!("the installation is refused")
}

const EXPORTS: &[Export] = &[
    export("courier_runtime_destroy", Kind::Runtime, |id| {
        courier_runtime_destroy(id)
    }),
    export("courier_runtime_pump", Kind::Runtime, |id| {
        // SAFETY: the out parameter lives during the call.
        with_out(|out| unsafe { courier_runtime_pump(id, 0, 1, out) })
    }),
    export("courier_runtime_step", Kind::Runtime, |id| {
        // SAFETY: as above.
        with_out(|out| unsafe { courier_runtime_step(id, out) })
    }),
    export("courier_runtime_drain_events", Kind::Runtime, |id| {
        let mut event = NO_EVENT;
        let stride = size_of::<courier_event>() as u32;
        let event = &raw mut event;
        // SAFETY: as above, and a place for one event.
        with_out(|out| unsafe { courier_runtime_drain_events(id, event, stride, 1, out) })
    }),
    export("courier_runtime_set_provider", Kind::Runtime, |id| {
        let provider = courier_provider {
            size: size_of::<courier_provider>() as u32,
            provide: Some(provide),
            user_data: ptr::null_mut(),
        };
        // SAFETY: the struct lives during the call.
        unsafe { courier_runtime_set_provider(id, &raw const provider) }
    }),
    export("courier_runtime_clear_provider", Kind::Runtime, |id| {
        courier_runtime_clear_provider(id)
    }),
    export("courier_runtime_set_wake_callback", Kind::Runtime, |id| {
        let callback = courier_wake_callback {
            size: size_of::<courier_wake_callback>() as u32,
            wake: Some(called),
            user_data: ptr::null_mut(),
        };
        // SAFETY: the struct lives during the call.
        unsafe { courier_runtime_set_wake_callback(id, &raw const callback) }
    }),
    export("courier_runtime_clear_wake_callback", Kind::Runtime, |id| {
        courier_runtime_clear_wake_callback(id)
    }),
    export("courier_runtime_wake_source", Kind::Runtime, |id| {
        // SAFETY: the out parameter lives during the call.
        with_handle(|out| unsafe { courier_runtime_wake_source(id, out) })
    }),
    export("courier_session_create", Kind::Runtime, |id| {
        // SAFETY: as above.
        with_handle(|out| unsafe { courier_session_create(id, out) })
    }),
    export("courier_session_destroy", Kind::Session, |id| {
        courier_session_destroy(id)
    }),
    export("courier_session_load", Kind::Session, |id| {
        // SAFETY: the text and the out parameter live during the call.
        with_handle(|out| unsafe { courier_session_load(id, view(b"app:x"), ptr::null(), out) })
    }),
    export("courier_session_cancel", Kind::Session, |id| {
        courier_session_cancel(id, 1)
    }),
    export("courier_session_attach_buffer", Kind::Session, |id| {
        // SAFETY: no byte is attached.
        unsafe { courier_session_attach_buffer(id, ptr::null_mut(), 0) }
    }),
    export("courier_session_detach_buffer", Kind::Session, |id| {
        courier_session_detach_buffer(id)
    }),
    export("courier_session_snapshot", Kind::Session, |id| {
        // SAFETY: the out parameter lives during the call.
        with_handle(|out| unsafe { courier_session_snapshot(id, out) })
    }),
    export("courier_session_set_surface", Kind::Session, |id| {
        // SAFETY: the address is not followed.
        unsafe { courier_session_set_surface(id, ptr::without_provenance_mut(1)) }
    }),
    export("courier_request_complete", Kind::Request, |id| {
        let nothing = courier_bytes_view {
            data: ptr::null(),
            len: 0,
        };
        respond(id, COURIER_RESPONSE_BYTES, nothing, view(b""))
    }),
    export("courier_request_is_cancelled", Kind::Request, |id| {
        // SAFETY: the out parameter lives during the call.
        with_out(|out| unsafe { courier_request_is_cancelled(id, out) })
    }),
    export("courier_request_on_cancel", Kind::Request, |id| {
        let callback = courier_cancel_callback {
            size: size_of::<courier_cancel_callback>() as u32,
            cancel: Some(called),
            user_data: ptr::null_mut(),
        };
        // SAFETY: the struct and the out parameter live during the call.
        with_out(|out| unsafe { courier_request_on_cancel(id, &raw const callback, out) })
    }),
    export("courier_request_surface", Kind::Request, |id| {
        let mut surface = ptr::without_provenance_mut(7);
        // SAFETY: the out parameter lives during the call.
        let status = unsafe { courier_request_surface(id, &raw mut surface) };
        assert_eq!(surface.addr(), 7, "an out parameter was written");
        status
    }),
    silent("courier_request_release", Kind::Request, |id| {
        courier_request_release(id);
        COURIER_OK
    }),
    export("courier_blob_copy", Kind::Blob, |id| {
        let mut required = BLOB.len() + 1;
        // SAFETY: a probe takes no buffer.
        let status = unsafe { courier_blob_copy(id, ptr::null_mut(), 0, &raw mut required) };
        assert_eq!(required, BLOB.len() + 1, "an out parameter was written");
        status
    }),
    silent("courier_blob_release", Kind::Blob, |id| {
        courier_blob_release(id);
        COURIER_OK
    }),
    export("courier_wake_source_signal", Kind::WakeSource, |id| {
        courier_wake_source_signal(id)
    }),
    silent("courier_wake_source_release", Kind::WakeSource, |id| {
        courier_wake_source_release(id);
        COURIER_OK
    }),
    export("courier_runtime_next_timeout", Kind::Runtime, |id| {
        let mut timeout = i64::MIN;
        // SAFETY: the out parameter lives during the call.
        let status = unsafe { courier_runtime_next_timeout(id, &raw mut timeout) };
        assert_eq!(timeout, i64::MIN, "an out parameter was written");
        status
    }),
    export("courier_request_clear_on_cancel", Kind::Request, |id| {
        courier_request_clear_on_cancel(id)
    }),
];

/// An id by its parts: kind, generation, slot.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Parts {
    tag: u8,
    generation: u32,
    slot: u32,
}

const SLOT_BITS: u32 = 24;
const TAG_SHIFT: u32 = 56;

impl Parts {
    fn of(raw: u64) -> Parts {
        Parts {
            tag: (raw >> TAG_SHIFT) as u8,
            generation: (raw >> SLOT_BITS) as u32,
            slot: raw as u32 & ((1 << SLOT_BITS) - 1),
        }
    }

    fn raw(self) -> u64 {
        let Parts {
            tag,
            generation,
            slot,
        } = self;
        u64::from(tag) << TAG_SHIFT | u64::from(generation) << SLOT_BITS | u64::from(slot)
    }
}

/// Ids of the live objects of a kind. Each object is the last of its slot.
fn live_ids(world: &World, kind: Kind) -> Vec<u64> {
    match kind {
        Kind::Runtime => vec![world.runtime],
        Kind::Session => vec![world.session],
        Kind::Request => vec![world.kept()],
        Kind::Blob => vec![world.blob],
        Kind::WakeSource => vec![world.source],
    }
}

/// The word with which an export of `kind` refuses a number; `None` if it names a live object.
fn predict(world: &World, raw: u64, kind: Kind) -> Option<Word> {
    const TAGS: std::ops::RangeInclusive<u8> = Kind::Runtime as u8..=Kind::WakeSource as u8;
    let parts = Parts::of(raw);
    if raw == 0 {
        return Some(Word::Null);
    }
    if parts.generation == 0 || !TAGS.contains(&parts.tag) {
        return Some(Word::Malformed);
    }
    if parts.tag != kind as u8 {
        return Some(Word::WrongKind);
    }
    let issued = live_ids(world, kind).into_iter().map(Parts::of);
    let Some(last) = issued.into_iter().find(|last| last.slot == parts.slot) else {
        return Some(Word::NeverIssued);
    };
    match parts.generation.cmp(&last.generation) {
        std::cmp::Ordering::Greater => Some(Word::FutureGeneration),
        std::cmp::Ordering::Less => Some(Word::Stale),
        std::cmp::Ordering::Equal => None,
    }
}

/// A number, by its class: a real id with one part bent, or any bits.
fn number(world: &World, class: u8, [kind, a, b]: [u8; 3]) -> u64 {
    const KINDS: [Kind; 5] = [
        Kind::Runtime,
        Kind::Session,
        Kind::Request,
        Kind::Blob,
        Kind::WakeSource,
    ];
    let real = live_ids(world, choose(&KINDS, kind))[0];
    let parts = Parts::of(real);
    let near = u32::from(a) << choose(&[0, 8, 16, 24], b);
    let bent = match class % 8 {
        0 => return 0,
        1 => return real,
        2 => Parts {
            generation: parts.generation.wrapping_add(near),
            ..parts
        },
        3 => Parts {
            generation: parts.generation.wrapping_sub(near),
            ..parts
        },
        4 => Parts {
            slot: (parts.slot + near) & ((1 << SLOT_BITS) - 1),
            ..parts
        },
        5 => Parts { tag: a, ..parts },
        6 => Parts {
            generation: 0,
            ..parts
        },
        _ => return u64::from_le_bytes([a, b, kind, a, b, a, kind, a ^ b]),
    };
    bent.raw()
}

/// Calls exports with numbers that name nothing, or something else. A record: the export, the number's
/// class (the highest bit plants a panic), and what the number is made of.
///
/// # Errors
/// The first call that was not refused as it must be.
pub fn hostile_ids(input: &[u8]) -> Result<ContractCounts, Box<Wrong>> {
    run(input, |world, [which, class, a, b]| {
        let export = &EXPORTS[usize::from(which) % EXPORTS.len()];
        let raw = number(
            world,
            class & 0x7f,
            [a, b, a ^ (which / EXPORTS.len() as u8)],
        );
        call(world, export, raw, class & 0x80 != 0)
    })
}

fn call(world: &World, export: &Export, raw: u64, planted: bool) -> Checked {
    let expected = if planted {
        Some(Word::Panic)
    } else {
        predict(world, raw, export.kind)
    };
    let Some(expected) = expected else {
        return Ok(vec![]); // A good call, which is not this target's.
    };
    let contract = match expected {
        Word::Panic => "ABI-05",
        Word::WrongKind => "HDL-06",
        _ if export.silent => "HDL-12",
        _ => "HDL-07",
    };
    let call = format!("{}({raw:#x})", export.name);
    let (before, text) = (test_hooks::live(), diagnostic());
    let panic = planted.then(test_hooks::panic_in_next_call);
    let status = (export.call)(raw);
    let mut contracts = vec![contract];
    if export.silent {
        // It has no diagnostic to set, and leaves the last one alone.
        expect(contract, &call, &text, &diagnostic())?;
    } else {
        expect(contract, &call, Some(expected), word(status))?;
        contracts.push("STA-05");
        let text = diagnostic();
        let says = match (panic, expected) {
            (Some(panic), _) => vec![panic.to_owned()],
            (None, Word::WrongKind) => vec![export.kind.to_string(), name(Parts::of(raw).tag)],
            (None, _) => vec![],
        };
        for part in says {
            expect(
                contract,
                &call,
                (true, &text),
                (text.contains(&part), &text),
            )?;
        }
    }
    expect(contract, &call, before, test_hooks::live())?;
    Ok(contracts)
}

/// The name of the kind with this tag.
fn name(tag: u8) -> String {
    let kinds = [
        Kind::Runtime,
        Kind::Session,
        Kind::Request,
        Kind::Blob,
        Kind::WakeSource,
    ];
    let kind = kinds.into_iter().find(|kind| *kind as u8 == tag);
    kind.expect("a known tag").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new export that takes a handle cannot be forgotten here.
    #[test]
    fn every_export_that_takes_a_handle_is_listed() {
        let header = std::fs::read_to_string("../ffi/include/courier.h").unwrap();
        let header = header.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut listed: Vec<&str> = EXPORTS.iter().map(|export| export.name).collect();
        listed.sort_unstable();
        let mut takes_one = Vec::new();
        for kind in ["runtime", "session", "request", "blob", "wake_source"] {
            let declared = header
                .split(&format!("(courier_{kind} "))
                .collect::<Vec<_>>();
            let before = declared.split_last().unwrap().1;
            takes_one.extend(before.iter().filter_map(|text| text.rsplit(' ').next()));
        }
        takes_one.sort_unstable();
        assert_eq!(listed, takes_one);
    }
}
