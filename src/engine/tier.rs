//! The shared tier of one engine: the store, how entries are addressed in it, and its waiters.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::notices::Notices;
use crate::clock::stopwatch_ns;
use crate::codec::Codec;
use crate::coherence::event::{Action, Command, Outcome, Request};
use crate::key::{AppId, Class, Hash128, KeyRef};
use crate::options::SharedOptions;
use crate::stats::Stats;
use crate::store::{self, Address, SharedStore};
use crate::wake::{Notice, Ticket};

/// The shared tier of an engine.
pub struct Tier {
    pub(super) store: Arc<dyn SharedStore>,
    pub(super) codec: Codec,
    /// Keeps apps that share a store apart.
    pub namespace: String,
    /// Whether fetch data belongs to one build, as pages do.
    isolates_fetch: bool,
    /// Whether entries are read: a build only writes them.
    pub(super) is_read: bool,
    /// The name of each app's build; the pages of an app without one are not shared.
    builds: RwLock<HashMap<AppId, Box<[u8]>>>,
    /// Reads under way, with their waiters.
    pub(super) reads: Mutex<HashMap<Hash128, Vec<Ticket>>>,
    /// Asks and invalidations under way, and since when.
    waiters: Mutex<HashMap<u64, (Ticket, u64)>>,
    next: AtomicU64,
    /// Rate-limited messages to the operator about the shared tier.
    pub(super) notices: Notices,
}

impl std::fmt::Debug for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tier").finish_non_exhaustive()
    }
}

impl Tier {
    /// A tier over `store`, for entries of at most `limit` bytes. A build does not read from it.
    pub fn new(
        store: Arc<dyn SharedStore>,
        options: &SharedOptions,
        limit: usize,
        is_read: bool,
    ) -> Self {
        Self {
            store,
            codec: Self::codec(options, limit),
            namespace: options.namespace.clone().unwrap_or_default(),
            isolates_fetch: options.isolate_fetch,
            is_read,
            builds: RwLock::default(),
            reads: Mutex::default(),
            waiters: Mutex::default(),
            next: AtomicU64::new(1),
            notices: Notices::of(options.place()),
        }
    }

    /// Encodes and decodes the entries of a namespace.
    pub fn codec(options: &SharedOptions, limit: usize) -> Codec {
        let namespace = options.namespace.clone().unwrap_or_default();
        // An instance that may write under one namespace is not trusted under another.
        let secret = options.secret.as_ref().map(|s| format!("{namespace} {}", s.expose()));
        let codec = Codec::new(secret.as_deref().map(str::as_bytes), limit);
        if options.compress { codec } else { codec.uncompressed() }
    }

    /// Where the store is, without a secret.
    pub fn place(&self) -> &str {
        &self.notices.place
    }

    /// The store behind it.
    pub fn store(&self) -> &dyn SharedStore {
        &*self.store
    }

    /// The process ends: no other instance has to wait for it.
    pub fn leave(&self) {
        self.notices.leave();
        self.store.leave();
    }

    /// Names the build of `app`, whose pages are read and written from now on.
    pub fn set_build(&self, app: AppId, name: &[u8]) {
        self.builds.write().insert(app, name.into());
    }

    /// Whether entries of this class belong to one build.
    pub(super) fn is_of_build(&self, class: Class) -> bool {
        store::is_of_build(class, self.isolates_fetch)
    }

    /// The address of the entry of `key`; `None` if it is not shared.
    pub(super) fn address(&self, key: &KeyRef<'_>) -> Option<Address> {
        if !self.is_of_build(key.class) {
            return store::address(key.class, key.units, None);
        }
        store::address(key.class, key.units, Some(self.builds.read().get(&key.app)?))
    }

    pub(super) fn enlist(&self, ticket: Ticket) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.waiters.lock().insert(number, (ticket, stopwatch_ns()));
        number
    }

    fn wake(&self, number: u64, notice: Notice) -> Option<u64> {
        let (ticket, since) = self.waiters.lock().remove(&number)?;
        ticket.wake(notice);
        Some(stopwatch_ns().saturating_sub(since))
    }

    /// Performs actions. Returns the commands to exchange with the store.
    pub(super) fn perform(&self, actions: Vec<Action>, stats: &Stats) -> Vec<(Request, Command)> {
        let mut commands = Vec::new();
        for action in actions {
            match action {
                Action::Send(request, command) => commands.push((request, command)),
                Action::Wake(ask) => {
                    self.wake(ask, Notice::LookAgain);
                }
                Action::Resolve(call, outcome) => {
                    let took = self.wake(call, Notice::Invalidated(outcome));
                    if let Some(ns) = took.filter(|_| outcome == Outcome::Everywhere) {
                        stats.time_invalidation(ns);
                    }
                }
                Action::NewEpoch => self.store.forget_writes(),
                Action::Overflowed => self.notices.say_overflowed(),
                Action::Queued(count) => {
                    self.notices.say_unrecorded(count);
                    stats.unrecorded.fetch_add(count as u64, Ordering::Relaxed);
                }
            }
        }
        commands
    }
}
