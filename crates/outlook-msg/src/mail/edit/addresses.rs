//! Parses addresses in the forms that people type into `to`, `from` and the like: one per line, or
//! separated by commas (RFC 5322) or semicolons (Outlook).

use crate::imsg::Address;
use crate::mail::error::Error;
use crate::mail::values::text::{one_line, without_backslashes};

/// Parses a text. `shown` are the addresses that the file shows now: a line that is shown for one
/// of them means that address, even if its name could be parsed in another way.
pub fn parse(text: &str, shown: &[Address]) -> Result<Vec<Address>, Error> {
    let mut addresses = Vec::new();
    for line in text.lines() {
        addresses.extend(parse_line(line, shown)?);
    }
    Ok(addresses)
}

/// Parses one line; see [`parse`].
pub fn parse_line(line: &str, shown: &[Address]) -> Result<Vec<Address>, Error> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(known) = shown.iter().find(|known| one_line(&known.to_string()).trim() == line) {
        return Ok(vec![known.clone()]);
    }
    if line.chars().any(char::is_control) {
        return Err(expected());
    }
    let mut addresses = Vec::new();
    for part in split(line, ';') {
        // A part without an address is a name, which may contain commas.
        if !part.contains(['@', '<']) {
            addresses.extend(parse_one(part.trim().trim_matches(','))?);
            continue;
        }
        let mut name = String::new();
        for piece in split(part, ',') {
            let (has_address, is_last_of_name) = (piece.contains('@'), piece.contains('<'));
            if !has_address && !is_last_of_name {
                // `Surname, Name <address>` is one address.
                name = if name.is_empty() { piece.to_owned() } else { format!("{name},{piece}") };
                continue;
            }
            if is_last_of_name && !name.is_empty() {
                let whole = format!("{},{piece}", std::mem::take(&mut name));
                addresses.extend(parse_one(&whole)?);
            } else {
                addresses.extend(parse_one(&std::mem::take(&mut name))?);
                addresses.extend(parse_one(piece)?);
            }
        }
        addresses.extend(parse_one(&name)?);
    }
    Ok(addresses)
}

fn expected() -> Error {
    Error::invalid("one address a line, as Name <name@example.org>")
}

/// Splits a text at separators, but not inside quotes and angle brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped, mut is_bracketed) = (false, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '<' if !is_quoted => is_bracketed = true,
            '>' if !is_quoted => is_bracketed = false,
            _ if character == separator && !is_quoted && !is_bracketed => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// Parses one address, or a name without an address; `None` for blanks.
fn parse_one(text: &str) -> Result<Option<Address>, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if is_address(text) {
        return Ok(Some(Address { name: String::new(), address: text.to_owned() }));
    }
    if let Some((name, rest)) = text.rsplit_once('<').filter(|_| text.contains('@')) {
        let address = rest.strip_suffix('>').map(str::trim).filter(|one| is_address(one));
        let is_open = name.matches('"').count() % 2 == 1;
        let address = address.filter(|_| !is_open).ok_or_else(expected)?.to_owned();
        return Ok(Some(Address { name: unquoted(name.trim()), address }));
    }
    // `ann@example.org (Ann)`
    if let Some((address, comment)) = text.split_once('(')
        && let Some(name) = comment.strip_suffix(')')
        && is_address(address.trim())
    {
        let address = address.trim().to_owned();
        return Ok(Some(Address { name: name.trim().to_owned(), address }));
    }
    if text.contains('@') {
        return Err(expected());
    }
    // `Name </O=ORG/CN=X>`. A text that ends in `>>` is a name that contains brackets.
    if let Some((name, rest)) = text.rsplit_once('<').filter(|_| !text.ends_with(">>")) {
        let address = rest.strip_suffix('>').map(str::trim).filter(|one| !one.is_empty());
        let address = address.ok_or_else(expected)?.to_owned();
        return Ok(Some(Address { name: unquoted(name.trim()), address }));
    }
    Ok(Some(Address { name: unquoted(text), address: String::new() }))
}

/// Whether a text is an SMTP address (`addr-spec`, RFC 5322 3.4.1) or an X.500 name.
fn is_address(text: &str) -> bool {
    if !Address::new("", text).is_smtp() {
        return !text.contains(['<', '>']);
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_special = |c: char| c.is_whitespace() || "<>()[],;:\"\\@".contains(c);
    let quoted = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let is_local = match quoted {
        Some(quoted) => !quoted.is_empty() && split(&format!("\"{quoted}\""), '"').len() == 1,
        None => !local.is_empty() && !local.contains(is_special),
    };
    let literal = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_domain = match literal {
        Some(literal) => !literal.is_empty() && !literal.contains(['[', ']', '<', '>']),
        None => !domain.is_empty() && !domain.contains(is_special),
    };
    is_local && is_domain
}

/// Removes the quotes around a name and the backslashes in it.
fn unquoted(name: &str) -> String {
    let Some(quoted) = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return name.to_owned();
    };
    without_backslashes(quoted)
}

#[cfg(test)]
mod tests {
    use super::{Address, parse};

    fn address(name: &str, address: &str) -> Address {
        Address { name: name.to_owned(), address: address.to_owned() }
    }

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(name, one)| address(name, one)).collect();
        assert_eq!(parse(text, &[]).unwrap(), expected, "{text}");
    }

    #[test]
    fn one_address_has_a_name_or_not() {
        check("Sales <sales@example.org>\n", &[("Sales", "sales@example.org")]);
        check("help@example.org", &[("", "help@example.org")]);
        check("<help@example.org>", &[("", "help@example.org")]);
        check("help@example.org (Help)", &[("Help", "help@example.org")]);
        check("ann@b.cc <ann@b.cc>", &[("ann@b.cc", "ann@b.cc")]);
        check("\"Doe, \\\"J\\\" Jane\" <jane@x.org>", &[("Doe, \"J\" Jane", "jane@x.org")]);
        check("A <b> c <d@example.org>", &[("A <b> c", "d@example.org")]);
        check("All of Sales", &[("All of Sales", "")]);
        check("Doe, Jane", &[("Doe, Jane", "")]);
        check("<<[cc]>>", &[("<<[cc]>>", "")]);
        check("/O=ORG/CN=X", &[("", "/O=ORG/CN=X")]);
        check("X </O=ORG/CN=X>", &[("X", "/O=ORG/CN=X")]);
        check("\"a b\"@x.org", &[("", "\"a b\"@x.org")]);
        check("a@[127.0.0.1]", &[("", "a@[127.0.0.1]")]);
        check("\n \n;,\n", &[]);
    }

    #[test]
    fn several_addresses_are_separated() {
        check(
            "ann@b.cc, bob@d.ee; Carl <c@x.yy>",
            &[("", "ann@b.cc"), ("", "bob@d.ee"), ("Carl", "c@x.yy")],
        );
        check(
            "Surname, Name <a@b.cc>, Other, One <c@d.ee>;e@f.gg;",
            &[("Surname, Name", "a@b.cc"), ("Other, One", "c@d.ee"), ("", "e@f.gg")],
        );
        check("\"A; B, C\" <a@b.cc>,d@e.ff\n", &[("A; B, C", "a@b.cc"), ("", "d@e.ff")]);
        check("Ann; Bob <b@x.yy>", &[("Ann", ""), ("Bob", "b@x.yy")]);
        check("ann@b.cc, Bob", &[("", "ann@b.cc"), ("Bob", "")]);
    }

    #[test]
    fn what_holds_an_at_and_is_no_address_is_refused() {
        for wrong in [
            "Name <",
            "Name <a@b",
            "Name <>",
            "a\u{1}b",
            "ann@b.cc bob@d.ee",
            "ann@",
            "@b.cc",
            "a@b@c.dd",
            "Friends: ann@b.cc, bob@d.ee;",
            "Ann <ann@b.cc> Bob",
            "\"Ann <ann@b.cc>",
            "a@b.cc, @",
        ] {
            assert!(parse(wrong, &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_line_that_is_shown_means_what_it_meant() {
        let shown = [address("A; B@C, \"D", "a@b.cc"), address("see b@c.dd or", "")];
        let text = "see b@c.dd or\nA; B@C, \"D <a@b.cc>\nnew@x.yy\n";
        let expected = [shown[1].clone(), shown[0].clone(), address("", "new@x.yy")];
        assert_eq!(parse(text, &shown).unwrap(), expected);
    }
}
