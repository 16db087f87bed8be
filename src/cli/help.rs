//! `msgfs help` and `man`, both made of the definitions in `arguments` and `topics`.

use std::io::{self, Write};

use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::arguments::{self, Help};
use super::status::Status;
use super::topics::{OPTIONS, SECTIONS, Topic};
use super::{complain, similar_command, similar_option};

/// There is no explanation of this topic.
#[derive(Debug, thiserror::Error)]
#[error("no command or option '{topic}'; {}", self.remedy())]
struct UnknownTopic {
    topic: String,
    /// The most similar topic.
    meant: Option<String>,
}

impl UnknownTopic {
    fn of_command(name: &str) -> Self {
        Self { topic: name.to_owned(), meant: similar_command(name) }
    }

    /// A topic that is neither a command nor an option, written as `name`.
    fn of(topic: &str, name: &str) -> Self {
        let meant = similar_command(name).or_else(|| similar_option(name).map(str::to_owned));
        Self { topic: topic.to_owned(), meant }
    }

    fn remedy(&self) -> String {
        match &self.meant {
            Some(meant) => format!("did you mean '{meant}'?"),
            None => "see msgfs --help".to_owned(),
        }
    }
}

/// The width of the text: every terminal has that many columns.
const WIDTH: usize = 78;
const INDENT: &str = "    ";

/// Prints what commands and options do.
pub(super) fn run(arguments: &Help, out: &mut dyn Write) -> io::Result<Status> {
    match explain(&arguments.topics) {
        Ok(text) => out.write_all(text.as_bytes()).map(|()| Status::Done),
        Err(error) => {
            complain(&error.to_string());
            Ok(Status::Failed)
        }
    }
}

/// Explains commands and options. Without any topic it is the help of msgfs.
fn explain(topics: &[String]) -> Result<String, UnknownTopic> {
    let mut command = arguments::command();
    command.build();
    if topics.is_empty() {
        return Ok(command.render_help().to_string());
    }
    let mut texts = Vec::new();
    for topic in topics {
        let name = topic.trim_start_matches('-').trim_end_matches('=');
        texts.push(match (name, option(name), command.find_subcommand_mut(name)) {
            ("options" | "o", ..) => list_options(),
            // A word that is both a command and an option gets both explanations.
            (_, Some(option), Some(command)) => {
                format!("{}\n{}", command.render_long_help(), paragraph(option))
            }
            (_, Some(option), None) => paragraph(option),
            (_, None, Some(command)) => command.render_long_help().to_string(),
            (_, None, None) => return Err(UnknownTopic::of(topic, name)),
        });
    }
    Ok(texts.join("\n"))
}

/// Prints the man page of msgfs or of a command.
pub(super) fn man(name: Option<&str>, out: &mut dyn Write) -> io::Result<Status> {
    let mut command = arguments::command();
    command.build();
    let Some(name) = name else {
        let man = Man::new(command);
        man.render(out)?;
        options_section().to_writer(out)?;
        return Ok(Status::Done);
    };
    let found = command.find_subcommand(name).cloned();
    let found = found.ok_or_else(|| io::Error::other(UnknownTopic::of_command(name)))?;
    let title = format!("msgfs-{name}");
    Man::new(found.display_name(title)).render(out)?;
    Ok(Status::Done)
}

fn option(name: &str) -> Option<&'static Topic> {
    // `msgfs help show=mapi` asks for `show`.
    let name = name.split('=').next().unwrap_or(name);
    OPTIONS.iter().find(|topic| topic.names().any(|known| known == name))
}

fn list_options() -> String {
    let lines = OPTIONS.iter().map(|topic| format!("  {:20} {}\n", topic.usage, topic.summary));
    format!(
        "Options of -o:\n{}\n'msgfs help OPTION' explains one, as 'msgfs help show'.\n",
        lines.collect::<String>()
    )
}

fn paragraph(topic: &Topic) -> String {
    let mut text = format!("-o {}\n", topic.usage);
    let mut line = String::new();
    for word in topic.text.split_whitespace() {
        if INDENT.len() + line.len() + 1 + word.len() > WIDTH {
            text += &format!("{INDENT}{line}\n");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    text + INDENT + &line + "\n"
}

fn options_section() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["MOUNT OPTIONS"]);
    for topic in OPTIONS {
        roff.control("TP", []);
        roff.text([bold(topic.usage)]);
        roff.text([roman(topic.text)]);
    }
    for (heading, paragraphs) in SECTIONS {
        roff.control("SH", [*heading]);
        for text in *paragraphs {
            roff.control("PP", []);
            roff.text([roman(*text)]);
        }
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::{OPTIONS, SECTIONS, explain, man};
    use crate::mount::{Caller, MountOptions};

    #[test]
    fn every_topic_is_an_option() {
        for topic in OPTIONS {
            for usage in topic.usage.split(", ") {
                let value = |name: &str| match name {
                    "show" => "mapi,raw",
                    "codepage" => "932",
                    "umask" => "027",
                    "cache" => "64M",
                    "remote" => "allow",
                    _ => "7",
                };
                let example = match usage.split_once('=') {
                    Some((_, "hide")) | None => usage.to_owned(),
                    Some((name, _)) => format!("{name}={}", value(name)),
                };
                // To remove messages is a part of writing.
                let example = if example == "delete" { "edit,delete".to_owned() } else { example };
                assert!(
                    MountOptions::parse([example.as_str()], Caller::MountHelper).is_ok(),
                    "{example}"
                );
            }
        }
    }

    #[test]
    fn everything_is_explained() {
        let explain = |topic: &str| explain(&[topic.to_owned()]).unwrap();
        for topic in OPTIONS {
            for name in topic.names() {
                assert!(explain(name).contains(&format!("-o {}\n", topic.usage)), "{name}");
            }
        }
        for command in super::arguments::command().get_subcommands() {
            let name = command.get_name();
            assert!(explain(name).contains("Usage:"), "{name}");
            man(Some(name), &mut Vec::new()).unwrap();
        }
        assert!(super::explain(&["frobnicate".to_owned()]).is_err());
    }

    #[test]
    fn the_manual_names_every_file_of_a_message() {
        let (_, layout) = SECTIONS.iter().find(|(title, _)| title.starts_with("LAYOUT")).unwrap();
        let layout = layout.concat();
        let names: Vec<_> = layout.split(|c: char| " ,;:()".contains(c)).collect();
        for name in crate::view::file_names() {
            assert!(names.iter().any(|one| one.trim_end_matches(['/', '.']) == name), "{name}");
        }
    }
}
