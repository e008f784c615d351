//! What goes into statements and comes out of rows, whichever the driver.

use std::net::IpAddr;

use crate::{
    error::{Error, Result},
    ids::{CodeId, EventId, MessageId, RoleId, SessionId, UserId},
    time::Timestamp,
};

/// A parameter of a statement. It has a type also where it is null: PostgreSQL asks what nothing is of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Bytes(Option<&'a [u8]>),
}

/// The parameters of a statement, in the order of `$1…$n`.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::Value::from($value)),*] };
}
pub(crate) use values;

/// A type that a parameter is made of.
pub(crate) trait Parameter {
    /// Nothing of this type.
    const NULL: Value<'static>;
}

impl<'a, T: Parameter> From<Option<T>> for Value<'a>
where
    Value<'a>: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(T::NULL, Self::from)
    }
}

macro_rules! parameters {
    ($($type:ty: $kind:ident(|$value:ident| $raw:expr);)*) => {$(
        impl From<$type> for Value<'_> {
            fn from($value: $type) -> Self {
                Self::$kind(Some($raw))
            }
        }

        impl Parameter for $type {
            const NULL: Value<'static> = Value::$kind(None);
        }
    )*};
    ($(&$type:ty: $kind:ident;)*) => {$(
        impl<'a> From<&'a $type> for Value<'a> {
            fn from(value: &'a $type) -> Self {
                Self::$kind(Some(value))
            }
        }

        impl Parameter for &$type {
            const NULL: Value<'static> = Value::$kind(None);
        }
    )*};
}

parameters! {
    i64: Int(|value| value);
    u32: Int(|value| value.into());
    bool: Int(|value| value.into());
    Timestamp: Int(|value| value.as_millis());
}

parameters! {
    &str: Text;
    &String: Text;
    &[u8]: Bytes;
    &Vec<u8>: Bytes;
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(Some(value))
    }
}

impl<const N: usize> Parameter for &[u8; N] {
    const NULL: Value<'static> = Value::Bytes(None);
}

/// One cell of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// A type that a column holds.
pub(crate) trait Column: Sized {
    /// The value; `None` when the cell holds another type.
    fn read(cell: Cell<'_>) -> Option<Self>;
}

impl Column for i64 {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(value) => Some(value),
            _ => None,
        }
    }
}

impl Column for u32 {
    fn read(cell: Cell<'_>) -> Option<Self> {
        i64::read(cell)?.try_into().ok()
    }
}

impl Column for bool {
    fn read(cell: Cell<'_>) -> Option<Self> {
        i64::read(cell).map(|value| value != 0)
    }
}

impl Column for Timestamp {
    fn read(cell: Cell<'_>) -> Option<Self> {
        i64::read(cell).map(Self::from_millis)
    }
}

impl Column for String {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(value) => Some(value.to_owned()),
            _ => None,
        }
    }
}

impl Column for IpAddr {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(value) => value.parse().ok(),
            _ => None,
        }
    }
}

impl Column for Vec<u8> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bytes(value) => Some(value.to_vec()),
            _ => None,
        }
    }
}

impl<const N: usize> Column for [u8; N] {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bytes(value) => value.try_into().ok(),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::read(cell).map(Some),
        }
    }
}

macro_rules! id_columns {
    ($($id:ident),*) => {$(
        impl Column for $id {
            fn read(cell: Cell<'_>) -> Option<Self> {
                Column::read(cell).map(Self)
            }
        }

        impl<'a> From<&'a $id> for Value<'a> {
            fn from(id: &'a $id) -> Self {
                Self::Bytes(Some(id.as_bytes()))
            }
        }

        impl Parameter for &$id {
            const NULL: Value<'static> = Value::Bytes(None);
        }
    )*};
}

id_columns!(UserId, SessionId, CodeId, EventId, RoleId, MessageId);

/// One row of an answer.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// The value of a column, counted from 0.
    ///
    /// # Errors
    /// [`Error::Internal`] when the statement has no such column or the column another type: a defect of ours.
    pub(crate) fn get<T: Column>(&self, column: usize) -> Result<T> {
        let cell = match self {
            Self::Sqlite(row) => super::sqlite::cell(row, column),
            Self::Postgres(row) => super::postgres::cell(row, column),
        };
        cell?
            .and_then(T::read)
            .ok_or_else(|| Error::Internal(format!("column {column} has another type").into()))
    }
}
