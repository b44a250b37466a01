//! One function that needs what two static libraries could quarrel over: allocator, threads, unwinding.

use std::collections::HashMap;
use std::sync::mpsc;
use std::thread;

/// Adds 1, 2 and 3 by way of three threads, while a fourth one panics. 0 if the panic got lost.
#[unsafe(no_mangle)]
pub extern "C" fn second_archive_check() -> u32 {
    let panics = thread::Builder::new().spawn(|| std::panic::resume_unwind(Box::new("contained")));
    let (sender, receiver) = mpsc::channel();
    for number in 1..=3 {
        let sender = sender.clone();
        thread::spawn(move || sender.send((number, number)));
    }
    drop(sender);
    let numbers: HashMap<u32, u32> = receiver.into_iter().collect();
    match panics.map(thread::JoinHandle::join) {
        Ok(Err(_)) => numbers.into_values().sum(),
        _ => 0,
    }
}
