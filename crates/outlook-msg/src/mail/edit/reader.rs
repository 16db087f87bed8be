//! The files of the reader's view, read back: texts into properties.

use crate::imsg::{Address, MapiPropMut, Message, NameKind, PropertyName, RecipientType};
use crate::mail::eml::{self, HeaderField};
use crate::mapi::sets::PS_PUBLIC_STRINGS;
use crate::mapi::{PropertyTag, PropertyType, Value, tags};

use super::addresses;
use crate::mail::error::Error;
use crate::mail::fields;
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

/// Sets a value to a text. One newline at its end is not part of the value. The
/// fields of the header that the message came with follow.
pub fn set(message: &Message, file: ReaderFile, text: &str) -> Result<(), Error> {
    put(message, file, text)?;
    Ok(eml::follow(message, header_fields(file))?)
}

fn put(message: &Message, file: ReaderFile, text: &str) -> Result<(), Error> {
    let value = text.strip_suffix('\n').unwrap_or(text);
    let set_addresses =
        || put_addresses(message, file, &addresses::parse(text, &addresses::shown(message, file))?);
    match file {
        ReaderFile::Subject => set_text(message, tags::PR_SUBJECT, value),
        ReaderFile::From
        | ReaderFile::Sender
        | ReaderFile::To
        | ReaderFile::Cc
        | ReaderFile::Bcc
        | ReaderFile::ReplyTo => set_addresses(),
        ReaderFile::Date => set_time(message, tags::PR_CLIENT_SUBMIT_TIME, value),
        ReaderFile::Received => set_time(message, tags::PR_MESSAGE_DELIVERY_TIME, value),
        ReaderFile::Class => set_text(message, tags::PR_MESSAGE_CLASS, one_line(value)?),
        ReaderFile::MessageId => set_text(message, tags::PR_INTERNET_MESSAGE_ID, one_line(value)?),
        ReaderFile::Importance => set_importance(message, value),
        ReaderFile::Categories => set_categories(message, text),
        ReaderFile::Headers => {
            set_text(message, tags::PR_TRANSPORT_MESSAGE_HEADERS, &crlf_lines(text))
        }
    }
}

/// Sets a value of addresses, as [`set`].
pub fn set_addresses(
    message: &Message,
    file: ReaderFile,
    addresses: &[Address],
) -> Result<(), Error> {
    put_addresses(message, file, addresses)?;
    Ok(eml::follow(message, header_fields(file))?)
}

fn put_addresses(message: &Message, file: ReaderFile, addresses: &[Address]) -> Result<(), Error> {
    let recipients = |wanted| Ok(message.set_recipients(wanted, addresses)?);
    match file {
        ReaderFile::From => set_from(message, addresses),
        ReaderFile::Sender => set_party(message, &SENDER, addresses),
        ReaderFile::To => recipients(RecipientType::To),
        ReaderFile::Cc => recipients(RecipientType::Cc),
        ReaderFile::Bcc => recipients(RecipientType::Bcc),
        ReaderFile::ReplyTo => set_reply_to(message, addresses),
        _ => Err(Error::NotSettable("it holds no addresses")),
    }
}

/// Removes a value. The fields of the header follow.
pub fn remove(message: &Message, file: ReaderFile) -> Result<(), Error> {
    take(message, file)?;
    Ok(eml::follow(message, header_fields(file))?)
}

fn take(message: &Message, file: ReaderFile) -> Result<(), Error> {
    let tags = match file {
        ReaderFile::Subject => [tags::PR_SUBJECT].as_slice(),
        ReaderFile::Date => &[tags::PR_CLIENT_SUBMIT_TIME],
        ReaderFile::Received => &[tags::PR_MESSAGE_DELIVERY_TIME],
        ReaderFile::Class => &[tags::PR_MESSAGE_CLASS],
        ReaderFile::MessageId => &[tags::PR_INTERNET_MESSAGE_ID],
        ReaderFile::Importance => &[tags::PR_IMPORTANCE],
        ReaderFile::Headers => &[tags::PR_TRANSPORT_MESSAGE_HEADERS],
        other => return put(message, other, ""),
    };
    for tag in tags {
        super::refuse_mandatory(message, *tag)?;
        super::delete(message, *tag)?;
    }
    Ok(())
}

/// The fields of the received header that say what a file says.
const fn header_fields(file: ReaderFile) -> &'static [HeaderField] {
    match file {
        ReaderFile::Subject => &[HeaderField::Subject, HeaderField::ThreadTopic],
        ReaderFile::From => &[HeaderField::From],
        // Without another author the sender is who it is from.
        ReaderFile::Sender => &[HeaderField::Sender, HeaderField::From],
        ReaderFile::To => &[HeaderField::To],
        ReaderFile::Cc => &[HeaderField::Cc],
        ReaderFile::Bcc => &[HeaderField::Bcc],
        ReaderFile::ReplyTo => &[HeaderField::ReplyTo],
        ReaderFile::Date => &[HeaderField::Date],
        ReaderFile::MessageId => &[HeaderField::MessageId],
        _ => &[],
    }
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

/// Sets who a message is from. Who has sent it for nobody else is the same person, and stays so:
/// the old address would go on to be shown, and stay in the file.
fn set_from(message: &Message, addresses: &[Address]) -> Result<(), Error> {
    let sender = Address::sender(message);
    let is_same = !addresses.is_empty() && sender.is_some() && sender == fields::from(message);
    set_party(message, &SENT_REPRESENTING, addresses)?;
    if is_same {
        set_party(message, &SENDER, addresses)?;
        eml::follow(message, &[HeaderField::Sender])?;
    }
    Ok(())
}

fn set_party(message: &Message, party: &Party, addresses: &[Address]) -> Result<(), Error> {
    let [address] = addresses else {
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
fn set_reply_to(message: &Message, addresses: &[Address]) -> Result<(), Error> {
    if addresses.is_empty() {
        super::delete(message, tags::PR_REPLY_RECIPIENT_ENTRIES)?;
        return super::delete(message, tags::PR_REPLY_RECIPIENT_NAMES);
    }
    let names: Vec<_> = addresses
        .iter()
        .map(|one| if one.name.is_empty() { one.address.as_str() } else { one.name.as_str() })
        .collect();
    let mut entries = Vec::new();
    for address in addresses {
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

fn one_line(text: &str) -> Result<&str, Error> {
    match text.contains(['\n', '\r']) {
        true => Err(Error::invalid("one line")),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::crlf_lines;

    #[test]
    fn line_ends_of_strings() {
        assert_eq!(crlf_lines("a\nb\r\nc"), "a\r\nb\r\nc");
    }
}
