//! The command line: what the user typed, and what is printed. Nothing else prints.

mod arguments;
mod cat;
mod check;
mod extract;
mod grep;
mod help;
mod helper;
mod log;
mod ls;
mod ordered;
mod places;
mod summaries;
mod terminal;
mod topics;
mod tree;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::fs;
use crate::mount::{self, Caller, MountOptions, OptionError, Request};

use arguments::{Command, CommandLine, Mount, View};

const FAILED: u8 = 1;
const USAGE: u8 = 2;
/// Printed at a time.
const OUTPUT_BYTES: usize = 64 << 10;

/// Runs the program: 0 if all went well, 1 if something failed, 2 for wrong usage.
/// Called by mount(8), it has the exit codes of mount(8).
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    if helper::is_called(name.as_deref()) {
        return run_helper(arguments);
    }
    // What is in a message on standard input would be taken for an option.
    let arguments = arguments.map(|argument| match argument.as_bytes() {
        [b'-', b'/', inside @ ..] => Path::new("/dev/stdin").join(OsStr::from_bytes(inside)).into(),
        _ => argument,
    });
    let command_line = match CommandLine::try_parse_from(name.into_iter().chain(arguments)) {
        Ok(command_line) => command_line,
        Err(error) => return explain(&error),
    };
    match (command_line.command, command_line.mount) {
        (Some(command), _) => run_command(command),
        (None, Some(mount)) => run_mount(mount),
        (None, None) => wrong_usage("missing <SOURCE> and <MOUNTPOINT>").into(),
    }
}

fn run_command(command: Command) -> ExitCode {
    let options = match tree_options(&command) {
        Ok(options) => options,
        Err(error) => {
            complain(&error.to_string());
            return USAGE.into();
        }
    };
    let mut out = io::BufWriter::with_capacity(OUTPUT_BYTES, io::stdout());
    let code = |is_well| if is_well { 0 } else { FAILED };
    let done = match command {
        Command::Umount(arguments) => return finish(mount::unmount(&arguments.mount_point)),
        Command::Check(arguments) => check::run(&arguments).map(code),
        Command::Ls(arguments) => ls::run(&arguments, options, &mut out).map(code),
        Command::Tree(arguments) => tree::run(&arguments, options, &mut out).map(code),
        Command::Cat(arguments) => cat::run(&arguments, options, &mut out).map(code),
        Command::Extract(arguments) => extract::run(&arguments, options),
        Command::Grep(arguments) => grep::run(&arguments, options, &mut out),
        Command::Man(arguments) => help::man(arguments.command.as_deref(), &mut out).map(|()| 0),
        Command::Completions(arguments) => {
            help::completions(&arguments, &mut out);
            Ok(0)
        }
        Command::Help(arguments) => match help::explain(&arguments.topics) {
            Ok(text) => out.write_all(text.as_bytes()).map(|()| 0),
            Err(error) => {
                complain(&error.to_string());
                return USAGE.into();
            }
        },
    };
    match done.and_then(|code| out.flush().map(|()| code)) {
        Ok(code) => code.into(),
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            FAILED.into()
        }
    }
}

/// How the commands without a mount show the tree.
fn tree_options(command: &Command) -> Result<fs::Options, OptionError> {
    let view = match command {
        Command::Ls(arguments) => &arguments.view,
        Command::Tree(arguments) => &arguments.view,
        Command::Cat(arguments) => &arguments.view,
        Command::Extract(arguments) => &arguments.view,
        Command::Grep(arguments) => &arguments.view,
        _ => return Ok(fs::Options::default()),
    };
    let View { options } = view;
    Ok(MountOptions::parse(options.iter().map(String::as_str), Caller::CommandLine)?.fs)
}

fn run_mount(arguments: Mount) -> ExitCode {
    let Mount { source, mount_point, options, foreground, debug } = arguments;
    let options = match MountOptions::parse(options.iter().map(String::as_str), helper::caller()) {
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
    let words = asked.options.iter().map(String::as_str);
    let options = match MountOptions::parse(words, Caller::MountHelper) {
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
    wrong_usage(&what).into()
}

/// Says what is wrong with the usage; returns the exit code.
fn wrong_usage(what: &str) -> u8 {
    complain(&format!("{what}; see msgfs --help"));
    USAGE
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
