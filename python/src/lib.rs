//! `msgfs._msgfs`: what of the Python package is written in Rust. The package itself, with its
//! types and the names that users import, is in `python/msgfs`.
//!
//! | what | module |
//! |---|---|
//! | a message | `message`, `edits` |
//! | an attachment and its content | `attachment` |
//! | a session | `session` |
//! | values of properties, addresses, times | `value`, `types` |
//! | exceptions | `errors` |
//!
//! What a message says is decided in [`outlook_msg::mail`]; this only translates. No call holds
//! the GIL while a file is read.

mod attachment;
mod edits;
mod errors;
mod message;
mod session;
mod types;
mod value;

use pyo3::prelude::{Bound, PyModule, PyModuleMethods as _, PyResult, pymodule};

/// What is written in Rust.
#[pymodule]
fn _msgfs(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<message::Message>()?;
    module.add_class::<attachment::Attachment>()?;
    module.add_class::<attachment::AttachmentReader>()?;
    module.add_class::<session::Session>()
}
