//! What a listing of a message directory has beside its values: the words of `-o show=`.

use crate::body::html::Remote;

use super::files::FILES;
use super::row::{File, ListedWhen};

/// Which of the files that are reachable by name are listed too, and how `body.html` is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Show {
    /// A bit for each file of the table, by its number.
    listed: u64,
    /// Whether `body.html` may load what does not lie beside it.
    pub remote: Remote,
}

/// What the listing of a message depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListingContext {
    pub(super) show: Show,
    /// Whether the message is embedded too deep in others for whole messages to be listed in it.
    pub(super) is_deep: bool,
    /// Whether there is no message that can be opened.
    pub(super) is_unreadable: bool,
}

impl Show {
    /// What `all` lists: all but `message.txt`, which repeats what other files say.
    pub const ALL: Self = {
        let (mut listed, mut rest) = (0, FILES);
        while let [file, others @ ..] = rest {
            if let ListedWhen::Show(_) = file.listed {
                listed |= 1 << file.number;
            }
            rest = others;
        }
        Self { listed, remote: Remote::Blocked }
    };

    /// The words of `-o show=`, in the order of the table; `all` is the last.
    pub fn words() -> impl Iterator<Item = &'static str> {
        FILES.iter().filter_map(|file| file.listed.word()).chain(["all"])
    }

    /// Lists what a word of `-o show=` says; `false` if there is no such word.
    pub fn add(&mut self, word: &str) -> bool {
        let added = match word {
            "all" => Self::ALL.listed,
            word => {
                let files = FILES.iter().filter(|file| file.listed.word() == Some(word));
                files.fold(0, |listed, file| listed | 1 << file.number)
            }
        };
        self.listed |= added;
        added != 0
    }

    /// Whether an entry of a message directory is listed where the message has it.
    pub fn lists_name(self, name: &str) -> bool {
        FILES.iter().any(|file| file.name == name && self.lists(file))
    }

    /// Whether a file is listed where the message has it.
    pub(super) fn lists(self, file: &File) -> bool {
        matches!(file.listed, ListedWhen::Always) || self.listed & (1 << file.number) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::Show;

    #[test]
    fn a_word_lists_a_file() {
        let words: Vec<_> = Show::words().collect();
        assert_eq!(words, ["mapi", "json", "raw", "eml", "text", "msg", "all"]);
        let mut show = Show::default();
        assert!(!show.add("xml") && show == Show::default());
        for word in words.iter().filter(|word| !["text", "all"].contains(word)) {
            assert!(show != Show::ALL && show.add(word));
        }
        assert_eq!(show, Show::ALL);
    }
}
