//! Finds the declarations that can hide an element: in its own style, and in the style sheets.
//!
//! Knows selectors of a tag, a class or an id, or of a tag with a class or an id. Rules in `@media`
//! and the like are skipped, because they hold only for some screens or for paper.

use std::collections::HashMap;

use super::tokens::Tag;

/// The declarations of a style that can hide an element; `None` for those that it does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ElementStyle {
    pub(super) is_displayed: Option<bool>,
    pub(super) is_invisible: Option<bool>,
    pub(super) is_transparent: Option<bool>,
    pub(super) is_clipped: Option<bool>,
    pub(super) has_no_size: Option<bool>,
    pub(super) has_no_font_size: Option<bool>,
    pub(super) is_for_others_only: Option<bool>,
}

impl ElementStyle {
    /// Takes a declaration, its value without `!important`. If a property is declared twice, the
    /// last one counts.
    fn take(&mut self, property: &str, value: &str) {
        let is = |name: &str| property.eq_ignore_ascii_case(name);
        let has = |name: &str| value.eq_ignore_ascii_case(name);
        // Most properties are `mso-…` or `font-…`; the first letter sorts out nearly all of them.
        match property.as_bytes().first().map(u8::to_ascii_lowercase) {
            Some(b'd') if is("display") => self.is_displayed = Some(!has("none")),
            Some(b'v') if is("visibility") => {
                self.is_invisible = Some(has("hidden") || has("collapse"));
            }
            Some(b'o') if is("opacity") => self.is_transparent = Some(is_zero(value)),
            Some(b'o') if is("overflow") => self.is_clipped = Some(has("hidden") || has("clip")),
            Some(b'm') if is("mso-hide") => self.is_for_others_only = Some(has("all")),
            Some(b'm' | b'h' | b'w')
                if is("max-height") || is("max-width") || is("height") || is("width") =>
            {
                // A width or a height of 0 is enough.
                self.has_no_size = Some(self.has_no_size == Some(true) || is_zero(value));
            }
            Some(b'f') if is("font-size") => self.has_no_font_size = Some(is_zero(value)),
            _ => {}
        }
    }

    /// This style, with the declarations of a style of more weight in place of its own.
    fn under(self, over: Self) -> Self {
        Self {
            is_displayed: over.is_displayed.or(self.is_displayed),
            is_invisible: over.is_invisible.or(self.is_invisible),
            is_transparent: over.is_transparent.or(self.is_transparent),
            is_clipped: over.is_clipped.or(self.is_clipped),
            has_no_size: over.has_no_size.or(self.has_no_size),
            has_no_font_size: over.has_no_font_size.or(self.has_no_font_size),
            is_for_others_only: over.is_for_others_only.or(self.is_for_others_only),
        }
    }
}

/// Normal declarations, and those that are `!important`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Declarations {
    normal: ElementStyle,
    important: ElementStyle,
}

impl Declarations {
    /// Takes the declarations of a rule or of an attribute.
    pub(super) fn take(&mut self, text: &str) {
        for (property, value) in declarations(text) {
            let (value, weight) = value.split_once('!').unwrap_or((value, ""));
            let is_important = weight.trim().eq_ignore_ascii_case("important");
            let style = if is_important { &mut self.important } else { &mut self.normal };
            style.take(property, value.trim());
        }
    }

    /// These declarations, overridden by those of a later rule with the same selector.
    fn then(self, later: Self) -> Self {
        Self {
            normal: self.normal.under(later.normal),
            important: self.important.under(later.important),
        }
    }

    fn says_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// The rules of the style sheets of a document.
#[derive(Debug, Default)]
pub(super) struct StyleSheet {
    /// By selector: `p`, `.a`, `p.a` or `#b`.
    rules: HashMap<String, Rule>,
    /// How many bytes of style sheets were read, and how many selectors.
    bytes: usize,
    selectors: usize,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    /// The position of the rule. Of two rules with the same weight, the later one counts.
    order: usize,
    style: Declarations,
}

/// More rules, or more bytes of them, are not read.
const RULES_MAX: usize = 2_000;
const BYTES_MAX: usize = 1 << 20;
/// At most this many classes of an element are looked up.
const CLASSES_MAX: usize = 16;

impl StyleSheet {
    /// Adds a style sheet, unless its `media` excludes screens.
    pub(super) fn add(&mut self, tag: &Tag<'_>, css: &str) {
        let media = tag.attribute("media").map_or("", |media| media.text.trim());
        let is_for_all =
            ["", "all", "screen"].iter().any(|known| media.eq_ignore_ascii_case(known));
        self.bytes = self.bytes.saturating_add(css.len());
        if !is_for_all || self.bytes > BYTES_MAX {
            return;
        }
        let css = without_comments(css);
        let mut rest = css.as_str();
        while let Some((selectors, block, after)) = next_rule(rest) {
            rest = after;
            let mut style = Declarations::default();
            style.take(block);
            if style.says_nothing() || selectors.starts_with('@') {
                continue;
            }
            for selector in selectors.split(',').filter_map(simple) {
                self.add_rule(selector, style);
            }
        }
    }

    fn add_rule(&mut self, selector: String, style: Declarations) {
        self.selectors += 1;
        if self.rules.len() < RULES_MAX || self.rules.contains_key(&selector) {
            let rule = Rule { order: self.selectors, style: Declarations::default() };
            let rule = self.rules.entry(selector).or_insert(rule);
            rule.order = self.selectors;
            rule.style = rule.style.then(style);
        }
    }

    /// The style of an element: from the rules, and from its own `style` attribute.
    pub(super) fn style_of(&self, tag: &Tag<'_>, own: Declarations) -> ElementStyle {
        let found = if self.rules.is_empty() { Vec::new() } else { self.find(tag) };
        let normal = found.iter().map(|rule| rule.normal).chain([own.normal]);
        let important = found.iter().map(|rule| rule.important).chain([own.important]);
        normal.chain(important).fold(ElementStyle::default(), ElementStyle::under)
    }

    /// The rules that apply to an element, those with less weight first: by tag, by class in the
    /// order of the style sheet, by id.
    fn find(&self, tag: &Tag<'_>) -> Vec<Declarations> {
        let name = tag.name.to_ascii_lowercase();
        let value = |attribute| {
            let value = tag.attribute(attribute)?;
            Some(htmlize::unescape_attribute(value.text).into_owned())
        };
        let mut found = Vec::new();
        let mut look = |weight: usize, selector: &str| {
            let rule = self.rules.get(selector);
            found.extend(rule.map(|rule| ((weight, rule.order), rule.style)));
        };
        look(0, &name);
        for class in
            value("class").iter().flat_map(|all| all.split_ascii_whitespace()).take(CLASSES_MAX)
        {
            look(1, &format!(".{class}"));
            look(2, &format!("{name}.{class}"));
        }
        if let Some(id) = value("id") {
            look(3, &format!("#{id}"));
            look(4, &format!("{name}#{id}"));
        }
        found.sort_by_key(|(weight, _)| *weight);
        found.into_iter().map(|(_, style)| style).collect()
    }
}

/// The next rule, or a whole `@media` with its content: the text before the block, the block, and
/// what follows. `None` if no further block is closed.
fn next_rule(css: &str) -> Option<(&str, &str, &str)> {
    let mut rest = css;
    loop {
        let open = rest.find(['{', ';', '}'])?;
        let (before, after) = (rest.get(..open)?, rest.get(open + 1..)?);
        if rest.as_bytes().get(open) == Some(&b'{') {
            let end = block_length(after)?;
            return Some((before.trim(), after.get(..end)?, after.get(end + 1..)?));
        }
        // `@import x;`, or a `}` without a `{`.
        rest = after;
    }
}

/// The length of a block up to its own `}`, not one in a string or of an inner block.
fn block_length(css: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    let mut bytes = css.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (byte, quote) {
            (b'\\', _) => {
                bytes.next();
            }
            (b'"' | b'\'', None) => quote = Some(byte),
            // A string ends with its line.
            (b'\n', _) => quote = None,
            (byte, Some(open)) if byte == open => quote = None,
            (_, Some(_)) => {}
            (b'{', None) => depth += 1,
            (b'}', None) if depth == 0 => return Some(at),
            (b'}', None) => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A style sheet without its comments. Comment marks of HTML around it are ignored (CSS Syntax
/// 4.3.1).
fn without_comments(css: &str) -> String {
    let mut text = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        text.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.replace("<!--", "").replace("-->", "")
}

/// A selector that is a tag, a class or an id, or a tag with a class or an id. The tag is in lower
/// case.
fn simple(selector: &str) -> Option<String> {
    let selector = selector.trim();
    let start = selector.find(['.', '#']).unwrap_or(selector.len());
    let (tag, name) = selector.split_at_checked(start)?;
    let is_word = |text: &str| {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        !text.is_empty() && text.chars().all(is_part)
    };
    let has_tag = tag.is_empty() || is_word(tag);
    let has_name = name.is_empty() || name.get(1..).is_some_and(is_word);
    let is_simple = has_tag && has_name && !selector.is_empty();
    is_simple.then(|| tag.to_ascii_lowercase() + name)
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::to_text;

    fn check(html: &str, expected: &str) {
        assert_eq!(to_text(html, &|_| None), expected, "{html}");
    }

    /// `b` is in an element of a class and an id.
    fn check_rules(css: &str, is_seen: bool) {
        let html = format!("<style>{css}</style>a<span class='o x' id=i>b</span>c");
        check(&html, if is_seen { "abc\n" } else { "ac\n" });
    }

    #[test]
    fn rules_hide_by_class_id_and_tag() {
        for css in [
            ".x{display:none}",
            "#i { display : none }",
            "SPAN.x{display:none!important}",
            "span#i{visibility:hidden}",
            "span{display:none}",
            ".x{mso-hide:all}",
            ".y, .x\n{color:red;display:none;}",
            "p{margin:0}/* } */.x{/* { */display:none}",
            "<!-- .x{display:none} -->",
            "@import 'a';@media print{.o{display:block}}.x{display:none}",
            "@font-face{font-family:'}'}.x{display:none}",
            ".x{display:block}.x{display:none}",
            ".x{display:none}span{display:block}",
            ".o{display:block}.x{display:none}",
            ".x{display:none!important}#i{display:block}",
            ".x{overflow:hidden}#i{max-height:0}",
        ] {
            check_rules(css, false);
        }
    }

    #[test]
    fn other_rules_hide_nothing() {
        for css in [
            "@media print{.x{display:none}}",
            "@media screen and (max-width:600px){.o{a:'}'}.x{display:none}}",
            "@media print{.o{display:block}.x{display:none}",
            "p .x{display:none}",
            ".x:hover{display:none}",
            ".x.y{display:none}",
            "div.x{display:none}",
            "[class=x]{display:none}",
            "*{display:none}",
            ".X{display:none}",
            ".x{display:none}.x{display:inline}",
            ".x{display:none}#i{display:inline}",
            ".x{display:none}.o{display:inline}",
            "#i{display:none}.x{display:inline!important}",
            ".x{display:none",
            "/* .x{display:none}",
            "} .x{content:'display:none'}",
        ] {
            check_rules(css, true);
        }
    }

    #[test]
    fn an_element_has_the_last_word() {
        let style = "<style>.x{display:none}.y{display:none!important}</style>";
        check(&format!("{style}<p class=x style='display:block'>a</p>"), "a\n");
        check(&format!("{style}<p class=y style='display:block'>a</p>"), "");
        check(&format!("{style}<p class=y style='display:block!important'>a</p>"), "a\n");
        check(&format!("{style}<body class=x>a"), "a\n");
        check("<style media=print>.x{display:none}</style><p class=x>a", "a\n");
        check("<style media=screen>.x{display:none}</style><p class=&#120;>a", "");
        check(
            "<!--[if !mso]><!--><style>.x{mso-hide:all}</style><p class=x>a</p><!--<![endif]-->",
            "a\n",
        );
    }

    #[test]
    fn hostile_style_sheets_take_linear_time() {
        let begun = Instant::now();
        let many = |rule: &str| format!("<style>{}</style>", rule.repeat(50_000));
        let elements = "<p class='a b c d e f g h i j k l m n o p q r s t' id=i>x".repeat(4_000);
        for rule in [".a{display:none}", "{", "@media{", "/*", "'", ".a,.b,", "a{b:c}}", "\\"] {
            to_text(&format!("{}{elements}", many(rule)), &|_| None);
        }
        // Each rule is read once, not for each of its selectors.
        let block = "color:red;".repeat(40_000);
        let css = format!("{}b{{{block}display:none}}", ".a,".repeat(150_000));
        to_text(&format!("<style>{css}</style>{elements}"), &|_| None);
        let rules: String = (0..50_000).map(|n| format!(".c{n}{{display:none}}")).collect();
        to_text(&format!("<style>{rules}</style>{elements}"), &|_| None);
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    }
}
