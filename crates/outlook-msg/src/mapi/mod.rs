//! The vocabulary of MAPI: property tags, types, values, names and code pages.
//!
//! No stability promise: public for `msgfs`. Programs use [`crate::mail`].
//!
//! Knows no file format: [`crate::imsg`] knows where a value is stored.

mod code_page;
pub mod crc;
pub mod detect;
mod korean;
mod names;
mod property_name;
pub mod sets;
mod tables;
mod tag;
pub mod tags;
mod text;
pub(crate) mod utf16;
mod value;

pub use code_page::CodePage;
pub use names::{
    named_property_lid, named_property_name, property_by_name, property_name, property_set_by_name,
    property_set_name,
};
pub use property_name::{NameKind, PropertyName};
pub use tag::{Location, PropertyTag, PropertyType};
pub use text::ParseError;
pub(crate) use text::hexadecimal;
pub use value::{FileTime, Guid, Value};
