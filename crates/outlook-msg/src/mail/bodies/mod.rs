//! The bodies of a message: decides from which property each one is made (\[MS-OXBBODY\] 2.1.3).
//!
//! A message may have several bodies (plain text, HTML, RTF); all of them are offered. A missing
//! plain text is made from another body.

mod report;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use crate::body::html::{self, Reference, Remote, Resolve};
use crate::body::{compressed_rtf, rtf};
use crate::imsg::{MapiProp, Message, Note};
use crate::mail::attachments::references::{REFERENCES_BYTES_MAX, References};
use crate::mail::attachments::{references, shown_attachments};
use crate::mapi::{PropertyTag, PropertyType, Value, tags};
use crate::storage::Defect;

/// How many stored bytes of an RTF body are read to tell its kind: compressed, [`rtf::KIND_BYTES`]
/// take at most an eighth more, and a header comes before them.
const KIND_STORED_BYTES: usize = 1200;
/// So many are tried first: the words that tell the kind come early in nearly all mail.
const KIND_STORED_BYTES_FIRST: usize = 128;
/// A `PR_BODY` with more stored bytes than this is not read to find out whether it is blank.
const BLANK_BYTES_MAX: u64 = 1024;

/// RTF of at most so many bytes is kept, because several bodies are made of it.
const KEPT_RTF_BYTES_MAX: usize = 4 << 20;

/// How many bytes of text are made of an RTF body of this stored length. While it is made, the RTF is
/// in memory too, which may be eight times as long as what is stored.
const fn text_bytes_max(stored_bytes: usize) -> usize {
    const OF_SHORT_RTF: usize = 21 << 20;
    let of_long_rtf = (8_usize << 20).saturating_add(stored_bytes);
    if of_long_rtf > OF_SHORT_RTF { of_long_rtf } else { OF_SHORT_RTF }
}

/// The same of HTML, of which the exports hold several forms, made of an RTF of so many bytes.
fn html_bytes_max(stored_bytes: usize, rtf_bytes: usize) -> usize {
    const OF_SHORT_RTF: usize = 15 << 20;
    let bytes_max = OF_SHORT_RTF.saturating_add(stored_bytes);
    bytes_max.min(room_beside(stored_bytes, rtf_bytes)).max(HTML_BYTES_MIN)
}

/// How much memory may be taken beside an RTF of so many bytes, of what eight times the stored bytes
/// and a part of the rest of the promise allow.
fn room_beside(stored_bytes: usize, rtf_bytes: usize) -> usize {
    const OF_SHORT_RTF: usize = 36 << 20;
    OF_SHORT_RTF.saturating_add(stored_bytes.saturating_mul(7)).saturating_sub(rtf_bytes)
}

/// So many bytes of HTML are read at least.
const HTML_BYTES_MIN: usize = 8 << 20;

/// The HTML that is stored as RTF, as far as there is room for it: a byte may become a character of
/// three. The rest begins with a tag or a word, so that no character is cut.
fn encoded_html(rtf: &[u8], stored_bytes: usize) -> &[u8] {
    let room = room_beside(stored_bytes, rtf.len()) / 3;
    let bytes_max = html_bytes_max(stored_bytes, rtf.len()).min(room.max(HTML_BYTES_MIN));
    let Some(start) = rtf.get(..bytes_max) else { return rtf };
    let end = memchr::memrchr3(b'<', b' ', b'\n', start).unwrap_or(bytes_max);
    start.get(..end).unwrap_or(start)
}

/// The three forms of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    Text,
    Html,
    Rtf,
}

/// The bodies of one message. The decoded HTML and a short RTF are kept, because several bodies are
/// made of them.
#[derive(Debug)]
pub struct Bodies<'a> {
    message: &'a Message,
    html_source: OnceCell<Option<html::Decoded>>,
    decompressed: OnceCell<Option<Vec<u8>>>,
    references: OnceCell<References>,
}

impl<'a> Bodies<'a> {
    pub fn new(message: &'a Message) -> Self {
        Self {
            message,
            html_source: OnceCell::new(),
            decompressed: OnceCell::new(),
            references: OnceCell::new(),
        }
    }

    /// Whether there is a plain text, or a body from which plain text can be made.
    pub fn has_text(&self) -> bool {
        self.stored_len(tags::PR_BODY).is_some()
            || self.stored_len(tags::PR_RTF_COMPRESSED).is_some_and(|len| len > 0)
            || self.has_html()
            || report::is_report(self.message)
    }

    /// Whether the plain text is `PR_BODY`, because that is not blank. A long `PR_BODY` is not read
    /// for this.
    pub fn has_stored_text(&self) -> bool {
        match self.stored_len(tags::PR_BODY) {
            None | Some(0) => false,
            Some(_) if self.is_damaged_beside_another() => false,
            Some(len) if len > BLANK_BYTES_MAX => true,
            Some(_) => self.message.text(tags::PR_BODY).is_some_and(|body| !body.trim().is_empty()),
        }
    }

    /// Whether a part of `PR_BODY` is missing, but nothing of another body from which the text can
    /// be made.
    fn is_damaged_beside_another(&self) -> bool {
        self.part_missing(tags::PR_BODY).is_some()
            && (self.has_html() || self.has_rtf())
            && self.missing_of_formatted().is_none()
    }

    /// The defect if a part of the property is missing that a body is made of.
    pub fn missing(&self, kind: BodyKind) -> Option<Defect> {
        match kind {
            BodyKind::Text if self.has_stored_text() => self.part_missing(tags::PR_BODY),
            BodyKind::Text | BodyKind::Html => self.missing_of_formatted(),
            BodyKind::Rtf => self.part_missing(tags::PR_RTF_COMPRESSED),
        }
    }

    /// Whether a body is made of the RTF.
    pub fn is_made_of_rtf(&self, kind: BodyKind) -> bool {
        match kind {
            BodyKind::Text => !self.has_stored_text() && !self.has_stored_html(),
            BodyKind::Html => !self.has_stored_html(),
            BodyKind::Rtf => true,
        }
    }

    fn missing_of_formatted(&self) -> Option<Defect> {
        let html = [tags::PR_HTML, tags::PR_BODY_HTML];
        let html = html.into_iter().find(|tag| self.stored_len(*tag).is_some_and(|len| len > 0));
        self.part_missing(html.unwrap_or(tags::PR_RTF_COMPRESSED))
    }

    fn part_missing(&self, tag: PropertyTag) -> Option<Defect> {
        self.message.missing_part(tag).ok()?
    }

    /// The notes on the bodies. To find them, the bodies are made.
    pub fn notes(&self) -> Vec<Note> {
        let stored = self.binary(tags::PR_RTF_COMPRESSED);
        let header = stored.and_then(|stored| compressed_rtf::check(&stored).note);
        let decoded = self.decoded_html();
        let guess = decoded.and_then(|decoded| decoded.guess);
        let guess = guess.map(|guess| format!("the HTML body is {guess}"));
        let lacks_looks =
            |decoded: &html::Decoded| !self.has_stored_text() && html::lacks_looks(&decoded.html);
        let looks = decoded.is_some_and(lacks_looks).then(|| {
            "the text made of the HTML body has all of its words, but not all marks of quotations, \
             indentation and tabs: they would be more than the body"
                .to_owned()
        });
        let path = self.message.storage().map(|storage| storage.path()).unwrap_or_default();
        let texts = header.into_iter().chain(guess).chain(looks);
        texts.map(|text| Note { place: path.clone(), text }).collect()
    }

    /// Whether there is an HTML body.
    pub fn has_html(&self) -> bool {
        self.has_stored_html()
            || matches!(self.rtf_kind(), Some(rtf::RtfKind::FromHtml | rtf::RtfKind::Html))
    }

    /// Whether there is an HTML body that is not inside the RTF.
    fn has_stored_html(&self) -> bool {
        self.stored_len(tags::PR_HTML).is_some_and(|len| len > 0)
            || self.message.text(tags::PR_BODY_HTML).is_some_and(|html| !html.is_empty())
    }

    /// Whether the message was written in RTF. RTF that only wraps an HTML or text body does not
    /// count.
    pub fn has_rtf(&self) -> bool {
        self.rtf_kind() == Some(rtf::RtfKind::Native)
    }

    /// The plain text: `PR_BODY`, else text made from the HTML or RTF body. A blank `PR_BODY` does
    /// not count, because some programs write one beside an HTML body.
    pub fn text(&self) -> Option<String> {
        let says_something = |text: &String| !text.trim().is_empty();
        let is_skipped = self.is_damaged_beside_another();
        let body = if is_skipped { None } else { self.message.text(tags::PR_BODY) };
        if body.as_ref().is_some_and(says_something) {
            return body;
        }
        let made = self.formatted_text();
        if made.as_ref().is_some_and(says_something) {
            return made;
        }
        let blanks = [body, made].into_iter().flatten().max_by_key(String::len);
        report::text(self.message).or(blanks)
    }

    /// The text of the HTML body, else of the RTF body.
    pub fn formatted_text(&self) -> Option<String> {
        match self.html_source() {
            Some(html) => {
                // A few bytes of HTML can refer to an attachment with a long name, so the total
                // length of the names is limited.
                let room = Cell::new(REFERENCES_BYTES_MAX);
                let resolve = |reference: Reference<'_>| {
                    let path = self.references().path(&reference)?;
                    room.set(room.get().checked_sub(path.len())?);
                    Some(path)
                };
                Some(html::to_text(html, &resolve))
            }
            None => {
                let rtf = self.decompressed()?;
                Some(rtf::to_text(&rtf, text_bytes_max(self.stored_rtf_bytes())).text)
            }
        }
    }

    /// The HTML body in UTF-8, for a file that lies beside `attachments/` and is safe to open in a
    /// browser.
    pub fn html(&self, resolve: Resolve<'_>, remote: Remote) -> Option<String> {
        Some(html::for_browser(self.html_source()?, resolve, remote))
    }

    /// The HTML body in UTF-8 as it is mailed. `resolve` is called with each reference in it.
    pub fn mailed_html(&self, resolve: Resolve<'_>) -> Option<String> {
        Some(html::rewrite(self.html_source()?, resolve))
    }

    /// The RTF body, if the message was written in RTF.
    pub fn rtf(&self) -> Option<Vec<u8>> {
        let rtf = self.decompressed()?;
        (rtf::kind(&rtf) == rtf::RtfKind::Native).then(|| rtf.into_owned())
    }

    /// What is wrong with the compressed RTF, or missing of what is made of it. Only a long RTF is
    /// decompressed for this.
    pub fn rtf_defect(&self) -> Option<String> {
        let stored = self.binary(tags::PR_RTF_COMPRESSED)?;
        let told = compressed_rtf::check(&stored);
        // It is read again if the RTF has to be decompressed.
        drop(stored);
        told.defect.or_else(|| self.cut(told.rtf_bytes))
    }

    /// What is missing of a body that is made of the RTF, because that is too long.
    pub fn cut_off(&self) -> Option<String> {
        let stored = self.binary(tags::PR_RTF_COMPRESSED)?;
        self.cut(compressed_rtf::check(&stored).rtf_bytes)
    }

    fn cut(&self, rtf_bytes: usize) -> Option<String> {
        let may_be_cut = rtf_bytes.saturating_mul(rtf::BYTES_PER_BYTE_MAX) > HTML_BYTES_MIN;
        let bytes_max = may_be_cut.then(|| self.rtf_cut_at(self.stored_rtf_bytes())).flatten()?;
        Some(format!("the text in the RTF body is read up to some {bytes_max} bytes only"))
    }

    /// After how many bytes a body is cut that is made of the RTF; `None` if it is whole, or if no
    /// body is made of the RTF.
    fn rtf_cut_at(&self, stored_bytes: usize) -> Option<usize> {
        let rtf = self.decompressed()?;
        let (bytes_max, is_whole) = match rtf::kind(&rtf) {
            _ if self.has_stored_html() => return None,
            rtf::RtfKind::FromHtml => {
                let bytes_max = html_bytes_max(stored_bytes, rtf.len());
                (bytes_max, rtf::to_html(&rtf, bytes_max).is_whole)
            }
            rtf::RtfKind::Html => {
                let read = encoded_html(&rtf, stored_bytes).len();
                (read, rtf.len() == read)
            }
            rtf::RtfKind::FromText | rtf::RtfKind::Native => {
                let bytes_max = text_bytes_max(stored_bytes);
                (bytes_max, self.has_stored_text() || rtf::to_text(&rtf, bytes_max).is_whole)
            }
        };
        (!is_whole).then_some(bytes_max)
    }

    /// Finds attachments by references. The attachments are opened only if the text needs the file
    /// name of a picture.
    fn references(&self) -> &References {
        self.references.get_or_init(|| references(&shown_attachments(self.message, None)))
    }

    fn html_source(&self) -> Option<&str> {
        self.decoded_html().map(|decoded| decoded.html.as_str())
    }

    fn decoded_html(&self) -> Option<&html::Decoded> {
        self.html_source.get_or_init(|| self.make_html_source()).as_ref()
    }

    fn make_html_source(&self) -> Option<html::Decoded> {
        let (_, strings) = self.message.property_set().ok()?;
        let decode = |bytes: &[u8]| {
            html::decode(bytes, strings.internet_code_page(), strings.stated_code_page())
        };
        let as_it_is = |html| html::Decoded { html, guess: None };
        if let Some(bytes) = self.binary(tags::PR_HTML).filter(|bytes| !bytes.is_empty()) {
            return Some(decode(&bytes));
        }
        if let Some(bytes) = self.stored_8_bit_html() {
            return Some(decode(&bytes));
        }
        if let Some(html) = self.message.text(tags::PR_BODY_HTML).filter(|html| !html.is_empty()) {
            return Some(as_it_is(html));
        }
        // Without HTML in it, the RTF need not be decompressed for this.
        let kind = self.rtf_kind()?;
        let rtf = || self.decompressed();
        let stored_bytes = self.stored_rtf_bytes();
        match kind {
            rtf::RtfKind::FromHtml => {
                let rtf = rtf()?;
                let bytes_max = html_bytes_max(stored_bytes, rtf.len());
                Some(as_it_is(rtf::to_html(&rtf, bytes_max).text))
            }
            rtf::RtfKind::Html => Some(decode(encoded_html(&rtf()?, stored_bytes))),
            rtf::RtfKind::FromText | rtf::RtfKind::Native => None,
        }
    }

    /// The bytes of `PR_BODY_HTML` if it is an 8-bit string. They are in the code page of the HTML,
    /// not in that of other strings: files were seen with UTF-8 in this property and an ANSI page
    /// in the others.
    fn stored_8_bit_html(&self) -> Option<Vec<u8>> {
        let (set, _) = self.message.property_set().ok()?;
        let property = set.get(tags::PR_BODY_HTML.with_type(PropertyType::STRING8))?;
        let bytes = set.stream(property)?.read_salvage().0;
        (!bytes.is_empty()).then_some(bytes)
    }

    /// The decompressed RTF. Only a short one is kept: a long one may be eight times as large as
    /// the stored bytes.
    fn decompressed(&self) -> Option<Cow<'_, [u8]>> {
        if self.decompressed.get().is_none() {
            match self.decompress() {
                Some(long) if long.len() > KEPT_RTF_BYTES_MAX => return Some(long.into()),
                // It is not set yet.
                short => drop(self.decompressed.set(short)),
            }
        }
        self.decompressed.get()?.as_deref().map(Cow::Borrowed)
    }

    fn stored_rtf_bytes(&self) -> usize {
        let stored = self.stored_len(tags::PR_RTF_COMPRESSED).unwrap_or(0);
        usize::try_from(stored).unwrap_or(usize::MAX)
    }

    fn decompress(&self) -> Option<Vec<u8>> {
        let stored = self.binary(tags::PR_RTF_COMPRESSED)?;
        compressed_rtf::decompress(&stored).ok()
    }

    fn rtf_kind(&self) -> Option<rtf::RtfKind> {
        let (set, _) = self.message.property_set().ok()?;
        let stream = set.stream(set.get(tags::PR_RTF_COMPRESSED)?)?;
        let mut stored = [0; KIND_STORED_BYTES];
        let mut begin = |stored_bytes, bytes_max| {
            let len = stream.read_at(0, stored.get_mut(..stored_bytes)?).ok()?;
            compressed_rtf::decompress_prefix(stored.get(..len)?, bytes_max).ok()
        };
        let few = begin(KIND_STORED_BYTES_FIRST, KIND_STORED_BYTES_FIRST)?;
        match rtf::kind_of_start(&few) {
            // One byte more shows whether there is a rest.
            rtf::RtfKind::Native => {
                Some(rtf::kind(&begin(KIND_STORED_BYTES, rtf::KIND_BYTES + 1)?))
            }
            told => Some(told),
        }
    }

    fn binary(&self, tag: PropertyTag) -> Option<Vec<u8>> {
        match self.message.salvage(tag).ok()?.value? {
            Value::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The stored length of a property; `None` if the message does not have it.
    fn stored_len(&self, tag: PropertyTag) -> Option<u64> {
        let (set, _) = self.message.property_set().ok()?;
        let property = set.find(tag)?;
        Some(set.stream(property).map_or(0, |stream| stream.len()))
    }
}
