//! The handle tables: use against release, and release against reuse.
#![cfg(not(courier_shuttle))]

use courier_core::{Wait, Word};
use courier_loom::{Count, Fixture, bytes, model};

#[test]
fn hdl_10_a_read_against_a_release_sees_all_bytes_or_a_stale_handle() {
    model(|| {
        let fixture = Fixture::new();
        let blob = fixture.blob();
        let peer = fixture.spawn(move |fixture| fixture.courier.blob_release(blob).unwrap());
        match fixture.courier.blob_read(blob, <[u8]>::to_vec) {
            Ok(bytes) => assert_eq!(bytes, b"bytes"),
            Err(error) => assert_eq!(error.word(), Word::Stale),
        }
        peer.join().unwrap();
        assert_eq!(fixture.courier.live().blobs, 0);
    });
}

#[test]
fn hdl_05_an_old_id_against_reuse_of_its_slot_never_reaches_the_new_object() {
    model(|| {
        let fixture = Fixture::new();
        let old = fixture.wake_source();
        let peer = fixture.spawn(move |fixture| {
            for _ in 0..2 {
                // Wins or loses against the release below, and must never release the new one.
                if let Err(error) = fixture.courier.wake_source_release(old) {
                    assert_eq!(error.word(), Word::Stale);
                }
            }
        });
        let _ = fixture.courier.wake_source_release(old);
        let new = fixture.wake_source();
        peer.join().unwrap();
        fixture.courier.wake_source_signal(new).unwrap();
        assert_eq!(fixture.courier.live().wake_sources, 1);
    });
}

#[test]
fn hdl_08_of_two_releases_of_a_blob_one_wins() {
    model(|| {
        let fixture = Fixture::new();
        let blob = fixture.blob();
        let won = Count::default();
        let release = {
            let won = won.clone();
            move |fixture: &Fixture| {
                won.up_if_won(fixture.courier.blob_release(blob), Word::Stale);
            }
        };
        let peer = fixture.spawn(release.clone());
        release(&fixture);
        peer.join().unwrap();
        assert_eq!(won.get(), 1);
        fixture.end(Vec::new());
    });
}

#[test]
fn hdl_03_a_refused_destroy_consumes_nothing_while_the_session_is_in_use() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        let peer = fixture.spawn(move |fixture| {
            // Refused, and no child that the runtime would count.
            let error = fixture.courier.session_create(fixture.runtime).unwrap_err();
            assert_eq!(error.word(), Word::WrongThread);
            fixture.courier.request_complete(request, bytes()).unwrap();
            fixture.courier.request_release(request).unwrap();
        });
        let error = fixture
            .courier
            .runtime_destroy(fixture.runtime)
            .unwrap_err();
        assert_eq!(error.word(), Word::LiveChildren);
        assert_eq!(fixture.pump(Wait::Forever), 1);
        peer.join().unwrap();
        fixture.end(fixture.events());
    });
}

/// Slots of `last` objects each: no id comes twice while a peer and the owner release, insert and
/// use an old id.
fn no_id_comes_twice(last: u32) {
    let fixture = Fixture::with_last_generation(last);
    let old = fixture.wake_source();
    let peer = fixture.spawn(move |fixture| {
        let _ = fixture.courier.wake_source_release(old);
        let error = fixture.courier.wake_source_signal(old).unwrap_err();
        assert_eq!(error.word(), Word::Stale);
    });
    let _ = fixture.courier.wake_source_release(old);
    let mut issued = vec![old];
    for _ in 0..2 {
        let next = fixture.wake_source();
        assert!(!issued.contains(&next), "{next:?} was issued twice");
        assert!(next.generation() <= Some(last), "{next:?} is past the last");
        issued.push(next);
        fixture.courier.wake_source_release(next).unwrap();
    }
    peer.join().unwrap();
    fixture.end(Vec::new());
}

#[test]
fn hdl_14_a_slot_of_one_object_retires_at_its_release() {
    model(|| no_id_comes_twice(1));
}

#[test]
fn hdl_14_a_slot_of_two_objects_is_reused_once() {
    model(|| no_id_comes_twice(2));
}
