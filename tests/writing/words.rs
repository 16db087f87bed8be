//! What is taken out of a message is nowhere in its file afterwards.

use std::fs;

use crate::fixture::{AttachmentBuilder, MessageBuilder};
use crate::mount::folder::Folder;
use crate::mount::mounted::Mounted;

/// Where a word stands in the bytes of a file, in UTF-16 or in eight bits a character.
fn places(file: &[u8], word: &str) -> Vec<usize> {
    let wide: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [word.as_bytes(), &wide]
        .iter()
        .flat_map(|word| file.windows(word.len()).enumerate().filter(move |(_, at)| at == word))
        .map(|(at, _)| at)
        .collect()
}

/// Values shorter and longer than a sector of the mini stream and of the file, so that what they
/// leave would lie in each kind of free space.
#[test]
fn a_word_that_was_taken_out_is_not_left_in_free_sectors() {
    const WORD: &str = "Zanzibar";
    let long = format!("{WORD} ").repeat(1000);
    for length in [1, 10, 1000] {
        let text = format!("{WORD} ").repeat(length);
        let mail = MessageBuilder::mail(WORD, ("Ann", "ann@example.org"), "2024-05-06T07:08:09Z")
            .body(&text)
            .attach(AttachmentBuilder::file(&format!("{WORD}.txt"), text.as_bytes()))
            .attach(AttachmentBuilder::file("other.txt", "stays"));
        let source = Folder::new().with("a.msg", mail.to_bytes());
        let file = || fs::read(source.join("a.msg")).unwrap();
        assert!(places(&file(), WORD).len() >= 2 * length, "the test looks for the wrong bytes");
        let Some(mount) = Mounted::new(source.path(), "edit") else { return };
        fs::write(mount.path("a.msg/subject"), "Redacted\n").unwrap();
        fs::write(mount.path("a.msg/body.txt"), "Redacted\n").unwrap();
        // A value that was there only between two saves leaves nothing either.
        fs::write(mount.path("a.msg/categories"), &long[..200]).unwrap();
        let synced = fs::File::open(mount.path("a.msg/subject")).unwrap();
        synced.sync_all().unwrap();
        fs::write(mount.path("a.msg/categories"), "none\n").unwrap();
        fs::remove_file(mount.path(format!("a.msg/attachments/{WORD}.txt"))).unwrap();
        drop((synced, mount));
        assert_eq!(places(&file(), WORD), Vec::<usize>::new(), "{length}");
        assert!(!places(&file(), "stays").is_empty());
    }
}
