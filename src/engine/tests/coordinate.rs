//! Who generates, from the engine's side.

use std::sync::atomic::Ordering;

use super::fake::{Fake, Fixture, NO_MEMORY, PLAIN, WAIT_MS, instance, store};
use super::*;
use crate::coherence::event::{Event, Message, Row};
use crate::generation::leases::{Ask, Role};
use crate::store::{Address, LeaseReply, Listener};
use crate::tags::{Epoch, Position};

const HERE: Role = Role::Leader;

impl Fixture {
    fn with_key<T>(&self, act: impl FnOnce(&Engine, &KeyRef<'_>) -> T) -> T {
        let units = [1];
        act(&self.engine, &self.engine.hasher().key(Class::Fetch, &units))
    }

    fn role(&self) -> Role {
        self.with_key(Engine::role)
    }

    /// Whether a get is given the permit.
    fn leads(&self) -> bool {
        self.with_key(Engine::take_lead).is_some()
    }

    fn follow(&self, wait_ms: u32, token: u32) -> bool {
        let units = [1];
        let key = self.engine.hasher().key(Class::Fetch, &units);
        let wait = self.engine.follow_elsewhere(&key, None, Vec::new, wait_ms, self.ticket(token));
        wait == Wait::Pending
    }

    /// The entry in memory, stale or not.
    fn stale(&self) -> Arc<Entry> {
        self.with_key(Engine::held).unwrap()
    }

    /// Learns of an invalidation of the tag `a` at position 60.
    fn hears_of_one(&self) {
        let row =
            Row { tag: Tag::from("a"), hard: Position(60), soft: Position(0), deadline_us: None };
        let (epoch, previous, position) = (Epoch(7), Position(50), Position(60));
        self.engine.on(Event::Heard(Message { epoch, previous, position, rows: vec![row] }));
    }
}

fn tagged(mut meta: Meta) -> Meta {
    meta.tags = [Tag::from("a")].into_iter().collect();
    meta
}

/// Stale after 1 us.
fn short(meta: Meta) -> Meta {
    Meta { revalidate_us: Some(1), ..meta }
}

/// A store with the entry of one instance, and another instance.
fn stored(more: impl FnOnce(Meta) -> Meta) -> (Arc<Fake>, Fixture) {
    let store = store();
    instance(&store, &PLAIN()).set(1, more);
    assert_eq!(store.carry_out_writes().len(), 1);
    let b = instance(&store, &PLAIN());
    b.engine.clock.advance_us(10);
    (store, b)
}

/// An instance that has taken the lease with nothing to serve.
fn leader(options: &Value) -> (Arc<Fake>, Fixture) {
    let store = store();
    let a = instance(&store, options);
    assert_eq!(a.claim(1, None, 1), Ask::Send);
    store.answer_claim(LeaseReply::Granted);
    assert_eq!((a.got(), a.role()), (vec![(1, false)], HERE));
    (store, a)
}

/// An instance that waits for another one until 100 ms, as number 2.
fn follower() -> (Arc<Fake>, Fixture) {
    let store = store();
    let a = instance(&store, &PLAIN());
    a.claim(1, None, 1);
    store.answer_claim(LeaseReply::HeldElsewhere);
    assert_eq!((a.got(), a.role()), (vec![(1, false)], Role::Follower));
    assert!(a.follow(100, 2));
    (store, a)
}

#[test]
fn of_all_who_ask_one_generates_and_the_store_is_asked_once() {
    let store = store();
    let a = instance(&store, &PLAIN());
    assert_eq!([1, 2, 3].map(|token| a.claim(1, None, token))[1..], [Ask::Pending, Ask::Pending]);
    let (claim, pause_ms) = store.answer_claim(LeaseReply::Granted);
    assert_eq!((claim.epoch, claim.position, claim.outdated), (7, 50, 0));
    assert_eq!((claim.patience_ms, claim.life_ms), (1_200, 1_500));
    assert!(claim.only_absent && pause_ms.is_none());
    assert_eq!(a.got(), [(1, false), (2, false), (3, false)]);
    assert_eq!([a.leads(), a.leads()], [true, false]);
    assert_eq!(a.engine.stats.leases_taken.load(Ordering::Relaxed), 1);
}

#[test]
fn what_others_have_stored_meanwhile_comes_with_the_answer() {
    let (store, b) = stored(|meta| meta);
    b.claim(1, None, 1);
    store.answer_claim(LeaseReply::EntryExists);
    assert_eq!((b.got(), verdict(&b.engine, 1, &[])), (vec![(1, true)], Some(Verdict::Fresh)));
    assert_eq!((b.role(), store.ended()), (Role::Unknown, vec![]));
}

#[test]
fn a_lease_is_given_back_if_what_comes_with_it_is_fresh() {
    let (store, b) = stored(|meta| meta);
    b.set(1, short);
    b.engine.clock.advance_us(10);
    b.claim(1, Some(&b.stale()), 1);
    assert!(!store.answer_claim(LeaseReply::Granted).0.only_absent);
    assert_eq!((b.got(), b.role()), (vec![(1, true)], Role::Unknown));
    assert_eq!(store.ended(), [LeaseEnd::Released]);
    assert_eq!(b.engine.stats.leases_taken.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_found_stale_is_claimed_with_one_more_turn() {
    for (options, is_brought) in [(PLAIN(), false), (NO_MEMORY(), true)] {
        let (store, _) = stored(short);
        let b = instance(&store, &options);
        b.engine.clock.advance_us(10);
        b.claim(1, None, 1);
        assert!(store.answer_claim(LeaseReply::EntryExists).0.only_absent);
        assert_eq!(b.got(), [], "no waiter is woken in between");
        let (claim, pause_ms) = store.answer_claim(LeaseReply::Granted);
        assert_eq!((claim.only_absent, claim.outdated, pause_ms), (false, 0, Some(0)));
        assert_eq!((b.got(), b.role()), (vec![(1, is_brought)], HERE));
        let held = (!is_brought).then_some(Verdict::Stale);
        assert_eq!(verdict(&b.engine, 1, &[]), held);
    }
}

#[test]
fn for_what_is_found_dead_a_lease_from_before_is_of_no_use() {
    let (store, b) = stored(tagged);
    b.hears_of_one();
    b.claim(1, None, 1);
    store.answer_claim(LeaseReply::EntryExists);
    let (claim, _) = store.answer_claim(LeaseReply::Granted);
    assert_eq!((claim.only_absent, claim.outdated, claim.position), (false, 60, 60));
    assert_eq!((b.got(), b.role()), (vec![(1, false)], HERE));
}

#[test]
fn who_holds_what_is_dead_says_so_at_once() {
    let (store, b) = stored(tagged);
    b.set(1, tagged);
    b.hears_of_one();
    b.claim(1, Some(&b.stale()), 1);
    let (claim, _) = store.answer_claim(LeaseReply::Granted);
    assert_eq!((claim.only_absent, claim.outdated), (false, 60));
}

#[test]
fn what_comes_is_judged_by_what_was_invalidated_meanwhile() {
    let (store, b) = stored(tagged);
    b.claim(1, None, 1);
    b.hears_of_one();
    store.answer_claim(LeaseReply::Granted);
    assert_eq!((b.got(), verdict(&b.engine, 1, &[])), (vec![(1, false)], None));
    assert_eq!((b.role(), store.ended()), (HERE, vec![]));
}

#[test]
fn a_set_ends_the_lease_with_its_write_even_if_memory_has_no_room_for_it() {
    let small = serde_json::json!({ "memoryMb": 1 });
    for (options, bytes) in [(PLAIN(), 3), (NO_MEMORY(), 3), (small, 2 << 20)] {
        let (store, a) = leader(&options);
        let (since, stamp) = a.engine.ledger.present();
        let key = a.engine.hasher().key(Class::Fetch, &[1]);
        let meta = Meta { stamp, since, ..meta() };
        let (_, placed) = a.engine.set(&key, meta, vec![1; bytes].into(), false);
        assert_eq!(placed.stored, Stored::Yes);
        assert_eq!(a.engine.held(&key).is_some(), options == PLAIN());
        assert_eq!((store.written_ends.lock().len(), store.ended()), (1, vec![]));
        assert!(a.engine.leases.is_empty());
    }
}

#[test]
fn a_set_that_is_too_large_for_all_gives_the_lease_back() {
    let (store, a) = leader(&serde_json::json!({ "memoryMb": 4 }));
    let (since, stamp) = a.engine.ledger.present();
    let key = a.engine.hasher().key(Class::Fetch, &[1]);
    let meta = Meta { stamp, since, ..meta() };
    let (_, placed) = a.engine.set(&key, meta, vec![1; 17 << 20].into(), false);
    assert_eq!(placed.stored, Stored::TooLarge);
    assert_eq!((store.writes.lock().len(), store.ended()), (0, vec![LeaseEnd::Released]));
}

#[test]
fn a_set_without_a_lease_ends_none() {
    let store = store();
    instance(&store, &PLAIN()).set(1, |meta| meta);
    assert_eq!((store.writes.lock().len(), store.written_ends.lock().len()), (1, 0));
}

#[test]
fn a_set_that_others_do_not_get_gives_the_lease_back() {
    let (store, a) = leader(&PLAIN());
    let (since, stamp) = a.engine.ledger.present();
    a.hears_of_one();
    assert_eq!(a.set(1, |meta| tagged(Meta { stamp, since, ..meta })), Stored::Invalidated);
    assert_eq!(store.ended(), [LeaseEnd::Released], "dead on arrival");

    let (store, a) = leader(&PLAIN());
    let of_before = Stamp { epoch: Epoch(6), ..stamp };
    a.set(1, |meta| Meta { stamp: of_before, ..meta });
    assert_eq!(store.ended(), [LeaseEnd::Released], "of another history");

    let (store, a) = leader(&PLAIN());
    let meta = Meta { stamp, since, ..meta() };
    a.engine.set(&a.engine.hasher().key(Class::Fetch, &[1]), meta, [1].into(), true);
    assert_eq!(store.ended(), [LeaseEnd::Released], "of this process only");
    assert!(store.writes.lock().is_empty() && a.engine.leases.is_empty());
}

#[test]
fn a_generation_that_fails_passes_its_key_unless_something_stale_is_left() {
    let (store, a) = leader(&PLAIN());
    a.with_key(|engine, key| engine.abandon(key, true));
    assert_eq!((store.ended(), a.role()), (vec![LeaseEnd::Uncacheable], Role::Uncoordinated));

    let (store, b) = stored(short);
    b.claim(1, None, 1);
    store.answer_claim(LeaseReply::EntryExists);
    store.answer_claim(LeaseReply::Granted);
    b.with_key(|engine, key| engine.abandon(key, true));
    assert_eq!((store.ended(), b.role()), (vec![LeaseEnd::Released], Role::Unknown));
    b.with_key(|engine, key| engine.abandon(key, true));
    assert_eq!(store.ended(), [], "once");
}

#[test]
fn who_follows_looks_until_the_other_process_has_stored() {
    let (store, a) = follower();
    assert!(a.follow(100, 3));
    assert_eq!(store.answer_claim(LeaseReply::HeldElsewhere).1, Some(10));
    assert_eq!(a.got(), []);
    instance(&store, &PLAIN()).set(1, |meta| meta);
    store.carry_out_writes();
    assert_eq!(store.answer_claim(LeaseReply::EntryExists).1, Some(20));
    assert_eq!(a.got(), [(2, true), (3, true)]);
    assert_eq!(verdict(&a.engine, 1, &[]), Some(Verdict::Fresh));
    assert!(store.claims.lock().is_empty() && a.engine.leases.is_empty());
}

#[test]
fn who_follows_leads_once_the_other_process_is_gone() {
    let (store, a) = follower();
    store.answer_claim(LeaseReply::Granted);
    assert_eq!((a.got(), a.role()), (vec![(2, false)], HERE));
}

#[test]
fn there_is_nothing_to_follow_where_nobody_leads_elsewhere() {
    let (store, a) = leader(&PLAIN());
    assert!(!a.follow(100, 2) && store.claims.lock().is_empty());
    assert!(!instance(&store, &PLAIN()).follow(100, 2));
}

#[test]
fn who_follows_takes_over_from_a_leader_that_takes_too_long() {
    let (store, a) = follower();
    let (claim, _) = store.answer_claim(LeaseReply::HeldElsewhere);
    // The store knows the age of the lease, and decides when to hand it over.
    assert_eq!((claim.patience_ms, claim.life_ms), (100, 400));
    store.answer_claim(LeaseReply::Granted);
    assert_eq!((a.got(), a.role(), store.ended()), (vec![(2, false)], HERE, vec![]));
}

#[test]
fn a_leader_of_what_is_stale_is_believed_for_a_second_and_longer_if_it_is_seen() {
    let (store, _) = stored(short);
    let b = instance(&store, &PLAIN());
    b.engine.clock.advance_us(10);
    b.claim(1, None, 1);
    store.answer_claim(LeaseReply::EntryExists);
    let (claim, _) = store.answer_claim(LeaseReply::Granted);
    assert_eq!((claim.patience_ms, claim.life_ms), (10_000, 1_500));
    assert_eq!([b.leads(), b.leads()], [true, false]);
    assert_eq!(b.engine.leases(), [] as [Address; 0]);
    b.engine.clock.advance_us(900_000);
    b.with_key(Engine::note_progress);
    assert_eq!(b.engine.leases().len(), 1);
    b.engine.clock.advance_us(1_000_000);
    assert_eq!((b.engine.leases().len(), b.role()), (0, Role::Unknown));
}

#[test]
fn a_get_that_will_not_generate_leaves_the_lead_to_others() {
    let (store, a) = leader(&PLAIN());
    a.with_key(Engine::leave_lead);
    assert_eq!((store.ended(), a.role()), (vec![LeaseEnd::Released], Role::Unknown));
    a.with_key(Engine::leave_lead);
    assert_eq!(store.ended(), []);
}

#[test]
fn a_lease_nobody_waits_for_any_more_is_given_back() {
    let store = store();
    let a = instance(&store, &PLAIN());
    a.claim(1, None, 1);
    a.set(1, short);
    a.engine.clock.advance_us(10);
    assert_eq!(a.got(), [(1, false)]);
    store.answer_claim(LeaseReply::Granted);
    assert_eq!((store.ended(), a.engine.leases.len()), (vec![LeaseEnd::Released], 0));
    assert_eq!(a.engine.stats.leases_taken.load(Ordering::Relaxed), 0);
}

#[test]
fn a_store_that_is_away_leaves_it_to_each_process() {
    let store = store();
    let a = instance(&store, &PLAIN());
    a.claim(1, None, 1);
    store.answer_claim(LeaseReply::Unavailable);
    assert_eq!((a.got(), a.role()), (vec![(1, false)], Role::Uncoordinated));
    a.set(1, short);
    a.engine.clock.advance_us(10);
    a.claim(1, Some(&a.stale()), 2);
    store.answer_claim(LeaseReply::Unavailable);
    assert_eq!([a.leads(), a.leads()], [true, false]);
    assert_eq!(store.ended(), []);
}

#[test]
fn who_is_silent_is_believed_for_as_long_as_it_is_waited_for() {
    let (store, a) = leader(&PLAIN());
    a.engine.clock.advance_us(u64::from(WAIT_MS) * 1_000);
    assert_eq!((a.role(), store.ended()), (Role::Unknown, vec![]));
    a.set(1, |meta| meta);
    assert_eq!(store.written_ends.lock().len(), 1, "it pays again to wait");
}

#[test]
fn what_has_no_place_in_the_store_is_everybodys() {
    let store = store();
    let a = instance(&store, &PLAIN());
    let units = [1];
    // Its build is not known.
    let key = a.engine.hasher().key(Class::Response, &units);
    assert!(!a.engine.may_claim(&key));
    let nothing = || Claimant { held: None, fallback: Fallback::None, wait_ms: WAIT_MS };
    let asked = || a.engine.claim(&key, nothing(), Vec::new, a.ticket(1));
    assert_eq!([asked(), asked()], [Ask::Known(Role::Uncoordinated); 2]);
    assert!(store.claims.lock().is_empty() && a.engine.leases.is_empty());
}

#[test]
fn what_is_dead_for_who_asks_is_claimed_though_it_is_there() {
    let (store, b) = stored(|meta| meta);
    b.hears_of_one();
    let key = b.engine.hasher().key(Class::Fetch, &[1]);
    let nothing = Claimant { held: None, fallback: Fallback::None, wait_ms: WAIT_MS };
    b.engine.claim(&key, nothing, || vec![Tag::from("a")], b.ticket(1));
    store.answer_claim(LeaseReply::EntryExists);
    let (claim, _) = store.answer_claim(LeaseReply::Granted);
    assert_eq!((claim.only_absent, claim.outdated, b.role()), (false, 60, HERE));
}

#[test]
fn a_lease_from_before_the_tags_of_who_asks_were_invalidated_is_of_no_use() {
    let store = store();
    let a = instance(&store, &PLAIN());
    let ask = || {
        let (units, asked) = ([1], vec![Tag::from("a")]);
        let key = a.engine.hasher().key(Class::Fetch, &units);
        let nothing = Claimant { held: None, fallback: Fallback::None, wait_ms: WAIT_MS };
        a.engine.claim(&key, nothing, || asked, a.ticket(1));
        store.answer_claim(LeaseReply::HeldElsewhere).0.outdated
    };
    assert_eq!(ask(), 0);
    a.hears_of_one();
    a.engine.clock.advance_us(3_000_000);
    assert_eq!(ask(), 60);
}
