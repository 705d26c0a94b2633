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

    /// An Ed25519 key of its 32 octets.
    ///
    /// # Errors
    /// A point of small order, under which one signature holds for many messages (RFC 8032 section 5.1.7
    /// leaves such points to the application).
    pub fn from_point(point: [u8; 32]) -> Result<PublicKey, record::RecordProblem> {
        // The highest bit is the sign of x.
        let mut y = point;
        if let Some(last) = y.last_mut() {
            *last &= 0x7f;
        }
        match SMALL_ORDER.contains(&y) {
            true => Err(record::RecordProblem::UselessPoint),
            false => Ok(PublicKey::Ed25519(point)),
        }
    }

    /// A bare RSAPublicKey, DER (RFC 8017 appendix A.1.1); bounds and errors as of [`PublicKey::from_spki`].
    pub fn from_pkcs1(der: &[u8]) -> Result<PublicKey, record::RecordProblem> {
        der::read_pkcs1(der, &mut Vec::new())
    }
}

/// y of the points of order 1, 2, 4 and 8 on the curve, and those not below p = 2^255 - 19 that stand for one
/// of them; the lowest octet first.
const SMALL_ORDER: [[u8; 32]; 7] = [
    near_zero(0),
    near_zero(1),
    near_prime(0xec),
    near_prime(0xed),
    near_prime(0xee),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

const fn near_zero(first: u8) -> [u8; 32] {
    let mut y = [0; 32];
    let [lowest, ..] = &mut y;
    *lowest = first;
    y
}

const fn near_prime(first: u8) -> [u8; 32] {
    let mut y = [0xff; 32];
    let [lowest, .., highest] = &mut y;
    (*lowest, *highest) = (first, 0x7f);
    y
}

#[cfg(test)]
mod tests {
    use super::{PublicKey, SMALL_ORDER, record::RecordProblem, rsa::verify_ed25519};

    #[test]
    fn points_of_small_order_are_no_keys() {
        for mut point in SMALL_ORDER {
            for sign in [0, 0x80] {
                point[31] = point[31] & 0x7f | sign;
                assert_eq!(PublicKey::from_point(point), Err(RecordProblem::UselessPoint), "{point:x?}");
            }
        }
        // The neighbours of the table are keys as others.
        for first in [2, 3, 0x27] {
            let mut point = [0; 32];
            point[0] = first;
            assert!(PublicKey::from_point(point).is_ok());
        }
    }

    /// Why: the arithmetic lets one signature hold for every digest.
    #[test]
    fn the_arithmetic_alone_would_take_them() {
        let [_, one, ..] = SMALL_ORDER;
        let signature = [one, [0; 32]].concat();
        assert!([b"one", b"two"].iter().all(|digest| verify_ed25519(&one, *digest, &signature)));
    }
}
