//! The retained buffer: a completion that writes to it, against all that takes it away.
#![cfg(not(courier_shuttle))]

use courier_core::sync::Arc;
use courier_core::{EventKind, HostMemory, Id};
use courier_loom::{Fixture, Watch, bytes, model};

/// Memory that knows when it is written to.
#[derive(Debug)]
struct Watched {
    watch: Arc<Watch>,
    bytes: Vec<u8>,
}

impl HostMemory for Watched {
    fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    fn write(&mut self, bytes: &[u8]) {
        // In two steps, between which the watch lets others run.
        self.bytes.clear();
        self.watch.call();
        self.bytes.extend_from_slice(bytes);
    }

    fn read(&self, len: usize) -> Vec<u8> {
        self.bytes[..len].to_vec()
    }
}

fn attach(fixture: &Fixture) -> Arc<Watch> {
    let watch = Watch::new();
    let memory = Watched {
        watch: Arc::clone(&watch),
        bytes: Vec::with_capacity(5),
    };
    fixture
        .courier
        .session_attach_buffer(fixture.session, Box::new(memory))
        .unwrap();
    watch
}

/// Completes the request, which writes, on a peer thread.
fn write(fixture: &Fixture, request: Id) -> courier_core::sync::thread::JoinHandle<()> {
    fixture.spawn(move |fixture| {
        // Cancelled if the model ends the session.
        let _ = fixture.courier.request_complete(request, bytes());
        fixture.courier.request_release(request).unwrap();
    })
}

#[test]
fn val_13_detaching_waits_for_a_write_and_none_comes_later() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        let watch = attach(&fixture);
        let peer = write(&fixture, request);
        fixture
            .courier
            .session_detach_buffer(fixture.session)
            .unwrap();
        watch.quiet();
        peer.join().unwrap();
        assert!(watch.calls() <= 1);
        fixture.end(fixture.events());
    });
}

#[test]
fn val_13_the_end_of_the_session_detaches() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        let watch = attach(&fixture);
        let peer = write(&fixture, request);
        fixture.courier.session_destroy(fixture.session).unwrap();
        watch.quiet();
        assert_eq!(Arc::strong_count(&watch), 1, "kept after the detach");
        peer.join().unwrap();
        assert!(watch.calls() <= 1);
        fixture.end(Vec::new());
    });
}

#[test]
fn val_13_a_write_goes_to_one_buffer_when_the_next_takes_its_place() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        let first = attach(&fixture);
        let peer = write(&fixture, request);
        fixture
            .courier
            .session_detach_buffer(fixture.session)
            .unwrap();
        first.quiet();
        let second = attach(&fixture);
        peer.join().unwrap();
        assert!(first.calls() + second.calls() <= 1);
        fixture
            .courier
            .session_detach_buffer(fixture.session)
            .unwrap();
        fixture.end(fixture.events());
    });
}

#[test]
fn val_13_a_snapshot_sees_a_whole_write_or_none() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        attach(&fixture);
        let peer = write(&fixture, request);
        let blob = fixture.courier.session_snapshot(fixture.session).unwrap();
        let seen = fixture.courier.blob_read(blob, <[u8]>::to_vec).unwrap();
        assert!(seen.is_empty() || seen == b"bytes", "{seen:?}");
        fixture.courier.blob_release(blob).unwrap();
        peer.join().unwrap();
        let events = fixture.events();
        assert!(matches!(events[0].kind, EventKind::Completed(_)));
        fixture.end(events);
    });
}
