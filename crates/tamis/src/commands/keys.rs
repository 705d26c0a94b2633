//! `tamis keys`: what is known of signing keys.

use super::Outcome;
use crate::{
    cli::{Global, Keys},
    failure::Failure,
    screen::Screen,
};

/// Runs it.
pub fn run(_args: &Keys, _global: &Global, _screen: &Screen) -> Outcome {
    Err(Failure::unusable("keys cannot be told yet", "being written", ""))
}

/// Reads a file of key observations, events, sealers or delegates.
pub fn read_into(_told: &mut tamis_pipeline::examine::Told, _file: &std::path::Path) -> Result<(), Failure> {
    Ok(())
}
