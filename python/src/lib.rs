//! `msgfs._msgfs`: the part of the Python package that is written in Rust. The names that users
//! import, and the plain types, are in `python/msgfs`.
//!
//! | what | module |
//! |---|---|
//! | a message | `message`, `edits` |
//! | an attachment and its content | `attachment` |
//! | a session | `session` |
//! | a table of messages | `batches` |
//! | values of properties, addresses, times | `value`, `types` |
//! | exceptions | `errors` |
//!
//! [`outlook_msg::mail`] decides what a message says; this crate only converts. No call holds the
//! GIL while a file is read.

mod attachment;
mod batches;
mod edits;
mod errors;
mod message;
mod session;
mod types;
mod value;

use outlook_msg::body::compressed_rtf;
use outlook_msg::mail::Address;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::{
    Bound, PyModule, PyModuleMethods as _, PyResult, Python, pyfunction, pymodule,
};
use pyo3::types::PyBytes;
use pyo3::wrap_pyfunction;

/// Decompresses compressed RTF ([MS-OXRTFCP]), such as the value of `PR_RTF_COMPRESSED`.
#[pyfunction]
#[pyo3(signature = (compressed, /))]
fn decompress_rtf<'py>(py: Python<'py>, compressed: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let found = py.detach(|| compressed_rtf::decompress(compressed));
    let found = found.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(PyBytes::new(py, &found))
}

/// An address as it is shown: the text of `msgfs.Address`.
#[pyfunction]
#[pyo3(signature = (name, address, /))]
fn address_text(name: &str, address: &str) -> String {
    Address::new(name, address).to_string()
}

/// The module.
#[pymodule]
fn _msgfs(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<message::Message>()?;
    module.add_class::<attachment::Attachment>()?;
    module.add_class::<attachment::AttachmentReader>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<batches::Batches>()?;
    module.add_function(wrap_pyfunction!(batches::read_batches, module)?)?;
    module.add_function(wrap_pyfunction!(address_text, module)?)?;
    module.add_function(wrap_pyfunction!(decompress_rtf, module)?)
}
