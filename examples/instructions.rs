//! Opens messages and makes their default listings, for a count of the instructions.
//!
//! `instructions list|read ROUNDS` does so ROUNDS times with the same messages, and with `read`
//! reads every file too. The difference of two runs under callgrind is the work of some rounds,
//! without the start of the program; prints how many messages a round has.

#[path = "../benches/archive/mod.rs"]
mod archive;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use msgfs::imsg::{Session, SessionOptions};
use msgfs::storage::Source;
use msgfs::view::{self, FileKind, MessageTree, NodeId, Show};

/// Enough that every form of body and attachment is among them.
const MESSAGES: u64 = 20;
const READ_BYTES: usize = 128 << 10;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, rounds] = arguments.as_slice() else {
        return Err("usage: instructions list|read ROUNDS".into());
    };
    let (read, rounds) = (what == "read", rounds.parse::<u64>()?);
    let messages: Vec<Vec<u8>> = (0..MESSAGES).map(archive::message).collect();
    let session = Session::open(SessionOptions::default());
    for _ in 0..rounds {
        for bytes in &messages {
            let source = Source::from_bytes(bytes.clone());
            walk(&MessageTree::open(&session, source, Show::default())?, NodeId(0), read)?;
        }
    }
    println!("{MESSAGES}");
    Ok(())
}

fn walk(tree: &MessageTree, directory: NodeId, read: bool) -> Result<(), view::Error> {
    for entry in tree.list(directory)?.entries() {
        let attributes = tree.attributes(entry.id)?;
        if attributes.kind == FileKind::Directory {
            walk(tree, entry.id, read)?;
        } else if read {
            for offset in (0..attributes.size).step_by(READ_BYTES) {
                tree.read(entry.id, offset, READ_BYTES)?;
            }
        }
    }
    Ok(())
}
