//! What `msgfs find` takes: the filters, and how what is found is printed.

use std::path::PathBuf;

use clap::{ArgAction, ArgGroup, Args, ValueEnum};

use super::{ColorChoice, View};

/// What to find, where, and how to print it.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    disable_help_flag = true,
    override_usage = "msgfs find [FILTER]... [PATH]...",
    mut_arg("options", |arg| arg.help_heading("Output"))
)]
pub(in crate::cli) struct Find {
    #[command(flatten)]
    pub(in crate::cli) filters: Filters,
    /// Print date, sender and subject before each path.
    #[arg(short = 'l', long, help_heading = OUTPUT)]
    pub(in crate::cli) long: bool,
    /// Sort the messages by this field; without it they are in the order of their paths.
    #[arg(long, value_name = "FIELD", value_enum, help_heading = OUTPUT)]
    pub(in crate::cli) sort: Option<SortKey>,
    /// Reverse the order; messages without the field stay last.
    #[arg(short = 'r', long, help_heading = OUTPUT)]
    pub(in crate::cli) reverse: bool,
    /// End each path with NUL, for xargs -0 and 'msgfs extract --files0-from'.
    #[arg(short = '0', long = "null", help_heading = OUTPUT, conflicts_with_all = ["json", "count"])]
    pub(in crate::cli) null: bool,
    /// Print a row of JSON for each message.
    #[arg(long, help_heading = OUTPUT, conflicts_with_all = ["long", "count"])]
    pub(in crate::cli) json: bool,
    /// With --json: add the SHA-256 of each attachment.
    #[arg(long, help_heading = OUTPUT, requires = "json")]
    pub(in crate::cli) hash: bool,
    /// Print only how many messages are found.
    #[arg(long, help_heading = OUTPUT, conflicts_with = "long")]
    pub(in crate::cli) count: bool,
    /// Stop after N messages.
    #[arg(long, value_name = "N", help_heading = OUTPUT)]
    pub(in crate::cli) limit: Option<usize>,
    /// Print times in UTC; the days of --since and --until begin in UTC, too.
    #[arg(long, help_heading = OUTPUT)]
    pub(in crate::cli) utc: bool,
    /// Colour what is printed.
    #[arg(long, alias = "colour", value_name = "WHEN", value_enum, default_value_t, help_heading = OUTPUT)]
    pub(in crate::cli) color: ColorChoice,
    /// Print help.
    #[arg(short = 'h', long, action = ArgAction::HelpLong, help_heading = OUTPUT)]
    pub(in crate::cli) help: Option<bool>,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    /// Folders, messages, or paths in them; '-' is a message on standard input.
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
}

const OUTPUT: &str = "Output";

/// What a message must have. If several options are given, all must hold; if one is repeated, one
/// of its values must.
///
/// A PATTERN is a regular expression. It ignores case unless it has a capital letter.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
#[command(group(ArgGroup::new("period").args(["since", "until"]).multiple(true)))]
pub(in crate::cli) struct Filters {
    /// Name or address of the sender.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(in crate::cli) from: Vec<String>,
    /// Name or address of a recipient, in to, cc or bcc.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(in crate::cli) to: Vec<String>,
    /// Name or address of a recipient in cc.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(in crate::cli) cc: Vec<String>,
    /// Name or address of a recipient in bcc.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(in crate::cli) bcc: Vec<String>,
    /// The subject.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(in crate::cli) subject: Vec<String>,
    /// The identifier in Message-ID; -F takes it as it stands.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(in crate::cli) message_id: Vec<String>,
    /// One of the categories.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(in crate::cli) category: Vec<String>,
    /// A line of the body.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(in crate::cli) body: Vec<String>,
    /// Subject, addresses, names of attachments, or a line of the body.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(in crate::cli) text: Vec<String>,
    /// Take upper and lower case as equal, also where a pattern has a capital letter.
    #[arg(short = 'i', long)]
    pub(in crate::cli) ignore_case: bool,
    /// Take patterns as they stand, not as regular expressions.
    #[arg(short = 'F', long)]
    pub(in crate::cli) fixed_strings: bool,
    /// Sent on or after: 2024, 2024-04, 2024-04-02, RFC 3339, or an age such as 7d, 2w, 3m, 1y.
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    pub(in crate::cli) since: Option<String>,
    /// Sent on or before, the whole of the day, month or year given.
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    pub(in crate::cli) until: Option<String>,
    /// Compare --since and --until with the time when a message was received; without it, that is
    /// done only if a message has no time of sending.
    #[arg(long, requires = "period")]
    pub(in crate::cli) received: bool,
    /// Compare --since and --until with the time of the appointment or meeting, the first one of a
    /// series; other messages have none.
    #[arg(long, conflicts_with = "received", requires = "period")]
    pub(in crate::cli) event: bool,
    /// Has an attachment whose name matches, in any case, such as '*.pdf'.
    #[arg(long, value_name = "GLOB", allow_hyphen_values = true)]
    pub(in crate::cli) attachment: Vec<String>,
    /// The message class, or one below it: IPM.Appointment, IPM.Note.SMIME; globs are understood.
    #[arg(long, value_name = "CLASS")]
    pub(in crate::cli) class: Vec<String>,
    /// What kind of message it is, or what state it is in.
    #[arg(long = "is", value_name = "KIND", value_enum, value_delimiter = ',')]
    pub(in crate::cli) kinds: Vec<MessageKind>,
    /// Its file is larger than SIZE, such as 500K or 1.5M.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub(in crate::cli) larger: Option<String>,
    /// Its file is smaller than SIZE.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub(in crate::cli) smaller: Option<String>,
    /// Look at the messages in messages, too, each by itself: embedded ones, and those in attached
    /// .msg and .eml files, also where these lie in signed mail or in a winmail.dat.
    #[arg(long)]
    pub(in crate::cli) embedded: bool,
}

/// A kind or state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum MessageKind {
    /// An appointment, or a request or answer of a meeting.
    Meeting,
    /// A task.
    Task,
    /// A contact or a list of contacts.
    Contact,
    /// A report of delivery or of reading.
    Report,
    /// Signed mail.
    Signed,
    /// Encrypted mail.
    Encrypted,
    /// Something of it cannot be read.
    Damaged,
    /// Never sent.
    Unsent,
    /// Read.
    Read,
    /// Not read.
    Unread,
    /// Without a time of sending or receiving.
    Undated,
}

/// What to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SortKey {
    /// The time of sending, else of receiving.
    Date,
    /// Name and address of the sender.
    From,
    /// The subject.
    Subject,
    /// The size of the file.
    Size,
    /// The path.
    Path,
}
