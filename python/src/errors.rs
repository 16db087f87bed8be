//! Converts errors of the library to exceptions. All are subclasses of `msgfs.Error`; each has the
//! path of the message, and its cause as `__cause__`.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use outlook_msg::{imsg, mail};
use pyo3::prelude::{Bound, PyAny, PyAnyMethods as _, PyErr, PyResult, Python};
use pyo3::sync::PyOnceLock;
use pyo3::{Py, intern};

/// The exceptions that `msgfs/_errors.py` defines.
#[derive(Clone, Copy)]
enum Exception {
    Base,
    Open,
    Save,
    Damaged,
    Closed,
    Invalid,
}

impl Exception {
    /// The exception for an error of the library.
    fn of(error: &mail::Error) -> Self {
        match error {
            mail::Error::Open { .. } => Self::Open,
            mail::Error::Save { .. } | mail::Error::NoPath => Self::Save,
            mail::Error::Damaged(_) => Self::Damaged,
            mail::Error::NotSettable(_)
            | mail::Error::Invalid { .. }
            | mail::Error::IsNone { .. }
            | mail::Error::UnknownName { .. } => Self::Invalid,
            mail::Error::Message(imsg::Error::SessionClosed) => Self::Closed,
            mail::Error::Message(imsg::Error::Invalid { .. } | imsg::Error::Unmappable { .. }) => {
                Self::Invalid
            }
            mail::Error::Message(imsg::Error::Target { .. }) => Self::Save,
            _ => Self::Base,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Base => "Error",
            Self::Open => "OpenError",
            Self::Save => "SaveError",
            Self::Damaged => "DamagedError",
            Self::Closed => "ClosedError",
            Self::Invalid => "InvalidError",
        }
    }

    fn class<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static MODULE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let module = MODULE.get_or_try_init(py, || {
            py.import("msgfs._errors").map(|one| one.into_any().unbind())
        })?;
        module.bind(py).getattr(self.name())
    }
}

/// The exception for an error of a message.
pub(crate) fn exception(py: Python<'_>, error: &mail::Error, path: Option<&Path>) -> PyErr {
    raised(py, Exception::of(error), error, path).unwrap_or_else(|failed| failed)
}

/// The exception for a message that could not be saved.
pub(crate) fn not_saved(py: Python<'_>, error: &mail::Error, path: Option<&Path>) -> PyErr {
    let kind = match Exception::of(error) {
        // Whatever failed, it was the save: a file that cannot be made, or be read back.
        Exception::Base => Exception::Save,
        kind => kind,
    };
    raised(py, kind, error, path).unwrap_or_else(|failed| failed)
}

/// The exception for a message that is used after it was closed.
pub(crate) fn closed(py: Python<'_>, path: Option<&Path>) -> PyErr {
    exception(py, &mail::Error::Message(imsg::Error::SessionClosed), path)
}

/// The exception for a file that is not a message.
pub(crate) fn not_opened(py: Python<'_>, error: &mail::Error) -> PyErr {
    raised(py, Exception::Open, error, None).unwrap_or_else(|failed| failed)
}

fn raised(
    py: Python<'_>,
    kind: Exception,
    error: &mail::Error,
    path: Option<&Path>,
) -> PyResult<PyErr> {
    let own_path = match error {
        mail::Error::Open { path, .. } | mail::Error::Save { path, .. } => Some(path.as_path()),
        _ => path,
    };
    let value = kind.class(py)?.call1((text(error),))?;
    let own_path = own_path.map(|path| py.import("pathlib")?.getattr("Path")?.call1((path,)));
    value.setattr(intern!(py, "path"), own_path.transpose()?)?;
    if let mail::Error::Damaged(defect) = error {
        value.setattr(intern!(py, "place"), defect.place.as_str())?;
    }
    let raised = PyErr::from_value(value);
    raised.set_cause(py, cause(py, error.source())?);
    Ok(raised)
}

/// An error and its causes in one line, without the error numbers of the system.
fn text(error: &(dyn StdError + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    // A transparent error has the same text as its cause.
    texts.dedup();
    mail::without_error_numbers(&texts.join(": ")).into_owned()
}

/// The cause of an error, as an exception with its own cause. An error of the system becomes an
/// `OSError`: `FileNotFoundError`, for example.
fn cause(py: Python<'_>, error: Option<&(dyn StdError + 'static)>) -> PyResult<Option<PyErr>> {
    let Some(error) = error else { return Ok(None) };
    if let Some(found) = system_error(error) {
        return Ok(Some(found));
    }
    let raised = PyErr::from_value(Exception::Base.class(py)?.call1((text(error),))?);
    raised.set_cause(py, cause(py, error.source())?);
    Ok(Some(raised))
}

/// The `OSError` for an error that is one of the system, or only wraps one.
fn system_error(error: &(dyn StdError + 'static)) -> Option<PyErr> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        let copy = match error.raw_os_error() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::new(error.kind(), error.to_string()),
        };
        return Some(copy.into());
    }
    let boxed = error.downcast_ref::<Box<mail::Error>>().map(Box::as_ref);
    match boxed.or_else(|| error.downcast_ref::<mail::Error>()) {
        Some(mail::Error::Io(error)) => system_error(error),
        _ => None,
    }
}
