//! Followers that are told when the generation of another process ends.

use super::*;

#[test]
fn whoever_is_told_asks_in_between_as_seldom_as_the_store_says() {
    let f = fixture();
    f.ask(0, 1);
    f.check_after(0, LeaseReply::Followed(500));
    f.woken();
    assert_eq!((f.role(0), f.follow(0, 2_000, 2)), (Role::Follower, Follow::CheckIn(500)));
    assert_eq!(f.check_after(500, LeaseReply::Followed(130)), Some(130));
    assert_eq!(f.check_after(630, LeaseReply::HeldElsewhere), Some(10), "nobody tells it now");
    assert_eq!(f.check_after(640, LeaseReply::HeldElsewhere), Some(20));
    assert!(f.woken().is_empty());
    assert_eq!(f.check_after(660, LeaseReply::Followed(500)), Some(500));
    assert_eq!(f.check_after(700, LeaseReply::EntryExists), None);
    assert_eq!(f.woken(), [2]);
}

#[test]
fn whoever_follows_later_looks_when_the_store_said() {
    let f = fixture();
    f.ask(0, 1);
    f.check_after(0, LeaseReply::Followed(120));
    assert_eq!(f.follow(90, 2_000, 2), Follow::CheckIn(30));
    let f = fixture();
    f.ask(0, 1);
    f.check_after(0, LeaseReply::Followed(120));
    assert_eq!(f.follow(150, 2_000, 2), Follow::CheckIn(1));
}
