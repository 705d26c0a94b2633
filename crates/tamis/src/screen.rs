//! What a terminal shows: colour only where it is wanted, and never as the only carrier of a meaning.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde::Serialize;
use serde_json::Value;
use tamis_model::names::is_hidden;

use crate::cli::{Color, Global};

/// How to print.
#[derive(Debug, Clone)]
pub struct Screen {
    color: bool,
    /// No progress.
    pub quiet: bool,
    /// JSON on standard output.
    pub json: bool,
}

impl Screen {
    /// From the options and the environment.
    pub fn new(global: &Global) -> Screen {
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                io::stderr().is_terminal()
                    && io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        Screen { color, quiet: global.quiet, json: global.json }
    }

    /// Bold.
    pub fn strong(&self, text: &str) -> String {
        if self.color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Standard output, buffered.
    pub fn out(&self) -> BufWriter<StdoutLock<'static>> {
        BufWriter::with_capacity(64 << 10, io::stdout().lock())
    }

    /// One JSON value on a line of its own.
    pub fn print_json(&self, value: &Value) -> io::Result<()> {
        let mut out = self.out();
        json_line(&mut out, value)?;
        out.flush()
    }
}

/// Writes a value on a line of its own. What could steer a terminal stands as `\u….`: JSON that is
/// looked at is as harmless as a table, and to a program it is the same.
pub fn json_line(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Harmless))?;
    out.write_all(b"\n")
}

/// Text of several lines in which nothing steers a terminal, whatever was typed into it.
pub fn harmless(text: &str) -> String {
    let lines = text.lines().map(tamis_model::names::printable);
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

struct Harmless;

impl serde_json::ser::Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        for part in fragment.split_inclusive(is_hidden) {
            let hidden = part.chars().next_back().filter(|c| is_hidden(*c));
            let plain = part.len() - hidden.map_or(0, char::len_utf8);
            out.write_all(part.as_bytes().get(..plain).unwrap_or_default())?;
            for unit in hidden.into_iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(out, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

/// `1234567` as `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes with three digits and a unit (powers of 1,000).
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$} {unit}")
}

/// Microseconds UTC as `2017-05-05 20:35`.
pub fn minute(micros: i64) -> String {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => "?".to_owned(),
    }
}

/// Microseconds UTC in RFC 3339.
pub fn rfc3339(micros: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(micros).ok().map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_harmless_and_the_same() {
        let value = serde_json::json!({ "a\u{202e}": ["x\u{9b}2J\u{1b}\u{7f}\n\"é\u{1f4c4}", null, 1.5] });
        let mut out = Vec::new();
        json_line(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "{\"a\\u202e\":[\"x\\u009b2J\\u001b\\u007f\\n\\\"é\u{1f4c4}\",null,1.5]}\n");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn numbers_for_people() {
        for (n, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")] {
            assert_eq!(count(n), text);
        }
        for (n, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (12_345_678, "12.3 MB"),
            (9_000_000_000, "9.00 GB"),
        ] {
            assert_eq!(bytes(n), text);
        }
    }
}
