//! What Doorward asks of the system for itself.

use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, getrlimit, setrlimit, umask},
};

/// The most connections at once.
const MOST: u64 = 8192;
/// Open files that are not connections: the database, its readers, mail, the log.
const OTHERS: u64 = 128;

/// Keeps what is in memory there: no core dumps, no debugger of the same user, files for their owner only.
///
/// Where the system refuses, Doorward runs as safely as it can.
pub(crate) fn keep_secrets() {
    umask(Mode::RWXG | Mode::RWXO);
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// How many connections the system lets us have at once, after asking for as many as we want.
pub(crate) fn room_for_connections() -> u32 {
    let wanted = MOST + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = limit.maximum.map_or(wanted, |most| most.min(wanted));
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(raised),
                maximum: limit.maximum,
            },
        );
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    // With hardly any files there is still one connection at a time, rather than none.
    u32::try_from(files.saturating_sub(OTHERS).clamp(1, MOST)).unwrap_or(1)
}
