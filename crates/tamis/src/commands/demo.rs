//! `tamis demo`: writes a dump whose truth is known, opens it, and holds what was found against the truth.

use super::Outcome;
use crate::{cli::{Demo, Global}, failure::Failure, screen::Screen};

/// Runs it.
pub fn run(_args: &Demo, _global: &Global, _screen: &Screen) -> Outcome {
    Err(Failure::unusable("no demo yet", "", ""))
}
