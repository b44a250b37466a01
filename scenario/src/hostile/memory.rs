//! Views, capacities and text: NULL with a length, lengths that no object has, bytes that are no text,
//! places that are too small.
//!
//! Memory that is shown has exactly the length that is said, so that AddressSanitizer sees a byte that
//! is read or written beyond it; it is overwritten and freed as soon as the call has returned.

use std::ffi::c_char;
use std::ptr;

use courier::*;
use courier_core::Word;

use super::world::{BLOB, World, respond};
use super::{Checked, Wrong, choose, expect, run, word};
use crate::driver::abi::{check, view};
use crate::oracle::ContractCounts;
use cgolab_explore::Contract;

/// Passes hostile memory. A record: the call, the kind of view, and two bytes of contents.
///
/// # Errors
/// The first call that did not go as it must.
pub fn memory_views(input: &[u8]) -> Result<ContractCounts, Box<Wrong>> {
    run(input, |world, [which, shape, a, b]| match which % 5 {
        0 => url(world, shape, a, b),
        1 => bytes(world, shape, a, b),
        2 => message(world, shape, a, b),
        3 => copy_out(world, shape, a),
        _ => attach(world, shape),
    })
}

/// A view of bytes, and what it leads to.
struct View {
    /// Exactly what is shown, if it is good.
    memory: Option<Box<[u8]>>,
    data: *const u8,
    len: usize,
}

impl View {
    fn new(shape: u8, contents: &[u8]) -> View {
        let shown = |data, len| View {
            memory: None,
            data,
            len,
        };
        match shape % 8 {
            0 => shown(ptr::null(), 0),
            1 => shown(ptr::dangling(), 0),
            2 => shown(ptr::without_provenance(usize::MAX), 0),
            3 => shown(ptr::null(), 1),
            4 => shown(ptr::null(), usize::MAX),
            5 => shown(contents.as_ptr(), usize::MAX),
            6 => shown(contents.as_ptr(), isize::MAX as usize + 1),
            _ => {
                let memory: Box<[u8]> = contents.into();
                View {
                    data: memory.as_ptr(),
                    len: memory.len(),
                    memory: Some(memory),
                }
            }
        }
    }

    /// The word for a view that shows nothing readable, or what it shows.
    fn contents(&self) -> Result<&[u8], Word> {
        match &self.memory {
            Some(memory) => Ok(memory),
            None if self.len == 0 => Ok(&[]),
            None if self.data.is_null() => Err(Word::NullPointer),
            None => Err(Word::BadValue),
        }
    }

    fn text(&self) -> Result<&str, Word> {
        std::str::from_utf8(self.contents()?).map_err(|_| Word::NotUtf8)
    }

    fn as_bytes(&self) -> courier_bytes_view {
        courier_bytes_view {
            data: self.data,
            len: self.len,
        }
    }

    fn as_text(&self) -> courier_string_view {
        courier_string_view {
            data: self.data.cast::<c_char>(),
            len: self.len,
        }
    }

    /// The contract that a call with the view puts to the test.
    fn contract(&self) -> Contract {
        match self.contents() {
            Err(Word::BadValue) => "VAL-10",
            Err(_) => "VAL-16",
            Ok([]) => "VAL-16",
            Ok(bytes) if std::str::from_utf8(bytes).is_err() => "VAL-17",
            Ok(_) => "STA-05",
        }
    }
}

impl std::fmt::Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "view of {:?}, length {}", self.contents(), self.len)
    }
}

fn url(world: &World, shape: u8, a: u8, b: u8) -> Checked {
    let start: &[u8] = choose(&[b"app:", b"not a URL "], a >> 7);
    let shown = View::new(shape, &[start, &[a & 0x7f, b]].concat());
    let expected = match shown.text() {
        Ok(text) => (!text.starts_with("app:")).then_some(Word::BadUrl),
        Err(word) => Some(word),
    };
    let mut load = 0;
    let text = shown.as_text();
    // SAFETY: the view shows readable bytes, or is one that the ABI refuses unread.
    let status = unsafe { courier_session_load(world.session, text, ptr::null(), &raw mut load) };
    let contract = shown.contract();
    let call = format!("courier_session_load({shown})");
    expect(contract, &call, expected, word(status))?;
    world.cancel(load);
    expect(contract, &call, expected.is_none(), load != 0)?;
    Ok(vec![contract, "STA-05"])
}

/// Ends a request with a response that is overwritten and freed before the event is looked at.
fn bytes(world: &mut World, shape: u8, a: u8, b: u8) -> Checked {
    let contents = vec![b; a.into()];
    let shown = View::new(shape, &contents);
    let expected = shown.contents().err();
    let contract = match shown.contract() {
        // Bytes need be no text.
        "VAL-17" => "STA-05",
        contract => contract,
    };
    let call = format!("courier_request_complete(bytes: {shown})");
    let end = expected.map_or(
        (
            COURIER_FAILURE_NONE,
            shown.contents().map(<[u8]>::to_vec).ok(),
        ),
        |_| (COURIER_FAILURE_BAD_RESPONSE, None),
    );
    let request = world.request();
    let status = respond(request, COURIER_RESPONSE_BYTES, shown.as_bytes(), view(b""));
    expect(contract, &call, expected, word(status))?;
    forget(shown);
    ends(world, request, &call, end, "REQ-18")?;
    Ok(vec![contract, "REQ-18", "STA-05"])
}

fn message(world: &mut World, shape: u8, a: u8, b: u8) -> Checked {
    let shown = View::new(shape, &[b'x', a, b]);
    let expected = shown.text().err();
    let contract = shown.contract();
    let call = format!("courier_request_complete(message: {shown})");
    let end = match shown.text() {
        Ok(text) => (COURIER_FAILURE_PROVIDER, Some(text.as_bytes().to_vec())),
        Err(_) => (COURIER_FAILURE_BAD_RESPONSE, None),
    };
    let request = world.request();
    let nothing = courier_bytes_view {
        data: ptr::null(),
        len: 1, // Not looked at.
    };
    let status = respond(request, COURIER_RESPONSE_ERROR, nothing, shown.as_text());
    expect(contract, &call, expected, word(status))?;
    forget(shown);
    ends(world, request, &call, end, "REQ-08")?;
    Ok(vec![contract, "REQ-08", "STA-05"])
}

/// Overwrites and frees what was shown.
fn forget(shown: View) {
    if let Some(mut memory) = shown.memory {
        memory.fill(0x5a);
    }
}

/// The request's event: its failure, and its payload where that is not the library's own text.
fn ends(
    world: &mut World,
    request: courier_request,
    call: &str,
    (failure, payload): (courier_failure, Option<Vec<u8>>),
    contract: Contract,
) -> Result<(), Box<Wrong>> {
    world.released(request);
    let event = world.last_event();
    let mut size = 0;
    // SAFETY: a probe takes no buffer.
    let probed = unsafe { courier_blob_copy(event.payload, ptr::null_mut(), 0, &raw mut size) };
    check(probed).expect("a payload is live");
    let mut copy = vec![0; size];
    // SAFETY: the buffer has that size.
    let copied =
        unsafe { courier_blob_copy(event.payload, copy.as_mut_ptr(), size, &raw mut size) };
    check(copied).expect("a payload is live");
    courier_blob_release(event.payload);
    expect(contract, call, failure, event.failure)?;
    match payload {
        Some(payload) => expect(contract, call, payload, copy),
        None => Ok(()),
    }
}

/// Copies a blob into places of all sizes.
fn copy_out(world: &World, shape: u8, a: u8) -> Checked {
    const GUARD: u8 = 0xa5;
    let (required_is_null, buffer_is_null) = (shape & 1 == 1, shape & 2 == 2);
    let capacity = usize::from(a) % (BLOB.len() + 4);
    // Of that size exactly, unless it is NULL.
    let mut buffer = vec![GUARD; capacity].into_boxed_slice();
    let mut required = 77;
    let place = if buffer_is_null {
        ptr::null_mut()
    } else {
        buffer.as_mut_ptr()
    };
    let out = if required_is_null {
        ptr::null_mut()
    } else {
        &raw mut required
    };
    let capacity = match (buffer_is_null, shape & 4) {
        (true, 4) => usize::MAX,
        _ => capacity,
    };
    let probe = buffer_is_null && capacity == 0;
    let expected = if required_is_null || (buffer_is_null && capacity > 0) {
        Some(Word::NullPointer)
    } else {
        (!probe && capacity < BLOB.len()).then_some(Word::TooSmall)
    };
    // SAFETY: the place has that capacity, or is NULL.
    let status = unsafe { courier_blob_copy(world.blob, place, capacity, out) };
    let call = format!("courier_blob_copy({place:?}, {capacity}, {out:?})");
    expect("VAL-09", &call, expected, word(status))?;
    let told = match expected {
        Some(Word::NullPointer) => 77,
        _ => BLOB.len(),
    };
    expect("VAL-09", &call, told, required)?;
    let copied = if expected.is_none() && !probe {
        BLOB.len()
    } else {
        0
    };
    let (start, rest) = buffer.split_at(copied);
    expect("VAL-09", &call, &BLOB[..copied], start)?;
    let untouched = rest.iter().all(|byte| *byte == GUARD);
    expect("VAL-09", &call, true, untouched)?;
    Ok(vec!["VAL-09", "STA-05"])
}

/// Attaches an invalid buffer, and detaches it.
fn attach(world: &World, shape: u8) -> Checked {
    let shown = View::new(shape, b"memory");
    let expected = shown.contents().err();
    let contract = match shown.contract() {
        "VAL-17" => "STA-05",
        contract => contract,
    };
    let data = shown.data.cast_mut();
    // SAFETY: nothing completes while it is attached, so nothing is written; or it is refused.
    let status = unsafe { courier_session_attach_buffer(world.session, data, shown.len) };
    let call = format!("courier_session_attach_buffer({shown})");
    expect(contract, &call, expected, word(status))?;
    let detached = word(courier_session_detach_buffer(world.session));
    let missing = expected.map(|_| Word::NoBuffer);
    expect(contract, call, missing, detached)?;
    Ok(vec![contract, "STA-05"])
}
