mod absence;
mod coordinate;
pub(crate) mod fake;
mod notices;
mod shared;

use super::*;
use crate::coherence::Coherence;
use crate::coherence::event::Lifetime;
use crate::entry::tests::meta;
use crate::generation::attempt::{Claimant, Fallback};
use crate::key::Class;
use crate::wake::{Notice, Ticket, Wait, Wake};
use serde_json::Value;

/// Internals, for tests that try every order of threads.
impl Engine {
    pub(crate) fn flights(&self) -> &Flights {
        &self.flights
    }

    pub(crate) fn outputs(&self) -> &Flights {
        &self.outputs
    }

    pub(crate) fn known_leases(&self) -> &Leases {
        &self.leases
    }

    pub(crate) fn hold_silently(&self, key: &KeyRef<'_>, entry: &Arc<Entry>) {
        self.hold(key, entry);
    }
}

fn engine() -> Arc<Engine> {
    let options = Options::resolve(&Value::Null, &Value::Null).unwrap();
    let coherence = Coherence::alone(options.max_tags);
    Builder::new(options, Clock::manual(Timestamp(1_000_000)), coherence).build()
}

fn tagged(engine: &Engine, began: Revision, tag: &str) -> Meta {
    let stamp = engine.ledger.stamp_of(began).unwrap();
    Meta { stamp, since: began, tags: [Tag::from(tag)].into_iter().collect(), ..meta() }
}

fn found(engine: &Engine, name: u16) -> Found {
    let units = [name];
    engine.get(&engine.hasher().key(Class::Fetch, &units), engine.clock.now_coarse(), Vec::new)
}

fn verdict(engine: &Engine, name: u16, soft: &[&str]) -> Option<Verdict> {
    let units = [name];
    let key = engine.hasher().key(Class::Fetch, &units);
    match engine
        .get(&key, engine.clock.now_coarse(), || soft.iter().map(|t| Tag::from(*t)).collect())
    {
        Found::Entry(_, verdict, _) => Some(verdict),
        Found::Nothing | Found::Unsure => None,
    }
}

/// With memory only, no call waits.
struct Nobody;

impl Wake for Nobody {
    fn wake(&self, _: u32, _: Notice) {}
}

fn invalidate(engine: &Engine, tags: &[Tag], lifetime: Lifetime) {
    let nobody = Ticket::new(Arc::new(Nobody), 0);
    assert_eq!(engine.invalidate(tags, lifetime, nobody), Wait::Needless);
}

fn set(engine: &Arc<Engine>, name: u16, meta: Meta) -> Stored {
    let units = [name];
    engine.set(&engine.hasher().key(Class::Fetch, &units), meta, [1, 2, 3].into(), false).1.stored
}

#[test]
fn what_is_set_is_found_until_its_tag_is_invalidated() {
    let engine = engine();
    assert_eq!(verdict(&engine, 1, &[]), None);
    set(&engine, 1, tagged(&engine, engine.revision(), "a"));
    assert_eq!(verdict(&engine, 1, &[]), Some(Verdict::Fresh));
    invalidate(&engine, &[Tag::from("b")], Lifetime::None);
    assert_eq!(verdict(&engine, 1, &[]), Some(Verdict::Fresh));
    invalidate(&engine, &[Tag::from("a")], Lifetime::None);
    assert_eq!(verdict(&engine, 1, &[]), Some(Verdict::Gone));
}

#[test]
fn soft_tags_count_for_who_asks_with_them() {
    let engine = engine();
    set(&engine, 1, tagged(&engine, engine.revision(), "a"));
    invalidate(&engine, &[Tag::from("/path")], Lifetime::None);
    assert_eq!(verdict(&engine, 1, &[]), Some(Verdict::Fresh));
    assert_eq!(verdict(&engine, 1, &["/path"]), Some(Verdict::Gone));
    assert_eq!(verdict(&engine, 1, &["/other"]), Some(Verdict::Fresh));
}

#[test]
fn a_generation_that_overlaps_an_invalidation_is_never_served() {
    let engine = engine();
    let began = engine.revision();
    invalidate(&engine, &[Tag::from("a")], Lifetime::None);
    assert_eq!(set(&engine, 1, tagged(&engine, began, "a")), Stored::Invalidated);
    assert_eq!(verdict(&engine, 1, &[]), None);
    assert_eq!(set(&engine, 1, tagged(&engine, engine.revision(), "a")), Stored::Yes);
}

#[test]
fn an_older_generation_does_not_replace_a_newer_one() {
    let engine = engine();
    let began = engine.revision();
    invalidate(&engine, &[Tag::from("a")], Lifetime::Micros(60_000_000));
    assert_eq!(set(&engine, 1, tagged(&engine, engine.revision(), "a")), Stored::Yes);
    assert_eq!(set(&engine, 1, tagged(&engine, began, "a")), Stored::Older);
    assert_eq!(verdict(&engine, 1, &[]), Some(Verdict::Fresh));
}

#[test]
fn a_soft_invalidation_turns_hard_at_its_deadline() {
    let engine = engine();
    let meta = Meta { revalidate_us: None, expire_us: None, ..tagged(&engine, Revision(0), "a") };
    set(&engine, 1, meta);
    invalidate(&engine, &[Tag::from("a")], Lifetime::Micros(5_000_000));
    assert_eq!(verdict(&engine, 1, &[]), Some(Verdict::Stale));
    engine.clock.advance_us(5_000_000);
    assert_eq!(verdict(&engine, 1, &[]), Some(Verdict::Gone));
}

#[test]
fn the_clock_of_the_wall_does_not_matter() {
    let engine = engine();
    let far = Meta { created: Timestamp(u64::MAX / 2), ..tagged(&engine, Revision(0), "a") };
    set(&engine, 1, far);
    invalidate(&engine, &[Tag::from("a")], Lifetime::None);
    assert_eq!(verdict(&engine, 1, &[]), Some(Verdict::Gone));
}

#[test]
fn build_output_does_not_return_once_a_page_was_generated() {
    let engine = engine();
    let key = engine.hasher().key(Class::Response, &[1]);
    assert!(engine.may_read_output(&key, true));
    let output = Arc::new(Entry::new(&key, meta(), Box::default()));
    assert!(engine.keep_prerendered(&key, &output, true, false));
    engine.supersede(&key, true);
    engine.set(&key, meta(), [1].into(), false);
    assert!(!engine.may_read_output(&key, true));
    assert!(engine.keep_prerendered(&key, &output, true, false));
    let Found::Entry(held, ..) = engine.get(&key, engine.clock.now_coarse(), Vec::new) else {
        panic!("nothing held")
    };
    assert_eq!(*held.body, [1]);
}

#[test]
fn without_a_memory_tier_everything_is_a_miss() {
    let options = Options::resolve(&serde_json::json!({ "memoryMb": 0 }), &Value::Null);
    let engine = Builder::new(options.unwrap(), Clock::system(), Coherence::alone(10)).build();
    assert_eq!(set(&engine, 1, meta()), Stored::NoTier);
    assert_eq!(verdict(&engine, 1, &[]), None);
}

#[test]
fn what_was_invalidated_since_a_position_comes_in_order_and_with_the_last_of_its_tags() {
    let engine = engine();
    let end = |tags: &[&str], lifetime| {
        let tags: Vec<Tag> = tags.iter().map(|tag| Tag::from(*tag)).collect();
        invalidate(&engine, &tags, lifetime);
    };
    let shown = |after| {
        let all = engine.recorded_since(after).all.into_iter();
        all.map(|one| (one.tags.join(" "), one.soft)).collect::<Vec<_>>()
    };
    let start = engine.recorded_since(0.0).position;
    assert_eq!(shown(start), []);
    end(&["b", "a"], Lifetime::None);
    end(&["c"], Lifetime::Unlimited);
    assert_eq!(shown(start), [("a b".to_owned(), false), ("c".to_owned(), true)]);
    let then = engine.recorded_since(start).position;
    assert_eq!(shown(then), []);
    end(&["a"], Lifetime::None);
    assert_eq!(shown(then), [("a".to_owned(), false)]);
    let all = ["b", "c", "a"].map(str::to_owned);
    assert_eq!(shown(start).into_iter().map(|(tags, _)| tags).collect::<Vec<_>>(), all);
}
