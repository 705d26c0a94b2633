//! `tamis prove`: one mail's proof, to be checked by others.

use super::Outcome;
use crate::{
    cli::{Global, Prove},
    failure::Failure,
    screen::Screen,
};

/// Runs it.
pub fn run(_args: &Prove, _global: &Global, _screen: &Screen) -> Outcome {
    Err(Failure::unusable("nothing can be proven yet", "being written", ""))
}
