//! The files of the reader's view, read back: texts into properties.

use crate::imsg::{Address, MapiPropMut, Message, NameKind, PropertyName, RecipientType};
use crate::mapi::sets::PS_PUBLIC_STRINGS;
use crate::mapi::{PropertyTag, PropertyType, Value, tags};

use crate::mail::error::Error;
use crate::mail::reader::ReaderFile;

/// The properties of one party of a message.
struct Party {
    name: PropertyTag,
    address: PropertyTag,
    address_type: PropertyTag,
    smtp_address: PropertyTag,
    entry_id: PropertyTag,
    search_key: PropertyTag,
}

const SENDER: Party = Party {
    name: tags::PR_SENDER_NAME,
    address: tags::PR_SENDER_EMAIL_ADDRESS,
    address_type: tags::PR_SENDER_ADDRTYPE,
    smtp_address: tags::PR_SENDER_SMTP_ADDRESS,
    entry_id: tags::PR_SENDER_ENTRYID,
    search_key: tags::PR_SENDER_SEARCH_KEY,
};

const SENT_REPRESENTING: Party = Party {
    name: tags::PR_SENT_REPRESENTING_NAME,
    address: tags::PR_SENT_REPRESENTING_EMAIL_ADDRESS,
    address_type: tags::PR_SENT_REPRESENTING_ADDRTYPE,
    smtp_address: tags::PR_SENT_REPRESENTING_SMTP_ADDRESS,
    entry_id: tags::PR_SENT_REPRESENTING_ENTRYID,
    search_key: tags::PR_SENT_REPRESENTING_SEARCH_KEY,
};

/// Sets a file that is no body to a text. One newline at its end is not part of the value.
pub fn set(message: &Message, file: ReaderFile, text: &str) -> Result<(), Error> {
    let value = text.strip_suffix('\n').unwrap_or(text);
    match file {
        ReaderFile::Subject => set_text(message, tags::PR_SUBJECT, value),
        ReaderFile::From => set_party(message, &SENT_REPRESENTING, text),
        ReaderFile::Sender => set_party(message, &SENDER, text),
        ReaderFile::To => set_recipients(message, RecipientType::To, text),
        ReaderFile::Cc => set_recipients(message, RecipientType::Cc, text),
        ReaderFile::Bcc => set_recipients(message, RecipientType::Bcc, text),
        ReaderFile::ReplyTo => set_reply_to(message, text),
        ReaderFile::Date => set_time(message, tags::PR_CLIENT_SUBMIT_TIME, value),
        ReaderFile::Received => set_time(message, tags::PR_MESSAGE_DELIVERY_TIME, value),
        ReaderFile::Class => set_text(message, tags::PR_MESSAGE_CLASS, one_line(value)?),
        ReaderFile::MessageId => set_text(message, tags::PR_INTERNET_MESSAGE_ID, one_line(value)?),
        ReaderFile::Importance => set_importance(message, value),
        ReaderFile::Categories => set_categories(message, text),
        ReaderFile::Headers => {
            set_text(message, tags::PR_TRANSPORT_MESSAGE_HEADERS, &crlf_lines(text))
        }
        ReaderFile::BodyText
        | ReaderFile::BodyHtml
        | ReaderFile::BodyRtf
        | ReaderFile::EventIcs
        | ReaderFile::TaskIcs
        | ReaderFile::ContactVcf => Err(Error::NotSettable("it is made of other values")),
    }
}

/// Removes what a file that is no body stands for.
pub fn remove(message: &Message, file: ReaderFile) -> Result<(), Error> {
    let tags = match file {
        ReaderFile::Subject => [tags::PR_SUBJECT].as_slice(),
        ReaderFile::Date => &[tags::PR_CLIENT_SUBMIT_TIME],
        ReaderFile::Received => &[tags::PR_MESSAGE_DELIVERY_TIME],
        ReaderFile::Class => &[tags::PR_MESSAGE_CLASS],
        ReaderFile::MessageId => &[tags::PR_INTERNET_MESSAGE_ID],
        ReaderFile::Importance => &[tags::PR_IMPORTANCE],
        ReaderFile::Headers => &[tags::PR_TRANSPORT_MESSAGE_HEADERS],
        other => return set(message, other, ""),
    };
    for tag in tags {
        super::refuse_mandatory(message, *tag)?;
        super::delete(message, *tag)?;
    }
    Ok(())
}

/// Turns every line end into CRLF, as strings of messages have it.
pub fn crlf_lines(text: &str) -> String {
    crate::mail::text::unix_lines(text).replace('\n', "\r\n")
}

fn set_text(message: &Message, tag: PropertyTag, text: &str) -> Result<(), Error> {
    Ok(message.set_property(tag, &Value::String(text.to_owned()))?)
}

fn set_time(message: &Message, tag: PropertyTag, text: &str) -> Result<(), Error> {
    Ok(message.set_property(tag, &super::parse(PropertyType::TIME, text)?)?)
}

fn set_importance(message: &Message, text: &str) -> Result<(), Error> {
    let number = match text.trim() {
        "low" | "0" => 0,
        "normal" | "1" => 1,
        "high" | "2" => 2,
        _ => return Err(Error::invalid("low, normal or high")),
    };
    Ok(message.set_property(tags::PR_IMPORTANCE, &Value::Integer32(number))?)
}

/// The categories (PidNameKeywords, \[MS-OXCMSG\] 2.2.1.17), one a line.
fn set_categories(message: &Message, text: &str) -> Result<(), Error> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let values: Vec<_> = lines.map(|line| Value::String(line.to_owned())).collect();
    let name = PropertyName { set: PS_PUBLIC_STRINGS, kind: NameKind::Name("Keywords".to_owned()) };
    let Some(id) = message.property_id(&name, !values.is_empty())? else { return Ok(()) };
    let tag = PropertyTag::new(id, PropertyType::MULTIPLE_STRING);
    if values.is_empty() {
        return super::delete(message, tag);
    }
    Ok(message.set_property(tag, &Value::Multiple(values))?)
}

fn set_recipients(message: &Message, wanted: RecipientType, text: &str) -> Result<(), Error> {
    Ok(message.set_recipients(wanted, &parse_addresses(text)?)?)
}

fn set_party(message: &Message, party: &Party, text: &str) -> Result<(), Error> {
    let addresses = parse_addresses(text)?;
    let [address] = addresses.as_slice() else {
        if addresses.is_empty() {
            return remove_party(message, party);
        }
        return Err(Error::invalid("one address, as Name <name@example.org>"));
    };
    let is_smtp = address.address.contains('@');
    let name = if address.name.is_empty() { &address.address } else { &address.name };
    remove_party(message, party)?;
    set_text(message, party.name, name)?;
    if address.address.is_empty() {
        return Ok(());
    }
    let address_type = if is_smtp { "SMTP" } else { "EX" };
    set_text(message, party.address_type, address_type)?;
    set_text(message, party.address, &address.address)?;
    if is_smtp {
        set_text(message, party.smtp_address, &address.address)?;
        let key = format!("SMTP:{}\0", address.address.to_uppercase());
        message.set_property(party.search_key, &Value::Binary(key.into_bytes()))?;
        message.set_property(party.entry_id, &Value::Binary(address.to_one_off_entry_id()))?;
    }
    Ok(())
}

fn remove_party(message: &Message, party: &Party) -> Result<(), Error> {
    let Party { name, address, address_type, smtp_address, entry_id, search_key } = party;
    for tag in [name, address, address_type, smtp_address, entry_id, search_key] {
        super::delete(message, *tag)?;
    }
    Ok(())
}

/// Where replies go (`PR_REPLY_RECIPIENT_ENTRIES`, a FlatEntryList, \[MS-OXCDATA\] 2.3.3).
fn set_reply_to(message: &Message, text: &str) -> Result<(), Error> {
    let addresses = parse_addresses(text)?;
    if addresses.is_empty() {
        super::delete(message, tags::PR_REPLY_RECIPIENT_ENTRIES)?;
        return super::delete(message, tags::PR_REPLY_RECIPIENT_NAMES);
    }
    let names: Vec<_> = addresses
        .iter()
        .map(|one| if one.name.is_empty() { one.address.as_str() } else { one.name.as_str() })
        .collect();
    let mut entries = Vec::new();
    for address in &addresses {
        let entry = address.to_one_off_entry_id();
        entries.extend(length(entry.len())?.to_le_bytes());
        entries.extend(&entry);
        entries.resize(entries.len().next_multiple_of(4), 0);
    }
    let mut list = length(addresses.len())?.to_le_bytes().to_vec();
    list.extend(length(entries.len())?.to_le_bytes());
    list.extend(entries);
    set_text(message, tags::PR_REPLY_RECIPIENT_NAMES, &names.join(";"))?;
    Ok(message.set_property(tags::PR_REPLY_RECIPIENT_ENTRIES, &Value::Binary(list))?)
}

fn length(len: usize) -> Result<u32, Error> {
    u32::try_from(len).map_err(|_| Error::invalid("fewer addresses"))
}

/// One address a line: `Name <address>`, an address, or a name.
fn parse_addresses(text: &str) -> Result<Vec<Address>, Error> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(parse_address).collect()
}

fn parse_address(line: &str) -> Result<Address, Error> {
    let expected = || Error::invalid("one address a line, as Name <name@example.org>");
    if line.chars().any(char::is_control) {
        return Err(expected());
    }
    // Some write a name, or what should become one, in angle brackets.
    if let Some((name, rest)) = line.rsplit_once('<').filter(|_| !line.ends_with(">>")) {
        let address = rest.strip_suffix('>').ok_or_else(expected)?.trim();
        if address.is_empty() {
            return Err(expected());
        }
        let name = name.trim();
        let quoted = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let name = quoted.unwrap_or(name).to_owned();
        return Ok(Address { name, address: address.to_owned() });
    }
    let is_address = (line.contains('@') && !line.contains(char::is_whitespace))
        // An X.500 name.
        || line.to_ascii_lowercase().starts_with("/o=");
    Ok(match is_address {
        true => Address { name: String::new(), address: line.to_owned() },
        false => Address { name: line.to_owned(), address: String::new() },
    })
}

fn one_line(text: &str) -> Result<&str, Error> {
    match text.contains(['\n', '\r']) {
        true => Err(Error::invalid("one line")),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{crlf_lines, parse_addresses};

    #[track_caller]
    fn check(line: &str, name: &str, address: &str) {
        let found = parse_addresses(line).unwrap();
        assert_eq!(found.len(), 1, "{line}");
        assert_eq!((found[0].name.as_str(), found[0].address.as_str()), (name, address), "{line}");
    }

    #[test]
    fn an_address_has_a_name_or_not() {
        check("Sales <sales@example.org>\n", "Sales", "sales@example.org");
        check("help@example.org", "", "help@example.org");
        check("<help@example.org>", "", "help@example.org");
        check("\"Doe, Jane\" <jane@example.org>", "Doe, Jane", "jane@example.org");
        check("A <b> c <d@example.org>", "A <b> c", "d@example.org");
        check("All of Sales", "All of Sales", "");
        check("<<[cc]>>", "<<[cc]>>", "");
        check("/O=ORG/CN=X", "", "/O=ORG/CN=X");
        for wrong in ["Name <", "Name <a@b", "Name <>", "a\u{1}b"] {
            assert!(parse_addresses(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_addresses("\n \n").unwrap(), []);
    }

    #[test]
    fn line_ends_of_strings() {
        assert_eq!(crlf_lines("a\nb\r\nc"), "a\r\nb\r\nc");
    }
}
