//! Runs the tokenizer tests of html5lib, which the browsers share.
//!
//! Of a `DOCTYPE`, this test compares only that there is one and where it ends, because the
//! tokenizer reads nothing else of it. CDATA sections are not compared: they exist only in SVG and
//! MathML, which the tokenizer treats like other elements.

use std::path::Path;

use serde_json::{Value, json};

use super::{ElementContent, HtmlToken, HtmlTokens, SourceText, Tag};

const TESTS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/html5lib-tests/tokenizer");

#[test]
fn agrees_with_html5lib() {
    let Ok(folder) = std::fs::read_dir(TESTS) else {
        println!("SKIPPED: no tests at {TESTS}");
        return;
    };
    let (mut ran, mut left_out) = (0, 0);
    let mut failures = Vec::new();
    for entry in folder {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "test") {
            continue;
        }
        for test in tests(&path) {
            let states = test["initialStates"].as_array().cloned();
            for state in states.unwrap_or_else(|| vec![json!("Data state")]) {
                match outcome(&test, state.as_str().unwrap()) {
                    None => left_out += 1,
                    Some(Ok(())) => ran += 1,
                    Some(Err(difference)) => failures.push(difference),
                }
            }
        }
    }
    println!("agree: {ran}, left out: {left_out}");
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(ran > 6_000, "{ran} ran");
}

fn tests(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    file["tests"].as_array_mut().map(std::mem::take).unwrap_or_default()
}

/// Runs a test in a state; `None` if the test does not apply here.
fn outcome(test: &Value, state: &str) -> Option<Result<(), String>> {
    let is_escaped = test["doubleEscaped"] == true;
    let plain = |text: &str| if is_escaped { unescaped(text) } else { Some(text.to_owned()) };
    // A browser normalizes line ends before it looks for tokens.
    let input = plain(test["input"].as_str()?)?.replace("\r\n", "\n").replace('\r', "\n");
    let expected = expected(&test["output"], &plain)?;
    let name = test["lastStartTag"].as_str().unwrap_or("none");
    let content = match state {
        "Data state" => None,
        "RCDATA state" | "RAWTEXT state" => Some(ElementContent::Text),
        "Script data state" if name != "xmp" => Some(ElementContent::Script),
        "PLAINTEXT state" => Some(ElementContent::Rest),
        _ => return None,
    };
    let mut tokens = HtmlTokens::new(&input);
    let rest = SourceText { text: "", start: name.len() + 1 };
    tokens.inside = content.map(|content| (content, Tag { name, rest }));
    let found = found(&mut tokens, state == "RCDATA state");
    let difference = || {
        let about = &test["description"];
        format!("{about} {state} {input:?}\n expected {expected:?}\n found {found:?}")
    };
    Some(if found == expected { Ok(()) } else { Err(difference()) })
}

fn found(tokens: &mut HtmlTokens<'_>, has_references: bool) -> Vec<Value> {
    let no_nul = |text: &str| text.replace('\0', "\u{FFFD}");
    let mut found = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            HtmlToken::Text(text) => push_text(&mut found, &htmlize::unescape(text)),
            HtmlToken::Raw(_, content) if has_references => {
                push_text(&mut found, &htmlize::unescape(no_nul(content.text)));
            }
            HtmlToken::Raw(_, content) => push_text(&mut found, &no_nul(content.text)),
            HtmlToken::Start(tag) => {
                // In a browser the parser switches the tokenizer into the state for a script or a
                // style. The tests have no parser.
                tokens.inside = None;
                let mut attributes = serde_json::Map::new();
                for attribute in tag.attributes() {
                    let value = no_nul(attribute.value.text);
                    let value = htmlize::unescape_attribute(value).into_owned();
                    let name = no_nul(&attribute.name.to_ascii_lowercase());
                    attributes.entry(name).or_insert(json!(value));
                }
                let name = no_nul(&tag.name.to_ascii_lowercase());
                found.push(json!(["StartTag", name, attributes]));
            }
            HtmlToken::End(tag) => {
                found.push(json!(["EndTag", no_nul(&tag.name.to_ascii_lowercase())]));
            }
            HtmlToken::Doctype(_) => found.push(json!(["DOCTYPE"])),
            HtmlToken::Instruction(source) | HtmlToken::Comment(source) => {
                if let Some(comment) = comment(source.text) {
                    found.push(json!(["Comment", no_nul(comment)]));
                }
            }
        }
    }
    found
}

/// The text of a comment without its marks; `None` if the tests do not count it as a comment.
fn comment(source: &str) -> Option<&str> {
    if let Some(comment) = source.strip_prefix("<!--") {
        if matches!(comment, ">" | "->") {
            return Some("");
        }
        let end = ["--!>", "-->"].iter().find_map(|end| comment.strip_suffix(end));
        // The end mark of a comment may be cut off.
        let open = || ["--!", "--", "-"].iter().find_map(|end| comment.strip_suffix(end));
        return Some(end.or_else(open).unwrap_or(comment));
    }
    let declaration = source.strip_suffix('>').unwrap_or(source);
    match declaration.get(1..2)? {
        "!" => declaration.get(2..),
        "?" => declaration.get(1..),
        "/" => declaration.get(2..).filter(|text| !text.is_empty() && !starts_name(text)),
        _ => None,
    }
}

/// Whether a text begins like the name of a tag.
fn starts_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
}

fn push_text(tokens: &mut Vec<Value>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(last) = tokens.last_mut()
        && last[0] == "Character"
    {
        last[1] = json!(format!("{}{text}", last[1].as_str().unwrap()));
        return;
    }
    tokens.push(json!(["Character", text]));
}

fn expected(output: &Value, plain: &dyn Fn(&str) -> Option<String>) -> Option<Vec<Value>> {
    let mut expected = Vec::new();
    for token in output.as_array()? {
        let text = || plain(token[1].as_str()?);
        match token[0].as_str()? {
            "Character" => push_text(&mut expected, &text()?),
            "DOCTYPE" => expected.push(json!(["DOCTYPE"])),
            "StartTag" => {
                let mut attributes = serde_json::Map::new();
                for (name, value) in token[2].as_object()? {
                    attributes.insert(plain(name)?, json!(plain(value.as_str()?)?));
                }
                expected.push(json!(["StartTag", text()?, attributes]));
            }
            kind => expected.push(json!([kind, text()?])),
        }
    }
    Some(expected)
}

/// Decodes `\uXXXX` in a text; `None` for half a surrogate pair, which no Rust string can hold.
fn unescaped(text: &str) -> Option<String> {
    let quoted = text.replace('"', "\\\"");
    serde_json::from_str(&format!("\"{quoted}\"")).ok()
}
