//! Processor time of work in this process. What else runs on the machine is not counted, though it takes of
//! the caches and of the processor's boost.

use rustix::time::{ClockId, clock_gettime};

/// Rounds of which the middle one counts.
pub const ROUNDS: usize = 5;
/// Processor seconds that a round takes at the least.
const ROUND: f64 = 0.2;

/// Seconds of processor time of this thread.
fn thread() -> f64 {
    seconds_of(ClockId::ThreadCPUTime)
}

/// Seconds of processor time of this process, all threads of it.
pub fn process() -> f64 {
    seconds_of(ClockId::ProcessCPUTime)
}

fn seconds_of(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Processor seconds of one call of each of `works`, the middle one of [`ROUNDS`] rounds. They take turns, so
/// that what disturbs one disturbs the others as well.
pub fn seconds<const N: usize>(works: [&mut dyn FnMut(); N]) -> [f64; N] {
    rounds(works, ROUND)
}

fn rounds<const N: usize>(mut works: [&mut dyn FnMut(); N], least: f64) -> [f64; N] {
    let mut rounds = [[0.0; ROUNDS]; N];
    for round in 0..ROUNDS {
        for (work, times) in works.iter_mut().zip(&mut rounds) {
            let (start, mut calls, mut took) = (thread(), 0_u32, 0.0);
            while took < least {
                work();
                calls += 1;
                took = thread() - start;
            }
            if let Some(time) = times.get_mut(round) {
                *time = took / f64::from(calls);
            }
        }
    }
    rounds.map(middle)
}

fn middle(mut times: [f64; ROUNDS]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(ROUNDS / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_round_that_was_disturbed_does_not_count() {
        assert_eq!(middle([3.0, 900.0, 1.0, 2.0, 4.0]), 3.0);
    }

    #[test]
    fn works_take_turns() {
        let order = std::cell::RefCell::new(Vec::new());
        let call = |name: char| {
            order.borrow_mut().push(name);
            // Some work, so that the clock moves on.
            std::hint::black_box((0..100_000_u64).fold(0, |sum, n| std::hint::black_box(sum ^ n)));
        };
        rounds([&mut || call('a'), &mut || call('b')], 1e-6);
        let mut order = order.into_inner();
        order.dedup();
        assert_eq!(order.iter().collect::<String>(), "ab".repeat(ROUNDS));
    }
}
