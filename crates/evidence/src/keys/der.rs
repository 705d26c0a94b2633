//! The little DER (X.690) that public keys need: SubjectPublicKeyInfo and RSAPublicKey, read and written.
//!
//! The reader is lenient where software was careless and the meaning is still one (a missing sign octet,
//! needless zeros, octets behind the key), and says so; lengths are always checked.

use super::PublicKey;
use super::record::{RecordProblem, add_note};

/// The largest modulus that the verifier takes, in bits.
pub const MAX_MODULUS_BITS: u32 = 8192;
/// The smallest modulus that the verifier takes, in bits: less cannot hold a SHA-1 block with its padding.
pub const MIN_MODULUS_BITS: u32 = 384;
/// The largest exponent that the verifier takes, in bits.
pub const MAX_EXPONENT_BITS: u32 = 64;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// 1.2.840.113549.1.1.1, rsaEncryption (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.3.101.112, id-Ed25519 (RFC 8410 section 3).
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) of an RSA or an Ed25519 key.
pub fn read_spki(der: &[u8], notes: &mut Vec<String>) -> Result<PublicKey, RecordProblem> {
    let (mut spki, behind) = Reader(der).whole(SEQUENCE)?;
    note_rest(behind, notes);
    let mut algorithm = spki.element(SEQUENCE)?;
    let oid = algorithm.element(OBJECT_IDENTIFIER)?.0;
    let bits = spki.element(BIT_STRING)?.0;
    note_rest(spki.0, notes);
    let Some((&0, key)) = bits.split_first() else {
        return Err(RecordProblem::Malformed("the bit string of the key does not end at an octet"));
    };
    match oid {
        RSA_ENCRYPTION => read_pkcs1(key, notes),
        ED25519 => key
            .try_into()
            .map_err(|_| RecordProblem::Malformed("an Ed25519 key has 32 octets, this one has not"))
            .and_then(PublicKey::from_point),
        _ => Err(RecordProblem::UnsupportedAlgorithm),
    }
}

/// An RSAPublicKey (RFC 8017 appendix A.1.1), checked to be one that the verifier takes.
pub fn read_pkcs1(der: &[u8], notes: &mut Vec<String>) -> Result<PublicKey, RecordProblem> {
    let (mut key, behind) = Reader(der).whole(SEQUENCE)?;
    note_rest(behind, notes);
    let modulus = key.unsigned(notes)?;
    let exponent = key.unsigned(notes)?;
    note_rest(key.0, notes);
    rsa(modulus, exponent)
}

/// An RSA key of these numbers (big-endian, no leading zeros), if the verifier takes such.
fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, RecordProblem> {
    let (modulus_bits, exponent_bits) = (bits(modulus), bits(exponent));
    let odd = |number: &[u8]| number.last().is_some_and(|octet| octet & 1 == 1);
    if !(MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&modulus_bits) {
        return Err(RecordProblem::UnsupportedModulus { bits: modulus_bits });
    }
    if exponent_bits > MAX_EXPONENT_BITS {
        return Err(RecordProblem::UnsupportedExponent { bits: exponent_bits });
    }
    if !odd(modulus) {
        return Err(RecordProblem::EvenModulus);
    }
    if exponent_bits < 2 || !odd(exponent) {
        return Err(RecordProblem::UselessExponent);
    }
    Ok(PublicKey::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
}

/// The length in bits of a big-endian number; 0 for zero.
pub fn bits(number: &[u8]) -> u32 {
    let number = without_zeros(number);
    let first = number.first().map_or(0, |octet| 8 - octet.leading_zeros());
    let rest = u32::try_from(number.len().saturating_sub(1)).unwrap_or(u32::MAX);
    rest.saturating_mul(8).saturating_add(first)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|octet| *octet != 0).unwrap_or(number.len());
    number.get(start..).unwrap_or_default()
}

fn note_rest(rest: &[u8], notes: &mut Vec<String>) {
    if !rest.is_empty() {
        add_note(notes, "octets behind the key were ignored");
    }
}

/// What is not yet read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The content of the one element at the start, and what stands behind it.
    fn whole(mut self, tag: u8) -> Result<(Reader<'a>, &'a [u8]), RecordProblem> {
        let content = self.element(tag)?;
        Ok((content, self.0))
    }

    /// The content of the next element, which must have this tag.
    fn element(&mut self, tag: u8) -> Result<Reader<'a>, RecordProblem> {
        let (found, rest) = self.0.split_first().ok_or(RecordProblem::Truncated)?;
        if *found != tag {
            return Err(RecordProblem::Malformed("this is not the structure of a public key"));
        }
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length).ok_or(RecordProblem::Truncated)?;
        self.0 = rest;
        Ok(Reader(content))
    }

    /// The next INTEGER, taken as not negative.
    fn unsigned(&mut self, notes: &mut Vec<String>) -> Result<&'a [u8], RecordProblem> {
        let number = self.element(INTEGER)?.0;
        match number {
            [] => return Err(RecordProblem::Malformed("a number of the key has no octets")),
            [0, second, ..] if second & 0x80 == 0 => {
                add_note(notes, "a number of the key has needless zeros")
            }
            [first, ..] if first & 0x80 != 0 => add_note(notes, "a number of the key lacks its sign octet"),
            _ => {}
        }
        Ok(without_zeros(number))
    }
}

/// A definite length (X.690 section 8.1.3) of at most four octets, and the rest.
fn length(octets: &[u8]) -> Result<(usize, &[u8]), RecordProblem> {
    let (first, rest) = octets.split_first().ok_or(RecordProblem::Truncated)?;
    if first & 0x80 == 0 {
        return Ok((usize::from(*first), rest));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return Err(RecordProblem::Malformed("a length inside the key is out of all bounds"));
    }
    let (octets, rest) = rest.split_at_checked(count).ok_or(RecordProblem::Truncated)?;
    let length = octets.iter().fold(0u64, |sum, octet| (sum << 8) | u64::from(*octet));
    Ok((usize::try_from(length).unwrap_or(usize::MAX), rest))
}

/// SubjectPublicKeyInfo, DER.
pub fn write_spki(key: &PublicKey) -> Vec<u8> {
    let (algorithm, bits) = match key {
        PublicKey::Rsa { modulus, exponent } => {
            let numbers = [write_unsigned(modulus), write_unsigned(exponent)].concat();
            let null: &[u8] = &[0x05, 0x00];
            let algorithm = [write(OBJECT_IDENTIFIER, RSA_ENCRYPTION), null.to_vec()].concat();
            (algorithm, write(SEQUENCE, &numbers))
        }
        PublicKey::Ed25519(point) => (write(OBJECT_IDENTIFIER, ED25519), point.to_vec()),
    };
    let bits = [&[0], bits.as_slice()].concat();
    write(SEQUENCE, &[write(SEQUENCE, &algorithm), write(BIT_STRING, &bits)].concat())
}

fn write_unsigned(number: &[u8]) -> Vec<u8> {
    let number = without_zeros(number);
    let needs_sign = number.first().is_none_or(|octet| octet & 0x80 != 0);
    let sign: &[u8] = if needs_sign { &[0] } else { &[] };
    write(INTEGER, &[sign, number].concat())
}

fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let length = without_zeros(&length);
            out.push(0x80 | u8::try_from(length.len()).unwrap_or(8));
            out.extend_from_slice(length);
        }
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bits: u32, exponent: &[u8]) -> PublicKey {
        let mut modulus = vec![0xff; bits as usize / 8];
        modulus[0] = 0x80;
        PublicKey::Rsa { modulus, exponent: exponent.to_vec() }
    }

    #[test]
    fn what_is_written_is_read() {
        for bits in [384, 512, 1024, 2048, 8192] {
            for exponent in [&[3][..], &[1, 0, 1], &[0x80, 0, 0, 0, 0, 0, 0, 1]] {
                let key = key(bits, exponent);
                let mut notes = Vec::new();
                assert_eq!(read_spki(&write_spki(&key), &mut notes), Ok(key));
                assert!(notes.is_empty(), "{notes:?}");
            }
        }
        let key = PublicKey::Ed25519([7; 32]);
        assert_eq!(read_spki(&write_spki(&key), &mut Vec::new()), Ok(key));
    }

    #[test]
    fn the_spki_of_ed25519_is_that_of_rfc_8410() {
        let spki = write_spki(&PublicKey::Ed25519([0x19; 32]));
        let expected =
            [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], &[0x19; 32][..]];
        assert_eq!(spki, expected.concat());
    }

    #[test]
    fn keys_that_the_verifier_does_not_take() {
        let even = PublicKey::Rsa { modulus: [vec![0x80; 127], vec![0x42]].concat(), exponent: vec![3] };
        let cases = [
            (key(16_384, &[1, 0, 1]), RecordProblem::UnsupportedModulus { bits: 16_384 }),
            (key(376, &[1, 0, 1]), RecordProblem::UnsupportedModulus { bits: 376 }),
            (
                PublicKey::Rsa { modulus: vec![], exponent: vec![3] },
                RecordProblem::UnsupportedModulus { bits: 0 },
            ),
            (key(1024, &[0xff; 512]), RecordProblem::UnsupportedExponent { bits: 4096 }),
            (key(1024, &[1, 0, 0, 0, 0, 0, 0, 0, 1]), RecordProblem::UnsupportedExponent { bits: 65 }),
            (even, RecordProblem::EvenModulus),
            (key(1024, &[1]), RecordProblem::UselessExponent),
            (key(1024, &[]), RecordProblem::UselessExponent),
            (key(1024, &[4]), RecordProblem::UselessExponent),
        ];
        for (key, problem) in cases {
            assert_eq!(read_spki(&write_spki(&key), &mut Vec::new()), Err(problem));
        }
    }

    #[test]
    fn careless_writers_are_understood_and_noted() {
        let modulus = [vec![0x80], vec![0xff; 63]].concat();
        let careless = |numbers: &[u8]| {
            let mut notes = Vec::new();
            (read_pkcs1(&write(SEQUENCE, numbers), &mut notes), notes)
        };
        let no_sign = [write(INTEGER, &modulus), write(INTEGER, &[3])].concat();
        let zeros = [write_unsigned(&modulus), write(INTEGER, &[0, 0, 3])].concat();
        let behind = [write_unsigned(&modulus), write(INTEGER, &[3]), vec![0, 0]].concat();
        for (numbers, note) in
            [(no_sign, "sign octet"), (zeros, "needless zeros"), (behind, "behind the key")]
        {
            let (key, notes) = careless(&numbers);
            assert_eq!(key, Ok(PublicKey::Rsa { modulus: modulus.clone(), exponent: vec![3] }));
            assert_eq!(notes.len(), 1);
            assert!(notes[0].contains(note), "{notes:?}");
        }
    }

    #[test]
    fn every_shortened_key_is_refused() {
        let whole = write_spki(&key(1024, &[1, 0, 1]));
        for length in 0..whole.len() {
            assert!(read_spki(&whole[..length], &mut Vec::new()).is_err(), "{length}");
        }
    }
}
