//! Scratch.
#![allow(clippy::all, dead_code)]
#[path = "it/desk.rs"]
mod desk;
#[path = "it/prove.rs"]
mod prove;
