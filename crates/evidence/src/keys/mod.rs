//! What is known of signing keys: records, observations, imports and exports, recovery from signatures.

pub mod events;
pub mod imports;
pub mod observations;
pub mod record;
pub mod recovery;
pub mod rsa;

/// A public key as the verifier uses it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PublicKey {
    /// RSA: modulus and exponent, big-endian, without leading zeros.
    Rsa {
        /// n.
        modulus: Vec<u8>,
        /// e.
        exponent: Vec<u8>,
    },
    /// Ed25519 (RFC 8032): the 32 octets of the point.
    Ed25519([u8; 32]),
}
