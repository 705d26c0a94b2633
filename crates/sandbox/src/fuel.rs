//! Fuel: the work a unit may do, counted and never timed, so that a file refused on one machine
//! is refused on every machine.

use std::time::Duration;

/// What a thing costs, in fuel. One unit of fuel stands for about ten nanoseconds of work of a
/// slow machine; the figures are rounded up, since a limit that is too wide costs a minute and
/// one that is too narrow costs a document.
pub mod cost {
    /// One byte decoded, inflated or scanned.
    pub const BYTE: u64 = 1;
    /// One row handed to the parent: a fact, a defect, a header field.
    pub const ROW: u64 = 100;
    /// One object of a structured file looked at: a PDF object, a PST node, an XML element.
    pub const OBJECT: u64 = 500;
    /// One child handed to the parent, besides its bytes.
    pub const CHILD: u64 = 1_000;
    /// One page laid out or rendered.
    pub const PAGE: u64 = 1_000_000;
}

/// The clock allows this many times what fuel allows, so that fuel decides and the clock only
/// catches what forgot to count.
const CLOCK_SLACK: u32 = 10;

/// Fuel that runs out only once: a refusal empties the tank, so that whatever costs anything is
/// refused from there on, and a reader cannot go on with the cheap half of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fuel {
    budget: u64,
    left: u64,
}

/// The unit's fuel is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {budget} units of work is spent")]
pub struct Exhausted {
    /// The fuel the unit began with.
    pub budget: u64,
}

impl Fuel {
    /// A tank of `units`; see [`cost`] for what they buy.
    pub fn new(units: u64) -> Fuel {
        Fuel { budget: units, left: units }
    }

    /// Spends `units`, or all that is left and an error if that is less.
    pub fn spend(&mut self, units: u64) -> Result<(), Exhausted> {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(Exhausted { budget: self.budget })
            }
        }
    }

    /// Spends for `count` things that cost `each` (one of [`cost`]).
    pub fn spend_on(&mut self, count: u64, each: u64) -> Result<(), Exhausted> {
        self.spend(count.saturating_mul(each))
    }

    /// What is left.
    pub fn left(&self) -> u64 {
        self.left
    }
}

/// The longest that `units` of fuel may take by the clock: a backstop for code that forgot to
/// spend, ten times what the fuel stands for and at least ten seconds.
pub fn clock(units: u64) -> Duration {
    const LEAST: Duration = Duration::from_secs(10);
    Duration::from_nanos(units.saturating_mul(10)).saturating_mul(CLOCK_SLACK).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spends_to_the_last_unit_and_then_refuses_everything() {
        let mut fuel = Fuel::new(10);
        assert_eq!(fuel.spend(4), Ok(()));
        assert_eq!(fuel.spend(6), Ok(()));
        assert_eq!(fuel.left(), 0);
        assert_eq!(fuel.spend(0), Ok(()));
        assert_eq!(fuel.spend(1), Err(Exhausted { budget: 10 }));
    }

    #[test]
    fn a_refusal_empties_the_tank() {
        let mut fuel = Fuel::new(10);
        assert_eq!(fuel.spend(11), Err(Exhausted { budget: 10 }));
        assert_eq!(fuel.left(), 0);
        assert_eq!(fuel.spend(1), Err(Exhausted { budget: 10 }));
    }

    #[test]
    fn a_product_that_overflows_is_refused_not_wrapped() {
        let mut fuel = Fuel::new(u64::MAX - 1);
        assert!(fuel.spend_on(u64::MAX, cost::PAGE).is_err());
    }

    #[test]
    fn the_clock_follows_the_fuel_with_a_floor() {
        for (units, seconds) in [(0, 10), (1_000_000, 10), (1_000_000_000, 100), (10_000_000_000, 1000)] {
            assert_eq!(clock(units), Duration::from_secs(seconds), "{units}");
        }
        assert!(clock(u64::MAX) > Duration::from_secs(1 << 30));
    }
}
