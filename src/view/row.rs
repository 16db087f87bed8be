//! The columns of the table of files, and how a row is found.

use crate::body::html::{Remote, Resolve};
use crate::imsg::Message;
use crate::mail::content::Content;
use crate::mail::edit::text_fields::TextField;
use crate::mail::{ics, vcf};
use crate::storage::{Defect, EntryNumber};

use super::attributes::ExtendedAttribute;
use super::bodies::Bodies;
use super::bodies::BodyKind;
use super::derived::SIGNED;
use super::edit::{CreationOrHint, Form};
use super::error::Error;
use super::files::FILES;
use super::listing::{Builder, FileKind};
use super::node::{self, Node};
use super::show::ListingContext;
use super::tree::MessageTree;

/// A row of the table.
#[derive(Debug)]
pub(super) struct File {
    /// Its number among the nodes of its message. Inode numbers follow from it, so it must never
    /// change.
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) within: Within,
    pub(super) exists: Exists,
    pub(super) listed: ListedWhen,
    /// Whether it is the source itself, if the message is the outermost one. Then it can be read
    /// even if the message in it is damaged, and it is there even if no message can be opened.
    pub(super) is_source: bool,
    /// Whether its size is known only after its content is made, which takes long.
    pub(super) is_costly: fn(&MessageTree, EntryNumber) -> bool,
    pub(super) contents: ContentColumn,
    /// What is missing of the values that it is made of.
    pub(super) missing: fn(&Message) -> Vec<Defect>,
    pub(super) edit: EditColumn,
    /// The extended attributes that it can have.
    pub(super) attributes: &'static [ExtendedAttribute],
    /// The word of `grep --in` that selects it.
    pub(super) part: Option<SearchPart>,
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

/// How it is known whether a message has a file.
#[derive(Debug)]
pub(super) enum Exists {
    /// From the message. `None` if the file must be read to know.
    Message(fn(&Message) -> Option<bool>),
    /// From the tree; the message may be one that cannot be opened.
    Tree(fn(&MessageTree, EntryNumber) -> bool),
}

/// When a listing of the directory has a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum ListedWhen {
    Always,
    /// With this word of `-o show=`, or with `all`.
    Show(&'static str),
    /// With this word of `-o show=` only, since it repeats what other listed files say.
    ShowAlone(&'static str),
}

impl ListedWhen {
    /// The word of `-o show=` that lists it.
    pub(super) const fn word(self) -> Option<&'static str> {
        match self {
            Self::Always => None,
            Self::Show(word) | Self::ShowAlone(word) => Some(word),
        }
    }
}

/// How the content of a file is made.
#[derive(Debug)]
pub(super) enum ContentColumn {
    /// A value of the message; `None` if it has none.
    Value(fn(&Message) -> Option<Vec<u8>>),
    /// A body, which may refer to attachments.
    Body(fn(&Bodies<'_>, Resolve<'_>, Remote) -> Option<Vec<u8>>),
    /// All of the message in another format.
    Whole(fn(&MessageTree, EntryNumber) -> Result<Content, Error>),
    /// A report on the message.
    Report(fn(&MessageTree, EntryNumber) -> Vec<u8>),
    /// A directory whose entries depend on the message.
    Directory(DirectoryColumn),
    /// The storages and streams of the compound file.
    Storages,
}

/// An entry of a directory: its node, and what it is.
pub(super) type FoundNode = (Node, FileKind);

/// How the entries of a directory are found.
#[derive(Debug)]
pub(super) struct DirectoryColumn {
    pub(super) holds: Holds,
    /// Lists the entries.
    pub(super) list: fn(&mut Builder<'_>, EntryNumber) -> Result<(), Error>,
    /// Finds an entry by its name without making a listing, or one that is not listed.
    pub(super) find: fn(&MessageTree, EntryNumber, &str) -> Result<Option<FoundNode>, Error>,
    /// Whether an entry that `find` does not find is looked for in the listing.
    pub(super) is_found_by_list: bool,
    /// What may be created in the directory by names that lead to nothing there.
    pub(super) new: fn(&[&str]) -> CreationOrHint,
}

/// What the entries of a directory are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// The attachments of a message.
    Attachments,
    /// The properties of an object. Rows of the table lie among them: [`File::in_properties`].
    Properties,
    Others,
}

/// How a file is set and removed.
#[derive(Debug)]
pub(super) enum EditColumn {
    /// Not at all: it is made of others.
    None,
    /// As a text of this form: other bytes are refused while they are written.
    Text { field: &'static TextField, form: fn() -> Form },
    /// As addresses, at most so many.
    Addresses { field: &'static TextField, count_max: usize },
    /// As one of the bodies, which are made of one another.
    Body { body: BodyKind, form: fn() -> Form },
}

/// A part of a message that `grep --in` searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchPart {
    /// The subject.
    Subject,
    /// Author and sender.
    From,
    /// The recipients.
    To,
    /// The bodies.
    Body,
    /// The transport header.
    Headers,
    /// The attachments.
    Attachments,
}

impl SearchPart {
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

/// The largest number of a row: that of `raw/`.
pub(super) const NUMBER_MAX: u32 = 48;

/// The row of each number, so that it is found without a search.
#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
static BY_NUMBER: [Option<&File>; NUMBER_MAX as usize + 1] = {
    let mut rows = [None; NUMBER_MAX as usize + 1];
    let mut at = 0;
    while at < FILES.len() {
        let file = &FILES[at];
        assert!(rows[file.number as usize].is_none(), "the number is that of another row");
        assert!(!node::is_reserved(file.number), "the number is that of a node without a row");
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
    pub(super) fn properties_of(entry: EntryNumber) -> Result<Node, Error> {
        let file = FILES.iter().find(|file| file.holds(Holds::Properties));
        Ok(Node::File(entry, file.ok_or(Error::NotFound)?))
    }

    /// Whether it is a directory of such entries.
    pub(super) fn holds(&self, children: Holds) -> bool {
        matches!(&self.contents, ContentColumn::Directory(directory) if directory.holds == children)
    }

    /// Whether the listing of a message directory has it, if the message has it.
    pub(super) fn is_listed(&self, at: ListingContext) -> bool {
        // If messages are deeply embedded, whole messages at every level would together take the
        // square of the size of the file.
        let is_whole = matches!(self.contents, ContentColumn::Whole(_) | ContentColumn::Storages);
        let is_shown = at.show.lists(self) && !(is_whole && at.is_deep);
        is_shown || (self.is_source && at.is_unreadable)
    }

    /// Its node in the message on a storage.
    pub(super) fn node(
        &'static self,
        tree: &MessageTree,
        entry: EntryNumber,
    ) -> Result<Node, Error> {
        Ok(match self.contents {
            ContentColumn::Storages => Node::Raw(entry, tree.objects.open_message(entry)?.depth),
            _ => Node::File(entry, self),
        })
    }

    /// The bodies.
    pub(super) fn bodies() -> impl Iterator<Item = &'static Self> {
        FILES.iter().filter(|file| matches!(file.contents, ContentColumn::Body(_)))
    }

    pub(super) fn kind(&self) -> FileKind {
        FileKind::new(matches!(
            self.contents,
            ContentColumn::Directory(_) | ContentColumn::Storages
        ))
    }

    /// Whether the message has the file.
    pub(super) fn exists(
        &'static self,
        tree: &MessageTree,
        entry: EntryNumber,
    ) -> Result<bool, Error> {
        match self.exists {
            Exists::Tree(exists) => Ok(exists(tree, entry)),
            Exists::Message(exists) => {
                let Ok(open) = tree.objects.open_message(entry) else { return Ok(false) };
                if let Some(exists) = exists(&open.message) {
                    return Ok(exists);
                }
                // The content that was made to find out is kept, since its size is asked for next.
                let id = tree.id(Node::File(entry, self))?;
                Ok(tree.content(id).is_ok())
            }
        }
    }
}

/// The names of the files that a message directory can have, in the order of a listing.
pub fn file_names() -> impl Iterator<Item = &'static str> {
    FILES.iter().filter(|file| file.within == Within::Message).map(|file| file.name)
}

/// Whether a file shows properties that no other listed file sets. A message that is copied file by
/// file would lose them without a word if its copy of this file were taken and dropped.
pub fn shows_what_nothing_sets(name: &str) -> bool {
    [ics::EVENT_ICS, ics::TASK_ICS, vcf::CONTACT_VCF].contains(&name)
}

/// Whether an entry of a message directory shows the whole message in another way.
pub fn is_view_of_message(name: &str) -> bool {
    File::in_message(name).is_some_and(|file| match &file.contents {
        ContentColumn::Whole(_) | ContentColumn::Report(_) | ContentColumn::Storages => true,
        ContentColumn::Directory(directory) => directory.holds == Holds::Properties,
        ContentColumn::Value(_) | ContentColumn::Body(_) => false,
    })
}

/// Whether a path is that of an attachment, whether it exists or not. A file in an embedded message
/// is one only if it is an attachment of that message.
pub fn is_attachment_path(path: &str) -> bool {
    let mut names = path.split('/');
    // The messages on the way: embedded ones, and the signed one beside the files of a message.
    loop {
        match names.next() {
            Some(SIGNED) => {}
            Some(name)
                if File::in_message(name).is_some_and(|one| one.holds(Holds::Attachments)) =>
            {
                match (names.next(), names.clone().next()) {
                    (Some(_), None) => return true,
                    (Some(_), Some(_)) => {}
                    (None, _) => return false,
                }
            }
            _ => return false,
        }
    }
}

/// The word of `grep --in` that selects a file of a message directory.
pub fn part_of(name: &str) -> Option<SearchPart> {
    File::in_message(name)?.part
}

/// Whether a file of a message directory is made from several values, so that it changes with each
/// of them. A body may be made from another one.
pub fn combines_values(name: &str) -> bool {
    File::in_message(name).is_some_and(|file| !matches!(file.contents, ContentColumn::Value(_)))
}
