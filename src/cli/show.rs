//! `msgfs show`: messages as a person reads them.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use outlook_msg::mail::{FileTime, Mail, Marks, PageOptions, Printing};

use crate::fs;

use super::arguments::ShowArguments;
use super::clock::Clock;
use super::find::timestamp;
use super::messages::{FoundMessage, Opener};
use super::places::{Places, cause};
use super::status::Status;
use super::suggest::no_message;
use super::terminal::{has_colors, is_terminal, one_line};
use super::{complain, wrong_usage};

/// Prints the messages, through the user's pager on a terminal.
pub(super) fn run(
    arguments: &ShowArguments,
    options: fs::Options,
    out: &mut (dyn Write + Send),
) -> io::Result<Status> {
    if arguments.paths.is_empty() && io::stdin().is_terminal() {
        return Ok(wrong_usage("missing <PATH>"));
    }
    let pager = Pager::start(arguments);
    let Some(mut pager) = pager else { return print_all(arguments, options, out) };
    let mut status = match pager.input() {
        Some(input) => print_all(arguments, options, &mut io::BufWriter::new(input)),
        None => Ok(Status::Done),
    };
    // The user has quit the pager.
    if status.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        status = Ok(Status::Done);
    }
    pager.end()?;
    status
}

fn print_all(
    arguments: &ShowArguments,
    options: fs::Options,
    out: &mut dyn Write,
) -> io::Result<Status> {
    let mut paths = arguments.paths.clone();
    if paths.is_empty() {
        paths.push(PathBuf::from(super::places::STDIN));
    }
    let mut show = Showing {
        arguments,
        opener: Opener::new(&options),
        clock: Clock::new(arguments.utc),
        marks: if has_colors(arguments.color) { COLORS } else { Marks::default() },
        out,
        count: 0,
        several: paths.len() > 1,
    };
    let mut places = Places::new(options);
    let mut status = Status::Done;
    for path in &paths {
        status.join(show.path(&mut places, path)?);
    }
    show.out.flush()?;
    Ok(status)
}

/// The colours that git uses.
const COLORS: Marks =
    Marks { field: "\x1b[36m", subject: "\x1b[1m", warning: "\x1b[1;31m", end: "\x1b[0m" };

struct Showing<'a> {
    arguments: &'a ShowArguments,
    opener: Opener,
    clock: Clock,
    marks: Marks,
    out: &'a mut dyn Write,
    /// How many were printed.
    count: usize,
    several: bool,
}

impl Showing<'_> {
    fn path(&mut self, places: &mut Places, path: &Path) -> io::Result<Status> {
        let place = match places.open(path) {
            Ok(place) => place,
            Err(error) => return self.failed(Status::of(&error), path, &cause(&error)),
        };
        if let Some(found) = self.opener.open(&place) {
            return self.message(&found);
        }
        if place.is_folder() {
            let what = "is a folder; 'msgfs ls --mail' lists its messages";
            return self.failed(Status::Failed, path, what);
        }
        self.failed(Status::Failed, path, no_message(path, place.is_in_message()))
    }

    fn message(&mut self, found: &FoundMessage) -> io::Result<Status> {
        if self.arguments.json {
            let row = found.row(self.arguments.hash);
            super::json::write_json(&row, &mut *self.out)?;
            self.out.write_all(b"\n")?;
            return Ok(match &found.mail {
                Ok(_) if row.defects.is_empty() => Status::Done,
                Ok(_) => Status::Wrong,
                Err(error) => error.status(),
            });
        }
        let mail = match &found.mail {
            Ok(mail) => mail,
            Err(error) => return self.failed(error.status(), &found.path, &error.to_string()),
        };
        if self.arguments.html {
            return self.html(mail);
        }
        if self.several {
            let blank = if self.count == 0 { "" } else { "\n" };
            writeln!(self.out, "{blank}==> {} <==", one_line(&found.path))?;
        }
        self.count += 1;
        let clock = &self.clock;
        let time = |time: FileTime| shown_time(clock, time);
        let defects = mail.print(Printing { time: &time, marks: self.marks }, self.out)?;
        Ok(if defects == 0 { Status::Done } else { Status::Wrong })
    }

    fn html(&mut self, mail: &Mail) -> io::Result<Status> {
        let clock = &self.clock;
        let time = |time: FileTime| shown_time(clock, time);
        let options = PageOptions { time: &time, href: None, navigation: "" };
        let defects = mail.write_page(options, self.out)?;
        Ok(if defects == 0 { Status::Done } else { Status::Wrong })
    }

    fn failed(&mut self, status: Status, path: &Path, what: &str) -> io::Result<Status> {
        self.out.flush()?;
        complain(&format!("{}: {what}", one_line(path)));
        Ok(status)
    }
}

fn shown_time(clock: &Clock, time: FileTime) -> String {
    match timestamp(time) {
        Some(time) => clock.exact(time),
        None => "after the year 9999".to_owned(),
    }
}

/// The user's pager, to which what is long is printed on a terminal.
struct Pager {
    child: Child,
}

impl Pager {
    /// Starts the pager (`MSGFS_PAGER`, `PAGER`, else `less -FRX`) if standard output is a
    /// terminal.
    fn start(arguments: &ShowArguments) -> Option<Self> {
        if !is_terminal() || arguments.json || arguments.html || arguments.no_pager {
            return None;
        }
        let asked = ["MSGFS_PAGER", "PAGER"].into_iter().find_map(std::env::var_os);
        let is_asked_for = asked.is_some();
        let command = asked.unwrap_or_else(|| "less".into());
        if command.is_empty() || command == "cat" {
            return None;
        }
        // Output to a pager that cannot start would be lost, so check first.
        if !is_there(&command) {
            if is_asked_for {
                complain(&format!("no pager '{}': shown without one", command.display()));
            }
            return None;
        }
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(command).stdin(Stdio::piped());
        // As git calls it: quit if the text fits on one screen, pass colours on, leave the text on
        // the screen.
        if std::env::var_os("LESS").is_none() {
            shell.env("LESS", "FRX");
        }
        Some(Self { child: shell.spawn().ok()? })
    }

    fn input(&mut self) -> Option<std::process::ChildStdin> {
        self.child.stdin.take()
    }

    fn end(mut self) -> io::Result<()> {
        self.child.wait().map(drop)
    }
}

/// Whether the shell finds the program of a command. If the command is more than a name, such as
/// `LESS=R less`, only the shell understands it, and the program is assumed to be there.
fn is_there(command: &OsStr) -> bool {
    let command = command.as_bytes().trim_ascii_start();
    let end = command.iter().position(u8::is_ascii_whitespace).unwrap_or(command.len());
    let (name, _) = command.split_at(end);
    if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._+-".contains(byte)) {
        return true;
    }
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "command -v -- \"$1\"", "sh"]).arg(OsStr::from_bytes(name));
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.status().is_ok_and(|status| status.success())
}
