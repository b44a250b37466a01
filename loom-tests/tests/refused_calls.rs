//! Calls that are refused, and what they leave: nothing. The whole state of the library is compared with
//! what it was before the call.
#![cfg(not(courier_shuttle))]

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use courier_core::sync::Arc;
use courier_core::{
    Courier, Decision, Error, HostMemory, Id, LoadOptions, RuntimeOptions, Wait, Word, WorkerKind,
};
use courier_loom::{Count, EXPIRED, Fixture, FromFn, bytes, model};

/// A call and its name.
type Call<T> = (&'static str, fn(&T) -> Result<(), Error>);

/// Every call that belongs to the owner thread, with arguments that are good.
const OWNERS: &[Call<Fixture>] = &[
    ("runtime_destroy", |f| f.courier.runtime_destroy(f.runtime)),
    ("runtime_pump", |f| {
        let pumped = f.courier.runtime_pump(f.runtime, Wait::No, 1);
        pumped.map(drop)
    }),
    ("runtime_next_wait", |f| {
        f.courier.runtime_next_wait(f.runtime).map(drop)
    }),
    ("runtime_step", |f| {
        f.courier.runtime_step(f.runtime).map(drop)
    }),
    ("runtime_drain_events", |f| {
        f.courier.runtime_drain_events(f.runtime, 9).map(drop)
    }),
    ("runtime_set_provider", |f| {
        let provider = Box::new(FromFn(|_: Id| Decision::Pass));
        f.courier.runtime_set_provider(f.runtime, provider)
    }),
    ("runtime_clear_provider", |f| {
        f.courier.runtime_clear_provider(f.runtime)
    }),
    ("runtime_set_on_work", |f| {
        f.courier.runtime_set_on_work(f.runtime, None)
    }),
    ("runtime_wake_source", |f| {
        f.courier.runtime_wake_source(f.runtime).map(drop)
    }),
    ("session_create", |f| {
        f.courier.session_create(f.runtime).map(drop)
    }),
    ("session_destroy", |f| f.courier.session_destroy(f.session)),
    ("session_load", |f| {
        let options = LoadOptions::default();
        f.courier
            .session_load(f.session, "data:,x", &options)
            .map(drop)
    }),
    ("session_cancel", |f| f.courier.session_cancel(f.session, 1)),
    ("session_attach_buffer", |f| {
        f.courier
            .session_attach_buffer(f.session, Box::new(Nowhere))
    }),
    ("session_detach_buffer", |f| {
        f.courier.session_detach_buffer(f.session).map(drop)
    }),
    ("session_snapshot", |f| {
        f.courier.session_snapshot(f.session).map(drop)
    }),
    ("session_set_surface", |f| {
        f.courier.session_set_surface(f.session, 7)
    }),
];

/// A buffer of no bytes.
struct Nowhere;

impl HostMemory for Nowhere {
    fn capacity(&self) -> usize {
        0
    }

    fn write(&mut self, _: &[u8]) {}

    fn read(&self, _: usize) -> Vec<u8> {
        Vec::new()
    }
}

/// A runtime in the middle of everything: a load that is kept and has a callback, one that nobody has
/// begun, unread events, a buffer, a provider, a wake callback. It has as many loads as it may.
#[derive(Clone)]
struct World {
    fixture: Fixture,
    /// A session without a buffer.
    bare: Id,
    kept: (u64, Id),
    completed: Id,
    cancelled: (u64, Id),
    expired: Id,
    released: Id,
}

impl World {
    fn new() -> World {
        let courier = Arc::new(Courier::new());
        let options = RuntimeOptions {
            workers: WorkerKind::Stepped,
            max_loads: NonZeroU32::MIN.saturating_add(5),
            ..RuntimeOptions::default()
        };
        let runtime = courier.runtime_create(&options).unwrap();
        let session = courier.session_create(runtime).unwrap();
        let bare = courier.session_create(runtime).unwrap();
        let fixture = Fixture {
            courier,
            runtime,
            session,
        };
        let courier = &fixture.courier;
        let (_, expired) = fixture.kept_request_of(&EXPIRED);
        let (_, completed) = fixture.kept_request();
        let cancelled = fixture.kept_request();
        let (_, released) = fixture.kept_request();
        let kept = fixture.kept_request();
        courier.request_complete(completed, bytes()).unwrap();
        courier.request_release(released).unwrap();
        assert!(fixture.cancel(cancelled.0));
        fixture.pump(Wait::No);
        fixture.load("app:x");
        fixture.provider(|_| Decision::Pass);
        fixture.on_work(|| {});
        courier
            .session_attach_buffer(session, Box::new(Nowhere))
            .unwrap();
        World {
            bare,
            kept,
            completed,
            cancelled,
            expired,
            released,
            fixture,
        }
    }

    /// Ends everything, with so many events unread.
    fn end(&self, unread: usize) {
        let courier = &self.fixture.courier;
        let events = self.fixture.events();
        assert_eq!(events.len(), unread, "{events:?}");
        courier.session_destroy(self.bare).unwrap();
        for request in [self.kept.1, self.completed, self.cancelled.1, self.expired] {
            courier.request_release(request).unwrap();
        }
        let late = self.fixture.events();
        self.fixture.end(events.into_iter().chain(late).collect());
    }
}

/// Makes the call, which is refused with `word` and changes nothing.
fn changes_nothing<T>(courier: &Courier, (name, call): Call<T>, subject: &T, word: Word) {
    let before = format!("{courier:?}");
    match call(subject) {
        Ok(()) => panic!("{name} was not refused"),
        Err(error) => assert_eq!(error.word(), word, "{name}"),
    }
    let after = format!("{courier:?}");
    assert_eq!(before, after, "{name} was refused and left something");
}

#[test]
fn thr_01_the_list_has_every_call_of_the_owner() {
    let listed: BTreeSet<&str> = OWNERS.iter().map(|(name, _)| *name).collect();
    let source = include_str!("../../runtime/src/courier.rs");
    let written = source.lines().filter_map(|line| {
        let name = line.strip_prefix("    pub fn ")?.split(['(', '<']).next()?;
        let owners = name.starts_with("runtime_") || name.starts_with("session_");
        (owners && name != "runtime_create").then_some(name)
    });
    assert_eq!(listed, written.collect());
}

#[test]
fn thr_01_hdl_02_a_call_on_a_wrong_thread_leaves_nothing() {
    for call in OWNERS {
        model(|| {
            let world = World::new();
            let peer = world.fixture.spawn(|fixture| {
                changes_nothing(&fixture.courier, *call, fixture, Word::WrongThread);
            });
            peer.join().unwrap();
            world.end(4);
        });
    }
}

#[test]
fn cbk_09_hdl_02_a_call_from_inside_a_callback_leaves_nothing() {
    let others: [Call<Fixture>; 2] = [
        ("runtime_create", |f| {
            let options = RuntimeOptions::default();
            f.courier.runtime_create(&options).map(drop)
        }),
        ("set_logger", |f| f.courier.set_logger(None)),
    ];
    for call in OWNERS.iter().copied().chain(others) {
        model(move || {
            let world = World::new();
            let done = Count::default();
            let hook = {
                let (fixture, done) = (world.fixture.clone(), done.clone());
                Box::new(move || {
                    changes_nothing(&fixture.courier, call, &fixture, Word::InsideCallback);
                    done.up();
                })
            };
            let (load, request) = world.kept;
            let courier = &world.fixture.courier;
            assert!(!courier.request_on_cancel(request, hook).unwrap());
            assert!(world.fixture.cancel(load));
            assert_eq!(done.get(), 1, "{} was not refused without trace", call.0);
            world.end(5);
        });
    }
}

/// Calls that come at the wrong moment, with the word for it.
const TOO_EARLY_OR_LATE: &[(Call<World>, Word)] = &[
    (
        ("runtime_create", |w| {
            let options = RuntimeOptions::default();
            w.fixture.courier.runtime_create(&options).map(drop)
        }),
        Word::OwnerHasRuntime,
    ),
    (
        ("runtime_create, without its root", |w| {
            let options = RuntimeOptions {
                root: Some("/nowhere/at/all".into()),
                ..RuntimeOptions::default()
            };
            w.fixture.courier.runtime_create(&options).map(drop)
        }),
        Word::BadRoot,
    ),
    (
        ("runtime_destroy", |w| {
            w.fixture.courier.runtime_destroy(w.fixture.runtime)
        }),
        Word::LiveChildren,
    ),
    (
        ("session_load", |w| {
            let (courier, session) = (&w.fixture.courier, w.fixture.session);
            courier.session_load(session, "app:x", &EXPIRED).map(drop)
        }),
        Word::QueueFull,
    ),
    (
        ("session_load, of no URL", |w| {
            let (courier, session) = (&w.fixture.courier, w.fixture.session);
            courier.session_load(session, "x", &EXPIRED).map(drop)
        }),
        Word::BadUrl,
    ),
    (
        ("session_cancel, of an ended load", |w| {
            let (courier, session) = (&w.fixture.courier, w.fixture.session);
            courier.session_cancel(session, w.cancelled.0)
        }),
        Word::LoadEnded,
    ),
    (
        ("session_cancel, of no load", |w| {
            w.fixture.courier.session_cancel(w.fixture.session, 99)
        }),
        Word::UnknownLoad,
    ),
    (
        ("session_attach_buffer", |w| {
            let (courier, session) = (&w.fixture.courier, w.fixture.session);
            courier.session_attach_buffer(session, Box::new(Nowhere))
        }),
        Word::BufferAttached,
    ),
    (
        ("session_detach_buffer", |w| {
            w.fixture.courier.session_detach_buffer(w.bare).map(drop)
        }),
        Word::NoBuffer,
    ),
    (
        ("session_snapshot", |w| {
            w.fixture.courier.session_snapshot(w.bare).map(drop)
        }),
        Word::NoBuffer,
    ),
    (
        ("request_complete, after a completion", |w| {
            w.fixture.courier.request_complete(w.completed, bytes())
        }),
        Word::Completed,
    ),
    (
        ("request_complete, after a cancel", |w| {
            w.fixture.courier.request_complete(w.cancelled.1, bytes())
        }),
        Word::Cancelled,
    ),
    (
        ("request_complete, after expiry", |w| {
            w.fixture.courier.request_complete(w.expired, bytes())
        }),
        Word::Expired,
    ),
    (
        ("request_complete, malformed, after a cancel", |w| {
            let malformed = Err(Error::new(Word::BadValue, "planted"));
            w.fixture.courier.request_complete(w.cancelled.1, malformed)
        }),
        Word::Cancelled,
    ),
    (
        ("request_complete, after a release", |w| {
            w.fixture.courier.request_complete(w.released, bytes())
        }),
        Word::Stale,
    ),
    (
        ("request_on_cancel, for the second time", |w| {
            let courier = &w.fixture.courier;
            // Takes the first place, when there is none.
            let _ = courier.request_on_cancel(w.kept.1, Box::new(|| {}));
            let before = format!("{courier:?}");
            let second = courier.request_on_cancel(w.kept.1, Box::new(|| {}));
            assert_eq!(before, format!("{courier:?}"));
            courier.request_clear_on_cancel(w.kept.1).unwrap();
            second.map(drop)
        }),
        Word::CallbackSet,
    ),
    (
        ("request_on_cancel, after a completion", |w| {
            let courier = &w.fixture.courier;
            courier
                .request_on_cancel(w.completed, Box::new(|| {}))
                .map(drop)
        }),
        Word::Completed,
    ),
    (
        ("request_release, after a release", |w| {
            w.fixture.courier.request_release(w.released)
        }),
        Word::Stale,
    ),
    (
        ("request_is_cancelled, after a release", |w| {
            w.fixture.courier.request_is_cancelled(w.released).map(drop)
        }),
        Word::Stale,
    ),
    (
        ("blob_release", |w| w.fixture.courier.blob_release(Id::NULL)),
        Word::Null,
    ),
    (
        ("wake_source_release", |w| {
            w.fixture.courier.wake_source_release(w.kept.1)
        }),
        Word::WrongKind,
    ),
];

#[test]
fn hdl_02_req_05_a_call_at_the_wrong_moment_leaves_nothing() {
    for (call, word) in TOO_EARLY_OR_LATE {
        model(|| {
            let world = World::new();
            changes_nothing(&world.fixture.courier, *call, &world, *word);
            world.end(4);
        });
    }
}
