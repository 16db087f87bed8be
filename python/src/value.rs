//! Converts property values and times from and to Python.

use outlook_msg::mail::{FileTime, PropertyKey, PropertyTag, Value};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::{Bound, PyAny, PyAnyMethods as _, PyResult, Python};
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBoolMethods as _, PyBytes, PyBytesMethods as _, PyDict, PyDictMethods as _, PyList,
    PyListMethods as _,
};
use pyo3::{FromPyObject, IntoPyObject as _, Py};

/// `PT_CURRENCY` counts ten-thousandths, so its `Decimal` has this exponent.
const CURRENCY_DIGITS: i32 = -4;

/// Names a property: by its tag or by its name.
#[derive(FromPyObject)]
pub(crate) enum Key {
    Tag(u32),
    Name(String),
}

impl Key {
    pub(crate) fn as_key(&self) -> PropertyKey<'_> {
        match self {
            Self::Tag(tag) => PropertyTag(*tag).into(),
            Self::Name(name) => name.as_str().into(),
        }
    }
}

/// Converts a value to Python. `Message.property` in `msgfs/_msgfs.pyi` lists the types.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null | Value::Object => py.None().into_bound(py),
        Value::Integer16(number) => number.into_pyobject(py)?.into_any(),
        Value::Integer32(number) => number.into_pyobject(py)?.into_any(),
        Value::Integer64(number) => number.into_pyobject(py)?.into_any(),
        Value::ErrorCode(number) => number.into_pyobject(py)?.into_any(),
        Value::Floating32(number) => f64::from(*number).into_pyobject(py)?.into_any(),
        Value::Floating64(number) | Value::FloatingTime(number) => {
            number.into_pyobject(py)?.into_any()
        }
        Value::Boolean(truth) => truth.into_pyobject(py)?.to_owned().into_any(),
        Value::String(text) => text.into_pyobject(py)?.into_any(),
        Value::Binary(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::Time(time) => time_to_python(py, *time)?,
        Value::Currency(number) => {
            let decimal = py.import("decimal")?.getattr("Decimal")?.call1((*number,))?;
            decimal.call_method1("scaleb", (CURRENCY_DIGITS,))?
        }
        Value::Guid(guid) => py.import("uuid")?.getattr("UUID")?.call1((guid.to_string(),))?,
        Value::Multiple(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(to_python(py, value)?)?;
            }
            list.into_any()
        }
    })
}

/// Converts a value from Python.
pub(crate) fn from_python(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    // `bool` is tested first, because a Python `bool` is an `int` too.
    if let Ok(truth) = value.cast::<pyo3::types::PyBool>() {
        return Ok(Value::Boolean(truth.is_true()));
    }
    if let Ok(number) = value.extract::<i32>() {
        return Ok(Value::Integer32(number));
    }
    if let Ok(number) = value.extract::<i64>() {
        return Ok(Value::Integer64(number));
    }
    if let Ok(text) = value.extract::<String>() {
        return Ok(Value::String(text));
    }
    if let Ok(number) = value.extract::<f64>() {
        return Ok(Value::Floating64(number));
    }
    if value.hasattr("timestamp")? {
        return time_from_python(value).map(Value::Time);
    }
    if let Ok(list) = value.cast::<PyList>() {
        let values = list.iter().map(|one| from_python(&one));
        return Ok(Value::Multiple(values.collect::<PyResult<_>>()?));
    }
    bytes(value).map(Value::Binary)
}

/// The bytes of a `bytes`, `bytearray` or `memoryview`, copied.
pub(crate) fn bytes(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    let py = value.py();
    let is_buffer = ["bytearray", "memoryview"].into_iter().any(|name| {
        let class = py.import("builtins").and_then(|module| module.getattr(name));
        class.and_then(|class| value.is_instance(&class)).unwrap_or(false)
    });
    if !is_buffer {
        let found = value.get_type();
        return Err(PyTypeError::new_err(format!("no value of a property is a {found}")));
    }
    py.import("builtins")?.getattr("bytes")?.call1((value,))?.extract()
}

/// The classes of `datetime`.
struct Datetime {
    /// 1601-01-01 00:00 UTC.
    epoch: Py<PyAny>,
    delta: Py<PyAny>,
}

fn datetime(py: Python<'_>) -> PyResult<&Datetime> {
    static DATETIME: PyOnceLock<Datetime> = PyOnceLock::new();
    DATETIME.get_or_try_init(py, || {
        let module = py.import("datetime")?;
        let zone = PyDict::new(py);
        zone.set_item("tzinfo", module.getattr("timezone")?.getattr("utc")?)?;
        let epoch = module.getattr("datetime")?.call((1601, 1, 1), Some(&zone))?.unbind();
        Ok(Datetime { epoch, delta: module.getattr("timedelta")?.unbind() })
    })
}

/// A time as a `datetime` in UTC, cut to microseconds; `None` after the year 9999, where Python has
/// no dates.
pub(crate) fn time_to_python(py: Python<'_>, time: FileTime) -> PyResult<Bound<'_, PyAny>> {
    let Datetime { epoch, delta } = datetime(py)?;
    let since = delta.bind(py).call1((0, 0, time.0 / 10))?;
    match epoch.bind(py).add(since) {
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => Ok(py.None().into_bound(py)),
        sum => sum,
    }
}

/// The time of an aware `datetime`.
pub(crate) fn time_from_python(value: &Bound<'_, PyAny>) -> PyResult<FileTime> {
    let py = value.py();
    if value.getattr("tzinfo").is_ok_and(|zone| zone.is_none()) {
        return Err(PyTypeError::new_err("expected a datetime with a time zone"));
    }
    let Datetime { epoch, delta } = datetime(py)?;
    let since = value.sub(epoch.bind(py))?;
    let micros: i64 = since.floor_div(delta.bind(py).call1((0, 0, 1))?)?.extract()?;
    let ticks = u64::try_from(micros).ok().and_then(|micros| micros.checked_mul(10));
    ticks.map(FileTime).ok_or_else(|| PyOverflowError::new_err("a time before 1601"))
}
