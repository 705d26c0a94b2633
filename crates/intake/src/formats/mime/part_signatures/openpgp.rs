//! Signatures of OpenPGP in mail (RFC 3156, RFC 9580): beside their content or around text, by keys that
//! came with the mail, in an `Autocrypt` field or as an attachment. No key server is ever asked.

use aws_lc_rs::digest::Digest;
use tamis_model::tables::{PartSignature, Time};

use super::{
    super::header::Eol,
    BLOB, Rows, Signed, What, armor, bounded,
    content::{Begun, Content},
    hex, note, note_address, note_times,
    packets::{Packets, PublicKey, Signature, kind},
    row, seconds,
    transferable::{self, Binding, Identity, Transferable},
    verify::{Check, Hash, Key, OPERATION, Padding},
};
use crate::{
    out::{Out, Stop},
    source::Source,
};

/// Keys of one message that are looked at.
const KEYS: usize = 16;
/// `Autocrypt` fields, and parts with keys.
const SOURCES: usize = 4;
/// Bytes of an `Autocrypt` field.
const AUTOCRYPT: usize = 256 << 10;
/// Keys that one signature may be by and that are tried.
const TRIED: usize = 8;

/// Bytes of keys, and where they stood.
pub(super) struct Material(Vec<(&'static str, Vec<u8>)>);

/// Takes the keys out of a message, if anything in it is signed with one.
pub(super) fn material(signed: &Signed, out: &mut Out) -> Result<Material, Stop> {
    let mut material = Vec::new();
    if !signed.leaves.iter().any(|leaf| matches!(leaf.what, What::Pgp | What::PgpText)) {
        return Ok(Material(material));
    }
    for field in signed.fields("autocrypt", AUTOCRYPT).take(SOURCES) {
        out.spend(field.len() as u64)?;
        if let Some(data) = key_data(&field) {
            material.push(("autocrypt", armor::base64(data)));
        }
    }
    for leaf in signed.leaves.iter().filter(|leaf| leaf.what == What::PgpKeys).take(SOURCES) {
        if let Some(blob) = signed.blob(leaf, BLOB, out)? {
            material.push(("attachment", armor::packets(&blob, armor::KEYS)));
        }
    }
    Ok(Material(material))
}

/// The base64 in an `Autocrypt` field (Autocrypt Level 1, section 2.1).
fn key_data(field: &[u8]) -> Option<&[u8]> {
    field.split(|byte| *byte == b';').find_map(|attribute| attribute.trim_ascii().strip_prefix(b"keydata="))
}

/// The keys of a message.
pub(super) struct Keys<'m> {
    list: Vec<Known<'m>>,
}

struct Known<'m> {
    from: &'static str,
    key: Transferable<'m>,
    /// What it says of itself, once that was asked.
    identity: Option<Identity>,
}

impl<'m> Keys<'m> {
    /// Reads the keys.
    pub(super) fn parse(material: &'m Material) -> Keys<'m> {
        let mut list = Vec::new();
        for (from, bytes) in &material.0 {
            let keys = transferable::keys(bytes, KEYS.saturating_sub(list.len()));
            list.extend(keys.into_iter().map(|key| Known { from, key, identity: None }));
        }
        Keys { list }
    }
}

impl Known<'_> {
    fn identity(&mut self, out: &mut Out) -> Result<&Identity, Stop> {
        if self.identity.is_none() {
            self.identity = Some(self.key.identity(out)?);
        }
        Ok(self.identity.get_or_insert_default())
    }
}

/// Checks signatures that stand beside their content.
pub(super) fn beside(
    content: &Content,
    blob: &[u8],
    keys: &mut Keys,
    rows: &mut Rows,
    out: &mut Out,
) -> Result<(), Stop> {
    signatures("", content, &armor::signature(blob), Form::Beside, keys, rows, out)
}

/// Checks text with its signature.
pub(super) fn in_text(
    part: &str,
    bytes: &[u8],
    keys: &mut Keys,
    rows: &mut Rows,
    out: &mut Out,
) -> Result<(), Stop> {
    let Some(signed) = armor::signed_text(bytes) else { return Ok(()) };
    out.spend(2 * bytes.len() as u64)?;
    let text = signed.text.as_slice();
    let source = Source::new(&text, 0, text.len() as u64);
    let content = Content { source: &source, range: 0..source.len(), lines: Some(Eol::Lf) };
    let form = Form::Text { is_not_all: signed.is_not_all };
    signatures(part, &content, &signed.signature, form, keys, rows, out)
}

/// How content and signature stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In two parts.
    Beside,
    /// In one text, which may be only a piece of its part.
    Text { is_not_all: bool },
}

/// A row for each signature.
fn signatures(
    part: &str,
    content: &Content,
    packets: &[u8],
    form: Form,
    keys: &mut Keys,
    rows: &mut Rows,
    out: &mut Out,
) -> Result<(), Stop> {
    let mut begun: Vec<(Hash, Begun)> = Vec::new();
    let mut any = false;
    for packet in Packets(packets).filter(|packet| packet.kind == kind::SIGNATURE) {
        if rows.is_full() {
            return Ok(());
        }
        any = true;
        let Some(signature) = Signature::parse(packet.body) else {
            rows.odd(part, "pgp", "malformed", "a signature packet that is broken, or of an unknown version");
            continue;
        };
        let mut row = row(part, "pgp");
        if let Form::Text { is_not_all: true } = form {
            note(&mut row, "the part holds text that is not signed as well");
        }
        row.algorithm = Some(signature.words());
        row.signed_at = signature.says.created.map(seconds);
        row.key_id = signature.says.issuer.or(signature.says.issuer_id).map(hex);
        match (signature.hash(), signature.of) {
            (_, 2..) => unsupported(&mut row, "a signature of a type that is not over a message"),
            _ if signature.says.critical => {
                unsupported(&mut row, "the signature holds something unknown that must be understood")
            }
            (None, _) => unsupported(&mut row, "this hash is not judged"),
            (Some(hash), _) => {
                let digests = match begun.iter().find(|(known, _)| *known == hash) {
                    Some((_, digests)) if signature.salt.is_empty() => digests.clone(),
                    _ => content.hash(hash, signature.salt, out)?,
                };
                if signature.salt.is_empty() {
                    begun.push((hash, digests.clone()));
                }
                judge(&signature, hash, ends(&signature, form, digests), keys, &mut row, out)?;
            }
        }
        rows.push(row);
    }
    if !any {
        rows.odd(part, "pgp", "malformed", "there is no signature that can be read");
    }
    Ok(())
}

fn unsupported(row: &mut PartSignature, why: &str) {
    row.result = "unsupported".to_owned();
    note(row, why);
}

/// The digests that a signature may be over, the likely ones first, and what is odd about the others.
fn ends(signature: &Signature, form: Form, begun: Begun) -> Vec<(Digest, Option<&'static str>)> {
    let Begun { canonical, as_it_stands, trimmed } = begun;
    let list = match form {
        Form::Text { .. } => match trimmed {
            Some(trimmed) => {
                vec![(trimmed, None), (canonical, Some("signed with the tabs at the ends of lines"))]
            }
            None => vec![(canonical, None)],
        },
        Form::Beside => {
            // Of text, older programs leave away the blanks at the ends of lines, as RFC 1991 had it.
            let trimmed = trimmed.filter(|_| signature.of == 1);
            let trimmed =
                trimmed.map(|begun| (begun, Some("signed without the blanks at the ends of lines")));
            let plain = as_it_stands.map(|begun| (begun, Some("signed with the line breaks as they stand")));
            [Some((canonical, None)), trimmed, plain].into_iter().flatten().collect()
        }
    };
    list.into_iter().map(|(begun, words)| (signature.end(begun), words)).collect()
}

/// Fills in the row of one signature.
fn judge(
    signature: &Signature,
    hash: Hash,
    digests: Vec<(Digest, Option<&str>)>,
    keys: &mut Keys,
    row: &mut PartSignature,
    out: &mut Out,
) -> Result<(), Stop> {
    if hash == Hash::Sha1 {
        note(row, "SHA-1: others with the same digest can be made");
    }
    if signature.says.expires.is_some() {
        note(row, "the signature is made to expire");
    }

    let issuers = keys.list.iter_mut().enumerate().flat_map(|(at, known)| {
        let numbers = known.key.issuers(&signature.says).map(|(number, _)| number);
        numbers.map(move |number| (at, number)).collect::<Vec<_>>()
    });
    let issuers: Vec<(usize, Option<usize>)> = issuers.take(TRIED).collect();
    let mut last = None;
    'issuers: for issuer @ (at, number) in &issuers {
        let Some(known) = keys.list.get(*at) else { continue };
        let Some((_, key)) = known.key.issuers(&signature.says).find(|(n, _)| n == number) else { continue };
        let value = signature.value(&key.key);
        for (digest, words) in &digests {
            out.spend(OPERATION)?;
            let check = match &value {
                Some(value) => key.key.check(hash, Padding::Pkcs1, digest, value),
                None if matches!(key.key, Key::Other(_)) => {
                    Check::Unsupported("this kind of key is not judged")
                }
                None => Check::Malformed,
            };
            last = Some((*issuer, check));
            if check == Check::Holds {
                if let Some(words) = words {
                    note(row, words);
                }
                break 'issuers;
            }
        }
    }
    // A signature that names nobody is not judged by keys that it is not by.
    let names_nobody = signature.says.issuer.is_none() && signature.says.issuer_id.is_none();
    let Some(((at, number), check)) = last.filter(|(_, check)| *check == Check::Holds || !names_nobody)
    else {
        row.result = "no-key".to_owned();
        let begins = |(digest, _): &(Digest, _)| digest.as_ref().starts_with(&signature.begins);
        note(
            row,
            if digests.iter().any(begins) {
                "the content's digest begins with the two octets in the signature"
            } else {
                "the content's digest begins with other octets than those in the signature"
            },
        );
        return Ok(());
    };
    let Some(known) = keys.list.get_mut(at) else { return Ok(()) };
    match check {
        Check::Holds => row.result = "verified".to_owned(),
        Check::Fails => row.result = "does-not-verify".to_owned(),
        Check::Unsupported(why) => unsupported(row, why),
        Check::Malformed => note(row, "the value of the signature is not one by this key"),
    }
    describe(known, number, row, out)
}

/// Puts into the row what a key says.
fn describe(
    known: &mut Known,
    number: Option<usize>,
    row: &mut PartSignature,
    out: &mut Out,
) -> Result<(), Stop> {
    let mut life = (known.key.primary.created, None);
    row.key_bits = known.key.primary.key.rsa_bits();
    if let Some(number) = number {
        let binding = known.key.binding(number, out)?;
        let Some(subkey) = known.key.subkey(number) else { return Ok(()) };
        row.key_bits = subkey.key.rsa_bits();
        let fingerprint = hex(&subkey.fingerprint);
        match binding {
            Binding::Loose => {
                // Whose subkey it is, nobody has signed: a signature by it is nobody's.
                row.result = "no-key".to_owned();
                row.key_id = Some(fingerprint);
                note(row, "a subkey that its primary key did not bind made or would have made the signature");
                return Ok(());
            }
            Binding::Revoked => note(row, "the subkey is revoked"),
            Binding::Bound(_) => {}
        }
        note(row, &format!("by subkey {fingerprint}"));
        let expires = if let Binding::Bound(expires) = binding { expires } else { None };
        life = (subkey.created.max(life.0), end(subkey, expires));
    }
    row.key_id = Some(hex(&known.key.primary.fingerprint));
    row.key_from = Some(known.from.to_owned());
    let identity = known.identity(out)?.clone();
    row.signer = identity.users.first().map(|user| bounded(user));
    for user in &identity.users {
        note_address(address(user), &mut row.addresses);
    }
    // What a key that is not judged says of itself is not judged either.
    if identity.users.is_empty() && !matches!(known.key.primary.key, Key::Other(_)) {
        note(row, "no user id is certified by its key");
    }
    if identity.is_revoked {
        note(row, "the key is revoked");
    }
    let ends = [life.1, end(&known.key.primary, identity.expires)];
    row.valid_from = Some(seconds(life.0));
    row.valid_to = ends.into_iter().flatten().min();
    note_times(row);
    Ok(())
}

/// When a key ends that lives so long.
fn end(key: &PublicKey, expires: Option<u32>) -> Option<Time> {
    Some(Time((i64::from(key.created) + i64::from(expires?)) * 1_000_000))
}

/// The address in a user id: `Name (comment) <address>`, or the whole.
fn address(user: &str) -> &str {
    let inside = user.rsplit_once('<').and_then(|(_, after)| after.split('>').next());
    inside.unwrap_or(user).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_names() {
        for (field, data) in [
            (" addr=a@b.example; prefer-encrypt=mutual; keydata=AA  BB", Some("AA  BB")),
            ("keydata=", Some("")),
            ("addr=a@b.example", None),
            (";;", None),
        ] {
            assert_eq!(key_data(field.as_bytes()), data.map(str::as_bytes), "{field}");
        }
        for (user, expect) in
            [("A <a@b> x", "a@b"), ("a@b", "a@b"), ("A <a@b", "a@b"), ("A", "A"), ("<", ""), ("", "")]
        {
            assert_eq!(address(user), expect);
        }
    }
}
