//! Rows that a later batch takes the place of: a predicate over the columns that identify a row.

use std::{
    collections::HashSet,
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray},
    datatypes::{DataType, UInt32Type},
};
use datafusion::{
    error::{DataFusionError, Result},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, col,
    },
};
use tamis_case::{Hidden, Table};
use tamis_model::{Blob, ItemId, SourceId};

/// The predicate "this row is not hidden" of a table; `None` where nothing of the table is hidden.
pub(crate) fn not_hidden(table: &Table, hidden: &Hidden) -> Option<Expr> {
    let (rows, columns) = match table.name {
        _ if table.facts => (Rows::Facts(hidden.blobs.iter().copied().collect()), ["blob"].as_slice()),
        "items" => (Rows::Items(hidden.items.iter().copied().collect()), ["source_id", "item_id"].as_slice()),
        // Places of blobs are never hidden: content is content.
        _ => return None,
    };
    if rows.is_empty() {
        return None;
    }
    let seen = ScalarUDF::new_from_impl(Seen::new(rows));
    Some(seen.call(columns.iter().map(|name| col(*name)).collect()))
}

enum Rows {
    Facts(HashSet<Blob>),
    Items(HashSet<(SourceId, ItemId)>),
}

impl Rows {
    fn is_empty(&self) -> bool {
        match self {
            Rows::Facts(blobs) => blobs.is_empty(),
            Rows::Items(items) => items.is_empty(),
        }
    }
}

/// The function `seen(columns)`; two are equal if they hold the same set.
struct Seen {
    rows: Arc<Rows>,
    signature: Signature,
}

impl Seen {
    fn new(rows: Rows) -> Seen {
        let types = match rows {
            Rows::Facts(_) => vec![DataType::Utf8],
            Rows::Items(_) => vec![DataType::UInt32, DataType::Utf8],
        };
        Seen { rows: Arc::new(rows), signature: Signature::exact(types, Volatility::Immutable) }
    }

    fn is_seen(&self, arrays: &[ArrayRef]) -> Option<BooleanArray> {
        match (self.rows.as_ref(), arrays) {
            (Rows::Facts(hidden), [blobs]) => {
                let blobs = blobs.as_string_opt::<i32>()?;
                let seen = |text: Option<&str>| {
                    let blob = text.and_then(|text| text.parse::<Blob>().ok());
                    Some(blob.is_none_or(|blob| !hidden.contains(&blob)))
                };
                Some(blobs.iter().map(seen).collect())
            }
            (Rows::Items(hidden), [sources, items]) => {
                let sources = sources.as_primitive_opt::<UInt32Type>()?;
                let items = items.as_string_opt::<i32>()?;
                let seen = |(source, item): (Option<u32>, Option<&str>)| {
                    let key = source.zip(item.and_then(|text| text.parse::<ItemId>().ok()));
                    Some(key.is_none_or(|(source, item)| !hidden.contains(&(SourceId(source), item))))
                };
                Some(sources.iter().zip(items.iter()).map(seen).collect())
            }
            _ => None,
        }
    }
}

impl ScalarUDFImpl for Seen {
    fn name(&self) -> &str {
        "seen"
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let seen = self.is_seen(&arrays).ok_or_else(|| {
            let types = arrays.iter().map(|array| array.data_type().to_string()).collect::<Vec<_>>();
            DataFusionError::Execution(format!("seen() cannot take {}", types.join(", ")))
        })?;
        Ok(ColumnarValue::Array(Arc::new(seen)))
    }
}

impl PartialEq for Seen {
    fn eq(&self, other: &Seen) -> bool {
        Arc::ptr_eq(&self.rows, &other.rows)
    }
}

impl Eq for Seen {}

impl Hash for Seen {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.rows).addr().hash(state);
    }
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("seen")
    }
}
