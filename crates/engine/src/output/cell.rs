//! One cell as a value for people and programs, whatever its Arrow type.

use std::{borrow::Cow, fmt::Write};

use arrow::{
    array::{Array, ArrayRef, AsArray, StructArray},
    datatypes::{
        ArrowPrimitiveType, DataType, Date32Type, Date64Type, Float16Type, Float32Type, Float64Type,
        Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
        TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
        UInt32Type, UInt64Type,
    },
    util::display::array_value_to_string,
};
use tamis_model::{ids::hex, names::is_hidden};

/// A cell.
pub(crate) enum Cell<'a> {
    Null,
    /// A number or a boolean, as JSON writes it.
    Bare(String),
    /// Not a number: NaN or an infinity.
    NotFinite(f64),
    /// Text, as it stands.
    Text(Cow<'a, str>),
    /// Text of a closed alphabet: times, hex, intervals.
    Safe(String),
    List(ArrayRef),
    Struct(&'a StructArray),
    /// Keys and values.
    Map(ArrayRef, ArrayRef),
}

/// Whether cells of a column are numbers, which are aligned to the right.
pub(crate) fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// The cell at `row`.
pub(crate) fn cell(array: &dyn Array, row: usize) -> Cell<'_> {
    if array.is_null(row) {
        return Cell::Null;
    }
    known(array, row).unwrap_or_else(|| match array_value_to_string(array, row) {
        Ok(text) => Cell::Safe(text),
        Err(_) => Cell::Null,
    })
}

fn known(array: &dyn Array, row: usize) -> Option<Cell<'_>> {
    fn number<T: ArrowPrimitiveType<Native: std::fmt::Display>>(
        array: &dyn Array,
        row: usize,
    ) -> Option<Cell<'static>> {
        Some(Cell::Bare(array.as_primitive_opt::<T>()?.value(row).to_string()))
    }
    Some(match array.data_type() {
        DataType::Null => Cell::Null,
        DataType::Boolean => Cell::Bare(array.as_boolean_opt()?.value(row).to_string()),
        DataType::Int8 => number::<Int8Type>(array, row)?,
        DataType::Int16 => number::<Int16Type>(array, row)?,
        DataType::Int32 => number::<Int32Type>(array, row)?,
        DataType::Int64 => number::<Int64Type>(array, row)?,
        DataType::UInt8 => number::<UInt8Type>(array, row)?,
        DataType::UInt16 => number::<UInt16Type>(array, row)?,
        DataType::UInt32 => number::<UInt32Type>(array, row)?,
        DataType::UInt64 => number::<UInt64Type>(array, row)?,
        DataType::Float16 => float(array.as_primitive_opt::<Float16Type>()?.value(row).to_f64()),
        DataType::Float32 => {
            let value = array.as_primitive_opt::<Float32Type>()?.value(row);
            if value.is_finite() { Cell::Bare(format!("{value:?}")) } else { float(f64::from(value)) }
        }
        DataType::Float64 => float(array.as_primitive_opt::<Float64Type>()?.value(row)),
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => Cell::Bare(array_value_to_string(array, row).ok()?),
        DataType::Utf8 => Cell::Text(array.as_string_opt::<i32>()?.value(row).into()),
        DataType::LargeUtf8 => Cell::Text(array.as_string_opt::<i64>()?.value(row).into()),
        DataType::Utf8View => Cell::Text(array.as_string_view_opt()?.value(row).into()),
        DataType::Binary => Cell::Safe(hex(array.as_binary_opt::<i32>()?.value(row))),
        DataType::LargeBinary => Cell::Safe(hex(array.as_binary_opt::<i64>()?.value(row))),
        DataType::BinaryView => Cell::Safe(hex(array.as_binary_view_opt()?.value(row))),
        DataType::FixedSizeBinary(_) => Cell::Safe(hex(array.as_fixed_size_binary_opt()?.value(row))),
        DataType::Date32 => Cell::Safe(date(i64::from(array.as_primitive_opt::<Date32Type>()?.value(row)))),
        DataType::Date64 => {
            Cell::Safe(date(array.as_primitive_opt::<Date64Type>()?.value(row).div_euclid(86_400_000)))
        }
        DataType::Timestamp(unit, _) => {
            let (value, per_second) = match unit {
                TimeUnit::Second => (array.as_primitive_opt::<TimestampSecondType>()?.value(row), 1),
                TimeUnit::Millisecond => {
                    (array.as_primitive_opt::<TimestampMillisecondType>()?.value(row), 1000)
                }
                TimeUnit::Microsecond => {
                    (array.as_primitive_opt::<TimestampMicrosecondType>()?.value(row), 1_000_000)
                }
                TimeUnit::Nanosecond => {
                    (array.as_primitive_opt::<TimestampNanosecondType>()?.value(row), 1_000_000_000)
                }
            };
            Cell::Safe(timestamp(value, per_second))
        }
        DataType::List(_) => Cell::List(array.as_list_opt::<i32>()?.value(row)),
        DataType::LargeList(_) => Cell::List(array.as_list_opt::<i64>()?.value(row)),
        DataType::ListView(_) => Cell::List(array.as_list_view_opt::<i32>()?.value(row)),
        DataType::LargeListView(_) => Cell::List(array.as_list_view_opt::<i64>()?.value(row)),
        DataType::FixedSizeList(..) => Cell::List(array.as_fixed_size_list_opt()?.value(row)),
        DataType::Struct(_) => Cell::Struct(array.as_struct_opt()?),
        DataType::Map(..) => {
            let entries = array.as_map_opt()?.value(row);
            Cell::Map(entries.columns().first()?.clone(), entries.columns().get(1)?.clone())
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary_opt()?;
            let key = *dictionary.normalized_keys().get(row)?;
            return match cell(dictionary.values().as_ref(), key) {
                Cell::Text(text) => Some(Cell::Text(text.into_owned().into())),
                Cell::Struct(_) => None,
                Cell::Null => Some(Cell::Null),
                Cell::Bare(text) => Some(Cell::Bare(text)),
                Cell::NotFinite(value) => Some(Cell::NotFinite(value)),
                Cell::Safe(text) => Some(Cell::Safe(text)),
                Cell::List(list) => Some(Cell::List(list)),
                Cell::Map(keys, values) => Some(Cell::Map(keys, values)),
            };
        }
        _ => return None,
    })
}

fn float(value: f64) -> Cell<'static> {
    if value.is_finite() { Cell::Bare(format!("{value:?}")) } else { Cell::NotFinite(value) }
}

/// Appends the cell at `row` as JSON.
pub(crate) fn json(out: &mut String, array: &dyn Array, row: usize) {
    match cell(array, row) {
        Cell::Null | Cell::NotFinite(_) => out.push_str("null"),
        Cell::Bare(text) => out.push_str(&text),
        Cell::Text(text) => quote(out, &text),
        Cell::Safe(text) => quote(out, &text),
        Cell::List(list) => {
            out.push('[');
            for at in 0..list.len() {
                comma(out, at);
                json(out, list.as_ref(), at);
            }
            out.push(']');
        }
        Cell::Struct(fields) => {
            out.push('{');
            for (at, (name, column)) in fields.column_names().iter().zip(fields.columns()).enumerate() {
                comma(out, at);
                quote(out, name);
                out.push(':');
                json(out, column.as_ref(), row);
            }
            out.push('}');
        }
        Cell::Map(keys, values) => {
            out.push('{');
            for at in 0..keys.len() {
                comma(out, at);
                quote(out, &text(keys.as_ref(), at));
                out.push(':');
                json(out, values.as_ref(), at);
            }
            out.push('}');
        }
    }
}

/// The cell at `row` as text; empty for null. Lists, structures and maps are JSON.
pub(crate) fn text(array: &dyn Array, row: usize) -> Cow<'_, str> {
    match cell(array, row) {
        Cell::Null => Cow::Borrowed(""),
        Cell::NotFinite(value) => value.to_string().into(),
        Cell::Text(text) => text,
        Cell::Bare(text) | Cell::Safe(text) => text.into(),
        Cell::List(_) | Cell::Struct(_) | Cell::Map(..) => {
            let mut out = String::new();
            json(&mut out, array, row);
            out.into()
        }
    }
}

fn comma(out: &mut String, at: usize) {
    if at > 0 {
        out.push(',');
    }
}

/// Appends a JSON string (RFC 8259, section 7); what could steer a terminal is escaped as well.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // All of these lie in the basic plane.
            c if is_hidden(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// RFC 3339 in UTC; a fraction only where there is one. Years outside 0 to 9999 have a sign and at least
/// six digits (ISO 8601, expanded).
fn timestamp(value: i64, per_second: i64) -> String {
    let (seconds, fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let mut text = date(days);
    let _ = write!(text, "T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    if fraction != 0 {
        let digits = per_second.ilog10() as usize;
        let _ = write!(text, ".{fraction:0digits$}");
    }
    text.push('Z');
    text
}

/// `YYYY-MM-DD` of a number of days since 1970-01-01, proleptic Gregorian: days are counted from
/// 0000-03-01 in cycles of 400 years, so that the leap day is the last of its year.
fn date(days: i64) -> String {
    const CYCLE: i128 = 146_097;
    let from_march = i128::from(days) + 719_468;
    let (cycle, day) = (from_march.div_euclid(CYCLE), from_march.rem_euclid(CYCLE));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = cycle * 400 + year + next;
    match year {
        0..=9999 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:+07}-{month:02}-{day:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (micros, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00Z"),
            (1_709_251_199_500_000, "2024-02-29T23:59:59.500000Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00Z"),
            (-62_167_219_200_000_001, "-000001-12-31T23:59:59.999999Z"),
            (253_402_300_800_000_000, "+010000-01-01T00:00:00Z"),
            (i64::MAX, "+294247-01-10T04:00:54.775807Z"),
            (i64::MIN, "-290308-12-21T19:59:05.224192Z"),
        ] {
            assert_eq!(timestamp(micros, 1_000_000), shown);
        }
        assert_eq!(timestamp(1_500, 1000), "1970-01-01T00:00:01.500Z");
        assert!(timestamp(i64::MAX, 1).starts_with("+292277026596-12-04T"));
    }
}
