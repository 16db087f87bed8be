//! The types of columns, and their Arrow types.
//!
//! DuckDB, Spark and pandas all have these types; so there are no unsigned numbers and no
//! dictionaries. As in Spark, every field can be null, and the field of a list is called `element`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::columns::Column;

/// The version of the columns. Within a version, columns and fields are only added.
pub const SCHEMA: u32 = 1;
/// The key of [`SCHEMA`] in the metadata of a table.
pub const SCHEMA_KEY: &str = "msgfs.schema";
/// The version of the program, which is also in the column `msgfs_version`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The key of [`VERSION`] in the metadata of a file.
pub const VERSION_KEY: &str = "msgfs.version";

/// The type of a column or of a field in it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ColumnKind {
    /// UTF-8.
    Text,
    /// Bytes.
    Bytes,
    /// A signed number of 32 bits.
    Integer32,
    /// A signed number of 64 bits.
    Integer64,
    /// True or false.
    Boolean,
    /// Microseconds since 1970, UTC.
    Time,
    /// Any number of values.
    List(&'static Self),
    /// Values with names.
    Struct(&'static [(&'static str, Self)]),
}

impl ColumnKind {
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Integer32 => DataType::Int32,
            Self::Integer64 => DataType::Int64,
            Self::Boolean => DataType::Boolean,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Self::List(item) => DataType::List(Arc::new(element(*item))),
            Self::Struct(fields) => DataType::Struct(fields_of(fields)),
        }
    }
}

/// The time zone of every time.
pub(crate) const UTC: &str = "UTC";

/// The field of a list.
pub(crate) fn element(item: ColumnKind) -> Field {
    Field::new("element", item.data_type(), true)
}

/// The fields of a struct.
pub(crate) fn fields_of(fields: &[(&'static str, ColumnKind)]) -> Fields {
    fields.iter().map(|(name, kind)| Field::new(*name, kind.data_type(), true)).collect()
}

/// The schema of a table with these columns.
pub(crate) fn schema_of(columns: &[&'static Column]) -> SchemaRef {
    let fields = columns.iter().map(|column| Field::new(column.name, column.data_type(), true));
    let version = HashMap::from([(SCHEMA_KEY.to_owned(), SCHEMA.to_string())]);
    Arc::new(Schema::new_with_metadata(fields.collect::<Fields>(), version))
}
