//! The observations of a case, by domain and selector.
