//! The table of the files of a message. A row says the name and the number of a file, when it is
//! there and listed, and how it is read, set and removed.
//!
//! Lookup, listing, reading, attributes, editing and `grep --in` ask this table. Attachments,
//! properties and storages have no rows: they are entries of directories that have one.

use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use crate::imsg::{MapiProp as _, Message, RecipientType};
use crate::mail::content::{Content, made};
use crate::mail::edit::text_fields;
use crate::mail::{Mail, Marks, Printing, ics, missing, utc_time, vcf};
use crate::mapi::{PropertyTag, PropertyType, tags};
use crate::storage::{Defect, EntryNumber};

use super::attributes::ExtendedAttribute;
use super::bodies::{Bodies, BodyKind};
use super::edit::{self, Form};
use super::error::Error;
use super::json::{Findings as JsonFindings, write_json};
use super::listing;
use super::names::ATTACHMENTS;
use super::row::{
    ContentColumn, DirectoryColumn, EditColumn, Exists, File, Holds, ListedWhen, SearchPart, Within,
};
use super::text::{escaped, text_line, unix_lines_of};
use super::tree::MessageTree;
use super::value_lines::{address_lines, lines};
use super::{defects, eml, fields};

/// The defects of the message. Other parts of the program ask for files by this name and the next
/// ones.
pub const ERRORS: &str = "ERRORS";
/// The message class.
pub const CLASS: &str = "class";
/// Every property.
pub const MAPI: &str = "mapi";
/// The streams of the compound file.
pub const RAW: &str = "raw";
/// The message in the format of mail.
pub const MESSAGE_EML: &str = "message.eml";
/// All properties as JSON.
pub const MESSAGE_JSON: &str = "message.json";
/// The message as a file.
pub const MESSAGE_MSG: &str = "message.msg";

/// The rows, in the order of a listing.
pub(super) static FILES: &[File] = &[
    File {
        exists: Exists::Message(|message| {
            fields::SUBJECT.into_iter().any(|tag| has(message, tag)).then_some(true)
        }),
        edit: EditColumn::Text { field: &text_fields::SUBJECT, form: || Form::Subject },
        part: Some(SearchPart::Subject),
        missing: missing::of_subject,
        ..value(16, "subject", |message| fields::subject(message).map(line))
    },
    File {
        edit: EditColumn::Addresses { field: &text_fields::FROM, count_max: 1 },
        part: Some(SearchPart::From),
        missing: missing::of_from,
        ..value(17, "from", |message| address_lines(fields::from(message).as_slice()))
    },
    File {
        edit: EditColumn::Addresses { field: &text_fields::SENDER, count_max: 1 },
        part: Some(SearchPart::From),
        missing: missing::of_sender,
        ..value(18, "sender", |message| address_lines(fields::sender(message).as_slice()))
    },
    File {
        edit: EditColumn::Addresses { field: &text_fields::TO, count_max: usize::MAX },
        part: Some(SearchPart::To),
        missing: |message| missing::of_recipients(message, RecipientType::To),
        ..value(19, "to", |message| recipients(message, RecipientType::To))
    },
    File {
        edit: EditColumn::Addresses { field: &text_fields::CC, count_max: usize::MAX },
        part: Some(SearchPart::To),
        missing: |message| missing::of_recipients(message, RecipientType::Cc),
        ..value(20, "cc", |message| recipients(message, RecipientType::Cc))
    },
    File {
        edit: EditColumn::Addresses { field: &text_fields::BCC, count_max: usize::MAX },
        part: Some(SearchPart::To),
        missing: |message| missing::of_recipients(message, RecipientType::Bcc),
        ..value(21, "bcc", |message| recipients(message, RecipientType::Bcc))
    },
    File {
        edit: EditColumn::Addresses { field: &text_fields::REPLY_TO, count_max: usize::MAX },
        missing: missing::of_reply_to,
        ..value(22, "reply-to", |message| address_lines(&fields::reply_to(message)))
    },
    File {
        edit: EditColumn::Text {
            field: &text_fields::DATE,
            form: || Form::Value(PropertyType::TIME),
        },
        ..value(23, "date", |message| fields::date(message).map(|time| line(time.to_string())))
    },
    File {
        edit: EditColumn::Text {
            field: &text_fields::RECEIVED,
            form: || Form::Value(PropertyType::TIME),
        },
        ..value(24, "received", |message| {
            fields::received(message).map(|time| line(time.to_string()))
        })
    },
    File {
        exists: Exists::Message(|message| Some(has(message, tags::PR_MESSAGE_CLASS))),
        edit: EditColumn::Text {
            field: &text_fields::CLASS,
            form: || Form::OneLine { is_ended: false },
        },
        missing: missing::of_class,
        ..value(25, CLASS, |message| fields::message_class(message).map(line))
    },
    File {
        edit: EditColumn::Text {
            field: &text_fields::MESSAGE_ID,
            form: || Form::OneLine { is_ended: false },
        },
        missing: missing::of_message_id,
        ..value(26, "message-id", |message| fields::message_id(message).map(line))
    },
    File {
        edit: EditColumn::Text {
            field: &text_fields::IMPORTANCE,
            form: || Form::Word(&["low", "normal", "high", "0", "1", "2"]),
        },
        ..value(27, "importance", |message| {
            fields::importance(message).map(|one| line(one.to_string()))
        })
    },
    File {
        edit: EditColumn::Text { field: &text_fields::CATEGORIES, form: || Form::Text },
        missing: missing::of_categories,
        ..value(28, "categories", |message| {
            lines(fields::categories(message).iter().map(|one| escaped(one)))
        })
    },
    File {
        exists: Exists::Message(|message| Some(has(message, tags::PR_TRANSPORT_MESSAGE_HEADERS))),
        edit: EditColumn::Text { field: &text_fields::HEADERS, form: || Form::Text },
        part: Some(SearchPart::Headers),
        missing: missing::of_headers,
        ..value(29, "headers", |message| fields::headers(message).map(String::into_bytes))
    },
    File {
        number: 30,
        name: "body.txt",
        exists: Exists::Message(|message| Some(Bodies::new(message).has_text())),
        contents: ContentColumn::Body(|bodies, _, _| {
            Some(unix_lines_of(bodies.text()?).into_bytes())
        }),
        missing: |message| missing_of_body(message, BodyKind::Text),
        edit: EditColumn::Body { body: BodyKind::Text, form: || Form::Text },
        ..BODY
    },
    File {
        number: 31,
        name: "body.html",
        exists: Exists::Message(|message| Some(Bodies::new(message).has_html())),
        contents: ContentColumn::Body(|bodies, resolve, remote| {
            Some(bodies.html(resolve, remote)?.into_bytes())
        }),
        missing: |message| missing_of_body(message, BodyKind::Html),
        edit: EditColumn::Body { body: BodyKind::Html, form: || Form::Text },
        ..BODY
    },
    File {
        number: 32,
        name: "body.rtf",
        exists: Exists::Message(|message| Some(Bodies::new(message).has_rtf())),
        contents: ContentColumn::Body(|bodies, _, _| bodies.rtf()),
        missing: |message| missing_of_body(message, BodyKind::Rtf),
        edit: EditColumn::Body { body: BodyKind::Rtf, form: || Form::Magic(b"{\\rtf") },
        ..BODY
    },
    File {
        exists: Exists::Message(|message| Some(ics::has_event(message))),
        is_costly: |_, _| true,
        missing: ics::missing_of_event,
        ..value(33, ics::EVENT_ICS, ics::event)
    },
    File {
        exists: Exists::Message(|message| Some(ics::has_task(message))),
        is_costly: |_, _| true,
        missing: ics::missing_of_task,
        ..value(34, ics::TASK_ICS, ics::task)
    },
    File {
        exists: Exists::Message(|message| Some(vcf::exists(message))),
        is_costly: |_, _| true,
        missing: vcf::missing,
        ..value(35, vcf::CONTACT_VCF, vcf::render)
    },
    File {
        exists: Exists::Tree(|tree, entry| {
            let open = tree.objects.open_message(entry);
            open.is_ok_and(|open| open.attachments().iter().any(|one| one.entry.is_some()))
        }),
        part: Some(SearchPart::Attachments),
        ..directory(
            3,
            ATTACHMENTS,
            Within::Message,
            DirectoryColumn {
                holds: Holds::Attachments,
                list: |list, entry| list.attachments(entry),
                find: listing::find_attachment,
                is_found_by_list: false,
                new: edit::new_attachment,
            },
        )
    },
    File {
        number: 1,
        name: ERRORS,
        exists: Exists::Tree(|tree, entry| {
            tree.objects.open_message(entry).map_or(true, |open| !open.defects().is_empty())
        }),
        contents: ContentColumn::Report(|tree, entry| {
            defects::text(&tree.objects.defects_of(entry))
        }),
        attributes: &[],
        ..VALUE
    },
    File {
        exists: Exists::Tree(is_readable),
        listed: ListedWhen::Show(MAPI),
        ..directory(
            5,
            MAPI,
            Within::Message,
            DirectoryColumn {
                holds: Holds::Properties,
                list: |list, entry| list.mapi(entry),
                find: listing::find_by_tag,
                is_found_by_list: true,
                new: edit::new_property,
            },
        )
    },
    File { listed: ListedWhen::Show("json"), ..whole(11, MESSAGE_JSON, message_json) },
    File {
        number: 48,
        name: RAW,
        exists: Exists::Tree(is_readable),
        listed: ListedWhen::Show(RAW),
        contents: ContentColumn::Storages,
        ..VALUE
    },
    File {
        listed: ListedWhen::Show("eml"),
        ..whole(10, MESSAGE_EML, |tree, entry| {
            let open = tree.objects.open_message(entry)?;
            let composed = eml::compose(&open.message, open.attachments(), open.defects())?;
            Ok(Content::Pieces(Arc::new(composed)))
        })
    },
    File { listed: ListedWhen::ShowAlone("text"), ..whole(12, "message.txt", message_txt) },
    File {
        // The source is there even if there is no message in it.
        exists: Exists::Tree(|tree, entry| {
            is_readable(tree, entry)
                || (entry == EntryNumber::ROOT && tree.nested.is_in_outermost())
        }),
        listed: ListedWhen::Show("msg"),
        is_source: true,
        is_costly: |_, entry| entry != EntryNumber::ROOT,
        attributes: &[ExtendedAttribute::Sha256],
        ..whole(2, MESSAGE_MSG, message_msg)
    },
    File {
        exists: Exists::Tree(|tree, entry| {
            tree.objects.property_files(entry).is_ok_and(|files| !files.sets.is_empty())
        }),
        ..directory(
            8,
            "named",
            Within::Properties,
            DirectoryColumn {
                list: |list, entry| list.named(entry),
                new: edit::new_named,
                ..LISTED
            },
        )
    },
    File {
        exists: Exists::Tree(|tree, entry| {
            let open = tree.objects.open_message(entry);
            open.and_then(|open| Ok(open.message.recipients()?)).is_ok_and(|all| !all.is_empty())
        }),
        ..directory(
            6,
            "recipients",
            Within::Mapi,
            DirectoryColumn {
                list: |list, entry| list.recipients(entry),
                new: edit::new_row,
                ..LISTED
            },
        )
    },
    File {
        exists: Exists::Tree(|tree, entry| {
            tree.objects.open_message(entry).is_ok_and(|open| !open.attachments().is_empty())
        }),
        ..directory(
            7,
            ATTACHMENTS,
            Within::Mapi,
            DirectoryColumn {
                list: |list, entry| list.mapi_attachments(entry),
                new: edit::new_row,
                ..LISTED
            },
        )
    },
];

/// The columns of most rows.
const VALUE: File = File {
    number: 0,
    name: "",
    within: Within::Message,
    exists: Exists::Message(|_| None),
    listed: ListedWhen::Always,
    is_source: false,
    is_costly: |_, _| false,
    contents: ContentColumn::Value(|_| None),
    missing: |_| Vec::new(),
    edit: EditColumn::None,
    attributes: &[ExtendedAttribute::Error],
    part: None,
};

const BODY: File = File { is_costly: |_, _| true, part: Some(SearchPart::Body), ..VALUE };

/// A value of the message.
const fn value(number: u32, name: &'static str, read: fn(&Message) -> Option<Vec<u8>>) -> File {
    File { number, name, contents: ContentColumn::Value(read), ..VALUE }
}

/// All of the message in another format.
const fn whole(
    number: u32,
    name: &'static str,
    read: fn(&MessageTree, EntryNumber) -> Result<Content, Error>,
) -> File {
    File {
        number,
        name,
        exists: Exists::Tree(is_readable),
        is_costly: |_, _| true,
        contents: ContentColumn::Whole(read),
        attributes: &[],
        ..VALUE
    }
}

/// A directory whose entries are found in its listing.
const LISTED: DirectoryColumn = DirectoryColumn {
    holds: Holds::Others,
    list: |_, _| Ok(()),
    find: |_, _, _| Ok(None),
    is_found_by_list: true,
    new: edit::new_row,
};

/// A directory.
const fn directory(
    number: u32,
    name: &'static str,
    within: Within,
    directory: DirectoryColumn,
) -> File {
    let contents = ContentColumn::Directory(directory);
    File { number, name, within, contents, attributes: &[], ..VALUE }
}

fn is_readable(tree: &MessageTree, entry: EntryNumber) -> bool {
    tree.objects.open_message(entry).is_ok()
}

fn has(message: &Message, tag: PropertyTag) -> bool {
    message.property_set().is_ok_and(|(set, _)| set.find(tag).is_some())
}

fn line(text: String) -> Vec<u8> {
    text_line(&text)
}

fn recipients(message: &Message, wanted: RecipientType) -> Option<Vec<u8>> {
    address_lines(&fields::recipients(message, wanted))
}

fn missing_of_body(message: &Message, kind: BodyKind) -> Vec<Defect> {
    Bodies::new(message).missing(kind).into_iter().collect()
}

fn message_json(tree: &MessageTree, entry: EntryNumber) -> Result<Content, Error> {
    let open = tree.objects.open_message(entry)?;
    let names = tree.objects.attachment_names();
    let json = Content::written(|out| {
        // Without the buffer, each small write would be a system call.
        let mut out = BufWriter::new(out);
        let findings = JsonFindings { defects: open.defects(), notes: open.notes() };
        write_json(&open.message, open.attachments(), findings, names, &mut out)?;
        Ok(out.flush()?)
    });
    Ok(json?)
}

fn message_txt(tree: &MessageTree, entry: EntryNumber) -> Result<Content, Error> {
    let mail = Mail::of(tree.objects.open_message(entry)?.message.clone());
    let printing = Printing { time: &utc_time, marks: Marks::default() };
    Ok(Content::written(|out| {
        let mut out = BufWriter::new(out);
        mail.print(printing, &mut out)?;
        Ok(out.flush()?)
    })?)
}

fn message_msg(tree: &MessageTree, entry: EntryNumber) -> Result<Content, Error> {
    // The source of a message under edit is empty: its file is made below.
    if entry == EntryNumber::ROOT
        && (!tree.objects.source().is_empty() || tree.objects.file().is_err())
    {
        return Ok(Content::Source(Arc::clone(tree.objects.source())));
    }
    let open = tree.objects.open_message(entry)?;
    Ok(made(|file| open.message.write_standalone(file))?)
}
