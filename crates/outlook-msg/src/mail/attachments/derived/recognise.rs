//! Finds out what can be made from an attachment, by message class, media type, name and first
//! bytes.

use std::ops::Range;

use crate::body::ole_native::{self, Picture};
use crate::body::{cms, tnef};
use crate::imsg::{Attachment, MapiProp as _, Message, PARTIAL};
use crate::mail::attachments::kind::ContentKind;
use crate::mail::attachments::names::{OLE, UniqueNames};
use crate::mail::content::Content;
use crate::mail::smime::SmimeClass;
use crate::mapi::tags;
use crate::storage::{Defect, SIGNATURE, Stream};

/// What is made from an attachment, and under which name.
#[derive(Debug)]
pub struct DerivedEntry {
    pub name: String,
    pub kind: DerivedKind,
    /// What is missing of a file in an OLE object.
    pub missing: Option<Defect>,
}

/// What is made from an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerivedKind {
    /// The directory `signed/` of the message.
    Signed,
    /// The file `encrypted` of the message.
    Encrypted,
    /// A directory beside `winmail.dat`.
    Tnef,
    /// A directory beside an attached `.msg` file.
    Msg,
    /// A directory beside an attached `.eml` file.
    Eml,
    /// A file beside the attachment.
    Ole,
}

/// A file or picture in an OLE object.
#[derive(Debug)]
pub struct OlePart {
    /// Its name. If it has none, only its extension is known.
    name: Option<String>,
    extension: &'static str,
    /// Bytes of the file that the stream lacks; they come before `data`.
    header: Vec<u8>,
    stream: Stream,
    /// Where its bytes are in the stream.
    data: Range<u64>,
}

/// The name of the directory with the content of signed mail.
pub const SIGNED: &str = "signed";
/// The name of the file that says for whose keys a message is encrypted.
pub const ENCRYPTED: &str = "encrypted";
/// The directory that is made from an attachment has the name of the attachment with this at its
/// end.
pub const DIRECTORY_SUFFIX: &str = ".d";
/// How many bytes from the start of an attachment are examined.
pub(in crate::mail) const START_LEN: usize = 128;

impl DerivedKind {
    /// Whether it is in the directory of the message, not in `attachments/`.
    pub const fn is_of_message(self) -> bool {
        matches!(self, Self::Signed | Self::Encrypted)
    }

    /// Whether the attachment only wraps the message in it: mail programs show that message in its
    /// place.
    pub const fn is_wrapped(self) -> bool {
        matches!(self, Self::Signed | Self::Tnef)
    }

    /// Whether the attachment is a message file, and so a message by itself.
    pub const fn is_message_file(self) -> bool {
        matches!(self, Self::Msg | Self::Eml)
    }

    /// Whether it is a directory, not a file.
    pub const fn is_directory(self) -> bool {
        matches!(self, Self::Signed | Self::Tnef | Self::Msg | Self::Eml)
    }
}

impl OlePart {
    /// The part of its content that can be read.
    pub fn content(self) -> Content {
        let extents = self.stream.extents();
        let readable = extents.readable_len().saturating_sub(self.data.start);
        let len = self.data.end.saturating_sub(self.data.start).min(readable);
        let (header, start) = (self.header.into(), self.data.start);
        Content::Part { header, stream: extents, start, len }
    }

    /// What is missing of it. The OLE object may be damaged in another place.
    fn missing(&self) -> Option<Defect> {
        let readable = self.stream.extents().readable_len();
        (readable < self.data.end).then(|| {
            let (stated, found) =
                (self.data.end - self.data.start, readable.saturating_sub(self.data.start));
            let cause = format!("a file of {stated} bytes in an OLE object, found {found}");
            Defect { place: self.stream.path(), cause }
        })
    }
}

/// Finds out what can be made from the attachments of a message, one after the other.
#[derive(Debug)]
pub(in crate::mail) struct Recogniser {
    /// Whether the message class says that one of the attachments is the signed or encrypted part.
    is_smime: bool,
    /// Whether the message has only one attachment.
    is_only: bool,
    /// Whether the signed or encrypted part was found.
    has_signed: bool,
}

/// What was found of an attachment.
#[derive(Clone, Copy, Debug)]
pub(in crate::mail) enum Recognised {
    /// Nothing is made from it, whatever the other attachments are.
    Plain,
    /// Nothing is made from it in this message.
    Nothing,
    Kind(DerivedKind),
}

impl Recogniser {
    /// For the attachments of a message, which are so many.
    pub(in crate::mail) fn new(message: &Message, count: usize) -> Self {
        let is_smime = SmimeClass::of(message).is_some();
        Self { is_smime, is_only: count == 1, has_signed: false }
    }

    /// Finds out what can be made from the next attachment. One that is known to be plain is read
    /// only if it may be the signed part.
    pub(in crate::mail) fn recognise(
        &mut self,
        attachment: &Attachment,
        name: &str,
        kind: ContentKind,
        is_plain: bool,
    ) -> Recognised {
        let found = match kind {
            ContentKind::Data => {
                let may_be_signed = (self.is_smime || self.is_only) && !self.has_signed;
                if is_plain && !self.is_smime && !may_be_signed {
                    return Recognised::Plain;
                }
                match data(attachment, name, self.is_smime, may_be_signed) {
                    None if !self.is_smime => return Recognised::Plain,
                    found => found,
                }
            }
            ContentKind::Ole => ole_part(attachment).map(|_| DerivedKind::Ole),
            ContentKind::Message(_) | ContentKind::DataFork { .. } | ContentKind::Reference => None,
        };
        let Some(found) = found else { return Recognised::Nothing };
        self.has_signed |= found.is_of_message();
        Recognised::Kind(found)
    }
}

impl DerivedEntry {
    /// What is made from an attachment of this name.
    pub(in crate::mail) fn new(
        kind: DerivedKind,
        attachment: &Attachment,
        name: &str,
        names: &mut UniqueNames,
    ) -> Self {
        let missing = None;
        match kind {
            DerivedKind::Signed => Self { name: SIGNED.to_owned(), kind, missing },
            DerivedKind::Encrypted => Self { name: ENCRYPTED.to_owned(), kind, missing },
            DerivedKind::Tnef | DerivedKind::Msg | DerivedKind::Eml => {
                Self { name: names.make(name, "message", DIRECTORY_SUFFIX), kind, missing }
            }
            DerivedKind::Ole => Self::of_ole(attachment, name, names),
        }
    }

    /// The file or picture in an OLE object.
    fn of_ole(attachment: &Attachment, name: &str, names: &mut UniqueNames) -> Self {
        let kind = DerivedKind::Ole;
        let stem = name.strip_suffix(OLE).unwrap_or(name);
        let Some(part) = ole_part(attachment) else {
            return Self { name: names.make(stem, "object", ""), kind, missing: None };
        };
        let missing = part.missing();
        let partial = if missing.is_some() { PARTIAL } else { "" };
        let name = match &part.name {
            Some(label) => names.make(label, stem, partial),
            None => names.make(stem, "object", &format!("{}{partial}", part.extension)),
        };
        Self { name, kind, missing }
    }
}

/// The file or picture in an OLE object.
pub fn ole_part(attachment: &Attachment) -> Option<OlePart> {
    let storage = attachment.content_storage().ok()?;
    let open = |name, start_len| {
        let stream: Stream = storage.stream(name)?;
        let start = start(&stream, start_len)?;
        Some((stream, start))
    };
    let native = open(ole_native::NATIVE_STREAM, ole_native::NATIVE_START_LEN);
    if let Some((stream, start)) = native
        && let Some(native) = ole_native::native(&start)
    {
        let (_, strings) = attachment.property_set().ok()?;
        let name = strings.code_page().decode(&native.label).into_owned();
        let (header, data) = (Vec::new(), native.data);
        return Some(OlePart { name: Some(name), extension: "", header, stream, data });
    }
    type Read = fn(&[u8], u64) -> Option<Picture>;
    let pictures: [(&str, Read); 2] = [
        (ole_native::CONTENTS_STREAM, ole_native::contents),
        (ole_native::PRESENTATION_STREAM, |start, _| ole_native::presentation(start)),
    ];
    pictures.into_iter().find_map(|(name, read)| {
        let (stream, start) = open(name, ole_native::PICTURE_START_LEN)?;
        let Picture { extension, header, data } = read(&start, stream.len())?;
        Some(OlePart { name: None, extension, header, stream, data })
    })
}

/// What can be made from a file. `is_smime`: the message class says that one of the attachments is
/// the signed or encrypted part. `may_be_signed`: this file may be that part.
fn data(
    attachment: &Attachment,
    name: &str,
    is_smime: bool,
    may_be_signed: bool,
) -> Option<DerivedKind> {
    let media_type = attachment.text(tags::PR_ATTACH_MIME_TAG).unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let ends = |extensions: &[&str]| extensions.iter().any(|one| name.ends_with(one));
    let is_winmail =
        media_type == "application/ms-tnef" || ["winmail.dat", "win.dat"].contains(&name.as_str());
    // Some programs leave out the media type, or write that of an unknown file.
    let is_unknown = matches!(media_type.as_str(), "" | "application/octet-stream");
    let is_wrapped = matches!(
        media_type.as_str(),
        "multipart/signed" | "application/pkcs7-mime" | "application/x-pkcs7-mime"
    ) || (is_unknown && (ends(&[".p7m"]) || is_smime));
    let is_wrapped = is_wrapped && may_be_signed;
    let is_msg = media_type == "application/vnd.ms-outlook" || ends(&[".msg", ".oft"]);
    let is_eml = matches!(media_type.as_str(), "message/rfc822" | "message/global");
    let is_eml = is_eml || ends(&[".eml"]);
    if !is_winmail && !is_wrapped && !is_msg && !is_eml {
        return None;
    }
    let (set, _) = attachment.property_set().ok()?;
    let start = start(&set.stream(set.get(tags::PR_ATTACH_DATA_BIN)?)?, START_LEN)?;
    if is_winmail {
        return tnef::is_tnef(&start).then_some(DerivedKind::Tnef);
    }
    if is_msg && start.starts_with(&SIGNATURE) {
        return Some(DerivedKind::Msg);
    }
    if is_eml && !is_wrapped {
        return begins_as_header(&start).then_some(DerivedKind::Eml);
    }
    match cms::kind(&cms::binary(&start)) {
        _ if !is_wrapped => None,
        Some(cms::CmsKind::Signed) => Some(DerivedKind::Signed),
        Some(cms::CmsKind::Enveloped) => Some(DerivedKind::Encrypted),
        None => begins_as_header(&start).then_some(DerivedKind::Signed),
    }
}

/// Whether a file can begin with a mail header: after empty lines, its first line begins with a
/// letter and contains a colon or a blank. Base64 has neither.
fn begins_as_header(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_text = line.iter().any(|byte| matches!(byte, b':' | b' '));
    start.first().is_some_and(u8::is_ascii_alphabetic) && is_text
}

/// The first bytes of a stream; `None` if they cannot be read.
fn start(stream: &Stream, len: usize) -> Option<Vec<u8>> {
    let mut start = vec![0; len];
    let read = stream.read_at(0, &mut start).ok()?;
    start.truncate(read);
    Some(start)
}
