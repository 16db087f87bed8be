//! A message as one page for a browser, which needs no server and no network.
//!
//! The body stands in a frame of its own that runs nothing and reaches nothing outside of the
//! page: a sandbox without any permission, under the policy of the page. Pictures of the body are
//! in the page: to a browser a frame in a sandbox has no origin, so it may not load a file that
//! lies beside the page.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::body::html;
use crate::mapi::FileTime;

use super::attachment::{Attachment, AttachmentKind};
use super::opened::Mail;
use super::printed::{harmless, harmless_lines, is_harmful};
use super::summary::{Summary, attachment_details};

/// The style sheet of pages of messages.
pub const PAGE_STYLE: &str = include_str!("page/style.css");

/// How a page is made.
#[derive(Clone, Copy)]
pub struct PageOptions<'a> {
    /// Writes a time.
    pub time: &'a dyn Fn(FileTime) -> String,
    /// Where an attachment lies, as a relative URL. Without it attachments are only named.
    pub href: Option<&'a dyn Fn(&Attachment) -> String>,
    /// HTML that stands before the message.
    pub navigation: &'a str,
}

impl std::fmt::Debug for PageOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageOptions").finish_non_exhaustive()
    }
}

/// Only what is in the page; no script, no form, no frame of others, and no file: on Windows the
/// path of a file can name a server. A frame that has its document in the page takes this policy
/// over.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; \
                      media-src data:; form-action 'none'; base-uri 'none'";
/// At most so many bytes of pictures are in a page; the others are left out of it.
const PICTURE_BYTES_MAX: u64 = 32 << 20;
/// At most so many of them are of pictures that stand in the page already: a small picture can be
/// used in a thousand places.
const REPEATED_BYTES_MAX: u64 = 4 << 20;

impl Mail {
    /// Writes the message as one page of HTML. Returns how many defects there are, which the page
    /// names.
    ///
    /// # Errors
    /// Those of `out`. What cannot be read is told in the page.
    pub fn write_page(&self, options: PageOptions<'_>, out: &mut dyn Write) -> io::Result<usize> {
        let mut summary = Summary::of(self, options.time);
        let subject = summary.read("subject", self.subject()).unwrap_or_default();
        let attachments = summary.read("attachments", self.attachments().map(Some));
        let attachments = attachments.unwrap_or_default();
        let title = match subject.trim() {
            "" => "(no subject)".to_owned(),
            subject => escape(&harmless(subject)),
        };
        write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>{title}</title>\n<style>{PAGE_STYLE}</style></head><body>\n{}<h1>{title}</h1>\n<dl>\n",
            options.navigation
        )?;
        for field in &summary.fields {
            let values: Vec<_> =
                field.values.iter().map(|value| escape(&harmless(value))).collect();
            writeln!(out, "<dt>{}</dt><dd>{}</dd>", field.name, values.join("<br>"))?;
        }
        out.write_all(b"</dl>\n")?;
        write_attachments(&attachments, options, out)?;
        match (self.frame(&attachments), summary.read("body", self.text())) {
            (Some(frame), _) => writeln!(
                out,
                "<iframe sandbox title=\"Body\" srcdoc=\"{}\"></iframe>",
                escape(&frame)
            )?,
            (None, Some(text)) => writeln!(out, "<pre>{}</pre>", escape(&harmless_lines(&text)))?,
            (None, None) => {}
        }
        let losses = self.losses(&summary.unread);
        for loss in &losses {
            writeln!(out, "<p class=\"warn\">Damaged: {}</p>", escape(&harmless(loss)))?;
        }
        for note in self.notes().unwrap_or_default() {
            writeln!(out, "<p class=\"quiet\">Note: {}</p>", escape(&harmless(&note.to_string())))?;
        }
        out.write_all(b"</body></html>\n")?;
        Ok(losses.len())
    }

    /// The HTML body as the document of the frame, its pictures in it.
    fn frame(&self, attachments: &[Attachment]) -> Option<String> {
        let html = self.html().ok().flatten()?;
        let files = attachments.iter().filter(|one| one.kind() == AttachmentKind::File);
        let by_path: HashMap<_, _> =
            files.map(|one| (format!("attachments/{}", one.name()), one)).collect();
        let pictures = Pictures::default();
        Some(html::restore(&html, &|path| pictures.url(by_path.get(path)?)))
    }
}

/// What is left for pictures in a page.
struct Pictures {
    seen: RefCell<HashSet<String>>,
    first: Cell<u64>,
    repeated: Cell<u64>,
}

impl Default for Pictures {
    fn default() -> Self {
        let [first, repeated] = [PICTURE_BYTES_MAX, REPEATED_BYTES_MAX].map(Cell::new);
        Self { seen: RefCell::default(), first, repeated }
    }
}

impl Pictures {
    /// An attachment as a `data:` URL, while there is room for it in the page.
    fn url(&self, attachment: &Attachment) -> Option<String> {
        let is_seen = self.seen.borrow().contains(attachment.name());
        let room = if is_seen { &self.repeated } else { &self.first };
        let left = room.get().checked_sub(attachment.size().ok()?)?;
        let bytes = attachment.read().ok()?;
        room.set(left);
        self.seen.borrow_mut().insert(attachment.name().to_owned());
        Some(format!("data:{};base64,{}", attachment.media_type(), BASE64.encode(bytes)))
    }
}

fn write_attachments(
    attachments: &[Attachment],
    options: PageOptions<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if attachments.is_empty() {
        return Ok(());
    }
    out.write_all(b"<ul class=\"files-list\">\n")?;
    for attachment in attachments {
        let name = escape(&harmless(attachment.name()));
        let details = escape(&harmless(&attachment_details(attachment)));
        let name = match options.href {
            Some(href) if attachment.kind() != AttachmentKind::Link => {
                format!("<a href=\"{}\">{name}</a>", escape(&href(attachment)))
            }
            _ => name,
        };
        writeln!(out, "<li>{name} <span class=\"quiet\">({details})</span></li>")?;
    }
    out.write_all(b"</ul>\n")
}

/// A text as HTML, also in an attribute. Nothing in it controls a terminal on which the page is
/// printed: line ends become what browsers make of them, characters of control are shown as what
/// they are, no text, and those of direction are references, which browsers heed.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => escaped.push('\n'),
            '\u{c}' => escaped.push(' '),
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            // Writing to a String cannot fail.
            c if is_harmful(c) => drop(write!(escaped, "&#{};", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}
