//! The one-shot beside channels for one value.
//!
//! Ours is not a channel: it moves the right to end a load to the one who claims it. What a
//! receiver is to a channel, the owner's mailbox is to a runtime. So the rows for one thread and
//! for a stream compare the claim, and what the other side learns of it; the ping compares a wake
//! source and a parked pump.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use courier_core::oneshot::{OneShot, Winner};
use courier_core::{Courier, RuntimeOptions, Wait, WorkerKind};
use crossbeam_channel::TryRecvError;
use futures_executor::block_on;

use crate::measure::{Case, Row, Run, calls, case, timed};

/// One-shots that are handed to the other thread at once.
const BATCH: u64 = 256;

pub(crate) fn rows() -> Vec<Row> {
    let row = |name, cases: Vec<Case>| Row {
        name,
        unit: "ns/op",
        cases,
    };
    vec![
        row("Oneshot", same_thread()),
        row("OneshotStream", streamed()),
        row("OneshotPing", pings()),
    ]
}

fn same_thread() -> Vec<Case> {
    vec![
        case(
            "oneshot",
            calls(|value| {
                let (sender, receiver) = oneshot::channel();
                sender.send(value).unwrap();
                receiver.try_recv().unwrap()
            }),
        ),
        case(
            "ours",
            calls(|value| {
                // Part of its load: no allocation of its own.
                let oneshot = OneShot::new(value);
                claim(&oneshot) + learn(&oneshot)
            }),
        ),
        case(
            "ours-shared",
            calls(|value| {
                let oneshot = Arc::new(OneShot::new(value));
                let other = Arc::clone(&oneshot);
                claim(&oneshot) + learn(&other)
            }),
        ),
        case(
            "tokio",
            calls(|value| {
                let (sender, mut receiver) = tokio::sync::oneshot::channel();
                sender.send(value).unwrap();
                receiver.try_recv().unwrap()
            }),
        ),
        case(
            "futures",
            calls(|value| {
                let (sender, mut receiver) = futures_channel::oneshot::channel();
                sender.send(value).unwrap();
                receiver.try_recv().unwrap().unwrap()
            }),
        ),
        case(
            "mpsc",
            calls(|value| {
                let (sender, receiver) = mpsc::channel();
                sender.send(value).unwrap();
                receiver.try_recv().unwrap()
            }),
        ),
        case(
            "crossbeam",
            calls(|value| {
                let (sender, receiver) = crossbeam_channel::bounded(1);
                sender.send(value).unwrap();
                receiver.try_recv().unwrap()
            }),
        ),
    ]
}

// Not inlined, or the compiler sees through a one-shot that never leaves its thread.
#[inline(never)]
fn claim(oneshot: &OneShot<u64>) -> u64 {
    oneshot.claim(Winner::Provider).unwrap()
}

#[inline(never)]
fn learn(oneshot: &OneShot<u64>) -> u64 {
    oneshot.winner().unwrap() as u64
}

fn streamed() -> Vec<Case> {
    vec![
        case(
            "oneshot-spinning",
            stream(
                oneshot::channel,
                |sender| sender.send(7).unwrap(),
                |receiver| spin(|| receiver.try_recv().ok()),
            ),
        ),
        case(
            "ours-spinning",
            stream(
                || {
                    let oneshot = Arc::new(OneShot::new(7));
                    (Arc::clone(&oneshot), oneshot)
                },
                |oneshot| assert_eq!(claim(&oneshot), 7),
                |oneshot| spin(|| oneshot.winner()) as u64,
            ),
        ),
        case(
            "oneshot",
            stream(
                oneshot::channel,
                |sender| sender.send(7).unwrap(),
                |receiver| receiver.recv().unwrap(),
            ),
        ),
        case(
            "tokio",
            stream(
                tokio::sync::oneshot::channel,
                |sender| sender.send(7).unwrap(),
                |receiver| receiver.blocking_recv().unwrap(),
            ),
        ),
        case(
            "futures",
            stream(
                futures_channel::oneshot::channel,
                |sender| sender.send(7).unwrap(),
                |receiver| block_on(receiver).unwrap(),
            ),
        ),
    ]
}

/// One thread makes one-shots and receives, another one sends. A batch is on its way while the one
/// before it is received.
fn stream<S: Send + 'static, R: 'static>(
    make: fn() -> (S, R),
    send: fn(S),
    receive: fn(R) -> u64,
) -> Run {
    timed(move |count| {
        let batches = count.div_ceil(BATCH);
        let took = with_peer(
            |senders: Vec<S>| senders.into_iter().for_each(send),
            |hand_over| {
                let mut under_way: Vec<R> = Vec::new();
                for _ in 0..batches {
                    let (senders, receivers) = (0..BATCH).map(|_| make()).unzip();
                    hand_over(senders);
                    for receiver in std::mem::replace(&mut under_way, receivers) {
                        receive(receiver);
                    }
                }
                under_way.into_iter().for_each(|receiver| {
                    receive(receiver);
                });
            },
        );
        took.mul_f64(count as f64 / (batches * BATCH) as f64)
    })
}

fn pings() -> Vec<Case> {
    vec![
        case(
            "oneshot",
            ping(
                oneshot::channel,
                |sender| sender.send(7).unwrap(),
                |receiver| receiver.recv().unwrap(),
            ),
        ),
        case("ours", our_ping()),
        case(
            "tokio",
            ping(
                tokio::sync::oneshot::channel,
                |sender| sender.send(7).unwrap(),
                |receiver| receiver.blocking_recv().unwrap(),
            ),
        ),
        case(
            "mpsc",
            ping(
                mpsc::channel,
                |sender| sender.send(7).unwrap(),
                |receiver| receiver.recv().unwrap(),
            ),
        ),
    ]
}

/// The other thread spins for a sender and sends; this one blocks until that has arrived.
fn ping<S: Send + 'static, R: 'static>(
    make: fn() -> (S, R),
    send: fn(S),
    receive: fn(R) -> u64,
) -> Run {
    timed(move |count| {
        with_peer(send, |hand_over| {
            for _ in 0..count {
                let (sender, receiver) = make();
                hand_over(sender);
                receive(receiver);
            }
        })
    })
}

/// The other thread signals the runtime's wake source; this one is its owner, parked in a pump.
/// That includes what a pump does besides: handle, thread, deadlines, queue.
fn our_ping() -> Run {
    timed(|count| {
        let courier = Courier::new();
        let runtime = courier
            .runtime_create(&RuntimeOptions {
                workers: WorkerKind::Stepped,
                ..RuntimeOptions::default()
            })
            .unwrap();
        let source = courier.runtime_wake_source(runtime).unwrap();
        let took = with_peer(
            |()| courier.wake_source_signal(source).unwrap(),
            |hand_over| {
                for _ in 0..count {
                    hand_over(());
                    courier
                        .runtime_pump(runtime, Wait::Forever, usize::MAX)
                        .unwrap();
                }
            },
        );
        courier.wake_source_release(source).unwrap();
        courier.runtime_destroy(runtime).unwrap();
        took
    })
}

/// Runs `own` beside a thread that spins for what it is handed and gives it to `peer`. Returns how
/// long `own` took.
fn with_peer<T: Send>(peer: impl Fn(T) + Send, own: impl FnOnce(&dyn Fn(T))) -> Duration {
    let (there, here) = crossbeam_channel::bounded(4);
    thread::scope(|scope| {
        let ready = &mpsc::channel();
        let started = ready.0.clone();
        scope.spawn(move || {
            started.send(()).unwrap();
            loop {
                match here.try_recv() {
                    Ok(work) => peer(work),
                    Err(TryRecvError::Empty) => spin_loop(),
                    Err(TryRecvError::Disconnected) => return,
                }
            }
        });
        ready.1.recv().unwrap();
        let start = Instant::now();
        own(&move |work| there.send(work).expect("the peer takes all"));
        start.elapsed()
    })
}

fn spin<R>(mut attempt: impl FnMut() -> Option<R>) -> R {
    loop {
        match attempt() {
            Some(result) => return result,
            None => spin_loop(),
        }
    }
}
