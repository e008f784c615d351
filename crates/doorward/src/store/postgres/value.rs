//! Values on their way to and from PostgreSQL.

use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use crate::{
    error::{Error, Result},
    store::value::{Cell, Value},
};

type Cause = Box<dyn std::error::Error + Sync + Send>;

/// The type that a parameter is declared with.
pub(super) fn type_of(value: &Value<'_>) -> Type {
    match value {
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Bytes(_) => Type::BYTEA,
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Cause> {
        match self {
            Self::Int(value) => value.to_sql(of, out),
            Self::Text(value) => value.to_sql(of, out),
            Self::Bytes(value) => value.to_sql(of, out),
        }
    }

    fn accepts(of: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(of)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(of: &Type, raw: &'a [u8]) -> std::result::Result<Self, Cause> {
        Ok(match *of {
            Type::INT8 => Self::Int(i64::from_sql(of, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(of, raw)?.into()),
            Type::BOOL => Self::Int(bool::from_sql(of, raw)?.into()),
            Type::TEXT => Self::Text(<&str>::from_sql(of, raw)?),
            _ => Self::Bytes(<&[u8]>::from_sql(of, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Cause> {
        Ok(Self::Null)
    }

    fn accepts(of: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::BOOL, Type::TEXT, Type::BYTEA].contains(of)
    }
}

/// One cell of a row.
pub(in crate::store) fn cell(row: &tokio_postgres::Row, column: usize) -> Result<Option<Cell<'_>>> {
    row.try_get(column)
        .map(Some)
        .map_err(|error| Error::Internal(error.into()))
}
