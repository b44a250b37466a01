//! The structs that may grow: any size, any number in their fields, NULL where something must be.
//!
//! A struct is passed in memory of exactly the size that it says, so that AddressSanitizer sees a byte
//! that is read or written beyond it.

use std::alloc::{Layout, alloc, dealloc};
use std::ffi::c_void;
use std::ptr;

use courier::*;
use courier_core::Word;

use super::world::{NO_EVENT, World};
use super::{Checked, Wrong, choose, expect, run, word};
use crate::driver::abi::{check, view};
use crate::oracle::ContractCounts;
use cgolab_explore::Contract;

/// Sizes around those of the structs. All are far below what a wrong one could be mistaken for.
const SIZES: &[u32] = &[
    0, 1, 3, 4, 8, 15, 16, 17, 23, 24, 25, 32, 39, 40, 41, 48, 64, 96,
];
/// Numbers for fields that know a few.
const NUMBERS: &[u32] = &[
    0,
    1,
    2,
    3,
    4,
    5,
    64,
    65,
    255,
    256,
    257,
    0x0101_0101,
    i32::MAX as u32,
    i32::MIN as u32,
    u32::MAX - 1,
    u32::MAX,
];

/// Memory of an exact size, aligned like the structs. What no struct fills holds [`REST`].
struct Exact {
    memory: *mut u8,
    layout: Layout,
}

const REST: u8 = 0xa5;

impl Exact {
    fn new(size: u32) -> Exact {
        // The size field itself must be there.
        let size = (size as usize).max(size_of::<u32>());
        let layout = Layout::from_size_align(size, align_of::<u64>()).expect("a small size");
        // SAFETY: not of size zero.
        let memory = unsafe { alloc(layout) };
        assert!(!memory.is_null(), "out of memory");
        // SAFETY: just allocated, of that size.
        unsafe { memory.write_bytes(REST, size) };
        Exact { memory, layout }
    }

    /// A copy of as much of `value` as fits, with this size in its first field.
    fn holding<T: Copy>(value: T, size: u32) -> Exact {
        let exact = Exact::new(size);
        let count = size_of::<T>().min(exact.layout.size());
        // SAFETY: both have that many bytes.
        unsafe { ptr::copy_nonoverlapping((&raw const value).cast(), exact.memory, count) };
        // SAFETY: there is room for a size field.
        unsafe { exact.memory.cast::<u32>().write(size) };
        exact
    }

    fn pointer<T>(&self) -> *mut T {
        self.memory.cast()
    }

    fn bytes(&self) -> Vec<u8> {
        // SAFETY: initialised when it was allocated, and nobody else has it now.
        unsafe { std::slice::from_raw_parts(self.memory, self.layout.size()) }.to_vec()
    }
}

impl Drop for Exact {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and dropped once.
        unsafe { dealloc(self.memory, self.layout) };
    }
}

unsafe extern "C" fn pass(
    _: *mut c_void,
    _: courier_request,
    _: courier_string_view,
) -> courier_decision {
    COURIER_DECISION_PASS
}

unsafe extern "C" fn called(_: *mut c_void) {}

unsafe extern "C" fn logged(_: *mut c_void, _: courier_log_level, _: courier_string_view) {}

/// Passes hostile structs. A record: the struct, its size, and two bytes from which its fields and the
/// NULLs are chosen.
///
/// # Errors
/// The first call that did not go as it must.
pub fn abi_structs(input: &[u8]) -> Result<ContractCounts, Box<Wrong>> {
    run(input, |world, [which, size, a, b]| {
        let size = choose(SIZES, size);
        match which % 9 {
            0 => runtime_options(size, a, b),
            1 => load_options(world, size, a, b),
            2 => provider(world, size, a),
            3 => wake_callback(world, size, a),
            4 => log_callback(size, a, b),
            5 => cancel_callback(world, size, a),
            6 => response(world, size, a),
            7 => init(size, a),
            _ => drain(world, size, a, b),
        }
    })
}

/// The refusal of a size below the minimum.
fn bad_size(size: u32, minimum: usize) -> Option<Word> {
    ((size as usize) < minimum).then_some(Word::BadSize)
}

fn null(is_null: bool) -> Option<Word> {
    is_null.then_some(Word::NullPointer)
}

fn bad_value(is_bad: bool) -> Option<Word> {
    is_bad.then_some(Word::BadValue)
}

/// Judges the status of a call, and names what it put to the test.
fn judge(
    call: impl std::fmt::Display,
    expected: Option<Word>,
    status: courier_status,
    values: &[Contract],
) -> Checked {
    let contract = match expected {
        Some(Word::BadValue) => values[0],
        Some(Word::NotUtf8) => "VAL-17",
        _ => "ABI-06",
    };
    expect(contract, call, expected, word(status))?;
    let mut contracts = vec!["ABI-06", "STA-05"];
    if expected == Some(Word::BadValue) {
        contracts.extend(values);
    }
    Ok(contracts)
}

fn runtime_options(size: u32, a: u8, b: u8) -> Checked {
    const MINIMUM: usize = 24;
    let options = courier_runtime_options {
        size,
        workers: choose(NUMBERS, a) as i32,
        worker_threads: choose(NUMBERS, b),
        max_loads: choose(&[1, 0, u32::MAX, 1024], a >> 4),
        root: choose(&[ptr::null(), c"\xff".as_ptr(), c"".as_ptr()], b >> 4),
    };
    let root = match b as usize >> 4 {
        number if number % 3 == 1 => Some(Word::NotUtf8),
        number if number % 3 == 2 => Some(Word::BadRoot),
        _ => None,
    };
    let workers = options.workers;
    let is_bad = match workers {
        COURIER_WORKERS_THREADS => !(1..=64).contains(&options.worker_threads),
        COURIER_WORKERS_STEPPED => false,
        _ => true,
    };
    // A thread count that is out of range must not come back into it by being narrowed.
    let values: &[Contract] = match workers {
        COURIER_WORKERS_THREADS => &["VAL-10"],
        _ => &["VAL-11", "ABI-10"],
    };
    let expected = bad_size(size, MINIMUM)
        .or(bad_value(is_bad || options.max_loads == 0))
        .or(root)
        // The world has one: a good one would be a second runtime of the thread.
        .unwrap_or(Word::OwnerHasRuntime);
    let exact = Exact::holding(options, size);
    let mut runtime = 0;
    // SAFETY: the memory has as many bytes as it says.
    let status = unsafe { courier_runtime_create(exact.pointer(), &raw mut runtime) };
    let call = format!("courier_runtime_create({options:?})");
    expect("HDL-13", &call, 0, runtime)?;
    judge(call, Some(expected), status, values)
}

fn load_options(world: &World, size: u32, a: u8, b: u8) -> Checked {
    const MINIMUM: usize = 16;
    let options = courier_load_options {
        size,
        has_deadline: choose(NUMBERS, a),
        deadline_ms: choose(&[0, 3_600_000, u64::MAX], b),
    };
    let expected = bad_size(size, MINIMUM).or(bad_value(options.has_deadline > 1));
    let exact = Exact::holding(options, size);
    let mut load = 0;
    // SAFETY: the memory has as many bytes as it says.
    let status = unsafe {
        courier_session_load(
            world.session,
            view(b"app:x"),
            exact.pointer(),
            &raw mut load,
        )
    };
    world.cancel(load);
    let call = format!("courier_session_load({options:?})");
    judge(call, expected, status, &["ABI-10", "VAL-11"])
}

fn provider(world: &World, size: u32, a: u8) -> Checked {
    const MINIMUM: usize = 24;
    let is_null = a % 2 == 1;
    let provider = courier_provider {
        size,
        provide: (!is_null).then_some(pass),
        user_data: ptr::null_mut(),
    };
    let expected = bad_size(size, MINIMUM).or(null(is_null));
    let exact = Exact::holding(provider, size);
    // Not the world's runtime: its provider stays.
    let runtime = world.runtime ^ 1 << 24;
    // SAFETY: the memory has as many bytes as it says.
    let status = unsafe { courier_runtime_set_provider(runtime, exact.pointer()) };
    let call = format!("courier_runtime_set_provider({provider:?})");
    judge(call, expected.or(Some(Word::FutureGeneration)), status, &[])
}

fn wake_callback(world: &World, size: u32, a: u8) -> Checked {
    const MINIMUM: usize = 24;
    let is_null = a % 2 == 1;
    let callback = courier_wake_callback {
        size,
        wake: (!is_null).then_some(called),
        user_data: ptr::null_mut(),
    };
    let expected = bad_size(size, MINIMUM).or(null(is_null));
    let exact = Exact::holding(callback, size);
    // SAFETY: the memory has as many bytes as it says.
    let status = unsafe { courier_runtime_set_wake_callback(world.runtime, exact.pointer()) };
    let call = format!("courier_runtime_set_wake_callback({callback:?})");
    judge(call, expected, status, &[])
}

fn log_callback(size: u32, a: u8, b: u8) -> Checked {
    const MINIMUM: usize = 24;
    let is_null = b % 2 == 1;
    let callback = courier_log_callback {
        size,
        limit: choose(NUMBERS, a) as i32,
        log: (!is_null).then_some(logged),
        user_data: ptr::null_mut(),
    };
    let known = (COURIER_LOG_ERROR..=COURIER_LOG_DEBUG).contains(&callback.limit);
    let expected = bad_size(size, MINIMUM)
        .or(bad_value(!known))
        .or(null(is_null));
    let exact = Exact::holding(callback, size);
    // SAFETY: the memory has as many bytes as it says.
    let status = unsafe { courier_set_log_callback(exact.pointer()) };
    let call = format!("courier_set_log_callback({callback:?})");
    judge(call, expected, status, &["VAL-11", "ABI-10"])
}

fn cancel_callback(world: &mut World, size: u32, a: u8) -> Checked {
    const MINIMUM: usize = 24;
    let is_null = a % 2 == 1;
    let callback = courier_cancel_callback {
        size,
        cancel: (!is_null).then_some(called),
        user_data: ptr::null_mut(),
    };
    let expected = bad_size(size, MINIMUM).or(null(is_null));
    let exact = Exact::holding(callback, size);
    let request = world.request();
    let mut cancelled = 7;
    // SAFETY: the memory has as many bytes as it says, and the out parameter lives during the call.
    let status = unsafe { courier_request_on_cancel(request, exact.pointer(), &raw mut cancelled) };
    let call = format!("courier_request_on_cancel({callback:?})");
    world.released(request);
    let written = if expected.is_some() { 7 } else { 0 };
    expect("ABI-06", &call, written, cancelled)?;
    judge(call, expected, status, &[])
}

fn response(world: &mut World, size: u32, a: u8) -> Checked {
    const MINIMUM: usize = 40;
    let response = courier_response {
        size,
        kind: choose(NUMBERS, a) as i32,
        bytes: courier_bytes_view {
            data: ptr::null(),
            len: 0,
        },
        message: view(b""),
    };
    let known = (COURIER_RESPONSE_BYTES..=COURIER_RESPONSE_ERROR).contains(&response.kind);
    let expected = bad_size(size, MINIMUM).or(bad_value(!known));
    let exact = Exact::holding(response, size);
    let request = world.request();
    // SAFETY: the memory has as many bytes as it says.
    let status = unsafe { courier_request_complete(request, exact.pointer()) };
    let call = format!("courier_request_complete({response:?})");
    let contracts = judge(&call, expected, status, &["VAL-11", "ABI-10"])?;
    world.released(request);
    // Too small a struct has no effect, and the release drops the load; unknown contents end it.
    let failure = match (expected, response.kind) {
        (Some(Word::BadSize), _) => COURIER_FAILURE_DROPPED,
        (Some(_), _) => COURIER_FAILURE_BAD_RESPONSE,
        (None, COURIER_RESPONSE_ERROR) => COURIER_FAILURE_PROVIDER,
        (None, _) => COURIER_FAILURE_NONE,
    };
    let event = world.last_event();
    courier_blob_release(event.payload);
    if expected == Some(Word::BadSize) {
        expect("STA-12", call, failure, event.failure)?;
        return Ok([&contracts[..], &["STA-12"]].concat());
    }
    expect("ABI-06", call, failure, event.failure)?;
    Ok(contracts)
}

/// The functions that fill a struct with its defaults write as much as there is room for.
fn init(size: u32, a: u8) -> Checked {
    let (runtime_options, minimum, known) = match a % 2 {
        0 => (true, 24, size_of::<courier_runtime_options>()),
        _ => (false, 16, size_of::<courier_load_options>()),
    };
    // Once in memory of the exact size, and once with bytes after it.
    for rest in [0, 64] {
        let exact = Exact::new(size + rest);
        let status = if runtime_options {
            // SAFETY: the memory has `size` bytes at least.
            unsafe { courier_runtime_options_init(exact.pointer(), size) }
        } else {
            // SAFETY: as above.
            unsafe { courier_load_options_init(exact.pointer(), size) }
        };
        let call = format!("options_init({known} known, size {size})");
        let expected = bad_size(size, minimum);
        judge(&call, expected, status, &[])?;
        let written = match expected {
            Some(_) => 0,
            None => known.min(size as usize),
        };
        let bytes = exact.bytes();
        let untouched = bytes[written..].iter().all(|byte| *byte == REST);
        expect("ABI-06", &call, true, untouched)?;
        if written > 0 {
            expect("ABI-06", &call, &size.to_ne_bytes()[..], &bytes[..4])?;
        }
    }
    Ok(vec!["ABI-06", "STA-05"])
}

/// An array of events with any distance between them.
fn drain(world: &mut World, stride: u32, a: u8, b: u8) -> Checked {
    const KNOWN: usize = size_of::<courier_event>();
    let (count_is_null, events_is_null) = (a & 1 == 1, a & 2 == 2);
    let capacity = u32::from(b % 4);
    let good_stride = stride as usize >= KNOWN && stride.is_multiple_of(8);
    let expected = null(count_is_null || (capacity > 0 && events_is_null))
        .or((!good_stride).then_some(Word::BadSize));
    if a & 4 == 4 {
        let request = world.request();
        world.released(request);
    }
    let mut unread = 0;
    // SAFETY: the out parameter lives during the call.
    let pumped = unsafe { courier_runtime_pump(world.runtime, 0, u32::MAX, &raw mut unread) };
    check(pumped).expect("a well-behaved call succeeds");
    let exact = Exact::new(stride * capacity);
    let mut count = 77;
    let events = if events_is_null {
        ptr::null_mut()
    } else {
        exact.pointer()
    };
    let out = if count_is_null {
        ptr::null_mut()
    } else {
        &raw mut count
    };
    // SAFETY: the memory holds `capacity` places of that stride.
    let status =
        unsafe { courier_runtime_drain_events(world.runtime, events, stride, capacity, out) };
    let call = format!("courier_runtime_drain_events(stride {stride}, capacity {capacity})");
    let contracts = judge(&call, expected, status, &[])?;
    let drained = match expected {
        Some(_) => 0,
        None => unread.min(capacity),
    };
    let told = if expected.is_some() { 77 } else { drained };
    expect("ABI-06", &call, told, count)?;
    for (index, byte) in exact.bytes().into_iter().enumerate() {
        let (place, offset) = match stride {
            0 => (0, index),
            _ => (index / stride as usize, index % stride as usize),
        };
        if place >= drained as usize || offset >= KNOWN {
            expect("ABI-06", format_args!("{call}, byte {index}"), REST, byte)?;
        }
    }
    for place in 0..drained as usize {
        let mut event = NO_EVENT;
        // SAFETY: that many events were written, a stride apart.
        let written = unsafe { exact.memory.add(place * stride as usize) };
        // SAFETY: as above; both have that many bytes.
        unsafe { ptr::copy_nonoverlapping(written, (&raw mut event).cast(), KNOWN) };
        courier_blob_release(event.payload);
    }
    Ok(contracts)
}
