//! `event.ics`, `task.ics` and `contact.vcf`, read back by an independent parser.

mod blobs;
mod contacts;
mod corpus;
mod events;
mod parsed;
mod tasks;
