//! The setters of `Message`, and saving.

use std::path::PathBuf;

use outlook_msg::mail::{self, Importance};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::{Bound, PyAny, PyRef, PyResult, Python};
use pyo3::pymethods;

use super::attachment::Attachment;
use super::message::Message;
use super::types::{address_from, addresses_from};
use super::value::{self, Key, time_from_python};

/// A text to set. `None` and an empty text remove the value.
type Text = Option<String>;

#[pymethods]
impl Message {
    #[setter]
    fn set_subject(&self, py: Python<'_>, value: Text) -> PyResult<()> {
        self.change(py, |mail| mail.set_subject(&value.unwrap_or_default()))
    }

    #[setter]
    fn set_from_(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let address = address_from(value)?;
        self.change(value.py(), |mail| mail.set_from(&address))
    }

    #[setter]
    fn set_sender(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let address = address_from(value)?;
        self.change(value.py(), |mail| mail.set_sender(&address))
    }

    #[setter]
    fn set_to(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let addresses = addresses_from(value)?;
        self.change(value.py(), |mail| mail.set_to(&addresses))
    }

    #[setter]
    fn set_cc(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let addresses = addresses_from(value)?;
        self.change(value.py(), |mail| mail.set_cc(&addresses))
    }

    #[setter]
    fn set_bcc(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let addresses = addresses_from(value)?;
        self.change(value.py(), |mail| mail.set_bcc(&addresses))
    }

    #[setter]
    fn set_reply_to(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let addresses = addresses_from(value)?;
        self.change(value.py(), |mail| mail.set_reply_to(&addresses))
    }

    #[setter]
    fn set_date(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let time = time_from_python(value)?;
        self.change(value.py(), |mail| mail.set_date(time))
    }

    #[setter]
    fn set_received(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let time = time_from_python(value)?;
        self.change(value.py(), |mail| mail.set_received(time))
    }

    #[setter]
    fn set_message_class(&self, py: Python<'_>, value: Text) -> PyResult<()> {
        self.change(py, |mail| mail.set_message_class(&value.unwrap_or_default()))
    }

    #[setter]
    fn set_message_id(&self, py: Python<'_>, value: Text) -> PyResult<()> {
        self.change(py, |mail| mail.set_message_id(&value.unwrap_or_default()))
    }

    #[setter]
    fn set_importance(&self, py: Python<'_>, value: &str) -> PyResult<()> {
        let all = [Importance::Low, Importance::Normal, Importance::High];
        let Some(found) = all.into_iter().find(|one| one.to_string() == value) else {
            return Err(PyValueError::new_err("expected 'low', 'normal' or 'high'"));
        };
        self.change(py, |mail| mail.set_importance(found))
    }

    #[setter]
    fn set_categories(&self, py: Python<'_>, value: Vec<String>) -> PyResult<()> {
        self.change(py, |mail| mail.set_categories(&value))
    }

    #[setter]
    fn set_headers(&self, py: Python<'_>, value: Text) -> PyResult<()> {
        self.change(py, |mail| mail.set_headers(&value.unwrap_or_default()))
    }

    #[setter]
    fn set_text(&self, py: Python<'_>, value: &str) -> PyResult<()> {
        self.change(py, |mail| mail.set_text(value))
    }

    #[setter]
    fn set_html(&self, py: Python<'_>, value: &str) -> PyResult<()> {
        self.change(py, |mail| mail.set_html(value))
    }

    #[setter]
    fn set_rtf(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let bytes = value::bytes(value)?;
        self.change(value.py(), |mail| mail.set_rtf(&bytes))
    }

    #[pyo3(signature = (key, value, /))]
    fn set_property(&self, key: Key, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let set = value::from_python(value)?;
        self.change(value.py(), |mail| mail.set_property(key.as_key(), set))
    }

    #[pyo3(signature = (key, /))]
    fn remove_property(&self, py: Python<'_>, key: Key) -> PyResult<()> {
        self.change(py, |mail| mail.remove_property(key.as_key()))
    }

    #[pyo3(signature = (name, content))]
    fn add_attachment(&self, name: &str, content: &Bound<'_, PyAny>) -> PyResult<()> {
        let bytes = value::bytes(content)?;
        self.change(content.py(), |mail| mail.add_attachment(name, bytes))
    }

    #[pyo3(signature = (attachment, content))]
    fn set_attachment(
        &self,
        attachment: PyRef<'_, Attachment>,
        content: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let bytes = value::bytes(content)?;
        let attachment = attachment.get();
        self.change(content.py(), |mail| mail.set_attachment(attachment, bytes))
    }

    #[pyo3(signature = (attachment))]
    fn remove_attachment(&self, py: Python<'_>, attachment: PyRef<'_, Attachment>) -> PyResult<()> {
        let attachment = attachment.get();
        self.change(py, |mail| mail.remove_attachment(attachment))
    }

    fn save(&self, py: Python<'_>) -> PyResult<()> {
        self.save_by(py, mail::Mail::save)
    }

    #[pyo3(signature = (path))]
    fn save_as(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.save_by(py, |mail| mail.save_as(path))
    }
}
