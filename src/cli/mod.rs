//! The command line: what the user typed, and what is printed. Nothing else prints.

mod check;
mod helper;
mod log;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};

use crate::mount::{self, MountOptions, Request};

use check::Check;

const OPTIONS_HELP: &str = "\
Options of -o:
  show=VIEW[,VIEW...]  list in every message what is else only reachable by name: mapi, eml, json, msg, raw, all
  others=hide          leave out files that are no messages
  codepage=N           read every 8-bit string in this code page, whatever the message says
  cache=SIZE           memory for open messages, as 64M (the default)
  uid=N, gid=N         owner and group of everything
  umask=OCTAL          permission bits to take away
  allow_other, allow_root, auto_unmount, fsname=NAME, nonempty, noexec
                       as for every FUSE mount; those of fstab(5) are accepted
";

/// Mount a folder of Outlook .msg files and read every message as ordinary files.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = OPTIONS_HELP)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    mount: Option<Mount>,
}

#[derive(Debug, Args)]
struct Mount {
    /// A folder with .msg and .oft files, or one such file.
    source: PathBuf,
    /// An empty directory.
    #[arg(value_name = "MOUNTPOINT")]
    mount_point: PathBuf,
    /// Mount options, separated by commas; see below.
    #[arg(short = 'o', value_name = "OPTIONS")]
    options: Vec<String>,
    /// Stay in the foreground, and log to the terminal.
    #[arg(short = 'f')]
    foreground: bool,
    /// Log every request; implies -f.
    #[arg(short = 'd')]
    debug: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open every message below PATH and list what is damaged; exit 1 if anything is.
    Check(Check),
    /// Unmount; a mount in use is detached at once and ends with its last user.
    Umount {
        /// Where it is mounted.
        #[arg(value_name = "MOUNTPOINT")]
        mount_point: PathBuf,
    },
}

const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// Runs the program: 0 if all went well, 1 if something failed, 2 for wrong usage.
/// Called by mount(8), it has the exit codes of mount(8).
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    if helper::is_called(arguments.next().as_deref()) {
        return run_helper(arguments);
    }
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => return explain(&error),
    };
    match (command_line.command, command_line.mount) {
        (Some(Command::Umount { mount_point }), _) => finish(mount::unmount(&mount_point)),
        (Some(Command::Check(arguments)), _) => match check::run(&arguments) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => FAILED.into(),
            // Whoever read the list has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error.to_string());
                FAILED.into()
            }
        },
        (None, Some(mount)) => run_mount(mount),
        (None, None) => {
            complain("missing <SOURCE> and <MOUNTPOINT>; see msgfs --help");
            USAGE.into()
        }
    }
}

fn run_mount(arguments: Mount) -> ExitCode {
    let Mount { source, mount_point, options, foreground, debug } = arguments;
    let options = match MountOptions::parse(options.iter().map(String::as_str)) {
        Ok(options) => options,
        Err(error) => {
            complain(&error.to_string());
            return USAGE.into();
        }
    };
    let request = Request { source, mount_point, options };
    let outcome = if foreground || debug {
        log::to_terminal(if debug { log::REQUESTS } else { log::USUAL });
        mount::run(&request)
    } else {
        log::to_system();
        mount::run_in_background(&request)
    };
    finish(outcome)
}

/// Mounts as mount(8) asks for it.
fn run_helper(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let wrong = |text: &str| {
        complain(text);
        ExitCode::from(helper::USAGE)
    };
    let asked = match helper::parse(arguments) {
        Ok(asked) => asked,
        Err(error) => return wrong(&error),
    };
    let options = match MountOptions::parse(asked.options.iter().map(String::as_str)) {
        Ok(options) => options,
        Err(error) => return wrong(&error.to_string()),
    };
    if asked.fake {
        return ExitCode::SUCCESS;
    }
    log::to_system();
    let (source, mount_point) = (asked.source, asked.mount_point);
    match mount::run_in_background(&Request { source, mount_point, options }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            helper::FAILED.into()
        }
    }
}

/// Prints help and version in full, and what is wrong with the usage in one line.
fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A closed pipe is nobody to print for.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let what = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(names))) => {
            format!("missing {}", names.join(" and "))
        }
        (ErrorKind::ArgumentConflict, _) => "too many arguments".to_owned(),
        _ => first.to_owned(),
    };
    complain(&format!("{what}; see msgfs --help"));
    USAGE.into()
}

fn finish(outcome: Result<(), mount::Error>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            FAILED.into()
        }
    }
}

fn complain(text: &str) {
    // One line, whatever the user typed that is repeated in it.
    let line = text.replace(|c: char| c.is_control(), " ");
    // Without a place to complain to, the exit code has to do.
    let _ = writeln!(io::stderr(), "msgfs: {line}");
}
