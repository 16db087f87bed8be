//! Converts between the types of the library and those of `msgfs/_types.py`.

use outlook_msg::mail::edit::addresses;
use outlook_msg::mail::{
    Address, AttendeeRole, Defect, Event, FileTime, Note, Recipient, RecipientType,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::{Bound, PyAny, PyAnyMethods as _, PyResult, Python};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyDictMethods as _};
use pyo3::{Py, PyErr};

use super::errors;
use super::value::time_to_python;

/// A class of `msgfs/_types.py`.
fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let module = MODULE
        .get_or_try_init(py, || py.import("msgfs._types").map(|one| one.into_any().unbind()))?;
    module.bind(py).getattr(name)
}

/// `Address(name, address)`.
pub(crate) fn address<'py>(py: Python<'py>, found: &Address) -> PyResult<Bound<'py, PyAny>> {
    class(py, "Address")?.call1((&*found.name, &*found.address))
}

/// `Recipient(type, name, address)`.
pub(crate) fn recipient<'py>(
    py: Python<'py>,
    found: &Recipient,
    address: &Address,
) -> PyResult<Bound<'py, PyAny>> {
    let kind = match found.recipient_type() {
        RecipientType::To => "to",
        RecipientType::Cc => "cc",
        RecipientType::Bcc => "bcc",
        _ => "other",
    };
    class(py, "Recipient")?.call1((kind, &*address.name, &*address.address))
}

/// `Defect(place, cause)`.
pub(crate) fn defect<'py>(py: Python<'py>, found: &Defect) -> PyResult<Bound<'py, PyAny>> {
    class(py, "Defect")?.call1((&*found.place, &*found.cause))
}

/// `Note(place, cause)`.
pub(crate) fn note<'py>(py: Python<'py>, found: &Note) -> PyResult<Bound<'py, PyAny>> {
    class(py, "Note")?.call1((&*found.place, &*found.text))
}

/// `Event(start, end, …)`.
pub(crate) fn event<'py>(py: Python<'py>, found: &Event) -> PyResult<Bound<'py, PyAny>> {
    let attendee = class(py, "Attendee")?;
    let attendees = found.attendees.iter().map(|one| {
        let role = match one.role {
            AttendeeRole::Required => "required",
            AttendeeRole::Optional => "optional",
            _ => "resource",
        };
        let response = one.response.to_string();
        attendee.call1((&*one.address.name, &*one.address.address, role, response))
    });
    let changed = found.changed.iter().map(|one| {
        class(py, "ChangedOccurrence")?.call1((
            &*one.day,
            time_to_python(py, one.start)?,
            time_to_python(py, one.end)?,
            one.subject.as_deref(),
            one.location.as_deref(),
        ))
    });
    let time = |time: Option<FileTime>| time.map(|time| time_to_python(py, time)).transpose();
    let organizer = found.organizer.as_ref().map(|one| address(py, one)).transpose()?;
    // A tuple cannot have so many values.
    let values = PyDict::new(py);
    values.set_item("start", time_to_python(py, found.start)?)?;
    values.set_item("end", time(found.end)?)?;
    values.set_item("is_all_day", found.is_all_day)?;
    values.set_item("time_zone", found.time_zone.as_deref())?;
    values.set_item("location", found.location.as_deref())?;
    values.set_item("organizer", organizer)?;
    values.set_item("attendees", attendees.collect::<PyResult<Vec<_>>>()?)?;
    values.set_item("recurrence", found.recurrence.as_deref())?;
    values.set_item("is_canceled", found.is_canceled)?;
    values.set_item("answer", found.answer.map(|answer| answer.to_string()))?;
    values.set_item("proposed_start", time(found.proposed_start)?)?;
    values.set_item("proposed_end", time(found.proposed_end)?)?;
    values.set_item("changed", changed.collect::<PyResult<Vec<_>>>()?)?;
    values.set_item("canceled_days", found.canceled_days.clone())?;
    values.set_item("show_as", found.show_as.map(|one| one.to_string()))?;
    values.set_item("reminder_minutes", found.reminder_minutes)?;
    class(py, "Event")?.call((), Some(&values))
}

/// Converts addresses from Python: an `Address`, a pair, a text as in a mail header, or a list of
/// these. `None` means no address.
pub(crate) fn addresses_from(value: &Bound<'_, PyAny>) -> PyResult<Vec<Address>> {
    if value.is_none() {
        return Ok(Vec::new());
    }
    if let Ok(text) = value.extract::<String>() {
        let parsed = addresses::parse(&text, &[]);
        return parsed.map_err(|error| errors::exception(value.py(), &error, None));
    }
    if let Ok((name, address)) = value.extract::<(String, String)>() {
        return Ok(vec![Address { name, address }]);
    }
    let items = value.try_iter().map_err(|_| no_address())?;
    let found = items.map(|item| addresses_from(&item?)).collect::<PyResult<Vec<_>>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// Converts one address from Python. `None` becomes an empty address.
pub(crate) fn address_from(value: &Bound<'_, PyAny>) -> PyResult<Address> {
    let mut found = addresses_from(value)?.into_iter();
    match (found.next(), found.next()) {
        (Some(address), None) => Ok(address),
        (None, _) => Ok(Address::default()),
        (Some(_), Some(_)) => Err(PyTypeError::new_err("expected one address")),
    }
}

fn no_address() -> PyErr {
    PyTypeError::new_err("expected an Address, a pair (name, address), a text, or a list of these")
}
