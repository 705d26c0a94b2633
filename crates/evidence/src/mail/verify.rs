//! Judges signatures from their facts and the known keys.
