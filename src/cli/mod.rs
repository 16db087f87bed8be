//! The command line: what the user typed, and what is printed. Nothing else prints.

mod arguments;
mod cat;
mod check;
mod clock;
mod columns;
mod complete;
mod contents;
mod edits;
mod extract;
mod find;
mod grep;
mod help;
mod helper;
mod json;
mod log;
mod ls;
mod mailbox;
mod messages;
mod ordered;
mod places;
mod show;
mod signals;
mod status;
mod suggest;
#[cfg(feature = "table")]
mod table;
mod target;
mod terminal;
mod topics;
mod tree;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use outlook_msg::mail::without_error_numbers;

use crate::fs;
use crate::mount::{self, Caller, MountOptions, OptionError, Request};

use arguments::{Command, CommandLine, MountArguments, View};
use status::Status;

/// A command that is there only in a build with the feature of this name.
const TABLE: &str = "table";
const WITHOUT_TABLE: &str =
    "; this msgfs was built without 'table': 'cargo install --path . --features table'";
/// How much output is gathered before it is printed.
const OUTPUT_BYTES: usize = 64 << 10;

/// Runs the program: 0 if all went well, 1 if something is wrong or nothing was found, 2 for wrong
/// usage, a missing path or a failed read.
/// Called by mount(8), it has the exit codes of mount(8).
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    if helper::is_called(name.as_deref()) {
        return run_helper(arguments);
    }
    if mount::is_guard(name.as_deref()) {
        return run_guard(arguments);
    }
    // Clap would take `-/subject`, a file of the message on standard input, for an option.
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
        (None, None) => wrong_usage("missing <SOURCE> and <MOUNTPOINT>").code().into(),
    }
}

fn run_command(command: Command) -> ExitCode {
    let mut out: Box<dyn Write + Send> = match terminal::is_terminal() {
        // A person sees each line when it is found.
        true => Box::new(io::stdout()),
        false => Box::new(io::BufWriter::with_capacity(OUTPUT_BYTES, io::stdout())),
    };
    let done = dispatch(command, &mut out);
    match done.and_then(|status| Ok(out.flush().map(|()| status)?)) {
        Ok(status) => status.code().into(),
        Err(CommandFailure::Option(error)) => wrong_option(&error).code().into(),
        // The reader of the pipe has seen enough (`msgfs find | head`).
        Err(CommandFailure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(CommandFailure::Output(error)) => {
            complain(&error.to_string());
            Status::Failed.code().into()
        }
    }
}

/// Why a command ended early.
enum CommandFailure {
    /// An option of `-o` is wrong.
    Option(OptionError),
    /// Its output could not be written.
    Output(io::Error),
}

impl From<OptionError> for CommandFailure {
    fn from(error: OptionError) -> Self {
        Self::Option(error)
    }
}

impl From<io::Error> for CommandFailure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Runs a command. Each has one line here, and says itself whether it takes `-o`.
fn dispatch(command: Command, out: &mut (impl Write + Send)) -> Result<Status, CommandFailure> {
    Ok(match command {
        Command::Show(arguments) => show::run(&arguments, tree_options(&arguments.view)?, out)?,
        Command::Find(arguments) => find::run(&arguments, tree_options(&arguments.view)?, out)?,
        Command::Ls(arguments) => ls::run(&arguments, tree_options(&arguments.view)?, out)?,
        Command::Tree(arguments) => tree::run(&arguments, tree_options(&arguments.view)?, out)?,
        Command::Cat(arguments) => cat::run(&arguments, tree_options(&arguments.view)?, out)?,
        Command::Extract(arguments) => {
            extract::run(&arguments, tree_options(&arguments.view)?, out)?
        }
        Command::Grep(arguments) => grep::run(&arguments, tree_options(&arguments.view)?, out)?,
        #[cfg(feature = "table")]
        Command::Table(arguments) => table::run(&arguments, tree_options(&arguments.view)?, out)?,
        Command::Check(arguments) => check::run(&arguments, tree_options(&arguments.view)?, out)?,
        Command::Umount(arguments) => report(mount::unmount(&arguments.mount_point)),
        Command::Status(arguments) => edits::status(&arguments, out)?,
        Command::Save(arguments) => edits::save(&arguments)?,
        Command::Discard(arguments) => edits::discard(&arguments),
        Command::Help(arguments) => help::run(&arguments, out)?,
        Command::Man(arguments) => help::man(arguments.command.as_deref(), out)?,
        Command::Completions(arguments) => complete::run(&arguments, out)?,
    })
}

/// The options by which a command without a mount shows the tree.
fn tree_options(View { options }: &View) -> Result<fs::Options, OptionError> {
    let lists = options.iter().map(String::as_str);
    Ok(MountOptions::parse(lists, Caller::CommandLine)?.fs)
}

fn run_mount(arguments: MountArguments) -> ExitCode {
    let MountArguments { source, mount_point, options, foreground, debug } = arguments;
    let is_missing = !source.exists();
    if is_missing && source.as_os_str() == TABLE && !cfg!(feature = "table") {
        complain(&format!("no file or command '{TABLE}'{WITHOUT_TABLE}"));
        return Status::Failed.code().into();
    }
    if is_missing && let Some(command) = source.to_str().and_then(similar_command) {
        let what = format!("no file or command '{}'; did you mean '{command}'?", source.display());
        complain(&what);
        return Status::Failed.code().into();
    }
    if let Some(what) = suggest::other_mail_file(&source) {
        complain(&format!("{}: {what}", source.display()));
        return Status::Failed.code().into();
    }
    let options = match MountOptions::parse(options.iter().map(String::as_str), helper::caller()) {
        Ok(options) => options,
        Err(error) => return wrong_option(&error).code().into(),
    };
    let request = Request { source, mount_point, options };
    let outcome = if foreground || debug {
        log::to_terminal(if debug { log::REQUESTS } else { log::USUAL });
        mount::run(&request)
    } else {
        mount_in_background(&request)
    };
    finish(outcome)
}

/// Mounts, and names the edits that the mount does not show.
fn mount_in_background(request: &Request) -> Result<(), mount::Error> {
    log::to_system();
    if mount::run_in_background(request)? == mount::Done::Mounted {
        edits::name_not_shown(&request.source, request.options.fs.write.is_some());
    }
    Ok(())
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
    let (source, mount_point) = (asked.source, asked.mount_point);
    match mount_in_background(&Request { source, mount_point, options }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            helper::FAILED.into()
        }
    }
}

/// Guards a mount that another process serves.
fn run_guard(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    log::to_system();
    match mount::guard(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("a mount whose process has died does not come off: {error}");
            Status::Wrong.code().into()
        }
    }
}

/// Prints help and version in full, and what is wrong with the usage in one line.
fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // If the pipe is closed, nobody reads the help.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    wrong_usage(&what_is_wrong(error)).code().into()
}

fn what_is_wrong(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let strings = |kind| match error.get(kind) {
        Some(ContextValue::Strings(words)) => words.clone(),
        Some(ContextValue::String(word)) => vec![word.clone()],
        _ => Vec::new(),
    };
    match error.kind() {
        ErrorKind::MissingRequiredArgument => {
            let missing = format!("missing {}", strings(ContextKind::InvalidArg).join(" and "));
            match lone_word() {
                Some(word) => format!("{missing}{}", hint_for_lone_word(&word)),
                None => missing,
            }
        }
        ErrorKind::ArgumentConflict => {
            let (one, others) = (strings(ContextKind::InvalidArg), strings(ContextKind::PriorArg));
            match (one.as_slice(), others.as_slice()) {
                ([one], [_, ..]) if one.starts_with('-') => {
                    format!("{one} and {} exclude each other", others.join(", "))
                }
                _ => format!("too many arguments{}", hint_for_first_word()),
            }
        }
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand | ErrorKind::InvalidValue => {
            let kinds = [
                ContextKind::SuggestedArg,
                ContextKind::SuggestedSubcommand,
                ContextKind::SuggestedValue,
            ];
            match kinds.into_iter().flat_map(strings).next() {
                Some(meant) => format!("{first}; did you mean '{meant}'?"),
                None if error.kind() == ErrorKind::InvalidValue => {
                    let valid = strings(ContextKind::ValidValue);
                    let list = if valid.is_empty() { "" } else { "; it is one of " };
                    format!("{first}{list}{}", valid.join(", "))
                }
                None => format!("{first}{}", hint_for_first_word()),
            }
        }
        _ => first.to_owned(),
    }
}

/// A hint for a first word that is no command, but like one. A command that only lacks its
/// arguments gets none.
fn hint_for_first_word() -> String {
    let word = std::env::args_os().nth(1).unwrap_or_default();
    if word == TABLE && !cfg!(feature = "table") {
        return WITHOUT_TABLE.to_owned();
    }
    if word == "mount" {
        return "; 'msgfs SOURCE MOUNTPOINT' mounts".to_owned();
    }
    let meant = word.to_str().and_then(similar_command).filter(|command| **command != *word);
    match meant.filter(|_| !Path::new(&word).exists()) {
        Some(command) => format!("; did you mean 'msgfs {command}'?"),
        None => String::new(),
    }
}

/// The only word that was typed, if there was one and no option.
fn lone_word() -> Option<OsString> {
    let mut words = std::env::args_os().skip(1);
    let word = words.next().filter(|word| !word.as_bytes().starts_with(b"-"))?;
    words.next().is_none().then_some(word)
}

/// A hint for a user who typed a single word that is no command.
fn hint_for_lone_word(word: &OsStr) -> String {
    let path = Path::new(word);
    match path.is_file() {
        true => format!("; 'msgfs show {}' prints a message", path.display()),
        false => hint_for_first_word(),
    }
}

fn similar_command(word: &str) -> Option<String> {
    let command = arguments::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    suggest::similar(word, names).map(str::to_owned)
}

/// The option of `-o` that is most similar to a word, which may have a value behind `=`.
fn similar_option(word: &str) -> Option<&'static str> {
    let name = word.split('=').next().unwrap_or(word);
    suggest::similar(name, topics::OPTIONS.iter().flat_map(topics::Topic::names))
}

/// Says what is wrong with an option of `-o`.
fn wrong_option(error: &OptionError) -> Status {
    let meant = match error {
        OptionError::Unknown(word) => similar_option(word),
        _ => None,
    };
    // Elsewhere -o names the file or folder to write to.
    let is_extract = || std::env::args_os().nth(1).is_some_and(|word| word == "extract");
    match meant {
        Some(meant) => complain(&format!("{error}; did you mean '{meant}'?")),
        None if matches!(error, OptionError::Unknown(_)) && is_extract() => {
            complain(&format!("{error}; DEST stands last, without -o"));
        }
        None => complain(&error.to_string()),
    }
    Status::Failed
}

/// Says what is wrong with the usage.
fn wrong_usage(what: &str) -> Status {
    complain(&format!("{what}; see msgfs --help"));
    Status::Failed
}

fn finish(outcome: Result<(), mount::Error>) -> ExitCode {
    report(outcome).code().into()
}

/// Reports why a mount failed, or what an unmount kept.
fn report(outcome: Result<(), mount::Error>) -> Status {
    let Err(error) = outcome else { return Status::Done };
    // A report has a line for each message.
    for line in error.to_string().lines() {
        complain(line);
    }
    match error {
        mount::Error::Unsaved(_) => Status::Wrong,
        _ => Status::Failed,
    }
}

fn complain(text: &str) {
    // One line, even if a name with line ends is repeated in it.
    let line = without_error_numbers(text).replace(|c: char| c.is_control(), " ");
    // If standard error is closed, the exit status has to do.
    let _ = writeln!(io::stderr(), "msgfs: {line}");
}
