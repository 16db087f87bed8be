//! What cannot be read of a message file: all that is found if everything is read, what was met so
//! far, or what is lost of one file of the tree.

use outlook_msg::pieces::PieceReader;

use crate::imsg::{Defect, Note};
use crate::mail::content::Content;
use crate::mail::inside::place_inside;
use crate::storage::EntryNumber;

use super::attachments::ContentKind;
use super::defects;
use super::error::Error;
use super::listing::FileKind;
use super::node::{Node, NodeId};
use super::row::{ContentColumn, EditColumn, File};
use super::tree::MessageTree;

/// The defects of a message file and the notes on it, with those of all messages embedded in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What could not be read.
    pub defects: Vec<Defect>,
    /// What was not read as it is stored, although nothing is lost: a guessed code page, for
    /// example.
    pub notes: Vec<Note>,
}

impl Findings {
    /// Adds the findings of the message on a storage, and of all messages inside it.
    fn add(&mut self, tree: &MessageTree, entry: EntryNumber) {
        self.defects.extend(tree.objects.defects_of(entry));
        let Ok(open) = tree.objects.open_message(entry) else { return };
        self.notes.extend_from_slice(open.notes());
        for one in open.attachments() {
            if let Some((_, ContentKind::Message(embedded))) = one.entry {
                self.add(tree, embedded);
            }
            let Some(derived) = one.derived.as_ref().filter(|one| one.kind.is_directory()) else {
                continue;
            };
            if let Ok(nested) = tree.nested(one.id) {
                let mut inside = Self::default();
                inside.add(&nested, EntryNumber::ROOT);
                self.add_below(&place_inside(one, derived), inside);
            }
        }
    }

    /// Adds the findings of a message inside of an attachment. Their places are put below the place
    /// of the attachment.
    fn add_below(&mut self, place: &str, inside: Self) {
        self.defects.extend(inside.defects.into_iter().map(|one| one.below(place)));
        self.notes.extend(inside.notes.into_iter().map(|one| one.below(place)));
    }
}

/// Reads every listed file, and collects the defects of the message and the notes on it.
pub(super) fn check(tree: &MessageTree) -> Findings {
    let mut findings = Findings::default();
    findings.add(tree, EntryNumber::ROOT);
    let failures = failures(tree);
    // If there are defects, they explain why files could not be read.
    if findings.defects.is_empty() {
        findings.defects = failures;
    }
    findings
}

/// Reads every listed file; the errors are defects.
fn failures(tree: &MessageTree) -> Vec<Defect> {
    let failure =
        |place: &str, error: &Error| Defect { place: place.to_owned(), cause: error.to_string() };
    let mut failures = Vec::new();
    let mut directories = vec![(NodeId(0), "/".to_owned())];
    // A directory is entered only from the one around it, so this ends.
    while let Some((directory, path)) = directories.pop() {
        let listing = match tree.list(directory) {
            Ok(listing) => listing,
            Err(error) => {
                failures.push(failure(&path, &error));
                continue;
            }
        };
        for entry in listing.entries() {
            let path = format!("{path}{}", entry.name);
            match entry.kind {
                FileKind::Directory => directories.push((entry.id, path + "/")),
                FileKind::File => {
                    failures.extend(read_whole(tree, entry.id).err().map(|e| failure(&path, &e)));
                }
                FileKind::Symlink => {}
            }
        }
    }
    failures
}

fn read_whole(tree: &MessageTree, id: NodeId) -> Result<(), Error> {
    let content = tree.content(id)?;
    let mut pieces = PieceReader::new(content.len()?);
    while pieces.next_piece(|at, piece| content.read_at(at, piece))?.is_some() {}
    Ok(())
}

/// The defects of the outermost message, and those met so far in the messages inside it.
pub(super) fn defects_met(tree: &MessageTree) -> Vec<Defect> {
    let mut defects = tree.objects.defects_of(EntryNumber::ROOT);
    for open in tree.objects.embedded_messages_met() {
        defects.extend_from_slice(open.defects_met());
    }
    for (entry, nested) in tree.nested.met() {
        let Ok(outer) = tree.objects.outer_message(entry) else { continue };
        let found = outer.attachment(entry);
        let Some((one, derived)) = found.and_then(|one| Some((one, one.derived.as_ref()?))) else {
            continue;
        };
        let place = place_inside(one, derived);
        defects.extend(nested.defects().into_iter().map(|one| one.below(&place)));
    }
    defects
}

/// What cannot be read of a node that lies in no message inside of an attachment.
pub(super) fn losses(tree: &MessageTree, node: Node) -> Vec<Defect> {
    let objects = &tree.objects;
    match node {
        // The file of the source is shown as it is, even if the message in it is damaged.
        Node::File(EntryNumber::ROOT, file) if file.is_source => Vec::new(),
        Node::File(entry, File { edit: EditColumn::Body { body, .. }, .. }) => {
            let open = objects.open_message(entry);
            open.map_or_else(|_| Vec::new(), |open| defects::of_body(&open.message, *body))
        }
        Node::Message(entry) => of_message(tree, entry),
        Node::File(entry, File { contents: ContentColumn::Whole(_), .. }) => {
            match tree.id(node).and_then(|id| tree.content(id)) {
                // The file says itself what it lacks. Damage in the content of an attachment that
                // it has as it is stored is not missing in it.
                Ok(Content::Pieces(file)) => file.missing().to_vec(),
                _ => of_message(tree, entry),
            }
        }
        Node::Attachment(entry) | Node::Derived(entry, _) => {
            let Ok(outer) = objects.outer_message(entry) else { return Vec::new() };
            outer.attachment(entry).map_or_else(Vec::new, |one| {
                let file = one.derived.as_ref().and_then(|derived| derived.missing.clone());
                let file = file.filter(|_| matches!(node, Node::Derived(..)));
                one.missing.iter().cloned().chain(file).collect()
            })
        }
        _ => missing(tree, node),
    }
}

/// What is missing of the values that a file in a message is made of. This is asked at each read of a
/// mount.
pub(super) fn missing(tree: &MessageTree, node: Node) -> Vec<Defect> {
    let objects = &tree.objects;
    let message = |entry| objects.message_around(entry).ok();
    match node {
        Node::File(entry, file) => {
            message(entry).map_or_else(Vec::new, |one| one.missing_of(file).to_vec())
        }
        Node::Property(entry, index) if message(entry).is_some_and(|one| !one.is_known_sound()) => {
            let found = objects
                .property(entry, index)
                .and_then(|property| Ok(objects.object(entry)?.missing_part(property.tag)?));
            found.ok().flatten().into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// What cannot be read of a message and of all messages inside it.
fn of_message(tree: &MessageTree, entry: EntryNumber) -> Vec<Defect> {
    let mut findings = Findings::default();
    findings.add(tree, entry);
    findings.defects
}
