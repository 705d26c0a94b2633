//! What the command line and the desk both ask for: a dump opened into a case, an index kept up with it,
//! and the table of jobs that run jailed.
//!
//! Invariants: bytes of a dump pass through here, but are parsed only by the jobs of [`jobs::ALL`], in
//! processes of their own. Nothing here asks for the time, the network or chance: they are passed in.

mod body;
mod books;
mod commit;
pub mod derived;
mod driver;
mod error;
pub mod examine;
pub mod index;
pub mod jobs;
pub mod keys;
pub mod open;
pub mod progress;
mod tree;

pub use error::Error;
