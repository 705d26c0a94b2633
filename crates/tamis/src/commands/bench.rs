//! `tamis bench`: this program against its peers.

use super::Outcome;
use crate::{
    cli::{Bench, Global},
    failure::Failure,
    screen::Screen,
};

/// Runs it.
pub fn run(args: &Bench, _global: &Global, _screen: &Screen) -> Outcome {
    Err(Failure::unusable(
        format!("no benchmark {:?}", args.name),
        "it is not in the table",
        "the benchmarks are p1, p3, p4, p5, p7",
    ))
}
