//! Rewrites a document for its place in a folder: references to attachments, the declared charset.
//!
//! Knows nothing of attachments: the caller says which file a reference leads to.

use std::borrow::Cow;
use std::fmt::Write;

use memchr::{memchr_iter, memmem};

use super::decode::declared_charset;
use super::policy::{self, Remote};
use super::remote_urls::{self, MARK};
use super::tokens::{HtmlToken, HtmlTokens, SourceText, Tag};

/// A reference of a document to something outside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// The content id of a `cid:` URL, percent-escapes decoded, without `<>`.
    ContentId(&'a str),
    /// Any other URL, which may be the content location of an attachment.
    ContentLocation(&'a str),
}

/// Rewrites a document that was decoded and is shown beside its attachments.
///
/// A declared charset becomes `utf-8`. `resolve` is called with each reference; if it returns a
/// relative path, the path replaces the reference, percent-encoded. References are the values of
/// `src`, `href`, `background`, `data` and `poster`, and every `url(...)` in a style. Everything
/// else stays byte for byte, also comments and scripts.
pub fn rewrite(html: &str, resolve: Resolve<'_>) -> String {
    let mut rewriter = Rewriter::new(html, DocumentChange::References);
    rewriter.replace_urls(&|url| url_path(url, resolve));
    rewriter.finish()
}

/// Rewrites a document like [`rewrite`], and makes it safe to open in a browser: it declares UTF-8,
/// and unless `remote` allows it, nothing is loaded from elsewhere and no script runs.
pub fn for_browser(html: &str, resolve: Resolve<'_>, remote: Remote) -> String {
    let (at, added) = policy::additions(html, remote);
    let mut rewriter = Rewriter::new(html, DocumentChange::Defuse { remote, at, added });
    rewriter.replace_urls(&|url| url_path(url, resolve));
    rewriter.finish()
}

/// Removes what [`for_browser`] added and restores what it defused, in a document that may have
/// been edited since. References and charset stay as they are.
pub fn undo(html: &str) -> String {
    let mut rewriter = Rewriter::new(html, DocumentChange::Undo);
    let mut starts = HtmlTokens::new(html).filter_map(|token| match token {
        HtmlToken::Start(tag) => policy::added(html, &tag),
        _ => None,
    });
    // Only the first one is ours: the document may have another policy of its own.
    if let Some(added) = starts.next() {
        rewriter.replace(added, "");
    }
    rewriter.finish()
}

/// Replaces references, for example to undo what [`rewrite`] did: calls `resolve` with each URL,
/// percent-escapes decoded. If it returns a text, the text replaces the URL unchanged.
pub fn restore(html: &str, resolve: &dyn Fn(&str) -> Option<String>) -> String {
    let mut rewriter = Rewriter::new(html, DocumentChange::References);
    rewriter.replace_urls(&|url| resolve(&percent_decoded(url)));
    rewriter.finish()
}

/// A `cid:` URL, which needs no escapes in an attribute or a style.
pub fn content_id_url(content_id: &str) -> String {
    format!("cid:{}", percent_encoded(content_id))
}

/// Returns the relative path of the attachment that a reference leads to.
pub type Resolve<'a> = &'a dyn Fn(Reference<'_>) -> Option<String>;
/// Returns the replacement of a URL.
type Replace<'a> = &'a dyn Fn(&str) -> Option<String>;

struct Rewriter<'a> {
    html: &'a str,
    change: DocumentChange,
    output: String,
    /// The document is copied or replaced up to this byte.
    copied: usize,
}

/// What is changed in the document besides its references.
enum DocumentChange {
    /// Nothing.
    References,
    /// Tags are defused, and `added` is inserted at byte `at`.
    Defuse { remote: Remote, at: usize, added: String },
    /// The changes of `Defuse` are undone.
    Undo,
}

impl<'a> Rewriter<'a> {
    fn new(html: &'a str, change: DocumentChange) -> Self {
        Self { html, change, output: String::with_capacity(html.len()), copied: 0 }
    }

    fn replace_urls(&mut self, replace: Replace<'_>) {
        for token in HtmlTokens::new(self.html) {
            if let Some(charset) = declared_charset(&token)
                && !charset.text.eq_ignore_ascii_case("utf-8")
            {
                self.replace(charset, "utf-8");
            }
            match token {
                HtmlToken::Start(tag) => self.tag(&tag, replace),
                HtmlToken::Raw(tag, content) if tag.is("style") => {
                    self.style(content, false, replace)
                }
                _ => {}
            }
        }
    }

    fn tag(&mut self, tag: &Tag<'_>, replace: Replace<'_>) {
        // The attributes of a defused tag have no meaning.
        let blocks =
            self.blocks() && policy::defused(self.html, tag.start(), Remote::Blocked).is_none();
        for attribute in tag.attributes() {
            // The VML elements of Office, such as `v:fill`, may have a namespace before the
            // attribute name.
            let name = attribute.name.rsplit(':').next().unwrap_or_default();
            let is = |known: &&str| name.eq_ignore_ascii_case(known);
            if REFERENCES.iter().any(is)
                && let Some(path) =
                    path(&htmlize::unescape_attribute(attribute.value.text), replace)
            {
                self.replace(attribute.value, &path);
                continue;
            }
            if blocks && remote_urls::loads_remote(tag, &attribute) {
                self.mark(attribute.start);
            }
            if name.eq_ignore_ascii_case("style") {
                self.style(attribute.value, true, replace);
            }
        }
    }

    /// Rewrites each `url(...)` of a style sheet or a style attribute. In a style sheet, it also
    /// blocks URLs of other machines.
    fn style(&mut self, style: SourceText<'_>, is_attribute: bool, replace: Replace<'_>) {
        let blocks = !is_attribute && self.blocks();
        // Where the last `url(...)` ends, and whether another one can follow.
        let (mut read, mut has_urls) = (0, true);
        for begin in remote_urls::url_starts(style.text) {
            let found = has_urls.then(|| style.text.as_bytes().get(read..begin)).flatten();
            if found.and_then(<[u8]>::last_chunk).is_some_and(is_url_open) {
                let inside = style.after(begin);
                let length = url_length(inside.text);
                has_urls = length.is_some();
                let inside = inside.first(length.unwrap_or(0));
                read = begin + inside.text.len();
                let url = if is_attribute {
                    htmlize::unescape_attribute(inside.text)
                } else {
                    Cow::Borrowed(inside.text)
                };
                if has_urls && let Some(path) = path(url.trim().trim_matches(['"', '\'']), replace)
                {
                    self.replace(inside, &path);
                    continue;
                }
            }
            let at = style.start + begin;
            if blocks && remote_urls::begins_remote_in_css(style.text, begin) {
                self.mark(at);
            }
        }
    }

    /// Whether URLs of other machines are blocked.
    const fn blocks(&self) -> bool {
        matches!(self.change, DocumentChange::Defuse { remote: Remote::Blocked, .. })
    }

    /// Puts the mark before a URL, or before the attribute that has the URL.
    fn mark(&mut self, at: usize) {
        // A reference to an attachment that was replaced already needs no mark.
        if at >= self.copied {
            self.copy_until(at);
            self.output.push_str(MARK);
        }
    }

    fn replace(&mut self, source: SourceText<'_>, replacement: &str) {
        self.copy_until(source.start);
        self.output.push_str(replacement);
        self.copied = source.start + source.text.len();
    }

    /// Copies the document up to this place.
    fn copy_until(&mut self, end: usize) {
        if let DocumentChange::Defuse { at, added, .. } = &mut self.change
            && (self.copied..=end).contains(at)
        {
            let (at, added) = (*at, std::mem::take(added));
            self.copy_tags_until(at);
            self.output.push_str(&added);
        }
        self.copy_tags_until(end);
    }

    fn copy_tags_until(&mut self, end: usize) {
        let text = self.html.get(self.copied..end).unwrap_or_default();
        let start = self.copied;
        for at in memchr_iter(b'<', text.as_bytes()).map(|at| start + at) {
            let (name, length) = match &self.change {
                DocumentChange::References => break,
                DocumentChange::Defuse { remote, .. } => {
                    match policy::defused(self.html, at, *remote) {
                        Some((name, replacement)) => (replacement, name.len()),
                        None => continue,
                    }
                }
                DocumentChange::Undo => match policy::restored(self.html, at) {
                    Some((name, length)) => (name.to_owned(), length),
                    None => continue,
                },
            };
            self.copy_text_until(at + 1);
            self.output.push_str(&name);
            self.copied = at + 1 + length;
        }
        self.copy_text_until(end);
    }

    /// Copies text. A mark that the document itself contains is written twice, and undoing drops
    /// every other mark, so the document gets its own marks back.
    fn copy_text_until(&mut self, end: usize) {
        let mut text = self.html.get(self.copied..end).unwrap_or_default();
        let gives_back = matches!(self.change, DocumentChange::Undo);
        if !matches!(self.change, DocumentChange::References) {
            while let Some((before, after)) = split_at_mark(text) {
                self.output.push_str(before);
                let second = gives_back.then(|| after.strip_prefix(MARK)).flatten();
                let count = if gives_back { usize::from(second.is_some()) } else { 2 };
                (0..count).for_each(|_| self.output.push_str(MARK));
                text = second.unwrap_or(after);
            }
        }
        self.output.push_str(text);
        self.copied = self.copied.max(end);
    }

    fn finish(mut self) -> String {
        self.copy_until(self.html.len());
        self.output
    }
}

/// What comes before the first mark in a text, and what comes after it. Most texts have none, which
/// `memmem` sees several times as fast as `split_once`.
fn split_at_mark(text: &str) -> Option<(&str, &str)> {
    let (before, mark) = text.split_at_checked(memmem::find(text.as_bytes(), MARK.as_bytes())?)?;
    Some((before, mark.strip_prefix(MARK)?))
}

/// Whether these are the letters `url(`, in any case.
fn is_url_open(text: &[u8; 4]) -> bool {
    text.eq_ignore_ascii_case(b"url(")
}

/// The replacement of a URL.
fn path(url: &str, replace: Replace<'_>) -> Option<String> {
    let url = url.trim();
    // Browsers ignore line breaks inside a URL (WHATWG URL 4.4).
    let folded = url.contains(['\t', '\n', '\r']);
    let url =
        if folded { Cow::Owned(url.replace(['\t', '\n', '\r'], "")) } else { Cow::Borrowed(url) };
    replace(&url)
}

/// The path that replaces a URL, percent-encoded.
fn url_path(url: &str, resolve: Resolve<'_>) -> Option<String> {
    attachment_path(url, resolve).map(|path| percent_encoded(&path))
}

/// The path of the attachment that a URL leads to.
pub(super) fn attachment_path(url: &str, resolve: Resolve<'_>) -> Option<String> {
    match url.split_at_checked("cid:".len()) {
        Some((scheme, id)) if scheme.eq_ignore_ascii_case("cid:") => {
            let bare = |id: &str| {
                resolve(Reference::ContentId(
                    id.trim().trim_start_matches('<').trim_end_matches('>'),
                ))
            };
            bare(&percent_decoded(id)).or_else(|| bare(id))
        }
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("data") => None,
        _ if url.is_empty() || url.starts_with('#') => None,
        _ => resolve(Reference::ContentLocation(url)),
    }
}

/// Attributes whose value is a URL that a browser loads or goes to.
const REFERENCES: [&str; 5] = ["src", "href", "background", "data", "poster"];

/// The length of the text inside the parentheses of `url(...)`; `None` if they do not close.
fn url_length(text: &str) -> Option<usize> {
    let blanks = text.len() - text.trim_ascii_start().len();
    let start = match text.get(blanks..)?.chars().next()? {
        quote @ ('"' | '\'') => {
            let quoted = text.get(blanks + 1..)?;
            blanks + 1 + quoted.find(quote)? + 1
        }
        _ => blanks,
    };
    text.get(start..)?.find(')').map(|length| start + length)
}

fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.first_chunk::<2>().and_then(|digits| {
            let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
            u8::try_from(high? << 4 | low?).ok()
        });
        match escaped {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Percent-encodes the characters that would end or change a path that stands in an attribute, or
/// in a style without quotes.
fn percent_encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'@' | b'+' | b',' => encoded.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            _ => write!(encoded, "%{byte:02X}").expect("a string takes every write"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::{Reference, rewrite};

    fn resolve(reference: Reference<'_>) -> Option<String> {
        match reference {
            Reference::ContentId("image001.png@01D0") => Some("attachments/image001.png".into()),
            Reference::ContentId("a b") => Some("attachments/a (1) \u{E9}#.png".into()),
            Reference::ContentLocation("http://a.org/x?a=1&b=2") => Some("attachments/x".into()),
            Reference::ContentLocation("pic.gif") => Some("attachments/pic.gif".into()),
            _ => None,
        }
    }

    fn check(html: &str, expected: &str) {
        assert_eq!(rewrite(html, &resolve), expected, "{html}");
    }

    #[test]
    fn references_become_paths() {
        check(
            "<img src=\"cid:image001.png@01D0\" alt='cid:a'>",
            "<img src=\"attachments/image001.png\" alt='cid:a'>",
        );
        check("<IMG SRC=CID:image001.png@01D0>", "<IMG SRC=attachments/image001.png>");
        check("<td background='pic.gif'>", "<td background='attachments/pic.gif'>");
        check("<a href=\"http://a.org/x?a=1&amp;b=2\">", "<a href=\"attachments/x\">");
        check(
            "<v:fill v:src='cid:image001.png@01D0'/>",
            "<v:fill v:src='attachments/image001.png'/>",
        );
        check(
            "<img src=' cid:&lt;image001.png@01D0&gt; '>",
            "<img src='attachments/image001.png'>",
        );
        check("<img src=\"cid:image001.\r\npng@01D0\">", "<img src=\"attachments/image001.png\">");
    }

    #[test]
    fn paths_are_percent_encoded_and_ids_decoded() {
        check("<img src=cid:a%20b>", "<img src=attachments/a%20%281%29%20%C3%A9%23.png>");
        check("<img src='cid:a b'>", "<img src='attachments/a%20%281%29%20%C3%A9%23.png'>");
    }

    #[test]
    fn styles_hold_references() {
        check(
            "<td style=\"background:url(cid:image001.png@01D0) no-repeat\">",
            "<td style=\"background:url(attachments/image001.png) no-repeat\">",
        );
        check(
            "<td style=\"background:URL( &quot;pic.gif&quot; )\">",
            "<td style=\"background:URL(attachments/pic.gif)\">",
        );
        check(
            "<style>p{background:url('pic.gif')}q{background:url(x)}r{background:url(pic.gif)</style>",
            "<style>p{background:url(attachments/pic.gif)}q{background:url(x)}r{background:url(attachments/pic.gif)</style>",
        );
        check(
            "<style>url(\"pic.gif) url(pic.gif)</style>",
            "<style>url(\"pic.gif) url(pic.gif)</style>",
        );
        check("<style>url(pic.gif</style>", "<style>url(pic.gif</style>");
    }

    #[test]
    fn the_declared_charset_becomes_utf_8() {
        check("<meta charset=\"windows-1252\">", "<meta charset=\"utf-8\">");
        check("<meta charset=UTF-8>", "<meta charset=UTF-8>");
        check(
            "<META http-equiv=Content-Type content=\"text/html; charset=iso-8859-1\">",
            "<META http-equiv=Content-Type content=\"text/html; charset=utf-8\">",
        );
        check(
            "<meta content='text/html;charset=gb2312;x' http-equiv='Content-Type'>",
            "<meta content='text/html;charset=utf-8;x' http-equiv='Content-Type'>",
        );
        check("<?xml version='1.0' encoding='koi8-r'?>", "<?xml version='1.0' encoding='utf-8'?>");
        check("<meta name=x content='charset=koi8-r'>", "<meta name=x content='charset=koi8-r'>");
    }

    #[test]
    fn all_else_stays_as_it_is() {
        for html in [
            "",
            "<p>cid:image001.png@01D0</p>\r\n",
            "<!-- <img src=cid:image001.png@01D0> -->",
            "<!--[if gte vml 1]><v:imagedata src=\"cid:image001.png@01D0\"/><![endif]-->",
            "<script>x = '<img src=cid:image001.png@01D0>'</script>",
            "<img src=\"cid:other\"><a href='#pic.gif'><img src><img src=''>",
            // Browsers drop a tag without its end.
            "<img src=\"pic.gif",
            "<p\u{E9} a=\u{E9}>\u{E9}</p",
        ] {
            check(html, html);
        }
    }

    #[test]
    fn data_is_not_handed_over() {
        let seen = RefCell::new(Vec::new());
        let html =
            "<img src=data:image/png;base64,AAAA><a href=#x><a href=mailto:a@b><img src=cid:>";
        let resolve = |reference: Reference<'_>| {
            seen.borrow_mut().push(format!("{reference:?}"));
            None
        };
        rewrite(html, &resolve);
        let expected = ["ContentLocation(\"mailto:a@b\")", "ContentId(\"\")", "ContentId(\"\")"];
        assert_eq!(*seen.borrow(), expected);
    }
}
