//! Leases: which instance generates an entry. Each lies next to its entry, and expires when its
//! holder dies.

use std::sync::Arc;
use std::time::Duration;

use fred::types::Value;
use futures_util::future::join_all;
use tokio::time::sleep;

use super::connect::{Connection, within};
use super::entries::{Claim, Read};
use super::failure::Failure;
use super::refusals::Deed;
use super::scripts::Script;
use super::session::Session;
use crate::generation::limits::{
    FIRST_HIT_FOR_MISS_US, FOLLOWED_CHECK_MS, FOLLOWER_LIFE_MS, LONGEST_HIT_FOR_MISS_US,
    RENEW_EVERY_MS, STALE_LEASE_MS, TIMED_OUT_LEADERS,
};
use crate::guard::guard;
use crate::store::{self, Address, LeaseEnd, LeaseReply, LeaseRequest};

/// Pause between renewals.
const RENEW_EVERY: Duration = Duration::from_millis(RENEW_EVERY_MS);
/// Renewals under way together.
const TOGETHER: usize = 64;

impl Session {
    /// Makes claims, and returns one reply per address, in order.
    pub(super) fn claim_all(
        self: &Arc<Self>,
        link: &Connection,
        claims: &[Claim],
    ) -> impl Future<Output = Vec<LeaseReply>> + Send {
        let claims = claims.to_vec();
        let one = async move |(address, claim)| match claim {
            Some(claim) => self.claim(link, address, claim).await,
            None => LeaseReply::Unavailable,
        };
        join_all(claims.into_iter().map(one))
    }

    async fn claim(
        self: &Arc<Self>,
        link: &Connection,
        address: Address,
        claim: LeaseRequest,
    ) -> LeaseReply {
        if self.leaseless.is_on(self.listener.now()) {
            return LeaseReply::Unavailable;
        }
        let follows = claim.follows && self.following.expect(address);
        let remembered_ms = if follows { FOLLOWER_LIFE_MS } else { 0 };
        let args = vec![
            Value::from(self.instance.as_str()),
            Value::from(claim.epoch.to_string()),
            Value::from(claim.position.to_string()),
            Value::from(claim.outdated.to_string()),
            Value::from(claim.life_ms.to_string()),
            Value::from(if claim.only_absent { "1" } else { "0" }),
            Value::from(claim.patience_ms.to_string()),
            Value::from((FIRST_HIT_FOR_MISS_US / 1_000).to_string()),
            Value::from((LONGEST_HIT_FOR_MISS_US / 1_000).to_string()),
            Value::from(TIMED_OUT_LEADERS.to_string()),
            Value::from(remembered_ms.to_string()),
        ];
        let answer = self.on_lease(link, &self.scripts.claim, address, args).await;
        let reply = answer.ok().as_ref().map_or(LeaseReply::Unavailable, reply_in);
        if follows && !matches!(reply, LeaseReply::Followed(_)) {
            self.following.forget(address);
        }
        reply
    }

    /// Reads and claims after a pause, or once a generation that it follows has ended.
    pub(super) fn read_later(self: &Arc<Self>, pause: Duration, read: Read) {
        let session = self.clone();
        tokio::spawn(async move {
            session.following.wait(read.address, pause).await;
            session.read(vec![read]);
        });
    }

    /// Ends a lease, and tells its followers. If that fails, the lease expires, and they ask.
    pub(super) fn end_lease(self: &Arc<Self>, address: Address, ending: LeaseEnd) {
        let Some(link) = self.link() else { return };
        let session = self.clone();
        tokio::spawn(async move {
            let how = match ending {
                LeaseEnd::Released => "released",
                LeaseEnd::Stored => "stored",
                LeaseEnd::Uncacheable => "unset",
            };
            let (channels, told) = (session.keys.followers(), store::digits(address));
            let args = vec![
                Value::from(session.instance.as_str()),
                Value::from(how),
                Value::from((FIRST_HIT_FOR_MISS_US / 1_000).to_string()),
                Value::from((LONGEST_HIT_FOR_MISS_US / 1_000).to_string()),
                Value::from(if link.is_of_cluster { "" } else { channels.as_str() }),
                Value::from(told.as_str()),
            ];
            let ended = session.on_lease(&link, &session.scripts.end, address, args).await;
            if let Ok(Value::Array(followers)) = ended
                && !followers.is_empty()
            {
                let args = [channels, told].into_iter().map(Value::from).chain(followers);
                let (tell, at) = (&session.scripts.tell, [session.keys.table()]);
                let call = tell.run(&link.client, &at, args.collect());
                let _ = within(session.command_timeout, call).await;
            }
        });
    }

    /// Renews the leases of entries still being generated, for as long as the store lives.
    pub(super) async fn keep_leases(self: Arc<Self>) {
        loop {
            sleep(RENEW_EVERY).await;
            let leases = guard(|| self.listener.leases()).unwrap_or_default();
            for some in leases.chunks(TOGETHER) {
                let Some(link) = self.link() else { break };
                join_all(some.iter().map(async |address| {
                    let life = Value::from(STALE_LEASE_MS.to_string());
                    let args = vec![Value::from(self.instance.as_str()), life];
                    let _ = self.on_lease(&link, &self.scripts.renew, *address, args).await;
                }))
                .await;
            }
        }
    }

    /// Runs a script of leases. Where it is forbidden, this process asks for no leases for a while.
    async fn on_lease(
        &self,
        link: &Connection,
        script: &Script,
        address: Address,
        args: Vec<Value>,
    ) -> Result<Value, Failure> {
        let keys = self.keys.lease(address);
        let call = script.run(&link.client, &keys, args);
        let answer = within(self.command_timeout, call).await;
        self.mind(Deed::Lease(script.number()), &answer);
        if matches!(answer, Err(Failure::Denied(_))) {
            self.leaseless.begin(self.listener.now());
        }
        answer
    }
}

/// The reply of the script: a word, and a number of ms.
fn reply_in(answer: &Value) -> LeaseReply {
    let Value::Array(answer) = answer else { return LeaseReply::Unavailable };
    let [word, Value::Integer(ms)] = answer.as_slice() else { return LeaseReply::Unavailable };
    match word.as_str().as_deref() {
        Some("taken") => LeaseReply::Granted,
        Some("held") => LeaseReply::HeldElsewhere,
        Some("followed") => {
            let ms = u32::try_from(*ms).unwrap_or(FOLLOWED_CHECK_MS);
            LeaseReply::Followed(ms.min(FOLLOWED_CHECK_MS))
        }
        Some("present") => LeaseReply::EntryExists,
        Some("passed") => LeaseReply::HitForMiss(u32::try_from(*ms).unwrap_or(0)),
        _ => LeaseReply::Unavailable,
    }
}
