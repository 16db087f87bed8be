//! `Message`: opens a message, and has its getters.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use outlook_msg::sync::lock;

use outlook_msg::Mail;
use outlook_msg::imsg::{MapiPropMut as _, Session, SessionOptions};
use outlook_msg::mail::{self, Address, FileTime, Marks, Printing, utc_time};
use outlook_msg::mapi::CodePage;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods as _, PyErr, PyResult, Python};
use pyo3::types::{PyBytes, PyTuple, PyType};
use pyo3::{IntoPyObject as _, intern, pyclass, pymethods};

use super::attachment::Attachment;
use super::errors::{closed, exception, not_opened, not_saved};
use super::types;
use super::value::{self, Key, time_to_python};

/// A message. `msgfs/_msgfs.pyi` documents its methods.
#[pyclass(module = "msgfs", frozen, weakref)]
#[derive(Debug)]
pub(crate) struct Message {
    state: Mutex<State>,
    codepage: Option<u32>,
}

#[derive(Debug)]
enum State {
    Open(Box<Mail>),
    Closed,
}

/// Where a message is opened from.
enum Content {
    Path(PathBuf),
    Bytes(Vec<u8>),
}

impl Message {
    pub(crate) fn of(mail: Mail, codepage: Option<u32>) -> Self {
        Self { state: Mutex::new(State::Open(Box::new(mail))), codepage }
    }

    /// Calls a method of the message without the GIL.
    pub(crate) fn ask<T: Send>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce(&Mail) -> Result<T, mail::Error> + Send,
    ) -> PyResult<T> {
        self.change(py, |mail| ask(mail))
    }

    /// Edits the message, without the GIL.
    pub(crate) fn change<T: Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut Mail) -> Result<T, mail::Error> + Send,
    ) -> PyResult<T> {
        self.change_or(py, exception, change)
    }

    /// Saves the message. `save` runs without the interpreter.
    pub(crate) fn save_by(
        &self,
        py: Python<'_>,
        save: impl FnOnce(&mut Mail) -> Result<(), mail::Error> + Send,
    ) -> PyResult<()> {
        self.change_or(py, not_saved, save)
    }

    fn change_or<T: Send>(
        &self,
        py: Python<'_>,
        failed: impl FnOnce(Python<'_>, &mail::Error, Option<&Path>) -> PyErr,
        change: impl FnOnce(&mut Mail) -> Result<T, mail::Error> + Send,
    ) -> PyResult<T> {
        let outcome = py.detach(|| match &mut *self.lock() {
            State::Open(mail) => Some((change(mail), mail.path().map(Path::to_owned))),
            State::Closed => None,
        });
        match outcome {
            Some((Ok(found), _)) => Ok(found),
            Some((Err(error), path)) => Err(failed(py, &error, path.as_deref())),
            None => Err(closed(py, None)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn path_buf(&self, py: Python<'_>) -> Option<PathBuf> {
        py.detach(|| match &*self.lock() {
            State::Open(mail) => mail.path().map(Path::to_owned),
            State::Closed => None,
        })
    }

    /// Whether there are unsaved edits.
    fn has_edits(&self, py: Python<'_>) -> bool {
        py.detach(|| match &*self.lock() {
            State::Open(mail) => mail.message().is_writable() && mail.message().is_unsaved(),
            State::Closed => false,
        })
    }

    fn address<'py>(
        &self,
        py: Python<'py>,
        ask: fn(&Mail) -> Result<Option<Address>, mail::Error>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.ask(py, ask)?;
        found.map(|address| types::address(py, &address)).transpose()
    }

    fn addresses<'py>(
        &self,
        py: Python<'py>,
        ask: fn(&Mail) -> Result<Vec<Address>, mail::Error>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.ask(py, ask)?.iter().map(|address| types::address(py, address)).collect()
    }

    fn time<'py>(
        &self,
        py: Python<'py>,
        ask: fn(&Mail) -> Result<Option<FileTime>, mail::Error>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.ask(py, ask)?.map(|time| time_to_python(py, time)).transpose()
    }

    fn written(
        &self,
        py: Python<'_>,
        write: impl FnOnce(&Mail, &mut Vec<u8>) -> Result<(), mail::Error> + Send,
    ) -> PyResult<Vec<u8>> {
        self.ask(py, |mail| {
            let mut out = Vec::new();
            write(mail, &mut out)?;
            Ok(out)
        })
    }
}

/// The options of a session with a code page for 8-bit strings.
pub(crate) fn options(codepage: Option<u32>) -> PyResult<SessionOptions> {
    let page = |number: u32| {
        let unknown = || PyValueError::new_err(format!("no code page {number} can be decoded"));
        CodePage::new(number).ok_or_else(unknown)
    };
    Ok(SessionOptions { code_page: codepage.map(page).transpose()? })
}

/// Converts the source of a message: a path, bytes, or an object with a method `read`.
fn content(source: &Bound<'_, PyAny>) -> PyResult<Content> {
    if let Ok(bytes) = value::bytes(source) {
        return Ok(Content::Bytes(bytes));
    }
    if let Ok(path) = source.extract::<PathBuf>() {
        return Ok(Content::Path(path));
    }
    let read = source.getattr(intern!(source.py(), "read")).map_err(|_| {
        PyTypeError::new_err("expected a path, the bytes of a .msg file, or a file that is open")
    })?;
    let bytes = read.call0()?;
    value::bytes(&bytes).map(Content::Bytes).map_err(|_| {
        PyTypeError::new_err("the file gives text: open it as binary, with open(path, 'rb')")
    })
}

pub(crate) fn open(py: Python<'_>, session: &Session, source: &Bound<'_, PyAny>) -> PyResult<Mail> {
    let content = content(source)?;
    let opened = py.detach(|| match content {
        Content::Path(path) => Mail::open_in(session, path),
        Content::Bytes(bytes) => Mail::from_bytes_in(session, bytes),
    });
    opened.map_err(|error| not_opened(py, &error))
}

#[pymethods]
impl Message {
    #[new]
    #[pyo3(signature = (source, *, codepage = None))]
    fn new(source: &Bound<'_, PyAny>, codepage: Option<u32>) -> PyResult<Self> {
        let session = Session::open(options(codepage)?);
        Ok(Self::of(open(source.py(), &session, source)?, codepage))
    }

    /// Creates a new message: an empty, unsent mail.
    #[classmethod]
    fn create(class: &Bound<'_, PyType>) -> PyResult<Self> {
        let py = class.py();
        let made = py.detach(Mail::create).map_err(|error| exception(py, &error, None))?;
        Ok(Self::of(made, None))
    }

    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(path) = self.path_buf(py) else { return Ok(None) };
        let class = py.import("pathlib")?.getattr("Path")?;
        class.call1((OsString::from(path),)).map(Some)
    }

    #[getter]
    fn subject(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, Mail::subject)
    }

    #[getter]
    fn from_<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.address(py, Mail::from)
    }

    #[getter]
    fn sender<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.address(py, Mail::sender)
    }

    #[getter]
    fn to<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.addresses(py, Mail::to)
    }

    #[getter]
    fn cc<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.addresses(py, Mail::cc)
    }

    #[getter]
    fn bcc<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.addresses(py, Mail::bcc)
    }

    #[getter]
    fn reply_to<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.addresses(py, Mail::reply_to)
    }

    #[getter]
    fn recipients<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let found = self.ask(py, |mail| {
            let with_address = |one: mail::Recipient| {
                // If nothing of a recipient can be read, the defects of the message say so.
                let address = one.address().ok().flatten().unwrap_or_default();
                (one, address)
            };
            Ok(mail.recipients()?.into_iter().map(with_address).collect::<Vec<_>>())
        })?;
        found.iter().map(|(one, address)| types::recipient(py, one, address)).collect()
    }

    #[getter]
    fn date<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.time(py, Mail::date)
    }

    #[getter]
    fn received<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.time(py, Mail::received)
    }

    #[getter]
    fn message_class(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, Mail::message_class)
    }

    #[getter]
    fn message_id(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, Mail::message_id)
    }

    #[getter]
    fn in_reply_to(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, Mail::in_reply_to)
    }

    #[getter]
    fn conversation(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.ask(py, Mail::conversation)?.and_then(|found| found.topic))
    }

    #[getter]
    fn importance(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.ask(py, Mail::importance)?.map(|found| found.to_string()))
    }

    #[getter]
    fn categories(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.ask(py, Mail::categories)
    }

    #[getter]
    fn headers(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, Mail::headers)
    }

    #[getter]
    fn text(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, Mail::text)
    }

    #[getter]
    fn html(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, Mail::html)
    }

    #[getter]
    fn shown_text(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, Mail::shown_text)
    }

    #[getter]
    fn shown_html(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, Mail::shown_html)
    }

    #[getter]
    fn shown_event<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.ask(py, Mail::shown_event)?.map(|event| types::event(py, &event)).transpose()
    }

    #[getter]
    fn wrapped(&self, py: Python<'_>) -> PyResult<Vec<(String, Self)>> {
        let found = self.ask(py, |mail| Ok(mail.wrapped()))?;
        Ok(found.into_iter().map(|one| (one.path, Self::of(one.mail, self.codepage))).collect())
    }

    #[getter]
    fn details(&self, py: Python<'_>) -> PyResult<Vec<(&'static str, Vec<String>)>> {
        self.ask(py, |mail| Ok(mail.details()))
    }

    #[getter]
    fn mailed_html(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, Mail::mailed_html)
    }

    #[getter]
    fn rtf<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        Ok(self.ask(py, Mail::rtf)?.map(|bytes| PyBytes::new(py, &bytes)))
    }

    #[getter]
    fn event<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.ask(py, Mail::event)?.map(|event| types::event(py, &event)).transpose()
    }

    #[getter]
    fn size(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        self.ask(py, Mail::size)
    }

    #[getter]
    fn attachments(&self, py: Python<'_>) -> PyResult<Vec<Attachment>> {
        let found = self.ask(py, Mail::attachments)?;
        let path = self.path_buf(py);
        Ok(found.into_iter().map(|one| Attachment::of(one, path.clone(), self.codepage)).collect())
    }

    #[getter]
    fn defects<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.ask(py, Mail::defects)?.iter().map(|found| types::defect(py, found)).collect()
    }

    #[getter]
    fn notes<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.ask(py, Mail::notes)?.iter().map(|found| types::note(py, found)).collect()
    }

    #[pyo3(signature = (key, /))]
    fn property<'py>(&self, py: Python<'py>, key: Key) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.ask(py, |mail| mail.property(key.as_key()))?;
        found.map(|found| value::to_python(py, &found)).transpose()
    }

    fn to_eml<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.written(py, |mail, out| mail.to_eml(out))?))
    }

    fn to_ics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.written(py, |mail, out| mail.to_ics(out))?))
    }

    fn to_vcf<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.written(py, |mail, out| mail.to_vcf(out))?))
    }

    fn to_msg<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.written(py, |mail, out| mail.to_msg(out))?))
    }

    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        let bytes = self.written(py, |mail, out| mail.to_json(out))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn to_text(&self, py: Python<'_>) -> PyResult<String> {
        let bytes = self.written(py, |mail, out| {
            // The text itself says what cannot be read, so the number of defects is not needed.
            mail.print(Printing { time: &utc_time, marks: Marks::default() }, out)?;
            Ok(())
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    #[pyo3(signature = (*, hashes = false))]
    fn to_dict<'py>(&self, py: Python<'py>, hashes: bool) -> PyResult<Bound<'py, PyAny>> {
        let text = self.ask(py, |mail| {
            let mut row = mail.to_row(mail.path().unwrap_or(Path::new("")), hashes);
            row.size = mail.size().ok().flatten();
            Ok(serde_json::to_string(&row))
        })?;
        let text = text.map_err(|error| PyValueError::new_err(error.to_string()))?;
        py.import("json")?.call_method1("loads", (text,))
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(std::mem::replace(&mut *self.lock(), State::Closed)));
    }

    fn __enter__(own: Py<Self>) -> Py<Self> {
        own
    }

    #[pyo3(signature = (kind, _value, _traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let is_lost = kind.is_none() && self.has_edits(py);
        self.close(py);
        if is_lost {
            let text = "the edits of the message were not saved: call save() or save_as()";
            let kind = py.import("msgfs._errors")?.getattr("UnsavedWarning")?;
            py.import("warnings")?.call_method1("warn", (text, kind))?;
        }
        Ok(())
    }

    /// Pickles the path. A message without a path, or with unsaved edits, is pickled as the bytes
    /// of a `.msg` file.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let source = match self.path_buf(py).filter(|_| !self.has_edits(py)) {
            Some(path) => path.as_os_str().into_pyobject(py)?.into_any(),
            None => self.to_msg(py)?.into_any(),
        };
        let restore = py.import("msgfs._restore")?.getattr("restore")?;
        (restore, (source, self.codepage)).into_pyobject(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let is_closed = py.detach(|| matches!(&*self.lock(), State::Closed));
        if is_closed {
            return Ok("<msgfs.Message closed>".to_owned());
        }
        let subject = self.subject(py).ok().flatten().unwrap_or_default();
        let subject = subject.into_pyobject(py)?.repr()?;
        Ok(match self.path_buf(py) {
            Some(path) => format!("<msgfs.Message {subject} of {}>", path.display()),
            None => format!("<msgfs.Message {subject}>"),
        })
    }
}
