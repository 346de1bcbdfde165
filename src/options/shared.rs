//! The options of the shared tier.

use std::time::Duration;

use super::secret::Secret;
use super::server::Server;
use super::sources::Sources;
use super::spec::{
    BUILD_NAME, COMMAND_TIMEOUT, COMPRESS, CONNECT_TIMEOUT, IN_BUILD, IN_DEV, INVALIDATION_GRACE,
    ISOLATE_FETCH, NAMESPACE, Number, ON_INVALIDATION_FAILURE, OUTAGE_SERVE, SECRET, SNAPSHOTS,
    WRITE_QUEUE,
};
use crate::error::Error;

/// The tier that processes share.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "switches of users, each by itself")]
pub struct SharedOptions {
    /// The server.
    pub server: Server,
    /// Separates apps that share a server; none = derived from the app.
    pub namespace: Option<String>,
    /// The build that pages belong to; none = the build being served, and its copies.
    pub build_name: Option<String>,
    /// Authenticates stored entries; none = they are not authenticated.
    pub secret: Option<Secret>,
    /// How long one command may take.
    pub command_timeout: Duration,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// Bound of the queued writes, in bytes.
    pub write_queue_bytes: usize,
    /// Whether entries are compressed.
    pub compress: bool,
    /// Whether a deploy ignores `fetch` data stored before it.
    pub isolate_fetch: bool,
    /// Whether `next build` connects.
    pub in_build: bool,
    /// Whether `next dev` connects.
    pub in_dev: bool,
    /// How an invalidation that could not be recorded ends.
    pub on_invalidation_failure: InvalidationFailure,
    /// Delay after which an invalidation is repeated, for data read from a database replica that
    /// lags behind; 0 = not repeated.
    pub invalidation_grace: Duration,
    /// How long memory answers while the server is away.
    pub outage_serve: Duration,
    /// How often this process publishes a snapshot of its counters; 0 = never.
    pub snapshot_every: Duration,
}

/// How the promise of an invalidation ends that is in effect in this process, but could not be
/// recorded in the shared tier yet. In both cases it is recorded once the server is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidationFailure {
    /// It resolves: an outage of the cache fails no server action.
    Resolve,
    /// It rejects: the caller wants to know.
    Reject,
}

impl SharedOptions {
    /// Whether an invalidation fails if it could not be recorded for other instances.
    pub fn must_record(&self) -> bool {
        self.on_invalidation_failure == InvalidationFailure::Reject
    }

    /// The place of the server, in words without a secret: `redis host:6379/0`.
    pub fn place(&self) -> String {
        self.server.place()
    }

    /// # Errors
    /// A forbidden value, even without a URL.
    pub(super) fn resolve(read: &Sources) -> Result<Option<Self>, Error> {
        let server = Server::resolve(read)?;
        let namespace = read.text(&NAMESPACE)?.map(|given| given.value.to_owned());
        let build_name = read.text(&BUILD_NAME)?.map(|given| given.value.to_owned());
        let secret = read.text(&SECRET)?.map(|given| Secret::new(given.value.to_owned()));
        let millis = |spec: &Number| Ok(Duration::from_millis(read.number(spec)?));
        let command_timeout = millis(&COMMAND_TIMEOUT)?;
        let connect_timeout = millis(&CONNECT_TIMEOUT)?;
        let invalidation_grace = millis(&INVALIDATION_GRACE)?;
        let outage_serve = millis(&OUTAGE_SERVE)?;
        let snapshot_every = Duration::from_secs(read.number(&SNAPSHOTS)?);
        let write_queue_mib = read.number(&WRITE_QUEUE)?;
        let compress = read.flag(&COMPRESS)?;
        let isolate_fetch = read.flag(&ISOLATE_FETCH)?;
        let in_build = read.flag(&IN_BUILD)?;
        let in_dev = read.flag(&IN_DEV)?;
        let on_invalidation_failure = read.choice(&ON_INVALIDATION_FAILURE)?;
        Ok(server.map(|server| Self {
            server,
            namespace,
            build_name,
            secret,
            command_timeout,
            connect_timeout,
            write_queue_bytes: (write_queue_mib << 20) as usize,
            compress,
            isolate_fetch,
            in_build,
            in_dev,
            on_invalidation_failure,
            invalidation_grace,
            outage_serve,
            snapshot_every,
        }))
    }
}
