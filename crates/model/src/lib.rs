//! The words of the house: ids, names, ledger outcomes, row types and their Arrow schemas.
//!
//! Invariant: no I/O, no clock, no randomness, and no dependency on another crate of ours. What two
//! crates both have to *say* lives here; what they have to *do* does not.

pub mod findings;
pub mod ids;
pub mod keys;
pub mod ledger;
pub mod merkle;
pub mod names;
pub mod tables;

pub use ids::{Blob, ItemId, SourceId};
pub use ledger::{Outcome, Reason, State};
