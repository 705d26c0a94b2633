//! The integration tests of the house: one program.

mod cases;
mod contract;
mod crash;
mod desk;
mod full_disk;
mod hostile;
mod same;
mod sandbox;
mod tidy;
