//! HTML bodies: decodes them, rewrites them for a browser, makes plain text of them.
//!
//! Does not know where the HTML comes from, or what is attached to the message.

mod decode;
mod hidden;
mod layout;
mod nested;
mod policy;
mod remote_urls;
mod rewrite;
mod rows;
mod style_sheet;
mod text;
mod tokens;

pub use decode::{Decoded, decode};
pub use policy::Remote;
pub use rewrite::{Reference, Resolve, content_id_url, for_browser, restore, rewrite, undo};
pub use text::{lacks_looks, to_text};
