//! Models under loom: all schedules, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cgolab_note::{Model, Note};
use courier_core::sync::{inject_spurious_wake_ups, let_time_pass};

/// The number of preemptions that a schedule may have, unless `COURIER_LOOM_BOUND` gives another one, or
/// `none`.
const BOUND: usize = 2;
/// The number of executions after which a model is cut off, unless `COURIER_LOOM_LIMIT` gives another one.
const LIMIT: usize = 400_000;
/// The number of executions after which loom looks at its limits again.
const CHECKPOINT: usize = 1_000;

/// Checks every schedule of the model within the bound, without and with spurious wake-ups. Prints the
/// number of schedules, and whether the model is complete.
///
/// # Panics
/// When some schedule does, deadlocks, races on a cell, or leaks an `Arc`.
pub fn model(body: impl Fn() + Send + Sync + 'static) {
    check(false, body);
}

/// The same as [`model`], with waits that reach their time limit.
///
/// # Panics
/// Those of [`model`].
pub fn timed_model(body: impl Fn() + Send + Sync + 'static) {
    check(true, body);
}

fn check(time_passes: bool, body: impl Fn() + Send + Sync + 'static) {
    let_time_pass(time_passes);
    let bound = match std::env::var("COURIER_LOOM_BOUND") {
        Err(_) => Some(BOUND),
        Ok(text) if text == "none" => None,
        Ok(text) => Some(number("COURIER_LOOM_BOUND", &text)),
    };
    let limit = match std::env::var("COURIER_LOOM_LIMIT") {
        Err(_) => LIMIT,
        Ok(text) => number("COURIER_LOOM_LIMIT", &text),
    };
    let body = Arc::new(body);
    let mut executions = 0;
    let mut complete = true;
    for spurious in [false, true] {
        inject_spurious_wake_ups(spurious);
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = bound;
        builder.checkpoint_interval = CHECKPOINT;
        builder.max_permutations = Some(limit);
        builder.max_duration = None;
        let count = Arc::new(AtomicUsize::new(0));
        let (counter, body) = (Arc::clone(&count), Arc::clone(&body));
        builder.check(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            body();
        });
        let count = count.load(Ordering::Relaxed);
        executions += count;
        complete &= count < limit;
    }
    println!("{}", Note::Executions(executions as u64));
    let bound = bound.map(|bound| bound as u64);
    let model = if complete {
        Model::Complete { bound }
    } else {
        Model::CutOff { bound }
    };
    println!("{}", Note::Model(model));
}

fn number(name: &str, text: &str) -> usize {
    text.parse()
        .unwrap_or_else(|_| panic!("{name} is {text:?}; it takes a whole number"))
}
