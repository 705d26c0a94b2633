//! The integration tests of the house: one program.

mod tidy;
