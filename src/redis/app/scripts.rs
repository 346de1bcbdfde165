//! The scripts of the app's own code.

use super::super::scripts::Script;

/// All of them.
pub(in super::super) struct Scripts {
    pub(super) take: Script,
    pub(super) increment: Script,
    pub(super) issue_code: Script,
    pub(super) verify_code: Script,
    pub(super) acquire: Script,
    pub(super) renew_lock: Script,
    pub(super) release: Script,
    pub(super) limit: Script,
    pub(super) acquire_seat: Script,
    pub(super) renew_seat: Script,
    pub(super) create_session: Script,
    pub(super) read_session: Script,
    pub(super) update_session: Script,
    pub(super) rotate_session: Script,
    pub(super) destroy_session: Script,
    pub(super) destroy_sessions: Script,
    pub(super) list_sessions: Script,
    pub(super) add_counts: Script,
    pub(super) read_count: Script,
    pub(super) top_counts: Script,
    pub(super) count_members: Script,
    pub(super) remove_count: Script,
}

/// A script by itself.
macro_rules! alone {
    ($name:literal) => {
        Script::of(include_str!(concat!("../scripts/app/", $name)).into())
    };
}

/// A script of sessions.
macro_rules! of_session {
    ($name:literal) => {
        Script::of(
            concat!(
                include_str!("../scripts/app/session.lua"),
                include_str!(concat!("../scripts/app/", $name))
            )
            .into(),
        )
    };
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            take: alone!("take.lua"),
            increment: alone!("increment.lua"),
            issue_code: alone!("issue_code.lua"),
            verify_code: alone!("verify_code.lua"),
            acquire: alone!("acquire.lua"),
            renew_lock: alone!("renew_lock.lua"),
            release: alone!("release.lua"),
            limit: alone!("limit.lua"),
            acquire_seat: alone!("acquire_seat.lua"),
            renew_seat: alone!("renew_seat.lua"),
            create_session: of_session!("create_session.lua"),
            read_session: of_session!("read_session.lua"),
            update_session: of_session!("update_session.lua"),
            rotate_session: of_session!("rotate_session.lua"),
            destroy_session: of_session!("destroy_session.lua"),
            destroy_sessions: of_session!("destroy_sessions.lua"),
            list_sessions: of_session!("list_sessions.lua"),
            add_counts: alone!("add_counts.lua"),
            read_count: alone!("read_count.lua"),
            top_counts: alone!("top_counts.lua"),
            count_members: alone!("count_members.lua"),
            remove_count: alone!("remove_count.lua"),
        }
    }
}
