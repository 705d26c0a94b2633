//! Signatures of S/MIME (RFC 8551), which is SignedData of CMS (RFC 5652): the digest of the content, the
//! attributes that hold it, the signer's certificate among those inside, the signature by its key. Chains
//! are not followed, since roots are none of a mail's business.

use aws_lc_rs::digest::{Digest, digest};
use tamis_model::tables::PartSignature;

use super::{
    Rows,
    ber::{self, Element, Reader, tag},
    certificate::{self, Certificate},
    content::{Begun, Content},
    hex, note, note_times, row,
    verify::{Check, Hash, Key, OPERATION, Padding},
};
use crate::{
    out::{Out, Stop},
    source::Source,
};

/// Object identifiers, as their content octets.
mod oid {
    pub const SIGNED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    pub const CONTENT_TYPE: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03";
    pub const MESSAGE_DIGEST: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04";
    pub const SIGNING_TIME: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05";
    pub const RSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
    pub const MGF1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";
}

/// Hash functions, and signature algorithms that name one.
const HASHES: [(&[u8], Hash); 15] = [
    (b"\x2b\x0e\x03\x02\x1a", Hash::Sha1),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x04", Hash::Sha224),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x01", Hash::Sha256),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x02", Hash::Sha384),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x03", Hash::Sha512),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", Hash::Sha1),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", Hash::Sha224),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", Hash::Sha256),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", Hash::Sha384),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", Hash::Sha512),
    (b"\x2a\x86\x48\xce\x3d\x04\x01", Hash::Sha1),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x01", Hash::Sha224),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x02", Hash::Sha256),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x03", Hash::Sha384),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x04", Hash::Sha512),
];

/// Certificates that are looked through, and attributes of a signer.
const MANY: usize = 64;
/// Certificates that answer to one signer's identifier and are tried.
const TRIED: usize = 4;

/// What a SignedData holds.
struct SignedData<'b> {
    content_type: &'b [u8],
    content: Option<&'b [u8]>,
    certificates: Vec<Certificate<'b>>,
    signers: Reader<'b>,
}

/// One signer's part of it.
struct Signer<'b> {
    identifier: Identifier<'b>,
    hash: Option<Hash>,
    hash_oid: &'b [u8],
    /// The attributes as they stand.
    attributes: Option<Element<'b>>,
    algorithm: &'b [u8],
    parameters: Option<Element<'b>>,
    signature: &'b [u8],
}

enum Identifier<'b> {
    Issuer { name: &'b [u8], serial: &'b [u8] },
    SubjectKey(&'b [u8]),
}

/// Checks a signature that stands beside its content.
pub(super) fn beside(
    part: &str,
    content: &Content,
    blob: &[u8],
    rows: &mut Rows,
    out: &mut Out,
) -> Result<(), Stop> {
    let Some(normal) = ber::normal(blob) else {
        rows.odd(part, "smime", "malformed", "the signature is cut or broken");
        return Ok(());
    };
    match signed_data(&normal) {
        Some(data) => signers(part, &data, content, rows, out),
        None => {
            rows.odd(part, "smime", "malformed", "the signature is no SignedData");
            Ok(())
        }
    }
}

/// Checks a signature that holds its content; nothing where it is encrypted instead of signed.
pub(super) fn opaque(part: &str, blob: Vec<u8>, rows: &mut Rows, out: &mut Out) -> Result<(), Stop> {
    let Some(normal) = ber::normal(&blob) else {
        rows.odd(part, "smime", "malformed", "the signed part is cut or broken");
        return Ok(());
    };
    drop(blob);
    let kind = Reader(&normal).next_of(tag::SEQUENCE).and_then(|info| info.inside().next_of(tag::OID));
    if kind.is_some_and(|kind| kind.content != oid::SIGNED_DATA) {
        return Ok(());
    }
    let Some(data) = signed_data(&normal) else {
        rows.odd(part, "smime", "malformed", "the signed part is no SignedData");
        return Ok(());
    };
    let Some(bytes) = data.content else {
        // Without signers it is a parcel of certificates (RFC 8551 section 3.8).
        if !data.signers.0.is_empty() {
            rows.odd(part, "smime", "malformed", "the signed part holds no content");
        }
        return Ok(());
    };
    let source = Source::new(&bytes, 0, bytes.len() as u64);
    signers(part, &data, &Content { source: &source, range: 0..source.len(), lines: None }, rows, out)
}

fn signed_data(normal: &[u8]) -> Option<SignedData<'_>> {
    let mut info = Reader(normal).next_of(tag::SEQUENCE)?.inside();
    let is_signed = info.next_of(tag::OID)?.content == oid::SIGNED_DATA;
    let mut fields = info.next_of(tag::C0).filter(|_| is_signed)?.inside().next_of(tag::SEQUENCE)?.inside();
    fields.next_of(tag::INTEGER)?;
    fields.next_of(tag::SET)?;
    let mut content = fields.next_of(tag::SEQUENCE)?.inside();
    let content_type = content.next_of(tag::OID)?.content;
    let content = content.next_of(tag::C0).and_then(|content| content.inside().next_of(tag::OCTET_STRING));
    let certificates = fields.next_of(tag::C0).into_iter().flat_map(Element::inside);
    let certificates = certificates.take(MANY).filter_map(Certificate::parse).collect();
    fields.next_of(tag::C1);
    let signers = fields.next_of(tag::SET)?.inside();
    Some(SignedData { content_type, content: content.map(|octets| octets.content), certificates, signers })
}

fn signer(info: Element) -> Option<Signer> {
    let mut fields = info.of(tag::SEQUENCE)?.inside();
    fields.next_of(tag::INTEGER)?;
    let identifier = fields.next()?;
    let identifier = match identifier.tag {
        tag::SEQUENCE => {
            let mut inside = identifier.inside();
            let name = inside.next_of(tag::SEQUENCE)?.raw;
            Identifier::Issuer { name, serial: inside.next_of(tag::INTEGER)?.content }
        }
        tag::P0 => Identifier::SubjectKey(identifier.content),
        _ => return None,
    };
    let hash_oid = fields.next_of(tag::SEQUENCE)?.inside().next_of(tag::OID)?.content;
    let attributes = fields.next_of(tag::C0);
    let mut algorithm = fields.next_of(tag::SEQUENCE)?.inside();
    Some(Signer {
        identifier,
        hash: hash(hash_oid),
        hash_oid,
        attributes,
        algorithm: algorithm.next_of(tag::OID)?.content,
        parameters: algorithm.next(),
        signature: fields.next_of(tag::OCTET_STRING)?.content,
    })
}

fn hash(oid: &[u8]) -> Option<Hash> {
    HASHES.iter().find(|(known, _)| *known == oid).map(|(_, hash)| *hash)
}

/// A row for each signer.
fn signers(
    part: &str,
    data: &SignedData,
    content: &Content,
    rows: &mut Rows,
    out: &mut Out,
) -> Result<(), Stop> {
    if data.signers.0.is_empty() {
        rows.odd(part, "smime", "malformed", "nobody signed");
        return Ok(());
    }
    let mut begun: Vec<(Hash, Begun)> = Vec::new();
    let mut reader = data.signers;
    while !reader.0.is_empty() {
        if rows.is_full() {
            return Ok(());
        }
        let Some(signer) = reader.next().and_then(signer) else {
            rows.odd(part, "smime", "malformed", "a signer's part is broken");
            return Ok(());
        };
        let mut row = row(part, "smime");
        if let Some(hash) = signer.hash
            && !begun.iter().any(|(known, _)| *known == hash)
        {
            begun.push((hash, content.hash(hash, &[], out)?));
        }
        let digests = begun.iter().find(|(known, _)| Some(*known) == signer.hash).map(|(_, begun)| begun);
        judge(&signer, data, digests, &mut row, out)?;
        rows.push(row);
    }
    Ok(())
}

/// Fills in the row of one signer.
fn judge(
    signer: &Signer,
    data: &SignedData,
    digests: Option<&Begun>,
    row: &mut PartSignature,
    out: &mut Out,
) -> Result<(), Stop> {
    let attributes = signer.attributes.map(attributes);
    row.signed_at = attributes.as_ref().and_then(|all| certificate::time(all.one(oid::SIGNING_TIME)?));
    if let Identifier::Issuer { name, serial } = signer.identifier {
        row.issuer = certificate::name(name);
        row.key_id = Some(hex(serial));
    }
    let certificates: Vec<_> = data.certificates.iter().filter(|one| signer.identifier.is(one)).collect();
    if let Some(first) = certificates.first() {
        describe(first, row);
        row.algorithm = Some(algorithm(signer, first));
        note_times(row);
    }
    let (Some(hash), Some(digests)) = (signer.hash, digests) else {
        row.result = "unsupported".to_owned();
        note(row, &format!("the hash {} is not judged", certificate::dotted(signer.hash_oid)));
        return Ok(());
    };
    if hash == Hash::Sha1 {
        note(row, "SHA-1: others with the same digest can be made");
    }

    // What the content's digest says, before any key.
    let canonical = digests.canonical.clone().finish();
    let plain = digests.as_it_stands.clone().map(|context| context.finish());
    let stated = match &attributes {
        Some(all) if all.one(oid::CONTENT_TYPE).map(|one| one.content) != Some(data.content_type) => {
            row.result = "malformed".to_owned();
            note(row, "the attributes do not name the type of this content");
            return Ok(());
        }
        Some(all) => match all.one(oid::MESSAGE_DIGEST) {
            Some(stated) => Some(stated.content),
            None => {
                row.result = "malformed".to_owned();
                note(row, "the attributes hold no digest, or several");
                return Ok(());
            }
        },
        None => None,
    };
    let fits = |digest: &Digest| stated.is_none_or(|stated| stated == digest.as_ref());
    let content_fits = fits(&canonical) || plain.as_ref().is_some_and(fits);
    let only_plain_fits = !fits(&canonical) && content_fits;
    if stated.is_some() && !content_fits {
        note(row, "the content's digest is not the signed one");
    }
    if only_plain_fits {
        note(row, "signed with the line breaks as they stand");
    }
    if certificates.is_empty() {
        row.result = "no-key".to_owned();
        if stated.is_some() && content_fits {
            note(row, "the content's digest is the one in the signature");
        }
        return Ok(());
    }

    note(row, "issuer not checked");
    let mut last = Check::Fails;
    for certificate in certificates.into_iter().take(TRIED) {
        let candidates = [Some(&canonical), plain.as_ref()];
        last = match signer.attributes {
            Some(attributes) => {
                out.spend(attributes.raw.len() as u64)?;
                check_attributes(signer, attributes, certificate, hash, out)?
            }
            None => check_content(signer, certificate, hash, &candidates, out)?,
        };
        if last == Check::Holds {
            describe(certificate, row);
            break;
        }
    }
    match last {
        Check::Holds if content_fits => row.result = "verified".to_owned(),
        Check::Holds => {
            row.result = "does-not-verify".to_owned();
            note(row, "the signature over its attributes holds");
        }
        Check::Fails => row.result = "does-not-verify".to_owned(),
        Check::Unsupported(why) => {
            row.result = "unsupported".to_owned();
            note(row, why);
        }
        Check::Malformed => {}
    }
    Ok(())
}

impl Identifier<'_> {
    /// Whether a certificate answers to it.
    fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Identifier::Issuer { name, serial } => {
                certificate.serial == *serial && certificate.issuer == *name
            }
            Identifier::SubjectKey(key) => match certificate.subject_key() {
                Some(subject_key) => subject_key == *key,
                // What RFC 5280 section 4.2.1.2 proposes.
                None => digest(Hash::Sha1.algorithm(), certificate.key_bits).as_ref() == *key,
            },
        }
    }
}

/// Puts into the row what a certificate says.
fn describe(certificate: &Certificate, row: &mut PartSignature) {
    row.signer = certificate::name(certificate.subject);
    row.addresses = certificate.addresses();
    row.issuer = certificate::name(certificate.issuer);
    row.key_id = Some(hex(certificate.serial));
    row.key_from = Some("signature".to_owned());
    row.key_bits = certificate.key.rsa_bits();
    (row.valid_from, row.valid_to) = certificate.validity;
    row.self_issued = Some(certificate.issuer == certificate.subject);
}

/// `rsa-sha256`.
fn algorithm(signer: &Signer, certificate: &Certificate) -> String {
    let pss = if signer.algorithm == oid::RSA_PSS { "-pss" } else { "" };
    let hash = signature_hash(signer).map_or("unknown", Hash::word);
    format!("{}{pss}-{hash}", certificate.key.word())
}

/// The hash of the signature: its algorithm's own, else the digest's.
fn signature_hash(signer: &Signer) -> Option<Hash> {
    hash(signer.algorithm).or(signer.hash)
}

/// The attributes that are signed.
struct Attributes<'b>(Vec<(&'b [u8], Reader<'b>)>);

fn attributes(all: Element<'_>) -> Attributes<'_> {
    let list = all.inside().take(MANY).filter_map(|attribute| {
        let mut fields = attribute.of(tag::SEQUENCE)?.inside();
        Some((fields.next_of(tag::OID)?.content, fields.next_of(tag::SET)?.inside()))
    });
    Attributes(list.collect())
}

impl<'b> Attributes<'b> {
    /// The one value of the one attribute of this kind (RFC 5652 section 11).
    fn one(&self, wanted: &[u8]) -> Option<Element<'b>> {
        let mut found = self.0.iter().filter(|(kind, _)| *kind == wanted);
        let (_, mut values) = *found.next()?;
        let value = values.next()?;
        (found.next().is_none() && values.0.is_empty()).then_some(value)
    }
}

/// The signature over the attributes: their DER with the tag of a SET (RFC 5652 section 5.4), in the
/// order they have.
fn check_attributes(
    signer: &Signer,
    attributes: Element,
    certificate: &Certificate,
    hash: Hash,
    out: &mut Out,
) -> Result<Check, Stop> {
    out.spend(OPERATION)?;
    let mut signed = attributes.raw.to_vec();
    if let Some(first) = signed.first_mut() {
        *first = tag::SET;
    }
    if let Key::Ed25519(_) = certificate.key {
        // RFC 8419: over the attributes themselves.
        return Ok(certificate.key.check_message(&signed, signer.signature));
    }
    let hash = signature_hash(signer).unwrap_or(hash);
    let Some(padding) = padding(signer, hash) else {
        return Ok(Check::Unsupported("the parameters of this padding are not judged"));
    };
    Ok(certificate.key.check(hash, padding, &digest(hash.algorithm(), &signed), signer.signature))
}

/// The signature over the content's digest itself.
fn check_content(
    signer: &Signer,
    certificate: &Certificate,
    hash: Hash,
    digests: &[Option<&Digest>],
    out: &mut Out,
) -> Result<Check, Stop> {
    let is_one_hash = signature_hash(signer) == Some(hash);
    let Some(padding) = padding(signer, hash).filter(|_| is_one_hash) else {
        return Ok(Check::Unsupported("the parameters of this signature are not judged"));
    };
    if let Key::Ed25519(_) = certificate.key {
        return Ok(Check::Unsupported("Ed25519 without attributes is not judged"));
    }
    let mut check = Check::Fails;
    for digest in digests.iter().flatten() {
        out.spend(OPERATION)?;
        check = certificate.key.check(hash, padding, digest, signer.signature);
        if check != Check::Fails {
            break;
        }
    }
    Ok(check)
}

/// The padding of an RSA signature; `None` where RSASSA-PSS has parameters that nobody uses: another hash
/// inside than outside (RFC 4055 section 3.1; the defaults are those of SHA-1).
fn padding(signer: &Signer, hash: Hash) -> Option<Padding> {
    if signer.algorithm != oid::RSA_PSS {
        return Some(Padding::Pkcs1);
    }
    let mut fields = signer.parameters?.of(tag::SEQUENCE)?.inside();
    let outer = self::hash(inner(fields.next_of(tag::C0)?)?.next_of(tag::OID)?.content)?;
    let mut mask = inner(fields.next_of(tag::C1)?)?;
    let is_mgf1 = mask.next_of(tag::OID)?.content == oid::MGF1;
    let masks = self::hash(mask.next_of(tag::SEQUENCE)?.inside().next_of(tag::OID)?.content)?;
    let salt = match fields.next_of(tag::C1 + 1) {
        Some(salt) => match salt.inside().next_of(tag::INTEGER)?.content {
            [salt] | [0, salt] => usize::from(*salt),
            [high, low] => usize::from(*high) << 8 | usize::from(*low),
            _ => return None,
        },
        None => 20,
    };
    (is_mgf1 && outer == hash && masks == hash).then_some(Padding::Pss(salt))
}

/// The AlgorithmIdentifier inside a tagged field.
fn inner(field: Element<'_>) -> Option<Reader<'_>> {
    Some(field.inside().next_of(tag::SEQUENCE)?.inside())
}
