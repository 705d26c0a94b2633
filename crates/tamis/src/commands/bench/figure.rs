//! One number of a benchmark, and how it is shown.

use crate::screen;

/// One number.
pub struct Figure {
    /// Whose: `tamis`, or a peer.
    pub who: String,
    /// Of what.
    pub what: String,
    /// In `unit`.
    pub value: f64,
    /// What the number counts.
    pub unit: Unit,
    /// Of a peer's figure: that of this program over it.
    pub ratio: Option<f64>,
    /// On what, where that is not the corpus.
    pub corpus: Option<String>,
    /// What was run.
    pub command: String,
}

impl Figure {
    /// A number of `who`.
    pub fn new(who: &str, unit: Unit, value: f64, what: impl Into<String>, command: &str) -> Figure {
        Figure {
            who: who.to_owned(),
            what: what.into(),
            value,
            unit,
            ratio: None,
            corpus: None,
            command: command.to_owned(),
        }
    }

    /// Beside `own`, the number of this program.
    pub fn over(self, own: f64) -> Figure {
        let ratio = (self.value > 0.0).then(|| own / self.value);
        Figure { ratio, ..self }
    }

    /// Measured on something else than the corpus.
    pub fn on(self, corpus: &str) -> Figure {
        Figure { corpus: Some(corpus.to_owned()), ..self }
    }
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds of processor time, user and system.
    CpuSeconds,
    /// Seconds by the clock.
    Seconds,
    /// Milliseconds by the clock.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// A share of the corpus; 1 is all of it.
    Share,
    /// Hundredths.
    Percent,
    /// How many in a second of processor time.
    PerSecond,
    /// Millions of bytes in a second of processor time.
    MegabytesPerSecond,
}

impl Unit {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Unit::CpuSeconds => "cpu-seconds",
            Unit::Seconds => "seconds",
            Unit::Milliseconds => "milliseconds",
            Unit::Bytes => "bytes",
            Unit::Share => "share",
            Unit::Percent => "percent",
            Unit::PerSecond => "per-second",
            Unit::MegabytesPerSecond => "megabytes-per-second",
        }
    }

    /// For people.
    pub fn show(self, value: f64) -> String {
        match self {
            Unit::CpuSeconds => format!("{value:.1} CPU s"),
            Unit::Seconds => format!("{value:.2} s"),
            Unit::Milliseconds => format!("{value:.1} ms"),
            Unit::Bytes => bytes(value as u64),
            Unit::Share => format!("{value:.3}"),
            Unit::Percent => format!("{value:.1} %"),
            Unit::PerSecond => format!("{}/s", screen::count(value as u64)),
            Unit::MegabytesPerSecond => format!("{value:.0} MB/s"),
        }
    }
}

/// Bytes in powers of 1,024, as limits of memory are.
pub fn bytes(n: u64) -> String {
    match n {
        0..0x10_0000 => screen::bytes(n),
        n => format!("{:.0} MiB", n as f64 / f64::from(1 << 20)),
    }
}

/// A ratio below one as a fraction.
pub fn times(ratio: f64) -> String {
    if ratio > 0.0 && ratio < 1.0 {
        format!("1/{:.1} of it", 1.0 / ratio)
    } else {
        format!("{ratio:.1} times it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        for (unit, value, shown) in [
            (Unit::CpuSeconds, 17.46, "17.5 CPU s"),
            (Unit::Milliseconds, 6.04, "6.0 ms"),
            (Unit::Bytes, 300.0 * 1048576.0, "300 MiB"),
            (Unit::Bytes, 500.0, "500 B"),
            (Unit::Share, 0.3456, "0.346"),
            (Unit::Percent, 2.44, "2.4 %"),
            (Unit::Seconds, 1.234, "1.23 s"),
            (Unit::PerSecond, 41_234.9, "41,234/s"),
            (Unit::MegabytesPerSecond, 612.4, "612 MB/s"),
        ] {
            assert_eq!(unit.show(value), shown);
        }
        for (ratio, shown) in [(0.125, "1/8.0 of it"), (1.0, "1.0 times it"), (2.5, "2.5 times it")] {
            assert_eq!(times(ratio), shown);
        }
    }

    #[test]
    fn a_peer_that_took_no_time_has_no_ratio() {
        let figure = |value| Figure::new("mu", Unit::CpuSeconds, value, "", "").over(10.0).ratio;
        assert_eq!((figure(80.0), figure(0.0)), (Some(0.125), None));
    }
}
