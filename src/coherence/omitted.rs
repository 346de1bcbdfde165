//! Rules that can be left out, to prove that each of them is needed.
//!
//! A shipped build leaves none out: there `Fleet::omits` is a constant `false`.

/// A rule of the protocol left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Omitted {
    /// A lease counts from the answer to a poll, not from its sending.
    LeaseFromArrival,
    /// A message extends the lease.
    LeaseFromMessage,
    /// An answer that other news has overtaken still raises the applied position.
    TrustOvertakenPoll,
    /// A position below the applied one counts as passed, however the applied one was reached.
    TrustPassed,
    /// A get takes the answer to any poll, however old.
    ShareAnyPoll,
    /// Answers on a closed connection count.
    TakeLateAnswers,
    /// Facts that the store has lost are not written again.
    SkipRepair,
    /// The applied position moves to an own one across those between.
    JumpToOwn,
    /// Own invalidations that were overtaken are not checked any more.
    ForgetOpen,
    /// A message is applied whatever came before it.
    ApplyOverGap,
    /// A position is acknowledged when it is heard of.
    AckUnapplied,
    /// An invalidation resolves before it is applied here, and the rows of its answer are not
    /// merged either: one of the two is enough.
    ResolveUnapplied,
    /// The wait for other leases counts from the sending of an invalidation, not from its answer.
    WaitFromSending,
    /// A list of instances that was just created counts as complete.
    TrustYoungList,
    /// A list of instances that was created again counts as complete.
    TrustChangedList,
    /// A list of instances counts as complete on a connection that was just made.
    TrustYoungConnection,
    /// An instance that may no longer poll decides alone, although it followed a table.
    DecideAloneAgain,
}
