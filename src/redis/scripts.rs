//! The scripts, and how one runs.

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::LuaInterface;
use fred::types::{Key, Value};
use fred::util::sha1_hash;

use super::servers::Servers;

/// A script, and the hash by which the server knows it.
pub(super) struct Script {
    source: String,
    hash: String,
}

/// All of them.
pub(super) struct Scripts {
    pub(super) delta: Script,
    pub(super) invalidate: Script,
    pub(super) raise_floor: Script,
    pub(super) ack: Script,
    pub(super) remove: Script,
    pub(super) probe: Script,
    pub(super) claim: Script,
    pub(super) renew: Script,
    pub(super) end: Script,
    pub(super) tell: Script,
    pub(super) history: Script,
}

impl Script {
    /// A script of the protocol.
    fn new(source: &str) -> Self {
        Self::of(format!("{}\n{source}", include_str!("scripts/table.lua")))
    }

    pub(super) fn of(source: String) -> Self {
        Self { hash: sha1_hash(&source), source }
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// What the server knows it by once it has seen it.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// Distinguishes it from the others.
    pub(super) fn number(&self) -> u64 {
        self.hash.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
    }

    /// Runs it where its keys are: by hash, or by source if the server does not know it yet.
    pub(super) async fn run(
        &self,
        servers: &Servers,
        keys: &[Key],
        args: Vec<Value>,
    ) -> Result<Value, Error> {
        let Some(first) = keys.first() else {
            return Err(Error::new(ErrorKind::Routing, "no key"));
        };
        let call = |client: Client| {
            let (hash, keys, args) = (self.hash.as_str(), keys.to_vec(), args.clone());
            Box::pin(async move {
                match client.evalsha(hash, keys.clone(), args.clone()).await {
                    Err(error) if error.details().starts_with("NOSCRIPT") => {
                        client.eval(self.source.as_str(), keys, args).await
                    }
                    result => result,
                }
            })
        };
        servers.at(first, call).await
    }
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            delta: Script::new(include_str!("scripts/delta.lua")),
            invalidate: Script::new(include_str!("scripts/invalidate.lua")),
            raise_floor: Script::new(include_str!("scripts/raise_floor.lua")),
            ack: Script::of(include_str!("scripts/ack.lua").into()),
            remove: Script::new(include_str!("scripts/remove.lua")),
            probe: Script::of(include_str!("scripts/probe.lua").into()),
            claim: Script::of(include_str!("scripts/claim.lua").into()),
            renew: Script::of(include_str!("scripts/renew.lua").into()),
            end: Script::of(include_str!("scripts/end.lua").into()),
            tell: Script::of(include_str!("scripts/tell.lua").into()),
            history: Script::of(include_str!("scripts/history.lua").into()),
        }
    }
}
