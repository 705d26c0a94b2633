//! Nothing but a list of dependencies: every member depends on this crate, so that building one
//! of them, all of them, their tests or their docs asks Cargo for the same features and no
//! library is ever built twice. Nothing of it is linked unless a member names it.
