//! Signed mail made with OpenSSL and GnuPG for these tests (the keys are nobody's and gone), honest and
//! changed; packets of newer versions made here; hostile bytes.

use aws_lc_rs::{
    digest::Context,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use tamis_model::tables::{Fact, PartSignature, Time};

use super::verify::Hash;
use crate::{protocol::Reading, testing};

/// The samples by name.
macro_rules! samples {
    ($($name:literal),* $(,)?) => {
        const SAMPLES: &[(&str, &[u8])] = &[$(($name, include_bytes!(concat!("samples/", $name, ".eml")))),*];
    };
}

samples!(
    "pgp-attached-rsa",
    "pgp-autocrypt",
    "pgp-clear",
    "pgp-clear-more",
    "pgp-dsa",
    "pgp-nokey",
    "pgp-old",
    "pgp-subkey-p256",
    "pgp-textmode",
    "smime-certs",
    "smime-dsa",
    "smime-encrypted",
    "smime-expired",
    "smime-noattr-sha1",
    "smime-nocert",
    "smime-opaque",
    "smime-opaque-ber",
    "smime-p256",
    "smime-p384-keyid",
    "smime-pss",
    "smime-rsa",
    "smime-two",
);

fn sample(name: &str) -> &'static str {
    let (_, bytes) = SAMPLES.iter().find(|(known, _)| *known == name).unwrap();
    std::str::from_utf8(bytes).unwrap()
}

fn read(mail: &[u8]) -> Reading<Vec<u8>> {
    testing::read(mail, "", "message/rfc822")
}

fn rows(mail: impl AsRef<[u8]>) -> Vec<PartSignature> {
    let rows = read(mail.as_ref()).facts.into_iter().filter_map(|fact| match fact {
        Fact::PartSignature(row) => Some(*row),
        _ => None,
    });
    rows.collect()
}

/// Result and note of each row.
fn results(mail: impl AsRef<[u8]>) -> Vec<(String, String)> {
    rows(mail).into_iter().map(|row| (row.result, row.note.unwrap_or_default())).collect()
}

/// Part, result, algorithm, signer, addresses, and note of each row.
fn lines(mail: impl AsRef<[u8]>) -> Vec<String> {
    let line = |row: PartSignature| {
        let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let (algorithm, signer, note) = (text(row.algorithm), text(row.signer), text(row.note));
        format!("{}|{}|{algorithm}|{signer}|{}|{note}", row.part, row.result, row.addresses.join(" "),)
    };
    rows(mail).into_iter().map(line).collect()
}

const RUTH: &str = "Ruth Sample (desk) <Ruth@desk.example>|ruth@desk.example";
const RUTH_X509: &str =
    "emailAddress=Ruth@desk.example, CN=Ruth Sample, O=Example Desk, C=XX|rsa@desk.example ruth@desk.example";
const SHA1: &str = "SHA-1: others with the same digest can be made";
const FITS: &str = "the content's digest begins with the two octets in the signature";

#[test]
fn samples() {
    let cases: &[(&str, &[String])] = &[
        (
            "pgp-attached-rsa",
            &["1|verified|rsa-sha512|Rolf Sample <rolf@desk.example>|rolf@desk.example|-".to_owned()],
        ),
        ("pgp-autocrypt", &[format!("1|verified|ed25519-sha256|{RUTH}|-")]),
        ("pgp-clear", &[format!("1|verified|ed25519-sha256|{RUTH}|-")]),
        (
            "pgp-clear-more",
            &[format!("1|verified|ed25519-sha256|{RUTH}|the part holds text that is not signed as well")],
        ),
        ("pgp-dsa", &["1|unsupported|dsa-sha256|-||this kind of key is not judged".to_owned()]),
        ("pgp-nokey", &[format!("1|no-key|ed25519-sha256|-||{FITS}")]),
        (
            "pgp-old",
            &["1|verified|ed25519-sha256|Old Sample <old@desk.example>|old@desk.example|-".to_owned()],
        ),
        ("pgp-textmode", &[format!("1|verified|ed25519-sha256|{RUTH}|-")]),
        ("smime-certs", &[]),
        (
            "smime-dsa",
            &["1|unsupported|dsa-sha256|CN=Dsa||issuer not checked; this kind of key is not judged".to_owned()],
        ),
        ("smime-encrypted", &[]),
        (
            "smime-expired",
            &["1|verified|rsa-sha256|CN=Old Sample||by its own clock signed after the key's validity; issuer not checked".to_owned()],
        ),
        ("smime-noattr-sha1", &[format!("1|verified|rsa-sha1|{RUTH_X509}|{SHA1}; issuer not checked")]),
        (
            "smime-nocert",
            &["1|no-key|-|-||the content's digest is the one in the signature".to_owned()],
        ),
        ("smime-opaque", &[format!("|verified|rsa-sha256|{RUTH_X509}|issuer not checked")]),
        ("smime-opaque-ber", &[format!("|verified|rsa-sha256|{RUTH_X509}|issuer not checked")]),
        (
            "smime-p256",
            &["1|verified|ecdsa-sha256|CN=Eck Sample|ec@desk.example|issuer not checked".to_owned()],
        ),
        (
            "smime-p384-keyid",
            &["1|verified|ecdsa-sha384|CN=Eck Sample|ec3@desk.example|issuer not checked".to_owned()],
        ),
        ("smime-pss", &[format!("1|verified|rsa-pss-sha256|{RUTH_X509}|issuer not checked")]),
        ("smime-rsa", &[format!("1|verified|rsa-sha256|{RUTH_X509}|issuer not checked")]),
        (
            "smime-two",
            &[
                "1|verified|ecdsa-sha256|CN=Eck Sample|ec@desk.example|issuer not checked".to_owned(),
                format!("1|verified|rsa-sha256|{RUTH_X509}|issuer not checked"),
            ],
        ),
    ];
    for (name, expect) in cases {
        assert_eq!(lines(sample(name)), *expect, "{name}");
        // What a store does to line breaks breaks no signature.
        assert_eq!(lines(sample(name).replace("\r\n", "\n")), *expect, "{name} with LF");
        assert_eq!(lines(sample(name).replace("\r\n", "\r")), *expect, "{name} with CR");
        assert_eq!(read(sample(name).as_bytes()).outcome.to_string(), "parsed", "{name}");
    }
}

#[test]
fn all_of_a_row() {
    let micros = |seconds: i64| Some(Time(seconds * 1_000_000));
    let row = rows(sample("smime-expired")).remove(0);
    assert_eq!(row.kind, "smime");
    assert_eq!(row.issuer.as_deref(), Some("CN=Example CA, O=Example Desk, C=XX"));
    assert_eq!(row.key_id.as_deref(), Some("1a2b3c04"));
    assert_eq!((row.key_from.as_deref(), row.key_bits), (Some("signature"), Some(2048)));
    assert_eq!((row.valid_from, row.valid_to), (micros(1_577_836_800), micros(1_609_459_200)));
    assert_eq!(row.self_issued, Some(false));
    assert_eq!(rows(sample("smime-dsa"))[0].self_issued, Some(true));

    let row = rows(sample("pgp-subkey-p256")).remove(0);
    assert_eq!((row.kind.as_str(), row.result.as_str()), ("pgp", "verified"));
    assert_eq!(row.key_from.as_deref(), Some("autocrypt"));
    assert_eq!(row.signed_at, micros(1_704_164_645));
    assert_eq!(row.valid_from, micros(1_704_067_200));
    assert_eq!(row.valid_to, micros(1_704_067_200 + 30 * 365 * 86_400));
    assert_eq!(row.addresses, ["sub@desk.example"]);
    let note = row.note.unwrap();
    let (subkey, primary) = (note.strip_prefix("by subkey ").unwrap(), row.key_id.unwrap());
    assert!(subkey.len() == 40 && primary.len() == 40 && subkey != primary);
    assert_eq!(rows(sample("pgp-old"))[0].valid_to, micros(1_577_836_800 + 365 * 86_400));
}

#[test]
fn changed_content() {
    for (name, from, to) in [
        ("pgp-attached-rsa", "holds", "hides"),
        ("pgp-autocrypt", "holds", "hides"),
        ("pgp-autocrypt", "letter.\r\n", "letter. \r\n"),
        ("pgp-autocrypt", "charset=utf-8", "charset=utf-7"),
        ("pgp-clear", "letter", "ladder"),
        ("pgp-clear", "Hello,\r\n", "Hello,\r\n\r\n"),
        ("pgp-clear-more", "letter", "ladder"),
        ("pgp-subkey-p256", "holds", "hides"),
        ("pgp-textmode", "holds", "hides"),
        ("smime-noattr-sha1", "holds", "hides"),
        ("smime-rsa", "holds", "hides"),
        ("smime-rsa", "8bit", "7bit"),
        ("smime-pss", "holds", "hides"),
        ("smime-p256", "holds", "hides"),
        ("smime-p384-keyid", "alle.\r\n", "alle.\r\n\r\n"),
        ("smime-two", "holds", "hides"),
    ] {
        assert!(sample(name).contains(from), "{name}");
        let rows = rows(sample(name).replacen(from, to, 1));
        assert!(
            !rows.is_empty() && rows.iter().all(|row| row.result == "does-not-verify"),
            "{name}: {rows:?}"
        );
    }
    let (result, note) = results(sample("smime-rsa").replace("holds", "hides")).remove(0);
    assert_eq!(result, "does-not-verify");
    assert!(note.contains("the signature over its attributes holds"), "{note}");
    let (result, note) = results(sample("pgp-nokey").replace("holds", "hides")).remove(0);
    assert_eq!((result.as_str(), note.contains("begins with other octets")), ("no-key", true));
    // White space at the ends of lines of signed text is not signed.
    assert_eq!(results(sample("pgp-clear").replace("Hello,", "Hello,\t "))[0].0, "verified");
    // What stands outside of the signed part is nobody's business.
    assert_eq!(results(sample("smime-rsa").replace("Subject: signed", "Subject: other"))[0].0, "verified");
}

#[test]
fn no_changed_octet_is_verified() {
    for name in ["smime-rsa", "smime-noattr-sha1", "smime-p256", "pgp-autocrypt", "pgp-attached-rsa"] {
        let mail = sample(name).as_bytes();
        let start = find(mail, b"\r\n--b\r\n") + 7;
        let end = start + find(&mail[start..], b"\r\n--b\r\n");
        let mut changed = 0;
        // Line breaks may change as a whole, which `samples` shows.
        for at in (start..end).filter(|at| !matches!(mail[*at], b'\r' | b'\n')) {
            let mut flipped = mail.to_vec();
            flipped[at] ^= 1;
            let mut shorter = mail.to_vec();
            shorter.remove(at);
            let longer = [&mail[..at], b"x", &mail[at..]].concat();
            for mutant in [flipped, shorter, longer] {
                assert!(rows(&mutant).iter().all(|row| row.result != "verified"), "{name} changed at {at}");
                changed += 1;
            }
        }
        assert!(changed > 250, "{name}: {changed}");
    }
    let hide = |blob: &mut Vec<u8>| {
        let at = find(blob, b"holds");
        blob[at + 1] = b'i';
    };
    for name in ["smime-opaque", "smime-opaque-ber"] {
        assert_eq!(results(with_blob(sample(name), hide))[0].0, "does-not-verify", "{name}");
    }
}

/// The mail with its last base64 blob changed.
fn with_blob(mail: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let start = mail.find("\r\n\r\nMI").unwrap() + 4;
    let len = mail[start..].find("\r\n--").unwrap_or(mail.len() - start);
    let text: String = mail[start..start + len].split_whitespace().collect();
    let mut blob = STANDARD.decode(text).unwrap();
    change(&mut blob);
    format!("{}{}\r\n{}", &mail[..start], STANDARD.encode(blob), &mail[start + len..])
}

fn find(blob: &[u8], needle: &[u8]) -> usize {
    memchr::memmem::find(blob, needle).unwrap()
}

#[test]
fn changed_signatures() {
    const SIGNING_TIME: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05";
    const DIGEST: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04";
    let mail = sample("smime-rsa");
    assert_eq!(results(with_blob(mail, |_| {}))[0].0, "verified");
    // The signer's clock: nothing else knows that it was changed.
    let clock = |blob: &mut Vec<u8>| {
        let at = find(blob, SIGNING_TIME) + SIGNING_TIME.len() + 5;
        blob[at] = if blob[at] == b'1' { b'2' } else { b'1' };
    };
    assert_eq!(results(with_blob(mail, clock))[0].0, "does-not-verify");
    // The digest of other content is put into the attributes.
    let other = mail.replace("holds", "hides");
    let content =
        &other[other.find("--b\r\n").unwrap() + 5..other.find("\r\n--b\r\nContent-Type: app").unwrap()];
    let digest = aws_lc_rs::digest::digest(Hash::Sha256.algorithm(), content.as_bytes());
    let exchanged = with_blob(&other, |blob| {
        let at = find(blob, DIGEST) + DIGEST.len() + 4;
        blob[at..at + 32].copy_from_slice(digest.as_ref());
    });
    let (result, note) = results(exchanged).remove(0);
    assert_eq!((result.as_str(), note.contains("digest")), ("does-not-verify", false), "{note}");
    for (change, expect) in [
        ((|blob| *blob.last_mut().unwrap() ^= 1) as fn(&mut Vec<u8>), "does-not-verify"),
        (|blob| blob.truncate(blob.len() - 1), "malformed"),
        (|blob| blob.clear(), "malformed"),
        (|blob| blob[4] ^= 0x20, "malformed"),
    ] {
        assert_eq!(results(with_blob(mail, change))[0].0, expect);
    }
    // A second digest among the attributes: neither counts.
    let twice = with_blob(mail, |blob| {
        let at = find(blob, SIGNING_TIME) + SIGNING_TIME.len() - 1;
        blob[at] = 4;
    });
    assert_eq!(results(twice)[0].0, "malformed");
}

/// The mail with the key in its `Autocrypt` field changed.
fn with_key(mail: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    let start = mail.find("keydata=").unwrap() + 8;
    let len = mail[start..].find("Content-Type").unwrap();
    let text: String = mail[start..start + len].split_whitespace().collect();
    let key = change(STANDARD.decode(text).unwrap());
    format!("{}{}\r\n{}", &mail[..start], STANDARD.encode(key), &mail[start + len..])
}

#[test]
fn keys_count_as_far_as_they_are_bound() {
    let mail = sample("pgp-subkey-p256");
    assert_eq!(results(with_key(mail, |key| key))[0].0, "verified");
    // The binding is gone, or does not hold: whose the subkey is, nobody has said.
    let ends: Vec<usize> = {
        let mut ends = Vec::new();
        with_key(mail, |key| {
            let mut packets = super::packets::Packets(&key);
            while packets.next().is_some() {
                ends.push(key.len() - packets.0.len());
            }
            key
        });
        ends
    };
    assert_eq!(ends.len(), 5, "key, user id, its signature, subkey, its signature");
    let loose = |key: Vec<u8>| key[..ends[3]].to_vec();
    let broken = |mut key: Vec<u8>| {
        *key.last_mut().unwrap() ^= 1;
        key
    };
    let stolen = |key: Vec<u8>| {
        // On the key of somebody else.
        let mut other = Vec::new();
        with_key(sample("pgp-autocrypt"), |key| {
            other.clone_from(&key);
            key
        });
        [other.as_slice(), &key[ends[2]..]].concat()
    };
    for change in [&loose as &dyn Fn(Vec<u8>) -> Vec<u8>, &broken, &stolen] {
        let row = rows(with_key(mail, change)).remove(0);
        assert_eq!((row.result.as_str(), row.signer, row.addresses.len()), ("no-key", None, 0));
        assert!(row.note.unwrap().contains("did not bind"));
    }
    // A name that the key has not signed is not the signer's.
    let renamed = with_key(mail, |mut key| {
        let at = find(&key, b"sub@desk");
        key[at..at + 3].copy_from_slice(b"bob");
        key
    });
    let row = rows(renamed).remove(0);
    assert_eq!((row.result.as_str(), row.signer, row.addresses.len()), ("verified", None, 0));
    assert!(row.note.unwrap().contains("no user id is certified"));
    // Without the key, or with another's.
    let none = with_key(sample("pgp-autocrypt"), |_| b"\x99".to_vec());
    assert_eq!(results(none)[0].0, "no-key");
}

/// A sample as a part of another mail, with text after it.
fn nested(mail: &str, boundary: &str) -> String {
    let at = mail.find("Content-Type: multipart/signed").unwrap();
    let (head, part) = mail.split_at(at);
    format!(
        "{head}Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n{part}\r\n--{boundary}\r\n\r\nlist footer\r\n--{boundary}--\r\n"
    )
}

#[test]
fn places() {
    for name in ["smime-rsa", "pgp-autocrypt"] {
        let mail = sample(name);
        let row = rows(nested(mail, "outer")).remove(0);
        assert_eq!((row.part.as_str(), row.result.as_str()), ("1.1", "verified"), "{name}");
        let twice = rows(nested(&nested(mail, "outer"), "b"));
        // The same boundary inside and outside: it is read in one way only, or not at all.
        assert!(twice.iter().all(|row| row.result != "does-not-verify"), "{name}: {twice:?}");
        // Parts that nobody declared as signed: what holds counts, what does not says nothing.
        let mixed = mail.replace("multipart/signed", "multipart/mixed");
        assert_eq!(results(&mixed)[0].0, "verified", "{name}");
        assert_eq!(rows(mixed.replace("holds", "hides")), [], "{name}");
        // A part between content and signature.
        let third =
            mail.replacen("\r\n--b\r\nContent-Type: app", "\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: app", 1);
        assert_eq!(results(third)[0].0, "malformed", "{name}");
        // Another boundary than is declared.
        let wrong = mail.replace("boundary=\"b\"", "boundary=\"c\"").replace("--b\r\n\r\n", "");
        assert!(results(wrong).iter().all(|(result, _)| result == "malformed"), "{name}");
        // By its name only.
        let named = mail.replace("application/pkcs7-signature; name", "application/octet-stream; name");
        let named = named.replace("application/pgp-signature; name", "application/octet-stream; name");
        assert_eq!(results(named)[0].0, "verified", "{name}");
        // The end is missing; the signature is not.
        let end = mail.rfind("--b--").unwrap();
        assert_eq!(results(&mail[..end])[0].0, "verified", "{name}");
    }
    let opaque = sample("smime-opaque").replacen("MIME-Version", "X-MIME-Version", 1);
    assert_eq!(rows(&opaque)[0].part, "");
    let at = opaque.find("Content-Type").unwrap();
    let inside = format!(
        "{}Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\ntext\r\n--m\r\n{}--m--\r\n",
        &opaque[..at],
        &opaque[at..]
    );
    assert_eq!(rows(inside)[0].part, "2");
}

#[test]
fn long_content() {
    let mail = sample("smime-rsa").replace("holds", &"x".repeat(3 << 20));
    let row = rows(mail).remove(0);
    assert_eq!(row.result, "does-not-verify");
    assert!(row.note.unwrap().contains("not the signed one"));
}

#[test]
fn at_most_sixteen_rows() {
    let defects = |mail: &str| {
        let facts = read(mail.as_bytes()).facts.into_iter();
        facts.filter(|fact| matches!(fact, Fact::Defect(defect) if defect.kind == "many-signatures")).count()
    };
    let mail = sample("pgp-autocrypt");
    let start = mail.find("-----BEGIN PGP SIG").unwrap();
    let armor = super::armor::signature(&mail.as_bytes()[start..]);
    let many = STANDARD.encode(armor.repeat(40));
    let many = format!("{}-----BEGIN PGP SIGNATURE-----\r\n\r\n{many}\r\n--b--\r\n", &mail[..start]);
    assert_eq!(rows(&many).len(), 16);
    assert_eq!(defects(&many), 1);
    assert_eq!(rows(&many)[15].ordinal, 15);
    let parts = "--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n".repeat(5000);
    let parts = mail.replacen("--b--", &format!("{parts}--b--"), 1);
    assert!(rows(&parts).len() <= 16);
}

// ---- packets of newer and older versions, made here ----

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[0xc0 | kind, 0xff], (body.len() as u32).to_be_bytes().as_slice(), body].concat()
}

struct Maker {
    pair: Ed25519KeyPair,
    /// Body of its key packet.
    key: Vec<u8>,
    version: u8,
}

impl Maker {
    fn new(version: u8) -> Maker {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let mut key = vec![version, 0x65, 0, 0, 0, 27];
        if version == 6 {
            key.extend([0, 0, 0, 32]);
        }
        key.extend(pair.public_key().as_ref());
        Maker { pair, key, version }
    }

    fn prefix(&self) -> Vec<u8> {
        let length = (self.key.len() as u32).to_be_bytes();
        match self.version {
            6 => [&[0x9b], length.as_slice(), &self.key].concat(),
            _ => [&[0x99], &length[2..], &self.key].concat(),
        }
    }

    /// A signature of type `of` over `content`.
    fn sign(&self, of: u8, content: &[u8], subpackets: &[u8]) -> Vec<u8> {
        let length = (subpackets.len() as u32).to_be_bytes();
        let length = if self.version == 6 { &length[..] } else { &length[2..] };
        let hashed = [&[self.version, of, 27, 8], length, subpackets].concat();
        let salt: &[u8] = if self.version == 6 { &[9; 16] } else { &[] };
        let mut digest = Context::new(Hash::Sha256.algorithm());
        digest.update(salt);
        digest.update(content);
        digest.update(&hashed);
        digest.update(&[self.version, 0xff]);
        digest.update(&(hashed.len() as u32).to_be_bytes());
        let digest = digest.finish();
        let none: &[u8] = if self.version == 6 { &[0; 4] } else { &[0; 2] };
        let salted: &[u8] = if self.version == 6 { &[16] } else { &[] };
        let value = self.pair.sign(digest.as_ref());
        let body = [&hashed, none, &digest.as_ref()[..2], salted, salt, value.as_ref()].concat();
        packet(2, &body)
    }

    /// A signature of version 3.
    fn sign_old(&self, of: u8, content: &[u8]) -> Vec<u8> {
        let hashed = [of, 0x65, 0, 0, 0];
        let mut digest = Context::new(Hash::Sha256.algorithm());
        digest.update(content);
        digest.update(&hashed);
        let digest = digest.finish();
        let id = aws_lc_rs::digest::digest(Hash::Sha1.algorithm(), &self.prefix());
        let head = [&[3, 5][..], &hashed, &id.as_ref()[12..], &[27, 8], &digest.as_ref()[..2]].concat();
        packet(2, &[&head, self.pair.sign(digest.as_ref()).as_ref()].concat())
    }

    fn mail(&self, subpackets: &[u8]) -> String {
        let content = "Content-Type: text/plain\r\n\r\nsigned\r\n";
        let created = [&[5, 2, 0x65, 0, 0, 0], subpackets].concat();
        self.mail_with(content, &self.sign(0, content.as_bytes(), &created))
    }

    fn mail_with(&self, content: &str, signature: &[u8]) -> String {
        let user = b"Vera <vera@desk.example>";
        let about = [&self.prefix(), &[0xb4][..], &(user.len() as u32).to_be_bytes(), user].concat();
        let created = [5, 2, 0x65, 0, 0, 0];
        let key = [packet(6, &self.key), packet(13, user), self.sign(0x13, &about, &created)].concat();
        format!(
            "From: vera@desk.example\r\nAutocrypt: addr=vera@desk.example; keydata={}\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n\
             --b\r\n{content}\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\n{}\r\n-----END PGP SIGNATURE-----\r\n--b--\r\n",
            STANDARD.encode(key),
            STANDARD.encode(signature),
        )
    }
}

#[test]
fn versions_four_and_six_with_the_new_key() {
    for version in [4, 6] {
        let mail = Maker::new(version).mail(&[]);
        let row = rows(&mail).remove(0);
        assert_eq!((row.result.as_str(), row.algorithm.as_deref()), ("verified", Some("ed25519-sha256")));
        assert_eq!(row.addresses, ["vera@desk.example"]);
        assert_eq!(row.key_id.unwrap().len(), if version == 6 { 64 } else { 40 });
        assert_eq!(results(mail.replace("signed\r\n\r\n--b", "sighed\r\n\r\n--b"))[0].0, "no-key");
        // A subpacket that must be understood, and is not; one that need not.
        assert_eq!(results(Maker::new(version).mail(&[2, 0x80 | 100, 1]))[0].0, "unsupported");
        assert_eq!(results(Maker::new(version).mail(&[2, 100, 1]))[0].0, "verified");
    }
}

#[test]
fn texts_without_their_blanks_and_old_versions() {
    let maker = Maker::new(4);
    let created = [5, 2, 0x65, 0, 0, 0];
    let content = "Content-Type: text/plain\r\n\r\nsigned \t\r\n-- \r\nVera ";
    let trimmed = "Content-Type: text/plain\r\n\r\nsigned\r\n--\r\nVera";
    let note = "signed without the blanks at the ends of lines";
    for (signature, expect) in [
        (maker.sign(1, content.as_bytes(), &created), ("verified", "")),
        (maker.sign(1, trimmed.as_bytes(), &created), ("verified", note)),
        (maker.sign_old(1, trimmed.as_bytes()), ("verified", note)),
        (maker.sign_old(0, content.as_bytes()), ("verified", "")),
        // What is signed as bytes is signed with its blanks.
        (maker.sign_old(0, trimmed.as_bytes()), ("does-not-verify", "")),
        (
            maker.sign(2, content.as_bytes(), &created),
            ("unsupported", "a signature of a type that is not over a message"),
        ),
    ] {
        let (result, note) = results(maker.mail_with(content, &signature)).remove(0);
        assert_eq!((result.as_str(), note.as_str()), expect);
    }
    // Line breaks as a program left them that signed before it sent.
    let content = "Content-Type: text/plain\n\nsigned\n";
    let mail = maker.mail_with("", &maker.sign(0, content.as_bytes(), &created));
    let mail = mail.replace("--b\r\n\r\n--b", &format!("--b\r\n{content}\r\n--b"));
    assert_eq!(results(mail)[0].1, "signed with the line breaks as they stand");
}

// ---- hostile ----

#[test]
fn cut_anywhere() {
    for name in ["smime-two", "smime-opaque-ber", "pgp-attached-rsa", "pgp-clear-more", "pgp-subkey-p256"] {
        let mail = sample(name).as_bytes();
        for cut in 0..mail.len() {
            let rows = rows(&mail[..cut]);
            // Only what was there can be verified, and nobody is said to have changed it.
            assert!(rows.iter().all(|row| row.result != "does-not-verify"), "{name} cut at {cut}: {rows:?}");
        }
    }
}

#[test]
fn floods() {
    let head = |content_type: &str| format!("From: a@desk.example\r\nContent-Type: {content_type}\r\n");
    let signed = head("multipart/signed; boundary=b") + "\r\n--b\r\n\r\nx\r\n--b\r\n";
    let base64 = |blob: &[u8]| STANDARD.encode(blob);
    let smime = "Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let pgp = "Content-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\n";
    let opaque = head("application/pkcs7-mime") + "Content-Transfer-Encoding: base64\r\n\r\n";
    let empties = [0x30u8, 0x83, 0x0b, 0, 0].into_iter().chain([0x31, 0].into_iter().cycle().take(0x0b_0000));
    let empties: Vec<u8> = empties.collect();
    let uids: Vec<u8> = [packet(13, b"x"), packet(2, &[4, 0x13, 1, 8, 0, 0, 0, 0, 0, 0, 0, 1, 1])].concat();
    let key = [packet(6, &Maker::new(4).key), uids.repeat(20_000)].concat();
    let sig = Maker::new(4).sign(0, b"y", &[]);
    for mail in [
        format!("{signed}{smime}{}", base64(&[0x30, 0x80].repeat(300_000))),
        format!("{signed}{smime}{}", base64(&[0x24, 0x80].repeat(300_000))),
        format!("{signed}{smime}{}", base64(&empties)),
        format!("{signed}{smime}{}", base64(&[0x30; 2 << 20])),
        format!("{signed}{pgp}{}", base64(&[0xc2, 0].repeat(300_000))),
        format!("{signed}{pgp}{}", base64(&packet(2, &[4, 0, 1, 8, 0xff, 0xff].repeat(20_000)))),
        format!(
            "{signed}Content-Type: application/pgp-signature\r\n\r\n{}",
            "-----BEGIN PGP SIGNATURE-----\n".repeat(30_000)
        ),
        format!("{opaque}{}", base64(&[0x30, 0x80].repeat(1 << 20))),
        format!("Autocrypt: keydata={}\r\n{signed}{pgp}{}\r\n--b--", base64(&key[..150_000]), base64(&sig)),
        format!("From: a\r\n\r\n{}", "-----BEGIN PGP SIGNED MESSAGE-----\n".repeat(50_000)),
        format!("From: a\r\n\r\n-----BEGIN PGP SIGNED MESSAGE-----\n\n{}", "- \n".repeat(500_000)),
        format!("{}\r\n{}", head("multipart/signed; boundary=b"), "--b\r\n".repeat(200_000)),
    ] {
        let start = std::time::Instant::now();
        let rows = rows(&mail);
        assert!(rows.iter().all(|row| row.result != "verified"), "{rows:?}");
        assert!(start.elapsed().as_secs() < 5, "{}", &mail[..200]);
    }
}
