//! The integration tests of the house: one program. Most of them run `tamis` itself, at a [`desk`] of
//! their own; [`tidy`] looks at the repository.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test, with helpers that clippy does not take for one"
)]

mod cases;
mod contract;
mod crash;
mod damage;
mod desk;
mod evidence;
mod full_disk;
mod hostile;
mod inherit;
mod keys;
mod prove;
mod same;
mod sandbox;
mod tidy;
