//! Reads of entries over lanes: they are what there are most of, and large ones hold up no command of
//! the protocol.
//!
//! An entry says itself whether it is valid, so it does not matter over which connection it came.

use std::sync::Arc;

use bytes::BytesMut;

use super::connect::Connection;
use super::dial::command;
use super::entries::{Found, Read};
use super::failure::Failure;
use super::lanes::{Lane, Waiter};
use super::pipeline::Frame;
use super::refusals::Deed;
use super::session::Session;
use crate::store::LeaseReply;

impl Session {
    /// Sends reads over the lanes. Returns those that the link has to send.
    pub(super) fn read_ahead(&self, link: &Connection, reads: Vec<Read>) -> Vec<Read> {
        // A claim of one who has a stale entry leaves first.
        let is_plain = |read: &Read| read.claim.is_none_or(|claim| claim.only_absent);
        let (plain, mut others): (Vec<_>, Vec<_>) = reads.into_iter().partition(is_plain);
        if link.is_of_cluster {
            for read in plain {
                let lane = link.lane_of(&self.keys.entry(read.address));
                others.extend(self.read_by(lane.as_deref(), vec![read]));
            }
        } else if !plain.is_empty() {
            others.extend(self.read_by(link.lane().as_deref(), plain));
        }
        others
    }

    /// Sends reads over a lane. Returns those that it does not take.
    fn read_by(&self, lane: Option<&Lane>, reads: Vec<Read>) -> Vec<Read> {
        let Some(lane) = lane else { return reads };
        let add = |waiter: &Waiter, out: &mut BytesMut| {
            if let Waiter::Read(read) = waiter {
                command(out, [b"GET", self.keys.entry_name(read.address).as_bytes()]);
            }
        };
        super::lanes::reads(lane.send(reads.into_iter().map(Waiter::Read).collect(), add))
    }

    /// Takes the answers to reads, of which the first left at `sent_ns` of the stopwatch.
    pub(super) fn take_reads(
        self: &Arc<Self>,
        link: &Arc<Connection>,
        answers: Vec<(Read, Frame)>,
        sent_ns: u64,
    ) {
        let (mut told, mut again) = (Vec::with_capacity(answers.len()), Vec::new());
        for (read, frame) in answers {
            match found(frame) {
                Some(found) => told.push((read, (LeaseReply::Unavailable, found))),
                None => again.push(read),
            }
        }
        if !told.is_empty() {
            self.counters.answered(sent_ns);
            self.mind(Deed::Read, &Ok::<(), Failure>(()));
            self.answer_reads(link, told, sent_ns);
        }
        self.read_by_link(link, again);
    }

    /// Reads that were not answered in time.
    pub(super) fn give_up_reads(self: &Arc<Self>, link: &Arc<Connection>, late: Vec<Read>) {
        let Some(key) = late.first().map(|read| self.keys.entry(read.address)) else { return };
        drop(late);
        let result = Err::<(), _>(Failure::TimedOut);
        // Losing a shard loses its keys, and nothing else.
        if link.client.is_with_table(&key) {
            self.note(link, &result);
        } else {
            link.client.note(&key, &result);
        }
    }
}

/// What lies there; `None` if the answer is something else.
fn found(frame: Frame) -> Option<Found> {
    match frame {
        Frame::Null => Some(Ok(None)),
        Frame::BulkString(bytes) => Some(Ok(Some(bytes))),
        // A key of another type, which one who reads several keys is not told of either.
        Frame::Error(text) if text.starts_with("WRONGTYPE") => Some(Ok(None)),
        _ => None,
    }
}
