//! Where a removed file lives until the save: in the message, hidden.
//!
//! `rm -r MESSAGE` removes the files of a message one by one before it asks for the directory,
//! which is refused without `-o delete`. So a removal is provisional until the process that made
//! it ends, or has removed nothing more in the message for ten seconds: the file is hidden, the
//! message keeps it, and no save leaves it out. A refused rmdir shows all of them again. A program
//! that calls fsync on a directory means what it has removed; `rm` never does. A file
//! that was renamed to a temporary name is hidden likewise, for as long as it has that name. A new
//! file of its path is shown in front of a hidden one, until it becomes the value of that path.
//! Knows nothing of messages.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use super::process::Process;

/// A removal is final when nothing else was removed in the message for this long.
const FINAL_AFTER: Duration = Duration::from_secs(10);

/// An fsync by another process leaves alone what was removed within this time: it may be an `rm -r`
/// that is still running.
const RUNNING_FOR: Duration = Duration::from_secs(1);

/// Which removals are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs::edits) enum Finality {
    /// Those of processes that have ended or are done removing.
    Done,
    /// As well those of this process, which has called fsync on a directory, and those of others
    /// that have not just removed something.
    Synced(Process),
    /// All: the mount ends, so no process can go on with them.
    End,
}

/// Why a file is hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
enum HiddenWhy {
    Removed(Process),
    /// It has this temporary name.
    RenamedTo(String),
}

/// The files of a message that are hidden, by their paths.
#[derive(Debug, Default)]
pub(in crate::fs::edits) struct Removals {
    hidden: BTreeMap<String, HiddenWhy>,
    /// When each process has removed the last one.
    last: HashMap<Process, Instant>,
    /// The process that was refused a removal, and when. `rm -r` goes on with the other files then,
    /// and never comes to the rmdir whose refusal would bring them back.
    refused: Option<(Process, Instant)>,
}

impl Removals {
    pub(in crate::fs::edits) fn is_empty(&self) -> bool {
        self.hidden.is_empty()
    }

    /// Whether any file was removed, not only renamed.
    pub(in crate::fs::edits) fn has_removed(&self) -> bool {
        self.hidden.values().any(|hidden| matches!(hidden, HiddenWhy::Removed(_)))
    }

    /// Whether a path is hidden, or a directory that it lies in.
    pub(in crate::fs::edits) fn hides(&self, path: &str) -> bool {
        if self.hidden.is_empty() {
            return false;
        }
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.filter_map(|end| path.get(..end)).any(|above| self.hidden.contains_key(above))
    }

    /// Whether a path was removed, or a directory that it lies in: not only renamed.
    pub(in crate::fs::edits) fn has(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let mut above = ends.filter_map(|end| self.hidden.get(path.get(..end)?));
        above.any(|hidden| matches!(hidden, HiddenWhy::Removed(_)))
    }

    /// Hides a file, or a directory that has only hidden files, which a process removes.
    pub(in crate::fs::edits) fn remove(&mut self, path: &str, process: Process) {
        self.hidden.insert(path.to_owned(), HiddenWhy::Removed(process));
        self.last.insert(process, Instant::now());
    }

    /// Hides an embedded message that a process removes: what was removed in it goes with it.
    pub(in crate::fs::edits) fn remove_whole(&mut self, path: &str, process: Process) {
        let below = format!("{path}/");
        self.hidden.retain(|known, _| !known.starts_with(&below));
        self.remove(path, process);
    }

    /// Hides again what could not be removed for good.
    pub(in crate::fs::edits) fn put_back(&mut self, paths: Vec<String>) {
        for path in paths {
            self.hidden.entry(path).or_insert(HiddenWhy::Removed(Process::None));
        }
    }

    /// Refuses a process all removals: those that it has just made are undone.
    pub(in crate::fs::edits) fn refuse(&mut self, process: Process) {
        self.hidden.retain(|_, hidden| *hidden != HiddenWhy::Removed(process));
        self.refused = Some((process, Instant::now()));
    }

    /// Whether a process was just refused a removal.
    pub(in crate::fs::edits) fn are_refused(&self, process: Process) -> bool {
        process != Process::None
            && self
                .refused
                .is_some_and(|(known, at)| known == process && at.elapsed() < FINAL_AFTER)
    }

    /// Hides a file that was renamed to a temporary name.
    pub(in crate::fs::edits) fn rename_away(&mut self, path: &str, temporary: &str) {
        self.hidden.insert(path.to_owned(), HiddenWhy::RenamedTo(temporary.to_owned()));
    }

    /// Follows a temporary file, or a directory with what is hidden in it, to another name. What is
    /// hidden under the old name itself stays: it is another file, which had the name before.
    pub(in crate::fs::edits) fn rename(&mut self, from: &str, to: &str) {
        let below = |path: &str| {
            let rest = path.strip_prefix(from).filter(|rest| rest.starts_with('/'))?;
            Some(format!("{to}{rest}"))
        };
        let renamed = |path: &str| if path == from { Some(to.to_owned()) } else { below(path) };
        let hidden = std::mem::take(&mut self.hidden).into_iter();
        let moved = hidden.map(|(path, hidden)| {
            let hidden = match hidden {
                HiddenWhy::RenamedTo(at) => HiddenWhy::RenamedTo(renamed(&at).unwrap_or(at)),
                removed @ HiddenWhy::Removed(_) => removed,
            };
            (below(&path).unwrap_or(path), hidden)
        });
        self.hidden = moved.collect();
    }

    /// The temporary file was removed: so the file that had its name is removed as well.
    pub(in crate::fs::edits) fn temporary_removed(&mut self, temporary: &str, process: Process) {
        for hidden in self.hidden.values_mut() {
            if *hidden == HiddenWhy::RenamedTo(temporary.to_owned()) {
                *hidden = HiddenWhy::Removed(process);
                self.last.insert(process, Instant::now());
            }
        }
    }

    /// Shows a file again. Returns whether it was hidden.
    pub(in crate::fs::edits) fn show(&mut self, path: &str) -> bool {
        self.hidden.remove(path).is_some()
    }

    /// Shows a file again that was renamed to a temporary name: the new file of its path was refused
    /// as a value, so the old value stays. A file that was removed stays so.
    pub(in crate::fs::edits) fn show_renamed(&mut self, path: &str) {
        if let Some(HiddenWhy::RenamedTo(_)) = self.hidden.get(path) {
            self.hidden.remove(path);
        }
    }

    /// Shows every removed file again. Returns whether there was any.
    pub(in crate::fs::edits) fn undo(&mut self) -> bool {
        let count = self.hidden.len();
        self.hidden.retain(|_, hidden| matches!(hidden, HiddenWhy::RenamedTo(_)));
        self.hidden.len() < count
    }

    /// Takes the removals that are final, except those of paths that have a new file.
    pub(in crate::fs::edits) fn take_final(
        &mut self,
        finality: Finality,
        covered: &HashSet<String>,
    ) -> Vec<String> {
        self.take_final_by(finality, covered, Process::has_ended)
    }

    /// As [`Removals::take_final`]. `has_ended` is asked once for each process: it reads a file of
    /// the system, and a process may have removed thousands of files.
    fn take_final_by(
        &mut self,
        finality: Finality,
        covered: &HashSet<String>,
        has_ended: impl Fn(Process) -> bool,
    ) -> Vec<String> {
        if self.hidden.is_empty() {
            return Vec::new();
        }
        let mut ended = HashMap::new();
        let is_over = |last: &Instant, time| last.elapsed() >= time;
        let last = &self.last;
        let are_all = match finality {
            Finality::Done => last.values().all(|last| is_over(last, FINAL_AFTER)),
            Finality::Synced(_) => false,
            Finality::End => true,
        };
        let is_synced = |process: &Process| match finality {
            Finality::Synced(own) => {
                own == *process || last.get(process).is_none_or(|last| is_over(last, RUNNING_FOR))
            }
            Finality::Done | Finality::End => false,
        };
        let mut is_final = |hidden: &HiddenWhy| match hidden {
            HiddenWhy::Removed(process) => {
                are_all
                    || is_synced(process)
                    || *ended.entry(*process).or_insert_with(|| has_ended(*process))
            }
            HiddenWhy::RenamedTo(_) => false,
        };
        let taken =
            self.hidden.extract_if(.., |path, hidden| !covered.contains(path) && is_final(hidden));
        let taken = taken.map(|(path, _)| path).collect();
        if !self.has_removed() {
            self.last.clear();
        }
        taken
    }

    /// When the last of the files was removed that are still hidden.
    pub(in crate::fs::edits) fn since(&self) -> Option<SystemTime> {
        let last = self.last.values().max().filter(|_| self.has_removed())?;
        SystemTime::now().checked_sub(last.elapsed())
    }

    /// Whether files are hidden that were removed, except those of paths that have a new file.
    pub(in crate::fs::edits) fn has_removed_but(&self, covered: &HashSet<String>) -> bool {
        let mut hidden = self.hidden.iter();
        hidden.any(|(path, why)| matches!(why, HiddenWhy::Removed(_)) && !covered.contains(path))
    }
}

#[cfg(test)]
mod tests {
    use super::{Finality, HashSet, Process, RUNNING_FOR, Removals};

    #[test]
    fn a_removal_is_final_when_its_process_has_ended() {
        let mut removals = Removals::default();
        let own = Process::of(std::process::id());
        removals.remove("subject", own);
        assert!(removals.hides("subject") && !removals.hides("subject2"));
        assert!(removals.take_final(Finality::Done, &HashSet::new()).is_empty());
        let mut other = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        removals.remove("body.txt", Process::of(other.id()));
        assert!(removals.take_final(Finality::Done, &HashSet::new()).is_empty());
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!(removals.take_final(Finality::Done, &HashSet::new()), ["body.txt"]);
        assert_eq!(removals.take_final(Finality::End, &HashSet::new()), ["subject"]);
    }

    #[test]
    fn an_fsync_leaves_alone_what_another_process_is_removing() {
        let mut removals = Removals::default();
        let own = Process::of(std::process::id());
        let mut other = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        removals.remove("subject", own);
        removals.remove("body.txt", Process::of(other.id()));
        let none = HashSet::new();
        assert_eq!(removals.take_final(Finality::Synced(own), &none), ["subject"]);
        assert!(removals.has_removed_but(&none));
        assert!(!removals.has_removed_but(&["body.txt".to_owned()].into()));
        // It is done with it.
        let of_other = removals.last.get_mut(&Process::of(other.id())).unwrap();
        *of_other = of_other.checked_sub(RUNNING_FOR).unwrap();
        // What this one removes meanwhile does not count.
        removals.remove("cc", own);
        assert_eq!(removals.take_final(Finality::Synced(own), &none), ["body.txt", "cc"]);
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn a_process_is_asked_for_once_however_many_files_it_has_removed() {
        let mut removals = Removals::default();
        let own = Process::of(std::process::id());
        (0..100).for_each(|number| removals.remove(&format!("attachments/{number}"), own));
        let asked = std::cell::Cell::new(0);
        let has_ended = |_| {
            asked.set(asked.get() + 1);
            false
        };
        assert!(removals.take_final_by(Finality::Done, &HashSet::new(), has_ended).is_empty());
        assert_eq!(asked.get(), 1);
    }

    #[test]
    fn a_directory_hides_what_is_in_it() {
        let mut removals = Removals::default();
        let process = Process::of(std::process::id());
        removals.remove("attachments/a.msg/subject", process);
        removals.remove_whole("attachments/a.msg", process);
        removals.remove("attachments/b", process);
        assert!(removals.hides("attachments/a.msg/class") && !removals.hides("attachments"));
        removals.remove("attachments", process);
        // The directory goes with the last file in it, so that all of these are still to be removed.
        let removed = ["attachments", "attachments/a.msg", "attachments/b"];
        assert_eq!(removals.take_final(Finality::End, &HashSet::new()), removed);
    }

    #[test]
    fn what_takes_the_place_of_a_removed_file_moves_alone() {
        let mut removals = Removals::default();
        let process = Process::of(std::process::id());
        removals.remove("attachments/a", process);
        removals.remove("attachments/d/x", process);
        removals.rename("attachments/a", "attachments/b");
        removals.rename("attachments/d", "attachments/e");
        assert_eq!(
            removals.take_final(Finality::End, &HashSet::new()),
            ["attachments/a", "attachments/e/x"]
        );
    }

    #[test]
    fn a_file_that_was_renamed_away_is_not_removed() {
        let mut removals = Removals::default();
        let process = Process::of(std::process::id());
        removals.rename_away("body.txt", "body.txt~");
        removals.remove("subject", process);
        assert!(removals.undo() && removals.hides("body.txt") && !removals.hides("subject"));
        assert!(removals.take_final(Finality::End, &HashSet::new()).is_empty());
        removals.rename("body.txt~", ".body.txt.bak~");
        assert!(removals.hides("body.txt"));
        removals.temporary_removed(".body.txt.bak~", process);
        assert_eq!(removals.take_final(Finality::End, &HashSet::new()), ["body.txt"]);
    }
}
