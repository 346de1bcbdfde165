//! A server that two processes share, and the thread of each that carries out its jobs there.

use std::collections::{HashSet, VecDeque};

use shuttle::rand::{Rng, thread_rng};

use super::*;
use crate::coherence::event;
use crate::engine::tests::fake::engine_over;
use crate::store::{
    Address, Health, LeaseEnd, LeaseReply, LeaseRequest, Make, Receive, ReceiveLease, SharedStore,
    Unavailable,
};

/// A fault of a server.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fault {
    None,
    /// It does not answer every claim.
    IsAwayAtTimes,
    /// It gives a lease to all who want it.
    GivesToAll,
    /// It takes no lease back.
    TakesNothingBack,
}

/// What lies on the server. The lease of each address has its holder.
#[derive(Default)]
pub(super) struct Server {
    entries: HashMap<Address, Vec<u8>>,
    pub(super) leases: HashMap<Address, usize>,
    pub(super) passes: HashSet<Address>,
}

impl Server {
    /// As the script does, except that no leader dies.
    fn claim(&mut self, address: Address, claim: LeaseRequest, instance: usize) -> LeaseReply {
        if self.passes.contains(&address) {
            return LeaseReply::HitForMiss(60_000);
        }
        if claim.only_absent && self.entries.contains_key(&address) {
            return LeaseReply::EntryExists;
        }
        let holder = *self.leases.entry(address).or_insert(instance);
        if holder == instance { LeaseReply::Granted } else { LeaseReply::HeldElsewhere }
    }

    fn end(&mut self, address: Address, ending: LeaseEnd, instance: usize) {
        if self.leases.get(&address) == Some(&instance) {
            self.leases.remove(&address);
        }
        let is_passed = match ending {
            LeaseEnd::Stored => false,
            LeaseEnd::Uncacheable if !self.leases.contains_key(&address) => true,
            LeaseEnd::Uncacheable | LeaseEnd::Released => return,
        };
        if is_passed {
            self.passes.insert(address);
        } else {
            self.passes.remove(&address);
        }
    }
}

enum Errand {
    Claim { address: Address, claim: LeaseRequest, is_later: bool, receive: ReceiveLease },
    End(Address, LeaseEnd),
    Write { address: Address, ends: bool, make: Make },
}

/// Carries out the jobs of one process, one after the other.
pub(super) struct Carrier {
    instance: usize,
    fault: Fault,
    server: Arc<Mutex<Server>>,
    jobs: Turns<VecDeque<Errand>>,
    is_over: Turns<bool>,
    added: Condvar,
}

/// A process: its engine, and its carrier.
pub(super) struct Process {
    pub(super) engine: Arc<Engine>,
    pub(super) carrier: Arc<Carrier>,
}

impl Process {
    pub(super) fn new(instance: usize, server: &Arc<Mutex<Server>>, fault: Fault) -> Self {
        let carrier = Arc::new(Carrier {
            instance,
            fault,
            server: server.clone(),
            jobs: Turns::default(),
            is_over: Turns::default(),
            added: Condvar::new(),
        });
        let engine = engine_over(carrier.clone(), &serde_json::json!({ "memoryMb": 1 }));
        Self { engine, carrier }
    }
}

impl Carrier {
    fn add(&self, job: Errand) {
        self.jobs.lock().unwrap().push_back(job);
        self.added.notify_all();
    }

    /// Carries out the jobs in the queue.
    pub(super) fn work_off(&self) {
        while let Some(job) = { self.jobs.lock().unwrap().pop_front() } {
            self.carry_out(job);
        }
    }

    /// Carries out jobs until it is over and none is left.
    pub(super) fn work(&self) {
        loop {
            self.work_off();
            let jobs = self.jobs.lock().unwrap();
            if jobs.is_empty() {
                if *self.is_over.lock().unwrap() {
                    return;
                }
                drop(self.added.wait(jobs).unwrap());
            }
        }
    }

    pub(super) fn end(&self) {
        *self.is_over.lock().unwrap() = true;
        // Not between the look at `is_over` and the wait for more jobs.
        drop(self.jobs.lock().unwrap());
        self.added.notify_all();
    }

    fn carry_out(&self, job: Errand) {
        match job {
            Errand::Claim { address, claim, is_later, receive } => {
                if is_later {
                    yield_now();
                }
                if self.fault == Fault::IsAwayAtTimes && thread_rng().gen_bool(0.3) {
                    return drop(receive(LeaseReply::Unavailable, Err(Unavailable)));
                }
                let claimed = self.server.lock().claim(address, claim, self.instance);
                let is_given =
                    self.fault == Fault::GivesToAll && claimed == LeaseReply::HeldElsewhere;
                let claimed = if is_given { LeaseReply::Granted } else { claimed };
                yield_now();
                let found = self.server.lock().entries.get(&address).cloned();
                drop(receive(claimed, Ok(found.map(Into::into))));
            }
            Errand::End(address, ending) => {
                if self.fault != Fault::TakesNothingBack {
                    self.server.lock().end(address, ending, self.instance);
                }
            }
            Errand::Write { address, ends, make } => {
                if let Some((bytes, _)) = make() {
                    self.server.lock().entries.insert(address, bytes);
                }
                yield_now();
                if ends {
                    self.carry_out(Errand::End(address, LeaseEnd::Stored));
                }
            }
        }
    }
}

impl SharedStore for Carrier {
    fn read(&self, address: Address, receive: Receive) {
        let found = self.server.lock().entries.get(&address).cloned();
        drop(receive(Ok(found.map(Into::into))));
    }

    fn claim(
        &self,
        address: Address,
        claim: LeaseRequest,
        pause_ms: Option<u32>,
        receive: ReceiveLease,
    ) {
        self.add(Errand::Claim { address, claim, is_later: pause_ms.is_some(), receive });
    }

    fn end(&self, address: Address, ending: LeaseEnd) {
        self.add(Errand::End(address, ending));
    }

    fn flush(&self) {}

    fn write(&self, address: Address, _: usize, ends: bool, make: Make) {
        self.add(Errand::Write { address, ends, make });
    }

    fn drain(&self, _: Box<dyn FnOnce() + Send>) {}

    fn exchange(&self, _: Vec<(event::Request, event::Command)>) {}

    fn leave(&self) {}

    fn forget_writes(&self) {}

    fn health(&self) -> Health {
        Health::default()
    }
}
