//! The names of all keys on the server.

use fred::types::Key;

use crate::app::label::Label;
use crate::store::{self, Address};

/// The keys of one namespace. All but the entries lie in one slot of a cluster, so that a script
/// may touch them together.
pub(super) struct Keys {
    namespace: String,
    /// The keys passed to scripts, in the order they are numbered there.
    pub(super) scripts: [Key; 4],
    /// The channel of invalidations. Databases share channels, so its name holds the database.
    pub(super) channel: String,
}

impl Keys {
    pub(super) fn new(namespace: &str, database: u8) -> Self {
        let shared = |name: &str| Key::from(format!("{{{namespace}}}:{name}"));
        Self {
            scripts: ["t", "h", "i", "p"].map(shared),
            channel: format!("{{{namespace}}}:m{database}"),
            namespace: namespace.into(),
        }
    }

    /// The table of invalidations.
    pub(super) fn table(&self) -> Key {
        self.scripts[0].clone()
    }

    /// The position that each instance has applied.
    pub(super) fn instances(&self) -> Key {
        self.scripts[2].clone()
    }

    /// The last position at each instance's latest poll.
    pub(super) fn polls(&self) -> Key {
        self.scripts[3].clone()
    }

    /// What begins the channel of each instance, on which it is told that a generation has ended. It is
    /// in the slot of the table.
    pub(super) fn followers(&self) -> String {
        format!("{{{}}}:f:", self.namespace)
    }

    /// The last snapshot of an instance.
    pub(super) fn snapshot(&self, instance: &str) -> Key {
        Key::from(format!("{{{}}}:s:{instance}", self.namespace))
    }

    /// What an instance answers to a question.
    pub(super) fn account(&self, question: &str, instance: &str) -> Key {
        Key::from(format!("{{{}}}:a:{question}:{instance}", self.namespace))
    }

    /// What all instances counted in a minute since the epoch.
    pub(super) fn history(&self, minute: u64) -> Key {
        Key::from(format!("{{{}}}:c:{minute}", self.namespace))
    }

    /// An entry, in a slot of its own.
    pub(super) fn entry(&self, address: Address) -> Key {
        Key::from(self.entry_name(address))
    }

    /// The keys passed to the scripts of leases: the entry, its lease, its pass and the followers of
    /// its lease, in one slot.
    pub(super) fn lease(&self, address: Address) -> [Key; 4] {
        let entry = self.entry_name(address);
        let [lease, pass, followers] = [":l", ":p", ":f"].map(|end| format!("{entry}{end}"));
        [entry, lease, pass, followers].map(Key::from)
    }

    /// Something of the app's own code.
    pub(super) fn labelled(&self, label: &Label) -> Key {
        Key::from(self.label_name(label))
    }

    /// What the scripts of locks get: the lock, its queue, and the number given last, in one slot.
    pub(super) fn lock(&self, label: &Label) -> [Key; 3] {
        let lock = self.label_name(label);
        let (queue, number) = (format!("{lock}:q"), format!("{lock}:n"));
        [lock, queue, number].map(Key::from)
    }

    /// What the scripts of counters get: the sums, when something was added last, and what begins the
    /// names of the last batch of each sender, of the buckets, and of the members, all in one slot.
    pub(super) fn count(&self, label: &Label) -> [Key; 5] {
        let sums = self.label_name(label);
        let more = [":s", ":b:", ":w:", ":u:"].map(|end| format!("{sums}{end}"));
        let [seen, batch, buckets, members] = more;
        [sums, seen, batch, buckets, members].map(Key::from)
    }

    /// Its slot is its own. No namespace has a brace and no entry a word, so that nothing else is
    /// called so; what is beside a lock ends without one.
    fn label_name(&self, label: &Label) -> String {
        format!("{}:{{{label}}}", self.namespace)
    }

    /// Finds entries in a scan, and little else. No namespace has a character of patterns.
    pub(super) fn pattern(&self) -> String {
        format!("{}:{{*}}", self.namespace)
    }

    /// The address in the name of an entry; `None` for the name of anything else.
    pub(super) fn address(&self, name: &[u8]) -> Option<Address> {
        let name = std::str::from_utf8(name).ok()?.strip_prefix(&*self.namespace)?;
        store::address_of(name.strip_prefix(":{")?.strip_suffix('}')?)
    }

    /// Where processes of a build tell each other their namespace; it lies outside of all of them.
    pub(super) fn build(name: &str) -> Key {
        Key::from(format!("tiercel-build:{}", blake3::hash(name.as_bytes()).to_hex()))
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Names that nothing is stored under for longer than a second, to try rights out: beside the
    /// table, and beside entries.
    pub(super) fn scratch(&self) -> [Key; 2] {
        let namespace = &self.namespace;
        [format!("{{{namespace}}}:doctor"), format!("{namespace}:{{doctor}}")].map(Key::from)
    }

    /// The name of an entry.
    pub(super) fn entry_name(&self, address: Address) -> String {
        format!("{}:{{{}}}", self.namespace, store::digits(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::label::{Feature, Group, Own};

    fn label(feature: Feature, own: &str) -> Label {
        Label::plain(feature, &Group::parse("g").unwrap(), &Own::parse(own).unwrap())
    }

    #[test]
    fn things_of_the_app_are_apart_from_entries_and_a_lock_is_in_one_slot() {
        let keys = Keys::new("shop:production", 0);
        let value = keys.labelled(&label(Feature::Value, "a}b"));
        assert_eq!(value.as_str(), Some("shop:production:{kv:g:a}b}"));
        for own in ["a", "a}b", "}", "{", "a}:q"] {
            let lock = keys.lock(&label(Feature::Lock, own));
            assert!(lock.iter().all(|key| key.cluster_hash() == lock[0].cluster_hash()), "{own}");
            let other = keys.lock(&label(Feature::Lock, &format!("{own}}}:q")));
            assert!(lock.iter().all(|key| !other.contains(key)), "{own}");
        }
    }

    #[test]
    fn what_scripts_touch_lies_in_one_slot_and_entries_are_spread() {
        let keys = Keys::new("shop:production", 3);
        let slots: Vec<u16> = keys.scripts.iter().map(Key::cluster_hash).collect();
        assert!(slots.iter().all(|slot| *slot == slots[0]));
        assert_eq!(Key::from(keys.channel.clone()).cluster_hash(), slots[0]);
        assert_eq!(keys.channel, "{shop:production}:m3");
        let snapshot = keys.snapshot("00ab");
        assert_eq!(snapshot.as_str(), Some("{shop:production}:s:00ab"));
        assert_eq!(snapshot.cluster_hash(), slots[0]);
        let account = keys.account("01", "00ab");
        assert_eq!(account.as_str(), Some("{shop:production}:a:01:00ab"));
        assert_eq!(account.cluster_hash(), slots[0]);
        let minute = keys.history(29_933_867);
        assert_eq!(minute.as_str(), Some("{shop:production}:c:29933867"));
        assert_eq!(minute.cluster_hash(), slots[0]);
        let one = keys.entry([0xAB; 16]);
        assert_eq!(one.as_str(), Some(&*format!("shop:production:{{{}}}", "ab".repeat(16))));
        assert_ne!(one.cluster_hash(), keys.entry([0xAC; 16]).cluster_hash());
        let lease = keys.lease([0xAB; 16]);
        assert!(lease.iter().all(|key| key.cluster_hash() == one.cluster_hash()));
        let read = |key: &Key| keys.address(key.as_bytes());
        assert_eq!(read(&one), Some([0xAB; 16]));
        assert_eq!(keys.followers(), "{shop:production}:f:");
        assert_eq!(Key::from(format!("{}00ab", keys.followers())).cluster_hash(), slots[0]);
        for other in [&lease[1], &lease[2], &lease[3], &keys.table(), &keys.scratch()[1]] {
            assert_eq!(read(other), None, "{other:?}");
        }
        assert_eq!(Keys::new("shop", 0).address(one.as_bytes()), None);
    }
}
