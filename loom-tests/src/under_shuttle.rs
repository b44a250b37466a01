//! Models under shuttle: random schedules, counted.

use std::env;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use cgolab_note::{Model, Note};
use courier_core::sync::STACK_SIZE;
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, Runner};

/// The number of schedules of each scheduler, unless `COURIER_SHUTTLE_ITERATIONS` gives another one.
const ITERATIONS: usize = 2_000;
/// The seed of the random numbers, unless `COURIER_SHUTTLE_SEED` gives another one.
const SEED: u64 = 1;
/// The number of preemptions that the second scheduler places.
const DEPTH: usize = 3;
/// Variable with a schedule to run instead, as printed by an earlier run.
const REPLAY: &str = "COURIER_SHUTTLE_REPLAY";

/// Runs random schedules of the model. In half of them every step is drawn, which mixes threads well. In the
/// others threads have priorities and are preempted a few times, which finds bugs that need one thread to be
/// very late. Prints the number of schedules, and their seed.
///
/// # Panics
/// When some schedule does, or deadlocks.
pub fn model(body: impl Fn() + Send + Sync + 'static) {
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
