//! `read_batches`: messages as Arrow record batches. The C stream interface of Arrow hands them
//! over without a copy.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use outlook_msg::sync::lock;

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use msg_table::{Input, Options, Table};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods as _, PyErr, PyResult, Python};
use pyo3::types::{PyCapsule, PyIterator, PyTuple, PyTupleMethods as _};
use pyo3::{pyclass, pyfunction, pymethods};

use super::message;
use super::value::bytes;

/// Batches that have not been read yet. `msgfs/_msgfs.pyi` documents the class.
#[pyclass(module = "msgfs", frozen)]
#[derive(Debug)]
pub(crate) struct Batches {
    reader: Mutex<Option<Reader>>,
    names: Vec<String>,
}

/// The batches, and the exception that the Python iterator of messages raised, if any.
#[derive(Debug)]
struct Reader {
    batches: msg_table::Batches<Inputs>,
    failure: Arc<Mutex<Option<PyErr>>>,
}

/// The messages of a Python iterator. The iterator is asked for each one when its rows are needed.
#[derive(Debug)]
struct Inputs {
    iterator: Py<PyIterator>,
    failure: Arc<Mutex<Option<PyErr>>>,
}

impl Iterator for Inputs {
    type Item = Input;

    fn next(&mut self) -> Option<Input> {
        Python::attach(|py| {
            let next = self.iterator.bind(py).clone().next()?;
            match next.and_then(|item| input(&item)) {
                Ok(input) => Some(input),
                Err(error) => {
                    let mut failure = lock(&self.failure);
                    *failure = Some(error);
                    None
                }
            }
        })
    }
}

impl Iterator for Reader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        // The consumer may hold the GIL or not. It is released here, so that other threads run
        // while messages are read.
        let next = Python::attach(|py| py.detach(|| self.batches.next()));
        // If the caller's iterator raises an exception, the consumer must not take that for the end
        // of the messages.
        let failure = lock(&self.failure).take();
        match failure {
            Some(error) => Some(Err(ArrowError::ExternalError(Box::new(error)))),
            None => next,
        }
    }
}

impl RecordBatchReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.batches.schema()
    }
}

/// Converts one message from Python: a path, a pair of a path and the bytes of the file, or a pair
/// of a path and the exception that was raised when somebody tried to read it.
fn input(item: &Bound<'_, PyAny>) -> PyResult<Input> {
    if let Ok(path) = item.extract::<PathBuf>() {
        return Ok(Input::path(path));
    }
    let wrong = || PyTypeError::new_err("expected paths, or pairs of a path and bytes");
    let pair = item.cast::<PyTuple>().map_err(|_| wrong())?;
    if pair.len() != 2 {
        return Err(wrong());
    }
    let path: PathBuf = pair.get_item(0)?.extract()?;
    let content = pair.get_item(1)?;
    if content.is_instance_of::<pyo3::exceptions::PyBaseException>() {
        return Ok(Input::failed(path, io::Error::other(content.str()?.to_string())));
    }
    Ok(Input::bytes(path, bytes(&content)?))
}

/// Converts the names of columns: a text with commas, or an iterable of names.
fn column_list(columns: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = columns.extract::<String>() {
        return Ok(text);
    }
    let names = columns.try_iter()?.map(|name| name?.extract::<String>());
    Ok(names.collect::<PyResult<Vec<_>>>()?.join(","))
}

/// Messages as Arrow record batches. `msgfs/_msgfs.pyi` documents the function.
#[pyfunction]
#[pyo3(signature = (inputs, *, columns = None, hashes = true, html = false, embedded = false, codepage = None))]
pub(crate) fn read_batches(
    inputs: &Bound<'_, PyAny>,
    columns: Option<&Bound<'_, PyAny>>,
    hashes: bool,
    html: bool,
    embedded: bool,
    codepage: Option<u32>,
) -> PyResult<Batches> {
    let mut options = Options::new().session(message::options(codepage)?);
    if let Some(columns) = columns {
        let list = column_list(columns)?;
        options =
            options.columns(&list).map_err(|error| PyValueError::new_err(error.to_string()))?;
    }
    if html {
        options = options.html();
    }
    let options = options.hashes(hashes).embedded(embedded);
    let names = options.column_names().map(str::to_owned).collect();
    let failure = Arc::default();
    let iterator = inputs.try_iter()?.unbind();
    let inputs = Inputs { iterator, failure: Arc::clone(&failure) };
    let reader = Reader { batches: Table::new(options).batches(inputs), failure };
    Ok(Batches { reader: Mutex::new(Some(reader)), names })
}

#[pymethods]
impl Batches {
    /// The names of the columns.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.names.clone()
    }

    /// The stream, in the PyCapsule interface of Arrow. It can be taken only once.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface allows to ignore the requested schema; the consumer converts then.
        let _ = requested_schema;
        let reader = lock(&self.reader).take();
        let taken = || PyRuntimeError::new_err("the batches were taken already");
        let stream = FFI_ArrowArrayStream::new(Box::new(reader.ok_or_else(taken)?));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    fn __repr__(&self) -> String {
        format!("<msgfs.Batches of {}>", self.names.join(", "))
    }
}
