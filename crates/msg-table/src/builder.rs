//! Builds arrays, value by value.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;

use crate::cell::Cell;
use crate::schema::{ColumnKind, UTC, element, fields_of};

/// An array that is being built.
#[derive(Debug)]
pub(crate) enum ColumnBuilder {
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Integer32(Int32Builder),
    Integer64(Int64Builder),
    Boolean(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    List {
        kind: ColumnKind,
        ends: Vec<i32>,
        nulls: NullBufferBuilder,
        items: Box<Self>,
    },
    Struct {
        kinds: &'static [(&'static str, ColumnKind)],
        nulls: NullBufferBuilder,
        fields: Vec<Self>,
    },
}

impl ColumnBuilder {
    pub(crate) fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Text => Self::Text(StringBuilder::new()),
            ColumnKind::Bytes => Self::Bytes(BinaryBuilder::new()),
            ColumnKind::Integer32 => Self::Integer32(Int32Builder::new()),
            ColumnKind::Integer64 => Self::Integer64(Int64Builder::new()),
            ColumnKind::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnKind::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone(UTC)),
            ColumnKind::List(item) => Self::List {
                kind: *item,
                ends: vec![0],
                nulls: NullBufferBuilder::new(0),
                items: Box::new(Self::new(*item)),
            },
            ColumnKind::Struct(kinds) => Self::Struct {
                kinds,
                nulls: NullBufferBuilder::new(0),
                fields: kinds.iter().map(|(_, kind)| Self::new(*kind)).collect(),
            },
        }
    }

    /// Appends a value. A value of another type would become null, but no column gives one.
    pub(crate) fn push(&mut self, cell: Cell) {
        match (self, cell) {
            (Self::Text(builder), Cell::Text(text)) => builder.append_value(text),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Bytes(builder), Cell::Bytes(bytes)) => builder.append_value(bytes),
            (Self::Bytes(builder), _) => builder.append_null(),
            (Self::Integer32(builder), Cell::Integer(number)) => {
                builder.append_option(i32::try_from(number).ok());
            }
            (Self::Integer32(builder), _) => builder.append_null(),
            (Self::Integer64(builder), Cell::Integer(number)) => builder.append_value(number),
            (Self::Integer64(builder), _) => builder.append_null(),
            (Self::Boolean(builder), Cell::Boolean(truth)) => builder.append_value(truth),
            (Self::Boolean(builder), _) => builder.append_null(),
            (Self::Time(builder), Cell::Integer(micros)) => builder.append_value(micros),
            (Self::Time(builder), _) => builder.append_null(),
            (Self::List { ends, nulls, items, .. }, cell) => {
                let end = ends.last().copied().unwrap_or(0);
                let (count, is_there) = match cell {
                    Cell::List(cells) => {
                        let count = cells.len();
                        cells.into_iter().for_each(|cell| items.push(cell));
                        (count, true)
                    }
                    _ => (0, false),
                };
                // A batch is limited to far fewer items than an `i32` can count.
                ends.push(end.saturating_add(i32::try_from(count).unwrap_or(i32::MAX)));
                nulls.append(is_there);
            }
            (Self::Struct { nulls, fields, .. }, cell) => {
                let (cells, is_there) = match cell {
                    Cell::Struct(cells) => (cells, true),
                    _ => (Vec::new(), false),
                };
                let mut cells = cells.into_iter();
                fields.iter_mut().for_each(|field| field.push(cells.next().unwrap_or(Cell::Null)));
                nulls.append(is_there);
            }
        }
    }

    /// Returns the values as an array, and begins an empty one.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Bytes(builder) => Arc::new(builder.finish()),
            Self::Integer32(builder) => Arc::new(builder.finish()),
            Self::Integer64(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::List { kind, ends, nulls, items } => {
                let ends = ScalarBuffer::from(std::mem::replace(ends, vec![0]));
                let field = Arc::new(element(*kind));
                let items = items.finish()?;
                let ends = OffsetBuffer::new(ends);
                Arc::new(ListArray::try_new(field, ends, items, nulls.finish())?)
            }
            Self::Struct { kinds, nulls, fields } => {
                let arrays = fields.iter_mut().map(Self::finish).collect::<Result<_, _>>()?;
                Arc::new(StructArray::try_new(fields_of(kinds), arrays, nulls.finish())?)
            }
        })
    }
}
