//! The packets of OpenPGP (RFC 9580 sections 4 and 5) that signatures are checked with: signatures of
//! versions 3, 4 and 6, public keys of versions 4 and 6. Borrowed; what is cut or unknown is `None`.

use aws_lc_rs::digest::{Context, Digest};

use super::verify::{Curve, Hash, Key, trim};

/// Packet types.
#[allow(missing_docs)]
pub(super) mod kind {
    pub const SIGNATURE: u8 = 2;
    pub const PUBLIC_KEY: u8 = 6;
    pub const USER_ID: u8 = 13;
    pub const PUBLIC_SUBKEY: u8 = 14;
    pub const USER_ATTRIBUTE: u8 = 17;
}

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet<'b> {
    /// One of [`kind`], or another.
    pub kind: u8,
    /// Its body.
    pub body: &'b [u8],
}

/// Packets one after the other; ends at the first that is cut, or comes in pieces of unknown number, which
/// keys and signatures do not (section 4.2.1.4).
pub(super) struct Packets<'b>(pub &'b [u8]);

impl<'b> Iterator for Packets<'b> {
    type Item = Packet<'b>;

    fn next(&mut self) -> Option<Packet<'b>> {
        let (first, rest) = self.0.split_first().filter(|(first, _)| **first & 0x80 != 0)?;
        let (kind, length, rest) = if first & 0x40 != 0 {
            let (length, rest) = length(rest)?;
            (first & 0x3f, length, rest)
        } else {
            let kind = first >> 2 & 0x0f;
            match first & 3 {
                0 => number(rest, 1).map(|(length, rest)| (kind, length, rest))?,
                1 => number(rest, 2).map(|(length, rest)| (kind, length, rest))?,
                2 => number(rest, 4).map(|(length, rest)| (kind, length, rest))?,
                _ => (kind, rest.len(), rest),
            }
        };
        let (body, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Packet { kind, body })
    }
}

/// A length of one, two or five octets (section 4.2.1); of subpackets the same, as far as they are honest.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..192 => Some((usize::from(*first), rest)),
        192..224 => {
            let (second, rest) = rest.split_first()?;
            Some(((usize::from(*first) - 192) * 256 + usize::from(*second) + 192, rest))
        }
        255 => number(rest, 4),
        _ => None,
    }
}

/// A big-endian number of `octets` octets.
fn number(bytes: &[u8], octets: usize) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_at_checked(octets)?;
    let value =
        number.iter().try_fold(0usize, |value, octet| value.checked_mul(256)?.checked_add((*octet).into()));
    Some((value?, rest))
}

fn octet(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

fn take<'b>(bytes: &mut &'b [u8], octets: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(octets)?;
    *bytes = rest;
    Some(taken)
}

fn u16_of(bytes: &mut &[u8]) -> Option<usize> {
    let (value, rest) = number(bytes, 2)?;
    *bytes = rest;
    Some(value)
}

fn u32_of(bytes: &mut &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(take(bytes, 4)?.try_into().ok()?))
}

/// A multiprecision integer (section 3.2), without leading zeros.
fn integer<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let bits = u16_of(bytes)?;
    take(bytes, bits.div_ceil(8)).map(trim)
}

/// A signature packet.
#[derive(Debug, Clone)]
pub(super) struct Signature<'b> {
    version: u8,
    /// What kind of thing it signs (section 5.2.1).
    pub of: u8,
    algorithm: u8,
    hash: u8,
    /// What is hashed of it.
    hashed: &'b [u8],
    /// The first two octets of the digest.
    pub begins: [u8; 2],
    /// Hashed before the content.
    pub salt: &'b [u8],
    value: &'b [u8],
    /// What its hashed subpackets say, and its unhashed ones of the issuer.
    pub says: Says<'b>,
}

/// What the subpackets of a signature say (section 5.2.3.7).
#[derive(Debug, Clone, Default)]
pub(super) struct Says<'b> {
    /// Seconds since 1970.
    pub created: Option<u32>,
    /// Seconds from then.
    pub expires: Option<u32>,
    /// Seconds from the making of the key.
    pub key_expires: Option<u32>,
    /// Fingerprint of the key that signed.
    pub issuer: Option<&'b [u8]>,
    /// Its identifier of eight octets.
    pub issuer_id: Option<&'b [u8]>,
    /// The other half of the binding of a subkey that signs: a signature packet's body.
    pub embedded: Option<&'b [u8]>,
    /// A subpacket that must be understood, and is not.
    pub critical: bool,
}

/// Subpackets of one signature that are read.
const SUBPACKETS: usize = 256;

impl<'b> Signature<'b> {
    /// Reads the body of a signature packet.
    pub(super) fn parse(body: &'b [u8]) -> Option<Signature<'b>> {
        match body.first()? {
            2 | 3 => Signature::old(body),
            4 | 6 => Signature::new(body),
            _ => None,
        }
    }

    /// Version 3 (section 5.2.2).
    fn old(body: &'b [u8]) -> Option<Signature<'b>> {
        let mut rest = body;
        let version = octet(&mut rest)?;
        if octet(&mut rest)? != 5 {
            return None;
        }
        let hashed = rest.get(..5)?;
        let (of, created) = (octet(&mut rest)?, u32_of(&mut rest)?);
        let issuer_id = take(&mut rest, 8)?;
        let (algorithm, hash) = (octet(&mut rest)?, octet(&mut rest)?);
        let begins = take(&mut rest, 2)?.try_into().ok()?;
        let says = Says { created: Some(created), issuer_id: Some(issuer_id), ..Says::default() };
        Some(Signature { version, of, algorithm, hash, hashed, begins, salt: &[], value: rest, says })
    }

    /// Versions 4 and 6 (section 5.2.3).
    fn new(body: &'b [u8]) -> Option<Signature<'b>> {
        let mut rest = body;
        let version = octet(&mut rest)?;
        let (of, algorithm, hash) = (octet(&mut rest)?, octet(&mut rest)?, octet(&mut rest)?);
        let area = |rest: &mut &'b [u8]| {
            let length = if version == 6 { u32_of(rest)? as usize } else { u16_of(rest)? };
            take(rest, length)
        };
        let first = area(&mut rest)?;
        let hashed = body.get(..body.len() - rest.len())?;
        let second = area(&mut rest)?;
        let begins = take(&mut rest, 2)?.try_into().ok()?;
        let salt = match version {
            6 => {
                let length = octet(&mut rest)?;
                take(&mut rest, length.into())?
            }
            _ => &[],
        };
        let mut says = says(first);
        let outside = self::says(second);
        says.issuer = says.issuer.or(outside.issuer);
        says.issuer_id = says.issuer_id.or(outside.issuer_id);
        // It bears its own signature, which is checked.
        says.embedded = says.embedded.or(outside.embedded);
        Some(Signature { version, of, algorithm, hash, hashed, begins, salt, value: rest, says })
    }

    /// Its hash function.
    pub(super) fn hash(&self) -> Option<Hash> {
        match self.hash {
            2 => Some(Hash::Sha1),
            8 => Some(Hash::Sha256),
            9 => Some(Hash::Sha384),
            10 => Some(Hash::Sha512),
            11 => Some(Hash::Sha224),
            _ => None,
        }
    }

    /// `rsa-sha256`.
    pub(super) fn words(&self) -> String {
        let hash = match self.hash {
            1 => "md5",
            3 => "ripemd160",
            12 => "sha3-256",
            14 => "sha3-512",
            _ => self.hash().map_or("unknown", Hash::word),
        };
        format!("{}-{hash}", algorithm_word(self.algorithm))
    }

    /// Ends a digest that was begun over the content (section 5.2.4).
    pub(super) fn end(&self, mut begun: Context) -> Digest {
        begun.update(self.hashed);
        if self.version >= 4 {
            begun.update(&[self.version, 0xff]);
            begun.update(&(self.hashed.len() as u32).to_be_bytes());
        }
        begun.finish()
    }

    /// The value as [`Key::check`] takes it; `None` where it is not one by such a key.
    pub(super) fn value(&self, key: &Key) -> Option<Vec<u8>> {
        let mut rest = self.value;
        match (key, self.algorithm) {
            (Key::Rsa { .. }, 1..=3) => integer(&mut rest).map(<[u8]>::to_vec),
            (Key::Ec(..), 19) => {
                let numbers = [der_integer(integer(&mut rest)?)?, der_integer(integer(&mut rest)?)?].concat();
                Some(der(0x30, &numbers)?)
            }
            (Key::Ed25519(_), 22) => {
                Some([padded(integer(&mut rest)?)?, padded(integer(&mut rest)?)?].concat())
            }
            (Key::Ed25519(_), 27) => take(&mut rest, 64).map(<[u8]>::to_vec),
            _ => None,
        }
    }
}

/// A number of at most 32 octets, with its leading zeros.
fn padded(number: &[u8]) -> Option<[u8; 32]> {
    let mut padded = [0; 32];
    padded.get_mut(32usize.checked_sub(number.len())?..)?.copy_from_slice(number);
    Some(padded)
}

fn der_integer(number: &[u8]) -> Option<Vec<u8>> {
    let needs_zero = number.first().is_none_or(|first| first & 0x80 != 0);
    let zero: &[u8] = if needs_zero { &[0] } else { &[] };
    der(0x02, &[zero, number].concat())
}

/// An element of DER of at most 255 octets.
fn der(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(content.len()).ok()?;
    let head: &[u8] = if length < 0x80 { &[tag, length] } else { &[tag, 0x81, length] };
    Some([head, content].concat())
}

fn algorithm_word(algorithm: u8) -> &'static str {
    match algorithm {
        1..=3 => "rsa",
        17 => "dsa",
        19 => "ecdsa",
        22 | 27 => "ed25519",
        28 => "ed448",
        _ => "unknown",
    }
}

fn says(mut area: &[u8]) -> Says<'_> {
    let mut says = Says::default();
    for _ in 0..SUBPACKETS {
        let Some((body, rest)) = subpacket(area) else { break };
        area = rest;
        let Some((kind, body)) = body.split_first() else { continue };
        let number = || Some(u32::from_be_bytes(body.try_into().ok()?));
        match kind & 0x7f {
            2 => says.created = says.created.or_else(number),
            3 => says.expires = says.expires.or_else(number).filter(|seconds| *seconds > 0),
            9 => says.key_expires = says.key_expires.or_else(number).filter(|seconds| *seconds > 0),
            16 if body.len() == 8 => says.issuer_id = says.issuer_id.or(Some(body)),
            32 => says.embedded = says.embedded.or(Some(body)),
            33 => says.issuer = says.issuer.or(body.get(1..)),
            // Those of section 5.2.3.7 that change nothing about what is asked here.
            4..=7 | 11 | 12 | 16 | 21..=31 | 34 | 35 | 39 => {}
            _ => says.critical |= kind & 0x80 != 0,
        }
    }
    says
}

fn subpacket(area: &[u8]) -> Option<(&[u8], &[u8])> {
    // Unlike those of packets, lengths of two octets go up to 254 (section 5.2.3.7).
    let (length, rest) = match area {
        [first @ 192..=254, second, rest @ ..] => {
            ((usize::from(*first) - 192) * 256 + usize::from(*second) + 192, rest)
        }
        area => length(area)?,
    };
    rest.split_at_checked(length)
}

/// A public key or subkey.
#[derive(Debug, Clone)]
pub(super) struct PublicKey<'b> {
    version: u8,
    body: &'b [u8],
    /// Seconds since 1970.
    pub created: u32,
    /// The key.
    pub key: Key<'b>,
    /// 20 octets, or 32 in version 6.
    pub fingerprint: Vec<u8>,
}

impl<'b> PublicKey<'b> {
    /// Reads the body of a key packet (section 5.5.2).
    pub(super) fn parse(body: &'b [u8]) -> Option<PublicKey<'b>> {
        let mut rest = body;
        let version = octet(&mut rest).filter(|version| matches!(version, 4 | 6))?;
        let (created, algorithm) = (u32_of(&mut rest)?, octet(&mut rest)?);
        if version == 6 {
            let length = u32_of(&mut rest)?;
            rest = take(&mut rest, length as usize)?;
        }
        let key = key(algorithm, rest)?;
        let mut public = PublicKey { version, body, created, key, fingerprint: Vec::new() };
        let hash = if version == 6 { Hash::Sha256 } else { Hash::Sha1 };
        let mut digest = Context::new(hash.algorithm());
        public.hash_into(&mut digest)?;
        public.fingerprint = digest.finish().as_ref().to_vec();
        Some(public)
    }

    /// Hashes the key as signatures over keys do, and fingerprints (sections 5.2.4 and 5.5.4). `None`
    /// where it is too long to be one.
    pub(super) fn hash_into(&self, digest: &mut Context) -> Option<()> {
        let length = u32::try_from(self.body.len()).ok()?.to_be_bytes();
        let [_, _, high, low] = length;
        match self.version {
            6 => digest.update(&[&[0x9b], length.as_slice()].concat()),
            _ if self.body.len() <= 0xffff => digest.update(&[0x99, high, low]),
            _ => return None,
        }
        digest.update(self.body);
        Some(())
    }

    /// The eight octets that older signatures name it by.
    pub(super) fn id(&self) -> &[u8] {
        let from = if self.version == 6 { 0 } else { self.fingerprint.len().saturating_sub(8) };
        self.fingerprint.get(from..).and_then(|id| id.get(..8)).unwrap_or_default()
    }

    /// Whether a signature names this key as its issuer, or names none.
    pub(super) fn is_issuer_of(&self, says: &Says) -> bool {
        match (says.issuer, says.issuer_id) {
            (Some(issuer), _) => issuer == self.fingerprint,
            (None, Some(id)) => id == self.id(),
            (None, None) => true,
        }
    }
}

/// The material of a key (section 5.5.5).
fn key(algorithm: u8, material: &[u8]) -> Option<Key<'_>> {
    const ED25519_LEGACY: &[u8] = b"\x2b\x06\x01\x04\x01\xda\x47\x0f\x01";
    let mut rest = material;
    Some(match algorithm {
        1..=3 => Key::Rsa { n: integer(&mut rest)?, e: integer(&mut rest)? },
        19 | 22 => {
            let length = octet(&mut rest)?;
            let curve = take(&mut rest, length.into())?;
            let point = integer(&mut rest)?;
            match (algorithm, curve) {
                (22, ED25519_LEGACY) => Key::Ed25519(point.strip_prefix(&[0x40])?),
                (19, b"\x2a\x86\x48\xce\x3d\x03\x01\x07") => Key::Ec(Curve::P256, point),
                (19, b"\x2b\x81\x04\x00\x22") => Key::Ec(Curve::P384, point),
                (19, b"\x2b\x81\x04\x00\x23") => Key::Ec(Curve::P521, point),
                _ => Key::Other(algorithm_word(algorithm)),
            }
        }
        27 => Key::Ed25519(take(&mut rest, 32)?),
        other => Key::Other(algorithm_word(other)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets() {
        type Case<'a> = (&'a [u8], &'a [(u8, &'a [u8])]);
        let long = [&[0xc2, 0xc0, 0x08][..], &[7; 200]].concat();
        let huge = [&[0xc2, 0xff, 0, 0, 0, 2][..], b"ab"].concat();
        let cases: &[Case] = &[
            (b"", &[]),
            (b"\x88\x02ab\x98\x01c", &[(2, b"ab"), (6, b"c")]),
            (b"\xc2\x02ab\xc6\x01c", &[(2, b"ab"), (6, b"c")]),
            (b"\x89\x00\x02ab", &[(2, b"ab")]),
            (b"\x8a\x00\x00\x00\x02ab", &[(2, b"ab")]),
            (b"\x8bab", &[(2, b"ab")]),
            (&long, &[(2, &[7; 200])]),
            (&huge, &[(2, b"ab")]),
            (b"\xc2\xe1ab", &[]),
            (b"\xc2\x03ab", &[]),
            (b"\xc2\xff\xff\xff\xff\xffab", &[]),
            (b"\x02\x01a", &[]),
        ];
        for (bytes, expect) in cases {
            let got: Vec<_> = Packets(bytes).map(|packet| (packet.kind, packet.body)).collect();
            assert_eq!(got, *expect, "{bytes:02x?}");
        }
    }

    #[test]
    fn subpackets() {
        let area = b"\x05\x02\0\0\0\x07\x09\x10abcdefgh\x06\x21\x04fpr!\x05\x83\0\0\0\x05\x01\xe4\x02\x09x";
        let all = says(area);
        assert_eq!((all.created, all.expires, all.key_expires), (Some(7), Some(5), None));
        assert_eq!((all.issuer_id, all.issuer), (Some(&b"abcdefgh"[..]), Some(&b"fpr!"[..])));
        assert!(all.critical);
        assert!(!says(b"\x02\x64x\x02\x9ex").critical);
        assert!(says(b"\xff\xff\xff\xff\xff").created.is_none());
    }

    #[test]
    fn numbers() {
        assert_eq!(der_integer(&[]), Some(vec![2, 1, 0]));
        assert_eq!(der_integer(&[0x80]), Some(vec![2, 2, 0, 0x80]));
        assert_eq!(padded(&[1; 33]), None);
        assert_eq!(padded(&[1]).unwrap()[31], 1);
        assert_eq!(integer(&mut &[0, 9, 0, 1][..]), Some(&[1][..]));
        assert_eq!(integer(&mut &[0xff, 0xff, 1][..]), None);
    }
}
