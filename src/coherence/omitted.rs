//! Rules that can be left out, to prove that each of them is needed.
//!
//! Nothing is left out in a shipped build: there the question is answered `false` at compile time.

/// A rule of the protocol left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Omitted {
    /// A lease counts from the answer to a poll, not from its sending.
    LeaseFromArrival,
    /// A message extends the lease.
    LeaseFromMessage,
    /// An answer that was overtaken by other news raises what is applied all the same.
    TrustOvertakenPoll,
    /// A get takes the answer to any poll, however old.
    ShareAnyPoll,
    /// Answers of a closed connection are taken.
    TakeLateAnswers,
    /// Facts that the store has lost are not written again.
    SkipRepair,
    /// What is applied moves to an own invalidation across those between.
    JumpToOwn,
    /// Own invalidations that were overtaken are not checked any more.
    ForgetOpen,
    /// A message is applied whatever came before it.
    ApplyOverGap,
    /// A position is acknowledged when it is heard of.
    AckUnapplied,
    /// An invalidation resolves before it is applied here, with what it made not noted either:
    /// one of the two is enough.
    ResolveUnapplied,
    /// Leases of others are waited for from the sending of an invalidation, not from its answer.
    WaitFromSending,
    /// A list of instances that was just created counts as complete.
    TrustYoungList,
    /// A list of instances that was created anew counts as complete.
    TrustChangedList,
    /// A list of instances counts as complete on a connection that was just made.
    TrustYoungConnection,
    /// Who may not poll any more decides alone, although a table was followed.
    DecideAloneAgain,
}
