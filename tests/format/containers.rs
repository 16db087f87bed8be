//! The compound file around a message: its versions, and damage among its sectors.

use msgfs::imsg::MapiProp as _;
use msgfs::mapi::{Guid, PropertyTag, Value, tags};
use msgfs::view::NodeId;

use super::{errors, file, open, tree};
use crate::browse::Browser;
use crate::fixture::{
    AttachmentBuilder, MessageBuilder, RecipientBuilder, Sectors, TEMPLATE_CLSID,
};

/// A message with small streams and large ones, and a message inside.
fn message() -> MessageBuilder {
    let inner = MessageBuilder::new("IPM.Note", "Inner").body("inside");
    MessageBuilder::new("IPM.Note", "Container")
        .recipient(RecipientBuilder::to("Ann", "ann@example.org"))
        .body(&"A line of a long body.\n".repeat(300))
        .attach(AttachmentBuilder::file("large.bin", vec![7; 100_000]))
        .attach(AttachmentBuilder::file("small.bin", vec![8; 100]))
        .attach(AttachmentBuilder::message(inner))
}

fn contents(bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let tree = tree(bytes);
    Browser::new(&tree).contents(NodeId(0))
}

#[test]
fn versions_3_and_4_are_read_alike() {
    let message = message().to_tree();
    let (v3, v4) = (message.to_bytes(), message.to_bytes_v4());
    assert_eq!((v3[26], v4[26]), (3, 4));
    assert_eq!(errors(v4.clone()), [""; 0]);
    assert_eq!(open(v4.clone()).storage().unwrap().file().version(), 4);
    assert!(contents(v3) == contents(v4));
}

#[test]
fn the_same_calls_give_the_same_bytes() {
    assert!(message().to_bytes() == message().to_bytes());
}

#[test]
fn the_class_of_the_root_does_not_matter() {
    for clsid in [Guid::default(), TEMPLATE_CLSID, Guid([0xAB; 16])] {
        let bytes = message().clsid(clsid).to_bytes();
        assert_eq!(open(bytes.clone()).storage().unwrap().clsid(), clsid);
        assert_eq!(file(bytes, "subject").as_deref(), Some("Container\n"));
    }
}

#[test]
fn a_file_cut_anywhere_is_read_as_far_as_it_goes() {
    let whole = message().to_bytes();
    for len in (0..whole.len()).step_by(1_009) {
        let tree = tree(whole[..len].to_vec());
        let browser = Browser::new(&tree);
        assert!(browser.read(NodeId(0), "ERRORS").is_some(), "{len} bytes");
        for found in browser.everything(NodeId(0)) {
            if let Ok(content) = found.content {
                assert_eq!(content.len() as u64, found.size, "{len} bytes: {}", found.path);
            }
        }
    }
}

/// The name of a stream that is there once, and its length.
const LARGE: &str = "__substg1.0_66000102";
const LARGE_LEN: usize = 20_000;

/// A message whose one large stream, of 40 sectors, is damaged.
fn damaged(damage: impl FnOnce(&mut Sectors)) -> Vec<u8> {
    let message = MessageBuilder::new("IPM.Note", "Sectors")
        .set(PropertyTag(0x6600_0102), Value::Binary(vec![7; LARGE_LEN]));
    let mut sectors = Sectors::new(message.to_bytes());
    damage(&mut sectors);
    assert_eq!(file(sectors.bytes.clone(), "subject").as_deref(), Some("Sectors\n"));
    sectors.bytes
}

fn check_sectors(damage: impl FnOnce(&mut Sectors), expected: &str, readable: usize) {
    let bytes = damaged(damage);
    assert_eq!(errors(bytes.clone()), [expected]);
    let salvaged = open(bytes).salvage(PropertyTag(0x6600_0102)).unwrap();
    let found = match salvaged.value {
        Some(Value::Binary(bytes)) => bytes.len(),
        None => 0,
        other => panic!("{other:?}"),
    };
    assert_eq!(found, readable);
}

#[test]
fn chains_that_lead_astray() {
    let place = "/0x66000102: stream \"/__substg1.0_66000102\"";
    check_sectors(
        |sectors| {
            let first = sectors.first(LARGE);
            sectors.set_next(first, 0xFFFF_FFFE);
        },
        &format!("{place}: expected 20000 bytes, found 512: the chain of sectors ends early"),
        512,
    );
    check_sectors(
        |sectors| {
            let first = sectors.first(LARGE);
            sectors.set_next(first, 999_999);
        },
        &format!("{place}: expected 20000 bytes, found 512: sector 999999 is not in the file"),
        512,
    );
    check_sectors(
        |sectors| sectors.set_first(LARGE, 77_777),
        &format!("{place}: expected 20000 bytes, found 0: sector 77777 is not in the file"),
        0,
    );
    let first = Sectors::new(damaged(|_| {})).first(LARGE);
    check_sectors(
        |sectors| {
            let second = sectors.next(first);
            sectors.set_next(second, first);
        },
        &format!(
            "{place}: expected 20000 bytes, found 1024: \
             the chain of sectors comes back to sector {first}"
        ),
        1024,
    );
}

#[test]
fn a_stream_that_is_declared_shorter_than_its_chain_is_told() {
    let bytes = damaged(|sectors| sectors.set_len(LARGE, 10_000));
    // The chain tells it too, but the entry in the message says how much is lost.
    assert_eq!(errors(bytes.clone()), ["/0x66000102: the entry says 20000 bytes, found 10000"]);
    let value = open(bytes).salvage(PropertyTag(0x6600_0102)).unwrap().value;
    assert_eq!(value, Some(Value::Binary(vec![7; 10_000])));
}

#[test]
fn a_stream_may_be_declared_longer_than_its_file() {
    let bytes = damaged(|sectors| sectors.set_len(LARGE, 0x7FFF_FFFF));
    let errors = errors(bytes.clone());
    assert_eq!(errors.len(), 2, "{errors:?}");
    let file_len = bytes.len();
    assert!(errors[0].ends_with(&format!("bytes, the file has {file_len}")), "{errors:?}");
    let salvaged = open(bytes).salvage(PropertyTag(0x6600_0102)).unwrap();
    // As many bytes as the chain has sectors.
    let Some(Value::Binary(found)) = salvaged.value else { panic!() };
    assert_eq!(found.len(), LARGE_LEN.next_multiple_of(512));
}

#[test]
fn an_attachment_cut_in_its_middle_is_read_to_there() {
    let message = MessageBuilder::new("IPM.Note", "Cut")
        .attach(AttachmentBuilder::file("cut.bin", vec![7; LARGE_LEN]));
    let mut sectors = Sectors::new(message.to_bytes());
    let first = sectors.first("__substg1.0_37010102");
    let second = sectors.next(first);
    sectors.set_next(second, 0xFFFF_FFFE);
    let tree = tree(sectors.bytes);
    let (node, _) = tree.lookup(NodeId(0), "attachments").unwrap();
    let (cut, _) = tree.lookup(node, "cut.bin.partial").unwrap();
    assert_eq!(tree.attributes(cut).unwrap().size, 1024);
    // The page that holds the end is read as any other.
    assert_eq!(tree.read(cut, 0, 4096).unwrap(), vec![7; 1024]);
    assert_eq!(tree.read(cut, 1024, 1).unwrap(), b"");
    let property = "mapi/attachments/0/PR_ATTACH_DATA_BIN";
    let property = Browser::new(&tree).walk(NodeId(0), property).unwrap();
    let error = tree.read(property, 0, 4096).unwrap_err().to_string();
    assert!(error.ends_with("the chain of sectors ends early"), "{error}");
    let errors = Browser::new(&tree).read(NodeId(0), "ERRORS").unwrap();
    let errors = String::from_utf8(errors).unwrap();
    assert!(errors.starts_with("/__attach_version1.0_#00000000/0x37010102: stream"), "{errors}");
    assert_eq!(tags::PR_ATTACH_DATA_BIN.to_string(), "0x37010102");
}

#[test]
fn what_is_no_compound_file() {
    let check = |bytes: &[u8], expected: &str| {
        assert_eq!(errors(bytes.to_vec()), [expected]);
        let names = Browser::new(&tree(bytes.to_vec())).names(NodeId(0));
        assert_eq!(names, "ERRORS message.msg");
        let shown = Browser::new(&tree(bytes.to_vec())).read(NodeId(0), "message.msg");
        assert_eq!(shown.unwrap(), bytes);
    };
    let expected = "/: not a compound file: expected the signature D0CF11E0A1B11AE1, found";
    check(b"hello, world", &format!("{expected} 68656C6C6F2C2077"));
    check(
        b"Subject: hello\r\n",
        "/: not a compound file: it looks like an Internet message (RFC 5322)",
    );
    check(b"", "/: not a compound file: the file is empty");
    check(b"\xD0\xCF\x11", &format!("{expected} D0CF11"));
    let header = "/: compound file header: expected 512 bytes, found 8";
    check(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", header);
}
