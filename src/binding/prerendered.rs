//! Prerendered build output, read on Node's own thread pool.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use napi::sys;

use super::apps::{self, BuildOutput, Listed};
use super::env::State;
use super::terms::class_of;
use super::{process, raw};
use crate::clock::Timestamp;
use crate::coherence::revisions::Revision;
use crate::entry::{Entry, Meta, Source};
use crate::guard::guard;
use crate::key::{AppId, KeyRef};
use crate::next::prerendered::{self, Output};
use crate::next::signal::Version;
use crate::next::value::ValueKind;
use crate::tags::Tag;

/// What to read, and for whom.
pub(super) struct Job {
    pub(super) build: Arc<BuildOutput>,
    pub(super) app: AppId,
    pub(super) kind: ValueKind,
    pub(super) units: Box<[u16]>,
    pub(super) is_fallback: bool,
    pub(super) is_ppr: bool,
}

/// A job on its way through the thread pool.
struct Running {
    job: Job,
    state: *const State,
    work: sys::napi_async_work,
    output: Option<Output>,
}

impl Job {
    /// Whether it was fetched in an earlier build, and is not to outlive that.
    fn is_foreign(&self, output: &Output) -> bool {
        let shared = process::engine().options.shared.as_ref();
        let is_isolated = shared.is_some_and(|shared| shared.isolate_fetch);
        output.kind == ValueKind::Fetch && is_isolated && written(output) < self.build.began
    }

    /// Starts reading. Whoever waits for the key is woken when it is done.
    pub(super) fn start(self, env: sys::napi_env, state: &State) -> bool {
        let running = Box::new(Running { job: self, state, work: ptr::null_mut(), output: None });
        let running = Box::into_raw(running);
        let name = raw::latin1(env, b"tiercel");
        // SAFETY: `running` is handed to Node and comes back in `done`, where it is freed; until
        // then only `read` touches it, on one thread. If Node refuses the work, both are freed here.
        unsafe {
            let created = sys::napi_create_async_work(
                env,
                ptr::null_mut(),
                name,
                Some(read),
                Some(done),
                running.cast(),
                &raw mut (*running).work,
            );
            let is_created = created == sys::Status::napi_ok;
            let work = (*running).work;
            if is_created && sys::napi_queue_async_work(env, work) == sys::Status::napi_ok {
                return true;
            }
            if is_created {
                sys::napi_delete_async_work(env, work);
            }
            drop(Box::from_raw(running));
            false
        }
    }
}

unsafe extern "C" fn read(_: sys::napi_env, running: *mut c_void) {
    // SAFETY: see `Job::start`.
    let running = unsafe { &mut *running.cast::<Running>() };
    let job = &running.job;
    let output = || {
        let key = String::from_utf16(&job.units).ok()?;
        if job.kind == ValueKind::Fetch {
            job.build.list_fetches();
        }
        let read = prerendered::read(&job.build.dir, &key, job.kind, job.is_fallback, job.is_ppr);
        read.filter(|output| !job.is_foreign(output))
    };
    running.output = guard(output).flatten();
}

unsafe extern "C" fn done(env: sys::napi_env, status: sys::napi_status, running: *mut c_void) {
    // SAFETY: see `Job::start`; this is the last anybody sees of it.
    let running = unsafe { Box::from_raw(running.cast::<Running>()) };
    // SAFETY: work is done with once it is complete.
    unsafe { sys::napi_delete_async_work(env, running.work) };
    guard(|| {
        let engine = process::engine();
        let job = &running.job;
        let key = engine.hasher().key_of(job.app, class_of(job.kind), &job.units);
        let output = running.output.filter(|_| status == sys::Status::napi_ok);
        if let Some(output) = output {
            let entry = Arc::new(entry(&key, output, &job.build));
            // Such a page is a 404 without its output, whatever the age of that.
            let is_anew = process::version() < Version::V16_4 && is_closed(&key);
            let is_listed = job.build.lists(&key) == Listed::Yes;
            if !engine.keep_prerendered(&key, &entry, is_listed, is_anew) {
                // SAFETY: this runs on the environment's thread. An environment that ends waits
                // for work under way before its hooks run, and the state goes after them.
                let state = unsafe { &*running.state };
                // Never in memory, so nothing would retire it later.
                entry.retire();
                state.deliver(key.hash, entry);
            }
        }
        // Found or not, the key is free again: what has no output is told so by a look, not by a wait.
        engine.land_output(&key);
    });
}

/// No output of a Next.js that there are handlers for is older: October 2025. Reproducible images date
/// their files so.
const OLDEST_OUTPUT: Timestamp = Timestamp(1_759_276_800_000_000);

/// Build output as an entry. What it lacks in a stamp two dates have to make up for: a file may show
/// what was read long before it was written, but not before the build began.
fn entry(key: &KeyRef<'_>, output: Output, build: &BuildOutput) -> Entry {
    let engine = process::engine();
    let dated = written(&output);
    let read = if dated < OLDEST_OUTPUT { build.began } else { dated.min(build.began) };
    // The age of a page is seen by Next.js, which then generates it once.
    let has_age = engine.tier().is_some() || output.kind == ValueKind::Fetch;
    let tags = output.tags.iter().map(Tag::from);
    let meta = Meta {
        stamp: engine.ledger.stamp_of_output(read),
        since: Revision(0),
        // With others around somebody may have a younger one: old output is worth a look.
        held_from: engine.clock.now(),
        created: if has_age { dated } else { engine.clock.now() },
        told_ms: output.modified_ms,
        revalidate_us: output.revalidate_secs.map(|secs| secs.saturating_mul(1_000_000)),
        // Its age is Next.js' to judge, from the date of the file.
        expire_us: None,
        tags: tags.chain(apps::key_tag(output.kind, key)).collect(),
        format: output.kind as u8,
        source: Source::Output,
    };
    Entry::new(key, meta, output.body).spread_by(engine.options.spread)
}

/// When output was written, by the date of its file.
fn written(output: &Output) -> Timestamp {
    Timestamp((output.modified_ms.max(0.0) * 1e3) as u64)
}

/// Whether the key names a page of `dynamicParams = false`.
pub(super) fn is_closed(key: &KeyRef<'_>) -> bool {
    let path = String::from_utf16(key.units).ok();
    let build = apps::output(key.app);
    build.zip(path).is_some_and(|(build, key)| prerendered::is_closed(&build.dir, &key))
}
