//! Bodies of the libFuzzer targets: decode, run through the C ABI, judge.
#![expect(
    unsafe_code,
    reason = "libc::atexit, to print the counts when libFuzzer ends the process"
)]

use std::cell::RefCell;
use std::fmt::Display;
use std::sync::{LazyLock, Mutex};

use cgolab_explore::bytes::{decode, encode};
use cgolab_explore::{Generator, Model as _};

use crate::driver::AbiDriver;
use crate::hostile::Target;
use crate::model::Model;
use crate::op::{Op, Step};
use crate::oracle::{self, ContractCounts, Disagreement};
use crate::through::Interface;

/// With this variable set, the process prints at its end which contracts it has checked, and how often.
pub const COUNTS_VARIABLE: &str = "CGOLAB_COUNTS";

/// A benchmark names in this variable what is switched off, with commas between: see [`Part`].
pub const WITHOUT_VARIABLE: &str = "CGOLAB_FUZZ_WITHOUT";

/// A part of the targets of scenarios that a benchmark measures by switching it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// One thread plays all lanes; without, they are threads of the system.
    PlayedThreads,
    /// Changes and crossings are made operation by operation; without, byte by byte.
    Mutator,
}

impl Part {
    /// All parts.
    pub const ALL: [Part; 2] = [Part::PlayedThreads, Part::Mutator];

    /// Its name in the variable.
    pub fn name(self) -> &'static str {
        match self {
            Part::PlayedThreads => "played-threads",
            Part::Mutator => "mutator",
        }
    }

    fn is_on(self) -> bool {
        !WITHOUT.contains(&self)
    }
}

static WITHOUT: LazyLock<Vec<Part>> = LazyLock::new(|| {
    let names = std::env::var(WITHOUT_VARIABLE).unwrap_or_default();
    let part = |name: &str| {
        let known = Part::ALL.into_iter().find(|part| part.name() == name);
        known.unwrap_or_else(|| panic!("{WITHOUT_VARIABLE}: {name:?} is no part"))
    };
    names
        .split(',')
        .filter(|name| !name.is_empty())
        .map(part)
        .collect()
});

static COUNTS: Mutex<Option<ContractCounts>> = Mutex::new(None);

thread_local! {
    /// libFuzzer calls on one thread. Files are kept from input to input.
    static DRIVER: RefCell<AbiDriver> = RefCell::new(match Part::PlayedThreads.is_on() {
        true => AbiDriver::new(),
        false => AbiDriver::on_threads(),
    });
}

/// Prepares the process. Call it once, first.
pub fn init() {
    // libfuzzer-sys aborts in its panic hook, also for a panic that the library contains. Those are
    // judged by what they become; a panic that nobody contains still ends the process.
    drop(std::panic::take_hook());
    count_at_exit();
    for part in WITHOUT.iter() {
        eprintln!("without {}", part.name());
    }
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

/// Changes a scenario, as libFuzzer asks: `data` has room for `most` bytes, of which `size` are the scenario. Gives the
/// size of the new one. `of_libfuzzer` are the changes that libFuzzer makes itself.
pub fn mutate(
    data: &mut [u8],
    size: usize,
    most: usize,
    seed: u32,
    of_libfuzzer: fn(&mut [u8], usize, usize) -> usize,
) -> usize {
    // libFuzzer's own find operands that nothing here thinks of, such as those of older versions.
    if !Part::Mutator.is_on() || seed.is_multiple_of(16) {
        return of_libfuzzer(data, size, most);
    }
    let mut steps: Vec<Step> = decode(&data[..size]);
    Generator::new(seed.into()).mutate(&mut steps, &Model::new(Interface::C));
    write(&steps, &mut data[..most])
}

/// Writes the beginning of one scenario and the end of another to `out`, and gives the size: 0 has libFuzzer choose
/// another change.
pub fn cross(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    if !Part::Mutator.is_on() {
        return 0;
    }
    let steps = Generator::new(seed.into()).cross::<Op>(&decode(one), &decode(other));
    write(&steps, out)
}

/// Writes as many steps as there is room for.
fn write(steps: &[Step], out: &mut [u8]) -> usize {
    let mut bytes = encode(steps);
    // A record that is cut off is none.
    bytes.truncate(out.len());
    out[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands for libFuzzer's own changes: what it gives is seen in the size.
    fn none(_: &mut [u8], _: usize, most: usize) -> usize {
        most
    }

    /// From nothing to scenarios that do something, within the room that there is.
    #[test]
    fn changes_lead_to_calls_that_are_accepted() {
        let mut data = [0; 200];
        let mut size = 0;
        let mut accepted = 0;
        for seed in (1..2000).filter(|seed| seed % 16 != 0) {
            size = mutate(&mut data, size, 150, seed, none);
            assert!((1..=150).contains(&size), "{size}");
            let steps: Vec<Step> = decode(&data[..size]);
            accepted = accepted.max(oracle::without_refusals(&steps).len());
        }
        assert!(accepted > 15, "{accepted}");
        assert_eq!(mutate(&mut data, size, 7, 32, none), 7);
    }

    #[test]
    fn a_crossing_has_room_for_what_it_writes() {
        let steps = Generator::new(1).hostile::<Op>(9);
        let (one, mut out) = (encode(&steps), [0; 30]);
        for seed in 0..50 {
            let size = cross(&one, &one, &mut out, seed);
            assert!((1..=30).contains(&size));
            assert!(
                decode::<Op>(&out[..size])
                    .iter()
                    .all(|step| steps.contains(step))
            );
        }
    }
}
