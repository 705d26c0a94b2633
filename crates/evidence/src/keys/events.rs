//! Events of keys, and which sizes the public record calls factored.
