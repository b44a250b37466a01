//! The library's public API: all handle tables, and all calls by id.

use std::collections::HashSet;

use url::Url;

use crate::cancel_hook::{OnCancel, Waits};
use crate::error::{Error, Word};
use crate::event::{Event, EventKind};
use crate::id::{Id, Kind};
use crate::job::Job;
use crate::load::Load;
use crate::loader::Loader;
use crate::log::{Level, Log, Logger};
use crate::mailbox::Wait;
use crate::oneshot::Winner;
use crate::outcome::{Ended, Failed, Failure, Outcome};
use crate::owner_notifier::{OnWork, OwnerNotifier};
use crate::provider::Provider;
use crate::request::{Request, Response};
use crate::retained_buffer::HostMemory;
use crate::runtime::{QueuedEvent, Runtime, RuntimeOptions};
use crate::session::{self, LoadOptions, Session};
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Arc, Mutex, now};
use crate::table::Table;
use crate::upcall;

/// An instance of the library. The C ABI has one for the process; tests make their own.
///
/// Methods that say *owner thread* are refused elsewhere with [`Word::WrongThread`], and from inside
/// a provider call with [`Word::InsideCallback`]. The others may be called on any thread. Every
/// method refuses ids that are null, malformed, of another kind, never issued or stale.
#[derive(Debug)]
pub struct Courier {
    pub(crate) runtimes: Table<Runtime>,
    pub(crate) sessions: Table<Session>,
    /// The requests; shared with the workers, which create them.
    pub(crate) requests: Arc<Table<Request>>,
    blobs: Table<Vec<u8>>,
    wake_sources: Table<WakeSource>,
    owners: Mutex<HashSet<ThreadId>>,
    pub(crate) log: Arc<Log>,
    /// The waits for cancellation callbacks of all loads.
    waits: Arc<Waits>,
}

/// A wake source. It keeps the notifier alive after its runtime, so that a late signal is harmless.
#[derive(Debug)]
struct WakeSource(Arc<OwnerNotifier>);

/// The numbers of live handles of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Runtimes.
    pub runtimes: usize,
    /// Sessions.
    pub sessions: usize,
    /// Requests held by providers.
    pub requests: usize,
    /// Blobs.
    pub blobs: usize,
    /// Wake sources.
    pub wake_sources: usize,
}

impl Default for Courier {
    fn default() -> Self {
        Courier::new()
    }
}

impl Courier {
    /// An instance without handles.
    pub fn new() -> Courier {
        Courier::with_last_generation(u32::MAX)
    }

    /// An instance whose slots retire after `last_generation` objects, for tests of retirement.
    pub fn with_last_generation(last_generation: u32) -> Courier {
        Courier {
            runtimes: Table::new(Kind::Runtime, last_generation),
            sessions: Table::new(Kind::Session, last_generation),
            requests: Arc::new(Table::new(Kind::Request, last_generation)),
            blobs: Table::new(Kind::Blob, last_generation),
            wake_sources: Table::new(Kind::WakeSource, last_generation),
            owners: Mutex::new(HashSet::new()),
            log: Arc::new(Log::new()),
            waits: Arc::new(Waits::new()),
        }
    }

    /// Counts the live handles. Any thread; exact when no other call is running.
    pub fn live(&self) -> Live {
        Live {
            runtimes: self.runtimes.live(),
            sessions: self.sessions.live(),
            requests: self.requests.live(),
            blobs: self.blobs.live(),
            wake_sources: self.wake_sources.live(),
        }
    }

    /// Clears the logger and forgets every id that was ever issued, so that a harness can repeat a test
    /// from the start in one process. Does nothing and returns `false` if something is live. Not for hosts:
    /// ids that they still hold would name new objects.
    pub fn reset(&self) -> bool {
        if self.live() != Live::default() {
            return false;
        }
        self.log.replace(None);
        self.runtimes.forget();
        self.sessions.forget();
        self.requests.forget();
        self.blobs.forget();
        self.wake_sources.forget();
        true
    }

    /// The same as [`reset`](Self::reset), after releasing everything that is live, so that a harness can go
    /// on after an interrupted test. No call may be running.
    pub fn force_reset(&self) {
        self.requests.abandon();
        self.sessions.abandon();
        self.runtimes.abandon();
        self.wake_sources.abandon();
        self.blobs.abandon();
        self.owners.lock().clear();
        assert!(self.reset(), "a harness lets no call run meanwhile");
    }

    // ---- the log -------------------------------------------------------------------------------

    /// Installs a logger for records up to `limit`, replaces the one there is, or (with `None`) clears
    /// it. Returns when no call of the old one runs any more, and the old one has been dropped. Any
    /// thread.
    ///
    /// # Errors
    /// [`Word::InsideCallback`] from inside a callback, because the call may have to wait for that callback.
    pub fn set_logger(&self, logger: Option<(Level, Box<dyn Logger>)>) -> Result<(), Error> {
        upcall::refuse_inside()?;
        self.log.replace(logger);
        Ok(())
    }

    // ---- runtimes ------------------------------------------------------------------------------

    /// Creates a runtime and makes the calling thread its owner.
    ///
    /// # Errors
    /// [`Word::BadRoot`]; [`Word::InsideCallback`]; [`Word::OwnerHasRuntime`]; [`Word::System`] when
    /// threads cannot start.
    pub fn runtime_create(&self, options: &RuntimeOptions) -> Result<Id, Error> {
        let loader = Loader::open(options.root.as_deref())?;
        // A worker thread that became an owner would end with its runtime still there.
        upcall::refuse_inside()?;
        let me = thread::current_id();
        if !self.owners.lock().insert(me) {
            return Err(Error::new(
                Word::OwnerHasRuntime,
                "this thread owns a live runtime",
            ));
        }
        let requests = Arc::clone(&self.requests);
        let notifier = OwnerNotifier::new(Arc::clone(&self.log), Arc::clone(&self.waits));
        let id = Runtime::start(options, loader, requests, notifier)
            .and_then(|runtime| self.runtimes.insert(runtime))
            .inspect_err(|_| self.forget_owner(me))?;
        let raw = id.to_raw();
        self.log
            .write(Level::Info, || format!("runtime {raw:#x} was created"));
        Ok(id)
    }

    /// Destroys a runtime: discards jobs that have not begun, and waits for those that have.
    /// Owner thread.
    ///
    /// # Errors
    /// [`Word::LiveChildren`] while it has sessions; the runtime is intact then.
    pub fn runtime_destroy(&self, id: Id) -> Result<(), Error> {
        let runtime = self.owned_runtime(id)?;
        let sessions = runtime.owned.lock().sessions;
        if sessions > 0 {
            return Err(Error::new(
                Word::LiveChildren,
                format!("the runtime has {sessions} live sessions"),
            ));
        }
        self.runtimes.remove(id)?;
        runtime.shut_down();
        self.forget_owner(thread::current_id());
        let raw = id.to_raw();
        self.log
            .write(Level::Info, || format!("runtime {raw:#x} was destroyed"));
        Ok(())
    }

    /// Turns finished loads into events, at most `budget` of them but one at least. If there is nothing to
    /// do and no event is unread, it first waits for work, as long as `wait` allows. Loads whose deadline has
    /// passed end here. Returns the number of unread events. Owner thread.
    ///
    /// A pump that returns because of a [signal](Self::wake_source_signal) clears it. A pump that left
    /// work behind calls the [wake callback](Self::runtime_set_on_work), and the next one does not wait.
    ///
    /// # Errors
    /// Those of every owner-thread call.
    pub fn runtime_pump(&self, id: Id, wait: Wait, budget: usize) -> Result<usize, Error> {
        let runtime = self.owned_runtime(id)?;
        self.expire_due(&runtime);
        let (unread, deadline) = {
            let owned = runtime.owned.lock();
            let deadline = owned.deadlines.first().map(|(deadline, ..)| *deadline);
            (!owned.events.is_empty(), deadline)
        };
        let wait = if unread {
            Wait::No
        } else {
            wait.until(deadline)
        };
        let mut ended = runtime.notifier.mailbox.collect(wait, budget);
        if ended.is_empty() && self.expire_due(&runtime) {
            // A deadline ended the wait.
            ended = runtime.notifier.mailbox.collect(Wait::No, budget);
        }
        for message in ended {
            self.queue_event(&runtime, message);
        }
        if !runtime.notifier.mailbox.is_idle() {
            runtime.notifier.call_on_work();
        }
        Ok(runtime.owned.lock().events.len())
    }

    /// Ends the loads whose deadline has passed. Returns `true` if there were any.
    fn expire_due(&self, runtime: &Runtime) -> bool {
        let due = runtime.owned.lock().take_due();
        for (session, load) in &due {
            let load = self
                .sessions
                .get(*session)
                .and_then(|session| session.pending(*load));
            let Ok(load) = load else {
                // Its end was collected, or its session is gone.
                continue;
            };
            let outcome = Outcome::failed(Failure::Expired, "the load's deadline has passed");
            // Lost to another end, which is in the mailbox.
            let _ = load.abandon(Winner::Deadline, Some(outcome));
        }
        if !due.is_empty() {
            runtime.discard_ended_jobs();
        }
        !due.is_empty()
    }

    /// Turns the end of a load into an event.
    fn queue_event(&self, runtime: &Runtime, message: Ended) {
        let Ended {
            session,
            load,
            outcome,
        } = message;
        // If the session has ended, its events are discarded.
        let Ok(owner) = self.sessions.get(session) else {
            return;
        };
        let deadline = owner.finish(load);
        let mut owned = runtime.owned.lock();
        if let Some(deadline) = deadline {
            owned.deadlines.remove(&(deadline, session, load));
        }
        owned.events.push_back(QueuedEvent {
            session,
            load,
            outcome,
        });
    }

    /// The time that a host's own loop may sleep before it pumps: none if there is work or an unread event,
    /// else the time to the next deadline, or for ever. The [wake callback](Self::runtime_set_on_work)
    /// ends the sleep. Owner thread.
    ///
    /// # Errors
    /// Those of every owner-thread call.
    pub fn runtime_next_wait(&self, id: Id) -> Result<Wait, Error> {
        Ok(self.owned_runtime(id)?.next_wait())
    }

    /// Runs one job on the calling thread, if there is one. Owner thread.
    ///
    /// # Errors
    /// [`Word::NotStepped`] if the runtime has worker threads.
    pub fn runtime_step(&self, id: Id) -> Result<bool, Error> {
        let runtime = self.owned_runtime(id)?;
        if !runtime.workers.is_stepped() {
            return Err(Error::new(
                Word::NotStepped,
                "the runtime has worker threads of its own",
            ));
        }
        let Some(job) = runtime.workers.take() else {
            return Ok(false);
        };
        runtime.runner.run(job);
        Ok(true)
    }

    /// Removes and returns at most `limit` events, oldest first. Their blobs belong to the caller. If no blob
    /// handle is left, the event has [`Failure::Internal`] and a null blob. Owner thread.
    ///
    /// # Errors
    /// Those of every owner-thread call.
    pub fn runtime_drain_events(&self, id: Id, limit: usize) -> Result<Vec<Event>, Error> {
        let runtime = self.owned_runtime(id)?;
        let mut owned = runtime.owned.lock();
        let mut events = Vec::new();
        while events.len() < limit
            && let Some(queued) = owned.events.pop_front()
        {
            owned.end_loads(1);
            let kind = match queued.outcome {
                Outcome::Cancelled => Ok(EventKind::Cancelled),
                Outcome::Completed(bytes) => self.blobs.insert(bytes).map(EventKind::Completed),
                Outcome::Failed(Failed { failure, text }) => self
                    .blobs
                    .insert(text.into_bytes())
                    .map(|text| EventKind::Failed(failure, text)),
            }
            .unwrap_or(EventKind::Failed(Failure::Internal, Id::NULL));
            events.push(Event {
                session: queued.session,
                load: queued.load,
                kind,
            });
        }
        Ok(events)
    }

    /// Installs a provider or replaces the one there is. Returns when no call of the old one runs
    /// any more, and the old one has been dropped. Requests that it holds stay usable. Owner thread.
    ///
    /// # Errors
    /// Those of every owner-thread call; the old provider stays then.
    pub fn runtime_set_provider(&self, id: Id, provider: Box<dyn Provider>) -> Result<(), Error> {
        self.owned_runtime(id)?.provider.replace(Some(provider));
        Ok(())
    }

    /// Removes the provider, and waits like [`runtime_set_provider`](Self::runtime_set_provider). Does nothing
    /// if there is none. Owner thread.
    ///
    /// # Errors
    /// Those of every owner-thread call; the provider stays then.
    pub fn runtime_clear_provider(&self, id: Id) -> Result<(), Error> {
        self.owned_runtime(id)?.provider.replace(None);
        Ok(())
    }

    /// Installs the wake callback, which is called when the owner should pump, or replaces it, or (with
    /// `None`) clears it. Returns when no call of the old one runs any more, and the old one has been
    /// dropped. If there is work already, the new one is called at once. Owner thread.
    ///
    /// # Errors
    /// Those of every owner-thread call; the old callback stays then.
    pub fn runtime_set_on_work(&self, id: Id, on_work: Option<OnWork>) -> Result<(), Error> {
        let runtime = self.owned_runtime(id)?;
        runtime.notifier.on_work.replace(on_work);
        if !runtime.notifier.mailbox.is_idle() {
            runtime.notifier.call_on_work();
        }
        Ok(())
    }

    /// Makes a wake source for the runtime, which may outlive it. Owner thread.
    ///
    /// # Errors
    /// Those of every owner-thread call.
    pub fn runtime_wake_source(&self, id: Id) -> Result<Id, Error> {
        let runtime = self.owned_runtime(id)?;
        self.wake_sources
            .insert(WakeSource(Arc::clone(&runtime.notifier)))
    }

    // ---- wake sources --------------------------------------------------------------------------

    /// Ends the owner's current or next pump. Harmless after the runtime's end.
    ///
    /// # Errors
    /// Only those of a bad id.
    pub fn wake_source_signal(&self, id: Id) -> Result<(), Error> {
        self.wake_sources.get(id)?.0.signal();
        Ok(())
    }

    /// Releases a wake source.
    ///
    /// # Errors
    /// Only those of a bad id.
    pub fn wake_source_release(&self, id: Id) -> Result<(), Error> {
        self.wake_sources.remove(id).map(drop)
    }

    // ---- sessions ------------------------------------------------------------------------------

    /// Opens a session. Owner thread.
    ///
    /// # Errors
    /// Those of every owner-thread call.
    pub fn session_create(&self, runtime: Id) -> Result<Id, Error> {
        let runtime = self.owned_runtime(runtime)?;
        let id = self.sessions.insert(Session::new(Arc::clone(&runtime)))?;
        runtime.owned.lock().sessions += 1;
        Ok(id)
    }

    /// Ends a session: cancels its loads, discards its events, detaches its buffer. Owner thread.
    ///
    /// # Errors
    /// Those of every owner-thread call.
    pub fn session_destroy(&self, id: Id) -> Result<(), Error> {
        let session = self.owned_session(id)?;
        let runtime = &session.runtime;
        let pending = session.cancel_all();
        runtime.discard_ended_jobs();
        runtime
            .notifier
            .mailbox
            .discard(|message| message.session == id);
        // There may be no buffer. A write that is under way is waited for.
        let _ = session.buffer.detach();
        {
            let mut owned = runtime.owned.lock();
            let before = owned.events.len();
            owned.events.retain(|event| event.session != id);
            let unread = before - owned.events.len();
            owned.end_loads(pending + unread);
            owned.deadlines.retain(|(_, session, _)| *session != id);
            owned.sessions -= 1;
        }
        self.sessions.remove(id).map(drop)
    }

    /// Starts a load and returns its number in the session, from 1. It ends in exactly one event,
    /// unless the session is destroyed before that is drained. Owner thread.
    ///
    /// # Errors
    /// [`Word::BadUrl`]; [`Word::QueueFull`] when the runtime has as many loads as it may.
    pub fn session_load(&self, id: Id, url: &str, options: &LoadOptions) -> Result<u64, Error> {
        let parsed = Url::parse(url)
            .map_err(|error| Error::new(Word::BadUrl, format!("{url:?} is not a URL: {error}")))?;
        let session = self.owned_session(id)?;
        let runtime = &session.runtime;
        // A moment beyond the clock's range never comes.
        let deadline = options.deadline.and_then(|after| now().checked_add(after));
        runtime.owned.lock().begin_load()?;
        let (number, load) = session.start(deadline, |number, surface| {
            let notifier = Arc::clone(&runtime.notifier);
            Load::new(notifier, Arc::clone(&session.buffer), id, number, surface)
        });
        if let Some(deadline) = deadline {
            let mut owned = runtime.owned.lock();
            owned.deadlines.insert((deadline, id, number));
        }
        runtime.workers.push(Job {
            load,
            text: url.to_owned(),
            url: parsed,
        });
        Ok(number)
    }

    /// Cancels a load, which ends in a cancelled event. Owner thread.
    ///
    /// # Errors
    /// [`Word::UnknownLoad`]; [`Word::LoadEnded`] if it was completed, failed or cancelled before,
    /// whether or not its event was drained.
    pub fn session_cancel(&self, id: Id, load: u64) -> Result<(), Error> {
        let session = self.owned_session(id)?;
        session
            .pending(load)?
            .abandon(Winner::Cancel, Some(Outcome::Cancelled))
            .map_err(|_| session::ended(load))?;
        session.runtime.discard_ended_jobs();
        Ok(())
    }

    /// Attaches a buffer: until it is detached, the bytes of each of the session's loads are written
    /// to it as the load completes, from the beginning; what does not fit is left out. Owner thread.
    ///
    /// # Errors
    /// [`Word::BufferAttached`].
    pub fn session_attach_buffer(&self, id: Id, memory: Box<dyn HostMemory>) -> Result<(), Error> {
        self.owned_session(id)?.buffer.attach(memory)
    }

    /// Gives the buffer back, after a write that is under way. Nothing writes afterwards. Owner thread.
    ///
    /// # Errors
    /// [`Word::NoBuffer`].
    pub fn session_detach_buffer(&self, id: Id) -> Result<Box<dyn HostMemory>, Error> {
        self.owned_session(id)?.buffer.detach()
    }

    /// Copies the bytes of the last completed load from the buffer into a new blob. Owner thread.
    ///
    /// # Errors
    /// [`Word::NoBuffer`].
    pub fn session_snapshot(&self, id: Id) -> Result<Id, Error> {
        let bytes = self.owned_session(id)?.buffer.snapshot()?;
        self.blobs.insert(bytes)
    }

    /// Sets the surface of loads that start later: an address of the host's, which the library passes to
    /// providers and never follows. 0 means none. Owner thread.
    ///
    /// # Errors
    /// Those of every owner-thread call.
    pub fn session_set_surface(&self, id: Id, surface: usize) -> Result<(), Error> {
        self.owned_session(id)?.set_surface(surface);
        Ok(())
    }

    // ---- requests ------------------------------------------------------------------------------

    /// Completes a request. Only the first completion ends the load. For a malformed response the caller
    /// passes the error, which fails the load and is returned.
    ///
    /// # Errors
    /// [`Word::Completed`]; [`Word::Cancelled`]; [`Word::Expired`]; that of a malformed response;
    /// [`Word::Stale`] if a release on another thread was first.
    pub fn request_complete(&self, id: Id, response: Result<Response, Error>) -> Result<(), Error> {
        self.requests.get(id)?.complete(response)
    }

    /// Reports whether the load was cancelled or its deadline has passed, so that a completion would be
    /// refused.
    ///
    /// # Errors
    /// Only those of a bad id.
    pub fn request_is_cancelled(&self, id: Id) -> Result<bool, Error> {
        self.requests.get(id)?.is_cancelled()
    }

    /// Registers `hook`, which is called once if the load is cancelled or expires before the request is
    /// completed or released. It runs on the thread that ends the load, and is dropped at the completion or
    /// release. Returns `true`, and does not store the hook, if the load was cancelled or has expired before.
    ///
    /// # Errors
    /// [`Word::Completed`]; [`Word::CallbackSet`] for a second hook; [`Word::Stale`] if a release on another
    /// thread was first.
    pub fn request_on_cancel(&self, id: Id, hook: OnCancel) -> Result<bool, Error> {
        self.requests.get(id)?.on_cancel(hook)
    }

    /// Removes the cancellation hook; waits for its end if it runs on another thread. When this returns, the
    /// hook has been dropped. Does nothing if there is none.
    ///
    /// # Errors
    /// Only those of a bad id.
    pub fn request_clear_on_cancel(&self, id: Id) -> Result<(), Error> {
        self.requests.get(id)?.clear_on_cancel()
    }

    /// The surface that the session had when the load was started; 0 for none.
    ///
    /// # Errors
    /// Only those of a bad id.
    pub fn request_surface(&self, id: Id) -> Result<usize, Error> {
        self.requests.get(id)?.surface()
    }

    /// Releases a request, and fails the load if it was not completed. First it waits for calls on the request
    /// that run on other threads, its cancellation callback included, except where two cancellation callbacks
    /// would wait for each other.
    ///
    /// # Errors
    /// Only those of a bad id.
    pub fn request_release(&self, id: Id) -> Result<(), Error> {
        let dropped = self.requests.get(id)?.release()?;
        // Only one of several releases reaches this line.
        self.requests.remove(id)?;
        if let Some(upcalls) = dropped {
            upcalls.run();
        }
        Ok(())
    }

    // ---- blobs ---------------------------------------------------------------------------------

    /// Passes a blob's bytes to `read`. They stay valid while it runs, even if the blob is released.
    ///
    /// # Errors
    /// Only those of a bad id.
    pub fn blob_read<R>(&self, id: Id, read: impl FnOnce(&[u8]) -> R) -> Result<R, Error> {
        Ok(read(&self.blobs.get(id)?))
    }

    /// Releases a blob.
    ///
    /// # Errors
    /// Only those of a bad id.
    pub fn blob_release(&self, id: Id) -> Result<(), Error> {
        self.blobs.remove(id).map(drop)
    }

    // ---- checks --------------------------------------------------------------------------------

    fn owned_runtime(&self, id: Id) -> Result<Arc<Runtime>, Error> {
        let runtime = self.runtimes.get(id)?;
        runtime.check_owner()?;
        Ok(runtime)
    }

    fn owned_session(&self, id: Id) -> Result<Arc<Session>, Error> {
        let session = self.sessions.get(id)?;
        session.runtime.check_owner()?;
        Ok(session)
    }

    fn forget_owner(&self, owner: ThreadId) {
        self.owners.lock().remove(&owner);
    }
}
