//! What is known of signing keys: records, observations, imports and exports, recovery from signatures.

pub mod der;
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

impl PublicKey {
    /// The size of the key: the bits of the modulus; 256 for Ed25519.
    pub fn bits(&self) -> u32 {
        match self {
            PublicKey::Rsa { modulus, .. } => der::bits(modulus),
            PublicKey::Ed25519(_) => 256,
        }
    }

    /// SubjectPublicKeyInfo, DER (RFC 5280 section 4.1.2.7, RFC 8410 section 4).
    pub fn spki(&self) -> Vec<u8> {
        der::write_spki(self)
    }

    /// Of [`PublicKey::spki`]: RSA of 384 to 8192 bits with an odd modulus and an odd exponent of 2 to 64
    /// bits, or Ed25519. Errors: not such a structure, or a key outside these bounds.
    pub fn from_spki(der: &[u8]) -> Result<PublicKey, record::RecordProblem> {
        der::read_spki(der, &mut Vec::new())
    }

    /// A bare RSAPublicKey, DER (RFC 8017 appendix A.1.1); bounds and errors as of [`PublicKey::from_spki`].
    pub fn from_pkcs1(der: &[u8]) -> Result<PublicKey, record::RecordProblem> {
        der::read_pkcs1(der, &mut Vec::new())
    }
}
