//! A case's tables on DataFusion: read-only SQL, derived tables, and the check that a rule's plan gives
//! the same answer everywhere. The only crate that names DataFusion.
//!
//! [`Engine::open`] offers every table of the committed batches under the name that people type,
//! [`Engine::query`] answers one question, [`output`] writes the answer, [`rules`] judges plans of rules,
//! and [`threads`] derives who answered whom.
//!
//! Invariants: nothing here writes to a batch; a statement that is not a question never reaches the
//! planner; the only files that can be read lie in the case's folder and were registered by name.

mod engine;
mod error;
mod forest;
mod hidden;
pub mod output;
pub mod rules;
mod statement;
mod stream;
mod tables;
pub mod testing;
#[cfg(test)]
mod tests;
pub mod threads;

pub use engine::{Engine, Settings, TableInfo};
pub use error::EngineError;
pub use stream::{Cancel, QueryStream};
