//! With shuttle: random schedules, counted.

use std::env;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use cgolab_note::{Model, Note};
use courier_core::sync::STACK_SIZE;
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, Runner};

/// Schedules of each scheduler, unless `COURIER_SHUTTLE_ITERATIONS` says otherwise.
const ITERATIONS: usize = 2_000;
/// The seed of the random numbers, unless `COURIER_SHUTTLE_SEED` says otherwise.
const SEED: u64 = 1;
/// Preemptions that the second scheduler places.
const DEPTH: usize = 3;
/// The schedule to run instead, as an earlier run printed it.
const REPLAY: &str = "COURIER_SHUTTLE_REPLAY";

/// Tries random schedules of `body`: some in which every step is drawn, which mix threads well, and
/// as many in which threads have priorities and are preempted a few times, which finds what needs
/// one thread to be very late. Prints how many there were, and their seed.
///
/// # Panics
/// When some schedule does, or deadlocks.
pub fn explore(body: impl Fn() + Send + Sync + 'static) {
    let body = Arc::new(body);
    if let Ok(schedule) = env::var(REPLAY) {
        run(ReplayScheduler::new_from_encoded(schedule.trim()), &body);
        return;
    }
    let seed = number("COURIER_SHUTTLE_SEED", SEED);
    let iterations = number("COURIER_SHUTTLE_ITERATIONS", ITERATIONS);
    // First, because a schedule that fails ends the test.
    println!("{}", Note::Model(Model::Sampled { seed }));
    let drawn = run(RandomScheduler::new_from_seed(seed, iterations), &body);
    let placed = run(PctScheduler::new_from_seed(seed, DEPTH, iterations), &body);
    println!("{}", Note::Executions((drawn + placed) as u64));
}

fn run(
    scheduler: impl Scheduler + 'static,
    body: &Arc<impl Fn() + Send + Sync + 'static>,
) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK_SIZE;
    // That its atomics are sequentially consistent is known here.
    config.silence_warnings = true;
    // A panic while another one unwinds would end the process before the schedule is seen.
    config
        .ungraceful_shutdown_config
        .immediately_return_on_panic = true;
    let body = Arc::clone(body);
    Runner::new(scheduler, config).run(move || body())
}

fn number<N: FromStr + Display>(name: &str, default: N) -> N {
    match env::var(name) {
        Err(_) => default,
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is {text:?}; it takes a whole number")),
    }
}
