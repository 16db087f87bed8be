//! Which elements of a document are not to be seen, as the preheaders of newsletters, and where they
//! end.
//!
//! Knows what elements say of themselves; rules of style sheets are not read.

use memchr::memmem;

use super::nested::Nested;
use super::tokens::{Name, Tag};

/// Keeps track of what is hidden.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// The element that is hidden, if any is.
    element: Option<Element>,
    /// Whether this part is for other programs than Outlook: `<!--[if !mso]><!-->`. What Outlook is
    /// told to hide there is what the others show.
    is_for_others: bool,
    /// Whether there is no further end of an island of XML.
    no_more_xml: bool,
}

#[derive(Debug)]
struct Element {
    name: Name,
    /// The elements open in it.
    open: Nested<Name>,
}

impl Hidden {
    /// Whether text here is hidden.
    pub(super) const fn is_here(&self) -> bool {
        self.element.is_some()
    }

    /// Takes a comment.
    pub(super) fn comment(&mut self, comment: &str) {
        if comment.starts_with("<!--[if !mso]") || comment.starts_with("<![if !mso]") {
            self.is_for_others = true;
        } else if comment.contains("<![endif]") {
            self.is_for_others = false;
        }
    }

    /// Takes a start tag, and what follows it; says whether the element is hidden.
    pub(super) fn start(&mut self, tag: &Tag<'_>, after: &str) -> bool {
        let name = tag.name();
        if let Some(element) = &mut self.element {
            if !element.is_ended_by_start(name.as_bytes()) {
                if !is_void(name.as_bytes()) {
                    element.open.push(name);
                }
                return true;
            }
            self.element = None;
        }
        if !self.hides(tag, name.as_bytes(), after) {
            return false;
        }
        if !is_void(name.as_bytes()) {
            self.element = Some(Element { name, open: Nested::default() });
        }
        true
    }

    /// Takes an end tag; says whether it belongs to what is hidden.
    pub(super) fn end(&mut self, tag: &Tag<'_>) -> bool {
        let Some(element) = &mut self.element else { return false };
        let name = tag.name();
        if element.open.pop_until(|open| open.as_bytes() == name.as_bytes()) {
            return true;
        }
        // These two stand for elements of their own if nothing is open that they end.
        let is_stray = matches!(name.as_bytes(), b"p" | b"br");
        let is_own = element.name.as_bytes() == name.as_bytes();
        if is_own || !is_stray {
            self.element = None;
        }
        is_own || is_stray
    }

    fn hides(&mut self, tag: &Tag<'_>, name: &[u8], after: &str) -> bool {
        match name {
            b"template" => return true,
            // Mail programs show the mail whatever these say.
            b"html" | b"body" => return false,
            // Office's islands of XML. One that has no end would hide all that follows.
            b"xml" if !self.no_more_xml => {
                let end = memmem::find(after.as_bytes(), b"</xml");
                self.no_more_xml = end.is_none();
                return end.is_some();
            }
            _ => {}
        }
        tag.attributes().any(|attribute| match attribute.name.len() {
            6 => attribute.name.eq_ignore_ascii_case("hidden"),
            5 if attribute.name.eq_ignore_ascii_case("style") => {
                self.style_hides(name, &htmlize::unescape_attribute(attribute.value.text))
            }
            _ => false,
        })
    }

    fn style_hides(&self, name: &[u8], style: &str) -> bool {
        let mut found = Style::default();
        for (property, value) in declarations(style) {
            found.take(property, value);
        }
        let hides_for_outlook = found.is_for_others_only
            && !self.is_for_others
            // A button that Outlook draws from a comment before it.
            && name != b"a";
        found.is_displayed == Some(false)
            || found.is_invisible
            || found.is_clipped && found.has_no_size
            || hides_for_outlook && found.is_displayed != Some(true)
            // On other elements it takes the gaps between what they hold, which has its own size.
            || found.has_no_font_size && matches!(name, b"span" | b"font")
    }
}

impl Element {
    /// Whether the element has its end where this one starts.
    fn is_ended_by_start(&self, start: &[u8]) -> bool {
        let is_inside = |names: &[&[u8]]| self.open.any(|open| names.contains(&open.as_bytes()));
        let cell: &[&[u8]] = &[b"td", b"th"];
        let row: &[&[u8]] = &[b"tr", b"tbody", b"thead", b"tfoot"];
        match self.name.as_bytes() {
            b"p" => is_block(start) && !is_inside(&[b"table", b"button", b"object"]),
            b"li" => start == b"li" && !is_inside(&[b"ul", b"ol", b"menu", b"dir"]),
            b"dt" | b"dd" => matches!(start, b"dt" | b"dd") && !is_inside(&[b"dl"]),
            b"option" => matches!(start, b"option" | b"optgroup"),
            b"td" | b"th" => {
                (cell.contains(&start) || row.contains(&start)) && !is_inside(&[b"table"])
            }
            b"tr" | b"tbody" | b"thead" | b"tfoot" => {
                row.contains(&start) && !is_inside(&[b"table", b"tr"])
            }
            _ => false,
        }
    }
}

/// What the style of an element says of whether it is seen.
#[derive(Debug, Default)]
struct Style {
    is_displayed: Option<bool>,
    is_invisible: bool,
    is_clipped: bool,
    has_no_size: bool,
    has_no_font_size: bool,
    is_for_others_only: bool,
}

impl Style {
    fn take(&mut self, property: &str, value: &str) {
        let is = |name: &str| property.eq_ignore_ascii_case(name);
        let value = value.split('!').next().unwrap_or_default().trim();
        let has = |name: &str| value.eq_ignore_ascii_case(name);
        // Most are `mso-` or `font-` something, and are left alone here.
        match property.as_bytes().first().map(u8::to_ascii_lowercase) {
            // Of two declarations the last one that browsers know counts.
            Some(b'd') if is("display") => self.is_displayed = Some(!has("none")),
            Some(b'v') if is("visibility") => {
                self.is_invisible |= has("hidden") || has("collapse");
            }
            Some(b'o') if is("opacity") => self.is_invisible |= is_zero(value),
            Some(b'o') if is("overflow") => self.is_clipped = has("hidden") || has("clip"),
            Some(b'm') if is("mso-hide") => self.is_for_others_only = has("all"),
            Some(b'm') if is("max-height") || is("max-width") => {
                self.has_no_size |= is_zero(value);
            }
            Some(b'h') if is("height") => self.has_no_size |= is_zero(value),
            Some(b'w') if is("width") => self.has_no_size |= is_zero(value),
            Some(b'f') if is("font-size") => self.has_no_font_size = is_zero(value),
            _ => {}
        }
    }
}

/// Whether a length is 0, in whatever unit.
fn is_zero(value: &str) -> bool {
    let number = value.trim_end_matches(|last: char| last.is_ascii_alphabetic() || last == '%');
    number.trim().parse::<f32>() == Ok(0.0)
}

/// The declarations of a style, as `margin:0`: name and value.
pub(super) fn declarations(style: &str) -> impl Iterator<Item = (&str, &str)> {
    let declarations = style.split(';').filter_map(|declaration| declaration.split_once(':'));
    declarations.map(|(name, value)| (name.trim(), value.trim()))
}

/// Whether an element has no content.
fn is_void(name: &[u8]) -> bool {
    const VOID: [&[u8]; 16] = [
        b"area",
        b"base",
        b"basefont",
        b"bgsound",
        b"br",
        b"col",
        b"embed",
        b"frame",
        b"hr",
        b"img",
        b"input",
        b"link",
        b"meta",
        b"param",
        b"source",
        b"wbr",
    ];
    VOID.contains(&name)
}

/// Whether a paragraph has its end where this element starts.
fn is_block(name: &[u8]) -> bool {
    const BLOCKS: [&[u8]; 33] = [
        b"address",
        b"article",
        b"aside",
        b"blockquote",
        b"body",
        b"center",
        b"dd",
        b"details",
        b"dir",
        b"div",
        b"dl",
        b"dt",
        b"fieldset",
        b"figure",
        b"footer",
        b"form",
        b"h1",
        b"h2",
        b"h3",
        b"h4",
        b"h5",
        b"h6",
        b"header",
        b"hr",
        b"li",
        b"main",
        b"nav",
        b"ol",
        b"p",
        b"pre",
        b"section",
        b"table",
        b"ul",
    ];
    BLOCKS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::super::to_text;

    fn check(html: &str, expected: &str) {
        assert_eq!(to_text(html, &|_| None), expected, "{html}");
    }

    #[test]
    fn what_a_style_hides() {
        for style in [
            "display:none",
            "DISPLAY : NONE !important",
            "color:red;display:none",
            "visibility:hidden",
            "opacity:0",
            "mso-hide:all",
            "max-height:0px;overflow:hidden",
            "height:0;width:0;overflow:hidden",
            "font-size:0",
            "display:&#110;one",
        ] {
            check(&format!("a<span style='{style}'>b<b>c</b><br></span>d"), "ad\n");
        }
        check("a<div hidden>b<div>c</div>d</div>e", "ae\n");
    }

    #[test]
    fn what_a_style_does_not_hide() {
        for style in [
            "display:block",
            "display:none;display:block",
            "visibility:visible",
            "opacity:0.5",
            "max-height:0px",
            "height:0",
            "font-size:1px",
            "mso-hide:none",
            "content:'display:none'",
        ] {
            check(&format!("a<span style=\"{style}\">b</span>c"), "abc\n");
        }
        check("<td style='font-size:0px'><div style='font-size:13px'>a</div></td>", "a\n");
        check("<a style='mso-hide:all'>a</a>", "a\n");
        check("<!--[if !mso]><!--><div style='mso-hide:all'>a</div><!--<![endif]-->", "a\n");
    }

    #[test]
    fn where_a_hidden_element_ends() {
        check("<p hidden>a<p>b", "b\n");
        check("<p hidden>a<b>c</b><div>b</div>", "b\n");
        check("<ul><li hidden>a<ul><li>b</ul>c<li>d</ul>", "- d\n");
        check("<table><tr><td hidden>a<td>b<tr hidden><td>c</td><tr><td>d</table>", "b\nd\n");
        // An end tag of what is around it.
        check("<div><span hidden>a</div>b", "b\n");
        check("<table><tr><td><div hidden>a</td><td>b</table>", "\tb\n");
        check("<span hidden>a<br></p>b</span>c", "c\n");
        check("<img hidden alt=a>b<br hidden>c", "bc\n");
        check("<div hidden>a", "");
        check("<body hidden>a", "a\n");
    }

    #[test]
    fn islands_of_xml() {
        check("a<xml><w:x>b</w:x></xml>c", "ac\n");
        check("a<xml>b", "ab\n");
        check("<template>a</template>b", "b\n");
    }
}
