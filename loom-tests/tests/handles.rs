//! The handle tables: use against release, and release against reuse.

use courier_core::Word;
use courier_core::{EventKind, Id};
use courier_loom::{Fixture, bytes, model};

/// A blob with five bytes.
fn blob(fixture: &Fixture) -> Id {
    let (_, request) = fixture.kept_request();
    fixture.courier.request_complete(request, bytes()).unwrap();
    fixture.courier.request_release(request).unwrap();
    match fixture.events()[0].kind {
        EventKind::Completed(blob) => blob,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn hdl_10_a_read_against_a_release_sees_all_bytes_or_a_stale_handle() {
    model(|| {
        let fixture = Fixture::new();
        let blob = blob(&fixture);
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
        let old = fixture
            .courier
            .runtime_wake_source(fixture.runtime)
            .unwrap();
        let peer = fixture.spawn(move |fixture| {
            for _ in 0..2 {
                // Wins or loses against the release below, and must never release the new one.
                if let Err(error) = fixture.courier.wake_source_release(old) {
                    assert_eq!(error.word(), Word::Stale);
                }
            }
        });
        let _ = fixture.courier.wake_source_release(old);
        let new = fixture
            .courier
            .runtime_wake_source(fixture.runtime)
            .unwrap();
        peer.join().unwrap();
        fixture.courier.wake_source_signal(new).unwrap();
        assert_eq!(fixture.courier.live().wake_sources, 1);
    });
}

#[test]
fn hdl_08_of_two_releases_of_a_blob_one_wins() {
    model(|| {
        let fixture = Fixture::new();
        let blob = blob(&fixture);
        let peer = fixture.spawn(move |fixture| {
            if let Err(error) = fixture.courier.blob_release(blob) {
                assert_eq!(error.word(), Word::Stale);
            } else {
                let again = fixture.courier.blob_release(blob).unwrap_err();
                assert_eq!(again.word(), Word::Stale);
            }
        });
        let _ = fixture.courier.blob_release(blob);
        peer.join().unwrap();
        assert_eq!(fixture.courier.live().blobs, 0);
    });
}
