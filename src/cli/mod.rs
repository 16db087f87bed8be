//! The command line: what the user typed, and what is printed. Nothing else prints.

mod check;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::mount::{self, MountOptions, Request};

use check::Check;

const OPTIONS_HELP: &str = "\
Options of -o:
  rw                   write to messages: set, create and remove their files, create and rename messages
  delete               with rw: messages may be removed too
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
    /// Log every failed request; implies -f.
    #[arg(short = 'd')]
    debug: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open every message below PATH and list what is damaged; exit 1 if anything is.
    Check(Check),
    /// Unmount; a mount in use is detached at once. Edits are saved first, or the user is told.
    Umount {
        /// Where it is mounted.
        #[arg(value_name = "MOUNTPOINT")]
        mount_point: PathBuf,
    },
}

const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// Runs the program: 0 if all went well, 1 if something failed, 2 for wrong usage.
pub fn main() -> ExitCode {
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
        log_to_terminal(if debug { "msgfs=debug" } else { "msgfs=info" });
        mount::run(&request)
    } else {
        log_to_journal();
        mount::run_in_background(&request)
    };
    finish(outcome)
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
            // A report has a line a message.
            for line in error.to_string().lines() {
                complain(line);
            }
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

/// `RUST_LOG` says more finely what is logged.
fn log_to_terminal(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

/// Without a journal there is no log; `.msgfs/errors` in the mount has the damaged messages.
fn log_to_journal() {
    if let Ok(journal) = tracing_journald::layer() {
        tracing_subscriber::registry().with(EnvFilter::new("msgfs=info")).with(journal).init();
    }
}
