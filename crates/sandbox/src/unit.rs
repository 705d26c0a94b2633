//! The words between the program and its workers: what a job is, what a unit asks for, within
//! which limits, and how it ended.

use std::fmt::{self, Write};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::frames::{Grammar, Violation};
use crate::fuel;

/// The longest parameters that a unit may carry, bytes.
pub const MAX_PARAMS: u32 = 4 << 20;

/// The most that is kept of what a worker writes to its standard error, bytes.
pub const MAX_STDERR: usize = 4 << 10;

/// One kind of work that runs jailed. The program registers all of its jobs in one table.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// The name by which a unit asks for it; at most 128 bytes.
    pub name: &'static str,
    /// The work. Returning is success; what could not be done is said in frames.
    pub run: fn(&mut crate::Worker),
}

/// One piece of work for one process.
#[derive(Debug)]
pub struct Unit<'a> {
    /// The name of a [`Job`].
    pub job: &'a str,
    /// What the job is asked, in its own words; at most [`MAX_PARAMS`] bytes.
    pub params: &'a [u8],
    /// The file it reads, with `pread` alone: its offset is not moved, and even a descriptor
    /// that was opened for writing cannot be written to.
    pub source: Option<BorrowedFd<'a>>,
    /// The frames it may answer with.
    pub grammar: Grammar,
    /// What it may use up.
    pub limits: Limits,
}

/// What a unit may use up. Fuel and output are counted and end alike on every machine; the two
/// clocks are backstops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Fuel, see [`crate::fuel`].
    pub fuel: u64,
    /// Bytes of frames, headers included.
    pub output: u64,
    /// Seconds of processor time; 0 counts as 1.
    pub cpu_seconds: u64,
    /// Time since the fork. A worker that waits for a slow reader of its frames uses it up too.
    pub deadline: Duration,
}

impl Limits {
    /// Limits for `units` of fuel: up to `output` bytes of frames, and the clocks that
    /// [`fuel::clock`] gives.
    pub fn of(units: u64, output: u64) -> Limits {
        let deadline = fuel::clock(units);
        Limits { fuel: units, output, cpu_seconds: deadline.as_secs().max(1), deadline }
    }
}

/// Why the reader of the frames broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop(pub String);

/// How a unit ended, and what the worker said on its standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// How it ended. The frames that came before hold as far as the caller checked them.
    pub exit: Exit,
    /// The first [`MAX_STDERR`] bytes of standard error, on one line: what is not UTF-8 is
    /// replaced, what is not printable is escaped. Still the worker's words.
    pub stderr: String,
}

/// How a unit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// The job returned and its last frame is whole.
    Finished,
    /// The process left with this code, not 0. [`PANICKED`] is a panic of the job.
    Code(i32),
    /// The process died of this signal: SIGSYS for a forbidden call, SIGXCPU for
    /// [`Limits::cpu_seconds`], SIGSEGV for a stack that overflowed.
    Signal(i32),
    /// [`Limits::deadline`] passed.
    Deadline,
    /// The caller broke off.
    Stopped(Stop),
    /// The worker's output broke the grammar or its cap, or ended inside a frame although the
    /// process left with success.
    Violated(Violation),
    /// The unit was not begun: no such job, or this machine cannot build the jail. Nothing of
    /// the source was read.
    Refused(String),
    /// The nursery died, and the worker with it. The next unit gets a new nursery.
    Lost(String),
}

/// The exit code of a worker whose job panicked.
pub const PANICKED: i32 = 102;

/// The exit code of a worker whose reader went away.
pub const CLOSED: i32 = 103;

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Finished => f.write_str("finished"),
            Exit::Code(PANICKED) => f.write_str("panicked"),
            Exit::Code(code) => write!(f, "ended with exit code {code}"),
            Exit::Signal(signal) => write!(f, "died of signal {signal}"),
            Exit::Deadline => f.write_str("took too long"),
            Exit::Stopped(Stop(why)) => write!(f, "stopped: {why}"),
            Exit::Violated(violation) => write!(f, "broke the protocol: {violation}"),
            Exit::Refused(why) => write!(f, "not begun: {why}"),
            Exit::Lost(why) => write!(f, "lost: {why}"),
        }
    }
}

/// What keeps a worker in, as the worker itself found when it built its jail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforcement {
    /// The Landlock ABI in force, 0 for none. A second wall: the system-call filter stops what
    /// Landlock would, so units run without it.
    pub landlock_abi: u32,
    /// It dies with the nursery.
    pub dies_with_parent: bool,
    /// It has no capabilities and can gain no privileges.
    pub unprivileged: bool,
    /// It holds its channel, its source and its standard error, nothing else.
    pub descriptors_closed: bool,
    /// Other processes of the same user cannot read its memory, and it leaves no core.
    pub undumpable: bool,
    /// Memory, processor time, files and descriptors are limited.
    pub limited: bool,
    /// System calls are filtered.
    pub seccomp: bool,
}

impl Enforcement {
    /// Whether every wall stands, the second ones included.
    pub fn complete(&self) -> bool {
        self.landlock_abi > 0
            && self.dies_with_parent
            && self.unprivileged
            && self.descriptors_closed
            && self.undumpable
            && self.limited
            && self.seccomp
    }
}

/// Why there is no nursery, or no answer from one.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Occurs when the nursery's executable cannot be started.
    #[error("the nursery cannot be started: {0}")]
    Spawn(#[source] std::io::Error),
    /// Occurs when a probe did not run to its end.
    #[error("the jail could not be probed: {0}")]
    Probe(Exit),
    /// Occurs on every system but Linux.
    #[error("this program reads dumps on Linux only")]
    NotLinux,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Occurs when the program does not read a worker's frames any more. The job returns then;
/// nobody hears what else it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads the frames any more")]
pub struct Closed;

/// A worker's words on one line: not UTF-8 becomes U+FFFD; control characters, direction marks
/// and other unprintables are escaped, and the backslash with them, so that no two inputs look
/// alike.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "there are no workers"))]
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut line = String::new();
    for c in String::from_utf8_lossy(bytes).trim_end().chars() {
        match c {
            '"' | '\'' => line.push(c),
            _ => write!(line, "{}", c.escape_debug()).unwrap_or_default(),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_error_is_one_harmless_line() {
        let cases: [(&[u8], &str); 7] = [
            (b"plain 'words' \"here\"\n\n", "plain 'words' \"here\""),
            (b"two\nlines\ttab", "two\\nlines\\ttab"),
            (b"\x1b[31mred\x07", "\\u{1b}[31mred\\u{7}"),
            ("\u{202e}evil\u{200b}".as_bytes(), "\\u{202e}evil\\u{200b}"),
            (b"\xff\xfe", "\u{fffd}\u{fffd}"),
            (b"\\n", "\\\\n"),
            ("naïve Ω".as_bytes(), "naïve Ω"),
        ];
        for (bytes, line) in cases {
            assert_eq!(escape(bytes), line);
        }
    }
}
