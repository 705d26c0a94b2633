//! What a certificate says of itself (RFC 5280): enough to name the signer and to take the key. Nothing
//! here is checked against anything: an issuer is a name that the certificate bears.

use jiff::civil::DateTime;
use tamis_model::tables::Time;

use super::{
    ber::{Element, Reader, tag},
    bounded,
    verify::{Curve, Key},
};

/// Object identifiers, as their content octets.
mod oid {
    pub const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    pub const RSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
    pub const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
    pub const P256: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
    pub const P384: &[u8] = b"\x2b\x81\x04\x00\x22";
    pub const P521: &[u8] = b"\x2b\x81\x04\x00\x23";
    pub const ED25519: &[u8] = b"\x2b\x65\x70";
    pub const DSA: &[u8] = b"\x2a\x86\x48\xce\x38\x04\x01";
    pub const EMAIL: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01";
    pub const SUBJECT_KEY: &[u8] = b"\x55\x1d\x0e";
    pub const SUBJECT_NAMES: &[u8] = b"\x55\x1d\x11";
    /// `id-on-SmtpUTF8Mailbox` (RFC 9598).
    pub const UTF8_MAILBOX: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x08\x09";
}

/// Attributes of names that are written by their short names (RFC 4514, and what is customary).
const ATTRIBUTES: [(&[u8], &str); 14] = [
    (b"\x55\x04\x03", "CN"),
    (b"\x55\x04\x04", "SN"),
    (b"\x55\x04\x05", "serialNumber"),
    (b"\x55\x04\x06", "C"),
    (b"\x55\x04\x07", "L"),
    (b"\x55\x04\x08", "ST"),
    (b"\x55\x04\x09", "STREET"),
    (b"\x55\x04\x0a", "O"),
    (b"\x55\x04\x0b", "OU"),
    (b"\x55\x04\x0c", "title"),
    (b"\x55\x04\x2a", "GN"),
    (b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"),
    (b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID"),
    (oid::EMAIL, "emailAddress"),
];

/// Attributes of one name that are read, and addresses of one certificate.
const NAMES: usize = 32;
/// Extensions that are looked through.
const EXTENSIONS: usize = 64;

/// A certificate, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Certificate<'b> {
    /// Content of the serial number.
    pub serial: &'b [u8],
    /// The issuer's name, as it stands.
    pub issuer: &'b [u8],
    /// The subject's.
    pub subject: &'b [u8],
    /// Begin and end of validity.
    pub validity: (Option<Time>, Option<Time>),
    /// The public key.
    pub key: Key<'b>,
    /// The bits that hold it, without their count of unused ones.
    pub key_bits: &'b [u8],
    extensions: Reader<'b>,
}

impl<'b> Certificate<'b> {
    /// Takes a certificate apart; `None` where it is none.
    pub(super) fn parse(certificate: Element<'b>) -> Option<Certificate<'b>> {
        let mut fields = certificate.of(tag::SEQUENCE)?.inside().next_of(tag::SEQUENCE)?.inside();
        fields.next_of(tag::C0);
        let serial = fields.next_of(tag::INTEGER)?.content;
        fields.next_of(tag::SEQUENCE)?;
        let issuer = fields.next_of(tag::SEQUENCE)?.raw;
        let mut times = fields.next_of(tag::SEQUENCE)?.inside();
        let subject = fields.next_of(tag::SEQUENCE)?.raw;
        let (key, key_bits) = public_key(fields.next_of(tag::SEQUENCE)?)?;
        fields.next_of(tag::P1);
        fields.next_of(tag::P1 + 1);
        let extensions = fields.next_of(tag::C3).and_then(|all| all.inside().next_of(tag::SEQUENCE));
        Some(Certificate {
            serial,
            issuer,
            subject,
            validity: (times.next().and_then(time), times.next().and_then(time)),
            key,
            key_bits,
            extensions: extensions.map_or(Reader(&[]), Element::inside),
        })
    }

    /// The subject's key identifier, if it bears one.
    pub(super) fn subject_key(&self) -> Option<&'b [u8]> {
        let value = self.extension(oid::SUBJECT_KEY)?;
        Some(Reader(value).next_of(tag::OCTET_STRING)?.content)
    }

    /// Mail addresses of the subject, lower case, each once.
    pub(super) fn addresses(&self) -> Vec<String> {
        let names = self.extension(oid::SUBJECT_NAMES).and_then(|value| Reader(value).next_of(tag::SEQUENCE));
        let names =
            names.into_iter().flat_map(Element::inside).take(NAMES).filter_map(|name| match name.tag {
                tag::P1 => text(tag::P1, name.content),
                tag::C0 => utf8_mailbox(name),
                _ => None,
            });
        let of_subject = attributes(self.subject).filter(|(kind, _)| *kind == oid::EMAIL);
        let of_subject = of_subject.filter_map(|(_, value)| text(value.tag, value.content));
        let mut addresses = Vec::new();
        for address in names.chain(of_subject) {
            super::note_address(&address, &mut addresses);
        }
        addresses
    }

    fn extension(&self, wanted: &[u8]) -> Option<&'b [u8]> {
        self.extensions.take(EXTENSIONS).find_map(|extension| {
            let mut fields = extension.of(tag::SEQUENCE)?.inside();
            let kind = fields.next_of(tag::OID)?.content;
            // A flag of criticality may stand between.
            let value = fields.find_map(|field| field.of(tag::OCTET_STRING))?;
            (kind == wanted).then_some(value.content)
        })
    }
}

fn utf8_mailbox(name: Element) -> Option<String> {
    let mut fields = name.inside();
    let kind = fields.next_of(tag::OID)?.content;
    let value = fields.next_of(tag::C0)?.inside().next()?;
    (kind == oid::UTF8_MAILBOX).then(|| text(value.tag, value.content))?
}

/// A SubjectPublicKeyInfo, and the bits inside.
fn public_key(info: Element<'_>) -> Option<(Key<'_>, &[u8])> {
    let mut fields = info.inside();
    let mut algorithm = fields.next_of(tag::SEQUENCE)?.inside();
    let kind = algorithm.next_of(tag::OID)?.content;
    let bits = fields.next_of(tag::BIT_STRING)?.content.strip_prefix(&[0])?;
    let key = match kind {
        oid::RSA | oid::RSA_PSS => {
            let mut numbers = Reader(bits).next_of(tag::SEQUENCE)?.inside();
            let (n, e) = (numbers.next_of(tag::INTEGER)?.content, numbers.next_of(tag::INTEGER)?.content);
            Key::Rsa { n, e }
        }
        oid::EC => match algorithm.next_of(tag::OID).map(|curve| curve.content) {
            Some(oid::P256) => Key::Ec(Curve::P256, bits),
            Some(oid::P384) => Key::Ec(Curve::P384, bits),
            Some(oid::P521) => Key::Ec(Curve::P521, bits),
            _ => Key::Other("ecdsa"),
        },
        oid::ED25519 => Key::Ed25519(bits),
        oid::DSA => Key::Other("dsa"),
        _ => Key::Other("unknown"),
    };
    Some((key, bits))
}

/// Attributes of a name, in order.
fn attributes(name: &[u8]) -> impl Iterator<Item = (&[u8], Element<'_>)> {
    let name = Reader(name).next_of(tag::SEQUENCE);
    let sets = name.into_iter().flat_map(Element::inside).take(NAMES);
    sets.flat_map(|set| set.inside().take(NAMES)).take(NAMES).filter_map(|attribute| {
        let mut fields = attribute.inside();
        Some((fields.next_of(tag::OID)?.content, fields.next()?))
    })
}

/// A name for people, the last attribute first as RFC 4514 section 2.1 has it: `CN=A, O=B`.
pub(super) fn name(name: &[u8]) -> Option<String> {
    let parts: Vec<String> = attributes(name)
        .filter_map(|(kind, value)| {
            let known = ATTRIBUTES.iter().find(|(oid, _)| *oid == kind);
            let label = known.map_or_else(|| dotted(kind), |(_, label)| (*label).to_owned());
            Some(format!("{label}={}", text(value.tag, value.content)?.replace(['\\', ','], " ")))
        })
        .collect();
    let shown = parts.into_iter().rev().collect::<Vec<_>>().join(", ");
    Some(bounded(&shown)).filter(|name| !name.is_empty())
}

/// `2.5.4.3`.
pub(super) fn dotted(oid: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0u64;
    for octet in oid.iter().take(32) {
        arc = arc.saturating_mul(128).saturating_add(u64::from(octet & 0x7f));
        if octet & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.push(first);
                arc -= first * 40;
            }
            arcs.push(arc);
            arc = 0;
        }
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// A string of ASN.1, bounded. The addresses of a `[1]` are IA5Strings.
fn text(tag: u8, content: &[u8]) -> Option<String> {
    let content = content.get(..content.len().min(4096))?;
    let text: String = match tag {
        // BMPString, UniversalString.
        0x1e => {
            let units = content.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit));
            char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect()
        }
        0x1c => {
            let units = content.as_chunks::<4>().0.iter().map(|unit| u32::from_be_bytes(*unit));
            units.map(|c| char::from_u32(c).unwrap_or('\u{fffd}')).collect()
        }
        // UTF8String, and those that mean ASCII.
        0x0c | 0x12 | 0x13 | 0x16 | 0x1a | tag::P1 => String::from_utf8_lossy(content).into_owned(),
        // TeletexString: Latin-1 in practice.
        0x14 => content.iter().map(|octet| char::from(*octet)).collect(),
        _ => return None,
    };
    Some(bounded(&text))
}

/// UTCTime or GeneralizedTime in UTC (RFC 5280 section 4.1.2.5); seconds may be missing.
pub(super) fn time(value: Element) -> Option<Time> {
    let text = std::str::from_utf8(value.content).ok()?;
    let digits = text.strip_suffix('Z')?.split('.').next()?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match value.tag {
        tag::UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        tag::GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let mut pairs = rest.as_bytes().as_chunks::<2>().0.iter().map(|[a, b]| (*a - b'0') * 10 + (*b - b'0'));
    let mut next = || i8::try_from(pairs.next()?).ok();
    let (month, day, hour, minute) = (next()?, next()?, next()?, next()?);
    let second = next().unwrap_or(0).min(59);
    let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let since = civil.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    Some(Time(since.as_secs() * 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (tag, text, expect) in [
            (tag::UTC_TIME, "700101000000Z", Some(0)),
            (tag::UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (tag::UTC_TIME, "500101000000Z", Some(-631_152_000)),
            (tag::UTC_TIME, "7001010000Z", Some(0)),
            (tag::GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (tag::GENERALIZED_TIME, "19700101000000.5Z", Some(0)),
            (tag::UTC_TIME, "700101000000", None),
            (tag::UTC_TIME, "701301000000Z", None),
            (tag::UTC_TIME, "700101000000+0100", None),
            (tag::UTC_TIME, "7\u{e9}0101000000Z", None),
            (tag::UTC_TIME, "Z", None),
            (tag::SET, "700101000000Z", None),
        ] {
            let value = Element { tag, raw: &[], content: text.as_bytes() };
            assert_eq!(time(value), expect.map(|seconds: i64| Time(seconds * 1_000_000)), "{text}");
        }
    }

    #[test]
    fn object_identifiers() {
        for (oid, shown) in [(oid::EMAIL, "1.2.840.113549.1.9.1"), (b"\x55\x04\x03", "2.5.4.3"), (&[], "")] {
            assert_eq!(dotted(oid), shown);
        }
        assert!(dotted(&[0xff; 1000]).len() < 100);
    }
}
