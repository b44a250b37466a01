//! The judge of fuzz tests in Go: courier and its reference model in one archive.
//!
//! ```text
//!  FuzzLifecycle ──bytes──► courier_oracle_run ──line──► step ──► the binding ──► courier
//!                ◄─report──                    ◄─answer──
//! ```
//!
//! The Go side is `go-harness/internal/lifecycle`. It links this archive in the place of the library, because two
//! archives of Rust would bring Rust's own library twice. The model decides which calls are made, and says of each
//! what must come of it; the lines and answers are those of [`courier_scenario::driver::go`].
//!
//! Nothing here is thread-safe: one goroutine makes all calls.
#![expect(unsafe_code, reason = "its callers are C")]

use std::ffi::{CStr, CString, c_char};
use std::slice;
use std::sync::Mutex;

use cgolab_explore::bytes::decode;
use cgolab_explore::{Driver, Stopped};
use cgolab_note::Note;
use courier::test_hooks;
use courier_core::Live;
use courier_scenario::driver::go;
use courier_scenario::fixture::Fixture;
use courier_scenario::model::Model;
use courier_scenario::op::Step;
use courier_scenario::outcome::{Observation, Outcome};
use courier_scenario::replay::Replay;
use courier_scenario::state::State;
use courier_scenario::through::{Interface, Through};
use courier_scenario::{fuzz, oracle};

/// Carries out the step in a line, and returns the answer, which `free` frees. The line lives for the call.
pub type StepFn = unsafe extern "C" fn(line: *const c_char) -> *mut c_char;

/// Files that scenarios load, until the process ends.
static FILES: Mutex<Option<Fixture>> = Mutex::new(None);

/// The setup of a player, in JSON, which `free` frees. Makes the files that scenarios load. Call it once.
#[unsafe(no_mangle)]
pub extern "C" fn courier_oracle_setup() -> *mut c_char {
    let files = Fixture::new().expect("the temporary directory takes a few files");
    let root = files.root();
    let setup = go::setup(root.to_str().expect("the temporary directory is UTF-8"));
    *FILES.lock().expect("nothing panics under this lock") = Some(files);
    // SAFETY: the function may be called at any time, and once.
    unsafe { libc::atexit(courier_oracle_end) };
    owned(&setup)
}

/// Removes the files. Go ends its programs without the functions of C for that, and calls this one.
#[unsafe(no_mangle)]
pub extern "C" fn courier_oracle_end() {
    if let Ok(mut files) = FILES.lock() {
        files.take();
    }
}

/// Has the process print its counts at its end, if [`COUNTS_VARIABLE`](fuzz::COUNTS_VARIABLE) asks for them. Call it
/// once, first.
#[unsafe(no_mangle)]
pub extern "C" fn courier_oracle_begin() {
    fuzz::count_at_exit();
}

/// Runs the scenario that these bytes are, and a teardown. Returns null if the binding does what the model says
/// and leaves nothing alive, else a report, which `free` frees.
///
/// # Safety
/// `input` points to `length` bytes, or `length` is 0. `step` does not unwind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_oracle_run(
    input: *const u8,
    length: usize,
    step: StepFn,
) -> *mut c_char {
    let input = match length {
        0 => &[],
        // SAFETY: the caller's promise.
        _ => unsafe { slice::from_raw_parts(input, length) },
    };
    let mut binding = Binding { step };
    let report = match oracle::run(&decode(input), &mut binding, |_, _| {}) {
        Ok(counts) => {
            fuzz::count(&counts);
            left().map(report)
        }
        Err(broken) => Some(broken.to_string()),
    };
    report.map_or(std::ptr::null_mut(), |report| owned(&report))
}

/// Counts one input and the contracts that the Go side has checked with it itself.
///
/// # Safety
/// `contracts` points to `length` strings that end with NUL and live as long as the process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_oracle_count(contracts: *const *const c_char, length: usize) {
    let mut counts = oracle::ContractCounts::default();
    counts.count_scenario();
    for index in 0..length {
        // SAFETY: the index is within the caller's length.
        let place = unsafe { contracts.add(index) };
        // SAFETY: the caller's promise: there are so many pointers.
        let contract = unsafe { *place };
        // SAFETY: the caller's promise.
        let contract: &'static CStr = unsafe { CStr::from_ptr(contract) };
        counts.count(&[contract.to_str().expect("an id is ASCII")]);
    }
    fuzz::count(&counts);
}

/// Returns null if courier has nothing alive, else a report, which `free` frees.
#[unsafe(no_mangle)]
pub extern "C" fn courier_oracle_left() -> *mut c_char {
    left().map_or(std::ptr::null_mut(), |live| owned(&report(live)))
}

/// The numbers of live handles, if any is alive.
fn left() -> Option<Live> {
    let live = test_hooks::live();
    (live != Live::default()).then_some(live)
}

/// The report of what a scenario has left when all was closed.
fn report(live: Live) -> String {
    let contract = match live {
        Live { requests: 1.., .. } => "REQ-05",
        _ => "HDL-01",
    };
    format!(
        "  expected: nothing is alive when all is closed\n  observed: {live:?}\n{}",
        Note::broken(contract)
    )
}

/// A text that `free` of C frees. NULs are left out.
fn owned(text: &str) -> *mut c_char {
    let text: Vec<u8> = text.bytes().filter(|byte| *byte != 0).collect();
    let text = CString::new(text).expect("it has no NUL");
    // SAFETY: a string that ends with NUL.
    let copy = unsafe { libc::strdup(text.as_ptr()) };
    assert!(!copy.is_null(), "no memory for a report");
    copy
}

/// The Go binding, on lanes that are goroutines, each locked to its thread.
struct Binding {
    step: StepFn,
}

impl Binding {
    fn carry_out(&self, step: &Step) -> Result<Observation, Stopped> {
        let line = CString::new(go::line(step)).expect("a line has no NUL");
        // SAFETY: the line lives until the call returns.
        let answer = unsafe { (self.step)(line.as_ptr()) };
        // SAFETY: the answer is a string that ends with NUL, and ours.
        let text = unsafe { CStr::from_ptr(answer) };
        let observation = go::answer(&text.to_string_lossy());
        // SAFETY: nothing borrows from it any more.
        unsafe { libc::free(answer.cast()) };
        observation
    }
}

/// The library's text about this thread's last call.
fn diagnostic() -> String {
    let view = courier::courier_last_error();
    // SAFETY: the text is this thread's until its next call, and never null.
    let text = unsafe { slice::from_raw_parts(view.data.cast::<u8>(), view.len) };
    String::from_utf8_lossy(text).into_owned()
}

impl Driver for Binding {
    type Model = Model;

    fn model(&self) -> Model {
        Model::new(Interface::Go)
    }

    fn apply(&mut self, step: Step) -> Result<Observation, Stopped> {
        let before = diagnostic();
        let observation = self.carry_out(&step)?;
        // The binding takes "there is no such object any more" for closed, and so a second destroy shows in the
        // library's own diagnostic only: of this thread, which is lane 0, and of calls that have a status.
        let after = diagnostic();
        let asked_again = step.op.is_close()
            && observation.outcome == Outcome::Done
            && !after.is_empty()
            && after != before;
        if asked_again {
            return Err(Stopped {
                contract: Some("HDL-01"),
                text: format!("the library was asked to close what is closed: {after}"),
                hung: false,
            });
        }
        Ok(observation)
    }

    /// Ids do not come out of the binding, and without them nobody can say whose state is whose.
    fn state(&self) -> Option<State> {
        None
    }

    fn is_patient(&self) -> bool {
        false
    }

    fn replay(&self) -> &'static str {
        Replay::COMMAND
    }

    fn scenario(&self, steps: &[Step]) -> String {
        Through::Go.scenario(steps)
    }
}
