//! Bodies of the libFuzzer targets: decode, run through the C ABI, judge.
#![expect(
    unsafe_code,
    reason = "libc::atexit, to print the counts when libFuzzer ends the process"
)]

use std::cell::RefCell;
use std::fmt::Display;
use std::sync::Mutex;

use cgolab_explore::Model as _;
use cgolab_explore::bytes::decode;

use crate::driver::AbiDriver;
use crate::hostile::Target;
use crate::model::Model;
use crate::op::Step;
use crate::oracle::{self, ContractCounts, Disagreement};

/// With this variable set, the process prints at its end which contracts it has checked, and how often.
pub const COUNTS_VARIABLE: &str = "CGOLAB_COUNTS";

static COUNTS: Mutex<Option<ContractCounts>> = Mutex::new(None);

thread_local! {
    /// libFuzzer calls on one thread, which is lane 0: threads and files are kept from input to input.
    static DRIVER: RefCell<AbiDriver> = RefCell::new(AbiDriver::new());
}

/// Prepares the process. Call it once, first.
pub fn init() {
    // libfuzzer-sys aborts in its panic hook, also for a panic that the library contains. Those are
    // judged by what they become; a panic that nobody contains still ends the process.
    drop(std::panic::take_hook());
    count_at_exit();
}

/// Counts what is checked, if the process is asked for it. Call it once, first.
pub fn count_at_exit() {
    if std::env::var_os(COUNTS_VARIABLE).is_some() {
        *COUNTS.lock().expect("nothing panics under this lock") = Some(ContractCounts::default());
        // SAFETY: the function may be called at any time, and once.
        unsafe { libc::atexit(print_counts) };
    }
}

/// Adds the counts of an input that broke nothing.
pub fn count(checked: &ContractCounts) {
    if let Some(counts) = &mut *COUNTS.lock().expect("nothing panics under this lock") {
        counts.add(checked);
    }
}

extern "C" fn print_counts() {
    if let Ok(counts) = COUNTS.lock()
        && let Some(counts) = &*counts
    {
        eprint!("{counts}");
    }
}

/// Runs one scenario from a clean state: any calls, each with the result that the model says.
pub fn request_lifecycle(input: &[u8]) {
    judge(scenario(&decode(input)));
}

/// Runs the part of a scenario in which every call is a good one: no error may occur.
pub fn valid_lifecycle(input: &[u8]) {
    judge(scenario(&oracle::without_refusals(&decode(input))));
}

/// Runs hostile calls from a clean state.
pub fn hostile(target: Target, input: &[u8]) {
    judge(target(input));
}

fn scenario(steps: &[Step]) -> Result<ContractCounts, Box<Disagreement>> {
    DRIVER.with_borrow_mut(|driver| {
        driver.reset();
        oracle::run(steps, driver, |_, _| {})
    })
}

/// Prints a report and aborts when a contract is broken.
fn judge(result: Result<ContractCounts, impl Display>) {
    match result {
        Ok(checked) => count(&checked),
        Err(broken) => {
            eprintln!("{broken}");
            std::process::abort();
        }
    }
}

/// The model's part of [`request_lifecycle`], without the library: a measure for its speed.
pub fn request_model(input: &[u8]) {
    let mut model = Model::default();
    for step in decode(input) {
        let step = model.settle(step, true).step;
        std::hint::black_box(model.apply(step));
    }
    for step in model.teardown() {
        std::hint::black_box(model.apply(step));
    }
}
