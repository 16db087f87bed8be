//! Mounts Outlook `.msg` files as directories of property files: the architecture page.
//!
//! A `.msg` file is a compound file (\[MS-CFB\]) that holds one MAPI message (\[MS-OXMSG\]). The
//! modules below are layers; each one imports only from those after it in this list.
//!
//! | module | what it is | what it does not know |
//! |---|---|---|
//! | [`cli`] | what the user typed; the only place that prints | how anything is done |
//! | [`mount`] | the life of a mount: background, signals, unmount, the end of the session | what a message is |
//! | [`fs`] | source folder, inode numbers, open files, when edits are saved; `fs::fuse` alone speaks to the kernel | how a message is laid out |
//! | [`view`] | a message as a tree of files: names, texts, and their reading back | inode numbers, folders |
//! | [`outlook_msg`] | the library: `mail`, `imsg`, `body`, `storage`, `mapi` | mounts, terminals, environment variables |
//!
//! Invariants: reading never changes a source; writing replaces its file as a whole or not at all,
//! and nothing unsaved is dropped without a word; no length read from a file is trusted before it is
//! bounded; parsing gives what can be read and a list of defects, an error only where nothing can.

pub mod cli;
pub mod fs;
pub mod mount;
pub mod view;

pub use outlook_msg::{body, imsg, mail, mapi, storage};
