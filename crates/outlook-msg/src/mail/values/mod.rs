//! The values of a message: which properties decide a field, and how a value is written.
//!
//! | what | module |
//! |---|---|
//! | subject, addresses, times and the like | `fields` |
//! | named properties | `named` |
//! | sensitivity, flag, reminder, answered | `marks` |
//! | what is missing of a field | `missing` |
//! | damage in binary values | `structures` |
//! | a value as text, for programs and for people | `text`, `value_lines` |
//! | bytes as base64 | `base64` |

pub(in crate::mail) mod base64;
pub mod fields;
pub(in crate::mail) mod marks;
pub mod missing;
pub mod named;
pub(in crate::mail) mod structures;
pub mod text;
pub mod value_lines;
