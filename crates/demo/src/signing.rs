//! A signer of mail: DKIM (RFC 6376, 8301, 8463), DomainKeys (RFC 4870) and ARC (RFC 8617), with the
//! canonicalisations written after the RFCs. It shares nothing with the readers of the product, so that
//! what it signs holds their reading of the same clauses against another one.

use aws_lc_rs::{
    digest::{Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest},
    signature::Ed25519KeyPair,
};

use crate::{
    mail::base64_line,
    rsa::{Hash, Rsa},
};

/// A private key.
pub(crate) enum Key {
    /// RSA.
    Rsa(Rsa),
    /// Ed25519.
    Ed25519(Ed25519KeyPair),
}

/// `a=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// `rsa-sha1`.
    RsaSha1,
    /// `rsa-sha256`.
    RsaSha256,
    /// `ed25519-sha256`.
    Ed25519,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Algorithm::RsaSha1 => "rsa-sha1",
            Algorithm::RsaSha256 => "rsa-sha256",
            Algorithm::Ed25519 => "ed25519-sha256",
        }
    }

    fn digest(self, bytes: &[u8]) -> Digest {
        match self {
            Algorithm::RsaSha1 => digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes),
            Algorithm::RsaSha256 | Algorithm::Ed25519 => digest(&SHA256, bytes),
        }
    }

    /// The signature of what is signed; empty for a key of another kind.
    fn sign(self, key: &Key, signed: &[u8]) -> Vec<u8> {
        let digest = self.digest(signed);
        match (self, key) {
            (Algorithm::RsaSha1, Key::Rsa(key)) => key.sign(Hash::Sha1, digest.as_ref()),
            (Algorithm::RsaSha256, Key::Rsa(key)) => key.sign(Hash::Sha256, digest.as_ref()),
            // The digest is what is signed, not the data (RFC 8463 section 3).
            (Algorithm::Ed25519, Key::Ed25519(key)) => key.sign(digest.as_ref()).as_ref().to_vec(),
            _ => Vec::new(),
        }
    }
}

/// `c=` of header or body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Canon {
    /// As it stands.
    Simple,
    /// White space does not count.
    Relaxed,
}

impl Canon {
    fn name(self) -> &'static str {
        match self {
            Canon::Simple => "simple",
            Canon::Relaxed => "relaxed",
        }
    }
}

/// How a mail is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec<'a> {
    /// `d=`.
    pub(crate) domain: &'a str,
    /// `s=`.
    pub(crate) selector: &'a str,
    /// `a=`.
    pub(crate) algorithm: Algorithm,
    /// `c=`, of header and body.
    pub(crate) canon: (Canon, Canon),
    /// Fields to sign where they stand in the mail, each as often as it does.
    pub(crate) headers: &'a [&'a str],
    /// Fields to sign once more than they stand in the mail, so that none can be added.
    pub(crate) oversigned: &'a [&'a str],
    /// Whether `l=` says how long the body was.
    pub(crate) length: bool,
    /// `t=`.
    pub(crate) at: i64,
}

/// A DKIM-Signature field for a mail, with LF line ends: it is to stand above the mail.
pub(crate) fn dkim(mail: &[u8], spec: &Spec, key: &Key) -> Vec<u8> {
    let start = format!("DKIM-Signature: v=1; a={};", spec.algorithm.name());
    message_signature(&start, mail, spec, key)
}

/// The part that DKIM and ARC share: `start` holds the field's name and its first tags.
fn message_signature(start: &str, mail: &[u8], spec: &Spec, key: &Key) -> Vec<u8> {
    let (fields, body) = split(mail);
    let body = canonical_body(body, spec.canon.1);
    let names = names(&fields, spec);
    let length = if spec.length { format!(" l={};", body.len()) } else { String::new() };
    let field = format!(
        "{start} c={}/{}; d={};\n\ts={}; t={};{length}\n\th={};\n\tbh={};\n\tb=",
        spec.canon.0.name(),
        spec.canon.1.name(),
        spec.domain,
        spec.selector,
        spec.at,
        fold(&names.join(":"), ':'),
        base64_line(spec.algorithm.digest(&body).as_ref()),
    );
    let mut signed = signed_header(&fields, &names, spec.canon.0);
    signed.extend(without_line_end(canonical_field(field.as_bytes(), spec.canon.0)));
    finish(field, &spec.algorithm.sign(key, &signed))
}

/// A DomainKey-Signature field with `c=nofws` (RFC 4870 section 3.4.2.2) for a mail, to stand above it.
/// With `headers` it says which fields are signed, in the order of the mail; without, all of them are.
pub(crate) fn domainkeys(mail: &[u8], spec: &Spec, key: &Key) -> Vec<u8> {
    let (fields, body) = split(mail);
    let is = |name: &str| spec.headers.iter().any(|known| known.eq_ignore_ascii_case(name));
    let chosen: Vec<&[u8]> =
        fields.iter().copied().filter(|field| spec.headers.is_empty() || is(name(field))).collect();
    let mut signed = Vec::new();
    for field in &chosen {
        signed.extend(field.iter().filter(|byte| !b" \t\r\n".contains(byte)));
        signed.extend_from_slice(b"\r\n");
    }
    signed.extend_from_slice(b"\r\n");
    let mut text = Vec::new();
    for line in lines(body) {
        text.extend(line.iter().filter(|byte| !b" \t".contains(byte)));
        text.extend_from_slice(b"\r\n");
    }
    end_once(&mut text);
    signed.extend(text);
    let mut listed: Vec<String> = Vec::new();
    for name in chosen.iter().map(|field| name(field).to_owned()) {
        if !listed.contains(&name) {
            listed.push(name);
        }
    }
    let h = match spec.headers {
        [] => String::new(),
        _ => format!("\n\th={};", fold(&listed.join(":"), ':')),
    };
    let field = format!(
        "DomainKey-Signature: a={}; q=dns; c=nofws;\n\ts={}; d={};{h}\n\tb=",
        spec.algorithm.name(),
        spec.selector,
        spec.domain
    );
    finish(field, &spec.algorithm.sign(key, &signed))
}

/// The three fields of one ARC set, to stand above a mail that holds the sets below `instance`.
/// `results` is what the sealer says of the mail it got; `chain` is `cv=`.
pub(crate) fn arc(mail: &[u8], instance: u32, chain: &str, results: &str, spec: &Spec, key: &Key) -> Vec<u8> {
    let results = format!("ARC-Authentication-Results: i={instance}; {results}\n").into_bytes();
    let start = format!("ARC-Message-Signature: i={instance}; a={};", spec.algorithm.name());
    let message = message_signature(&start, mail, spec, key);
    let seal = format!(
        "ARC-Seal: i={instance}; a={}; t={}; cv={chain};\n\td={}; s={};\n\tb=",
        spec.algorithm.name(),
        spec.at,
        spec.domain,
        spec.selector
    );
    let (older, _) = split(mail);
    let mut signed = Vec::new();
    // Sets in order, in each results, message signature, seal (RFC 8617 section 5.1.1).
    for set in 1..instance {
        for name_wanted in ["arc-authentication-results", "arc-message-signature", "arc-seal"] {
            let start = format!("i={set};");
            let of_set = |field: &&&[u8]| {
                let field = String::from_utf8_lossy(field).into_owned();
                let value = field.split_once(':').map_or("", |(_, value)| value.trim_start()).to_owned();
                field.to_ascii_lowercase().starts_with(&format!("{name_wanted}:"))
                    && value.starts_with(&start)
            };
            if let Some(field) = older.iter().find(of_set) {
                signed.extend(canonical_field(field, Canon::Relaxed));
            }
        }
    }
    signed.extend(canonical_field(&results, Canon::Relaxed));
    signed.extend(canonical_field(&message, Canon::Relaxed));
    signed.extend(without_line_end(canonical_field(seal.as_bytes(), Canon::Relaxed)));
    [finish(seal, &spec.algorithm.sign(key, &signed)), message, results].concat()
}

/// A field with its signature, in lines.
fn finish(mut field: String, signature: &[u8]) -> Vec<u8> {
    let text = base64_line(signature);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(70).unwrap_or((rest, ""));
        field.push_str(line);
        field.push_str(if after.is_empty() { "\n" } else { "\n\t " });
        rest = after;
    }
    field.into_bytes()
}

/// A list in lines of about 60 characters, broken behind `separator`.
fn fold(list: &str, separator: char) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for piece in list.split_inclusive(separator) {
        if column + piece.len() > 64 && column > 0 {
            out.push_str("\n\t ");
            column = 0;
        }
        out.push_str(piece);
        column += piece.len();
    }
    out
}

/// The fields of a mail with their line ends, and its body.
pub(crate) fn split(mail: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let (mut fields, mut start, mut at): (Vec<&[u8]>, usize, usize) = (Vec::new(), 0, 0);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        let folded = matches!(line.first(), Some(b' ' | b'\t'));
        if !folded && at > start {
            fields.extend(mail.get(start..at));
            start = at;
        }
        at += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            return (fields, mail.get(at..).unwrap_or_default());
        }
    }
    fields.extend(mail.get(start..).filter(|rest| !rest.is_empty()));
    (fields, &[])
}

/// The name of a field, as it stands.
pub(crate) fn name(field: &[u8]) -> &str {
    let name = field.split(|byte| *byte == b':').next().unwrap_or_default();
    std::str::from_utf8(name).unwrap_or_default().trim_end()
}

/// `h=`.
fn names<'a>(fields: &[&[u8]], spec: &Spec<'a>) -> Vec<&'a str> {
    let times = |wanted: &str| fields.iter().filter(|field| name(field).eq_ignore_ascii_case(wanted)).count();
    let present = spec.headers.iter().flat_map(|name| std::iter::repeat_n(*name, times(name)));
    present.chain(spec.oversigned.iter().copied()).collect()
}

/// The signed fields: for each name the lowest that is not yet taken (RFC 6376 section 5.4.2).
fn signed_header(fields: &[&[u8]], names: &[&str], canon: Canon) -> Vec<u8> {
    let mut left: Vec<&[u8]> = fields.to_vec();
    let mut out = Vec::new();
    for wanted in names {
        if let Some(at) = left.iter().rposition(|field| name(field).eq_ignore_ascii_case(wanted)) {
            out.extend(canonical_field(left.remove(at), canon));
        }
    }
    out
}

/// RFC 6376 sections 3.4.1 and 3.4.2, with a CRLF at the end.
fn canonical_field(field: &[u8], canon: Canon) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len() + 8);
    if canon == Canon::Simple {
        for line in lines(field) {
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
        }
        return out;
    }
    let colon = field.iter().position(|byte| *byte == b':').unwrap_or(field.len());
    let (name, value) = field.split_at_checked(colon).unwrap_or((field, &[]));
    out.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let value: Vec<u8> = lines(value.get(1..).unwrap_or_default()).concat();
    let words = value.split(|byte| b" \t".contains(byte)).filter(|word| !word.is_empty());
    out.extend(words.collect::<Vec<&[u8]>>().join(&b' '));
    out.extend_from_slice(b"\r\n");
    out
}

fn without_line_end(mut field: Vec<u8>) -> Vec<u8> {
    field.truncate(field.len().saturating_sub(2));
    field
}

/// RFC 6376 sections 3.4.3 and 3.4.4.
fn canonical_body(body: &[u8], canon: Canon) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + body.len() / 32 + 2);
    for line in lines(body) {
        match canon {
            Canon::Simple => out.extend_from_slice(line),
            Canon::Relaxed => {
                let mut gap = false;
                for byte in line {
                    match byte {
                        b' ' | b'\t' => gap = true,
                        _ => {
                            out.extend(gap.then_some(b' '));
                            out.push(*byte);
                            gap = false;
                        }
                    }
                }
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    end_once(&mut out);
    if out == b"\r\n" && canon == Canon::Relaxed {
        out.clear();
    }
    out
}

/// Cuts empty lines at the end of lines that end in CRLF; what is empty becomes one line end.
fn end_once(text: &mut Vec<u8>) {
    while text.ends_with(b"\r\n\r\n") {
        text.truncate(text.len() - 2);
    }
    if text.is_empty() {
        text.extend_from_slice(b"\r\n");
    }
}

/// Lines without their ends, which are LF or CRLF.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    let all = text.split_inclusive(|byte| *byte == b'\n');
    let bare = |line: &'_ [u8]| -> usize {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line).len()
    };
    all.map(|line| line.get(..bare(line)).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{self, KeyId};

    /// RFC 8463 appendix A.
    const MESSAGE: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
        To: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\n\
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
        \r\nHi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44,
        0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    const RSA: &str = "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb\
        3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l\
        /K4w3QIDAQABAoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm6SVbaLAE4SG5mLMueHlh\
        4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZezHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDz\
        JB/0U58W7RZy6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8GcuSe0ga2xAkEA8C7PipPm\
        1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxyWvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO7\
        3gnfNayNgPxdWFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1alicIeVlo1e+qJ6Mgqr0Q\
        7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcsto7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//\
        5qDZ2UiDGnOeuEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL";

    /// What a field in the RFC's own layout signs: `b=` empty, everything else as it stands there.
    fn sign_as_laid_out(field: &str, names: &[&str], algorithm: Algorithm, key: &Key) -> String {
        let (fields, body) = split(MESSAGE.as_bytes());
        let body = canonical_body(body, Canon::Relaxed);
        assert_eq!(
            base64_line(algorithm.digest(&body).as_ref()),
            "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
        );
        let mut signed = signed_header(&fields, names, Canon::Relaxed);
        signed.extend(without_line_end(canonical_field(field.as_bytes(), Canon::Relaxed)));
        base64_line(&algorithm.sign(key, &signed))
    }

    #[test]
    fn the_example_of_rfc_8463_is_signed_as_it_stands_there() {
        let names = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"];
        let ed25519 = Key::Ed25519(Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap());
        let field = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; \
            i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : \
            date : message-id : from : subject : date;\r\n \
            bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
        assert_eq!(
            sign_as_laid_out(field, &names, Algorithm::Ed25519, &ed25519),
            "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
        );
        let rsa = Key::Rsa(Rsa::new(&keys::decode(RSA).unwrap()).unwrap());
        let field = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; \
            i=@football.example.com;\r\n q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n date : \
            message-id : from : subject : date;\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
        assert_eq!(
            sign_as_laid_out(field, &names, Algorithm::RsaSha256, &rsa),
            "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQ\
             TnGdaSGsgeefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="
        );
    }

    #[test]
    fn canonical_forms_are_those_of_rfc_6376() {
        // Section 3.4.5: the example, and the empty bodies of 3.4.3 and 3.4.4.
        let mail = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let (fields, body) = split(mail);
        let header =
            |canon| fields.iter().map(|field| canonical_field(field, canon)).collect::<Vec<_>>().concat();
        assert_eq!(header(Canon::Relaxed), b"a:X\r\nb:Y Z\r\n");
        assert_eq!(header(Canon::Simple), b"A: X\r\nB : Y\t\r\n\tZ  \r\n");
        assert_eq!(canonical_body(body, Canon::Relaxed), b" C\r\nD E\r\n");
        assert_eq!(canonical_body(body, Canon::Simple), b" C \r\nD \t E\r\n");
        for (body, simple, relaxed) in [
            (&b""[..], &b"\r\n"[..], &b""[..]),
            (b"\n\r\n\n", b"\r\n", b""),
            (b"x", b"x\r\n", b"x\r\n"),
            (b"x\n \n", b"x\r\n \r\n", b"x\r\n"),
        ] {
            assert_eq!(canonical_body(body, Canon::Simple), simple, "{body:?}");
            assert_eq!(canonical_body(body, Canon::Relaxed), relaxed, "{body:?}");
        }
    }

    #[test]
    fn line_ends_do_not_count_and_other_bytes_do() {
        let key = keys::key(KeyId::Boite).unwrap();
        for (header, body) in [
            (Canon::Simple, Canon::Simple),
            (Canon::Relaxed, Canon::Relaxed),
            (Canon::Simple, Canon::Relaxed),
        ] {
            let spec = Spec {
                domain: "boite.test",
                selector: "s",
                algorithm: Algorithm::RsaSha1,
                canon: (header, body),
                headers: &["from", "to", "subject"],
                oversigned: &["subject"],
                length: true,
                at: 1_700_000_000,
            };
            let sign = |mail: &str| String::from_utf8(dkim(mail.as_bytes(), &spec, &key)).unwrap();
            let crlf = sign(MESSAGE);
            assert_eq!(crlf, sign(&MESSAGE.replace("\r\n", "\n")));
            assert_eq!(crlf, sign(&format!("Received: by x\n{MESSAGE}\n\n")));
            assert_ne!(crlf, sign(&MESSAGE.replace("lost", "won")));
            assert_ne!(crlf, sign(&MESSAGE.replace("Suzie", "Susan")));
            assert_ne!(crlf, sign(&format!("Subject: two\n{MESSAGE}")));
            assert!(crlf.contains("h=from:to:subject:subject;"), "{crlf}");
        }
    }
}
