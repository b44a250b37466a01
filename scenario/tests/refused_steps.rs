//! Steps that the system refuses, each one once, as a host in C hears of it: the call says why, and writes nothing.
//! What else a refused step leaves is seen by `loom-tests/tests/refused_steps.rs`.
#![expect(unsafe_code, reason = "it is a C program, written in Rust")]

use std::ffi::CString;

use courier::*;
use courier_core::Live;
use courier_core::sync::refusal::refuse;

/// The diagnostics of the calls that were refused, in order.
#[derive(Default)]
struct Refusals(Vec<String>);

impl Refusals {
    /// The handle that a call has made, or nothing: then the place for it is as it was.
    fn made(&mut self, create: impl FnOnce(*mut u64) -> courier_status) -> Option<u64> {
        let mut handle = 0;
        let status = create(&mut handle);
        if status == COURIER_OK {
            assert_ne!(handle, 0);
            return Some(handle);
        }
        assert_eq!(handle, 0, "a refused call has written");
        self.0.push(diagnostic());
        None
    }

    /// A life with every call that makes a handle. Ends what it began.
    fn live(&mut self, options: &courier_runtime_options) {
        // SAFETY: the options are whole, and the root in them is a string that lives longer.
        let created = self.made(|out| unsafe { courier_runtime_create(options, out) });
        let Some(runtime) = created else { return };
        // SAFETY: of here and below: the place is a number's.
        let session = self.made(|out| unsafe { courier_session_create(runtime, out) });
        if let Some(session) = session {
            let mut buffer = [0; 8];
            // SAFETY: the buffer outlives the session.
            let attached =
                unsafe { courier_session_attach_buffer(session, buffer.as_mut_ptr(), 8) };
            assert_eq!(attached, COURIER_OK);
            // SAFETY: see above.
            let blob = self.made(|out| unsafe { courier_session_snapshot(session, out) });
            if let Some(blob) = blob {
                courier_blob_release(blob);
            }
            assert_eq!(courier_session_destroy(session), COURIER_OK);
        }
        // SAFETY: see above.
        let source = self.made(|out| unsafe { courier_runtime_wake_source(runtime, out) });
        if let Some(source) = source {
            courier_wake_source_release(source);
        }
        assert_eq!(courier_runtime_destroy(runtime), COURIER_OK);
    }
}

fn diagnostic() -> String {
    let view = courier_last_error();
    // SAFETY: the library lends the text until this thread's next call.
    let bytes = unsafe { std::slice::from_raw_parts(view.data.cast::<u8>(), view.len) };
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Refuses each step of a life once. Returns the words that were told.
fn words(workers: courier_workers) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    let path = CString::new(root.path().as_os_str().as_encoded_bytes()).unwrap();
    let options = courier_runtime_options {
        size: size_of::<courier_runtime_options>() as u32,
        workers,
        worker_threads: 2,
        max_loads: 1,
        root: path.as_ptr(),
    };
    let mut words = Vec::new();
    for nth in 1..100 {
        let mut refusals = Refusals::default();
        let plan = refuse(nth);
        refusals.live(&options);
        let step = plan.refused();
        drop(plan);
        assert_eq!(test_hooks::live(), Live::default(), "step {nth}, {step:?}");
        let Some(step) = step else {
            // Nor does a plan that was not reached outlive itself.
            refusals.live(&options);
            assert_eq!(refusals.0, [""; 0]);
            return words;
        };
        let [text] = &refusals.0[..] else {
            panic!("step {nth}, {step:?}: told {:?}", refusals.0);
        };
        let word = text.split_inclusive(']').next().unwrap_or_default();
        words.push(word.to_owned());
    }
    unreachable!("a life has an end")
}

/// One test: the plan and the library are the process's.
#[test]
fn a_refused_step_is_told_to_c_and_nothing_is_written() {
    const NO_HANDLE: &str = "[exhausted]";
    let handles = [NO_HANDLE; 4];
    let bad_root = ["[bad-root]"; 2];
    assert_eq!(
        words(COURIER_WORKERS_STEPPED),
        [&bad_root[..], &handles].concat()
    );
    assert_eq!(
        words(COURIER_WORKERS_THREADS),
        [&bad_root[..], &["[system]"; 2], &handles].concat()
    );
}
