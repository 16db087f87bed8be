//! Splits HTML into tokens as a browser does (WHATWG HTML 13.2.5), even if it is broken.
//!
//! Knows the syntax, and which elements contain no tags, but not what an element means. Each value
//! has its position in the document, so that it can be replaced there.

use memchr::{memchr, memchr_iter, memchr2_iter};

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HtmlToken<'a> {
    /// Text between tags, with character references undecoded.
    Text(&'a str),
    /// A start tag.
    Start(Tag<'a>),
    /// An end tag.
    End(Tag<'a>),
    /// The content of an element without tags in it, up to its end tag.
    Raw(Tag<'a>, SourceText<'a>),
    /// A processing instruction, as `<?xml version="1.0"?>`.
    Instruction(SourceText<'a>),
    /// `<!DOCTYPE html>`.
    Doctype(SourceText<'a>),
    /// A comment, another declaration, or a tag that is cut off at the end of the document.
    Comment(SourceText<'a>),
}

/// Text and its place in the document, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SourceText<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
}

impl<'a> SourceText<'a> {
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
    pub(super) name: &'a str,
    rest: SourceText<'a>,
}

/// The longest element name that has a meaning is `blockquote`.
const NAME_BYTES_MAX: usize = 12;

/// The name of an element in small letters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TagName([u8; NAME_BYTES_MAX], usize);

impl TagName {
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.get(..self.1).unwrap_or_default()
    }
}

impl<'a> Tag<'a> {
    /// Reads a tag from its name on; `None` if the document ends in it.
    pub(super) fn parse(source: SourceText<'a>) -> Option<Self> {
        let mut attributes = TagAttributes { rest: source };
        let ends = |byte| matches!(byte, b'>' | b'/') || is_blank(byte);
        let name = attributes.take_until(ends).text;
        let rest = attributes.rest;
        while attributes.next().is_some() {}
        let length = attributes.rest.start - rest.start;
        attributes.next_is(b'>').then(|| Self { name, rest: rest.first(length) })
    }

    /// Where a start tag begins.
    pub(super) const fn start(&self) -> usize {
        self.rest.start - self.name.len() - 1
    }

    /// Where the document goes on after it.
    pub(super) const fn end(&self) -> usize {
        self.rest.start + self.rest.text.len() + 1
    }

    /// Its name; empty if it is too long for a known one.
    pub(super) fn name(&self) -> TagName {
        let mut name = TagName([0; NAME_BYTES_MAX], self.name.len());
        for (to, from) in name.0.iter_mut().zip(self.name.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        name
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Its attributes in order.
    pub(super) const fn attributes(&self) -> TagAttributes<'a> {
        TagAttributes { rest: self.rest }
    }

    /// The value of the first attribute of this name, undecoded.
    pub(super) fn attribute(&self, name: &str) -> Option<SourceText<'a>> {
        self.attributes()
            .find(|found| found.name.eq_ignore_ascii_case(name))
            .map(|found| found.value)
    }
}

/// An attribute; one without a value has an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    /// Where its name begins.
    pub(super) start: usize,
    /// Undecoded, without quotes.
    pub(super) value: SourceText<'a>,
}

/// Splits the inside of a tag into attributes; ends before the `>`.
#[derive(Clone, Debug)]
pub(super) struct TagAttributes<'a> {
    rest: SourceText<'a>,
}

impl<'a> TagAttributes<'a> {
    /// Takes the bytes before the first one for which `ends` is true.
    fn take_until(&mut self, ends: impl Fn(u8) -> bool) -> SourceText<'a> {
        let bytes = self.rest.text.bytes();
        let length = bytes.clone().position(ends).unwrap_or(bytes.len());
        let taken = self.rest.first(length);
        self.rest = self.rest.after(length);
        taken
    }

    fn skip_blanks(&mut self) {
        self.take_until(|byte| !is_blank(byte));
    }

    fn next_is(&self, byte: u8) -> bool {
        self.rest.text.as_bytes().first() == Some(&byte)
    }

    fn value(&mut self) -> SourceText<'a> {
        for quote in [b'"', b'\''] {
            if self.next_is(quote) {
                self.rest = self.rest.after(1);
                let length = memchr(quote, self.rest.text.as_bytes());
                let value = self.rest.first(length.unwrap_or(self.rest.text.len()));
                self.rest = self.rest.after(length.map_or(value.text.len(), |length| length + 1));
                return value;
            }
        }
        self.take_until(|byte| byte == b'>' || is_blank(byte))
    }
}

impl<'a> Iterator for TagAttributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        self.take_until(|byte| byte != b'/' && !is_blank(byte));
        if self.rest.text.is_empty() || self.next_is(b'>') {
            return None;
        }
        // A name may begin with `=`, but not contain one later.
        let leading = usize::from(self.next_is(b'='));
        let name = self.rest;
        self.rest = self.rest.after(leading);
        let rest =
            self.take_until(|byte| matches!(byte, b'=' | b'>' | b'/') || is_blank(byte)).text.len();
        let SourceText { text: name, start } = name.first(leading + rest);
        let mut ahead = self.clone();
        ahead.skip_blanks();
        if !ahead.next_is(b'=') {
            return Some(Attribute { name, start, value: self.rest.first(0) });
        }
        ahead.rest = ahead.rest.after(1);
        ahead.skip_blanks();
        let value = ahead.value();
        *self = ahead;
        Some(Attribute { name, start, value })
    }
}

/// Splits a document into tokens.
#[derive(Clone, Debug)]
pub(super) struct HtmlTokens<'a> {
    rest: SourceText<'a>,
    /// The element without tags in it whose content comes next.
    inside: Option<(ElementContent, Tag<'a>)>,
}

/// The content of an element that contains no tags. It ends at the end tag of the element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementContent {
    /// Text, with or without character references.
    Text,
    /// A script. In a comment inside of it, another script may begin and end.
    Script,
    /// The rest of the document.
    Rest,
}

impl<'a> HtmlTokens<'a> {
    pub(super) const fn new(html: &'a str) -> Self {
        Self { rest: SourceText { text: html, start: 0 }, inside: None }
    }

    /// Takes the first `length` bytes.
    fn take(&mut self, length: usize) -> SourceText<'a> {
        let taken = self.rest.first(length);
        self.rest = self.rest.after(length);
        taken
    }

    /// Takes what begins with a `<`; `None` if it is only text.
    fn markup(&mut self) -> Option<HtmlToken<'a>> {
        let bytes = self.rest.text.as_bytes();
        match bytes.get(1)? {
            b'!' if bytes.starts_with(b"<!--") => {
                Some(HtmlToken::Comment(self.take(comment_length(bytes))))
            }
            b'!' => {
                let name = bytes.get(2..2 + DOCTYPE.len()).unwrap_or_default();
                let declaration = self.declaration();
                let is_doctype = name.eq_ignore_ascii_case(DOCTYPE);
                Some(if is_doctype { HtmlToken::Doctype } else { HtmlToken::Comment }(declaration))
            }
            b'?' => Some(HtmlToken::Instruction(self.declaration())),
            b'/' if bytes.get(2)?.is_ascii_alphabetic() => Some(self.tag(2, HtmlToken::End)),
            b'/' => Some(HtmlToken::Comment(self.declaration())),
            byte if byte.is_ascii_alphabetic() => {
                let token = self.tag(1, HtmlToken::Start);
                if let HtmlToken::Start(tag) = token {
                    self.inside = ElementContent::of(&tag).map(|content| (content, tag));
                }
                Some(token)
            }
            _ => None,
        }
    }

    /// Takes what ends with the next `>`.
    fn declaration(&mut self) -> SourceText<'a> {
        let end = memchr(b'>', self.rest.text.as_bytes());
        self.take(end.map_or(self.rest.text.len(), |end| end + 1))
    }

    /// Takes a tag whose name begins after `start` bytes. A browser drops one that has no `>`.
    fn tag(&mut self, start: usize, token: impl Fn(Tag<'a>) -> HtmlToken<'a>) -> HtmlToken<'a> {
        let whole = self.rest;
        let Some(tag) = Tag::parse(whole.after(start)) else {
            return HtmlToken::Comment(self.take(whole.text.len()));
        };
        self.take(tag.end() - whole.start);
        token(tag)
    }

    /// Takes the content of an element without tags in it; the whole rest if it has no end tag.
    fn content(&mut self, content: ElementContent, tag: &Tag<'a>) -> SourceText<'a> {
        let bytes = self.rest.text.as_bytes();
        let end = match content {
            ElementContent::Text => {
                memchr_iter(b'<', bytes).find(|at| begins(bytes, *at, b"</", tag.name))
            }
            ElementContent::Script => script_end(bytes),
            ElementContent::Rest => None,
        };
        self.take(end.unwrap_or(bytes.len()))
    }
}

impl<'a> Iterator for HtmlTokens<'a> {
    type Item = HtmlToken<'a>;

    fn next(&mut self) -> Option<HtmlToken<'a>> {
        if let Some((content, tag)) = self.inside.take() {
            return Some(HtmlToken::Raw(tag, self.content(content, &tag)));
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
        Some(HtmlToken::Text(self.take(next.map_or(bytes.len(), |next| begin + next)).text))
    }
}

impl ElementContent {
    /// The content of an element; `None` if it is tags and text. Scripts never run in mail, so
    /// `noscript` is an element like others.
    fn of(tag: &Tag<'_>) -> Option<Self> {
        match tag.name().as_bytes() {
            b"title" | b"textarea" | b"style" | b"xmp" | b"iframe" | b"noembed" | b"noframes" => {
                Some(Self::Text)
            }
            b"script" => Some(Self::Script),
            b"plaintext" => Some(Self::Rest),
            _ => None,
        }
    }
}

const DOCTYPE: &[u8] = b"doctype";

/// The length of the comment at the start, with its end; the whole rest if it has none.
fn comment_length(bytes: &[u8]) -> usize {
    const START: usize = "<!--".len();
    let ends = |at: &usize| {
        let content = bytes.get(START..*at).unwrap_or_default();
        matches!(content, b"" | b"-") || content.ends_with(b"--") || content.ends_with(b"--!")
    };
    let end = memchr_iter(b'>', bytes).find(|at| *at >= START && ends(at));
    end.map_or(bytes.len(), |end| end + 1)
}

/// Whether a tag of this name begins here: `open` (`<` or `</`), the name, and a character that
/// ends a name.
fn begins(bytes: &[u8], at: usize, open: &[u8], name: &str) -> bool {
    let rest = bytes.get(at..).unwrap_or_default().strip_prefix(open).unwrap_or_default();
    let Some((found, after)) = rest.split_at_checked(name.len()) else { return false };
    found.eq_ignore_ascii_case(name.as_bytes())
        && after.first().is_some_and(|byte| matches!(byte, b'/' | b'>') || is_blank(*byte))
}

/// Where the content of a script ends: at an end tag that does not belong to a script which begins
/// inside a comment of the script (WHATWG HTML 13.2.5.15 to 13.2.5.31).
fn script_end(bytes: &[u8]) -> Option<usize> {
    enum TokenPlace {
        Script,
        /// In a comment. Its end mark is looked for from this byte on: the dashes of `<!--` count.
        Comment(usize),
        /// In a script in a comment.
        Inner(usize),
    }
    let mut place = TokenPlace::Script;
    for at in memchr2_iter(b'<', b'>', bytes) {
        let is_open = bytes.get(at) == Some(&b'<');
        let is_end = is_open && begins(bytes, at, b"</", "script");
        place = match place {
            TokenPlace::Script | TokenPlace::Comment(_) if is_end => return Some(at),
            TokenPlace::Script if bytes.get(at..).unwrap_or_default().starts_with(b"<!--") => {
                TokenPlace::Comment(at + "<!".len())
            }
            TokenPlace::Comment(dashes) if is_open && begins(bytes, at, b"<", "script") => {
                TokenPlace::Inner(dashes)
            }
            TokenPlace::Inner(dashes) if is_end => TokenPlace::Comment(dashes),
            TokenPlace::Comment(dashes) | TokenPlace::Inner(dashes)
                if !is_open && bytes.get(dashes..at).is_some_and(|text| text.ends_with(b"--")) =>
            {
                TokenPlace::Script
            }
            same => same,
        };
    }
    None
}

/// Whether a byte is white space in HTML.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0C' | b'\r' | b' ')
}

#[cfg(test)]
mod conformance;

#[cfg(test)]
mod tests {
    use super::{HtmlToken, HtmlTokens};

    /// Tokens as a short text: `<name attribute=value>` and so on.
    fn shown(html: &str) -> String {
        let mut shown = String::new();
        let mut end = 0;
        for token in HtmlTokens::new(html) {
            shown += &match token {
                HtmlToken::Text(text) => format!("T({text})"),
                HtmlToken::End(tag) => {
                    format!("E({})", String::from_utf8_lossy(tag.name().as_bytes()))
                }
                HtmlToken::Raw(tag, content) => format!("R({} {})", tag.name, content.text),
                HtmlToken::Instruction(source) => format!("I({})", source.text),
                HtmlToken::Doctype(_) => "D".to_owned(),
                HtmlToken::Comment(_) => "C".to_owned(),
                HtmlToken::Start(tag) => {
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
        check("<!DOCTYPE html>a<!-- <b> -->c<!-->d<!--->e", "DT(a)CT(c)CT(d)CT(e)");
        check("<![if !vml]>a<![endif]><!--[if gte mso 9]><xml>b</xml><![endif]-->", "CT(a)CC");
        check("<!-- a --!>b<!----!>c<!--->d<!--->e<!---!>-->f", "CT(b)CT(c)CT(d)CT(e)CT(f)");
        check("<!-- -- > ->a-- ! --->b", "CT(b)");
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
        check("<style>a</styles></style x>b", "S(style)R(style a</styles>)E(style)T(b)");
        check("<title>a<b></title/>c", "S(title)R(title a<b>)E(title)T(c)");
        check("<textarea></p></textarea\n>", "S(textarea)R(textarea </p>)E(textarea)");
        check("<plaintext>a</plaintext>", "S(plaintext)R(plaintext a</plaintext>)");
        check("<noscript><p></noscript>", "S(noscript)S(p)E(noscript)");
    }

    #[test]
    fn a_script_ends_outside_the_scripts_in_its_comments() {
        let check = |content: &str| {
            let html = format!("<script>{content}</script>a");
            check(&html, &format!("S(script)R(script {content})E(script)T(a)"));
        };
        check("<!-- <script> </script> -->");
        check("<!-- <script></script></scripted>");
        check("<!-- </scripted>");
        check("<!--><script>");
        check("<!-- <script> -->");
    }

    #[test]
    fn a_document_may_end_anywhere() {
        let html = "<p a=\"b\" c='d' e=f g>&amp;</p><!-- h --><style>i</style>\u{E9}<?j?>";
        for (end, _) in html.char_indices() {
            shown(&html[..end]);
        }
        // Browsers drop a tag without its end.
        check("<a href=\"x", "C");
        check("b<a href=", "T(b)C");
        check("<a", "C");
        check("</a", "C");
    }
}
