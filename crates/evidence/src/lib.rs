//! Rules: facts and keys in, graded findings and states out.
//!
//! Pure: nothing here opens a file of a dump, asks for the time, the network or random numbers. So a new
//! key or a better rule runs again in seconds and gives the same answer everywhere.
//!
//! [`keys`] holds what is known of signing keys, [`domains`] says whose domain a signer is, [`mail`] judges
//! the signatures of one message and folds them into its state, [`rules`] is the table of all rules.

pub mod domains;
pub mod keys;
pub mod mail;
pub mod rules;
