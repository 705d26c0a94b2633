//! `tamis incident`: dated intrusions.

use super::Outcome;
use crate::{
    cli::{Global, Incident},
    failure::Failure,
    screen::Screen,
};

/// Runs it.
pub fn run(_args: &Incident, _global: &Global, _screen: &Screen) -> Outcome {
    Err(Failure::unusable("incidents cannot be told yet", "being written", ""))
}
