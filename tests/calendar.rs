//! `event.ics`, `task.ics` and `contact.vcf`, read back by an independent parser.

pub(crate) mod blobs;
mod contacts;
mod corpus;
mod events;
mod parsed;
mod shown;
mod tasks;
