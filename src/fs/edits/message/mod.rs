//! A message that may be changed: what differs from its file, what it shows then, and its edits.
//!
//! Three types stand for a message whose contents are locked, and each can do more than the one
//! before: [`shown::Shown`] only asks, [`answers::Answers`] notes what the kernel is told, and
//! [`locked::LockedMessage`] changes the message. [`entries::EditableMessage`] has the calls of the
//! kernel, each of which locks the message by itself.
//!
//! | what | module |
//! |---|---|
//! | the state of a message; the numbers of its files | `directory`, `numbers` |
//! | what it shows; what the kernel is told of it | `shown`, `answers` |
//! | the calls of the kernel | `entries`, `attributes`, `renames` |
//! | the change of a locked message, and what each edit does | `locked`, `editing` |
//! | how the bytes of an open file become a value | `settling` |
//! | new attachments that wait in the edit log | `waiting` |
//! | removing a file; where it lives until the save; who has it open | `removing`, `removals`, `orphans` |
//! | temporary files of editors and other tools | `temporary` |
//! | which process is filling a new message | `creators`, `process` |

pub(in crate::fs::edits) mod answers;
pub(in crate::fs::edits) mod attributes;
pub(in crate::fs::edits) mod creators;
pub(in crate::fs::edits) mod directory;
pub(in crate::fs::edits) mod editing;
pub(in crate::fs::edits) mod entries;
pub(in crate::fs::edits) mod locked;
pub(in crate::fs::edits) mod numbers;
pub(in crate::fs::edits) mod orphans;
pub(in crate::fs::edits) mod process;
pub(in crate::fs::edits) mod removals;
pub(in crate::fs::edits) mod removing;
pub(in crate::fs::edits) mod renames;
pub(in crate::fs::edits) mod settling;
pub(in crate::fs::edits) mod shown;
pub(in crate::fs::edits) mod temporary;
pub(in crate::fs::edits) mod waiting;
