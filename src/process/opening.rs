//! The line with which a process begins: what it uses, and why not more.

/// What JavaScript found out about the app, for the operator.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The version of its Next.js, if that runs here.
    pub next: Option<String>,
    /// The version of Node.js.
    pub node: Option<String>,
    /// The id of its build, unless it is being built or developed.
    pub build: Option<String>,
    /// Where its namespace comes from, such as `package.json`.
    pub named_by: String,
}

/// What the line says.
pub(super) struct Opening<'a> {
    pub(super) memory_mib: u64,
    pub(super) tier: Result<Shared<'a>, String>,
    pub(super) seen: &'a Seen,
    pub(super) is_dev: bool,
    pub(super) is_building: bool,
}

/// The shared tier.
pub(super) struct Shared<'a> {
    pub(super) place: &'a str,
    pub(super) namespace: &'a str,
    /// The option or variable that names the namespace.
    pub(super) named_by: Option<&'a str>,
}

impl Opening<'_> {
    pub(super) fn text(&self) -> String {
        let mib = self.memory_mib;
        let mut text = match &self.tier {
            Ok(Shared { place, namespace, named_by }) => {
                let by = named_by.unwrap_or(&self.seen.named_by);
                let tiers = match mib {
                    0 => format!("redis only: {place}"),
                    _ => format!("memory {mib} MiB + {place}"),
                };
                format!("{tiers}, namespace {namespace} ({by})")
            }
            Err(why) => format!("memory only ({why}), {mib} MiB"),
        };
        let phase = match (self.is_building, self.is_dev) {
            (true, _) => " (build)",
            (_, true) => " (dev)",
            _ => "",
        };
        let details = [
            self.seen.build.as_ref().map(|build| format!(", build {build}")),
            self.seen.next.as_ref().map(|next| format!(", next {next}{phase}")),
        ];
        text.extend(details.into_iter().flatten());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        let some = |text: &str| Some(text.to_owned());
        Seen {
            next: some("16.4.6"),
            node: some("22.12.0"),
            build: some("4tx"),
            named_by: "package.json".into(),
        }
    }

    #[test]
    fn the_line_says_what_is_used_and_where_it_comes_from() {
        let seen = seen();
        let shared = |named_by| {
            Ok(Shared { place: "redis cache:6379/0", namespace: "shop:production", named_by })
        };
        let line = |memory_mib, tier, seen| {
            Opening { memory_mib, tier, seen, is_dev: false, is_building: false }.text()
        };
        assert_eq!(
            line(64, shared(None), &seen),
            "memory 64 MiB + redis cache:6379/0, namespace shop:production (package.json), \
             build 4tx, next 16.4.6"
        );
        assert_eq!(
            line(0, shared(Some("TIERCEL_NAMESPACE")), &Seen::default()),
            "redis only: redis cache:6379/0, namespace shop:production (TIERCEL_NAMESPACE)"
        );
    }

    #[test]
    fn without_a_server_it_says_why() {
        let (seen, why) = (seen(), "REDIS_URL is not set");
        let line = |is_dev, is_building| {
            Opening { memory_mib: 8, tier: Err(why.into()), seen: &seen, is_dev, is_building }
                .text()
        };
        let all =
            [(false, false), (true, false), (false, true)].map(|(dev, build)| line(dev, build));
        let told = "memory only (REDIS_URL is not set), 8 MiB, build 4tx, next 16.4.6";
        assert_eq!(all, [told.to_owned(), format!("{told} (dev)"), format!("{told} (build)")]);
    }
}
