//! Prerendered build output, read on Node's own thread pool.

use std::ffi::c_void;
use std::ptr;

use napi::sys;

use super::env::State;
use super::raw;
use crate::guard::guard;
use crate::handler::output::Job;
use crate::next::prerendered::Output;

/// A job on its way through the thread pool.
struct Running {
    job: Job,
    state: *const State,
    work: sys::napi_async_work,
    output: Option<Output>,
}

/// Starts reading, which wakes the waiters of the key when it is done. False if Node refuses.
pub(super) fn start(job: Job, env: raw::Env, state: &State) -> bool {
    let running = Box::new(Running { job, state, work: ptr::null_mut(), output: None });
    let running = Box::into_raw(running);
    let name = raw::latin1(env, b"tiercel");
    // SAFETY: `running` is handed to Node and comes back in `done`, where it is freed; until then
    // only `read` touches it, on one thread. If Node refuses the work, both are freed here.
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

unsafe extern "C" fn read(_: raw::Env, running: *mut c_void) {
    // SAFETY: see `start`.
    let running = unsafe { &mut *running.cast::<Running>() };
    running.output = guard(|| running.job.read()).flatten();
}

unsafe extern "C" fn done(env: raw::Env, status: sys::napi_status, running: *mut c_void) {
    // SAFETY: see `start`; this is its last use.
    let running = unsafe { Box::from_raw(running.cast::<Running>()) };
    // SAFETY: work is done with once it is complete.
    unsafe { sys::napi_delete_async_work(env, running.work) };
    guard(|| {
        // SAFETY: this runs on the environment's thread. An environment that ends waits for work
        // under way before its hooks run, and the state goes after them.
        let state = unsafe { &*running.state };
        let output = running.output.filter(|_| status == sys::Status::napi_ok);
        state.handler().receive_output(&running.job, output);
    });
}
