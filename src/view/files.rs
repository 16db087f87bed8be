//! The table of the files of a message: of each its name, its number, whether it is there and
//! listed, and how it is read, set and removed.
//!
//! Lookup, listing, reading, attributes, editing and the commands ask this table. What depends on
//! what a message holds (attachments, properties, storages) are the children of its directories.

use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use crate::body::html::{Remote, Resolve};
use crate::imsg::{MapiProp as _, Message, RecipientType};
use crate::mail::content::{Content, made};
use crate::mail::edit::{addresses, reader};
use crate::mail::{self, Mail, Marks, Printing, ics, utc_time, vcf};
use crate::mapi::{PropertyTag, PropertyType, tags};
use crate::storage::EntryId;

use super::Show;
use super::attributes::ExtendedAttribute;
use super::bodies::Bodies;
use super::edit::{self, Form, New};
use super::error::Error;
use super::json::write_json;
use super::listing::{self, Builder, Kind};
use super::node::Node;
use super::reader::{BodyFile, ReaderFile, address_lines, lines};
use super::text::{escaped, reader_line, unix_lines_of};
use super::tree::MessageTree;
use super::{defects, eml, fields};

/// A row of the table.
#[derive(Debug)]
pub(super) struct File {
    /// Its number among those of the storage that it belongs to. Inode numbers follow from it, so
    /// that it must never change.
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) within: Within,
    pub(super) exists: Exists,
    /// Whether a listing of its directory has it.
    pub(super) is_listed: fn(Listed) -> bool,
    /// Whether its size is known only once it is made, at some cost.
    pub(super) is_costly: fn(&MessageTree, EntryId) -> bool,
    pub(super) contents: Contents,
    pub(super) edit: Edit,
    /// The extended attributes that it may have.
    pub(super) attributes: &'static [ExtendedAttribute],
    /// What `grep --in` calls it.
    pub(super) part: Option<Part>,
}

/// The directory that a file lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// That of a message.
    Message,
    /// `mapi/` of a message.
    Mapi,
    /// `mapi/` of a message, or the directory of a recipient or attachment in it.
    Properties,
}

/// What tells whether a message has a file.
#[derive(Debug)]
pub(super) enum Exists {
    /// The message; `None` if only the reading of the file tells.
    Message(fn(&Message) -> Option<bool>),
    /// The tree, also where the message cannot be opened.
    Tree(fn(&MessageTree, EntryId) -> bool),
}

/// What the listing of a message depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) show: Show,
    /// Whether the message is embedded so deep that whole messages in it are not listed: listed at
    /// every level of many, they would take the square of their size.
    pub(super) is_deep: bool,
    /// Whether there is no message that can be opened.
    pub(super) is_unreadable: bool,
}

/// What is in a file.
#[derive(Debug)]
pub(super) enum Contents {
    /// A value of the message; `None` if it has none.
    Value(fn(&Message) -> Option<Vec<u8>>),
    /// A body, which may refer to attachments.
    Body(fn(&Bodies<'_>, Resolve<'_>, Remote) -> Option<Vec<u8>>),
    /// All of the message in another format.
    Whole(fn(&MessageTree, EntryId) -> Result<Content, Error>),
    /// What is said of the message.
    Report(fn(&MessageTree, EntryId) -> Vec<u8>),
    /// What depends on what the message holds.
    Directory(Directory),
    /// The storages and streams of the compound file.
    Storages,
}

/// The children of a directory.
#[derive(Debug)]
pub(super) struct Directory {
    /// Lists them.
    pub(super) list: fn(&mut Builder<'_>, EntryId) -> Result<(), Error>,
    /// Finds one by its name without a listing, or one that is not listed.
    pub(super) find: fn(&MessageTree, EntryId, &str) -> Result<Option<(Node, Kind)>, Error>,
    /// Whether what is not found so may be listed.
    pub(super) is_found_by_list: bool,
    /// What names stand for that lead to nothing there, since they may be created.
    pub(super) new: fn(&[&str]) -> New,
}

/// How a file is set and removed.
#[derive(Debug)]
pub(super) enum Edit {
    /// Not at all: it is made of others.
    None,
    /// As a text.
    Text {
        set: fn(&Message, &str) -> Result<(), mail::Error>,
        remove: fn(&Message) -> Result<(), mail::Error>,
        /// What the text looks like, so that wrong ones are refused while they are written.
        form: fn(&Message) -> Form,
    },
    /// As one of the bodies, which are made of one another.
    Body { body: BodyFile, form: fn() -> Form },
}

/// What `grep --in` can be limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The subject.
    Subject,
    /// Who it is from.
    From,
    /// Who it is to.
    To,
    /// The bodies.
    Body,
    /// The header that the message came with.
    Headers,
    /// The attachments.
    Attachments,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Subject, Self::From, Self::To, Self::Body, Self::Headers, Self::Attachments];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::From => "from",
            Self::To => "to",
            Self::Body => "body",
            Self::Headers => "headers",
            Self::Attachments => "attachments",
        }
    }

    /// The files that belong to it.
    pub fn files(self) -> String {
        let files = FILES.iter().filter(|file| file.part == Some(self)).map(|file| file.name);
        files.collect::<Vec<_>>().join(", ")
    }
}

/// A file that says a value of the message and can be set by a text of this form.
macro_rules! field {
    ($field:ident, $form:expr) => {
        Edit::Text {
            set: |message, text| reader::set(message, ReaderFile::$field, text),
            remove: |message| reader::remove(message, ReaderFile::$field),
            form: $form,
        }
    };
}

/// A file of addresses, at most so many.
macro_rules! addresses {
    ($field:ident, $count_max:expr) => {
        field!($field, |message| Form::addresses(
            addresses::shown(message, ReaderFile::$field),
            $count_max
        ))
    };
}

/// The rows, in the order of a listing.
pub(super) static FILES: &[File] = &[
    File {
        exists: Exists::Message(|message| {
            fields::SUBJECT.into_iter().any(|tag| has(message, tag)).then_some(true)
        }),
        edit: field!(Subject, |_| Form::Text),
        part: Some(Part::Subject),
        ..value(16, "subject", |message| fields::subject(message).map(line))
    },
    File {
        edit: addresses!(From, 1),
        part: Some(Part::From),
        ..value(17, "from", |message| address_lines(fields::from(message).as_slice()))
    },
    File {
        edit: addresses!(Sender, 1),
        part: Some(Part::From),
        ..value(18, "sender", |message| address_lines(fields::sender(message).as_slice()))
    },
    File {
        edit: addresses!(To, usize::MAX),
        part: Some(Part::To),
        ..value(19, "to", |message| recipients(message, RecipientType::To))
    },
    File {
        edit: addresses!(Cc, usize::MAX),
        part: Some(Part::To),
        ..value(20, "cc", |message| recipients(message, RecipientType::Cc))
    },
    File {
        edit: addresses!(Bcc, usize::MAX),
        part: Some(Part::To),
        ..value(21, "bcc", |message| recipients(message, RecipientType::Bcc))
    },
    File {
        edit: addresses!(ReplyTo, usize::MAX),
        ..value(22, "reply-to", |message| address_lines(&fields::reply_to(message)))
    },
    File {
        edit: field!(Date, |_| Form::Value(PropertyType::TIME)),
        ..value(23, "date", |message| fields::date(message).map(|time| line(time.to_string())))
    },
    File {
        edit: field!(Received, |_| Form::Value(PropertyType::TIME)),
        ..value(24, "received", |message| {
            fields::received(message).map(|time| line(time.to_string()))
        })
    },
    File {
        exists: Exists::Message(|message| Some(has(message, tags::PR_MESSAGE_CLASS))),
        edit: field!(Class, |_| Form::OneLine { is_ended: false }),
        ..value(25, "class", |message| fields::message_class(message).map(line))
    },
    File {
        edit: field!(MessageId, |_| Form::OneLine { is_ended: false }),
        ..value(26, "message-id", |message| fields::message_id(message).map(line))
    },
    File {
        edit: field!(Importance, |_| Form::Word(&["low", "normal", "high", "0", "1", "2"])),
        ..value(27, "importance", |message| {
            fields::importance(message).map(|one| line(one.to_string()))
        })
    },
    File {
        edit: field!(Categories, |_| Form::Text),
        ..value(28, "categories", |message| {
            lines(fields::categories(message).iter().map(|one| escaped(one)))
        })
    },
    File {
        exists: Exists::Message(|message| Some(has(message, tags::PR_TRANSPORT_MESSAGE_HEADERS))),
        edit: field!(Headers, |_| Form::Text),
        part: Some(Part::Headers),
        ..value(29, "headers", |message| fields::headers(message).map(String::into_bytes))
    },
    File {
        number: 30,
        name: "body.txt",
        exists: Exists::Message(|message| Some(Bodies::new(message).has_text())),
        is_costly: |tree, entry| {
            let open = tree.open_message(entry);
            open.is_ok_and(|open| !Bodies::new(&open.message).has_stored_text())
        },
        contents: Contents::Body(|bodies, _, _| Some(unix_lines_of(bodies.text()?).into_bytes())),
        edit: Edit::Body { body: BodyFile::Text, form: || Form::Text },
        ..BODY
    },
    File {
        number: 31,
        name: "body.html",
        exists: Exists::Message(|message| Some(Bodies::new(message).has_html())),
        contents: Contents::Body(|bodies, resolve, remote| {
            Some(bodies.html(resolve, remote)?.into_bytes())
        }),
        edit: Edit::Body { body: BodyFile::Html, form: || Form::Utf8 },
        ..BODY
    },
    File {
        number: 32,
        name: "body.rtf",
        exists: Exists::Message(|message| Some(Bodies::new(message).has_rtf())),
        contents: Contents::Body(|bodies, _, _| bodies.rtf()),
        edit: Edit::Body { body: BodyFile::Rtf, form: || Form::Magic(b"{\\rtf") },
        ..BODY
    },
    File {
        exists: Exists::Message(|message| Some(ics::has_event(message))),
        is_costly: |_, _| true,
        ..value(33, "event.ics", ics::event)
    },
    File {
        exists: Exists::Message(|message| Some(ics::has_task(message))),
        is_costly: |_, _| true,
        ..value(34, "task.ics", ics::task)
    },
    File {
        exists: Exists::Message(|message| Some(vcf::exists(message))),
        is_costly: |_, _| true,
        ..value(35, "contact.vcf", vcf::render)
    },
    File {
        exists: Exists::Tree(|tree, entry| {
            let open = tree.open_message(entry);
            open.is_ok_and(|open| open.attachments().iter().any(|one| one.entry.is_some()))
        }),
        part: Some(Part::Attachments),
        ..directory(
            3,
            "attachments",
            Within::Message,
            Directory {
                list: |list, entry| list.attachments(entry),
                find: listing::find_attachment,
                is_found_by_list: false,
                new: edit::new_attachment,
            },
        )
    },
    File {
        number: 1,
        name: "ERRORS",
        exists: Exists::Tree(|tree, entry| {
            tree.open_message(entry).map_or(true, |open| !open.defects().is_empty())
        }),
        contents: Contents::Report(|tree, entry| defects::text(&tree.defects_of(entry))),
        attributes: &[],
        ..VALUE
    },
    File {
        exists: Exists::Tree(is_readable),
        is_listed: |at| at.show.mapi,
        ..directory(
            5,
            "mapi",
            Within::Message,
            Directory {
                list: |list, entry| list.mapi(entry),
                find: listing::find_by_tag,
                is_found_by_list: true,
                new: edit::new_property,
            },
        )
    },
    File { is_listed: |at| at.show.json && !at.is_deep, ..whole(11, "message.json", message_json) },
    File {
        number: 48,
        name: "raw",
        exists: Exists::Tree(is_readable),
        is_listed: |at| at.show.raw && !at.is_deep,
        contents: Contents::Storages,
        ..VALUE
    },
    File {
        is_listed: |at| at.show.eml && !at.is_deep,
        ..whole(10, "message.eml", |tree, entry| {
            let open = tree.open_message(entry)?;
            Ok(Content::Composed(Arc::new(eml::compose(&open.message, open.attachments())?)))
        })
    },
    File { is_listed: |at| at.show.text && !at.is_deep, ..whole(12, "message.txt", message_txt) },
    File {
        // The file itself is there even if it holds no message.
        exists: Exists::Tree(|tree, entry| {
            is_readable(tree, entry) || (entry == EntryId::ROOT && tree.nesting().is_outermost())
        }),
        is_listed: |at| (at.show.msg && !at.is_deep) || at.is_unreadable,
        is_costly: |_, entry| entry != EntryId::ROOT,
        attributes: &[ExtendedAttribute::Sha256],
        ..whole(2, "message.msg", message_msg)
    },
    File {
        exists: Exists::Tree(|tree, entry| {
            tree.property_files(entry).is_ok_and(|files| !files.sets.is_empty())
        }),
        ..directory(
            8,
            "named",
            Within::Properties,
            Directory { list: |list, entry| list.named(entry), new: edit::new_named, ..LISTED },
        )
    },
    File {
        exists: Exists::Tree(|tree, entry| {
            let open = tree.open_message(entry).map_err(Error::from);
            open.and_then(|open| Ok(open.message.recipients()?)).is_ok_and(|all| !all.is_empty())
        }),
        ..directory(
            6,
            "recipients",
            Within::Mapi,
            Directory { list: |list, entry| list.recipients(entry), new: edit::new_row, ..LISTED },
        )
    },
    File {
        exists: Exists::Tree(|tree, entry| {
            tree.open_message(entry).is_ok_and(|open| !open.attachments().is_empty())
        }),
        ..directory(
            7,
            "attachments",
            Within::Mapi,
            Directory {
                list: |list, entry| list.mapi_attachments(entry),
                new: edit::new_row,
                ..LISTED
            },
        )
    },
];

/// What most rows have in common.
const VALUE: File = File {
    number: 0,
    name: "",
    within: Within::Message,
    exists: Exists::Message(|_| None),
    is_listed: |_| true,
    is_costly: |_, _| false,
    contents: Contents::Value(|_| None),
    edit: Edit::None,
    attributes: &[ExtendedAttribute::Error],
    part: None,
};

const BODY: File = File { is_costly: |_, _| true, part: Some(Part::Body), ..VALUE };

/// A value of the message.
const fn value(number: u32, name: &'static str, read: fn(&Message) -> Option<Vec<u8>>) -> File {
    File { number, name, contents: Contents::Value(read), ..VALUE }
}

/// All of the message in another format.
const fn whole(
    number: u32,
    name: &'static str,
    read: fn(&MessageTree, EntryId) -> Result<Content, Error>,
) -> File {
    File {
        number,
        name,
        exists: Exists::Tree(is_readable),
        is_costly: |_, _| true,
        contents: Contents::Whole(read),
        attributes: &[],
        ..VALUE
    }
}

/// A directory whose children are found in its listing.
const LISTED: Directory = Directory {
    list: |_, _| Ok(()),
    find: |_, _, _| Ok(None),
    is_found_by_list: true,
    new: edit::new_row,
};

/// A directory.
const fn directory(number: u32, name: &'static str, within: Within, directory: Directory) -> File {
    let contents = Contents::Directory(directory);
    File { number, name, within, contents, attributes: &[], ..VALUE }
}

/// The numbers of files are below it; those of `raw/` begin with it.
pub(super) const NUMBER_MAX: u32 = 48;

/// The row of each number, so that a node is found without a search.
static BY_NUMBER: [Option<&File>; NUMBER_MAX as usize + 1] = {
    let mut rows = [None; NUMBER_MAX as usize + 1];
    let mut at = 0;
    while at < FILES.len() {
        let file = &FILES[at];
        assert!(
            rows[file.number as usize].is_none() && file.number != 0,
            "a number is given twice"
        );
        rows[file.number as usize] = Some(file);
        at += 1;
    }
    rows
};

impl PartialEq for File {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl File {
    /// The row of a number.
    pub(super) fn of_number(number: u32) -> Option<&'static Self> {
        *BY_NUMBER.get(usize::try_from(number).ok()?)?
    }

    /// The row of a name in a message directory.
    pub(super) fn in_message(name: &str) -> Option<&'static Self> {
        FILES.iter().find(|file| file.within == Within::Message && file.name == name)
    }

    /// The rows of the directory of an object's properties.
    pub(super) fn in_properties(is_of_message: bool) -> impl Iterator<Item = &'static Self> {
        FILES.iter().filter(move |file| match file.within {
            Within::Message => false,
            Within::Mapi => is_of_message,
            Within::Properties => true,
        })
    }

    /// The directory of the properties of a message, a recipient or an attachment.
    pub(super) fn properties_of(entry: EntryId) -> Result<Node, Error> {
        let file = Self::in_message("mapi").ok_or(Error::NotFound)?;
        Ok(Node::File(entry, file))
    }

    /// Whether it is the directory of an object's properties.
    pub(super) fn holds_properties(&self) -> bool {
        self.within == Within::Message && self.name == "mapi"
    }

    /// Whether it is the file of the outermost message, which is whole whatever it holds.
    pub(super) fn is_source(&self) -> bool {
        self.name == "message.msg"
    }

    /// Its node in the message on a storage.
    pub(super) fn node(&'static self, tree: &MessageTree, entry: EntryId) -> Result<Node, Error> {
        Ok(match self.contents {
            Contents::Storages => Node::Raw(entry, tree.open_message(entry)?.depth),
            _ => Node::File(entry, self),
        })
    }

    /// The bodies.
    pub(super) fn bodies() -> impl Iterator<Item = &'static Self> {
        FILES.iter().filter(|file| matches!(file.contents, Contents::Body(_)))
    }

    pub(super) fn kind(&self) -> Kind {
        Kind::new(matches!(self.contents, Contents::Directory(_) | Contents::Storages))
    }

    /// Whether the message has the file.
    pub(super) fn exists(&'static self, tree: &MessageTree, entry: EntryId) -> Result<bool, Error> {
        match self.exists {
            Exists::Tree(exists) => Ok(exists(tree, entry)),
            Exists::Message(exists) => {
                let Ok(open) = tree.open_message(entry) else { return Ok(false) };
                if let Some(exists) = exists(&open.message) {
                    return Ok(exists);
                }
                // What had to be made is kept, since its size is asked for next.
                let id = tree.id(Node::File(entry, self))?;
                Ok(tree.content(id).is_ok())
            }
        }
    }
}

/// What `grep --in` calls a file of a message directory.
pub fn part_of(name: &str) -> Option<Part> {
    File::in_message(name)?.part
}

/// Whether a file of a message directory is made of several values, so that it changes with each.
pub fn is_made(name: &str) -> bool {
    File::in_message(name)
        .is_some_and(|file| !matches!(file.contents, Contents::Value(_) | Contents::Body(_)))
}

fn is_readable(tree: &MessageTree, entry: EntryId) -> bool {
    tree.open_message(entry).is_ok()
}

fn has(message: &Message, tag: PropertyTag) -> bool {
    message.property_set().is_ok_and(|(set, _)| set.find(tag).is_some())
}

fn line(text: String) -> Vec<u8> {
    reader_line(&text)
}

fn recipients(message: &Message, wanted: RecipientType) -> Option<Vec<u8>> {
    address_lines(&fields::recipients(message, wanted))
}

fn message_json(tree: &MessageTree, entry: EntryId) -> Result<Content, Error> {
    let open = tree.open_message(entry)?;
    let names = tree.attachment_names();
    let json = Content::written(|out| {
        // Each little write to the file would be a system call.
        let mut out = BufWriter::new(out);
        write_json(&open.message, open.attachments(), open.defects(), names, &mut out)?;
        Ok(out.flush()?)
    });
    Ok(json?)
}

fn message_txt(tree: &MessageTree, entry: EntryId) -> Result<Content, Error> {
    let mail = Mail::of(tree.open_message(entry)?.message.clone());
    let printing = Printing { time: &utc_time, marks: Marks::default() };
    let mut text = Vec::new();
    mail.print(printing, &mut text)?;
    Ok(Content::bytes(text))
}

fn message_msg(tree: &MessageTree, entry: EntryId) -> Result<Content, Error> {
    // A message under edit has no file of its own yet.
    if entry == EntryId::ROOT && (!tree.source.is_empty() || tree.file().is_err()) {
        return Ok(Content::Source(Arc::clone(&tree.source)));
    }
    let open = tree.open_message(entry)?;
    Ok(made(|file| open.message.write_standalone(file))?)
}
