//! A whole message in other formats, which are shown as files too.
//!
//! | format | module |
//! |---|---|
//! | RFC 5322 and MIME | `eml` |
//! | JSON with every property | `json` |

pub mod eml;
pub mod json;
