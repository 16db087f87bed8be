//! Writes addresses into header fields (RFC 5322 section 3.4).

use std::fmt::Write as _;

use crate::imsg::Address;

use super::domain::ascii_domain;
use super::encode::{phrase, single_line};

/// A domain that never exists (RFC 2606), for addresses that have no domain.
const NO_DOMAIN: &str = "invalid";

/// A list of addresses.
pub(super) fn mailboxes<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> String {
    let written = addresses.into_iter().map(mailbox).filter(|one| !one.is_empty());
    written.collect::<Vec<_>>().join(", ")
}

/// One address as `Name <address>`. A name without an address becomes a group without members,
/// which is the only form that RFC 5322 has for it.
pub(super) fn mailbox(person: &Address) -> String {
    let address = address(&person.address);
    if !address.is_empty() {
        let name = phrase(person.shown_name().unwrap_or_default());
        let blank = if name.is_empty() { "" } else { " " };
        return format!("{name}{blank}<{address}>");
    }
    // If the address is not valid in mail, people may still want to read it, so it becomes part of
    // the name.
    let is_address = person.name.trim() == person.address.trim();
    let name = if is_address { "" } else { &person.name };
    let name = phrase(format!("{name} {}", person.address).trim());
    if name.is_empty() { name } else { format!("{name}:;") }
}

/// Whether two addresses are the same, apart from their names.
pub(super) fn is_same(a: &Address, b: &Address) -> bool {
    a.address.eq_ignore_ascii_case(&b.address)
}

/// An address in the form of RFC 5322 (`addr-spec`); empty if it cannot have that form, which has
/// only ASCII. A domain can be written so. A local part cannot: many programs and servers do not take
/// the raw characters of RFC 6532.
fn address(address: &str) -> String {
    let address = single_line(address);
    let address = address.trim().trim_start_matches('<').trim_end_matches('>');
    if address.starts_with('/') {
        return encapsulated(address);
    }
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_domain = |c: char| c.is_alphanumeric() || "-._[]:".contains(c);
    match address.rsplit_once('@') {
        Some(("", _) | (_, "")) => String::new(),
        Some((local, _)) if !local.is_ascii() => String::new(),
        Some((_, domain)) if !domain.chars().all(is_domain) => String::new(),
        Some((local, domain)) if !local.chars().all(is_atom) => {
            let inner = local.strip_prefix('"').and_then(|local| local.strip_suffix('"'));
            let inner = inner.unwrap_or(local).replace(['\\', '"'], "");
            if inner.chars().any(|c| c.is_control() || "<>".contains(c)) {
                return String::new();
            }
            with_domain(&format!("\"{inner}\""), domain)
        }
        Some((local, domain)) => with_domain(local, domain),
        // The name of a local account.
        None if address.chars().all(is_atom) => address.to_owned(),
        None => String::new(),
    }
}

fn with_domain(local: &str, domain: &str) -> String {
    ascii_domain(domain).map(|domain| format!("{local}@{domain}")).unwrap_or_default()
}

/// An X.500 name as an SMTP address, encoded as Exchange does (\[MS-OXCMAIL\] 2.1.3.1.8.4).
fn encapsulated(name: &str) -> String {
    let mut address = "IMCEAEX-".to_owned();
    for byte in name.bytes() {
        match byte {
            b'/' => address.push('_'),
            b'=' | b'-' => address.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => address.push(char::from(byte)),
            // Writing to a String cannot fail.
            byte => drop(write!(address, "+{byte:02X}")),
        }
    }
    address + "@" + NO_DOMAIN
}

#[cfg(test)]
mod tests {
    use super::mailbox;
    use crate::imsg::Address;

    fn check(name: &str, address: &str, expected: &str) {
        let person = Address { name: name.to_owned(), address: address.to_owned() };
        assert_eq!(mailbox(&person), expected, "{person:?}");
    }

    #[test]
    fn addresses_are_those_of_rfc_5322() {
        check("Ann Lee", "ann@example.org", "Ann Lee <ann@example.org>");
        check("Lee, Ann \"A\"", "a@b.c", "\"Lee, Ann \\\"A\\\"\" <a@b.c>");
        check("Zoë", "zoe@example.org", "=?utf-8?Q?Zo=C3=AB?= <zoe@example.org>");
        check("", "a@b.c", "<a@b.c>");
        check("A@b.c", "a@b.c", "<a@b.c>");
        check("Ann", "", "Ann:;");
        check("", "", "");
        check("Ann", "root", "Ann <root>");
        check("Ann", "FAX 12", "Ann FAX 12:;");
        check("FAX 12", "FAX 12", "FAX 12:;");
        check("", "two words@b.c", "<\"two words\"@b.c>");
        check("x", "a@b.c>, <d@e.f", "\"x a@b.c>, <d@e.f\":;");
        check("", "j@ex\u{E4}mple.com", "<j@xn--exmple-cua.com>");
        check("Zo\u{EB}", "zo\u{EB}@b.c", "=?utf-8?Q?Zo=C3=AB_zo=C3=AB=40b=2Ec?=:;");
        check("", "j\u{F6}", "=?utf-8?B?asO2?=:;");
        check("x\r\nBcc: y", "a@b.c", "\"x Bcc: y\" <a@b.c>");
    }

    #[test]
    fn an_x_500_name_is_encapsulated() {
        let address = "/O=ORG (1)/CN=ANN_B";
        check("Ann", address, "Ann <IMCEAEX-_O=ORG+20+281+29_CN=ANN+5FB@invalid>");
    }
}
