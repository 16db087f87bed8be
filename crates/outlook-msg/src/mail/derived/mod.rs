//! What is made of the content of an attachment: signed mail, `winmail.dat`, OLE objects.
//!
//! Whether there is something is told by class, media type and first bytes; only looking into it
//! reads the attachment.

mod directory;
mod mime;
mod recognise;
mod tnef;

use std::sync::Arc;

use crate::body::{cms, mime_entity, tnef as tnef_stream};
use crate::imsg::{Attachment, MapiProp as _};
use crate::mapi::{Value, tags};

use directory::Directory;
pub use recognise::{Derived, DerivedKind, ENCRYPTED, OlePart, SIGNED, derive, ole_part};

/// How many nodes the tree of an attachment has at most.
pub const NODES_MAX: u32 = 4096;
/// An attachment larger than this is not taken apart.
const ATTACHMENT_BYTES_MAX: u64 = 64 << 20;

/// The files and directories made of one attachment, parents before their children.
#[derive(Debug)]
pub struct DerivedTree {
    nodes: Vec<DerivedNode>,
}

#[derive(Debug)]
struct DerivedNode {
    name: String,
    /// The position behind it and all that is in it.
    end: usize,
    /// `None` of a directory.
    content: Option<Arc<[u8]>>,
}

impl DerivedTree {
    /// Takes an attachment apart; `None` of an OLE object, in which there is a single file.
    pub fn of(root: &Derived, attachment: &Attachment) -> Option<Self> {
        let mut directory = Directory::default();
        match root.kind {
            DerivedKind::Signed => {
                directory.root(&root.name, |signed| Ok(signed_content(signed, &read(attachment)?)));
            }
            DerivedKind::Tnef => directory.root(&root.name, |winmail| {
                let message = tnef_stream::read(&read(attachment)?).map_err(|e| e.to_string())?;
                Ok(winmail.tnef(message))
            }),
            DerivedKind::Encrypted => {
                let text =
                    read(attachment).map_or_else(|cause| cause + "\n", |bytes| encrypted(&bytes));
                directory.file(&root.name, text.into_bytes());
            }
            DerivedKind::Ole => return None,
        }
        Some(Self { nodes: directory.finish() })
    }

    /// Whether a node is a directory; `None` if there is no such node.
    pub fn is_directory(&self, index: u32) -> Option<bool> {
        Some(self.node(index)?.is_directory())
    }

    /// The content of a file; `None` of anything else.
    pub fn content(&self, index: u32) -> Option<Arc<[u8]>> {
        self.node(index)?.content.clone()
    }

    /// The entries of a directory: position, name, and whether it is a directory; `None` of
    /// anything else.
    pub fn children(&self, index: u32) -> Option<Vec<(u32, &str, bool)>> {
        let directory = self.node(index).filter(|node| node.is_directory())?;
        let mut children = Vec::new();
        let mut at = position(index) + 1;
        while at < directory.end
            && let Some(child) = self.nodes.get(at)
        {
            let index = u32::try_from(at).ok()?;
            children.push((index, child.name.as_str(), child.is_directory()));
            at = child.end;
        }
        Some(children)
    }

    /// The memory it takes, in bytes.
    pub fn bytes_held(&self) -> usize {
        let contents = self.nodes.iter().filter_map(|node| node.content.as_ref());
        let contents: usize = contents.map(|content| content.len()).sum();
        let names: usize = self.nodes.iter().map(|node| node.name.capacity()).sum();
        contents + names + self.nodes.capacity() * size_of::<DerivedNode>()
    }

    fn node(&self, index: u32) -> Option<&DerivedNode> {
        self.nodes.get(position(index))
    }
}

impl DerivedNode {
    fn is_directory(&self) -> bool {
        self.content.is_none()
    }
}

fn position(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The bytes of an attachment, or why there are none.
fn read(attachment: &Attachment) -> Result<Vec<u8>, String> {
    let (set, _) = attachment.property_set().map_err(|error| error.to_string())?;
    let stream = set.get(tags::PR_ATTACH_DATA_BIN).and_then(|one| set.stream(one));
    let len = stream.map_or(0, |stream| stream.len());
    if len > ATTACHMENT_BYTES_MAX {
        return Err(format!(
            "an attachment of {len} bytes, at most {ATTACHMENT_BYTES_MAX} are read"
        ));
    }
    let salvaged = attachment.salvage(tags::PR_ATTACH_DATA_BIN);
    match salvaged.map_err(|error| error.to_string())?.value {
        Some(Value::Binary(bytes)) => Ok(bytes),
        _ => Err("an attachment without content".to_owned()),
    }
}

/// Writes the content of signed mail (\[MS-OXOSMIME\] 2.1.2): a cryptographic message around a
/// MIME entity, or a MIME entity with its signature. Gives what could not be read.
fn signed_content(directory: &mut Directory, bytes: &[u8]) -> Vec<String> {
    if cms::kind(bytes).is_none() {
        return directory.entity(mime_entity::Entity::parse(bytes));
    }
    match cms::read(bytes) {
        Ok(cms::Content::Signed { bytes, is_truncated }) => {
            let mut defects = directory.entity(mime_entity::Entity::parse(&bytes));
            if is_truncated {
                defects.push("the end of the signed content is missing".to_owned());
            }
            defects
        }
        Ok(cms::Content::Enveloped(_)) => vec!["encrypted, expected signed content".to_owned()],
        Err(error) => vec![error.to_string()],
    }
}

/// The text of `encrypted`.
fn encrypted(bytes: &[u8]) -> String {
    let mut text = "This message is encrypted and cannot be shown.".to_owned();
    match cms::read(bytes) {
        Ok(cms::Content::Enveloped(keys)) if !keys.is_empty() => {
            text.push_str(" It is encrypted for the keys of:\n");
            for key in keys {
                text.push_str(&format!("{key}\n"));
            }
        }
        Ok(_) => text.push_str(" Its recipients are not named.\n"),
        Err(error) => text.push_str(&format!(" Its recipients cannot be read: {error}\n")),
    }
    text
}
