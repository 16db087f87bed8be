//! What people write, and how Outlook stores it.

use std::fmt::Write as _;

use super::random::Random;

/// A word that one message in a hundred has in its bodies, to search for.
const NEEDLE: &str = "quarterdeck";
const NEEDLE_PERCENT: usize = 1;

const WORDS: [&str; 96] = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "we",
    "you",
    "for",
    "is",
    "that",
    "on",
    "with",
    "it",
    "as",
    "be",
    "this",
    "are",
    "our",
    "will",
    "have",
    "from",
    "your",
    "not",
    "at",
    "by",
    "please",
    "meeting",
    "project",
    "report",
    "invoice",
    "attached",
    "review",
    "budget",
    "schedule",
    "delivery",
    "contract",
    "customer",
    "office",
    "update",
    "regards",
    "thanks",
    "team",
    "next",
    "week",
    "Monday",
    "Thursday",
    "before",
    "after",
    "draft",
    "final",
    "version",
    "number",
    "order",
    "payment",
    "question",
    "answer",
    "call",
    "phone",
    "email",
    "address",
    "document",
    "changes",
    "approve",
    "confirm",
    "harbour",
    "shipment",
    "crane",
    "survey",
    "quotation",
    "supplier",
    "warehouse",
    "engineer",
    "drawing",
    "inspection",
    "permit",
    "insurance",
    "deadline",
    "available",
    "tomorrow",
    "morning",
    "afternoon",
    "possible",
    "should",
    "could",
    "would",
    "about",
    "between",
    "during",
    "through",
    "naïve",
    "café",
    "Müller",
    "Søren",
    "price",
    "total",
    "account",
];
const NAMES: [&str; 24] = [
    "Anna", "Boris", "Clara", "David", "Elena", "Farid", "Greta", "Hugo", "Irene", "Jonas",
    "Karin", "Luis", "Marta", "Nils", "Olga", "Pedro", "Rosa", "Stefan", "Tilda", "Ulrich", "Vera",
    "Walter", "Yara", "Zoltan",
];
const SURNAMES: [&str; 20] = [
    "Andersen", "Berger", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Horvat", "Ivanova",
    "Jansen", "Keller", "Lopez", "Moreau", "Novak", "Olsen", "Petrov", "Quist", "Rossi", "Schmidt",
    "Torres",
];
const DOMAINS: [&str; 4] = ["example.com", "example.org", "example.net", "mail.example.com"];

/// A name and its address.
pub(crate) fn person(random: &mut Random) -> (String, String) {
    let (first, last) = (random.pick(&NAMES), random.pick(&SURNAMES));
    let domain = random.pick(&DOMAINS);
    (format!("{first} {last}"), format!("{first}.{last}@{domain}").to_lowercase())
}

/// A subject of 2 to 7 words.
pub(crate) fn subject(random: &mut Random) -> String {
    let prefix = match random.below(10) {
        0..4 => "RE: ",
        4 => "FW: ",
        _ => "",
    };
    let count = 2 + random.below(6);
    let words: Vec<_> = (0..count).map(|_| *random.pick(&WORDS)).collect();
    format!("{prefix}{}", words.join(" "))
}

/// Paragraphs of so many bytes, or a little more.
pub(crate) fn paragraphs(random: &mut Random, len: usize) -> Vec<String> {
    let mut paragraphs = Vec::new();
    let mut left = len;
    let needle_at = random.percent(NEEDLE_PERCENT).then(|| random.below(2));
    while left > 0 || paragraphs.is_empty() {
        let mut text = String::new();
        for word in 0..15 + random.below(60) {
            let separator = if word == 0 { "" } else { " " };
            let _ = write!(text, "{separator}{}", random.pick(&WORDS));
        }
        if needle_at == Some(paragraphs.len()) {
            let _ = write!(text, " {NEEDLE}");
        }
        text.push('.');
        left = left.saturating_sub(text.len());
        paragraphs.push(text);
    }
    paragraphs
}

/// The page that Word makes of paragraphs.
pub(crate) fn html(paragraphs: &[String]) -> String {
    let mut html = HEAD.to_owned();
    for text in paragraphs {
        let _ = write!(html, "<p class=MsoNormal>{text}<o:p></o:p></p>\r\n");
    }
    html + "</div>\r\n</body>\r\n</html>\r\n"
}

/// The page inside RTF (\[MS-OXRTFEX\] 2.1.3).
pub(crate) fn encapsulated(paragraphs: &[String]) -> Vec<u8> {
    let mut rtf = String::from(
        "{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\fbidis \\deff0{\\fonttbl\r\n\
         {\\f0\\fswiss Arial;}\r\n{\\f1\\fmodern Courier New;}\r\n{\\f2\\fnil\\fcharset2 Symbol;}\r\n\
         {\\f3\\fmodern\\fcharset0 Courier New;}\r\n{\\f4\\fswiss\\fcharset0 \"Calibri\";}}\r\n\
         {\\colortbl\\red0\\green0\\blue0;\\red5\\green99\\blue193;}\r\n\
         \\uc1\\pard\\plain\\deftab360 \\f0\\fs24\r\n",
    );
    for line in HEAD.split_inclusive("\r\n") {
        let _ = write!(rtf, "{{\\*\\htmltag64 {}}}\r\n", escaped(line.trim_end()));
    }
    for text in paragraphs {
        let _ = write!(
            rtf,
            "{{\\*\\htmltag64 <p class=MsoNormal>}}\\htmlrtf {{\\htmlrtf0 {}{{\\*\\htmltag244 <o:p>}}\
             {{\\*\\htmltag252 </o:p>}}\\htmlrtf\\par}}\\htmlrtf0\r\n{{\\*\\htmltag72 </p>}}\r\n",
            escaped(text)
        );
    }
    rtf += "{\\*\\htmltag58 </body>}\r\n{\\*\\htmltag27 </html>}}\r\n";
    rtf.into_bytes()
}

/// Text for RTF: its own characters, and those that are not ASCII in Windows-1252.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(char);
            }
            ' '..='~' => escaped.push(char),
            // The words have letters of Latin-1 only, which are the same in Windows-1252.
            _ => {
                let _ = write!(escaped, "\\'{:02x}", u32::from(char));
            }
        }
    }
    escaped
}

/// What Word puts before every body.
const HEAD: &str = concat!(
    "<html xmlns:v=\"urn:schemas-microsoft-com:vml\" xmlns:o=\"urn:schemas-microsoft-com:office:office\" ",
    "xmlns:w=\"urn:schemas-microsoft-com:office:word\" xmlns=\"http://www.w3.org/TR/REC-html40\">\r\n",
    "<head>\r\n<meta name=Generator content=\"Microsoft Word 15 (filtered medium)\">\r\n<style>\r\n",
    "@font-face {font-family:\"Cambria Math\"; panose-1:2 4 5 3 5 4 6 3 2 4;}\r\n",
    "@font-face {font-family:Calibri; panose-1:2 15 5 2 2 2 4 3 2 4;}\r\n",
    "p.MsoNormal, li.MsoNormal, div.MsoNormal {margin:0cm; font-size:11.0pt; ",
    "font-family:\"Calibri\",sans-serif; mso-fareast-language:EN-US;}\r\n",
    "a:link, span.MsoHyperlink {mso-style-priority:99; color:#0563C1; text-decoration:underline;}\r\n",
    "span.EmailStyle17 {mso-style-type:personal-compose; font-family:\"Calibri\",sans-serif; color:windowtext;}\r\n",
    ".MsoChpDefault {mso-style-type:export-only; font-family:\"Calibri\",sans-serif;}\r\n",
    "@page WordSection1 {size:612.0pt 792.0pt; margin:72.0pt 72.0pt 72.0pt 72.0pt;}\r\n",
    "div.WordSection1 {page:WordSection1;}\r\n</style>\r\n</head>\r\n",
    "<body lang=EN-GB link=\"#0563C1\" vlink=\"#954F72\" style='word-wrap:break-word'>\r\n",
    "<div class=WordSection1>\r\n",
);
