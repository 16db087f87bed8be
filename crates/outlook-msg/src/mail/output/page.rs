//! Writes a message as one HTML page. The page needs no server and no network.
//!
//! The body is in a frame of its own: a sandbox without any permission, under the policy of the
//! page. So the body runs no script and loads nothing from outside of the page. Its pictures are in
//! the page too, because browsers do not let a sandboxed frame load files that lie beside the page.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use crate::body::html;
use crate::mail::attachment::{Attachment, AttachmentKind};
use crate::mail::attachments::names::attachment_path;
use crate::mail::opened::Mail;
use crate::mail::values::base64;
use crate::mapi::FileTime;

use super::printable::{harmless, harmless_lines, is_harmful};
use super::summary::{Summary, attachment_details};

/// The style sheet of pages of messages.
pub const PAGE_STYLE: &str = include_str!("page/style.css");

/// Returns the URL of an attachment, or of what is made from one, relative to the page; `None` for
/// no link. It is given the path in the directory of the message, such as `attachments/a.pdf`,
/// `attachments/a.eml.d` or `signed/attachments/a.pdf`.
pub type LinkTo<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How [`Mail::write_page`] makes a page.
#[derive(Clone, Copy)]
pub struct PageOptions<'a> {
    /// Formats a time.
    pub time: &'a dyn Fn(FileTime) -> String,
    /// Returns the URL of an attachment, or of what is made from one. Without it, the page names
    /// attachments without links.
    pub href: Option<LinkTo<'a>>,
    /// HTML that comes before the message.
    pub navigation: &'a str,
}

impl std::fmt::Debug for PageOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageOptions").finish_non_exhaustive()
    }
}

/// Allows only content of the page itself: no script, no form, no frame of another page, and no
/// file, because on Windows the path of a file can name a server. The frame of the body inherits
/// this policy, because its document is part of the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; \
                      media-src data:; form-action 'none'; base-uri 'none'";
/// A page contains at most this many bytes of pictures; further pictures are left out.
const PICTURE_BYTES_MAX: u64 = 32 << 20;
/// A page contains at most this many further bytes of repeated pictures. Repeated pictures have a
/// limit of their own, because a body can show one small picture in a thousand places.
const REPEATED_BYTES_MAX: u64 = 4 << 20;

impl Mail {
    /// Writes the message as one HTML page that needs no other file, and returns the number of
    /// defects, which the page lists.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_subject("Lunch on Friday")?;
    /// use outlook_msg::mail::{PageOptions, utc_time};
    ///
    /// let options = PageOptions { time: &utc_time, href: None, navigation: "" };
    /// let mut page = Vec::new();
    /// mail.write_page(options, &mut page)?;
    /// assert!(String::from_utf8_lossy(&page).contains("<h1>Lunch on Friday</h1>"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of `out`. It is no error if something cannot be read: the page says so.
    pub fn write_page(&self, options: PageOptions<'_>, out: &mut dyn Write) -> io::Result<usize> {
        let wrapped = self.wrapped();
        let mut summary = Summary::of(self, &wrapped, options.time);
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
        let mut files: Vec<_> = attachments.into_iter().map(|one| PageFile::new("", one)).collect();
        for around in &wrapped {
            let inside = summary.read("attachments", around.mail.attachments().map(Some));
            let directory = format!("{}/", around.path);
            let inside = inside.unwrap_or_default().into_iter();
            files.extend(inside.map(|one| PageFile::new(&directory, one)));
        }
        out.write_all(b"</dl>\n")?;
        write_files(&files, options, out)?;
        let body = summary.read("body", self.body_among(&wrapped).map(Some));
        let (text, around) = body.unwrap_or_default();
        let frame = match around {
            Some(around) => around.mail.frame(&format!("{}/", around.path), &files),
            None => self.frame("", &files),
        };
        match (frame, text) {
            (Some(frame), _) => writeln!(
                out,
                "<iframe sandbox title=\"Body\" srcdoc=\"{}\"></iframe>",
                escape(&frame)
            )?,
            (None, Some(text)) => writeln!(out, "<pre>{}</pre>", escape(&harmless_lines(&text)))?,
            (None, None) => {}
        }
        let (losses, notes) = self.losses(&summary.unread);
        for loss in &losses {
            writeln!(out, "<p class=\"warn\">Damaged: {}</p>", escape(&harmless(loss)))?;
        }
        for note in notes {
            writeln!(out, "<p class=\"quiet\">Note: {}</p>", escape(&harmless(&note.to_string())))?;
        }
        out.write_all(b"</body></html>\n")?;
        Ok(losses.len())
    }

    /// The document of the frame: the HTML body with its pictures inside. `directory` is the path of
    /// this message in the directory of the message that the page is of.
    fn frame(&self, directory: &str, files: &[PageFile]) -> Option<String> {
        let html = self.html().ok().flatten()?;
        let files = files.iter().filter(|file| file.one.kind() == AttachmentKind::File);
        let by_path: HashMap<_, _> = files.map(|file| (file.path.as_str(), &file.one)).collect();
        let pictures = Pictures::default();
        let picture = |path: &str| by_path.get(format!("{directory}{path}").as_str()).copied();
        Some(html::restore(&html, &|path| pictures.url(picture(path)?)))
    }
}

/// How many bytes of pictures may still be put into a page.
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
    /// An attachment as a `data:` URL; `None` if it exceeds the limits.
    fn url(&self, attachment: &Attachment) -> Option<String> {
        let is_seen = self.seen.borrow().contains(attachment.name());
        let room = if is_seen { &self.repeated } else { &self.first };
        let left = room.get().checked_sub(attachment.size().ok()?)?;
        let bytes = attachment.read().ok()?;
        room.set(left);
        self.seen.borrow_mut().insert(attachment.name().to_owned());
        Some(format!("data:{};base64,{}", attachment.media_type(), base64::encode(bytes)))
    }
}

/// An attachment that a page names.
struct PageFile {
    /// Where it lies in the directory of the message that the page is of.
    path: String,
    /// Where that lies that is made from it, if anything is.
    made: Option<String>,
    one: Attachment,
}

impl PageFile {
    /// An attachment of the message in this directory.
    fn new(directory: &str, one: Attachment) -> Self {
        let path = format!("{directory}{}", attachment_path(one.name()));
        let made = one.made().map(|made| format!("{directory}{made}"));
        Self { path, made, one }
    }
}

fn write_files(
    files: &[PageFile],
    options: PageOptions<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    out.write_all(b"<ul class=\"files-list\">\n")?;
    let linked = |path: &str, name: &str| {
        let url = options.href.and_then(|href| href(path))?;
        Some(format!("<a href=\"{}\">{}</a>", escape(&url), escape(&harmless(name))))
    };
    for PageFile { path, made, one: attachment } in files {
        let name = attachment.name();
        let link = linked(path, name).unwrap_or_else(|| escape(&harmless(name)));
        let details = escape(&harmless(&attachment_details(attachment)));
        let made = made.as_ref().and_then(|path| linked(path, path.rsplit('/').next()?));
        let made = made.map(|link| format!(" {link}")).unwrap_or_default();
        writeln!(out, "<li>{link} <span class=\"quiet\">({details})</span>{made}</li>")?;
    }
    out.write_all(b"</ul>\n")
}

/// Escapes a text for HTML, also inside an attribute. Somebody may print the page on a terminal, so
/// it contains nothing that controls a terminal: CR and form feed become what browsers make of
/// them, other control characters become U+FFFD, and characters that change the direction of text
/// become character references, which browsers understand.
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
