//! `Attachment` and the reader of its content.

use std::ffi::OsString;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::Mutex;

use outlook_msg::sync::lock;

use outlook_msg::mail::{self, AttachmentKind};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::{Bound, PyAny, PyAnyMethods as _, PyErr, PyResult, Python};
use pyo3::types::PyBytes;
use pyo3::{pyclass, pymethods};

use super::errors::exception;
use super::message::Message;
use super::types;
use super::value::{self, Key};

/// One call of `read` returns at most this many bytes.
const READ_BYTES_MAX: usize = 1 << 20;

/// An attachment. `msgfs/_msgfs.pyi` documents its methods.
#[pyclass(module = "msgfs", frozen)]
#[derive(Debug)]
pub(crate) struct Attachment {
    inner: mail::Attachment,
    /// The path of the message.
    path: Option<PathBuf>,
    codepage: Option<u32>,
}

impl Attachment {
    pub(crate) fn of(
        inner: mail::Attachment,
        path: Option<PathBuf>,
        codepage: Option<u32>,
    ) -> Self {
        Self { inner, path, codepage }
    }

    pub(crate) fn get(&self) -> &mail::Attachment {
        &self.inner
    }

    /// Calls a method of the attachment without the GIL.
    fn ask<T: Send>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce(&mail::Attachment) -> Result<T, mail::Error> + Send,
    ) -> PyResult<T> {
        let found = py.detach(|| ask(&self.inner));
        found.map_err(|error| exception(py, &error, self.path.as_deref()))
    }
}

#[pymethods]
impl Attachment {
    #[getter]
    fn name(&self) -> &str {
        self.inner.name()
    }

    #[getter]
    fn kind(&self) -> &'static str {
        match self.inner.kind() {
            AttachmentKind::Message => "message",
            AttachmentKind::Ole => "ole",
            AttachmentKind::Link => "link",
            _ => "file",
        }
    }

    #[getter]
    fn mime_type(&self) -> String {
        self.inner.media_type()
    }

    #[getter]
    fn size(&self, py: Python<'_>) -> PyResult<u64> {
        self.ask(py, mail::Attachment::size)
    }

    #[getter]
    fn content_id(&self) -> Option<String> {
        self.inner.content_id()
    }

    #[getter]
    fn is_inline(&self, py: Python<'_>) -> bool {
        py.detach(|| self.inner.is_inline())
    }

    #[getter]
    fn target(&self) -> Option<String> {
        self.inner.target()
    }

    #[getter]
    fn message(&self, py: Python<'_>) -> PyResult<Option<Message>> {
        let found = self.ask(py, mail::Attachment::message)?;
        Ok(found.map(|mail| Message::of(mail, self.codepage)))
    }

    fn read<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.ask(py, mail::Attachment::read)?))
    }

    fn read_partial<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyBytes>, Vec<Bound<'py, PyAny>>)> {
        let found = self.ask(py, mail::Attachment::read_partial)?;
        let missing = found.missing.iter().map(|defect| types::defect(py, defect));
        Ok((PyBytes::new(py, &found.bytes), missing.collect::<PyResult<_>>()?))
    }

    fn open<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let reader = AttachmentReader(Mutex::new(self.ask(py, mail::Attachment::open)?));
        py.import("msgfs._files")?.getattr("opened")?.call1((reader, self.name()))
    }

    #[pyo3(signature = (folder))]
    fn save<'py>(&self, py: Python<'py>, folder: PathBuf) -> PyResult<Bound<'py, PyAny>> {
        let path = self.ask(py, |one| one.save(folder))?;
        py.import("pathlib")?.getattr("Path")?.call1((OsString::from(path),))
    }

    #[pyo3(signature = (key, /))]
    fn property<'py>(&self, py: Python<'py>, key: Key) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.ask(py, |one| one.property(key.as_key()))?;
        found.map(|found| value::to_python(py, &found)).transpose()
    }

    fn __repr__(&self) -> String {
        format!("<msgfs.Attachment {:?}>", self.inner.name())
    }
}

/// The reader for which `msgfs/_files.py` makes a Python file object.
#[pyclass(frozen)]
#[derive(Debug)]
pub(crate) struct AttachmentReader(Mutex<mail::AttachmentReader>);

impl AttachmentReader {
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        run: impl FnOnce(&mut mail::AttachmentReader) -> std::io::Result<T> + Send,
    ) -> PyResult<T> {
        let done = py.detach(|| run(&mut lock(&self.0)));
        done.map_err(PyErr::from)
    }
}

#[pymethods]
impl AttachmentReader {
    fn read<'py>(&self, py: Python<'py>, size: usize) -> PyResult<Bound<'py, PyBytes>> {
        let found = self.with(py, |reader| {
            let mut bytes = vec![0; size.min(READ_BYTES_MAX)];
            let count = reader.read(&mut bytes)?;
            bytes.truncate(count);
            Ok(bytes)
        })?;
        Ok(PyBytes::new(py, &found))
    }

    fn seek(&self, py: Python<'_>, offset: i64, whence: u8) -> PyResult<u64> {
        let negative = || PyValueError::new_err("a position before the start");
        let to = match whence {
            0 => SeekFrom::Start(u64::try_from(offset).map_err(|_| negative())?),
            1 => SeekFrom::Current(offset),
            2 => SeekFrom::End(offset),
            _ => return Err(PyValueError::new_err("whence is 0, 1 or 2")),
        };
        self.with(py, |reader| reader.seek(to))
    }
}
