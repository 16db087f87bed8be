//! `Session`: a message session, which closes all its messages.

use outlook_msg::imsg::{self, SaveOutcome};
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods as _, PyResult, Python};
use pyo3::{pyclass, pymethods};

use super::message::{Message, open, options};

/// A message session (`OpenIMsgSession`). `msgfs/_msgfs.pyi` documents its methods.
#[pyclass(module = "msgfs", frozen)]
#[derive(Debug)]
pub(crate) struct Session {
    session: imsg::Session,
    codepage: Option<u32>,
}

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (*, codepage = None))]
    fn new(codepage: Option<u32>) -> PyResult<Self> {
        Ok(Self { session: imsg::Session::open(options(codepage)?), codepage })
    }

    #[pyo3(signature = (source))]
    fn open(&self, source: &Bound<'_, PyAny>) -> PyResult<Message> {
        Ok(Message::of(open(source.py(), &self.session, source)?, self.codepage))
    }

    #[getter]
    fn open_messages(&self) -> usize {
        self.session.statistics().open_messages
    }

    /// Saves what is unsaved, and closes every message that was opened in the session. Returns a
    /// pair for each message with edits: its name, and `None` or the reason why it was not saved.
    fn close(&self, py: Python<'_>) -> Vec<(String, Option<String>)> {
        let report = py.detach(|| self.session.close());
        let saves = report.saves.into_iter().map(|save| {
            let cause = match save.outcome {
                SaveOutcome::Saved => None,
                SaveOutcome::Kept { cause, path } => {
                    Some(format!("{cause}; its edits are kept in {}", path.display()))
                }
                SaveOutcome::Lost { cause } => Some(cause),
            };
            (save.name, cause)
        });
        saves.collect()
    }

    fn __enter__(own: Py<Self>) -> Py<Self> {
        own
    }

    #[pyo3(signature = (_kind, _value, _traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let failed: Vec<_> = self
            .close(py)
            .into_iter()
            .filter_map(|(name, cause)| cause.map(|cause| format!("{name}: {cause}")))
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        let class = py.import("msgfs._errors")?.getattr("SaveError")?;
        Err(pyo3::PyErr::from_value(class.call1((failed.join("; "),))?))
    }
}
