//! Reads and writes Outlook `.msg` files: messages, recipients, attachments and named properties.
//!
//! A `.msg` file is a compound file (\[MS-CFB\]) that holds one MAPI message (\[MS-OXMSG\]). The
//! modules below are layers; each one imports only from those after it in this list.
//!
//! | module | what it is | what it does not know |
//! |---|---|---|
//! | [`mail`] | what a programmer asks of a message: texts, bodies, attachments, whole messages in other formats | directories of files |
//! | [`imsg`] | the message session: messages, recipients, attachments, named properties, edits | files and views |
//! | [`body`] | compressed RTF, HTML and text inside RTF, HTML to text | properties |
//! | [`storage`] | compound files: storages and streams, transactions over them, the commit | what the streams mean |
//! | [`mapi`] | property tags, types, values, names, code pages | any file |

pub mod body;
pub mod imsg;
pub mod mail;
pub mod mapi;
pub mod storage;

pub use mail::Mail;
