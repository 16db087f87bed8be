//! Opens messages before they are asked for, while a program goes through a folder in the order of
//! its listing, forwards or backwards, or of its names.
//!
//! A thread of its own, the opener, does the work. If it mostly waits for a slow source, helpers
//! join it. A request never waits for them: if a message is not open in time, the request opens the
//! message itself.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use outlook_msg::sync::lock;

use crate::fs::source::folders::{Folders, LookAhead, WalkOrder};
use crate::fs::source::ino::{SourceKind, SourceNode};
use crate::fs::source::metadata::Metadata;
use crate::fs::waits::{WAIT_MIN, WaitSample};
use crate::view::{FileKind, NodeId};

use super::{Directory, MessageNode, Messages, OpenMessage};

/// The walk that a program seems to make through a folder, and the messages to open for it.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    walk: Mutex<FolderWalk>,
    /// Wakes the opener.
    changed: Condvar,
    /// Wakes the helpers.
    is_help_wanted: Condvar,
}

#[derive(Debug, Default)]
struct FolderWalk {
    /// Whether the opener thread runs.
    has_opener: bool,
    is_closed: bool,
    /// How a program has come to the last message.
    visit: Visit,
    /// The last two messages that a program has come to.
    last: Option<PathBuf>,
    before_last: Option<PathBuf>,
    /// For each order of [`BY_NAME`]: how many messages in a row came after the one before.
    rising: [usize; BY_NAME.len()],
    /// The order in which messages are foreseen.
    order: WalkOrder,
    /// How many messages in a row were looked into as foreseen.
    in_step: usize,
    /// Until a walk is known: the message that comes next in each order of [`AS_LISTED`].
    guesses: [Option<PathBuf>; AS_LISTED.len()],
    /// The messages that come next.
    foreseen: VecDeque<PathBuf>,
    /// Those of `foreseen` that are still to be opened.
    to_open: VecDeque<PathBuf>,
    /// Whether a request has asked the opener to work out which messages come next.
    is_asked: bool,
    /// The folder of the walk, if its names are to be read: the kernel has its listing cached.
    to_read: Option<PathBuf>,
    /// The entries of a folder that are to be looked at.
    to_look_at: Option<LookAhead>,
    /// Whether the opener mostly waits for the source, so that helpers open messages too.
    is_slow: bool,
}

/// How a program comes to a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Visit {
    /// It lists the message.
    #[default]
    Listing,
    /// It reads in the message, which it has listed before or need not list.
    Reading,
}

/// What the opener does next.
enum Task {
    Open(PathBuf),
    ReadFolder(PathBuf),
    LookAt(LookAhead),
}

/// How fast the opener gets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Fast,
    /// The last message took long. The next one shows whether the opener waits or works.
    Long,
    /// It mostly waits for the source.
    Slow,
}

impl Pace {
    /// The pace after a task, which says whether it has opened a message: others tell nothing.
    fn after(self, task: impl FnOnce() -> bool) -> Self {
        let sample = (self != Self::Fast).then(WaitSample::begin);
        let start = Instant::now();
        if !task() {
            return self;
        }
        match sample {
            Some(sample) if sample.has_waited() => Self::Slow,
            _ if start.elapsed() >= WAIT_MIN => Self::Long,
            _ => Self::Fast,
        }
    }
}

/// The orders in which the next message is known without sorting.
const AS_LISTED: [WalkOrder; 2] = [WalkOrder::Listing, WalkOrder::Backwards];
/// The orders that need the names of the folder sorted first.
const BY_NAME: [WalkOrder; 2] = [WalkOrder::Bytes, WalkOrder::Letters];
/// After this many messages in the order of the listing, msgfs assumes that a program walks through
/// the folder.
const IN_STEP_MIN: usize = 2;
/// After this many names in rising order, it is worth sorting the whole folder to find out whether
/// a program walks through it by name.
const RISING_MIN: usize = 3;
/// Between two messages of a walk by name there may be at most this many names of other files.
const LEFT_OUT_MAX: usize = 2;
/// At most this many messages are opened ahead. The opener is woken for each that a program comes
/// to: if it opened several at a time, the program would catch up with it meanwhile, and would wait
/// for a turn on the processor on which it works.
const AHEAD_MAX: usize = 32;
/// At most so many threads help the opener.
const HELPERS_MAX: usize = 15;
/// The largest file that is opened ahead, in bytes: reading the tables of a larger one would keep
/// the messages behind it waiting.
const AHEAD_BYTES_MAX: u64 = 16 << 20;

impl FolderWalk {
    /// Moves the walk on to a message. Returns whether the message was foreseen.
    fn step(&mut self, path: &Path) -> bool {
        let Some(at) = self.foreseen.iter().position(|foreseen| foreseen == path) else {
            return self.step_as_guessed(path);
        };
        self.foreseen.drain(..=at);
        let behind = self.to_open.iter().position(|waiting| waiting == path);
        self.to_open.drain(..behind.map_or(0, |at| at + 1));
        self.in_step += 1;
        true
    }

    /// Moves a walk that is not known yet on to a message.
    fn step_as_guessed(&mut self, path: &Path) -> bool {
        let guessed = AS_LISTED.into_iter().zip(&self.guesses);
        let mut orders = guessed.filter(|(_, guess)| guess.as_deref() == Some(path));
        let Some((order, _)) = orders.next() else { return false };
        self.in_step = if order == self.order { self.in_step + 1 } else { 1 };
        self.order = order;
        true
    }

    /// Begins a new walk at a message that was not foreseen. Returns whether it may go on from the
    /// last one: into another folder, or in the same one.
    fn begin(&mut self, path: &Path) -> bool {
        let was_in_step = self.in_step >= IN_STEP_MIN;
        self.in_step = 0;
        self.order = WalkOrder::Listing;
        self.guesses = Default::default();
        self.to_open.clear();
        self.foreseen.clear();
        let last = self.last.as_deref().filter(|last| last.parent() == path.parent());
        let names = last.and_then(Path::file_name).zip(path.file_name());
        for (rising, order) in self.rising.iter_mut().zip(BY_NAME) {
            let goes_on = names.is_some_and(|(last, name)| order.is_before(last, name));
            *rising = if goes_on { *rising + 1 } else { 0 };
        }
        was_in_step || names.is_some()
    }

    /// Whether the opener has to work out what comes next.
    fn needs_more(&self) -> bool {
        match self.in_step >= IN_STEP_MIN {
            true => self.foreseen.len() < AHEAD_MAX,
            false => self.rising.into_iter().any(|rising| rising >= RISING_MIN),
        }
    }
}

impl Ahead {
    /// Notes that a program has come to a message.
    pub(super) fn look_into(&self, path: &Path, visit: Visit, folders: &Folders) {
        let mut walk = self.lock();
        if !walk.has_opener || walk.last.as_deref() == Some(path) {
            return;
        }
        walk.visit = visit;
        let goes_on = walk.step(path) || walk.begin(path);
        walk.before_last = walk.last.replace(path.to_owned());
        let mut is_needed = walk.needs_more() && !walk.is_asked;
        walk.is_asked |= is_needed;
        walk.guesses = Default::default();
        if walk.in_step < IN_STEP_MIN {
            let next = AS_LISTED.map(|order| folders.behind(path, 1, order));
            let is_known = next.iter().any(Option::is_some);
            walk.guesses = next.map(|next| next.and_then(|mut next| next.pop()));
            if !is_known && goes_on && walk.to_read.is_none() {
                walk.to_read = path.parent().map(Path::to_owned);
                is_needed = true;
            }
        }
        drop(walk);
        if is_needed {
            self.changed.notify_one();
        }
    }

    /// Works out the next messages of a walk. If no walk is known yet, finds out whether the
    /// messages were looked into by name, and in which order.
    fn foresee(&self, folders: &Folders) {
        let walk = self.lock();
        let Some(last) = walk.last.clone() else { return };
        if walk.in_step >= IN_STEP_MIN {
            let from = walk.foreseen.back().unwrap_or(&last).clone();
            let (order, count) = (walk.order, AHEAD_MAX.saturating_sub(walk.foreseen.len()));
            drop(walk);
            let more = folders.behind(&from, count, order).unwrap_or_default();
            let mut walk = self.lock();
            // The walk may have gone elsewhere meanwhile.
            if walk.in_step >= IN_STEP_MIN && walk.foreseen.back().unwrap_or(&last) == &from {
                walk.to_open.extend(more.iter().cloned());
                walk.foreseen.extend(more);
            }
            return;
        }
        let rising = BY_NAME.into_iter().zip(walk.rising);
        let order = rising.filter(|(_, rising)| *rising >= RISING_MIN).map(|(order, _)| order);
        let (orders, before_last) = (order.collect::<Vec<_>>(), walk.before_last.clone());
        drop(walk);
        let before_last = before_last.unwrap_or_default();
        let leads = |order: &WalkOrder| {
            let next = folders.behind(&before_last, 1 + LEFT_OUT_MAX, *order);
            next.is_some_and(|next| next.contains(&last))
        };
        let order = orders.into_iter().find(leads);
        let more = order.and_then(|order| folders.behind(&last, AHEAD_MAX, order));
        let more = more.unwrap_or_default();
        let mut walk = self.lock();
        if walk.in_step >= IN_STEP_MIN {
            return;
        }
        walk.rising = Default::default();
        let behind = match walk.last.as_ref() {
            Some(now) if *now == last => Some(0),
            now => more.iter().position(|path| Some(path) == now).map(|at| at + 1),
        };
        if let Some((order, behind)) = order.zip(behind) {
            walk.order = order;
            walk.in_step = IN_STEP_MIN;
            walk.foreseen = more.into_iter().skip(behind).collect();
            walk.to_open = walk.foreseen.clone();
        }
    }

    /// Ends the opener thread.
    pub(super) fn close(&self) {
        let mut walk = self.lock();
        walk.is_closed = true;
        walk.to_open.clear();
        drop(walk);
        self.changed.notify_all();
        self.is_help_wanted.notify_all();
    }

    fn look_at(&self, entries: LookAhead) {
        let mut walk = self.lock();
        if walk.has_opener {
            walk.to_look_at = Some(entries);
            drop(walk);
            self.changed.notify_one();
        }
    }

    /// Notes whether the opener mostly waits for the source. Returns whether helpers are wanted.
    fn note_pace(&self, is_slow: bool) -> bool {
        let mut walk = self.lock();
        walk.is_slow = is_slow;
        let is_wanted = is_slow && !walk.to_open.is_empty();
        drop(walk);
        if is_wanted {
            self.is_help_wanted.notify_all();
        }
        is_wanted
    }

    /// Waits for the next message that a helper is to open; `None` after the end.
    fn next_of_helper(&self) -> Option<PathBuf> {
        let mut walk = self.lock();
        loop {
            if walk.is_closed {
                return None;
            }
            if walk.is_slow
                && let Some(path) = walk.to_open.pop_front()
            {
                return Some(path);
            }
            walk = self.is_help_wanted.wait(walk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the next task; `None` after the end.
    fn next(&self, folders: &Folders) -> Option<Task> {
        let mut walk = self.lock();
        walk.has_opener = true;
        loop {
            if walk.is_closed {
                return None;
            }
            if std::mem::take(&mut walk.is_asked) {
                drop(walk);
                self.foresee(folders);
                walk = self.lock();
                if walk.is_slow {
                    self.is_help_wanted.notify_all();
                }
                continue;
            }
            if let Some(folder) = walk.to_read.take() {
                return Some(Task::ReadFolder(folder));
            }
            if let Some(entries) = walk.to_look_at.take() {
                return Some(Task::LookAt(entries));
            }
            if let Some(path) = walk.to_open.pop_front() {
                return Some(Task::Open(path));
            }
            walk = self.changed.wait(walk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Safe after a panic: every change is complete before the next call that could panic.
    fn lock(&self) -> MutexGuard<'_, FolderWalk> {
        lock(&self.walk)
    }
}

impl<D: Directory> Messages<D> {
    /// Has entries of a folder looked at before its listing comes to them.
    pub(in crate::fs) fn look_ahead(&self, entries: LookAhead) {
        self.ahead.look_at(entries);
    }

    /// Keeps the thread of a request off the processor on which messages are opened ahead.
    pub(in crate::fs) fn keep_off_opener(&self) {
        self.processors.keep_off_opener();
    }

    /// Opens the messages that a walk comes to next, until [`Ahead::close`].
    pub(in crate::fs) fn open_ahead(&self) {
        // If the cache could not keep a message until the walk comes to it, the message would be
        // opened twice.
        const CACHE_BYTES_MIN: usize = 16 << 20;
        if self.cache_bytes_max < CACHE_BYTES_MIN {
            return;
        }
        thread::scope(|scope| {
            let (mut pace, mut helpers) = (Pace::Fast, 0);
            while let Some(task) = self.ahead.next(&self.source.folders) {
                let before = pace;
                self.take_processor(before);
                pace = before.after(|| self.carry_out(task));
                if (before, pace) == (Pace::Fast, Pace::Fast) {
                    continue;
                }
                if self.ahead.note_pace(pace == Pace::Slow) && helpers < HELPERS_MAX {
                    let named = thread::Builder::new().name("ahead".to_owned());
                    let started = named.spawn_scoped(scope, || self.help());
                    helpers += usize::from(started.is_ok());
                }
            }
        });
    }

    /// Keeps the event loops off the processor of this thread, the opener. Not if the opener mostly
    /// waits for the source; if several programs are at work, which need the event loops on more
    /// than one processor; or in a writable mount: there the kernel asks for each `open` and
    /// `release`, so the opener mostly rests.
    fn take_processor(&self, pace: Pace) {
        match pace == Pace::Fast && !self.is_changing && self.habits.is_one_at_work() {
            true => self.processors.take(),
            false => self.processors.leave(),
        }
    }

    /// Opens messages beside the opener while that mostly waits, until [`Ahead::close`].
    fn help(&self) {
        while let Some(path) = self.ahead.next_of_helper() {
            self.carry_out(Task::Open(path));
        }
    }

    /// Returns whether a message was opened.
    fn carry_out(&self, task: Task) -> bool {
        let done = catch_unwind(AssertUnwindSafe(|| match task {
            Task::Open(path) => self.open_one_ahead(path),
            Task::ReadFolder(folder) => {
                // Names that cannot be read are not asked for again with each message.
                let names = self.source.root.names(&folder).unwrap_or_default();
                self.source.folders.walk(folder, names);
                Ok(false)
            }
            Task::LookAt(entries) => self.source.look_ahead(&entries).map(|()| false),
        }));
        // The request that asks for the same meets the same error and reports it.
        if !matches!(done, Ok(Ok(_))) {
            tracing::debug!("a message was not opened ahead");
        }
        matches!(done, Ok(Ok(true)))
    }

    /// Returns whether the message had to be opened.
    fn open_one_ahead(&self, path: PathBuf) -> io::Result<bool> {
        let file = self.source.root.open_file(&path)?;
        let metadata = Metadata::from(&file.metadata()?);
        if !metadata.is_file() || metadata.size > AHEAD_BYTES_MAX {
            return Ok(false);
        }
        let identity = metadata.identity();
        let node = SourceNode { path, kind: SourceKind::Message, identity };
        let base = self.source.nodes.base_of(&node);
        let message = match self.source.nodes.get(base) {
            Some(known) if *known == node => self.known(base).map_err(io::Error::other)?,
            // The kernel will know it by this state of its file.
            None if !self.is_changing => {
                MessageNode { base, node: Arc::new(node), ttl: self.ttl(), directory: None }
            }
            // No request would use this one.
            _ => return Ok(false),
        };
        if self.cache.get(&message.node).is_some() {
            return Ok(false);
        }
        let open = self.open_file(&message, &message.node, file).map_err(io::Error::other)?;
        self.make_ahead(&open)?;
        let bytes = open.tree.bytes_held();
        self.cache.insert(Arc::clone(&message.node), Arc::new(open), bytes);
        if self.ahead.lock().is_closed {
            // Nothing is kept after the end.
            self.cache.clear();
        }
        Ok(true)
    }

    /// Makes what the program of the walk is likely to ask for. To tell the size of a file, the tree
    /// makes its content and keeps it.
    fn make_ahead(&self, open: &OpenMessage) -> io::Result<()> {
        let (visit, wanted) = (self.ahead.lock().visit, self.habits.wanted());
        if let (Visit::Reading, Some(file)) = (visit, wanted.single()) {
            let _ = open.tree.attributes(file);
            return Ok(());
        }
        let listing = open.tree.list(NodeId(0)).map_err(io::Error::other)?;
        for entry in listing.entries().iter().filter(|entry| entry.kind == FileKind::File) {
            if wanted.contains(entry.id) || !open.tree.is_size_costly(entry.id) {
                let _ = open.tree.attributes(entry.id);
            }
        }
        open.tree.defects();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use super::{Ahead, Pace, WAIT_MIN};

    fn wait() -> bool {
        let (_sender, never) = mpsc::channel::<()>();
        never.recv_timeout(WAIT_MIN * 20).is_err()
    }

    fn work() -> bool {
        let start = Instant::now();
        while start.elapsed() < WAIT_MIN * 4 {
            std::hint::spin_loop();
        }
        true
    }

    #[test]
    fn only_waiting_is_slow() {
        assert_eq!(Pace::Fast.after(wait), Pace::Long);
        assert_eq!(Pace::Long.after(wait), Pace::Slow);
        assert_eq!(Pace::Slow.after(wait), Pace::Slow);
        // It may take long on a busy machine, but then it waits for a processor.
        assert_ne!(Pace::Slow.after(|| true), Pace::Slow);
        assert_ne!(Pace::Long.after(work), Pace::Slow);
        // What was open already tells nothing.
        assert_eq!(Pace::Slow.after(|| false), Pace::Slow);
    }

    #[test]
    fn helpers_open_messages_while_it_is_slow() {
        let ahead = Ahead::default();
        ahead.lock().to_open.extend(["1.msg".into(), "2.msg".into()]);
        assert!(!ahead.note_pace(false));
        std::thread::scope(|scope| {
            let helper = scope.spawn(|| [ahead.next_of_helper(), ahead.next_of_helper()]);
            assert!(ahead.note_pace(true));
            let found = helper.join().unwrap().map(Option::unwrap);
            assert_eq!(found.map(|path| path.into_os_string()), ["1.msg", "2.msg"]);
            assert!(!ahead.note_pace(true));
            let helper = scope.spawn(|| ahead.next_of_helper());
            ahead.close();
            assert_eq!(helper.join().unwrap(), None);
        });
    }
}
