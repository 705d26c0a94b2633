//! Only while it is built: the tests of keys by themselves.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#[path = "it/desk.rs"]
mod desk;
#[path = "it/keys.rs"]
mod keys;
