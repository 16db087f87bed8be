//! The tokens of HTML, found as a browser finds them (WHATWG HTML 13.2.5), broken HTML included.
//!
//! Knows the syntax and which elements hold raw text; no meaning of any element.

use memchr::{memchr, memmem};

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text between tags, character references undecoded.
    Text(&'a str),
    /// A start tag.
    Start(Tag<'a>),
    /// An end tag.
    End(Tag<'a>),
    /// The content of an element that holds no tags: what is up to its end tag.
    Raw(Tag<'a>, Source<'a>),
    /// A processing instruction, as `<?xml version="1.0"?>`.
    Instruction(Source<'a>),
    /// Comments and declarations.
    Comment,
}

/// Text and where it stands in the document, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
}

impl<'a> Source<'a> {
    /// The part from `offset` on.
    pub(super) fn after(self, offset: usize) -> Self {
        let text = self.text.get(offset..).unwrap_or_default();
        Self { text, start: self.start + offset }
    }

    /// The first `length` bytes.
    pub(super) fn first(self, length: usize) -> Self {
        Self { text: self.text.get(..length).unwrap_or(self.text), start: self.start }
    }

    /// The part without blanks around it.
    pub(super) fn trim(self) -> Self {
        let after = self.after(self.text.len() - self.text.trim_ascii_start().len());
        after.first(after.text.trim_ascii_end().len())
    }
}

/// A tag: its name and what follows it, the `>` not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    name: &'a str,
    rest: Source<'a>,
}

/// The longest element name that means something is `blockquote`.
const NAME_BYTES_MAX: usize = 12;

/// The name of an element in small letters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name([u8; NAME_BYTES_MAX], usize);

impl Name {
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.get(..self.1).unwrap_or_default()
    }
}

impl<'a> Tag<'a> {
    /// Its name; empty if that is too long to be a known one.
    pub(super) fn name(&self) -> Name {
        let mut name = Name([0; NAME_BYTES_MAX], self.name.len());
        for (to, from) in name.0.iter_mut().zip(self.name.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        name
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Its attributes in order.
    pub(super) const fn attributes(&self) -> Attributes<'a> {
        Attributes { rest: self.rest }
    }

    /// The value of the first attribute of this name, undecoded.
    pub(super) fn attribute(&self, name: &str) -> Option<Source<'a>> {
        self.attributes()
            .find(|found| found.name.eq_ignore_ascii_case(name))
            .map(|found| found.value)
    }
}

/// An attribute; one without a value has an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    /// Undecoded, without quotes.
    pub(super) value: Source<'a>,
}

/// Splits the inside of a tag into attributes; ends before the `>`.
#[derive(Clone, Debug)]
pub(super) struct Attributes<'a> {
    rest: Source<'a>,
}

impl<'a> Attributes<'a> {
    /// Takes the bytes before the first one of which `ends` is true.
    fn take_until(&mut self, ends: impl Fn(u8) -> bool) -> Source<'a> {
        let bytes = self.rest.text.bytes();
        let length = bytes.clone().position(ends).unwrap_or(bytes.len());
        let taken = self.rest.first(length);
        self.rest = self.rest.after(length);
        taken
    }

    fn skip_blanks(&mut self) {
        self.take_until(|byte| !byte.is_ascii_whitespace());
    }

    fn next_is(&self, byte: u8) -> bool {
        self.rest.text.as_bytes().first() == Some(&byte)
    }

    fn value(&mut self) -> Source<'a> {
        for quote in [b'"', b'\''] {
            if self.next_is(quote) {
                self.rest = self.rest.after(1);
                let length = memchr(quote, self.rest.text.as_bytes());
                let value = self.rest.first(length.unwrap_or(self.rest.text.len()));
                self.rest = self.rest.after(length.map_or(value.text.len(), |length| length + 1));
                return value;
            }
        }
        self.take_until(|byte| byte == b'>' || byte.is_ascii_whitespace())
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        self.take_until(|byte| byte != b'/' && !byte.is_ascii_whitespace());
        if self.rest.text.is_empty() || self.next_is(b'>') {
            return None;
        }
        // A name may begin with `=`, but not hold one.
        let leading = usize::from(self.next_is(b'='));
        let name = self.rest;
        self.rest = self.rest.after(leading);
        let rest = self
            .take_until(|byte| matches!(byte, b'=' | b'>' | b'/') || byte.is_ascii_whitespace())
            .text
            .len();
        let name = name.first(leading + rest).text;
        let mut ahead = self.clone();
        ahead.skip_blanks();
        if !ahead.next_is(b'=') {
            return Some(Attribute { name, value: self.rest.first(0) });
        }
        ahead.rest = ahead.rest.after(1);
        ahead.skip_blanks();
        let value = ahead.value();
        *self = ahead;
        Some(Attribute { name, value })
    }
}

/// Splits a document into tokens.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    rest: Source<'a>,
    /// The element whose raw content comes next.
    raw: Option<Tag<'a>>,
}

impl<'a> Tokens<'a> {
    pub(super) const fn new(html: &'a str) -> Self {
        Self { rest: Source { text: html, start: 0 }, raw: None }
    }

    /// Takes the first `length` bytes.
    fn take(&mut self, length: usize) -> Source<'a> {
        let taken = self.rest.first(length);
        self.rest = self.rest.after(length);
        taken
    }

    /// Takes what a `<` begins; `None` if it is only text.
    fn markup(&mut self) -> Option<Token<'a>> {
        let bytes = self.rest.text.as_bytes();
        match bytes.get(1)? {
            b'!' if bytes.starts_with(b"<!--") => {
                self.take(comment_length(bytes));
                Some(Token::Comment)
            }
            b'!' => {
                self.declaration();
                Some(Token::Comment)
            }
            b'?' => Some(Token::Instruction(self.declaration())),
            b'/' if bytes.get(2)?.is_ascii_alphabetic() => Some(Token::End(self.tag(2))),
            b'/' => {
                self.declaration();
                Some(Token::Comment)
            }
            byte if byte.is_ascii_alphabetic() => {
                let tag = self.tag(1);
                if RAW_ELEMENTS.iter().any(|name| tag.is(name)) {
                    self.raw = Some(tag);
                }
                Some(Token::Start(tag))
            }
            _ => None,
        }
    }

    /// Takes what ends with the next `>`.
    fn declaration(&mut self) -> Source<'a> {
        let end = memchr(b'>', self.rest.text.as_bytes());
        self.take(end.map_or(self.rest.text.len(), |end| end + 1))
    }

    /// Takes a tag whose name begins after `start` bytes.
    fn tag(&mut self, start: usize) -> Tag<'a> {
        let mut attributes = Attributes { rest: self.rest.after(start) };
        let name = attributes
            .take_until(|byte| matches!(byte, b'>' | b'/') || byte.is_ascii_whitespace())
            .text;
        let rest = attributes.rest;
        while attributes.next().is_some() {}
        let length = attributes.rest.start - rest.start;
        let tag = Tag { name, rest: rest.first(length) };
        self.rest = attributes.rest.after(1);
        tag
    }

    /// Takes the content of a raw element; all that is left if it has no end tag.
    fn raw_content(&mut self, tag: &Tag<'a>) -> Source<'a> {
        let bytes = self.rest.text.as_bytes();
        let end = memmem::find_iter(bytes, b"</").find(|at| {
            let name = bytes.get(at + 2..at + 2 + tag.name.len());
            name.is_some_and(|name| name.eq_ignore_ascii_case(tag.name.as_bytes()))
        });
        self.take(end.unwrap_or(bytes.len()))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if let Some(tag) = self.raw.take() {
            return Some(Token::Raw(tag, self.raw_content(&tag)));
        }
        let bytes = self.rest.text.as_bytes();
        let first = bytes.first()?;
        if *first == b'<'
            && let Some(markup) = self.markup()
        {
            return Some(markup);
        }
        // A `<` that begins no tag is text.
        let begin = usize::from(*first == b'<');
        let next = memchr(b'<', bytes.get(begin..).unwrap_or_default());
        Some(Token::Text(self.take(next.map_or(bytes.len(), |next| begin + next)).text))
    }
}

/// Elements without tags in them, and Office's islands of XML, of which nothing is shown.
const RAW_ELEMENTS: [&str; 5] = ["script", "style", "title", "iframe", "xml"];

/// The length of the comment at the start, its end included; all there is if it has none.
fn comment_length(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"<!-->") || bytes.starts_with(b"<!--->") {
        return memchr(b'>', bytes).map_or(bytes.len(), |end| end + 1);
    }
    memmem::find(bytes, b"-->").map_or(bytes.len(), |end| end + 3)
}

#[cfg(test)]
mod tests {
    use super::{Token, Tokens};

    /// Tokens as a short text: `<name attribute=value>` and so on.
    fn shown(html: &str) -> String {
        let mut shown = String::new();
        let mut end = 0;
        for token in Tokens::new(html) {
            shown += &match token {
                Token::Text(text) => format!("T({text})"),
                Token::End(tag) => format!("E({})", String::from_utf8_lossy(tag.name().as_bytes())),
                Token::Raw(tag, content) => format!("R({} {})", tag.name, content.text),
                Token::Instruction(source) => format!("I({})", source.text),
                Token::Comment => "C".to_owned(),
                Token::Start(tag) => {
                    let name = tag.name();
                    let mut shown = format!("S({}", String::from_utf8_lossy(name.as_bytes()));
                    for attribute in tag.attributes() {
                        let value = attribute.value;
                        let there = value.start..value.start + value.text.len();
                        assert_eq!(html.get(there), Some(value.text), "{html}");
                        assert!(value.start >= end, "{html}");
                        end = value.start;
                        shown += &format!(" {}={}", attribute.name, value.text);
                    }
                    shown + ")"
                }
            };
        }
        shown
    }

    fn check(html: &str, expected: &str) {
        assert_eq!(shown(html), expected, "{html}");
    }

    #[test]
    fn tags_and_text() {
        check("a<B>c</b >d<br/>", "T(a)S(b)T(c)E(b)T(d)S(br)");
        check("a < b <3 <> </>", "T(a )T(< b )T(<3 )T(<> )C");
        check("<averyveryverylongname>", "S()");
        check("<o:p>&nbsp;</o:p>", "S(o:p)T(&nbsp;)E(o:p)");
        check("", "");
        check("<", "T(<)");
    }

    #[test]
    fn attributes() {
        check("<a href=x>", "S(a href=x)");
        check("<a href = \"x>y\" b='c\"' d>", "S(a href=x>y b=c\" d=)");
        check("<a\nhref='x'y=z/>", "S(a href=x y=z/)");
        check("<a href=\"x\"/b>", "S(a href=x b=)");
        check("<a =x = y>", "S(a =x=y)");
        check("<a href=>b", "S(a href=)T(b)");
        check("<a \"b\" c>", "S(a \"b\"= c=)");
    }

    #[test]
    fn what_is_no_tag() {
        check("<!DOCTYPE html>a<!-- <b> -->c<!-->d<!--->e", "CT(a)CT(c)CT(d)CT(e)");
        check("<![if !vml]>a<![endif]><!--[if gte mso 9]><xml>b</xml><![endif]-->", "CT(a)CC");
        check("<?xml version=\"1.0\"?>a", "I(<?xml version=\"1.0\"?>)T(a)");
        check("a<!-- b", "T(a)C");
        check("a<?b", "T(a)I(<?b)");
    }

    #[test]
    fn raw_elements_hold_no_tags() {
        check("<style>a<b></STYLE>c", "S(style)R(style a<b>)E(style)T(c)");
        check("<script>\"</p>\"</script>", "S(script)R(script \"</p>\")E(script)");
        check("<title></title>", "S(title)R(title )E(title)");
        check("<style>a<b>", "S(style)R(style a<b>)");
    }

    #[test]
    fn a_document_may_end_anywhere() {
        let html = "<p a=\"b\" c='d' e=f g>&amp;</p><!-- h --><style>i</style>\u{E9}<?j?>";
        for (end, _) in html.char_indices() {
            shown(&html[..end]);
        }
        check("<a href=\"x", "S(a href=x)");
        check("<a href=", "S(a href=)");
        check("<a", "S(a)");
        check("</a", "E(a)");
    }
}
