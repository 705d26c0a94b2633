//! Jailed worker processes: the only place where bytes of a dump are parsed.
//!
//! ```text
//!  the program                    the nursery                  a worker
//!  ───────────                    ───────────                  ────────
//!  Nursery::run(unit) ──order───► fork, one a unit ──────────► jail, then Job::run
//!        ▲  ▲                     watches clock, stderr           │        │
//!        │  └──────answer──────── reaps                           │        │ pread
//!        └────────────────frames (unit channel)───────────────────┘      source
//! ```
//!
//! The program starts a *nursery* once (its own executable, one thread, empty environment), and
//! asks it for one *worker* a unit. A worker is never reused, so what it learned or became while
//! reading one hostile file is gone before the next is opened. It enters the jail before its
//! first byte of input, and afterwards can compute, read its parameters and its source, and
//! write frames. The program believes nothing of what a frame says.
//!
//! Invariants: this crate knows nothing of mail. No byte that a worker wrote is parsed here
//! beyond the five bytes of a frame's header. Memory of the reading side follows what arrived,
//! never what was declared. Neither side asks what time it is; the kernel counts the deadline.

pub mod frames;
pub mod fuel;
pub mod unit;

#[cfg(target_os = "linux")]
mod control;
#[cfg(target_os = "linux")]
mod jail;
#[cfg(target_os = "linux")]
mod nursery;
#[cfg(target_os = "linux")]
pub mod probe;
#[cfg(target_os = "linux")]
mod serve;
#[cfg(target_os = "linux")]
mod worker;

#[cfg(not(target_os = "linux"))]
mod elsewhere;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Nursery, Worker, nursery_main};
pub use frames::{Frame, Grammar, Violation};
pub use fuel::{Exhausted, Fuel};
pub use unit::{Closed, Ending, Enforcement, Exit, Job, Limits, SandboxError, Stop, Unit};
#[cfg(target_os = "linux")]
pub use {
    nursery::Nursery,
    serve::nursery_main,
    worker::{SourceFd, Worker},
};
