//! Every system but Linux: there is no jail, so there is nothing that reads a dump.

use std::ops::ControlFlow;
use std::path::Path;

use crate::frames::Frame;
use crate::unit::{Ending, Enforcement, Exit, Job, SandboxError, Stop, Unit};

/// A nursery, of which there is none on this system.
#[derive(Debug)]
pub enum Nursery {}

/// A worker, of which there is none on this system.
#[derive(Debug)]
pub enum Worker {}

impl Nursery {
    /// Always [`SandboxError::NotLinux`].
    pub fn spawn(_exe: &Path, _args: &[&str]) -> Result<Nursery, SandboxError> {
        Err(SandboxError::NotLinux)
    }

    /// Cannot be called: there is no nursery to call it on.
    pub fn run(
        &mut self,
        _unit: Unit<'_>,
        _on_frame: &mut dyn FnMut(Frame<'_>) -> ControlFlow<Stop>,
    ) -> Ending {
        Ending { exit: Exit::Refused(SandboxError::NotLinux.to_string()), stderr: String::new() }
    }

    /// Cannot be called: there is no nursery to call it on.
    pub fn enforcement(&self) -> Option<Enforcement> {
        None
    }
}

/// Leaves at once, with exit code 1.
pub fn nursery_main(_jobs: &[Job]) -> ! {
    std::process::exit(1)
}
