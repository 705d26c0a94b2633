//! p8: signatures judged from facts, and what it costs to make these facts.
//!
//! The mails are made here and signed with a key that lives no longer than the run, so that all of them
//! verify: the whole way of a mail is gone, from its header to the judgement, and every answer is looked at.

use std::{fs, hint::black_box, path::Path};

use aws_lc_rs::{
    digest::{self, Digest as Hashed},
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tamis_evidence::{
    keys::{
        PublicKey,
        observations::KeyBook,
        rsa::{HashKind, RsaKey},
    },
    mail::{Context, MessageFacts, SignatureResult, judge},
};
use tamis_intake::{
    job::read_unit,
    out::Stop,
    protocol::{self, Machine, Spool, Task, Thing, Unit as Asked},
    reader::Hint,
};
use tamis_model::{
    Blob,
    keys::{Channel, KeyObservation, ObservedKey},
    tables::{Fact, Time},
};

use super::{
    clock,
    figure::{Figure, Unit},
    lab::Lab,
    scripts::VERIFIERS,
};
use crate::{
    failure::Failure,
    screen::{bytes, count},
};

/// Mails.
const MAILS: usize = 1000;
/// Bytes of a mail's body, about.
const BODY: usize = 3900;
/// The same of the large ones, of which only the reading is measured: what a byte costs and not what a mail.
const LARGE: (usize, usize) = (50, 100_000);
/// 1 March 2024, 10 o'clock: the Date of all of them, microseconds.
const DATE: Time = Time(1_709_287_200_000_000);
/// The signature's field, and what stands there where the same mail is to be read without one.
const FIELD: (&str, &str) = ("DKIM-Signature", "XKIM-Signature");
/// Fields that are signed.
const SIGNED: [&str; 8] =
    ["From", "To", "Cc", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"];
const DOMAIN: &str = "bench.example";
const SELECTOR: &str = "p8";

/// Rows a second, megabytes a second, and the floor of both; peers on the same mails.
pub fn p8(lab: &mut Lab) -> Result<Vec<Figure>, Failure> {
    lab.say("signing the mails of p8");
    let set_of =
        |mails, body| Set::new(mails, body).ok_or_else(|| wrong("the library made no key or no signature"));
    let (set, large) = (set_of(MAILS, BODY)?, set_of(LARGE.0, LARGE.1)?);
    let facts = set.facts(&set.signed)?;
    let context = set.context();
    let rows: Vec<Row<'_>> = facts.iter().filter_map(Row::of).collect();
    let key = PublicKey::from_spki(&set.spki).map_err(|_| wrong("the key is not read"))?;
    let PublicKey::Rsa { modulus, exponent } = &key else { return Err(wrong("the key is not RSA")) };
    let key = RsaKey::new(modulus, exponent).map_err(|error| wrong(&error.to_string()))?;
    let library = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &set.spki)
        .map_err(|error| wrong(&error.to_string()))?;
    let verified = |facts: &MessageFacts| {
        let judgement = judge(facts, &context);
        judgement.verdicts.iter().any(|verdict| verdict.result == SignatureResult::Verified)
    };
    if rows.len() != MAILS || !facts.iter().all(verified) {
        return Err(wrong("not each of them verifies"));
    }

    lab.say("judging, verifying, reading and hashing them");
    let of = MAILS as f64;
    let [judging, bare, floor] = clock::seconds([
        &mut || facts.iter().for_each(|facts| drop(black_box(judge(facts, &context)))),
        &mut || {
            for row in &rows {
                black_box(key.verifies(HashKind::Sha256, row.digest, row.signature));
            }
        },
        &mut || {
            for row in &rows {
                let digest = Hashed::import_less_safe(row.digest, &digest::SHA256);
                black_box(
                    digest.is_ok_and(|digest| library.verify_digest_sig(&digest, row.signature).is_ok()),
                );
            }
        },
    ]);
    let Reading { signed, plain, hashing } = Reading::of(&set);
    let canon = (signed - plain).max(1e-9);
    let of_large = Reading::of(&large);

    let on = format!(
        "{} mails of {}, relaxed/relaxed, one signature each, RSA of 2048 bits",
        count(MAILS as u64),
        bytes((set.octets() / MAILS) as u64)
    );
    let command =
        format!("in this process: one thread, processor time, the middle of {} rounds", clock::ROUNDS);
    let figure = |who, unit, value, what: &str| Figure::new(who, unit, value, what, &command).on(&on);
    let micros = |seconds: f64| seconds * 1e6 / of;
    let judged = of / judging;
    let megabytes = set.octets() as f64 / 1e6;
    let large_rate = large.octets() as f64 / 1e6 / (of_large.signed - of_large.plain).max(1e-9);
    let all = of / (canon + judging);
    let parts = format!(
        "canonicalised and hashed: reading takes {:.1} µs a mail, {:.1} without its signature",
        micros(signed),
        micros(plain)
    );
    let of_large = format!("the same of mails of {}", bytes((large.octets() / LARGE.0) as u64));
    let mut figures = vec![
        figure("tamis", Unit::PerSecond, judged, "judged from facts: state, verdicts, findings"),
        figure("tamis", Unit::PerSecond, of / bare, "the RSA judgement alone"),
        figure("floor", Unit::PerSecond, of / floor, "aws-lc-rs on the same digests").over(judged),
        figure("tamis", Unit::MegabytesPerSecond, megabytes / canon, &parts),
        figure("tamis", Unit::MegabytesPerSecond, large_rate, &of_large),
        figure("floor", Unit::MegabytesPerSecond, megabytes / hashing, "SHA-256 of the same bytes once")
            .over(megabytes / canon),
        figure("tamis", Unit::PerSecond, all, "canonicalised, hashed and judged"),
    ];
    let folder = lab.path("MAILS");
    set.write(&folder)?;
    for script in VERIFIERS {
        let Some((_, printed)) = script.run(lab, &folder)? else { continue };
        let numbers: Vec<f64> = printed.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [good, seconds] = *numbers.as_slice() else { continue };
        let what = format!("verified from mails in memory: {good} of {}", count(MAILS as u64));
        let rate = of / seconds.max(1e-9);
        let figure =
            Figure::new(script.name, Unit::PerSecond, rate, what, &script.command("MAILS")).over(all).on(&on);
        figures.push(figure);
    }
    lab.remove(&folder);
    Ok(figures)
}

/// Seconds that reading some mails takes.
struct Reading {
    signed: f64,
    /// Of the same without their signatures.
    plain: f64,
    /// Their bytes hashed once.
    hashing: f64,
}

impl Reading {
    fn of(set: &Set) -> Reading {
        let (mut signed, mut plain) = (reading(&set.signed), reading(&set.plain));
        let mut hash = || {
            for mail in &set.signed {
                black_box(digest::digest(&digest::SHA256, mail));
            }
        };
        let [signed, plain, hashing] = clock::seconds([&mut signed, &mut plain, &mut hash]);
        Reading { signed, plain, hashing }
    }
}

fn wrong(because: &str) -> Failure {
    Failure::unusable(
        "the mails of p8 cannot be used",
        because,
        "this is a bug: run `cargo test -p tamis --bin tamis signing`",
    )
}

/// Mails and their key.
struct Set {
    signed: Vec<Vec<u8>>,
    /// The same mails, of which a reader knows no signature: not a byte more or less.
    plain: Vec<Vec<u8>>,
    spki: Vec<u8>,
}

impl Set {
    /// `None` where the library fails.
    fn new(mails: usize, body: usize) -> Option<Set> {
        let (key, random) = (KeyPair::generate(KeySize::Rsa2048).ok()?, SystemRandom::new());
        let sign = |header: &[u8]| {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &random, header, &mut signature).ok()?;
            Some(signature)
        };
        let signed: Vec<Vec<u8>> =
            (0..mails).map(|number| letter(number, body, &sign)).collect::<Option<_>>()?;
        let plain = signed.iter().map(|mail| unsigned(mail)).collect();
        let spki: PublicKeyX509Der<'_> = key.public_key().as_der().ok()?;
        Some(Set { signed, plain, spki: spki.as_ref().to_vec() })
    }

    fn octets(&self) -> usize {
        self.signed.iter().map(Vec::len).sum()
    }

    /// The facts of mails, as the parent takes them from a worker.
    fn facts(&self, mails: &[Vec<u8>]) -> Result<Vec<MessageFacts>, Failure> {
        let (asked, whole) = unit(mails);
        let mut machine = Machine::new(&asked.things, NoChildren);
        let read = read_unit(&asked, &whole.as_slice(), &mut |kind, payload| {
            machine.frame(kind as u8, payload).map_err(|_| Stop::Closed)
        });
        read.map_err(|_| wrong("the reader broke its protocol"))?;
        let readings = machine.finish();
        let facts: Vec<MessageFacts> = mails.iter().zip(readings).filter_map(facts).collect();
        if facts.len() == mails.len() { Ok(facts) } else { Err(wrong("a mail was not read as one")) }
    }

    fn record(&self) -> String {
        format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(&self.spki))
    }

    /// A case that knows the key and nothing else.
    fn context(&self) -> Context {
        let observation = KeyObservation {
            domain: DOMAIN.to_owned(),
            selector: SELECTOR.to_owned(),
            key: ObservedKey::Record(self.record()),
            channel: Channel::Dns,
            first_seen: Some(DATE),
            last_seen: Some(DATE),
            witness: Some("tamis bench".to_owned()),
            note: None,
        };
        Context::new(KeyBook::new(vec![observation], Vec::new()), DATE)
    }

    fn write(&self, folder: &Path) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("record"), self.record())?;
        let mut mails = self.signed.iter().enumerate();
        mails.try_for_each(|(number, mail)| fs::write(folder.join(format!("{number:04}.eml")), mail))
    }
}

/// What the RSA judgement takes of a row.
struct Row<'f> {
    digest: &'f [u8],
    signature: &'f [u8],
}

impl Row<'_> {
    fn of(facts: &MessageFacts) -> Option<Row<'_>> {
        let header = facts.digests.iter().find(|row| row.part == "header" && row.repair.is_none())?;
        Some(Row { digest: &header.digest, signature: &facts.signatures.first()?.signature })
    }
}

/// Mails in one descriptor, and what is asked of the reader.
fn unit(mails: &[Vec<u8>]) -> (Asked, Vec<u8>) {
    let mut at = 0;
    let things = mails.iter().map(|mail| {
        let len = mail.len() as u64;
        at += len;
        Thing { at: at - len, len, hint: Hint::new(b"bench.eml", "message/rfc822"), task: Task::Read }
    });
    (Asked { things: things.collect(), only_mail: true }, mails.concat())
}

/// Reads the mails once, as a worker does; what it says goes nowhere.
fn reading(mails: &[Vec<u8>]) -> impl FnMut() + use<> {
    let (asked, whole) = unit(mails);
    move || {
        let _ = read_unit(&asked, &whole.as_slice(), &mut |_, payload| {
            black_box(payload);
            Ok(())
        });
    }
}

fn facts((mail, reading): (&Vec<u8>, protocol::Reading<()>)) -> Option<MessageFacts> {
    let message = reading.facts.iter().find_map(|fact| match fact {
        Fact::Message(message) => Some((**message).clone()),
        _ => None,
    });
    let mut facts = MessageFacts {
        blob: Blob::of(mail),
        message: message?,
        signatures: Vec::new(),
        digests: Vec::new(),
        part_signatures: Vec::new(),
        places: Vec::new(),
        first_seen: None,
    };
    for fact in reading.facts {
        match fact {
            Fact::Signature(row) => facts.signatures.push(*row),
            Fact::Digest(row) => facts.digests.push(row),
            Fact::PartSignature(row) => facts.part_signatures.push(*row),
            _ => {}
        }
    }
    Some(facts)
}

/// These mails hold no decoded children.
struct NoChildren;

impl Spool for NoChildren {
    type Body = ();
    fn write(&mut self, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
    fn finish(&mut self) -> std::io::Result<()> {
        Ok(())
    }
    fn discard(&mut self) {}
}

/// The mail of a number, signed. Header and body are written so that their relaxed form (RFC 6376 sections
/// 3.4.2 and 3.4.4) is plain: one blank between words, none at the end of a line.
fn letter(number: usize, body: usize, sign: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let names = SIGNED.join(":");
    let body = text(number, body);
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, &body));
    let fields = [
        (
            "Received",
            format!(
                "from mail.{DOMAIN} by mx.desk.example with ESMTPS id {number:012x}; Fri, 1 Mar 2024 10:00:03 +0000"
            ),
        ),
        (
            "Received",
            format!(
                "from client.{DOMAIN} by mail.{DOMAIN} with ESMTPSA id {number:016x}; Fri, 1 Mar 2024 10:00:01 +0000"
            ),
        ),
        ("From", format!("A Person <person@{DOMAIN}>")),
        ("To", "Another Person <another@desk.example>".to_owned()),
        ("Cc", "A Third Person <third@desk.example>".to_owned()),
        ("Subject", format!("The budget of the {number}th meeting")),
        ("Date", "Fri, 1 Mar 2024 10:00:00 +0000".to_owned()),
        ("Message-ID", format!("<{number:016x}@{DOMAIN}>")),
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", "text/plain; charset=us-ascii".to_owned()),
    ];
    let tags =
        format!("v=1; a=rsa-sha256; c=relaxed/relaxed; d={DOMAIN}; s={SELECTOR}; h={names}; bh={hash}; b=");
    let mut canonical: String = SIGNED
        .iter()
        .filter_map(|signed| fields.iter().find(|(name, _)| name == signed))
        .map(|(name, value)| format!("{}:{value}\r\n", name.to_ascii_lowercase()))
        .collect();
    canonical += &format!("{}:{tags}", FIELD.0.to_ascii_lowercase());
    let signature = STANDARD.encode(sign(canonical.as_bytes())?);
    // Folded as signers do; relaxed, each fold is the blank again.
    let mut mail = format!("{}: {}{signature}\r\n", FIELD.0, tags.replace("; ", ";\r\n\t"));
    fields.iter().for_each(|(name, value)| mail += &format!("{name}: {value}\r\n"));
    mail += "\r\n";
    Some([mail.as_bytes(), &body].concat())
}

/// Lines of words, others for each number: Weyl's sequence.
fn text(number: usize, octets: usize) -> Vec<u8> {
    let (mut text, mut line) = (String::new(), 0);
    let mut n = (number as u64 + 1).wrapping_mul(0x2545_F491_4F6C_DD1D);
    while text.len() < octets {
        n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
        text += &format!("{}{:x}", if text.len() == line { "" } else { " " }, (n >> 40) % 1_000_003);
        if text.len() - line > 66 {
            text += "\r\n";
            line = text.len();
        }
    }
    // An empty line at the end would not be signed.
    let end = if text.ends_with('\n') { "" } else { "\r\n" };
    (text + end).into_bytes()
}

/// The mail with the name of its signature's field changed.
fn unsigned(mail: &[u8]) -> Vec<u8> {
    let rest = mail.get(FIELD.0.len()..).unwrap_or_default();
    [FIELD.1.as_bytes(), rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_signed_as_the_reader_and_the_rules_expect() {
        let set = Set::new(50, BODY).unwrap();
        let context = set.context();
        for (mails, results) in [(&set.signed, vec![SignatureResult::Verified]), (&set.plain, Vec::new())] {
            let facts = set.facts(mails).unwrap();
            for facts in &facts {
                let verdicts = judge(facts, &context).verdicts;
                assert_eq!(verdicts.iter().map(|verdict| verdict.result).collect::<Vec<_>>(), results);
            }
        }
        assert!(set.signed.iter().zip(&set.plain).all(|(one, other)| one.len() == other.len()));
        // No repair stands beside what is as it was: a row has one judgement to make.
        let facts = set.facts(&set.signed).unwrap();
        assert!(facts.iter().all(|facts| Row::of(facts).is_some() && facts.digests.len() == 2), "{facts:?}");
        let broken: Vec<Vec<u8>> =
            set.signed[..1].iter().map(|mail| [mail.as_slice(), b"x\r\n"].concat()).collect();
        let facts = set.facts(&broken).unwrap();
        assert_ne!(judge(&facts[0], &context).verdicts[0].result, SignatureResult::Verified);
    }

    #[test]
    fn texts_are_their_own_canonical_form() {
        for number in 0..200 {
            let text = String::from_utf8(text(number, BODY)).unwrap();
            assert!(text.ends_with("\r\n") && text.len() >= BODY && text.len() < BODY + 100, "{number}");
            let plain = |line: &str| !line.is_empty() && line.trim() == line && !line.contains("  ");
            assert!(text.strip_suffix("\r\n").unwrap().split("\r\n").all(plain), "{number}: {text}");
        }
    }
}
