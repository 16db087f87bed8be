//! `msgfs completions`: prints the scripts for shells, and what these ask for: the words that could
//! stand in place of the one that is being typed.
//!
//! The scripts know nothing of msgfs. They call `msgfs completions -- WORD...` and offer the lines
//! that it prints. A path stands alone on its line; any other word is followed by a tab and its
//! meaning.

mod paths;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use clap::{Arg, Command, ValueHint};

use crate::mount;
use crate::view::Show;

use super::arguments::{self, Completions, Shell};
use super::status::Status;
use super::topics::{OPTIONS, Topic};

/// How many options of `-o`, the first ones, concern the tree, so that commands without a mount
/// take them, too.
const OPTIONS_OF_THE_TREE: usize = 5;

/// Prints the script of a shell, or what could be in place of the last word.
pub(super) fn run(arguments: &Completions, out: &mut dyn Write) -> io::Result<Status> {
    let script = match arguments.shell {
        None => return offer(&arguments.words, out).map(|()| Status::Done),
        Some(Shell::Bash) => include_str!("msgfs.bash"),
        Some(Shell::Zsh) => include_str!("msgfs.zsh"),
        Some(Shell::Fish) => include_str!("msgfs.fish"),
    };
    out.write_all(script.as_bytes()).map(|()| Status::Done)
}

fn offer(words: &[OsString], out: &mut dyn Write) -> io::Result<()> {
    for Offer { word, meaning } in offers(words) {
        // The output has one word a line, which a word with a line end in it would break.
        if word.as_bytes().iter().any(|byte| byte.is_ascii_control()) {
            continue;
        }
        out.write_all(word.as_bytes())?;
        match meaning {
            Some(meaning) => writeln!(out, "\t{meaning}")?,
            None => out.write_all(b"\n")?,
        }
    }
    Ok(())
}

/// A word that is offered.
#[derive(Debug)]
struct Offer {
    word: OsString,
    /// What it means; `None` for a path.
    meaning: Option<String>,
}

impl Offer {
    fn word(word: impl Into<OsString>, meaning: impl Into<String>) -> Self {
        Self { word: word.into(), meaning: Some(meaning.into()) }
    }

    fn path(path: impl Into<OsString>) -> Self {
        Self { word: path.into(), meaning: None }
    }

    fn behind(self, prefix: &[u8]) -> Self {
        Self { word: OsString::from_vec([prefix, self.word.as_bytes()].concat()), ..self }
    }
}

/// What could be in place of the last word, which may be empty.
fn offers(words: &[OsString]) -> Vec<Offer> {
    let Some((typed, before)) = words.split_last() else { return Vec::new() };
    let mut program = arguments::command();
    program.build();
    let mut state = WordState { command: &program, option: None, places: 0, only_places: false };
    for word in before {
        state.pass(word);
    }
    let mut offers = state.offers(typed);
    offers.retain(|offer| offer.word.as_bytes().starts_with(typed.as_bytes()));
    offers
}

/// What the words before have said.
struct WordState<'a> {
    command: &'a Command,
    /// The option whose value is the next word.
    option: Option<&'a Arg>,
    /// How many words were no options.
    places: usize,
    /// Whether `--` was there.
    only_places: bool,
}

impl<'a> WordState<'a> {
    fn pass(&mut self, word: &OsStr) {
        let word = word.to_string_lossy();
        if self.option.take().is_some() {
        } else if self.only_places || !word.starts_with('-') || word == "-" {
            match self.command.find_subcommand(&*word).filter(|_| self.expects_command()) {
                Some(command) => self.command = command,
                None => self.places += 1,
            }
        } else if word == "--" {
            self.only_places = true;
        } else if let Some(long) = word.strip_prefix("--") {
            self.option =
                self.find(|arg| arg.get_long() == Some(long)).filter(|arg| is_valued(arg));
        } else {
            let valued = self.first_valued(&word);
            self.option = valued.filter(|(_, value)| value.is_empty()).map(|(arg, _)| arg);
        }
    }

    fn offers(&self, typed: &OsStr) -> Vec<Offer> {
        // An option is UTF-8, and a path that is none is offered as it is.
        let text = typed.to_string_lossy();
        if let Some(option) = self.option {
            return self.values(option, typed);
        }
        if !self.only_places && text.starts_with('-') {
            if let Some((name, value)) = text.split_once('=').filter(|_| text.starts_with("--")) {
                let option = self.find(|arg| arg.get_long() == name.strip_prefix("--"));
                let values = option.map(|option| self.values(option, value.as_ref()));
                let prefix = format!("{name}=");
                let values = values.unwrap_or_default().into_iter();
                return values.map(|offer| offer.behind(prefix.as_bytes())).collect();
            }
            return match self.first_valued(&text) {
                Some((option, value)) => {
                    let prefix = text.strip_suffix(value).unwrap_or(&text).as_bytes();
                    let values = self.values(option, value.as_ref()).into_iter();
                    values.map(|offer| offer.behind(prefix)).collect()
                }
                None => self.options(),
            };
        }
        let mut offers = Vec::new();
        if self.expects_command() {
            let commands = self.command.get_subcommands().filter(|command| !command.is_hide_set());
            offers.extend(commands.map(|command| {
                Offer::word(command.get_name(), line(command.get_about().map(ToString::to_string)))
            }));
        }
        let places: Vec<_> = self.command.get_positionals().collect();
        let place = places.get(self.places).or(places.last());
        offers.extend(place.into_iter().flat_map(|place| self.values(place, typed)));
        offers
    }

    fn expects_command(&self) -> bool {
        self.command.has_subcommands() && self.places == 0
    }

    fn find(&self, is_it: impl Fn(&Arg) -> bool) -> Option<&'a Arg> {
        self.command.get_arguments().find(|arg| is_it(arg))
    }

    /// The first of some short options in one word that takes a value, and what of the value is in
    /// that word.
    fn first_valued<'w>(&self, word: &'w str) -> Option<(&'a Arg, &'w str)> {
        let short = word.strip_prefix('-').filter(|short| !short.starts_with('-'))?;
        short.char_indices().find_map(|(at, letter)| {
            let arg = self.find(|arg| arg.get_short() == Some(letter)).filter(|arg| is_valued(arg));
            Some((arg?, short.get(at + letter.len_utf8()..)?))
        })
    }

    /// The options of the command.
    fn options(&self) -> Vec<Offer> {
        let seen = self.command.get_arguments().filter(|arg| !arg.is_hide_set());
        let named = seen.flat_map(|arg| {
            let short = arg.get_short().filter(|_| arg.get_long().is_none());
            let long = arg.get_long().map(|long| format!("--{long}"));
            let help = line(arg.get_help().map(ToString::to_string));
            let words = short.map(|short| format!("-{short}")).into_iter().chain(long);
            words.map(move |word| Offer::word(word, help.clone()))
        });
        named.collect()
    }

    /// The values of an option, or of a place.
    fn values(&self, arg: &Arg, typed: &OsStr) -> Vec<Offer> {
        let command = self.command.get_name();
        match (command, arg.get_id().as_str()) {
            (_, "options") => option_lists(&typed.to_string_lossy(), command == "msgfs"),
            ("umount" | "status", "mount_point") => {
                paths::mount_points(typed, &mount::mount_points().unwrap_or_default())
            }
            ("help", "topics") => {
                let options = OPTIONS
                    .iter()
                    .flat_map(|topic| topic.names().map(|name| Offer::word(name, topic.summary)));
                commands().into_iter().chain(options).collect()
            }
            ("man", "command") => commands(),
            ("msgfs", "mount_point") => paths::folders(typed),
            ("msgfs" | "save" | "discard", "source" | "paths") => paths::files(typed),
            _ if !arg.get_possible_values().is_empty() && is_valued(arg) => {
                let values = arg.get_possible_values();
                let value = |value: &clap::builder::PossibleValue| {
                    let help = line(value.get_help().map(ToString::to_string));
                    Offer::word(value.get_name(), help)
                };
                values.iter().map(value).collect()
            }
            _ if arg.get_value_hint() != ValueHint::AnyPath => Vec::new(),
            _ if arg.is_positional() => paths::inside(typed),
            _ => paths::files(typed),
        }
    }
}

fn is_valued(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

fn commands() -> Vec<Offer> {
    let program = arguments::command();
    let commands = program.get_subcommands().filter(|command| !command.is_hide_set());
    let about = |command: &Command| line(command.get_about().map(ToString::to_string));
    commands.map(|command| Offer::word(command.get_name(), about(command))).collect()
}

/// A help text in one line.
fn line(help: Option<String>) -> String {
    help.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The list of `-o` as it was typed, with each word that could be its last one. After `show=` that
/// may be another view, too.
fn option_lists(typed: &str, is_mount: bool) -> Vec<Offer> {
    let (list, _) = typed.rsplit_once(',').unwrap_or_default();
    let last =
        list.rsplit(',').find(|word| !Show::words().any(|view| view == *word)).unwrap_or_default();
    let of_tree = OPTIONS.iter().take(if is_mount { OPTIONS.len() } else { OPTIONS_OF_THE_TREE });
    let options = of_tree.flat_map(|topic| {
        let words: Vec<_> = topic.words().collect();
        words.into_iter().map(|word| (word, topic.summary))
    });
    let views = Show::words().filter(|_| last.starts_with("show="));
    let views = views.map(|view| (view.to_owned(), "a view to list"));
    let comma = if list.is_empty() { "" } else { "," };
    let prefix = format!("{list}{comma}");
    let words = views.chain(options);
    words.map(|(word, meaning)| Offer::word(format!("{prefix}{word}"), meaning)).collect()
}

impl Topic {
    /// What is offered for it: every value that is a word, or the name alone where the value is a
    /// number or a name.
    fn words(&self) -> impl Iterator<Item = String> {
        self.usage.split(", ").flat_map(|usage| match usage.split_once('=') {
            Some(("show", _)) => Show::words().map(|view| format!("show={view}")).collect(),
            Some((name, value)) if value.starts_with(|c: char| c.is_uppercase()) => {
                vec![format!("{name}=")]
            }
            _ => vec![usage.to_owned()],
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{OPTIONS, OPTIONS_OF_THE_TREE, offers};

    fn offered(words: &[&str]) -> Vec<String> {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        offers(&words).into_iter().map(|offer| offer.word.into_string().unwrap()).collect()
    }

    #[test]
    fn options_of_the_tree_are_the_first() {
        let names = OPTIONS.iter().take(OPTIONS_OF_THE_TREE).flat_map(|topic| topic.names());
        let names: Vec<_> = names.collect();
        assert_eq!(names, ["show", "others", "remote", "codepage", "cache"]);
    }

    #[test]
    fn words_follow_from_those_before() {
        for (typed, expected) in [
            (&["gr"][..], &["grep"][..]),
            (&["un"], &[]),
            (&["completions", "b"], &["bash"]),
            (&["help", "fi"], &["find"]),
            (&["help", "cod"], &["codepage"]),
            (&["man", "gr"], &["grep"]),
            (&["find", "--sin"], &["--since"]),
            (&["find", "--is", "m"], &["meeting"]),
            (&["find", "--is=m"], &["--is=meeting"]),
            (&["find", "-l", "--sort", "d"], &["date"]),
            (&["find", "--from", "d"], &[]),
            (&["ls", "--color", "al"], &["always"]),
            (&["ls", "-o", "oth"], &["others=hide"]),
            (&["ls", "-lo", "others=hide,rem"], &["others=hide,remote=allow"]),
            (&["ls", "-o", "allow"], &[]),
            (&["-o", "allow_o"], &["allow_other"]),
            (&["-oallow_o"], &["-oallow_other"]),
            (&["ls", "--options=show=mapi,e"], &["--options=show=mapi,eml"]),
            (&["-o", "show=mapi,e"], &["show=mapi,eml", "show=mapi,edit", "show=mapi,exec"]),
            (&["-o", "edit,e"], &["edit,edit", "edit,exec"]),
            (&["ls", "-o", "show=m"], &["show=mapi", "show=msg"]),
            (&["cat", "--", "--opt"], &[]),
            (&["cat", "Cargo.to"], &["Cargo.toml"]),
            (&["grep", "-i", "a pattern", "Cargo.to"], &["Cargo.toml"]),
        ] {
            assert_eq!(offered(typed), expected, "{typed:?}");
        }
        assert!(offered(&[""]).contains(&"umount".to_owned()));
        assert!(!offered(&[""]).contains(&"completions".to_owned()));
    }
}
