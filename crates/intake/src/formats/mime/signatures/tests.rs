//! Signature fields in whole messages: the RFCs' own examples under their published keys, every dialect,
//! what is covered, and what is hostile.

use std::time::Instant;

use aws_lc_rs::{
    digest::{self, Digest as Hashed},
    signature::{self, ParsedPublicKey, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use tamis_model::tables::{Digest, Fact, Signature};

use super::canon::{Algorithm, BodyForm, tests::canonical};
use crate::{formats::mime::header::Eol, protocol::Reading, testing};

/// The signatures of a message with their digests, and what the reader said at the end.
pub(super) struct Facts {
    pub signatures: Vec<Signature>,
    pub digests: Vec<Digest>,
    pub defects: Vec<String>,
    pub outcome: String,
}

pub(super) fn facts(mail: &[u8]) -> Facts {
    let reading: Reading<Vec<u8>> = testing::read(mail, "", "message/rfc822");
    let mut facts = Facts {
        signatures: Vec::new(),
        digests: Vec::new(),
        defects: Vec::new(),
        outcome: reading.outcome.to_string(),
    };
    for fact in reading.facts {
        match fact {
            Fact::Signature(signature) => facts.signatures.push(*signature),
            Fact::Digest(digest) => facts.digests.push(digest),
            Fact::Defect(defect) => facts.defects.push(defect.kind),
            _ => {}
        }
    }
    facts
}

impl Facts {
    /// The digest as stored of one part of a signature.
    pub(super) fn stored(&self, ordinal: u32, part: &str) -> &Digest {
        let mut found = self.digests.iter().filter(|d| d.ordinal == ordinal && d.part == part);
        found.find(|digest| digest.repair.is_none()).unwrap()
    }
}

/// A field that is signed by nobody: what is tested is what is hashed.
pub(super) fn field(tags: &str) -> String {
    format!("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; {tags}\r\n")
}

fn sha256(text: &str) -> Vec<u8> {
    Algorithm::Sha256.of(text.as_bytes())
}

// ---- the RFCs' examples ----

const FOOTBALL: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
To: Suzie Q <suzie@shopping.example.net>\r\n\
Subject: Is dinner ready?\r\n\
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
\r\n\
Hi.\r\n\
\r\n\
We lost the game. Are you hungry yet?\r\n\
\r\n\
Joe.\r\n";

/// RFC 6376 §A.2, under the key of §C.
const RFC_6376: &str = "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n\
\x20     c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n\
\x20     h=Received : From : To : Subject : Date : Message-ID;\r\n\
\x20     bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n\
\x20     b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n\
\x20     4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n\
\x20     KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n\
\x20     4bmp/YzhwvcubU4=;\r\n\
Received: from client1.football.example.com  [192.0.2.1]\r\n\
\x20     by submitserver.example.com with SUBMISSION;\r\n\
\x20     Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n";
const RFC_6376_KEY: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

/// RFC 8463 §A.3: an Ed25519 and an RSA signature on the same message.
const RFC_8463: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n\
\x20d=football.example.com; i=@football.example.com;\r\n\
\x20q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n\
\x20subject : date : message-id : from : subject : date;\r\n\
\x20bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n\
\x20b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n\
\x20Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n\
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n\
\x20d=football.example.com; i=@football.example.com;\r\n\
\x20q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n\
\x20date : message-id : from : subject : date;\r\n\
\x20bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n\
\x20b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n\
\x20DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n\
\x20dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n";
const RFC_8463_ED25519: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const RFC_8463_RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

fn verifies_rsa(key: &str, signature: &[u8], digest: &[u8]) -> bool {
    let key = STANDARD.decode(key).unwrap();
    let algorithm = &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
    let key = ParsedPublicKey::new(algorithm, key).unwrap();
    let digest = Hashed::import_less_safe(digest, &digest::SHA256).unwrap();
    key.verify_digest_sig(&digest, signature).is_ok()
}

fn verifies_ed25519(key: &str, signature: &[u8], digest: &[u8]) -> bool {
    let key = STANDARD.decode(key).unwrap();
    UnparsedPublicKey::new(&signature::ED25519, key).verify(digest, signature).is_ok()
}

#[test]
fn examples_of_the_rfcs() {
    for eol in ["\r\n", "\n"] {
        let old = facts(format!("{RFC_6376}{FOOTBALL}").replace("\r\n", eol).as_bytes());
        let row = &old.signatures[0];
        assert_eq!(
            (row.domain.as_str(), row.selector.as_str(), &row.defects),
            ("example.com", "brisbane", &vec![])
        );
        assert_eq!(row.dialect, "rfc6376");
        assert_eq!(row.unsigned_visible, <[&str; 0]>::default());
        let body = old.stored(0, "body");
        assert_eq!(STANDARD.encode(&body.digest), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
        assert_eq!((body.holds, body.uncovered), (Some(true), 0));
        assert!(verifies_rsa(RFC_6376_KEY, &row.signature, &old.stored(0, "header").digest));

        let new = facts(format!("{RFC_8463}{FOOTBALL}").replace("\r\n", eol).as_bytes());
        let dialects: Vec<_> = new.signatures.iter().map(|row| row.dialect.as_str()).collect();
        assert_eq!(dialects, ["rfc8463", "rfc6376"]);
        assert_eq!(new.signatures[0].oversigned, ["from", "subject", "date"]);
        assert_eq!(new.signatures[0].author_domains, ["football.example.com"]);
        assert!((0..2).all(|ordinal| new.stored(ordinal, "body").holds == Some(true)));
        let header = |ordinal: u32| &new.stored(ordinal, "header").digest;
        assert!(verifies_ed25519(RFC_8463_ED25519, &new.signatures[0].signature, header(0)));
        assert!(verifies_rsa(RFC_8463_RSA, &new.signatures[1].signature, header(1)));
    }
}

#[test]
fn changed_examples_do_not_verify() {
    let mail = format!("{RFC_8463}{FOOTBALL}");
    for (from, to) in [
        ("Joe SixPack", "Joe Sixpack"),
        ("Is dinner", "Is  Dinner"),
        ("t=1528637909", "t=1528637908"),
        ("Subject: Is", "Subject: x\r\nSubject: Is"),
    ] {
        let changed = facts(mail.replace(from, to).as_bytes());
        let header = |ordinal: u32| &changed.stored(ordinal, "header").digest;
        assert!(!verifies_ed25519(RFC_8463_ED25519, &changed.signatures[0].signature, header(0)), "{to}");
        assert!(!verifies_rsa(RFC_8463_RSA, &changed.signatures[1].signature, header(1)), "{to}");
    }
    let changed = facts(mail.replace("We lost", "We won").as_bytes());
    assert_eq!(changed.stored(0, "body").holds, Some(false));
}

// ---- what is hashed ----

#[test]
fn fields_are_chosen_from_the_bottom() {
    let signature = field("c=relaxed/simple; h=A:b:a:a:dkim-signature:Missing; bh=AA==");
    let mail = format!("A: 1\r\n{signature}B: x\r\nA : 2\r\nDKIM-Signature: other\r\n\r\n");
    let facts = facts(mail.as_bytes());
    let own = "dkim-signature:v=1; a=rsa-sha256; d=x.example; s=s; b=; \
               c=relaxed/simple; h=A:b:a:a:dkim-signature:Missing; bh=AA==";
    let expect = format!("a:2\r\nb:x\r\na:1\r\ndkim-signature:other\r\n{own}");
    assert_eq!(facts.stored(0, "header").digest, sha256(&expect));
    assert_eq!(facts.signatures[0].oversigned, ["a", "missing"]);
    assert_eq!(facts.signatures[1].defects[0], "malformed");
}

#[test]
fn the_own_field_keeps_its_bytes() {
    for (stored, hashed) in [
        ("b=AAAA; bh=AA==", "b=; bh=AA=="),
        ("bh=AA==;\r\n b =\r\n\tAA AA\r\n ; x=1", "bh=AA==;\r\n b =; x=1"),
        ("bh=AA==; b=AAAA", "bh=AA==; b="),
        ("bh=AA==; b=AAAA \r\n  ", "bh=AA==; b="),
        ("bh=AA==; b=AAAA;\r\n ", "bh=AA==; b=;\r\n "),
        ("bh=AA==; b=AAAA; b=BBBB", "bh=AA==; b=; b=BBBB"),
    ] {
        let tags = "DKIM-SIGnature : v=1; a=rsa-sha256; d=x; s=s; h=from; ";
        for eol in ["\r\n", "\n"] {
            let mail = format!("From:  a@x\r\n{tags}{stored}\r\n\r\n").replace("\r\n", eol);
            let digest = facts(mail.as_bytes()).stored(0, "header").digest.clone();
            assert_eq!(digest, sha256(&format!("From:  a@x\r\n{tags}{hashed}")), "{stored:?}");
        }
    }
}

#[test]
fn one_digest_for_header_and_body() {
    let sha1 = |text: &str| Algorithm::Sha1.of(text.as_bytes());
    let below = "From: a@x.example\r\nTo: b@x.example\r\nTo: c@x.example\r\n\r\nHi \t you\r\n\r\n\r\n";
    let both = |own: &str| {
        let facts = facts(format!("{own}{below}").as_bytes());
        let row = facts.signatures[0].clone();
        let digests = facts.digests.into_iter().filter(|digest| digest.part == "both");
        (row, digests.map(|digest| (digest.repair, digest.digest)).collect::<Vec<_>>())
    };

    let own = "DKIM-Signature: a=rsa-sha1; d=x.example; s=s; c=relaxed/simple; h=To:From; b=";
    let (row, digests) = both(&format!("{own}AAAA\r\n"));
    assert_eq!(row.dialect, "draft-00");
    let expect = "to:c@x.example\r\nfrom:a@x.example\r\n\r\nHi \t you\r\n\r\ndkim-signature:a=rsa-sha1; \
                  d=x.example; s=s; c=relaxed/simple; h=To:From; b=";
    assert_eq!(digests, [(None, sha1(expect))]);

    let (row, digests) = both("DKIM-Signature: a=rsa-sha1;d=x.example;s=s;c=nowsp;h=From;b=AAAA\r\n");
    assert_eq!((row.dialect.as_str(), row.canon.as_str()), ("nowsp", "nowsp/nowsp"));
    let own = "dkim-signature:a=rsa-sha1;d=x.example;s=s;c=nowsp;h=From;b=";
    assert_eq!(digests, [(None, sha1(&format!("from:a@x.example\r\n\r\nHiyou\r\n{own}")))]);

    let keys = "DomainKey-Signature: a=rsa-sha1; q=dns; d=x.example; s=s; b=AAAA; ";
    let body = "\r\nHi \t you\r\n";
    let (row, digests) = both(&format!("From: above@x.example\r\n{keys}\r\n"));
    assert_eq!((row.dialect.as_str(), row.unsigned_visible), ("rfc4870", vec!["from".to_owned()]));
    let all = "From: a@x.example\r\nTo: b@x.example\r\nTo: c@x.example\r\n";
    assert_eq!(digests, [(None, sha1(&format!("{all}{body}")))]);

    let (row, digests) = both(&format!("{keys}c=nofws; h=To:from:subject\r\n"));
    assert_eq!(row.unsigned_visible, <[&str; 0]>::default());
    let mail_order = "From:a@x.example\r\nTo:b@x.example\r\nTo:c@x.example\r\n\r\nHiyou\r\n";
    let listed = "To:b@x.example\r\nTo:c@x.example\r\nFrom:a@x.example\r\n\r\nHiyou\r\n";
    assert_eq!(digests, [(None, sha1(mail_order)), (Some("header-order".to_owned()), sha1(listed))]);

    let (_, digests) = both(&format!("{keys}c=nofws; h=to:from:to\r\n"));
    let listed = "To:b@x.example\r\nFrom:a@x.example\r\nTo:c@x.example\r\n\r\nHiyou\r\n";
    assert_eq!(digests[1].1, sha1(listed));

    // What `l=` leaves out is told, and more than there is cannot be signed.
    for (length, uncovered) in [(9, Some(0)), (3, Some(6)), (0, Some(9)), (10, None)] {
        let own = "DKIM-Signature: a=rsa-sha1; d=x.example; s=s; c=relaxed/relaxed; h=From; b=AAAA; ";
        let facts = facts(format!("{own}l={length}\r\nFrom: a@x.example\r\n\r\nHi \t  you.\r\n").as_bytes());
        let both: Vec<_> = facts.digests.iter().filter(|digest| digest.part == "both").collect();
        assert_eq!(both.first().map(|digest| digest.uncovered), uncovered, "{length}");
        assert!(both.iter().all(|digest| Some(digest.uncovered) == uncovered), "{length}");
    }

    // A body of nothing adds nothing.
    let facts = facts(format!("{keys}\r\nFrom: a@x\r\n\r\n\r\n").as_bytes());
    assert_eq!(facts.stored(0, "both").digest, sha1("From: a@x\r\n"));
}

#[test]
fn the_senders_domain_counts_below_domainkeys_alone() {
    let keys = "DomainKey-Signature: a=rsa-sha1; d=x.example; s=s; b=AAAA\r\n";
    let from = "From: A <a@One.Example>, b@two.example, b2@two.example\r\nFrom: c@three.example.\r\n";
    for (mail, sender) in [
        (format!("{keys}{from}Sender: s@Four.Example\r\n\r\n"), Some("four.example")),
        (format!("Sender: s@four.example\r\n{keys}{from}\r\n"), None),
    ] {
        let row = facts(mail.as_bytes()).signatures[0].clone();
        assert_eq!(row.sender_domain.as_deref(), sender);
        assert_eq!(row.author_domains, ["one.example", "two.example", "three.example"]);
    }
}

#[test]
fn chains() {
    let set = |n: u32| {
        format!(
            "ARC-Seal: i={n}; a=rsa-sha256; d=x; s=s; cv=none; b=AA{n}A\r\n\
             ARC-Message-Signature: i={n}; a=rsa-sha256; d=x; s=s; h=from; bh=AA==; c=relaxed; b=AA{n}A\r\n\
             ARC-Authentication-Results: i={n}; x;  dkim=none\r\n"
        )
    };
    let shown = |n: u32, b: &str| {
        format!(
            "arc-authentication-results:i={n}; x; dkim=none\r\n\
             arc-message-signature:i={n}; a=rsa-sha256; d=x; s=s; h=from; bh=AA==; c=relaxed; b=AA{n}A\r\n\
             arc-seal:i={n}; a=rsa-sha256; d=x; s=s; cv=none; b={b}"
        )
    };
    let from = "From: a@x.example\r\n\r\n";
    let mail = facts(format!("{}{}{from}", set(2), set(1)).as_bytes());
    let kinds: Vec<_> = mail.signatures.iter().map(|row| (row.kind.as_str(), row.instance)).collect();
    let (seal, message) = ("arc-seal", "arc-message");
    assert_eq!(kinds, [(seal, Some(2)), (message, Some(2)), (seal, Some(1)), (message, Some(1))]);
    assert_eq!(mail.signatures[0].chain.as_deref(), Some("none"));
    assert_eq!(mail.stored(0, "header").digest, sha256(&format!("{}\r\n{}", shown(1, "AA1A"), shown(2, ""))));
    assert_eq!(mail.stored(2, "header").digest, sha256(&shown(1, "")));
    assert_eq!(mail.signatures[0].unsigned_visible, ["from"]);

    let without = |name: &str| {
        let lines = set(1);
        let lines = lines.split_inclusive("\r\n").filter(|line| !line.starts_with(name));
        format!("{}{}{from}", set(2), lines.collect::<String>())
    };
    for (mail, word) in [
        (without("ARC-Seal"), "chain-gap"),
        (without("ARC-Authentication-Results"), "chain-gap"),
        (format!("{}{}{}{from}", set(2), set(1), set(1)), "chain-doubled"),
        (format!("{}{}{from}", set(3), set(1)), "chain-gap"),
    ] {
        let facts = facts(mail.as_bytes());
        assert_eq!(facts.signatures[0].defects, ["malformed", word]);
        assert!(facts.digests.iter().all(|digest| digest.ordinal != 0 || digest.part != "header"));
    }
    let long: String = (1..=60).rev().map(set).collect();
    let facts = facts(format!("{long}{from}").as_bytes());
    assert_eq!(facts.signatures.len(), 120);
    assert_eq!(facts.signatures[0].defects, ["malformed", "instance"]);
}

#[test]
fn lengths() {
    let body = "Hello\r\nworld\r\n";
    for (l, hashed, holds, uncovered) in [
        ("", body, true, 0),
        ("l=14;", body, true, 0),
        ("l=7;", "Hello\r\n", true, 7),
        ("l=0;", "", true, 14),
        ("l=15;", body, false, 0),
        ("l=9223372036854775807;", body, false, 0),
    ] {
        let bh = STANDARD.encode(sha256(hashed));
        let mail = format!("{}From: a@x\r\n\r\n{body}", field(&format!("{l} h=from; bh={bh}")));
        let facts = facts(mail.as_bytes());
        let row = facts.stored(0, "body");
        assert_eq!((row.holds, row.uncovered), (Some(holds), uncovered), "{l}");
    }
}

#[test]
fn what_is_not_signed() {
    let rest = "From: a@x.example\r\nTo: b@x\r\nTo: c@x\r\nSubject: s\r\n\r\n";
    for (h, unsigned) in [
        ("from:to:to:subject", &[][..]),
        ("From:TO:to:Subject:cc", &[]),
        ("from:to:subject", &["to"]),
        ("to:to:to", &["from", "subject"]),
    ] {
        let facts = facts(format!("{}{rest}", field(&format!("h={h}; bh=AA=="))).as_bytes());
        assert_eq!(facts.signatures[0].unsigned_visible, unsigned, "{h}");
        assert_eq!(facts.signatures[0].doubled_visible, ["to"]);
    }
}

// ---- the rules of line breaks and pieces ----

#[test]
fn line_endings_and_sizes_change_nothing() {
    let bodies = [
        String::new(),
        "\r\n".repeat(70_000),
        "a  b\t\r\n c\r\n".repeat(20_000),
        "x".repeat(200_000),
        format!("{} \r\n\r\n", "word ".repeat(40_000)),
    ];
    for canon in ["simple/simple", "relaxed/relaxed", "simple/nowsp"] {
        for body in &bodies {
            let fields = field(&format!("c={canon}; h=from:subject; bh=AA=="));
            let mail = format!("{fields}From: a@x\r\nSubject: a\r\n  b\r\n\r\n{body}");
            let digests = |mail: &str| {
                let facts = facts(mail.as_bytes());
                ["header", "body"].map(|part| facts.stored(0, part).digest.clone())
            };
            assert_eq!(digests(&mail), digests(&mail.replace("\r\n", "\n")), "{canon} {:.20}", body);
        }
    }
}

/// The canonical forms as the standards tell them, over a body that is held whole and has CRLF.
fn told(form: BodyForm, body: &str) -> String {
    let squeezed = |line: &str, inner: &str| {
        let words: Vec<&str> = line.split([' ', '\t']).collect();
        let mut text = String::new();
        for (i, word) in words.iter().enumerate() {
            let is_gap = i > 0 && (!word.is_empty() || i + 1 == words.len()) && !text.ends_with(inner);
            text.push_str(if is_gap || (i > 0 && text.is_empty() && !word.is_empty()) { inner } else { "" });
            text.push_str(word);
        }
        text
    };
    let lines = body.split("\r\n").map(|line| match form {
        BodyForm::Simple | BodyForm::Plain => line.to_owned(),
        BodyForm::Relaxed => squeezed(line, " ").trim_end_matches(' ').to_owned(),
        BodyForm::Nofws => line.replace([' ', '\t'], ""),
        BodyForm::Nowsp => line.replace([' ', '\t', '\r'], ""),
    });
    let joined = lines.collect::<Vec<_>>().join("\r\n");
    let mut text = joined.as_str();
    while let Some(before) = text.strip_suffix("\r\n") {
        text = before;
    }
    match form {
        BodyForm::Nowsp => text.replace("\r\n", ""),
        BodyForm::Simple => format!("{text}\r\n"),
        _ if text.is_empty() => String::new(),
        _ => format!("{text}\r\n"),
    }
}

#[test]
fn any_body_in_any_pieces_has_one_canonical_form() {
    const ALPHABET: [&str; 8] = [" ", "\t", "\r\n", "\r\n", "a", "b c", "  ", "."];
    const FORMS: [BodyForm; 5] =
        [BodyForm::Simple, BodyForm::Relaxed, BodyForm::Nowsp, BodyForm::Plain, BodyForm::Nofws];
    let mut numbers = Numbers(1);
    for round in 0..3000 {
        let len = numbers.below(30);
        let body: String = (0..len).map(|_| ALPHABET[numbers.below(ALPHABET.len())]).collect();
        let step = 1 + numbers.below(9);
        for form in FORMS {
            let expect = told(form, &body);
            for stored in [body.clone(), body.replace("\r\n", "\n")] {
                let got = canonical(form, stored.as_bytes(), Eol::Lf, step);
                assert_eq!(String::from_utf8(got).unwrap(), expect, "{form:?} {stored:?} {round}");
            }
        }
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// What a relaxed signature covers, with what that form does not see taken out.
fn essence(mail: &[u8]) -> String {
    let text = String::from_utf8_lossy(mail).replace('\r', "");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let head: String = head.to_lowercase().split_whitespace().collect();
    format!("{head}|{}", told(BodyForm::Relaxed, &body.replace('\n', "\r\n")))
}

#[test]
fn a_changed_byte_never_verifies() {
    let mail = format!("{RFC_8463}{FOOTBALL}").into_bytes();
    let signed = memchr::memmem::find(&mail, b"From: Joe").unwrap();
    let mut numbers = Numbers(7);
    let mut changed = 0;
    while changed < 1000 {
        let mut mutant = mail.clone();
        let at = signed + numbers.below(mutant.len() - signed);
        match numbers.below(4) {
            0 => mutant[at] ^= 1 << numbers.below(7),
            1 => drop(mutant.remove(at)),
            2 => mutant.insert(at, 32 + numbers.below(95) as u8),
            _ => mutant.swap(at, signed + numbers.below(mail.len() - signed)),
        }
        if essence(&mutant) == essence(&mail) {
            continue;
        }
        changed += 1;
        let facts = facts(&mutant);
        if facts.signatures.len() < 2 {
            continue;
        }
        let holds = |ordinal: u32| facts.stored(ordinal, "body").holds == Some(true);
        let header = |ordinal: u32| &facts.stored(ordinal, "header").digest;
        let is_verified = (holds(0)
            && verifies_ed25519(RFC_8463_ED25519, &facts.signatures[0].signature, header(0)))
            || (holds(1) && verifies_rsa(RFC_8463_RSA, &facts.signatures[1].signature, header(1)));
        assert!(!is_verified, "{}", String::from_utf8_lossy(&mutant));
    }
}

// ---- hostile ----

#[test]
fn hostile_messages_are_bounded() {
    let from = "From: a@x.example\r\n\r\nbody\r\n";
    let good = field("h=from; bh=AA==");
    let names = field(&format!("bh=AA==; h={}", "from:".repeat(10_000)));
    let long = field(&format!("h=from; bh=AA==; b={}", "A".repeat(1 << 20)));
    let doubled = format!("DKIM-Signature: b={}; {}", "A".repeat(1 << 20), &good[16..]);
    let lengths: String = (0..200).map(|n| field(&format!("h=from; bh=AA==; l={n}"))).collect();
    let many_from = "From: a@x.example\r\n".repeat(9_000);
    let mut signs_all = String::new();
    for _ in 0..100 {
        signs_all.push_str(&field(&format!("bh=AA==; h={}", "from:".repeat(900))));
    }
    let addresses =
        "From: ".to_owned() + &(0..20_000).map(|n| format!("a@x{n}.example,")).collect::<String>();
    type Check = fn(&Facts);
    let cases: [(&str, String, Check); 10] = [
        ("signatures", format!("{}{from}", good.repeat(9_900)), |facts| {
            assert_eq!(facts.signatures.len(), 1000);
            assert!(facts.defects.iter().any(|kind| kind == "many-signatures"));
            let judged = facts.signatures.iter().filter(|row| row.defects.is_empty()).count();
            assert_eq!(judged, 64);
            assert_eq!(facts.signatures[64].defects, ["malformed", "not-judged"]);
            assert!(facts.digests.iter().all(|digest| digest.ordinal < 64));
        }),
        ("too many fields", format!("{}{from}", good.repeat(10_001)), |facts| {
            assert!(facts.digests.is_empty());
            assert!(facts.signatures.iter().all(|row| !row.one_reading));
        }),
        ("names", format!("{names}{from}"), |facts| {
            assert_eq!(facts.signatures[0].defects, ["malformed", "many-names"]);
        }),
        ("long b=", format!("{long}{from}"), |facts| {
            assert_eq!(facts.signatures[0].defects[0], "duplicate-tag".to_owned());
        }),
        ("long first b=", format!("{doubled}{from}"), |facts| {
            assert_eq!(facts.signatures[0].defects[0], "malformed");
            assert!(facts.signatures[0].defects.contains(&"long-signature".to_owned()));
        }),
        ("lengths", format!("{lengths}{from}"), |facts| {
            assert_eq!(facts.digests.iter().filter(|digest| digest.part == "body").count(), 64);
        }),
        ("one field, many times", format!("{signs_all}{many_from}\r\n"), |facts| {
            assert!(facts.signatures[0].unsigned_visible == ["from"]);
        }),
        ("authors", format!("{good}{addresses}\r\n\r\n"), |facts| {
            assert_eq!(facts.signatures[0].author_domains.len(), 100);
            assert!(facts.signatures[0].defects.contains(&"many-authors".to_owned()));
        }),
        ("no body", format!("{good}From: a@x"), |facts| {
            assert_eq!(facts.stored(0, "body").holds, Some(false));
        }),
        ("breaks", format!("{good}{from}{}x", "\n".repeat(8 << 20)), |facts| {
            assert_eq!(facts.outcome, "parsed");
        }),
    ];
    for (what, mail, check) in cases {
        let started = Instant::now();
        check(&facts(mail.as_bytes()));
        assert!(started.elapsed().as_secs() < 20, "{what} took {:?}", started.elapsed());
    }
}

#[test]
fn mail_without_signatures_says_nothing_of_them() {
    let facts = facts(FOOTBALL.as_bytes());
    assert!(facts.signatures.is_empty() && facts.digests.is_empty());
}
