//! RSA with keys of any size: the block that a signature opens to.
//!
//! A signature is never parsed. The few blocks that an honest signer can have signed are built whole and
//! compared whole, so nothing behind or within the block can be chosen by a forger (Bleichenbacher, 2006).

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{
    ED25519, ParsedPublicKey, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey,
};
use malachite_base::num::arithmetic::traits::ModPow;
use malachite_nz::natural::Natural;

use super::{PublicKey, der};

/// Fewest bits of a modulus: a SHA-1 block with its parameter needs 46 octets, 368 bits.
const FEWEST_BITS: u32 = 384;
/// Most bits of a modulus: the time of one judgement grows with the square.
const MOST_BITS: u32 = 8192;
/// Most octets of an exponent; almost all have three, and the time of a judgement grows with them.
const MOST_EXPONENT_OCTETS: usize = 8;
/// Fewest bits of a modulus that the library's verifier takes.
const LIBRARY_BITS: u32 = 1024;
/// RFC 8017 section 9.2: `PS` has at least eight octets.
const LEAST_PADDING: usize = 8;

/// The hash that is signed: `rsa-sha1` or `rsa-sha256` (RFC 6376 section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashKind {
    /// SHA-1, 20 octets.
    Sha1,
    /// SHA-256, 32 octets.
    Sha256,
}

/// What a signature says once opened with the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The hash named within the signed block; the tag `a=` may name another.
    pub hash: HashKind,
    /// The digest that was signed: 20 or 32 octets.
    pub digest: Vec<u8>,
    /// What is unusual and still a fit, in fixed order: `no-null-parameter`, `leading-zeros` (more octets than
    /// the key has), `short` (fewer: read as a number all the same).
    pub notes: Vec<&'static str>,
}

/// Why a signature did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Another key made it, or no key did: the value is no block, or is not below the modulus.
    #[error("not made by this key")]
    NotThisKey,
    /// The key cannot be used here; nothing is said about the signature.
    #[error("key not supported: {0}")]
    Unsupported(&'static str),
}

/// A key that this module refuses, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("key not supported: {0}")]
pub struct Unsupported(pub &'static str);

impl From<Unsupported> for Misfit {
    fn from(Unsupported(reason): Unsupported) -> Misfit {
        Misfit::Unsupported(reason)
    }
}

/// An RSA public key, prepared: cheap to use often, somewhat dear to make (tens of microseconds).
#[derive(Debug, Clone)]
pub struct RsaKey {
    bits: u32,
    modulus: Natural,
    exponent: Natural,
    library: Option<LibraryKey>,
}

/// The same key for the library's verifier, which takes 1024 bits and more and wants the hash beforehand.
#[derive(Debug, Clone)]
struct LibraryKey {
    sha1: ParsedPublicKey,
    sha256: ParsedPublicKey,
}

impl HashKind {
    /// Octets of a digest.
    pub fn octets(self) -> usize {
        match self {
            HashKind::Sha1 => 20,
            HashKind::Sha256 => 32,
        }
    }

    /// As the tag `a=` spells it after `rsa-`: `sha1`, `sha256`.
    pub fn as_str(self) -> &'static str {
        match self {
            HashKind::Sha1 => "sha1",
            HashKind::Sha256 => "sha256",
        }
    }
}

impl RsaKey {
    /// Of the modulus and the exponent, big-endian; leading zeros are allowed.
    ///
    /// # Errors
    /// A modulus that is even or has not 384 to 8192 bits; an exponent that is even, 1, or above 64 bits. An
    /// even modulus has a factor that everybody knows, and with the exponent 1 everybody signs.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<RsaKey, Unsupported> {
        let modulus = without_leading_zeros(modulus);
        let exponent = without_leading_zeros(exponent);
        let bits = der::bits(modulus);
        if bits < FEWEST_BITS {
            return Err(Unsupported("modulus below 384 bits"));
        }
        if bits > MOST_BITS {
            return Err(Unsupported("modulus above 8192 bits"));
        }
        if modulus.last().is_none_or(|octet| octet % 2 == 0) {
            return Err(Unsupported("even modulus"));
        }
        if exponent.len() > MOST_EXPONENT_OCTETS {
            return Err(Unsupported("exponent above 64 bits"));
        }
        if matches!(exponent, [] | [1]) || exponent.last().is_some_and(|octet| octet % 2 == 0) {
            return Err(Unsupported("exponent even or below 3"));
        }
        let public = PublicKey::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() };
        Ok(RsaKey {
            bits,
            modulus: natural(modulus),
            exponent: natural(exponent),
            library: (bits >= LIBRARY_BITS).then(|| LibraryKey::new(&public.spki())).flatten(),
        })
    }

    /// Bits of the modulus, 384 to 8192.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Octets of the modulus, and so of a signature: `k` of RFC 8017.
    pub fn octets(&self) -> usize {
        self.bits.div_ceil(8) as usize
    }

    /// What the signature says, if this key made it: `s^e mod n` must be one of the blocks of [`block`], whole.
    ///
    /// Chance makes a fit less often than once in 2^(8(k − |H|)). A signature of fewer octets than the modulus
    /// is read as a number; one of more octets must have zeros in front (RFC 8017 section 8.2.2 asks for `k`).
    ///
    /// # Errors
    /// [`Misfit::NotThisKey`] for everything else.
    pub fn open(&self, signature: &[u8]) -> Result<Opened, Misfit> {
        let (signature, note) = self.as_k_octets(signature).ok_or(Misfit::NotThisKey)?;
        let encoded = self.power(&signature).ok_or(Misfit::NotThisKey)?;
        let (hash, null, digest) = block_in(&encoded).ok_or(Misfit::NotThisKey)?;
        let parameter = if null { None } else { Some("no-null-parameter") };
        let notes = parameter.into_iter().chain(note).collect();
        Ok(Opened { hash, digest: digest.to_vec(), notes })
    }

    /// Whether the signature is one of this digest, in the usual block (with the parameter NULL): the quick
    /// question, asked of a library where it can answer. `false` says no more than that; [`RsaKey::open`]
    /// knows what was signed instead, if anything.
    pub fn verifies(&self, hash: HashKind, digest: &[u8], signature: &[u8]) -> bool {
        let Some((signature, _)) = self.as_k_octets(signature) else { return false };
        match &self.library {
            Some(library) => library.verifies(hash, digest, &signature),
            None => {
                let expected = block(hash, digest, self.octets(), true);
                expected.is_some() && expected == self.power(&signature)
            }
        }
    }

    /// The signature at the length of the modulus, and a note if it had another; `None` if it is longer.
    fn as_k_octets<'s>(&self, signature: &'s [u8]) -> Option<(Octets<'s>, Option<&'static str>)> {
        let k = self.octets();
        if signature.len() >= k {
            let (front, number) = signature.split_at_checked(signature.len() - k)?;
            let note = if front.is_empty() { None } else { Some("leading-zeros") };
            return front.iter().all(|&octet| octet == 0).then_some((Octets::Borrowed(number), note));
        }
        let mut padded = vec![0; k - signature.len()];
        padded.extend_from_slice(signature);
        Some((Octets::Owned(padded), Some("short")))
    }

    /// `s^e mod n` in `k` octets; `None` if `s` is not below `n`.
    fn power(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let number = natural(signature);
        let encoded = (number < self.modulus).then(|| number.mod_pow(&self.exponent, &self.modulus))?;
        let octets = octets_of(&encoded);
        let mut block = vec![0; self.octets().checked_sub(octets.len())?];
        block.extend_from_slice(&octets);
        Some(block)
    }
}

/// Octets that were good as they stood, or had to be padded.
type Octets<'s> = std::borrow::Cow<'s, [u8]>;

impl LibraryKey {
    /// `None` if the library refuses the key: below 1024 bits, or an exponent above 33 bits.
    fn new(spki: &[u8]) -> Option<LibraryKey> {
        Some(LibraryKey {
            sha1: ParsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, spki).ok()?,
            sha256: ParsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, spki).ok()?,
        })
    }

    fn verifies(&self, hash: HashKind, digest: &[u8], signature: &[u8]) -> bool {
        let (key, algorithm) = match hash {
            HashKind::Sha1 => (&self.sha1, &digest::SHA1_FOR_LEGACY_USE_ONLY),
            HashKind::Sha256 => (&self.sha256, &digest::SHA256),
        };
        Digest::import_less_safe(digest, algorithm)
            .is_ok_and(|digest| key.verify_digest_sig(&digest, signature).is_ok())
    }
}

/// The block that is signed, `00 01 FF… 00 ‖ DigestInfo ‖ H` in `k` octets (EMSA-PKCS1-v1_5, RFC 8017 section
/// 9.2), with the parameter NULL of the hash's name or, as some signers have it, without.
///
/// `None` if the digest has not the hash's length or `k` is too small for eight octets of `FF`.
pub fn block(hash: HashKind, digest: &[u8], k: usize, null: bool) -> Option<Vec<u8>> {
    let info = digest_info(hash, null);
    let padding = k.checked_sub(3 + info.len() + digest.len())?;
    if digest.len() != hash.octets() || padding < LEAST_PADDING {
        return None;
    }
    let mut block = Vec::with_capacity(k);
    block.extend_from_slice(&[0x00, 0x01]);
    block.resize(2 + padding, 0xff);
    block.push(0x00);
    block.extend_from_slice(info);
    block.extend_from_slice(digest);
    Some(block)
}

/// Whether an `ed25519-sha256` signature is one of this digest (RFC 8463 section 3: what is signed is the
/// SHA-256 digest of the header, not the header).
pub fn verify_ed25519(key: &[u8; 32], digest: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(digest, signature).is_ok()
}

/// Which of the four blocks this is: the last octets are taken as the digest, and the whole block compared.
fn block_in(encoded: &[u8]) -> Option<(HashKind, bool, &[u8])> {
    const FORMS: [(HashKind, bool); 4] = [
        (HashKind::Sha256, true),
        (HashKind::Sha1, true),
        (HashKind::Sha256, false),
        (HashKind::Sha1, false),
    ];
    FORMS.into_iter().find_map(|(hash, null)| {
        let (_, digest) = encoded.split_at_checked(encoded.len().checked_sub(hash.octets())?)?;
        let expected = block(hash, digest, encoded.len(), null)?;
        (expected == encoded).then_some((hash, null, digest))
    })
}

/// What stands before the digest (RFC 8017 section 9.2, note 1): the hash's name and an OCTET STRING's head.
fn digest_info(hash: HashKind, null: bool) -> &'static [u8] {
    match (hash, null) {
        (HashKind::Sha1, true) => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
        (HashKind::Sha1, false) => b"\x30\x1f\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a\x04\x14",
        (HashKind::Sha256, true) => {
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
        }
        (HashKind::Sha256, false) => b"\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20",
    }
}

/// A big-endian number without the zeros in front; zero is empty.
fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&octet| octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Of big-endian octets.
pub(super) fn natural(octets: &[u8]) -> Natural {
    let limb = |chunk: &[u8]| chunk.iter().fold(0, |limb, &octet| limb << 8 | u64::from(octet));
    Natural::from_owned_limbs_asc(octets.rchunks(8).map(limb).collect())
}

/// Big-endian, without leading zeros.
pub(super) fn octets_of(number: &Natural) -> Vec<u8> {
    let octets = number.limbs().rev().flat_map(u64::to_be_bytes);
    octets.skip_while(|&octet| octet == 0).collect()
}

#[cfg(test)]
mod tests {
    use super::super::recovery::signer::{
        KEY_384_E3, KEY_509_E17, KEY_512_E3, KEY_512_E65537, KEY_768_E65537, Signer, hex,
    };
    use super::super::recovery::synthetic;
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use malachite_base::num::arithmetic::traits::{CeilingRoot, Pow};
    use sha2::{Digest as _, Sha256};

    /// Of `synthetic(1024)`.
    const MODULUS_1024: &str = "b1ef6e6e5062ab3702bc6475e8cbffcc07c0dfcd1253c3785ec86073d2dbab1d959bab9294c123fb9fe95960\
        787b8ed38fb152f69bda8d9d27f95af27c493116a238cba5d30ae4408de2f0a0382338e4dd921ef730a38c25\
        06ccd3c2eaad4bbced067639a2e46b4f5b3c4b79b2605dbab71ec3b88f2a2d715d51e9da9e455d01";

    fn key(signer: &Signer) -> RsaKey {
        RsaKey::new(&signer.modulus(), &signer.exponent()).unwrap()
    }

    #[test]
    fn a_fit_says_what_was_signed() {
        let cases = [
            (&KEY_384_E3, HashKind::Sha1, true),
            (&KEY_384_E3, HashKind::Sha1, false),
            (&KEY_509_E17, HashKind::Sha256, true),
            (&KEY_509_E17, HashKind::Sha1, true),
            (&KEY_512_E3, HashKind::Sha256, false),
            (&KEY_512_E65537, HashKind::Sha256, true),
            (&KEY_768_E65537, HashKind::Sha1, false),
            (&KEY_768_E65537, HashKind::Sha256, false),
            (&KEY_768_E65537, HashKind::Sha256, true),
        ];
        for (signer, hash, null) in cases {
            let digest = vec![0x5a; hash.octets()];
            let signature = signer.sign_block(&block(hash, &digest, signer.octets(), null).unwrap());
            let notes = if null { vec![] } else { vec!["no-null-parameter"] };
            let key = key(signer);
            assert_eq!(key.open(&signature), Ok(Opened { hash, digest: digest.clone(), notes }));
            assert_eq!(key.verifies(hash, &digest, &signature), null, "only the usual block");
            assert!(!key.verifies(hash, &vec![0x5b; hash.octets()], &signature));
        }
    }

    #[test]
    fn any_change_of_the_signature_or_the_key_is_no_fit() {
        let digest = [7; 32];
        let signature = KEY_512_E3.sign(HashKind::Sha256, &digest);
        for bit in 0..512 {
            let mut changed = signature.clone();
            changed[bit / 8] ^= 0x80 >> (bit % 8);
            assert_eq!(key(&KEY_512_E3).open(&changed), Err(Misfit::NotThisKey), "bit {bit}");
        }
        assert_eq!(key(&KEY_512_E65537).open(&signature), Err(Misfit::NotThisKey));
        let other_exponent = RsaKey::new(&KEY_512_E3.modulus(), &[17]).unwrap();
        assert_eq!(other_exponent.open(&signature), Err(Misfit::NotThisKey));
    }

    /// The owner of the key signed these, and still nothing but the four blocks is a signature.
    #[test]
    fn blocks_that_a_parser_might_take() {
        let key = key(&KEY_768_E65537);
        let digest = [7; 32];
        let good = block(HashKind::Sha256, &digest, 96, true).unwrap();
        let info = digest_info(HashKind::Sha256, true);
        let with = |position: usize, octet: u8| {
            let mut block = good.clone();
            block[position] = octet;
            block
        };
        // Head, as much padding as is left, tail.
        let filled = |head: &[u8], tail: &[&[u8]]| {
            let tail = tail.concat();
            [head, &vec![0xff; 96 - head.len() - tail.len()], &tail].concat()
        };
        let eight = [[0, 1].as_slice(), &[0xff; 8], &[0]].concat();
        let long_length = hex("308131300d060960864801650304020105000420");
        let cases = [
            ("padding of zeros", [vec![0, 1], vec![0; 42], vec![0], info.to_vec(), digest.to_vec()].concat()),
            ("block type 0", with(1, 0)),
            ("block type 2", with(1, 2)),
            ("an octet of the padding", with(20, 0xfe)),
            ("the padding's end", with(44, 1)),
            ("the outer length", with(46, 0x32)),
            ("the parameter", with(62, 1)),
            ("the octet string's length", with(63, 0x1f)),
            ("an octet behind the digest", filled(&[0, 1], &[&[0], info, &digest, &[0]])),
            ("no padding to speak of", [&eight, info, &digest, [0x11; 34].as_slice()].concat()),
            ("the digest too short", filled(&[0, 1], &[&[0], info, &digest[1..]])),
            ("a length in long form", filled(&[0, 1], &[&[0], &long_length, &digest])),
            ("no name of a hash", filled(&[0, 1], &[&[0], &digest])),
            ("another name", filled(&[0, 1], &[&[0], digest_info(HashKind::Sha1, true), &digest])),
            ("zero", vec![0; 96]),
            ("one", [vec![0; 95], vec![1]].concat()),
        ];
        for (name, block) in cases {
            assert_eq!(block.len(), 96, "{name}");
            let signature = KEY_768_E65537.sign_block(&block);
            assert_eq!(key.open(&signature), Err(Misfit::NotThisKey), "{name}");
            assert!(!key.verifies(HashKind::Sha256, &digest, &signature), "{name}");
        }
        assert!(key.verifies(HashKind::Sha256, &digest, &KEY_768_E65537.sign_block(&good)));
    }

    /// With the exponent 3 anybody can make a cube that begins like a block, for every modulus.
    #[test]
    fn a_cube_that_begins_like_a_block_is_no_signature() {
        let digest = [7; 20];
        let head = [[0, 1].as_slice(), &[0xff; 8], &[0], digest_info(HashKind::Sha1, true), &digest].concat();
        let wanted = natural(&[head.as_slice(), &vec![0; 256 - head.len()]].concat());
        let root = wanted.ceiling_root(3);
        let cube = [vec![0], octets_of(&(&root).pow(3))].concat();
        assert!(cube.len() == 256 && cube.starts_with(&head), "the forgery is one");
        let key = RsaKey::new(&[0xff; 256], &[3]).unwrap();
        let signature = octets_of(&root);
        assert_eq!(key.open(&signature), Err(Misfit::NotThisKey));
        assert!(!key.verifies(HashKind::Sha1, &digest, &signature));
    }

    #[test]
    fn signatures_of_other_lengths() {
        // The modulus begins with 0x18: every 24th signature or so begins with a zero.
        let signed = (0..=255).map(|number| KEY_509_E17.sample(number));
        let sample = signed.into_iter().find(|sample| sample.signature[0] == 0).unwrap();
        let key = key(&KEY_509_E17);
        let whole = sample.signature.as_slice();
        let long = [[0; 3].as_slice(), whole].concat();
        for (signature, notes) in
            [(whole, vec![]), (&whole[1..], vec!["short"]), (&long, vec!["leading-zeros"])]
        {
            let opened = Opened { hash: sample.hash, digest: sample.digest.clone(), notes };
            assert_eq!(key.open(signature), Ok(opened));
            assert!(key.verifies(sample.hash, &sample.digest, signature));
        }
        let increased = octets_of(&(natural(whole) + natural(&KEY_509_E17.modulus())));
        let one_in_front = [[1].as_slice(), whole].concat();
        let modulus = KEY_509_E17.modulus();
        let huge = vec![0xff; 100_000];
        for signature in [[].as_slice(), &[0], &[0; 64], &modulus, &increased, &one_in_front, &huge] {
            assert_eq!(key.open(signature), Err(Misfit::NotThisKey));
            assert!(!key.verifies(sample.hash, &sample.digest, signature));
        }
    }

    #[test]
    fn the_library_and_the_power_agree() {
        let modulus = hex(MODULUS_1024);
        let key = RsaKey::new(&modulus, &[1, 0, 1]).unwrap();
        assert!(key.library.is_some());
        assert_eq!((key.bits(), key.octets()), (1024, 128));
        for sample in synthetic(1024) {
            let opened = key.open(&sample.signature).unwrap();
            assert_eq!(opened, Opened { hash: sample.hash, digest: sample.digest.clone(), notes: vec![] });
            assert!(key.verifies(sample.hash, &sample.digest, &sample.signature));
            let padded = [vec![0; 2], sample.signature.clone()].concat();
            assert!(key.verifies(sample.hash, &sample.digest, &padded));
            assert!(!key.verifies(HashKind::Sha1, &sample.digest, &sample.signature));
            assert!(!key.verifies(HashKind::Sha1, &sample.digest[..20], &sample.signature));
            assert!(!key.verifies(sample.hash, &[0; 32], &sample.signature));
        }
        // Above 33 bits the library refuses; the power does not.
        let long_exponent = RsaKey::new(&modulus, &[0xff; 8]).unwrap();
        assert!(long_exponent.library.is_none());
        assert_eq!(long_exponent.open(&[1; 128]), Err(Misfit::NotThisKey));
    }

    #[test]
    fn keys_that_are_refused() {
        let odd = |octets: usize| vec![0xff; octets];
        let even = [vec![0xff; 127], vec![0xfe]].concat();
        let cases = [
            (vec![], vec![3], "modulus below 384 bits"),
            (vec![0; 256], vec![3], "modulus below 384 bits"),
            ([vec![0; 40], odd(47)].concat(), vec![3], "modulus below 384 bits"),
            (odd(1025), vec![3], "modulus above 8192 bits"),
            (even, vec![3], "even modulus"),
            (odd(128), vec![], "exponent even or below 3"),
            (odd(128), vec![0, 0], "exponent even or below 3"),
            (odd(128), vec![1], "exponent even or below 3"),
            (odd(128), vec![1, 0, 0], "exponent even or below 3"),
            (odd(128), vec![1; 9], "exponent above 64 bits"),
        ];
        for (modulus, exponent, reason) in cases {
            assert_eq!(RsaKey::new(&modulus, &exponent).err(), Some(Unsupported(reason)));
        }
        for octets in [48, 1024] {
            assert_eq!(RsaKey::new(&odd(octets), &[0, 0, 1, 0, 1]).unwrap().octets(), octets);
        }
    }

    #[test]
    fn blocks_need_room_for_eight_octets_of_padding() {
        for (hash, null, least) in [
            (HashKind::Sha1, true, 46),
            (HashKind::Sha1, false, 44),
            (HashKind::Sha256, true, 62),
            (HashKind::Sha256, false, 60),
        ] {
            let digest = vec![9; hash.octets()];
            assert_eq!(block(hash, &digest, least, null).map(|block| block.len()), Some(least));
            assert_eq!(block(hash, &digest, least - 1, null), None);
            assert_eq!(block(hash, &digest, 0, null), None);
            assert_eq!(block(hash, &digest[1..], 100, null), None);
        }
    }

    /// The example of RFC 8463 appendix A.
    #[test]
    fn ed25519_signs_the_digest() {
        let header = "from:Joe SixPack <joe@football.example.com>\r\n\
            to:Suzie Q <suzie@shopping.example.net>\r\n\
            subject:Is dinner ready?\r\n\
            date:Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
            message-id:<20030712040037.46341.5F8J@football.example.com>\r\n\
            dkim-signature:v=1; a=ed25519-sha256; c=relaxed/relaxed; d=football.example.com; \
            i=@football.example.com; q=dns/txt; s=brisbane; t=1528637909; h=from : to : subject : date : \
            message-id : from : subject : date; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=";
        let key = STANDARD.decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").unwrap();
        let key = key.try_into().unwrap();
        let signature =
            "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
        let signature = STANDARD.decode(signature).unwrap();
        let digest = Sha256::digest(header);
        assert!(verify_ed25519(&key, &digest, &signature));
        assert!(!verify_ed25519(&key, header.as_bytes(), &signature));
        assert!(!verify_ed25519(&key, &digest, &signature[1..]));
        assert!(!verify_ed25519(&[0; 32], &digest, &signature));
        assert!(!verify_ed25519(&key, &digest, &[0; 64]));
    }
}
