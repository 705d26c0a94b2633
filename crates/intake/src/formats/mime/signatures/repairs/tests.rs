//! Every repair on a message that was damaged in that way, and the look-alike on which it must not fire.
//! The messages are signed by nobody: that the header reading is the one that was signed is told by its
//! digest, which is that of the message before the damage.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::super::{
    canon::{Algorithm, BodyForm, tests::canonical},
    tests::{Facts, facts},
};
use crate::{formats::mime::header::Eol, source::Source};

const LIST: &str = "List-Id: <l.x.example>\r\n";

/// A message whose body hash is right.
fn signed(h: &str, canon: &str, fields: &str, body: &str) -> String {
    let form = match canon.rsplit_once('/').unwrap().1 {
        "simple" => BodyForm::Simple,
        _ => BodyForm::Relaxed,
    };
    let bh = STANDARD.encode(Algorithm::Sha256.of(&canonical(form, body.as_bytes(), Eol::Lf, 4096)));
    format!(
        "DKIM-Signature: v=1; a=rsa-sha256; c={canon}; d=x.example; s=s;\r\n h={h};\r\n bh={bh}; b=AAAA\r\n\
         {fields}\r\n{body}"
    )
}

/// The repair of the body that holds.
fn body_repair(facts: &Facts) -> Option<&str> {
    let mut holds = facts.digests.iter().filter(|digest| digest.part == "body" && digest.holds == Some(true));
    let found = holds.next()?;
    assert!(holds.next().is_none());
    assert!(found.undone.as_ref().is_none_or(|undone| !undone.is_empty() && undone.len() <= 1024));
    Some(found.repair.as_deref().unwrap_or("stored"))
}

/// The repair of the header that gives the digest of the original.
fn header_repair<'f>(facts: &'f Facts, original: &Facts) -> Option<&'f str> {
    let wanted = &original.stored(0, "header").digest;
    let found = facts.digests.iter().find(|d| d.part == "header" && d.ordinal == 0 && d.digest == *wanted)?;
    Some(found.repair.as_deref().unwrap_or("stored"))
}

/// Damages a message and says what brings body and header back.
fn repaired(mail: &str, damaged: &str) -> (Option<String>, Option<String>) {
    let (original, after) = (facts(mail.as_bytes()), facts(damaged.as_bytes()));
    assert_eq!(body_repair(&original), Some("stored"), "{mail}");
    let tries = after.digests.iter().filter(|digest| digest.ordinal == 0).count();
    assert!(tries <= super::TRIES);
    // Stored with LF, the same is found.
    let unix = facts(damaged.replace("\r\n", "\n").as_bytes());
    assert_eq!(body_repair(&unix), body_repair(&after));
    let found = (body_repair(&after), header_repair(&after, &original));
    (found.0.map(str::to_owned), found.1.map(str::to_owned))
}

const FROM: &str = "From: Ann <a@x.example>\r\nSubject: Re: plans\r\n";
const TEXT: &str = "Dear all,\r\n\r\nthe plan is \u{e9}crit.\r\n";
const ASCII: &str = "Dear all,\r\n\r\nthe plan is written, see https://www.x.example/a?b=c now.\r\n";
const QUOTED: &str = "Content-Transfer-Encoding: quoted-printable\r\n";
const H: &str = "from:subject:content-type:content-transfer-encoding:reply-to";

#[test]
fn bodies() {
    let line = "_".repeat(47);
    let long = "y".repeat(900);
    let plain = |body: &str| signed(H, "relaxed/simple", FROM, body);
    type Case<'a> = (&'a str, String, Box<dyn Fn(&str) -> String>, Option<&'a str>);
    let append =
        |tail: String| Box::new(move |mail: &str| format!("{mail}{tail}")) as Box<dyn Fn(&str) -> String>;
    let replace = |from: &str, to: &str| {
        let (from, to) = (from.to_owned(), to.to_owned());
        Box::new(move |mail: &str| {
            assert!(mail.contains(&from), "{from}");
            mail.replace(&from, &to)
        }) as Box<dyn Fn(&str) -> String>
    };
    let cases: Vec<Case> = vec![
        ("as it stands", plain(ASCII), append("\r\n\r\n".into()), Some("stored")),
        (
            "Mailman's footer",
            plain(ASCII),
            append(format!("{line}\r\nl mailing list\r\n")),
            Some("text-footer"),
        ),
        (
            "Google's footer",
            plain(ASCII),
            append("\r\n-- \r\nYou received this message\r\n".into()),
            Some("text-footer"),
        ),
        (
            "Google's footer in quoted-printable",
            signed(H, "relaxed/simple", &format!("{FROM}{QUOTED}"), "caf=C3=A9\r\n"),
            append("\r\n--=20\r\nYou received this=\r\n message\r\n".into()),
            Some("text-footer"),
        ),
        ("a footer and a sentence", plain(ASCII), append(format!("P.S. no\r\n{line}\r\nlist\r\n")), None),
        ("a last paragraph", plain(ASCII), append("\r\nSent from a list.\r\n".into()), Some("text-footer")),
        ("a sentence", plain(ASCII), append("I did not write this.\r\n".into()), None),
        ("a changed word", plain(ASCII), replace("written", "burnt"), None),
        (
            ">From",
            plain("x\r\nFrom here\r\n"),
            replace("\r\nFrom here", "\r\n>From here"),
            Some("from-unquoted"),
        ),
        (
            ">From once",
            plain("x\r\nFrom a\r\n>From b\r\n"),
            replace("\r\nFrom a\r\n>From b", "\r\n>From a\r\n>>From b"),
            Some("from-unquoted-once"),
        ),
        (
            "one >From",
            plain("x\r\nFrom a\r\n>From b\r\n"),
            replace("\r\nFrom a", "\r\n>From a"),
            Some("from-unquoted-line"),
        ),
        ("another quote", plain("x\r\nFrom here\r\n"), replace("\r\nFrom here", "\r\n> From here"), None),
        ("dots taken away", plain("x\r\n..y\r\n"), replace("..y", ".y"), Some("dots-stuffed")),
        ("dots doubled", plain("x\r\n.y\r\n"), replace(".y", "..y"), Some("dots-unstuffed")),
        ("sendmail's cut", plain(&format!("{long}z\r\n")), replace("yz", "y!\r\n z"), Some("lines-joined")),
        ("NUL", plain("ab\r\n"), replace("ab\r\n", "a\0b\r\n"), Some("nul-removed")),
        (
            "an empty line gone",
            plain("\r\nab\r\n"),
            replace("\r\n\r\n\r\nab", "\r\n\r\nab"),
            Some("blank-line-first"),
        ),
        (
            "a banner",
            plain(ASCII),
            replace("Dear all", "CAUTION: This email originated from outside.\r\n\r\nDear all"),
            Some("banner"),
        ),
        ("a beginning that is no banner", plain(ASCII), replace("Dear all", "Do not.\r\n\r\nDear all"), None),
        (
            "a rewritten link",
            plain(ASCII),
            replace(
                "https://www.x.example/a?b=c",
                "https://urldefense.proofpoint.com/v2/url?u=https-3A__www.x.example_a-3Fb-3Dc&d=D&e=",
            ),
            Some("links"),
        ),
        (
            "a link elsewhere",
            plain(ASCII),
            replace(
                "https://www.x.example/a?b=c",
                "https://urldefense.proofpoint.com/v2/url?u=https-3A__www.y.example_a-3Fb-3Dc&d=D&e=",
            ),
            None,
        ),
        (
            "the other form",
            plain("a  b\r\n").replace("relaxed/simple", "relaxed/relaxed"),
            replace("relaxed/relaxed", "relaxed/simple"),
            Some("other-canonicalization"),
        ),
    ];
    for (what, mail, damage, expect) in cases {
        let mail = match what {
            "the other form" => signed(H, "relaxed/relaxed", FROM, "a  b\r\n"),
            _ => mail,
        };
        let (body, _) = repaired(&mail, &damage(&mail));
        assert_eq!(body.as_deref(), expect, "{what}");
    }
}

#[test]
fn encodings() {
    let head = format!("{FROM}Content-Type: text/plain; charset=utf-8\r\n");
    let bit8 = format!("{head}Content-Transfer-Encoding: 8bit\r\n");
    let mail = signed(H, "relaxed/relaxed", &bit8, TEXT);
    let quoted = TEXT.replace("\u{e9}", "=C3=A9");
    for (field, body, expect) in [
        ("quoted-printable", quoted.clone(), Some("decoded")),
        ("base64", STANDARD.encode(TEXT), Some("decoded")),
        ("quoted-printable", quoted.replace("plan", "plot"), None),
    ] {
        let damaged = mail.replace("8bit\r\n", &format!("{field}\r\n")).replace(TEXT, &body);
        let (body, header) = repaired(&mail, &damaged);
        assert_eq!((body.as_deref(), header.as_deref()), (expect, Some("decoded-8bit")), "{field}");
    }
    // Encoded by a list that added a footer.
    let fields = mail.replace("8bit\r\n", "base64\r\n");
    let mut coded = STANDARD.encode(format!("{TEXT}{}\nlist\n", "_".repeat(47)));
    (76..coded.len()).step_by(76).rev().for_each(|at| coded.insert_str(at, "\r\n"));
    let damaged = fields.replace(TEXT, &coded);
    assert_eq!(repaired(&mail, &damaged), (Some("decoded+text-footer".into()), Some("decoded-8bit".into())));
    // Signed without the field, encoded on the way.
    let mail = signed(H, "relaxed/relaxed", &head, TEXT);
    let damaged = mail
        .replace("utf-8\r\n", "utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n")
        .replace(TEXT, &quoted);
    assert_eq!(repaired(&mail, &damaged), (Some("decoded".into()), Some("decoded-bare".into())));
    // Decoded on the way.
    let coded = format!("{head}Content-Transfer-Encoding: quoted-printable\r\n");
    let mail = signed(H, "relaxed/relaxed", &coded, &quoted);
    let damaged = mail.replace("quoted-printable\r\n", "8bit\r\n").replace(&quoted, TEXT);
    assert_eq!(repaired(&mail, &damaged), (Some("encoded".into()), Some("encoded".into())));
}

/// A multipart of some parts.
fn multipart(boundary: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--{boundary}\r\n{part}\r\n")).collect();
    format!("{parts}--{boundary}--\r\n")
}

#[test]
fn parts_of_lists() {
    let multi = |boundary: &str| format!("Content-Type: multipart/mixed; boundary={boundary}\r\n");
    let footer = "Content-Type: text/plain\r\n\r\nl mailing list\r\n";
    let coded = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ";

    // A text that the list wrapped.
    let fields = format!("{FROM}{coded}8bit\r\n");
    let mail = signed(H, "relaxed/relaxed", &fields, TEXT);
    let signature = mail.split_once("From: Ann").unwrap().0;
    let wrapped =
        |part: &str| format!("{signature}{FROM}{LIST}{}\r\n{}", multi("b"), multipart("b", &[part, footer]));
    let expect = (Some("first-part".to_owned()), Some("first-part".to_owned()));
    assert_eq!(repaired(&mail, &wrapped(&format!("{coded}8bit\r\n\r\n{TEXT}"))), expect);
    let quoted = TEXT.replace("\u{e9}", "=C3=A9");
    let expect = (Some("first-part+decoded".to_owned()), Some("first-part+decoded-8bit".to_owned()));
    assert_eq!(repaired(&mail, &wrapped(&format!("{coded}quoted-printable\r\n\r\n{quoted}"))), expect);
    let changed = wrapped(&format!("{coded}8bit\r\n\r\n{}", TEXT.replace("plan", "plot")));
    assert_eq!(repaired(&mail, &changed), (None, Some("first-part".to_owned())));

    // A multipart that the list wrapped, and encoded inside.
    let inner = |coding: &str, text: &str| {
        multipart("c", &[&format!("{coded}{coding}\r\n\r\n{text}"), "Content-Type: text/html\r\n\r\n<p>x"])
    };
    let kind = "Content-Type: multipart/alternative; boundary=c\r\n";
    let mail = signed(H, "relaxed/relaxed", &format!("{FROM}{kind}"), &inner("8bit", TEXT));
    let signature = mail.split_once("From: Ann").unwrap().0;
    for (coding, text, expect) in
        [("8bit", TEXT, "first-part"), ("quoted-printable", &quoted, "first-part+decoded-8bit")]
    {
        let part = format!("{kind}\r\n{}", inner(coding, text));
        let damaged =
            format!("{signature}{FROM}{LIST}{}\r\n{}", multi("b"), multipart("b", &[&part, footer]));
        assert_eq!(repaired(&mail, &damaged), (Some(expect.to_owned()), Some("first-part".to_owned())));
    }
    // Encoded inside by a relay, without a list.
    let damaged = mail.replace(&inner("8bit", TEXT), &inner("quoted-printable", &quoted));
    assert_eq!(repaired(&mail, &damaged), (Some("decoded-8bit".to_owned()), Some("stored".to_owned())));

    // A part added to a multipart.
    let parts = ["\r\none\r\n", "Content-Type: text/html\r\n\r\n<p>two"];
    let mail = signed(H, "relaxed/relaxed", &format!("{FROM}{}", multi("b")), &multipart("b", &parts));
    let more = [parts[0], parts[1], footer];
    let damaged = mail.replace(&multipart("b", &parts), &multipart("b", &more));
    assert_eq!(repaired(&mail, &damaged), (Some("last-part".to_owned()), Some("stored".to_owned())));

    // An empty line behind an inner multipart, as programs put it there that write a message again.
    let alternative =
        format!("Content-Type: multipart/alternative; boundary=c\r\n\r\n{}", inner("8bit", TEXT));
    let nested = |picture: &str| {
        multipart("b", &[alternative.trim_end(), &format!("Content-Type: image/png\r\n\r\n{picture}")])
    };
    let mail = signed(H, "relaxed/simple", &format!("{FROM}{}", multi("b")), &nested("AAAA"));
    let signature = mail.split_once("From: Ann").unwrap().0;
    let again = |body: String| body.replace("--c--\r\n--b", "--c--\r\n\r\n--b");
    let name = |name: &str| Some(name.to_owned());
    let damaged = mail.replace(&nested("AAAA"), &again(nested("AAAA")));
    assert_eq!(repaired(&mail, &damaged), (name("blank-lines-removed"), name("stored")));
    let damaged = mail.replace(&nested("AAAA"), &again(nested("BBBB")));
    assert_eq!(repaired(&mail, &damaged).0, None);
    let part = format!("{}\r\n{}", multi("b"), again(nested("AAAA")));
    let damaged = format!("{signature}{FROM}{LIST}{}\r\n{}", multi("l"), multipart("l", &[&part, footer]));
    assert_eq!(repaired(&mail, &damaged), (name("first-part+blank-lines-removed"), name("first-part")));
    let more = again(nested("AAAA")).replace("--b--\r\n", &format!("--b\r\n{footer}\r\n--b--\r\n"));
    let damaged = mail.replace(&nested("AAAA"), &more);
    assert_eq!(repaired(&mail, &damaged), (name("last-part+blank-lines-removed"), name("stored")));

    // Footers in each text.
    let texts = |a: &str, b: &str| {
        multipart(
            "b",
            &[&format!("\r\nHello{a}"), &format!("Content-Type: text/html\r\n\r\n<p>Hello</p>{b}")],
        )
    };
    let mail = signed(H, "relaxed/relaxed", &format!("{FROM}{}", multi("b")), &texts("", ""));
    let added =
        texts("\r\n\r\n-- \r\nYou received\r\n", "\r\n\r\n<p></p>\r\n\r\n-- <br />\r\nYou received\r\n");
    let damaged = mail.replace(&texts("", ""), &added);
    assert_eq!(repaired(&mail, &damaged).0.as_deref(), Some("part-footer"));
}

#[test]
fn headers() {
    let many = "Subject: Re: plans\r\n";
    let cases = [
        ("relaxed", many, format!("Subject: [l] Re: plans\r\n{LIST}"), Some("subject-tag-removed")),
        (
            "relaxed",
            "Subject: Re: [l] plans\r\n",
            format!("Subject: [l] Re: plans\r\n{LIST}"),
            Some("subject-tag-after-reply"),
        ),
        (
            "relaxed",
            "Subject: Re: [l] Re: plans\r\n",
            format!("Subject: [l] Re: plans\r\n{LIST}"),
            Some("subject-tag-moved"),
        ),
        (
            "relaxed",
            "Subject: AW: plans\r\n",
            format!("Subject: AW: [l] plans\r\n{LIST}"),
            Some("subject-tag-removed"),
        ),
        ("relaxed", many, "Subject: [EXTERNAL] Re: plans\r\n".into(), Some("subject-mark-removed")),
        // No list, so no list's tag; what authors of patches write; another subject.
        ("relaxed", many, "Subject: [l] Re: plans\r\n".into(), None),
        ("relaxed", many, format!("Subject: [PATCH 1/2] Re: plans\r\n{LIST}"), None),
        ("relaxed", many, format!("Subject: [l] Re: plots\r\n{LIST}"), None),
        ("relaxed", many, format!("{many}Reply-To: l@x.example\r\n{LIST}"), Some("reply-to-removed")),
        ("relaxed", many, format!("{many}Reply-To: l@x.example\r\n"), None),
        ("relaxed", many, format!("Subject: [l] Re: plans\r\nReply-To: l@x.example\r\n{LIST}"), None),
        ("simple", "Subject: Re:\r\n plans\r\n", "Subject: Re: plans\r\n".into(), None),
        ("simple", many, "Subject: Re:\r\n plans\r\n".into(), Some("unfolded")),
        (
            "simple",
            "Subject: Re:\r\n\tplans\r\n",
            "Subject: Re:\r\n plans\r\n".into(),
            Some("folded-with-tab"),
        ),
        ("simple", "Subject: Re:\r\n\tplans\r\n", "Subject: Re:\r\n\tplots\r\n".into(), None),
        ("simple", many, "Subject:Re: plans\r\n".into(), Some("one-space")),
    ];
    for (form, before, after, expect) in cases {
        // The signature's own field has folds that begin with a space.
        let mail =
            signed(H, &format!("{form}/relaxed"), &format!("From: Ann <a@x.example>\r\n{before}"), ASCII);
        let mail = match form {
            "simple" if expect == Some("folded-with-tab") => mail.replace(";\r\n ", ";\r\n\t"),
            "simple" if expect == Some("unfolded") => mail.replace(";\r\n ", "; "),
            _ => mail,
        };
        let damaged = mail.replace(before, &after);
        let (body, header) = repaired(&mail, &damaged);
        assert_eq!((body.as_deref(), header.as_deref()), (Some("stored"), expect), "{before:?} {after:?}");
    }
}

#[test]
fn several_changes_are_tried_where_the_body_was_changed() {
    let mail = signed(H, "relaxed/relaxed", FROM, ASCII);
    let damaged = mail.replace("Subject: ", &format!("{LIST}Reply-To: l@x.example\r\nSubject: [l] "));
    let damaged = format!("{damaged}{}\r\nlist\r\n", "_".repeat(47));
    let (body, header) = repaired(&mail, &damaged);
    assert_eq!(body.as_deref(), Some("text-footer"));
    assert_eq!(header.as_deref(), Some("subject-tag-removed+reply-to-removed"));
}

#[test]
fn what_was_taken_away_is_said() {
    let mail = signed(H, "relaxed/relaxed", FROM, ASCII);
    let added = format!("-- \r\n{}", "more than is shown ".repeat(100));
    let facts = facts(format!("{mail}{added}").as_bytes());
    let row = facts.digests.iter().find(|digest| digest.holds == Some(true)).unwrap();
    let undone = row.undone.as_ref().unwrap();
    assert!(undone.starts_with(&format!("{} bytes: --", added.len() + 2)), "{undone}");
    assert!(undone.contains("more than is shown") && undone.len() <= 1024);
}

#[test]
fn authors_and_copies() {
    let mail = signed(H, "relaxed/relaxed", FROM, ASCII);
    let via = "From: \"Ann via L\" <l@x.example>\r\nReply-To: Ann <a@x.example>\r\n";
    let damaged = mail.replace("From: Ann <a@x.example>\r\n", via).replace(H, "from:subject");
    let mail = mail.replace(H, "from:subject");
    assert_eq!(repaired(&mail, &damaged).1.as_deref(), Some("from-restored"));
    let original = "From: l@x.example\r\nX-Original-From: Ann <a@x.example>\r\n";
    let damaged = mail.replace("From: Ann <a@x.example>\r\n", original);
    assert_eq!(repaired(&mail, &damaged).1.as_deref(), Some("from-restored"));

    // Doubled fields from the top; copies in z=.
    let fields = format!("{FROM}Subject: second\r\n");
    let mail = signed("from:subject", "relaxed/relaxed", &fields, ASCII);
    let swapped =
        format!("{}Subject: second\r\nSubject: Re: plans\r\n", FROM.split_once("Subject").unwrap().0);
    assert_eq!(repaired(&mail, &mail.replace(&fields, &swapped)).1.as_deref(), Some("top-down"));
    let mail = mail.replace("s=s;", "s=s; z=From:=20Ann=20<a@x.example>|Subject:second;");
    let damaged = mail.replace("Subject: second", "Subject: third");
    assert_eq!(repaired(&mail, &damaged).1.as_deref(), Some("copied-fields"));
}

#[test]
fn early_sealers_were_relaxed() {
    let ams =
        "ARC-Message-Signature: i=1; a=rsa-sha256; d=x; s=s; h=from; bh=AA==; b=AAAA\r\nFROM: a@x\r\n\r\n";
    let facts = facts(ams.as_bytes());
    let own = "arc-message-signature:i=1; a=rsa-sha256; d=x; s=s; h=from; bh=AA==; b=";
    let wanted = Algorithm::Sha256.of(format!("from:a@x\r\n{own}").as_bytes());
    let found = facts.digests.iter().find(|digest| digest.digest == wanted).unwrap();
    assert_eq!(found.repair.as_deref(), Some("relaxed-header"));
}

#[test]
fn lengths_and_empty_bodies() {
    let empty = STANDARD.encode(Algorithm::Sha256.of(b"\r\n"));
    let whole = STANDARD.encode(Algorithm::Sha256.of(b"ab\r\n"));
    for (tags, body, expect) in [
        (format!("c=relaxed/relaxed; bh={empty}"), "", Some("other-canonicalization")),
        (format!("l=2; bh={whole}"), "ab\r\n", Some("length-ignored")),
        (format!("l=2; bh={whole}"), "abc\r\n", None),
    ] {
        let mail =
            format!("{}From: a@x\r\n\r\n{body}", super::super::tests::field(&format!("h=from; {tags}")));
        assert_eq!(body_repair(&facts(mail.as_bytes())), expect, "{tags}");
    }
}

#[test]
fn a_footer_under_a_signature_of_both() {
    let keys = "DomainKey-Signature: a=rsa-sha1; d=x.example; s=s; h=from:subject; b=AAAA\r\n";
    let mail = format!("{keys}{FROM}\r\n{ASCII}");
    let line = "_".repeat(47);
    let tagged = mail.replace("Subject: Re: plans", &format!("{LIST}Subject: [l] Re: plans"));
    for (damaged, expect) in [
        (format!("{mail}{line}\r\nlist\r\n"), "text-footer"),
        (tagged.clone(), "subject-tag-removed"),
        (format!("{tagged}{line}\r\nlist\r\n"), "text-footer+subject-tag-removed"),
    ] {
        let wanted = facts(mail.as_bytes()).stored(0, "both").digest.clone();
        let after = facts(damaged.as_bytes());
        let found = after.digests.iter().find(|digest| digest.digest == wanted).unwrap();
        assert_eq!(found.repair.as_deref(), Some(expect));
    }
}

#[test]
fn searches_are_bounded() {
    let footer = format!("-- \r\n{}", ">From x\r\n..y\r\n[external]\r\n\r\n".repeat(1000));
    let line = format!("{}\r\n", "x".repeat(998));
    for (what, mail) in [
        ("big", signed(H, "relaxed/relaxed", FROM, &line.repeat(24_000)).replace("bh=", "bh=A")),
        ("many", {
            let one = signed(H, "relaxed/relaxed", "", "").replace("bh=", "bh=A").replace("\r\n\r\n", "\r\n");
            format!("{}{FROM}{LIST}\r\n{footer}", one.repeat(64))
        }),
        ("delimiters", {
            let fields = format!("{FROM}Content-Type: multipart/mixed; boundary=b\r\n");
            signed(H, "relaxed/relaxed", &fields, &"--b\r\n\r\n".repeat(300_000)).replace("bh=", "bh=A")
        }),
        ("subject", {
            let fields = format!("{FROM}{LIST}Subject: [l] {}\r\n", "Re: ".repeat(1 << 20));
            signed(&"subject:".repeat(900), "simple/simple", &fields, "").replace("bh=", "bh=A")
        }),
    ] {
        let started = std::time::Instant::now();
        let facts = facts(mail.as_bytes());
        assert!(!facts.signatures.is_empty() && facts.digests.len() <= 64 * super::TRIES, "{what}");
        assert!(started.elapsed().as_secs() < 20, "{what} took {:?}", started.elapsed());
    }
}

#[test]
fn empty_lines_behind_inner_parts_are_found_to_the_byte() {
    let window = 256 << 10;
    for pad in [0usize, 1, window - 16, window - 12, window - 9, window - 7, window - 5, window, 2 * window] {
        for line_break in ["\n", "\r\n"] {
            let pad = "x".repeat(pad);
            let body = format!("{pad}\n--c--{line_break}{line_break}--b\ny--{line_break}{line_break}--b\n");
            let slice = body.as_bytes();
            let source = Source::new(&slice, 0, slice.len() as u64);
            let at = (pad.len() + 6 + line_break.len()) as u64;
            let found = super::shape::blanks(&source, 0..slice.len() as u64);
            let expect = at..at + line_break.len() as u64;
            assert_eq!((found.len(), found.first()), (1, Some(&expect)), "{} {line_break:?}", pad.len());
        }
    }
}
