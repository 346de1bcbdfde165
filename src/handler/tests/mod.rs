//! Calls of Next.js, over an engine with a manual clock and a store whose answers a test triggers.

mod account;
mod get;
mod hot;
mod looks;
mod orders;
mod output;
mod own;
mod remembered;
mod set;
mod told;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::Handler;
use super::answer::{Answer, Basis, Step, Wait};
use super::apps::Apps;
use super::dating::Began;
use super::get::Lookup;
use super::next_clock::NextClock;
use super::output::Job;
use super::progress::{Progress, WaitFor};
use super::request::{Asker, Caller, Kept, Part, Request, Scope, Waited};
use super::set::Value;
use super::thread::Thread;
use crate::clock::{Clock, Timestamp};
use crate::coherence::Coherence;
use crate::engine::tests::fake::{Fake, Fixture, instance, store};
use crate::engine::{Builder, Engine};
use crate::entry::Entry;
use crate::key::KeyRef;
use crate::next::signal::{Signal, Version};
use crate::next::value::{Part as ValuePart, ValueKind, encode};
use crate::options::Options;
use crate::tags::Tag;
use crate::wake::{Notice, Wake};

/// The caller, and the readings it was given.
#[derive(Default)]
struct Asking {
    tags: RefCell<Vec<Tag>>,
    jobs: RefCell<Vec<Job>>,
    refuses_jobs: Cell<bool>,
}

impl Caller for Asking {
    fn tags(&self) -> Vec<Tag> {
        self.tags.borrow().clone()
    }

    fn read_output(&self, job: Job) -> bool {
        if self.refuses_jobs.get() {
            return false;
        }
        self.jobs.borrow_mut().push(job);
        true
    }
}

/// Nothing waits in memory only.
struct Nobody;

impl Wake for Nobody {
    fn wake(&self, _: u32, _: Notice) {}
}

/// One thread of a process in which Next.js runs.
struct Next {
    engine: Arc<Engine>,
    /// What it was woken with, if there is a store.
    fixture: Option<Fixture>,
    apps: Apps,
    thread: Thread,
    asking: Asking,
    kind: ValueKind,
    asker: Asker,
}

const PLAIN: fn() -> Json = || json!({});

impl Next {
    /// Without a store.
    #[expect(clippy::needless_pass_by_value, reason = "it is made for the call")]
    fn alone(kind: ValueKind, options: Json) -> Self {
        let mut given = json!({ "jitterPercent": 0 });
        given.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let options = Options::resolve(&given, &Json::Null).unwrap();
        let coherence = Coherence::alone(options.max_tags);
        let engine = Builder::new(options, Clock::manual(Timestamp(1_000_000)), coherence).build();
        Self::over(engine, Arc::new(Nobody), None, kind)
    }

    /// With a store.
    fn sharing(store: &Arc<Fake>, kind: ValueKind) -> Self {
        let fixture = instance(store, &PLAIN());
        let (engine, waker) = (fixture.engine.clone(), fixture.woken.clone());
        Self::over(engine, waker, Some(fixture), kind)
    }

    fn over(
        engine: Arc<Engine>,
        waker: Arc<dyn Wake>,
        fixture: Option<Fixture>,
        kind: ValueKind,
    ) -> Self {
        let thread = Thread::new(waker);
        thread.set_clock(NextClock::new(&engine.clock, 0.0));
        let (apps, asking, asker) = (Apps::new(), Asking::default(), Asker::default());
        Self { engine, fixture, apps, thread, asking, kind, asker }
    }

    fn of_version(self, version: Version) -> Self {
        self.apps.introduce(Some(version), String::new(), true);
        self
    }

    fn asked_by(mut self, asker: Asker) -> Self {
        self.asker = asker;
        self
    }

    fn handler(&self) -> Handler<'_> {
        Handler { engine: &self.engine, apps: &self.apps, thread: &self.thread }
    }

    fn with_key<T>(&self, act: impl FnOnce(Handler<'_>, &KeyRef<'_>) -> T) -> T {
        let units: Vec<u16> = "/a".encode_utf16().collect();
        act(self.handler(), &self.engine.hasher().key(self.kind.class(), &units))
    }

    /// A get that has waited so far.
    fn resumed(&self, progress: Progress, waited: Waited) -> Step {
        self.with_key(|handler, key| {
            let request = Request { kind: self.kind, key: *key, asker: self.asker };
            Lookup { handler, request, progress, waited, caller: &self.asking }.step()
        })
    }

    /// A get that begins.
    fn get(&self) -> Step {
        self.resumed(Progress::default(), Waited::InTime)
    }

    /// The next step of a get after a wait, during which the thread looked into its inbox.
    fn woken(&self, wait: Wait) -> Step {
        let told = &self.fixture.as_ref().unwrap().woken.0;
        let news = std::mem::take(&mut *told.lock());
        assert!(news.iter().any(|(token, _)| *token == wait.token), "it was woken");
        for (_, notice) in news {
            if let Notice::Delivered(entry) = notice {
                self.thread.deliver(entry.hash, entry);
            }
        }
        self.resumed(wait.progress, Waited::InTime)
    }

    #[expect(clippy::unused_self, reason = "it reads as what is stored here")]
    fn value(&self, tags: &[&str]) -> Value {
        Value {
            tags: tags.iter().map(|tag| Tag::from(*tag)).collect(),
            revalidate_secs: Some(10.0),
            expire_secs: None,
            body: encode(&[ValuePart::Bytes(&[1, 2, 3])]).unwrap(),
            scope: Scope::Fleet,
        }
    }

    /// Stores a value that is generated now. Whether it is held.
    fn set(&self, tags: &[&str]) -> bool {
        let began = Began::At(self.engine.revision());
        let stored = self.with_key(|handler, key| {
            handler.put(key, self.kind, Some(self.value(tags)), Some(began))
        });
        super::set::is_held(stored)
    }

    fn invalidate(&self, tag: &str, expire_secs: Option<f64>) {
        self.handler().invalidate(&[Tag::from(tag)], expire_secs);
    }

    fn pass_secs(&self, secs: u64) {
        self.engine.clock.advance_us(secs * 1_000_000);
    }

    fn read_counter(
        &self,
        of: impl Fn(&crate::stats::Stats) -> &std::sync::atomic::AtomicU64,
    ) -> u64 {
        of(&self.engine.stats).load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// Tier, outcome and reason of the last decision.
fn why(next: &Next) -> String {
    let last = next.thread.last_decision().unwrap();
    format!("{} {} {}", last.tier, last.outcome, last.reason)
}

/// The decisions remembered so far, the newest first.
fn recall(next: &Next) -> Vec<String> {
    let journals: Vec<_> = next.thread.journal().cloned().into_iter().collect();
    let shown = super::recall::recall(&next.engine, &journals, usize::MAX);
    shown
        .into_iter()
        .map(|one| format!("{} {} {} {}", one.call, one.tier, one.outcome, one.reason))
        .collect()
}

fn answer(step: Step) -> Answer {
    match step {
        Step::Answer(answer) => answer,
        Step::Wait(wait) => panic!("it waits: {wait:?}"),
    }
}

fn wait(step: Step, on: WaitFor) -> Wait {
    match step {
        Step::Wait(wait) if wait.on == on => wait,
        step => panic!("it does not wait for {on:?}: {step:?}"),
    }
}

fn is_fresh(step: Step) -> bool {
    matches!(answer(step), Answer::Fresh(_))
}

/// Whether the answer is something stale that the get regenerates.
fn is_led(step: Step) -> bool {
    matches!(answer(step), Answer::Stale { .. })
}

fn is_meanwhile(step: Step) -> bool {
    matches!(answer(step), Answer::Meanwhile { .. })
}

fn is_miss(step: Step) -> bool {
    matches!(answer(step), Answer::Miss { .. })
}
