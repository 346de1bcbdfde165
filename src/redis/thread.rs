//! The store's thread: carries out the orders of other threads, and keeps its tasks running.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use super::app::Asked;
use super::entries::Read;
use super::invalidations;
use super::kin::Kin;
use super::published::Question;
use super::session::Session;
use crate::coherence::event::{Command, Request};
use crate::guard::guard;
use crate::store::{Address, LeaseEnd};
use crate::wake::bells;

/// Pause before a task that died starts again.
const RESTART_PAUSE: Duration = Duration::from_millis(100);

/// Orders from other threads.
pub(super) enum Order {
    Read(Vec<Read>),
    Later(Duration, Read),
    End(Address, LeaseEnd),
    Exchange(Vec<(Request, Command)>),
    Own(Vec<Asked>),
    After(Duration, Box<dyn FnOnce() + Send>),
    Kin(Kin),
    Ask(Question),
    Leave(SyncSender<()>),
}

/// The store's thread. However it ends, the listener learns that the store is away.
pub(super) fn run(runtime: Runtime, session: Session, wanted: UnboundedReceiver<Order>) {
    let holding = bells::hold();
    let session = Arc::new(session);
    let done = guard(|| runtime.block_on(serve(&session, wanted))).flatten();
    {
        let _inside = runtime.enter();
        guard(|| session.end());
    }
    bells::release();
    if let Some(done) = done {
        let _ = done.send(());
    }
    // What its tasks hold is answered when they are dropped.
    drop(runtime);
    drop(holding);
}

/// Carries out orders until one is to leave; returns the sender that confirms it.
pub(super) async fn serve(
    session: &Arc<Session>,
    mut wanted: UnboundedReceiver<Order>,
) -> Option<SyncSender<()>> {
    keep_running(session, Session::keep_link);
    keep_running(session, Session::keep_time);
    keep_running(session, Session::write);
    keep_running(session, Session::keep_leases);
    keep_running(session, Session::keep_door);
    keep_running(session, invalidations::listen);
    keep_running(session, Session::keep_answers);
    if !session.snapshot_every.is_zero() {
        keep_running(session, Session::keep_snapshots);
    }
    while let Some(order) = wanted.recv().await {
        bells::release_late();
        match order {
            Order::Read(reads) => session.read(reads),
            Order::Later(pause, read) => session.read_later(pause, read),
            Order::End(address, ending) => session.end_lease(address, ending),
            Order::Exchange(commands) => session.send(commands),
            Order::Own(all) => all.into_iter().for_each(|asked| session.carry_out(asked)),
            Order::After(pause, call) => drop(tokio::spawn(async move {
                sleep(pause).await;
                guard(call);
            })),
            Order::Kin(kin) => session.find_kin(kin),
            Order::Ask(question) => session.tell_asker(question),
            Order::Leave(done) => {
                session.leave().await;
                return Some(done);
            }
        }
    }
    None
}

/// Runs a task that never ends. If it dies, its connection closes and the task starts again.
fn keep_running<F>(session: &Arc<Session>, task: impl Fn(Arc<Session>) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let session = session.clone();
    tokio::spawn(async move {
        loop {
            let _died = tokio::spawn(task(session.clone())).await;
            sleep(RESTART_PAUSE).await;
        }
    });
}
