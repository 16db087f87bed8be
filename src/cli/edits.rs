//! `msgfs status`, `save` and `discard`: the edits that are not in the source yet.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::fs::edit_log::{self, StateFolder, escaped};
use crate::mount;

use super::arguments::{Discard, Save, StatusArguments};
use super::complain;
use super::status::Status;
use super::terminal::one_line;

/// At most this many messages with edits that a mount does not show are named when it begins.
const NAMED_MAX: usize = 10;

/// What to do with edits whose mount was killed.
const LEFT_THERE: &str = "its mount was killed; mount the source again with -o edit, or take them \
    out as files with 'msgfs save' and this path";
/// As [`LEFT_THERE`], if the folder of the message has another name now, or is not mounted.
const LEFT_ELSEWHERE: &str = "its mount was killed, and its folder is not there; put it back and \
    mount it with -o edit, or take them out as files with 'msgfs save' and this path";

/// Lists the messages that are not saved, a line each with tabs in between: what is the matter,
/// the path, since when, and why.
pub(super) fn status(arguments: &StatusArguments, out: &mut impl Write) -> io::Result<Status> {
    let mut status = Status::Done;
    let mounts = match &arguments.mount_point {
        None => {
            let mounts = mount::writable_mounts()?;
            for mount_point in &mounts.silent {
                complain(&format!("{}: the mount does not answer", one_line(mount_point)));
                status.join(Status::Wrong);
            }
            mounts.alive
        }
        Some(mount_point) => match mount_at(mount_point) {
            Ok(mount_point) => vec![mount_point],
            Err(cause) => {
                complain(&cause);
                return Ok(Status::Failed);
            }
        },
    };
    for mount_point in mounts {
        let unsaved = match mount::unsaved(&mount_point) {
            Ok(unsaved) => unsaved,
            // It was unmounted since it answered; what it could not save is among what was kept.
            Err(error) if arguments.mount_point.is_none() && has_ended(&error) => continue,
            Err(error) => {
                complain(&format!("{}: {error}", one_line(&mount_point)));
                status.join(Status::Failed);
                continue;
            }
        };
        for message in unsaved {
            let what = match (message.is_conflict, message.cause.is_empty()) {
                (true, _) => "conflict",
                (false, false) => "failed",
                (false, true) => "unsaved",
            };
            if what != "unsaved" {
                status.join(Status::Wrong);
            }
            put(out, what, &escaped(&message.path), &message.since, &message.cause)?;
        }
    }
    match StateFolder::find(None) {
        Ok(state_folder) => status.join(in_state_folder(&state_folder, out)?),
        // Without a state folder nothing can have been kept.
        Err(error) => tracing::debug!("{error}"),
    }
    Ok(status)
}

/// Whether an error says that a mount has ended, or is just ending.
fn has_ended(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::NotConnected)
}

/// Lists the edits that are in the state folder and in no mount.
fn in_state_folder(state_folder: &StateFolder, out: &mut impl Write) -> io::Result<Status> {
    let mut status = Status::Done;
    for left in edit_log::list_pending(state_folder)? {
        if !left.is_mounted {
            let since = edit_log::rfc3339(left.since);
            let is_there = left.message.parent().is_some_and(Path::is_dir);
            let why = if is_there { LEFT_THERE } else { LEFT_ELSEWHERE };
            put(out, "left", &escaped(&left.message), &since, why)?;
            status.join(Status::Wrong);
        }
    }
    for kept in edit_log::list_kept(state_folder)? {
        let why = format!("edits of {}: {}", kept.message, kept.reason);
        put(out, "kept", &escaped(&kept.folder), &kept.since, &why)?;
        status.join(Status::Wrong);
    }
    Ok(status)
}

/// Saves messages, or all messages of a mount or of a folder in it.
pub(super) fn save(arguments: &Save) -> io::Result<Status> {
    let mut status = Status::Done;
    for path in &arguments.paths {
        if let Some(taken) = take_out(path) {
            status.join(taken);
            continue;
        }
        let saved = in_mount(path).and_then(|mount_point| {
            let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
            let real = absolute.canonicalize().map_err(|error| error.to_string())?;
            let unsaved = mount::unsaved(&mount_point).map_err(|error| error.to_string())?;
            let below = unsaved.into_iter().map(|message| message.path);
            let below: Vec<_> = below.filter(|message| message.starts_with(&real)).collect();
            Ok(if below.is_empty() { vec![real] } else { below })
        });
        match saved {
            Ok(messages) => {
                for message in messages {
                    status.join(save_one(&message));
                }
            }
            Err(cause) => {
                complain(&format!("{}: {cause}", one_line(path)));
                status.join(Status::Failed);
            }
        }
    }
    Ok(status)
}

/// Takes the edits of a message out as files that a killed mount has left; `None` if there are none.
fn take_out(path: &Path) -> Option<Status> {
    // Without a state folder nothing can be left.
    let state_folder = StateFolder::find(None).ok()?;
    let keep = |path: &PathBuf| edit_log::keep_left(&state_folder, path);
    let kept = left_paths(path).iter().map(keep).collect::<Result<Vec<_>, _>>();
    match kept.map(|kept| kept.concat()) {
        Ok(kept) if kept.is_empty() => None,
        Ok(kept) => {
            for folder in kept {
                complain(&format!(
                    "{}: its mount was killed; the edits are files in {} now",
                    one_line(path),
                    escaped(&folder)
                ));
            }
            Some(Status::Wrong)
        }
        Err(error) => {
            complain(&format!(
                "{}: not all of the edits were taken out, the rest stays where it is: {error}",
                one_line(path)
            ));
            Some(Status::Failed)
        }
    }
}

/// The paths that a message may have in the log, where its folder need not be there any more. The
/// path may be given as `msgfs status` writes it.
fn left_paths(path: &Path) -> [PathBuf; 2] {
    let written = path.to_str().map(edit_log::unescaped).unwrap_or_default();
    [path.to_owned(), written].map(|path| {
        let there = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
        there().or_else(|| std::path::absolute(&path).ok()).unwrap_or(path)
    })
}

fn save_one(path: &Path) -> Status {
    let Err(error) = mount::save(path) else { return Status::Done };
    let cause = match error.kind() {
        io::ErrorKind::StaleNetworkFileHandle => {
            "not saved: another program has changed its file; the edits are kept when the mount \
             ends, or thrown away by 'msgfs discard'"
                .to_owned()
        }
        io::ErrorKind::ResourceBusy => {
            "a program is removing files in it; what it has removed is not saved yet".to_owned()
        }
        _ => format!("not saved: {error}"),
    };
    complain(&format!("{}: {cause}", one_line(path)));
    Status::Wrong
}

/// Throws the unsaved edits of messages away, or edits that were kept.
pub(super) fn discard(arguments: &Discard) -> Status {
    let mut status = Status::Done;
    for path in &arguments.paths {
        if let Err(cause) = discard_one(path) {
            complain(&format!("{}: {cause}", one_line(path)));
            status.join(Status::Failed);
        }
    }
    status
}

fn discard_one(path: &Path) -> Result<(), String> {
    let stay = |error: io::Error| format!("the edits stay: {error}");
    // Without a state folder nothing can have been kept.
    if let Ok(state_folder) = StateFolder::find(None) {
        let mut is_done = edit_log::discard_kept(&state_folder, path).map_err(stay)?;
        for path in left_paths(path) {
            is_done = is_done || edit_log::discard_left(&state_folder, &path).map_err(stay)?;
        }
        if is_done {
            return Ok(());
        }
    }
    in_mount(path)?;
    mount::discard(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            "no message with unsaved edits; 'msgfs status' lists them".to_owned()
        }
        _ => stay(error),
    })
}

/// Names the edits of a source that a mount of it does not show when it begins: those that were
/// kept, and in a read-only mount also those that a mount left behind that was killed.
pub(super) fn name_not_shown(source: &Path, is_writable: bool) {
    let (Ok(source), Ok(state_folder)) = (source.canonicalize(), StateFolder::find(None)) else {
        return;
    };
    if !is_writable {
        name_left(&source, &state_folder);
    }
    name_kept(&source, &state_folder);
}

fn name_left(source: &Path, state_folder: &StateFolder) {
    let left = edit_log::list_pending(state_folder).unwrap_or_default();
    let left = left.into_iter().filter(|one| !one.is_mounted && one.message.starts_with(source));
    let lines = left.map(|one| {
        format!(
            "edits of {} are not shown, since their mount was killed before it saved them; mount \
             the source with -o edit to bring them back",
            escaped(&one.message)
        )
    });
    name(lines.collect(), "are not shown");
}

fn name_kept(source: &Path, state_folder: &StateFolder) {
    let mut messages = BTreeMap::<PathBuf, Vec<PathBuf>>::new();
    for kept in edit_log::list_kept(state_folder).unwrap_or_default() {
        let message = edit_log::unescaped(&kept.message);
        if message.starts_with(source) {
            messages.entry(message).or_default().push(kept.folder);
        }
    }
    let lines = messages.iter().filter_map(|(message, folders)| {
        let (first, others) = folders.split_first()?;
        let more = match others.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        Some(format!(
            "edits of {} are kept in {}{more}; when you have taken what you need, throw them away \
             with 'msgfs discard'",
            escaped(message),
            escaped(first)
        ))
    });
    name(lines.collect(), "are kept");
}

/// Prints a line for each message, at most [`NAMED_MAX`]; `what` is said of the others.
fn name(lines: Vec<String>, what: &str) {
    for line in lines.iter().take(NAMED_MAX) {
        complain(line);
    }
    if let Some(more) = lines.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        complain(&format!("edits of {more} more messages {what}; 'msgfs status' lists them"));
    }
}

fn put(out: &mut impl Write, what: &str, path: &str, since: &str, why: &str) -> io::Result<()> {
    let why = why.replace(|c: char| c.is_control(), " ");
    writeln!(out, "{what}\t{path}\t{since}\t{why}")
}

/// The mount that a path is in.
fn in_mount(path: &Path) -> Result<PathBuf, String> {
    match mount::mount_of(path) {
        Ok(Some(mount_point)) => Ok(mount_point),
        Ok(None) => Err("not in a mount of msgfs".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn mount_at(path: &Path) -> Result<PathBuf, String> {
    in_mount(path).map_err(|cause| format!("{}: {cause}", one_line(path)))
}
