//! Documents, and the text that is made from them.

use std::time::{Duration, Instant};

use super::super::Reference;
use super::to_text;

fn check(html: &str, expected: &str) {
    assert_eq!(to_text(html, &|_| None), expected, "{html}");
}

#[test]
fn blanks_collapse_and_blocks_begin_lines() {
    check("", "");
    check("  a \r\n\t b  ", "a b\n");
    check("<div>a</div> <div>b</div>", "a\nb\n");
    check("a<div><div>b</div></div>c", "a\nb\nc\n");
    check("<b>a</b><i>b</i> <u>c</u>", "ab c\n");
    check("a<br>b<br><br>c<br>", "a\nb\n\nc\n");
    check("<div>a<br></div><div><br></div><div>b</div>", "a\n\nb\n");
    check("a<hr>b", "a\n________________________________\nb\n");
}

#[test]
fn paragraphs_have_margins_unless_a_style_takes_them() {
    check("<p>a</p><p>b</p>", "a\n\nb\n");
    check("<p>a<p>b", "a\n\nb\n");
    check("<h1>a</h1>b<p>c</p>", "a\n\nb\n\nc\n");
    check("<p class=MsoNormal>a</p><p class=\"MsoNormal\">b</p>", "a\nb\n");
    check("<p style='margin: 0in 0in 0.0001pt'>a</p><p style='margin:0'>b</p>", "a\nb\n");
    check("<p style='margin:0.5em'>a</p>b", "a\n\nb\n");
    check("<style>P {margin-top:0;margin-bottom:0;}</style><p>a</p><p>b</p>", "a\nb\n");
    check("<style>p.x {margin:0}</style><p>a</p><p>b</p>", "a\n\nb\n");
}

#[test]
fn empty_paragraphs_are_one_blank_line() {
    let empty = "<p class=MsoNormal><o:p>&nbsp;</o:p></p>";
    let full = "<p class=MsoNormal>a<o:p></o:p></p>";
    check(&format!("{full}{empty}{full}"), "a\n\na\n");
    check(&format!("{empty}{empty}{full}{empty}{empty}{empty}{full}{empty}"), "a\n\na\n");
}

#[test]
fn lists() {
    check("a<ul><li>b</li><li>c<br>d</li></ul>e", "a\n- b\n- c\n  d\ne\n");
    check("<ol><li>a<li>b</ol>", "1. a\n2. b\n");
    check("<ol start=9><li>a<li>b<li value=3>c</ol>", "9. a\n10. b\n3. c\n");
    check(
        "<ul><li>a<ol><li>b</li><li><p>c</p><p>d</p></li></ol></li><li>e</li></ul>f",
        "- a\n  1. b\n\n  2. c\n\n     d\n\n- e\nf\n",
    );
    check("<ul><li></li><li>a</ul><li>b", "- a\n- b\n");
    check("<ol start=99999999999999999999><li>a</ol></ul></li>b", "1. a\nb\n");
}

#[test]
fn lists_of_word() {
    check(
        "<p class=MsoListParagraph><![if !supportLists]><span style='font-family:Symbol'>\
         <span style='mso-list:Ignore'>&middot;<span style='font:7.0pt \"Times New Roman\"'>\
         &nbsp;&nbsp;&nbsp; </span></span></span><![endif]>a&nbsp;b</p>",
        "\u{2022} a b\n",
    );
    check(
        "x <span style='font-family:Wingdings'>J</span><font face=Wingdings>\u{E0}</font>J",
        "x \u{263A}\u{2192}J\n",
    );
}

#[test]
fn tables() {
    check(
        "<table><tr><th>a<th>b</tr><tr><td><p class=MsoNormal>c</p></td> <td>d</td></tr></table>e",
        "a\tb\nc\td\ne\n",
    );
    check("<table><tr><td>a<td><td>b<td></table>", "a\t\tb\n");
    check("<table><tr><td>&nbsp;<td>b</table>", "\tb\n");
    check("<table><tr><td></td><td><br></td></tr><tr><td>a</table>", "a\n");
    check("a<td>b</td><tr>c", "a\nb\nc\n");
    // A table in a cell: cells for the looks.
    check("<table><tr><td><table><tr><td>a<td>b</table><td>c<td>d</table>", "a\tb\nc\nd\n");
}

#[test]
fn quotations() {
    check(
        "a<blockquote>b<br>c<p>d</p><blockquote>e</blockquote></blockquote>f",
        "a\n\n> b\n> c\n>\n> d\n>\n> > e\n\nf\n",
    );
    check("</blockquote>a<blockquote>b", "a\n\n> b\n");
    check("<blockquote><ul><li>a<br>b</ul></blockquote>", "> - a\n>   b\n");
}

#[test]
fn preformatted_text_is_kept() {
    check("<pre>\n a\r\n\n\n  b&lt;\tc\n</pre>d", " a\n\n\n  b<\tc\n\nd\n");
    check("<blockquote><pre>a\n\nb</pre></blockquote>", "> a\n> \n> b\n");
}

#[test]
fn links() {
    check("<a href=\"http://a.org/x\">here</a>, b", "here <http://a.org/x>, b\n");
    check("<a href='http://www.a.org/'>www.a.org</a>", "www.a.org\n");
    check("<li><a href='mailto:a@b.org'>a@b.org</a>", "- a@b.org\n");
    check("a<a href='x?a=1&amp;b=2'><img src=y></a>", "a <x?a=1&b=2>\n");
    check("<a href='x'><img alt=' a\n b '></a>", "[a b] <x>\n");
    check("<a href='x'>a<a href='y'>b</a>c", "a <x>b <y>c\n");
    check("<a href='x'>a", "a <x>\n");
    check("<p><a href='x'>a</p></a><p>b</p>", "a <x>\n\nb\n");
    check("<a href='#m'>a</a><a name=m>b</a><a href='javascript:x'>c</a>", "abc\n");
    check("<a href='x\r\ny'>a</a>", "a <xy>\n");
}

#[test]
fn pictures() {
    check("<img src=\"cid:image001.png@01\"><img alt='' src='http://a'>", "[image001.png]\n");
    check("<img src=\"cid:a\" alt=\"b &amp; c\">", "[b & c]\n");
    let resolve = |reference: Reference<'_>| match reference {
        Reference::ContentId("a@b") => Some("attachments/c d.png".to_owned()),
        Reference::ContentLocation("http://a.org/e") => Some("attachments/e.gif".to_owned()),
        _ => None,
    };
    let html = "<img src='CID:a%40b' alt=' '> <img src='http://a.org/e'> <img src='f'>";
    assert_eq!(to_text(html, &resolve), "[c d.png] [e.gif]\n");
}

#[test]
fn references_and_signs() {
    check(
        "&lt;&eacute;&#8217;&#146;&euro; &bogus; & &amp;amp;",
        "<\u{E9}\u{2019}\u{2019}\u{20AC} &bogus; & &amp;\n",
    );
    check("a&nbsp;&nbsp;b\u{A0}c", "a  b c\n");
    check("a&shy;b\u{200B}c\u{FEFF}d \u{2013} e", "abcd \u{2013} e\n");
    check("<q>a</q>", "\u{201C}a\u{201D}\n");
}

#[test]
fn what_is_not_shown_is_left_out() {
    check(
        "<head><title>t</title><style>s</style><meta name=x></head><body>a<script>b</script>\
         <!-- c --><xml>d</xml><?e?></body>",
        "a\n",
    );
}

#[test]
fn hostile_documents_take_linear_time() {
    let count = 50_000;
    let begun = Instant::now();
    for tag in [
        "<div>",
        "<blockquote>",
        "<ul><li>",
        "<ol>",
        "<table><tr><td>",
        "<td>",
        "<span>",
        "<p>",
        "<a href=x>",
        "<pre>\n",
        "</table>",
        "<style>",
        "<!--",
        "<a b=\"",
        "&#",
        "&am",
        "<",
        "<tr>",
        "url(",
        "<q>",
        "&nbsp;",
        "<br>",
        "</",
        "<a href='x'>",
        "<font face=Symbol>",
        "\u{A0} ",
    ] {
        let html = format!("{}x", tag.repeat(count));
        let text = to_text(&html, &|_| None);
        assert!(text.len() < 60 * html.len(), "{tag}: {}", text.len());
        let html = format!("{tag}x<br>").repeat(count / 5);
        let text = to_text(&html, &|_| None);
        assert!(text.len() < 60 * html.len(), "{tag}: {}", text.len());
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
