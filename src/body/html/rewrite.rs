//! Rewrites a document for its place in a folder: references to attachments, the declared charset.
//!
//! Knows nothing of attachments: which reference has a file is the caller's to say.

use std::borrow::Cow;
use std::fmt::Write;

use memchr::memchr_iter;

use super::decode::declared_charset;
use super::entities;
use super::tokens::{Source, Tag, Token, Tokens};

/// A reference of a document to something outside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// The content id of a `cid:` URL, percent-escapes decoded, without `<>`.
    ContentId(&'a str),
    /// Any other URL, which may be the content location of an attachment.
    ContentLocation(&'a str),
}

/// Rewrites what is no longer true in a document that became a UTF-8 file beside its attachments.
///
/// A declared charset becomes `utf-8`. Each reference is handed to `resolve`; where that answers
/// with a relative path, the path takes its place, percent-encoded. References are the values of
/// `src`, `href`, `background`, `data` and `poster`, and every `url(...)` in a style. All else stays as
/// it is, byte for byte; comments and scripts are left alone.
pub fn rewrite(html: &str, resolve: &dyn Fn(Reference<'_>) -> Option<String>) -> String {
    let mut rewriter = Rewriter { html, resolve, output: String::new(), copied: 0 };
    for token in Tokens::new(html) {
        if let Some(charset) = declared_charset(&token)
            && !charset.text.eq_ignore_ascii_case("utf-8")
        {
            rewriter.replace(charset, "utf-8");
        }
        match token {
            Token::Start(tag) => rewriter.tag(&tag),
            Token::Raw(tag, content) if tag.is("style") => rewriter.style(content, false),
            _ => {}
        }
    }
    rewriter.finish()
}

struct Rewriter<'a> {
    html: &'a str,
    resolve: &'a dyn Fn(Reference<'_>) -> Option<String>,
    output: String,
    /// How much of the document the output covers, in bytes.
    copied: usize,
}

impl Rewriter<'_> {
    fn tag(&mut self, tag: &Tag<'_>) {
        for attribute in tag.attributes() {
            // `v:fill` and the like have their attributes in a namespace at times.
            let name = attribute.name.rsplit(':').next().unwrap_or_default();
            let is = |known: &&str| name.eq_ignore_ascii_case(known);
            if REFERENCES.iter().any(|known| is(known)) {
                if let Some(path) = self.path(&entities::decode_attribute(attribute.value.text)) {
                    self.replace(attribute.value, &path);
                }
            } else if is(&"style") {
                self.style(attribute.value, true);
            }
        }
    }

    /// Rewrites each `url(...)` of a style sheet or of an attribute.
    fn style(&mut self, style: Source<'_>, is_attribute: bool) {
        let mut read = 0;
        for open in memchr_iter(b'(', style.text.as_bytes()) {
            let Some(before) = style.text.as_bytes().get(read..open) else { continue };
            let is_url =
                before.last_chunk::<3>().is_some_and(|name| name.eq_ignore_ascii_case(b"url"));
            if !is_url {
                continue;
            }
            let inside = style.after(open + 1);
            let Some(length) = url_length(inside.text) else { return };
            let inside = inside.first(length);
            read = open + 1 + length;
            let url = if is_attribute {
                entities::decode_attribute(inside.text)
            } else {
                Cow::Borrowed(inside.text)
            };
            if let Some(path) = self.path(url.trim().trim_matches(['"', '\''])) {
                self.replace(inside, &path);
            }
        }
    }

    /// The path that takes the place of a URL.
    fn path(&self, url: &str) -> Option<String> {
        let url = url.trim();
        // Line breaks inside a URL mean nothing (WHATWG URL 4.4).
        let folded = url.contains(['\t', '\n', '\r']);
        let url = if folded {
            Cow::Owned(url.replace(['\t', '\n', '\r'], ""))
        } else {
            Cow::Borrowed(url)
        };
        let path = match url.split_at_checked("cid:".len()) {
            Some((scheme, id)) if scheme.eq_ignore_ascii_case("cid:") => {
                let bare = |id: &str| {
                    (self.resolve)(Reference::ContentId(
                        id.trim().trim_start_matches('<').trim_end_matches('>'),
                    ))
                };
                bare(&percent_decoded(id)).or_else(|| bare(id))
            }
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("data") => None,
            _ if url.is_empty() || url.starts_with('#') => None,
            _ => (self.resolve)(Reference::ContentLocation(&url)),
        };
        path.map(|path| percent_encoded(&path))
    }

    fn replace(&mut self, source: Source<'_>, replacement: &str) {
        self.output.push_str(self.html.get(self.copied..source.start).unwrap_or_default());
        self.output.push_str(replacement);
        self.copied = source.start + source.text.len();
    }

    fn finish(mut self) -> String {
        self.output.push_str(self.html.get(self.copied..).unwrap_or_default());
        self.output
    }
}

/// Attributes whose value is a URL that a browser loads or goes to.
const REFERENCES: [&str; 5] = ["src", "href", "background", "data", "poster"];

/// The length of what stands in the parentheses of `url(...)`; `None` if they don't close.
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

/// Encodes what would not be a path, or not be whole, in an attribute or a style without quotes.
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
