//! Reads and writes Outlook `.msg` files.
//!
//! ```no_run
//! use outlook_msg::Mail;
//!
//! fn main() -> Result<(), outlook_msg::mail::Error> {
//!     let mail = Mail::open("Lunch on Friday.msg")?;
//!     println!("{}", mail.subject()?.unwrap_or_default());
//!     println!("{}", mail.text()?.unwrap_or_default());
//!     for attachment in mail.attachments()? {
//!         println!("saved {}", attachment.save(".")?.display());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! [`Mail`] is what most programs need: it reads (subject, addresses, times, bodies, attachments,
//! any property), exports (`to_eml`, `to_ics`, `to_vcf`, `to_json`, `to_msg`), edits and saves.
//! [`imsg`] is the message session of MAPI below it: `OpenIMsgSession`, `OpenIMsgOnIStg`,
//! `CloseIMsgSession`, `IMessage` with `GetProps`, `SetProps`, `SaveChanges`.
//!
//! A `.msg` file is a compound file (\[MS-CFB\]) that holds one MAPI message (\[MS-OXMSG\]). The
//! modules below are layers; each one imports only from those after it in this list. [`mail`] and
//! the types of [`imsg`] are stable. The other modules are public only because the filesystem
//! `msgfs` uses them; they may change in any version.
//!
//! The library reads as much of a damaged file as it can; [`Mail::defects`] lists what is missing.
//! It expects hostile files: it bounds every length before it allocates memory for it, and every
//! loop and every depth has a limit. It prints nothing, reads no environment variable and no time
//! zone, and sends warnings to `tracing`.
//!
//! | module | what it is | what it does not know |
//! |---|---|---|
//! | [`mail`] | what a programmer asks of a message: texts, bodies, attachments, whole messages in other formats | directories of files |
//! | [`imsg`] | the message session: messages, recipients, attachments, named properties, edits | files and views |
//! | [`body`] | compressed RTF, HTML and text inside RTF, HTML to text | properties |
//! | [`storage`] | compound files: storages and streams, transactions over them, the commit | what the streams mean |
//! | [`mapi`] | property tags, types, values, names, code pages | any file |

pub mod body;
#[cfg(test)]
#[path = "../../../tests/corpus_files.rs"]
mod corpus_files;
#[doc(hidden)]
pub mod digest;
pub mod imsg;
pub mod mail;
pub mod mapi;
#[cfg(test)]
mod module_cycles;
#[doc(hidden)]
pub mod pieces;
#[cfg(test)]
#[path = "../../../tests/splitmix.rs"]
mod splitmix;
#[cfg(test)]
mod stable_docs;
pub mod storage;
#[doc(hidden)]
pub mod sync;

pub use mail::Mail;

/// Makes `cargo test` compile the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
