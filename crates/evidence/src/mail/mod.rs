//! Rules about one message: signatures, chains, and the state they fold into.

pub mod arc;
pub mod findings;
pub mod states;
pub mod verify;
