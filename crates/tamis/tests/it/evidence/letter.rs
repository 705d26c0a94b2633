//! A mail taken apart and signed, for tests: written after the RFCs, and sharing nothing with the program
//! or the demo, so that what it says is covered is a second opinion.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair},
};

use crate::desk::base64;

/// Header fields, each with its line end, and the body. The bytes are those of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub fields: Vec<Vec<u8>>,
    /// The line between header and body, and the body.
    pub rest: Vec<u8>,
}

impl Letter {
    /// Of a mail whose lines end in LF, CRLF, or all of them in CR as on old Macintoshs: those become LF.
    pub fn parse(mail: &[u8]) -> Letter {
        if !mail.contains(&b'\n') && mail.contains(&b'\r') {
            let lines = mail.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte });
            return Letter::parse(&lines.collect::<Vec<u8>>());
        }
        let (mut fields, mut at): (Vec<Vec<u8>>, usize) = (Vec::new(), 0);
        for line in mail.split_inclusive(|byte| *byte == b'\n') {
            if matches!(line, b"\n" | b"\r\n") {
                break;
            }
            match fields.last_mut() {
                Some(field) if line.starts_with(b" ") || line.starts_with(b"\t") => field.extend(line),
                _ => fields.push(line.to_vec()),
            }
            at += line.len();
        }
        Letter { fields, rest: mail[at..].to_vec() }
    }

    /// As other readers take it: the body begins with the first line that is no field.
    pub fn ending_early(&self) -> Letter {
        let is_field = |field: &&Vec<u8>| {
            field.contains(&b':') && name(field).bytes().all(|byte| byte.is_ascii_graphic())
        };
        let head = self.fields.iter().take_while(is_field).count();
        let line = if head < self.fields.len() { self.line_end().as_bytes() } else { b"" };
        Letter {
            fields: self.fields[..head].to_vec(),
            rest: [line, &self.fields[head..].concat(), &self.rest].concat(),
        }
    }

    /// Whether the signature with this `b=` covers all that is shown: each field once, and the whole body.
    pub fn is_covered_by(&self, b: &str) -> bool {
        let Some(at) = (0..self.fields.len()).find(|n| b_of(&self.fields[*n]).as_deref() == Some(b)) else {
            return false;
        };
        let tags = tags(&value(&self.fields[at]));
        let tag = |name: &str| tags.iter().find(|(known, _)| known == name).map(|(_, value)| squeezed(value));
        let listed = tag("h").unwrap_or_default().to_ascii_lowercase();
        let is_listed = |name: &str| listed.split(':').any(|listed| listed == name);
        let shown = SHOWN.iter().all(|name| match self.all(name).len() {
            0 => true,
            1 => is_listed(name),
            _ => false,
        });
        shown && tag("l").is_none()
    }

    pub fn bytes(&self) -> Vec<u8> {
        [self.fields.concat(), self.rest.clone()].concat()
    }

    /// Its header and body with other line ends.
    pub fn with_line_ends(&self, header: &str, body: &str) -> Vec<u8> {
        let as_lf = |text: &[u8]| String::from_utf8_lossy(text).replace("\r\n", "\n");
        let head = as_lf(&self.fields.concat()) + "\n";
        [head.replace('\n', header), as_lf(self.body()).replace('\n', body)].concat().into_bytes()
    }

    /// What ends its lines.
    pub fn line_end(&self) -> &'static str {
        if self.fields.first().is_some_and(|field| field.ends_with(b"\r\n")) { "\r\n" } else { "\n" }
    }

    pub fn body(&self) -> &[u8] {
        match &self.rest[..] {
            [b'\r', b'\n', body @ ..] | [b'\n', body @ ..] => body,
            other => other,
        }
    }

    pub fn set_body(&mut self, body: impl AsRef<[u8]>) {
        self.rest = [self.line_end().as_bytes(), body.as_ref()].concat();
    }

    /// Positions of the fields of a name, from the top.
    pub fn all(&self, wanted: &str) -> Vec<usize> {
        (0..self.fields.len()).filter(|n| name(&self.fields[*n]) == wanted.to_ascii_lowercase()).collect()
    }

    /// The field of this name as text, without its name and line end.
    pub fn value(&self, wanted: &str) -> Option<String> {
        self.all(wanted).first().map(|n| value(&self.fields[*n]))
    }

    /// A new field at a position; line ends are the mail's.
    pub fn insert(&mut self, at: usize, field: &str) {
        let end = self.line_end();
        self.fields.insert(at, format!("{}{end}", field.replace('\n', end)).into_bytes());
    }

    /// Replaces the field at a position.
    pub fn replace(&mut self, at: usize, field: &str) {
        self.insert(at, field);
        self.fields.remove(at + 1);
    }

    /// For each signature that is understood here: its `b=`, and everything that it covers.
    pub fn covered(&self) -> Vec<(String, Vec<u8>)> {
        (0..self.fields.len()).filter_map(|n| self.covered_by(n)).collect()
    }

    fn covered_by(&self, at: usize) -> Option<(String, Vec<u8>)> {
        let field = &self.fields[at];
        let tags = tags(&value(field));
        let tag = |name: &str| tags.iter().find(|(known, _)| known == name).map(|(_, value)| squeezed(value));
        let b = tag("b")?;
        let covered = match name(field).as_str() {
            "dkim-signature" | "arc-message-signature" => {
                let canon = tag("c").unwrap_or_default();
                let (header, body) = canon.split_once('/').unwrap_or((&canon, "simple"));
                let names = tag("h")?;
                let mut covered = self.chosen(&names, at, header == "relaxed");
                covered.extend(canonical_field(&without_b(field), header == "relaxed"));
                let body = canonical_body(self.body(), body == "relaxed");
                let length = tag("l").and_then(|l| l.parse().ok()).unwrap_or(body.len());
                covered.extend(body.get(..length)?);
                covered
            }
            "domainkey-signature" => {
                let names = tag("h").map(|h| h.to_ascii_lowercase());
                let is_chosen = |field: &&Vec<u8>| {
                    names.as_ref().is_none_or(|names| names.split(':').any(|n| n == name(field)))
                };
                // Signers took them in the order of the mail or of h=, so their order says nothing.
                let mut below: Vec<Vec<u8>> =
                    self.fields[at + 1..].iter().filter(is_chosen).map(|field| spaceless(field)).collect();
                below.sort();
                let mut covered = below.join(&b'\n');
                let lines = canonical_body(self.body(), false);
                covered.extend(
                    lines
                        .split(|byte| *byte == b'\n')
                        .flat_map(|line| [spaceless(line), vec![b'\n']])
                        .flatten(),
                );
                covered
            }
            "arc-seal" => {
                let instance: usize = tag("i")?.parse().ok()?;
                let mut covered = Vec::new();
                for set in 1..=instance {
                    for kind in ["arc-authentication-results", "arc-message-signature", "arc-seal"] {
                        let of_set = self
                            .all(kind)
                            .into_iter()
                            .find(|n| instance_of(&self.fields[*n]) == Some(set))?;
                        let field = if of_set == at {
                            without_b(&self.fields[at])
                        } else {
                            self.fields[of_set].clone()
                        };
                        covered.extend(canonical_field(&field, true));
                    }
                }
                covered
            }
            _ => return None,
        };
        Some((b, covered))
    }

    /// For each name in turn the lowest field that was not chosen yet (RFC 6376 section 5.4.2).
    fn chosen(&self, names: &str, except: usize, relaxed: bool) -> Vec<u8> {
        let mut left: Vec<usize> = (0..self.fields.len()).filter(|n| *n != except).collect();
        let mut chosen = Vec::new();
        for wanted in names.split(':').map(str::to_ascii_lowercase) {
            if let Some(at) = left.iter().rposition(|n| name(&self.fields[*n]) == wanted) {
                chosen.extend(canonical_field(&self.fields[left.remove(at)], relaxed));
            }
        }
        chosen
    }
}

/// The fields that a reader sees.
pub const SHOWN: [&str; 7] = ["from", "sender", "reply-to", "to", "cc", "date", "subject"];

/// A field's name in lower case, without spaces before the colon.
pub fn name(field: &[u8]) -> String {
    let name = field.split(|byte| *byte == b':').next().unwrap_or_default();
    String::from_utf8_lossy(name).trim_end().to_ascii_lowercase()
}

/// A field's value as it stands, without the final line end.
pub fn value(field: &[u8]) -> String {
    let at = field.iter().position(|byte| *byte == b':').map_or(field.len(), |at| at + 1);
    String::from_utf8_lossy(&field[at..]).trim_end_matches(['\r', '\n']).to_owned()
}

/// `b=` of a signature.
pub fn b_of(field: &[u8]) -> Option<String> {
    tags(&value(field)).iter().find(|(name, _)| name == "b").map(|(_, b)| squeezed(b))
}

fn tags(value: &str) -> Vec<(String, String)> {
    let pairs = value.split(';').filter_map(|tag| tag.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

fn squeezed(text: &str) -> String {
    text.split_ascii_whitespace().collect()
}

fn instance_of(field: &[u8]) -> Option<usize> {
    let value = value(field);
    value.trim_start().strip_prefix("i=")?.split(';').next()?.trim().parse().ok()
}

/// The field without the value of `b=` and its line end.
fn without_b(field: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(field).trim_end_matches(['\r', '\n']).to_owned();
    let mut parts: Vec<String> = text.split(';').map(str::to_owned).collect();
    for (n, part) in parts.iter_mut().enumerate() {
        let Some((before, _)) = part.split_once('=') else { continue };
        // The field's own name stands before the first tag.
        let tag = if n == 0 { before.rsplit(':').next().unwrap_or_default() } else { before };
        if tag.trim() == "b" {
            *part = format!("{before}=");
        }
    }
    parts.join(";").into_bytes()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Runs of spaces as one.
fn relaxed(line: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(line.len());
    for byte in line {
        match is_space(byte) {
            true if out.last() == Some(&b' ') => {}
            true => out.push(b' '),
            false => out.push(*byte),
        }
    }
    out
}

fn spaceless(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !is_space(byte) && !matches!(byte, b'\r' | b'\n')).collect()
}

/// RFC 6376 sections 3.4.1 and 3.4.2.
fn canonical_field(field: &[u8], is_relaxed: bool) -> Vec<u8> {
    let unfolded: Vec<&[u8]> = lines(field).collect();
    if !is_relaxed {
        return [unfolded.join(&b"\r\n"[..]), b"\r\n".to_vec()].concat();
    }
    let line = relaxed(&unfolded.concat());
    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    let (front, back) = line.split_at(colon);
    let front = front.trim_ascii_end().to_ascii_lowercase();
    [&front[..], b":", back.get(1..).unwrap_or_default().trim_ascii(), b"\r\n"].concat()
}

/// RFC 6376 sections 3.4.3 and 3.4.4.
fn canonical_body(body: &[u8], is_relaxed: bool) -> Vec<u8> {
    let line = |line: &[u8]| match is_relaxed {
        true => relaxed(line).trim_ascii_end().to_vec(),
        false => line.to_vec(),
    };
    let mut all: Vec<Vec<u8>> = lines(body).map(line).collect();
    while all.last().is_some_and(Vec::is_empty) {
        all.pop();
    }
    if all.is_empty() && !is_relaxed {
        all.push(Vec::new());
    }
    all.iter().flat_map(|line| [&line[..], b"\r\n"]).collect::<Vec<_>>().concat()
}

/// A signer with a key of its own.
pub struct Signer {
    key: Ed25519KeyPair,
    pub domain: &'static str,
    pub selector: &'static str,
}

impl Signer {
    pub fn new(domain: &'static str, selector: &'static str) -> Signer {
        let mut seed = [7; 32];
        seed.iter_mut().zip(domain.bytes().chain(selector.bytes())).for_each(|(seed, byte)| *seed = byte);
        Signer { key: Ed25519KeyPair::from_seed_unchecked(&seed).unwrap(), domain, selector }
    }

    /// The text of its record.
    pub fn record(&self) -> String {
        let key = base64(self.key.public_key().as_ref());
        format!("v=DKIM1; k=ed25519; p={}", key.trim_end())
    }

    /// A line of a keys file: an archive saw the key.
    pub fn line(&self) -> String {
        observed(self.domain, self.selector, &self.record())
    }

    /// A field that signs the mail, relaxed, with these tags between `c=` and `bh=`; to stand above it.
    /// `h=` is among them or is the default.
    pub fn sign_with(&self, mail: &Letter, more: &str) -> String {
        let body = canonical_body(mail.body(), true);
        let length = tags(more).iter().rev().find(|(name, _)| name == "l").and_then(|(_, l)| l.parse().ok());
        let signed = body.get(..length.unwrap_or(body.len())).unwrap_or(&body);
        let h = if more.contains("h=") {
            ""
        } else {
            "h=from:sender:reply-to:to:cc:subject:date:content-type:content-transfer-encoding; "
        };
        let field = format!(
            "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d={}; s={}; {h}{more}bh={}; b=",
            self.domain,
            self.selector,
            base64(digest(&SHA256, signed).as_ref()).trim_end(),
        );
        self.finish(mail, field)
    }

    /// As [`Signer::sign_with`], of a mail as most are signed.
    pub fn sign(&self, mail: &Letter) -> String {
        self.sign_with(mail, "")
    }

    /// Completes a field that ends in `b=` and says itself how it signs.
    pub fn finish(&self, mail: &Letter, field: String) -> String {
        let tags = tags(field.split_once(':').unwrap().1);
        let h = tags.iter().rev().find(|(name, _)| name == "h").map(|(_, h)| squeezed(h)).unwrap_or_default();
        let mut data = mail.chosen(&h, usize::MAX, true);
        let own = canonical_field(field.as_bytes(), true);
        data.extend(&own[..own.len() - 2]);
        self.put(field, &data)
    }

    /// A set of ARC fields on top of those that the mail has (RFC 8617), for a chain of any length.
    pub fn seal(&self, mail: &mut Letter, instance: usize, chain: &str) {
        let results = format!("ARC-Authentication-Results: i={instance}; {}; none", self.domain);
        let body = canonical_body(mail.body(), true);
        let message = format!(
            "ARC-Message-Signature: i={instance}; a=ed25519-sha256; c=relaxed/relaxed; d={}; s={}; h=from:to:subject:date; bh={}; b=",
            self.domain,
            self.selector,
            base64(digest(&SHA256, &body).as_ref()).trim_end(),
        );
        let message = self.finish(mail, message);
        let seal = format!(
            "ARC-Seal: i={instance}; a=ed25519-sha256; cv={chain}; d={}; s={}; b=",
            self.domain, self.selector
        );
        let mut data = Vec::new();
        // A chain has far fewer sets than an instance can claim.
        for set in 1..instance.min(100) {
            for kind in ["arc-authentication-results", "arc-message-signature", "arc-seal"] {
                let of_set =
                    mail.all(kind).into_iter().filter(|n| instance_of(&mail.fields[*n]) == Some(set));
                of_set.take(1).for_each(|n| data.extend(canonical_field(&mail.fields[n], true)));
            }
        }
        for field in [&results, &message] {
            data.extend(canonical_field(field.as_bytes(), true));
        }
        let own = canonical_field(seal.as_bytes(), true);
        data.extend(&own[..own.len() - 2]);
        for field in [results, message, self.put(seal, &data)] {
            mail.insert(0, &field);
        }
    }

    fn put(&self, field: String, data: &[u8]) -> String {
        let signature = self.key.sign(digest(&SHA256, data).as_ref());
        let text: String = squeezed(&base64(signature.as_ref()));
        field + &text
    }
}

/// A line of a keys file: an archive saw this record.
pub fn observed(domain: &str, selector: &str, record: &str) -> String {
    let line = serde_json::json!({
        "domain": domain, "selector": selector, "record": record, "channel": "archive",
        "first_seen": "2017-01-02", "last_seen": "2017-12-30", "witness": "an archive of DNS",
    });
    format!("{line}\n")
}
