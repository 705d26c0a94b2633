//! The one place where a public key meets a digest: RSA (RFC 8017), ECDSA (FIPS 186-5) and Ed25519
//! (RFC 8032). What the library cannot judge is told apart from what does not hold: only the second
//! says something about the message.

use aws_lc_rs::{
    digest::{self, Digest},
    signature::{
        self as scheme, EcdsaVerificationAlgorithm, ParsedPublicKey, RsaParameters, RsaPssSaltLength,
    },
};

/// Fuel for one public-key operation: two milliseconds, which RSA of 8192 bits needs at the worst.
pub(super) const OPERATION: u64 = 200_000;

/// RSA moduli that are judged, in bits.
const RSA_BITS: std::ops::RangeInclusive<u32> = 1024..=8192;
/// Longest public exponent that the library takes, in bits.
const EXPONENT_BITS: u32 = 33;

/// A hash function of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The algorithm that computes it.
    pub(super) fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha224 => &digest::SHA224,
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha384 => &digest::SHA384,
            Hash::Sha512 => &digest::SHA512,
        }
    }

    /// `sha256`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Hash::Sha1 => "sha1",
            Hash::Sha224 => "sha224",
            Hash::Sha256 => "sha256",
            Hash::Sha384 => "sha384",
            Hash::Sha512 => "sha512",
        }
    }
}

/// The curve of an ECDSA key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

/// Padding of an RSA signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1,
    /// RSASSA-PSS with a salt of this many octets, and MGF1 over the same hash.
    Pss(usize),
}

/// A public key as its container holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'k> {
    /// Modulus and exponent, big-endian.
    Rsa { n: &'k [u8], e: &'k [u8] },
    /// A point as SEC 1 writes it.
    Ec(Curve, &'k [u8]),
    /// The 32 octets of RFC 8032.
    Ed25519(&'k [u8]),
    /// A kind that is not judged, e.g. `dsa`.
    Other(&'static str),
}

/// What an operation said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// The signature holds.
    Holds,
    /// It does not.
    Fails,
    /// It was not judged, and why.
    Unsupported(&'static str),
    /// It is no signature of this kind.
    Malformed,
}

impl Key<'_> {
    /// `rsa`, `ecdsa`, `ed25519`, or what it is.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Key::Rsa { .. } => "rsa",
            Key::Ec(..) => "ecdsa",
            Key::Ed25519(_) => "ed25519",
            Key::Other(word) => word,
        }
    }

    /// Size of an RSA modulus.
    pub(super) fn rsa_bits(&self) -> Option<u32> {
        match self {
            Key::Rsa { n, .. } => Some(bits(n)),
            _ => None,
        }
    }

    /// Checks `signature` over a digest by `hash`. Of RSA it is a number of any length, of ECDSA the DER
    /// of RFC 3279 section 2.2.3, of Ed25519 the 64 octets, with the digest as the message (RFC 9580
    /// section 5.2.3.3).
    pub(super) fn check(&self, hash: Hash, padding: Padding, digest: &Digest, signature: &[u8]) -> Check {
        match *self {
            Key::Rsa { n, e } => rsa(trim(n), trim(e), hash, padding, digest, signature),
            Key::Ec(curve, point) => {
                let Some(algorithm) = ecdsa(curve, hash) else {
                    return Check::Unsupported("this hash on this curve is not judged");
                };
                match ParsedPublicKey::new(algorithm, point) {
                    Ok(key) => Check::of(key.verify_digest_sig(digest, signature)),
                    Err(_) => Check::Unsupported("the key is no point on its curve"),
                }
            }
            Key::Ed25519(_) => self.check_message(digest.as_ref(), signature),
            Key::Other(_) => Check::Unsupported("this kind of key is not judged"),
        }
    }

    /// Checks an Ed25519 signature over a message.
    pub(super) fn check_message(&self, message: &[u8], signature: &[u8]) -> Check {
        let Key::Ed25519(point) = self else { return Check::Unsupported("this kind of key is not judged") };
        match ParsedPublicKey::new(&scheme::ED25519, *point) {
            Ok(key) => Check::of(key.verify_sig(message, signature)),
            Err(_) => Check::Unsupported("the key is no Ed25519 key"),
        }
    }
}

impl Check {
    fn of<E>(result: Result<(), E>) -> Check {
        if result.is_ok() { Check::Holds } else { Check::Fails }
    }
}

fn rsa(n: &[u8], e: &[u8], hash: Hash, padding: Padding, digest: &Digest, signature: &[u8]) -> Check {
    if !RSA_BITS.contains(&bits(n)) {
        return Check::Unsupported("RSA keys below 1024 or above 8192 bits are not judged");
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    if !is_odd(n) || !is_odd(e) || e == [1] || bits(e) > EXPONENT_BITS {
        return Check::Unsupported("the modulus or exponent of this RSA key is not judged");
    }
    let Some(parameters) = rsa_parameters(hash, padding, bits(n)) else {
        return Check::Unsupported("this hash, padding and size of RSA key is not judged");
    };
    // The library wants as many octets as the modulus has; numbers lose their leading zeros.
    let signature = trim(signature);
    let Some(zeros) = n.len().checked_sub(signature.len()) else { return Check::Fails };
    let padded = [vec![0; zeros].as_slice(), signature].concat();
    match (scheme::RsaPublicKeyComponents { n, e }).to_parsed_public_key(parameters) {
        Ok(key) => Check::of(key.verify_digest_sig(digest, &padded)),
        Err(_) => Check::Unsupported("the library refuses this RSA key"),
    }
}

/// What the library offers for a hash, a padding and a size.
fn rsa_parameters(hash: Hash, padding: Padding, bits: u32) -> Option<&'static RsaParameters> {
    const MAX: RsaPssSaltLength = RsaPssSaltLength::Max;
    const TWENTY: RsaPssSaltLength = RsaPssSaltLength::Custom(20);
    let is_large = bits >= 2048;
    let length = hash.algorithm().output_len();
    let longest = usize::try_from(bits.saturating_sub(1).div_ceil(8)).ok()?.checked_sub(length + 2)?;
    let salt = match padding {
        Padding::Pkcs1 => None,
        Padding::Pss(salt) if salt == length => Some(RsaPssSaltLength::Digest),
        Padding::Pss(salt) if salt == longest => Some(MAX),
        Padding::Pss(20) => Some(TWENTY),
        Padding::Pss(_) => return None,
    };
    Some(match (salt, hash) {
        (None, Hash::Sha1) => &scheme::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (None, Hash::Sha256) => &scheme::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (None, Hash::Sha384) if is_large => &scheme::RSA_PKCS1_2048_8192_SHA384,
        (None, Hash::Sha512) => &scheme::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (Some(_), _) if !is_large => return None,
        (Some(RsaPssSaltLength::Digest), Hash::Sha256) => &scheme::RSA_PSS_2048_8192_SHA256,
        (Some(RsaPssSaltLength::Digest), Hash::Sha384) => &scheme::RSA_PSS_2048_8192_SHA384,
        (Some(RsaPssSaltLength::Digest), Hash::Sha512) => &scheme::RSA_PSS_2048_8192_SHA512,
        (Some(MAX), Hash::Sha256) => &const { scheme::RSA_PSS_2048_8192_SHA256.with_pss_salt_length(MAX) },
        (Some(MAX), Hash::Sha384) => &const { scheme::RSA_PSS_2048_8192_SHA384.with_pss_salt_length(MAX) },
        (Some(MAX), Hash::Sha512) => &const { scheme::RSA_PSS_2048_8192_SHA512.with_pss_salt_length(MAX) },
        (Some(_), Hash::Sha256) => &const { scheme::RSA_PSS_2048_8192_SHA256.with_pss_salt_length(TWENTY) },
        (Some(_), Hash::Sha384) => &const { scheme::RSA_PSS_2048_8192_SHA384.with_pss_salt_length(TWENTY) },
        (Some(_), Hash::Sha512) => &const { scheme::RSA_PSS_2048_8192_SHA512.with_pss_salt_length(TWENTY) },
        _ => return None,
    })
}

fn ecdsa(curve: Curve, hash: Hash) -> Option<&'static EcdsaVerificationAlgorithm> {
    Some(match (curve, hash) {
        (Curve::P256, Hash::Sha1) => &scheme::ECDSA_P256_SHA1_ASN1,
        (Curve::P256, Hash::Sha256) => &scheme::ECDSA_P256_SHA256_ASN1,
        (Curve::P256, Hash::Sha384) => &scheme::ECDSA_P256_SHA384_ASN1,
        (Curve::P256, Hash::Sha512) => &scheme::ECDSA_P256_SHA512_ASN1,
        (Curve::P384, Hash::Sha256) => &scheme::ECDSA_P384_SHA256_ASN1,
        (Curve::P384, Hash::Sha384) => &scheme::ECDSA_P384_SHA384_ASN1,
        (Curve::P384, Hash::Sha512) => &scheme::ECDSA_P384_SHA512_ASN1,
        (Curve::P521, Hash::Sha1) => &scheme::ECDSA_P521_SHA1_ASN1,
        (Curve::P521, Hash::Sha224) => &scheme::ECDSA_P521_SHA224_ASN1,
        (Curve::P521, Hash::Sha256) => &scheme::ECDSA_P521_SHA256_ASN1,
        (Curve::P521, Hash::Sha384) => &scheme::ECDSA_P521_SHA384_ASN1,
        (Curve::P521, Hash::Sha512) => &scheme::ECDSA_P521_SHA512_ASN1,
        (Curve::P256 | Curve::P384, _) => return None,
    })
}

/// The octets of a number without leading zeros.
pub(super) fn trim(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Bits of a number.
fn bits(number: &[u8]) -> u32 {
    let number = trim(number);
    let first = number.first().map_or(0, |first| first.leading_zeros());
    u32::try_from(number.len()).unwrap_or(u32::MAX / 8).saturating_mul(8).saturating_sub(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (number, length) in
            [(&[][..], 0), (&[0, 0], 0), (&[1], 1), (&[0x80], 8), (&[0, 1, 0], 9), (&[1, 0, 1], 17)]
        {
            assert_eq!(bits(number), length, "{number:?}");
        }
    }

    #[test]
    fn keys_that_are_not_judged_are_no_failure() {
        let digest = digest::digest(Hash::Sha256.algorithm(), b"x");
        let n = [0xff; 256];
        let even = [[0xff; 255].as_slice(), &[0]].concat();
        let small = [0xff; 100];
        let large = [0xff; 1025];
        for key in [
            Key::Rsa { n: &even, e: &[1, 0, 1] },
            Key::Rsa { n: &n, e: &[1] },
            Key::Rsa { n: &n, e: &[2] },
            Key::Rsa { n: &n, e: &[] },
            Key::Rsa { n: &[], e: &[3] },
            Key::Rsa { n: &n, e: &n },
            Key::Rsa { n: &small, e: &[3] },
            Key::Rsa { n: &large, e: &[3] },
            Key::Ec(Curve::P256, &[4; 65]),
            Key::Ec(Curve::P384, &[]),
            Key::Ed25519(&[1; 31]),
            Key::Other("dsa"),
        ] {
            let check = key.check(Hash::Sha256, Padding::Pkcs1, &digest, &[1; 64]);
            assert!(matches!(check, Check::Unsupported(_)), "{key:?}");
        }
        let key = Key::Rsa { n: &n, e: &[1, 0, 1] };
        assert_eq!(key.check(Hash::Sha256, Padding::Pkcs1, &digest, &[1; 256]), Check::Fails);
        assert_eq!(key.check(Hash::Sha256, Padding::Pkcs1, &digest, &[1; 300]), Check::Fails);
        assert_eq!(key.check(Hash::Sha256, Padding::Pkcs1, &digest, &[]), Check::Fails);
        assert!(matches!(key.check(Hash::Sha224, Padding::Pkcs1, &digest, &[1]), Check::Unsupported(_)));
    }
}
