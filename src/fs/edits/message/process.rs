//! The process that makes a request, and whether it is still alive.

use std::fs;

/// The process that has made a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::fs) enum Process {
    /// A caller of this library, without a process. It is done when the call returns.
    None,
    /// A process that msgfs cannot see: FUSE gives 0 for a process of another pid namespace.
    Unknown,
    /// A process, and when it was started, since numbers are used again.
    Known { process: u32, started: u64 },
}

impl Process {
    /// The process of a thread, since FUSE gives the number of the thread that waits for the
    /// answer.
    pub(in crate::fs) fn of(thread: u32) -> Self {
        let process = group_of(thread);
        process
            .and_then(|process| Some(Self::Known { process, started: started(process)? }))
            .unwrap_or(Self::Unknown)
    }

    /// Whether it is known to have ended. A zombie has.
    pub(in crate::fs::edits) fn has_ended(self) -> bool {
        match self {
            Self::None => true,
            Self::Unknown => false,
            Self::Known { process, started: then } => started(process) != Some(then),
        }
    }
}

/// The process that a thread belongs to.
pub(in crate::fs::edits) fn group_of(thread: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
    line.trim().parse().ok()
}

/// When a process was started, in clock ticks since the system was; `None` if it has ended.
fn started(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program is in parentheses and may hold any character.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next().filter(|state| !["Z", "X"].contains(state));
    state?;
    // The 22nd field of all, `starttime` of proc_pid_stat(5).
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Process;

    #[test]
    fn a_process_lives_until_it_has_ended() {
        let own = Process::of(std::process::id());
        assert!(matches!(own, Process::Known { .. }) && !own.has_ended());
        // A thread of its own is the same process.
        let of_thread = std::thread::spawn(|| {
            let thread = std::fs::read_link("/proc/thread-self").unwrap();
            Process::of(thread.file_name().unwrap().to_str().unwrap().parse().unwrap())
        });
        assert_eq!(of_thread.join().unwrap(), own);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let other = Process::of(child.id());
        child.wait().unwrap();
        assert!(other == Process::Unknown || other.has_ended());
        assert!(!Process::of(0).has_ended());
    }
}
