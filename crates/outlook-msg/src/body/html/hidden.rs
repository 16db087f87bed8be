//! Finds out which elements of a document are hidden, such as the preheader of a newsletter, and
//! where they end.
//!
//! It looks at the attributes and styles of an element, and at the style sheets before it.

use memchr::memmem;

use super::nested::Nested;
use super::style_sheet::{Declarations, ElementStyle, StyleSheet};
use super::tokens::{Tag, TagName};

/// Tracks whether the current place of the document is hidden.
#[derive(Debug, Default)]
pub(super) struct HiddenElements {
    /// The element that is hidden, if any is.
    element: Option<HiddenElement>,
    /// Whether this part is for programs other than Outlook: `<!--[if !mso]><!-->`. The other
    /// programs show elements of it that are hidden from Outlook.
    is_for_others: bool,
    /// Whether the rest of the document has no `</xml`, so that no search for it is needed.
    no_more_xml: bool,
    /// The rules of the style sheets so far.
    rules: StyleSheet,
}

#[derive(Debug)]
struct HiddenElement {
    name: TagName,
    /// The elements open in it.
    open: Nested<TagName>,
}

impl HiddenElements {
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

    /// Takes the content of a `<style>`.
    pub(super) fn style_sheet(&mut self, tag: &Tag<'_>, css: &str) {
        self.rules.add(tag, css);
    }

    /// Takes a start tag and the rest of the document. Returns whether the element is hidden.
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
            self.element = Some(HiddenElement { name, open: Nested::default() });
        }
        true
    }

    /// Takes an end tag. Returns whether it belongs to a hidden element.
    pub(super) fn end(&mut self, tag: &Tag<'_>) -> bool {
        let Some(element) = &mut self.element else { return false };
        let name = tag.name();
        if element.open.pop_until(|open| open.as_bytes() == name.as_bytes()) {
            return true;
        }
        // A browser takes a stray `</p>` or `</br>` for an element of its own.
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
            // Mail programs show the mail even if these elements are hidden.
            b"html" | b"body" => return false,
            // Office puts XML into HTML. It is hidden only if it has an end; otherwise it would
            // hide the whole rest of the document.
            b"xml" if !self.no_more_xml => {
                let end = memmem::find(after.as_bytes(), b"</xml");
                self.no_more_xml = end.is_none();
                return end.is_some();
            }
            _ => {}
        }
        let mut own = Declarations::default();
        for attribute in tag.attributes() {
            match attribute.name.len() {
                6 if attribute.name.eq_ignore_ascii_case("hidden") => return true,
                5 if attribute.name.eq_ignore_ascii_case("style") => {
                    own.take(&htmlize::unescape_attribute(attribute.value.text));
                }
                _ => {}
            }
        }
        self.style_hides(name, self.rules.style_of(tag, own))
    }

    fn style_hides(&self, name: &[u8], style: ElementStyle) -> bool {
        let hides_for_outlook = style.is_for_others_only == Some(true)
            && !self.is_for_others
            // Senders write a button twice: in a comment for Outlook, and as this link for other
            // programs.
            && name != b"a";
        style.is_displayed == Some(false)
            || style.is_invisible == Some(true)
            || style.is_transparent == Some(true)
            || style.is_clipped == Some(true) && style.has_no_size == Some(true)
            || hides_for_outlook && style.is_displayed != Some(true)
            // On other elements, senders use the size 0 to remove gaps; the elements inside have a
            // size of their own.
            || style.has_no_font_size == Some(true) && matches!(name, b"span" | b"font")
    }
}

impl HiddenElement {
    /// Whether the start tag `start` ends this element, whose own end tag may be missing.
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

/// Whether an element never has content, so that no end tag follows.
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

/// Whether the start of this element ends a paragraph.
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
