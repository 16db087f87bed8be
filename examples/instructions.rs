//! Opens messages and makes their default listings, for a count of the instructions.
//!
//! `instructions names|list|read ROUNDS` does so ROUNDS times with the same messages: with `names`
//! as `find` does, with `list` as `ls -lR` does, and with `read` it reads every file too. The difference of two runs under callgrind is the work of some rounds,
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
        return Err("usage: instructions names|list|read ROUNDS".into());
    };
    let rounds = rounds.parse::<u64>()?;
    let messages: Vec<Vec<u8>> = (0..MESSAGES).map(archive::message).collect();
    let session = Session::open(SessionOptions::default());
    for _ in 0..rounds {
        for bytes in &messages {
            let source = Source::from_bytes(bytes.clone());
            walk(&MessageTree::open(&session, source, Show::default())?, NodeId(0), what)?;
        }
    }
    println!("{MESSAGES}");
    Ok(())
}

fn walk(tree: &MessageTree, directory: NodeId, what: &str) -> Result<(), view::Error> {
    for entry in tree.list(directory)?.entries() {
        if entry.kind == FileKind::Directory {
            walk(tree, entry.id, what)?;
        }
        if what == "names" && tree.is_size_costly(entry.id) {
            continue;
        }
        let attributes = tree.attributes(entry.id)?;
        if what == "read" && attributes.kind == FileKind::File {
            for offset in (0..attributes.size).step_by(READ_BYTES) {
                tree.read(entry.id, offset, READ_BYTES)?;
            }
        }
    }
    Ok(())
}
