//! Character references of HTML, as `&eacute;` and `&#233;`.
//!
//! Knows nothing of tags.

use std::borrow::Cow;

use memchr::memchr;

use crate::mapi::CodePage;

/// Decodes all references in the value of an attribute.
pub(super) fn decode_attribute(value: &str) -> Cow<'_, str> {
    let Some(first) = memchr(b'&', value.as_bytes()) else { return Cow::Borrowed(value) };
    let (before, mut rest) = value.split_at(first);
    let mut decoded = String::with_capacity(value.len());
    decoded.push_str(before);
    while !rest.is_empty() {
        match reference(rest) {
            // `?a=1&copy=2` is a query of two parts, and means no sign.
            Some((character, length)) if !continues(rest, length) => {
                decoded.push(character);
                rest = rest.get(length..).unwrap_or_default();
            }
            _ => {
                let next = rest.bytes().skip(1).position(|byte| byte == b'&');
                let (plain, after) = rest.split_at(next.map_or(rest.len(), |next| next + 1));
                decoded.push_str(plain);
                rest = after;
            }
        }
    }
    Cow::Owned(decoded)
}

/// Reads the reference that the text begins with: its character, and its length in bytes.
///
/// A semicolon may be missing where browsers allow it: after numbers, and after the names of Latin-1
/// (WHATWG HTML 13.2.5.73).
pub(super) fn reference(text: &str) -> Option<(char, usize)> {
    let name = text.strip_prefix('&')?;
    if let Some(number) = name.strip_prefix('#') {
        return numeric(number).map(|(character, length)| (character, length + 2));
    }
    let letters = name.bytes().take(NAME_BYTES_MAX).take_while(u8::is_ascii_alphanumeric).count();
    if name.as_bytes().get(letters) == Some(&b';')
        && let Some(character) = named(name.get(..letters)?)
    {
        return Some((character, letters + 2));
    }
    (2..=letters.min(LATIN_1_NAME_BYTES_MAX)).rev().find_map(|length| {
        let character = named(name.get(..length)?).filter(|character| *character <= '\u{FF}')?;
        Some((character, length + 1))
    })
}

/// Whether a reference in an attribute has no semicolon and goes on as a name or a query.
fn continues(text: &str, length: usize) -> bool {
    let byte = |at: usize| text.as_bytes().get(at).copied();
    byte(length - 1) != Some(b';')
        && byte(length).is_some_and(|next| next == b'=' || next.is_ascii_alphanumeric())
}

/// Reads what follows `&#`.
fn numeric(text: &str) -> Option<(char, usize)> {
    let (radix, prefix) = if text.starts_with(['x', 'X']) { (16, 1) } else { (10, 0) };
    let digits = text.get(prefix..)?;
    let count = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let code = digits.get(..count)?.chars().try_fold(0_u32, |code, digit| {
        Some(code.saturating_mul(radix).saturating_add(digit.to_digit(radix)?))
    })?;
    if count == 0 {
        return None;
    }
    let semicolon = usize::from(digits.as_bytes().get(count) == Some(&b';'));
    let character = match u8::try_from(code) {
        Ok(0) => char::REPLACEMENT_CHARACTER,
        // Numbers of the C1 controls are bytes of Windows-1252 in practice (13.2.5.80).
        Ok(byte @ 0x80..=0x9F) => {
            CodePage::WINDOWS_1252.decode(&[byte]).chars().next().unwrap_or_default()
        }
        _ => char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    Some((character, prefix + count + semicolon))
}

fn named(name: &str) -> Option<char> {
    let index = NAMED.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    NAMED.get(index).map(|(_, character)| *character)
}

/// `NonBreakingSpace` is the longest name of the table.
const NAME_BYTES_MAX: usize = 16;
/// As `frac12` and `Aacute`.
const LATIN_1_NAME_BYTES_MAX: usize = 6;

/// The names of HTML 4, and those of HTML 5 for ASCII signs and the letters of European languages.
#[rustfmt::skip]
static NAMED: [(&str, char); 400] = [
    ("AElig", 'Æ'), ("AMP", '&'), ("Aacute", 'Á'), ("Abreve", 'Ă'), ("Acirc", 'Â'),
    ("Agrave", 'À'), ("Alpha", 'Α'), ("Amacr", 'Ā'), ("Aogon", 'Ą'), ("Aring", 'Å'),
    ("Atilde", 'Ã'), ("Auml", 'Ä'), ("Beta", 'Β'), ("COPY", '©'), ("Cacute", 'Ć'), ("Ccaron", 'Č'),
    ("Ccedil", 'Ç'), ("Chi", 'Χ'), ("Dagger", '‡'), ("Dcaron", 'Ď'), ("Delta", 'Δ'),
    ("Dstrok", 'Đ'), ("ETH", 'Ð'), ("Eacute", 'É'), ("Ecaron", 'Ě'), ("Ecirc", 'Ê'),
    ("Egrave", 'È'), ("Emacr", 'Ē'), ("Eogon", 'Ę'), ("Epsilon", 'Ε'), ("Eta", 'Η'), ("Euml", 'Ë'),
    ("GT", '>'), ("Gamma", 'Γ'), ("Gbreve", 'Ğ'), ("Hat", '^'), ("Iacute", 'Í'), ("Icirc", 'Î'),
    ("Idot", 'İ'), ("Igrave", 'Ì'), ("Imacr", 'Ī'), ("Iota", 'Ι'), ("Iuml", 'Ï'), ("Kappa", 'Κ'),
    ("LT", '<'), ("Lambda", 'Λ'), ("Lcaron", 'Ľ'), ("Lstrok", 'Ł'), ("Mu", 'Μ'), ("Nacute", 'Ń'),
    ("Ncaron", 'Ň'), ("NewLine", '\n'), ("NonBreakingSpace", '\u{A0}'), ("Ntilde", 'Ñ'),
    ("Nu", 'Ν'), ("OElig", 'Œ'), ("Oacute", 'Ó'), ("Ocirc", 'Ô'), ("Odblac", 'Ő'), ("Ograve", 'Ò'),
    ("Omega", 'Ω'), ("Omicron", 'Ο'), ("Oslash", 'Ø'), ("Otilde", 'Õ'), ("Ouml", 'Ö'),
    ("Phi", 'Φ'), ("Pi", 'Π'), ("Prime", '″'), ("Psi", 'Ψ'), ("QUOT", '"'), ("REG", '®'),
    ("Racute", 'Ŕ'), ("Rcaron", 'Ř'), ("Rho", 'Ρ'), ("Sacute", 'Ś'), ("Scaron", 'Š'),
    ("Scedil", 'Ş'), ("Sigma", 'Σ'), ("THORN", 'Þ'), ("TRADE", '™'), ("Tab", '\t'), ("Tau", 'Τ'),
    ("Tcaron", 'Ť'), ("Tcedil", 'Ţ'), ("Theta", 'Θ'), ("Uacute", 'Ú'), ("Ucirc", 'Û'),
    ("Udblac", 'Ű'), ("Ugrave", 'Ù'), ("Umacr", 'Ū'), ("Uogon", 'Ų'), ("Upsilon", 'Υ'),
    ("Uring", 'Ů'), ("Uuml", 'Ü'), ("Xi", 'Ξ'), ("Yacute", 'Ý'), ("Yuml", 'Ÿ'), ("Zacute", 'Ź'),
    ("Zcaron", 'Ž'), ("Zdot", 'Ż'), ("ZeroWidthSpace", '\u{200B}'), ("Zeta", 'Ζ'), ("aacute", 'á'),
    ("abreve", 'ă'), ("acirc", 'â'), ("acute", '´'), ("aelig", 'æ'), ("agrave", 'à'),
    ("alefsym", 'ℵ'), ("alpha", 'α'), ("amacr", 'ā'), ("amp", '&'), ("and", '∧'), ("ang", '∠'),
    ("aogon", 'ą'), ("apos", '\''), ("aring", 'å'), ("ast", '*'), ("asymp", '≈'), ("atilde", 'ã'),
    ("auml", 'ä'), ("bdquo", '„'), ("beta", 'β'), ("bigstar", '★'), ("blacksquare", '▪'),
    ("brvbar", '¦'), ("bsol", '\\'), ("bull", '•'), ("cacute", 'ć'), ("cap", '∩'), ("ccaron", 'č'),
    ("ccedil", 'ç'), ("cedil", '¸'), ("cent", '¢'), ("check", '✓'), ("checkmark", '✓'),
    ("chi", 'χ'), ("cir", '○'), ("circ", 'ˆ'), ("clubs", '♣'), ("colon", ':'), ("comma", ','),
    ("commat", '@'), ("cong", '≅'), ("copy", '©'), ("copysr", '℗'), ("crarr", '↵'), ("cross", '✗'),
    ("cup", '∪'), ("curren", '¤'), ("dArr", '⇓'), ("dagger", '†'), ("darr", '↓'), ("dash", '‐'),
    ("dcaron", 'ď'), ("deg", '°'), ("delta", 'δ'), ("diams", '♦'), ("divide", '÷'),
    ("dollar", '$'), ("dstrok", 'đ'), ("eacute", 'é'), ("ecaron", 'ě'), ("ecirc", 'ê'),
    ("egrave", 'è'), ("ell", 'ℓ'), ("emacr", 'ē'), ("empty", '∅'), ("emsp", '\u{2003}'),
    ("emsp13", '\u{2004}'), ("emsp14", '\u{2005}'), ("ensp", '\u{2002}'), ("eogon", 'ę'),
    ("epsilon", 'ε'), ("equals", '='), ("equiv", '≡'), ("eta", 'η'), ("eth", 'ð'), ("euml", 'ë'),
    ("euro", '€'), ("excl", '!'), ("exist", '∃'), ("female", '♀'), ("fnof", 'ƒ'), ("forall", '∀'),
    ("frac12", '½'), ("frac13", '⅓'), ("frac14", '¼'), ("frac15", '⅕'), ("frac16", '⅙'),
    ("frac18", '⅛'), ("frac23", '⅔'), ("frac25", '⅖'), ("frac34", '¾'), ("frac35", '⅗'),
    ("frac38", '⅜'), ("frac45", '⅘'), ("frac56", '⅚'), ("frac58", '⅝'), ("frac78", '⅞'),
    ("frasl", '⁄'), ("gamma", 'γ'), ("gbreve", 'ğ'), ("ge", '≥'), ("grave", '`'), ("gt", '>'),
    ("hArr", '⇔'), ("hairsp", '\u{200A}'), ("half", '½'), ("harr", '↔'), ("hearts", '♥'),
    ("hellip", '…'), ("hyphen", '‐'), ("iacute", 'í'), ("icirc", 'î'), ("iexcl", '¡'),
    ("igrave", 'ì'), ("imacr", 'ī'), ("image", 'ℑ'), ("infin", '∞'), ("inodot", 'ı'), ("int", '∫'),
    ("iota", 'ι'), ("iquest", '¿'), ("isin", '∈'), ("iuml", 'ï'), ("kappa", 'κ'), ("lArr", '⇐'),
    ("lambda", 'λ'), ("lang", '⟨'), ("laquo", '«'), ("larr", '←'), ("larrhk", '↩'),
    ("lbrace", '{'), ("lbrack", '['), ("lcaron", 'ľ'), ("lceil", '⌈'), ("lcub", '{'),
    ("ldquo", '“'), ("le", '≤'), ("lfloor", '⌊'), ("lowast", '∗'), ("lowbar", '_'), ("loz", '◊'),
    ("lpar", '('), ("lrm", '\u{200E}'), ("lsaquo", '‹'), ("lsqb", '['), ("lsquo", '‘'),
    ("lstrok", 'ł'), ("lt", '<'), ("macr", '¯'), ("male", '♂'), ("mdash", '—'), ("micro", 'µ'),
    ("middot", '·'), ("minus", '−'), ("mu", 'μ'), ("nabla", '∇'), ("nacute", 'ń'),
    ("nbsp", '\u{A0}'), ("ncaron", 'ň'), ("ndash", '–'), ("ne", '≠'), ("nearr", '↗'), ("ni", '∋'),
    ("not", '¬'), ("notin", '∉'), ("nsub", '⊄'), ("ntilde", 'ñ'), ("nu", 'ν'), ("num", '#'),
    ("numero", '№'), ("numsp", '\u{2007}'), ("nwarr", '↖'), ("oacute", 'ó'), ("ocirc", 'ô'),
    ("odblac", 'ő'), ("oelig", 'œ'), ("ograve", 'ò'), ("oline", '‾'), ("omega", 'ω'),
    ("omicron", 'ο'), ("oplus", '⊕'), ("or", '∨'), ("ordf", 'ª'), ("ordm", 'º'), ("oslash", 'ø'),
    ("otilde", 'õ'), ("otimes", '⊗'), ("ouml", 'ö'), ("para", '¶'), ("part", '∂'), ("percnt", '%'),
    ("period", '.'), ("permil", '‰'), ("perp", '⊥'), ("phi", 'φ'), ("phone", '☎'), ("pi", 'π'),
    ("piv", 'ϖ'), ("plus", '+'), ("plusmn", '±'), ("pound", '£'), ("prime", '′'), ("prod", '∏'),
    ("prop", '∝'), ("psi", 'ψ'), ("puncsp", '\u{2008}'), ("quest", '?'), ("quot", '"'),
    ("rArr", '⇒'), ("racute", 'ŕ'), ("radic", '√'), ("rang", '⟩'), ("raquo", '»'), ("rarr", '→'),
    ("rarrhk", '↪'), ("rarrw", '↝'), ("rbrace", '}'), ("rbrack", ']'), ("rcaron", 'ř'),
    ("rceil", '⌉'), ("rcub", '}'), ("rdquo", '”'), ("real", 'ℜ'), ("reg", '®'), ("rfloor", '⌋'),
    ("rho", 'ρ'), ("rlm", '\u{200F}'), ("rpar", ')'), ("rsaquo", '›'), ("rsqb", ']'),
    ("rsquo", '’'), ("sacute", 'ś'), ("sbquo", '‚'), ("scaron", 'š'), ("scedil", 'ş'),
    ("sdot", '⋅'), ("searr", '↘'), ("sect", '§'), ("semi", ';'), ("shy", '\u{AD}'), ("sigma", 'σ'),
    ("sigmaf", 'ς'), ("sim", '∼'), ("sol", '/'), ("spades", '♠'), ("squ", '□'), ("square", '□'),
    ("squf", '▪'), ("star", '☆'), ("starf", '★'), ("sub", '⊂'), ("sube", '⊆'), ("sum", '∑'),
    ("sup", '⊃'), ("sup1", '¹'), ("sup2", '²'), ("sup3", '³'), ("supe", '⊇'), ("swarr", '↙'),
    ("szlig", 'ß'), ("tau", 'τ'), ("tcaron", 'ť'), ("tcedil", 'ţ'), ("there4", '∴'),
    ("theta", 'θ'), ("thetasym", 'ϑ'), ("thinsp", '\u{2009}'), ("thorn", 'þ'), ("tilde", '˜'),
    ("times", '×'), ("trade", '™'), ("uArr", '⇑'), ("uacute", 'ú'), ("uarr", '↑'), ("ucirc", 'û'),
    ("udblac", 'ű'), ("ugrave", 'ù'), ("umacr", 'ū'), ("uml", '¨'), ("uogon", 'ų'), ("upsih", 'ϒ'),
    ("upsilon", 'υ'), ("uring", 'ů'), ("uuml", 'ü'), ("verbar", '|'), ("vert", '|'),
    ("weierp", '℘'), ("xi", 'ξ'), ("yacute", 'ý'), ("yen", '¥'), ("yuml", 'ÿ'), ("zacute", 'ź'),
    ("zcaron", 'ž'), ("zdot", 'ż'), ("zeta", 'ζ'), ("zwj", '\u{200D}'), ("zwnj", '\u{200C}'),
];

#[cfg(test)]
mod tests {
    use super::{NAMED, decode_attribute, reference};

    fn check(text: &str, expected: Option<(char, usize)>) {
        assert_eq!(reference(text), expected, "{text}");
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(NAMED.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn names() {
        check("&eacute;t", Some(('\u{E9}', 8)));
        check("&nbsp;", Some(('\u{A0}', 6)));
        check("&euro;", Some(('\u{20AC}', 6)));
        check("&alpha;", Some(('\u{3B1}', 7)));
        check("&apos;", Some(('\'', 6)));
        check("&NonBreakingSpace;", Some(('\u{A0}', 18)));
        check("&nosuch;", None);
        check("&", None);
        check("& ", None);
    }

    #[test]
    fn latin_1_names_need_no_semicolon() {
        check("&nbsp&nbsp", Some(('\u{A0}', 5)));
        check("&copy2020", Some(('\u{A9}', 5)));
        check("&frac12x", Some(('\u{BD}', 7)));
        check("&notit;", Some(('\u{AC}', 4)));
        check("&euro", None);
        check("&alpha", None);
    }

    #[test]
    fn numbers() {
        check("&#233;", Some(('\u{E9}', 6)));
        check("&#xE9;", Some(('\u{E9}', 6)));
        check("&#233x", Some(('\u{E9}', 5)));
        check("&#x1F600;", Some(('\u{1F600}', 9)));
        check("&#146;", Some(('\u{2019}', 6)));
        check("&#0;", Some(('\u{FFFD}', 4)));
        check("&#xD800;", Some(('\u{FFFD}', 8)));
        check("&#99999999999999999999;", Some(('\u{FFFD}', 23)));
        check("&#;", None);
        check("&#x;", None);
    }

    #[test]
    fn a_query_is_no_reference() {
        assert_eq!(decode_attribute("a?b=1&amp;c=2&copy=3&reg"), "a?b=1&c=2&copy=3\u{AE}");
        assert_eq!(decode_attribute("plain"), "plain");
        assert_eq!(decode_attribute("&&&amp;&"), "&&&&");
        assert_eq!(decode_attribute("&eacutex"), "&eacutex");
    }
}
