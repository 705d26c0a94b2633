//! Messages as a whole: golden ones in classes, each with both line endings; hostile ones; and the
//! equation of bytes for any input.

use std::{fmt::Write, io, time::Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use tamis_model::{
    Outcome, Reason,
    tables::{Fact, Header, Message},
};

use super::Mail;
use crate::{
    job,
    out::{Coding, Out, Stop},
    protocol::{ChildContent, Kind, Machine, Reading, Task, Thing, Unit},
    reader::{Hint, Reader},
    source::{ReadAt, Source},
    testing::{self, MemorySpool},
};

/// What a test looks at.
#[derive(Debug, Default, PartialEq)]
struct Shown {
    message: Option<Message>,
    headers: Vec<Header>,
    /// Part, media type and text.
    texts: Vec<(String, String, String)>,
    /// Name, media type, coding and content.
    children: Vec<(String, String, Coding, Vec<u8>)>,
    defects: Vec<String>,
    outcome: String,
    gap: u64,
}

/// Reads as a declared message and checks the equation of its bytes.
fn read(bytes: &[u8]) -> Shown {
    shown(bytes, testing::read(bytes, "", "message/rfc822"))
}

fn shown(bytes: &[u8], reading: Reading<Vec<u8>>) -> Shown {
    assert_eq!(reading.reader.as_deref(), Some("mail/2"));
    let gaps = reading.gaps(bytes.len() as u64).unwrap();
    let mut shown = Shown {
        outcome: reading.outcome.to_string(),
        gap: gaps.iter().map(|gap| gap.end - gap.start).sum(),
        ..Shown::default()
    };
    for fact in reading.facts {
        match fact {
            Fact::Message(message) => shown.message = Some(*message),
            Fact::Header(header) => shown.headers.push(header),
            Fact::Text(text) => {
                let lasts = shown.texts.last().is_some_and(|last| text.chunk > 0 && last.0 == text.part);
                match shown.texts.last_mut().filter(|_| lasts) {
                    Some(last) => last.2.push_str(&text.text),
                    None => shown.texts.push((text.part, text.media_type, text.text)),
                }
            }
            Fact::Defect(defect) => shown.defects.push(defect.kind),
            Fact::Signature(_) | Fact::Digest(_) | Fact::PartSignature(_) => {}
        }
    }
    for (child, content) in reading.children {
        let content = match content {
            ChildContent::Stored => {
                let range = child.stored.clone().unwrap();
                bytes[range.start as usize..range.end as usize].to_vec()
            }
            ChildContent::Decoded(bytes) => bytes,
            ChildContent::Absent { outcome, .. } => outcome.to_string().into_bytes(),
        };
        let name = String::from_utf8_lossy(&child.name).into_owned();
        shown.children.push((name, child.media_type, child.coding, content));
    }
    shown
}

/// A message and what it has to show. Written with LF; `\n` in texts and stored children follows the
/// line ending where bytes stand as they are.
struct Golden {
    name: &'static str,
    mail: String,
    subject: Option<&'static str>,
    from: Option<&'static str>,
    texts: &'static [(&'static str, &'static str, &'static str)],
    children: &'static [(&'static str, &'static str, Coding, &'static str)],
    defects: &'static [&'static str],
    outcome: &'static str,
}

impl Default for Golden {
    fn default() -> Golden {
        Golden {
            name: "",
            mail: String::new(),
            subject: None,
            from: None,
            texts: &[],
            children: &[],
            defects: &[],
            outcome: "parsed",
        }
    }
}

fn check(class: &[Golden]) {
    assert!(!class.is_empty());
    for golden in class {
        for eol in ["\n", "\r\n"] {
            let mail = golden.mail.replace('\n', eol);
            let got = read(mail.as_bytes());
            let name = golden.name;
            let texts: Vec<_> =
                got.texts.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
            assert_eq!(texts, golden.texts, "{name}");
            let children: Vec<_> = got
                .children
                .iter()
                .map(|(a, b, c, d)| {
                    (a.as_str(), b.as_str(), *c, String::from_utf8_lossy(d).replace("\r\n", "\n"))
                })
                .collect();
            let expect: Vec<_> =
                golden.children.iter().map(|(a, b, c, d)| (*a, *b, *c, (*d).to_owned())).collect();
            assert_eq!(children, expect, "{name}");
            assert_eq!(got.defects, golden.defects, "{name}");
            assert_eq!(got.outcome, golden.outcome, "{name}");
            let message = got.message.unwrap();
            assert_eq!(message.subject.as_deref(), golden.subject, "{name}");
            assert_eq!(message.from_addr.as_deref(), golden.from, "{name}");
            assert_eq!(message.attachments as usize, golden.children.len(), "{name}");
            assert_eq!(got.gap, 0, "{name}");
            // Each header row is its bytes.
            for header in got.headers {
                let field = &mail.as_bytes()[header.at as usize..(header.at + header.len) as usize];
                assert!(field.starts_with(header.name.as_bytes()), "{name}");
                let raw = header.value_raw.unwrap_or_else(|| format!(" {}", header.value).into_bytes());
                let after = &field[field.iter().position(|b| *b == b':').map_or(0, |at| at + 1)..];
                assert!(after.starts_with(&raw) && after[raw.len()..].trim_ascii().is_empty(), "{name}");
            }
        }
    }
}

#[test]
fn golden_rfc() {
    check(&[
        Golden {
            name: "plain",
            mail: "From: A <a@example.org>\nSubject: hi\n\none\ntwo\n".into(),
            subject: Some("hi"),
            from: Some("a@example.org"),
            texts: &[("1", "text/plain", "one\ntwo\n")],
            ..Golden::default()
        },
        Golden {
            name: "header only",
            mail: "From: a@b\nSubject: x\n".into(),
            subject: Some("x"),
            from: Some("a@b"),
            ..Golden::default()
        },
        Golden {
            name: "alternative and attachment",
            mail: "From: a@b\nSubject: =?utf-8?Q?caf=C3=A9?=\n =?utf-8?Q?_x?=\nMIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary=\"out\"\n\nThis is a multi-part message in MIME format.\n--out\nContent-Type: multipart/alternative; boundary=in\n\n--in\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\ncaf=C3=A9 =\nau lait\n--in\nContent-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n<p>caf=E9<p>two\n--in--\n\n--out\nContent-Type: application/pdf; name=\"r.pdf\"\nContent-Disposition: attachment; filename*=utf-8''r%C3%A9.pdf\nContent-Transfer-Encoding: base64\n\nJVBE\nRg==\n--out--\n".into(),
            subject: Some("café x"),
            from: Some("a@b"),
            texts: &[("1.1", "text/plain", "café au lait"), ("1.2", "text/html", "café\n\ntwo")],
            children: &[("ré.pdf", "application/pdf", Coding::Base64, "%PDF")],
            ..Golden::default()
        },
        Golden {
            name: "digest, message, report, signature",
            mail: "From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: one\n\n1\n--d--\n--b\nContent-Type: message/rfc822\nContent-Disposition: attachment\n\nSubject: two\n\n2\n--b\nContent-Type: message/delivery-status\n\nStatus: 5.0.0\n--b\nContent-Type: application/pgp-signature; name=s.asc\n\nSIG\n--b--\n".into(),
            from: Some("a@b"),
            texts: &[("3", "message/delivery-status", "Status: 5.0.0")],
            children: &[
                ("", "message/rfc822", Coding::Identity, "Subject: one\n\n1"),
                ("", "message/rfc822", Coding::Identity, "Subject: two\n\n2"),
                ("s.asc", "application/pgp-signature", Coding::Identity, "SIG"),
            ],
            ..Golden::default()
        },
        Golden {
            name: "text attachments are children, the first text is not",
            mail: "From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; name=body.txt\n\nbody\n--b\nContent-Type: text/plain; name=notes.txt\n\nnotes\n--b\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\n--b\nContent-Type: text/plain\n\nfooter\n--b--\n".into(),
            from: Some("a@b"),
            texts: &[("1", "text/plain", "body"), ("4", "text/plain", "footer")],
            children: &[
                ("notes.txt", "text/plain", Coding::Identity, "notes"),
                ("", "text/calendar", Coding::Identity, "BEGIN:VCALENDAR"),
            ],
            ..Golden::default()
        },
        Golden {
            name: "flowed",
            mail: "From: a@b\nContent-Type: text/plain; format=flowed; delsp=no\n\none \ntwo\n> quoted \n> more\n".into(),
            from: Some("a@b"),
            texts: &[("1", "text/plain", "one two\n> quoted more\n")],
            ..Golden::default()
        },
        Golden {
            name: "utf-8 header, no body part but a file",
            mail: "From: Zoé <z@bücher.example>\nSubject: été\nContent-Type: application/octet-stream\n\nbytes\n".into(),
            subject: Some("été"),
            from: Some("z@bücher.example"),
            children: &[("", "application/octet-stream", Coding::Identity, "bytes\n")],
            ..Golden::default()
        },
        Golden {
            name: "external body",
            mail: "From: a@b\nContent-Type: message/external-body; access-type=URL\n\nContent-Type: image/png\n".into(),
            from: Some("a@b"),
            children: &[("", "message/external-body", Coding::Identity, "Content-Type: image/png\n")],
            defects: &["external-body"],
            ..Golden::default()
        },
    ]);
}

#[test]
fn golden_legacy() {
    check(&[
        Golden {
            name: "uuencoded file in the text",
            mail: "From: a@b\nSubject: x\n\nbegin of the text\nbegin 644 cat.txt\n#0V%T\n`\nend\nafter\n".into(),
            subject: Some("x"),
            from: Some("a@b"),
            texts: &[("1", "text/plain", "begin of the text\nafter\n")],
            children: &[("cat.txt", "", Coding::Uuencode, "Cat")],
            ..Golden::default()
        },
        Golden {
            name: "uuencode as transfer encoding",
            mail: "From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/gif\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 cat.gif\n#0V%T\n`\nend\n--b--\n".into(),
            from: Some("a@b"),
            children: &[("cat.gif", "image/gif", Coding::Uuencode, "Cat")],
            ..Golden::default()
        },
        Golden {
            name: "yEnc with a good, a bad and no checksum, and a wrong size",
            mail: "From: a@b\n\n=ybegin line=128 size=2 name=a b.txt\nk[\n=yend size=2 crc32=f9656c81\nx\n=ybegin line=128 size=2 name=c\nk[\n=yend size=2 crc32=00000000\n=ybegin part=1 total=2 line=128 size=4 name=d\n=ypart begin=1 end=2\nk[\n=yend size=2 part=1\n=ybegin line=128 size=9 name=e\nk[\n=yend size=9\n".into(),
            from: Some("a@b"),
            texts: &[("1", "text/plain", "x\n")],
            children: &[
                ("a b.txt", "", Coding::Yenc, "A1"),
                ("c", "", Coding::Yenc, "A1"),
                ("d", "", Coding::Yenc, "A1"),
                ("e", "", Coding::Yenc, "A1"),
            ],
            defects: &["yenc-checksum", "yenc-part", "yenc-size"],
            outcome: "partial: damaged",
            ..Golden::default()
        },
        Golden {
            name: "enriched, obsolete date and zones",
            mail: "From: a@b\nDate: Thu, 13 Feb 69 23:32 EST\nContent-Type: text/enriched\n\n<bold>a</bold> <<b\n".into(),
            from: Some("a@b"),
            texts: &[("1", "text/enriched", "a <b ")],
            ..Golden::default()
        },
        Golden {
            name: "a footer after base64",
            mail: "From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGkK\nYQ==\n____\nlist footer\n--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nYQ==\n\n-- \nlist footer\n--b--\n".into(),
            from: Some("a@b"),
            texts: &[("1", "text/plain", "hi\na\n____\nlist footer"), ("2", "text/plain", "-- \nlist footer")],
            children: &[("", "image/png", Coding::Base64, "a")],
            defects: &["base64-trailing", "base64-trailing"],
            ..Golden::default()
        },
        Golden {
            name: "text outside the parts",
            mail: "From: a@b\nContent-Type: multipart/mixed; boundary=b\n\nhidden before\n--b\n\nseen\n--b--\nhidden after\n".into(),
            from: Some("a@b"),
            texts: &[("preamble", "text/plain", "hidden before"), ("1", "text/plain", "seen"), ("epilogue", "text/plain", "hidden after\n")],
            ..Golden::default()
        },
    ]);
}

#[test]
fn golden_malformed() {
    check(&[
        Golden { name: "empty", defects: &["no-header"], ..Golden::default() },
        Golden {
            name: "no header",
            mail: "just text\n".into(),
            texts: &[("1", "text/plain", "just text\n")],
            defects: &["no-header"],
            ..Golden::default()
        },
        Golden {
            name: "From line, garbage, no blank line",
            mail: ">From x@y Mon Jan 1 00:00:00 2001\nFrom: a@b\n>From z\ngarbage here\nSubject: x\nnow comes text\n".into(),
            subject: Some("x"),
            from: Some("a@b"),
            texts: &[("1", "text/plain", "now comes text\n")],
            defects: &["mbox-from-line", "mbox-from-line", "header-line", "no-blank-line"],
            ..Golden::default()
        },
        Golden {
            name: "no closing boundary, header-less part, repeated fields",
            mail: "From: a@b\nFrom: c@d\nSubject: x\nSubject: y\nContent-Type: multipart/mixed; boundary=b\n\n--b\ntext at once\n--b\nContent-Type: image/gif\nContent-Transfer-Encoding: base64\n\nYWI\n".into(),
            subject: Some("x"),
            from: Some("a@b"),
            texts: &[("1", "text/plain", "text at once")],
            children: &[("", "image/gif", Coding::Base64, "ab")],
            defects: &["repeated-field", "repeated-field", "part-no-blank-line", "base64-padding", "no-final-boundary"],
            ..Golden::default()
        },
        Golden {
            name: "truncated base64",
            mail: "From: a@b\nContent-Type: image/gif\nContent-Transfer-Encoding: base64\n\nYWJjY".into(),
            from: Some("a@b"),
            children: &[("", "image/gif", Coding::Base64, "abc")],
            defects: &["base64-incomplete"],
            outcome: "partial: truncated",
            ..Golden::default()
        },
        Golden {
            name: "unknown encoding, wrong charset, bad escape",
            mail: "From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: rot13\n\nuryyb\n--b\nContent-Type: text/plain; charset=klingon\nContent-Transfer-Encoding: quoted-printable\n\ncaf=C3=A9 =XX\n--b\nContent-Type: text/plain; charset=us-ascii\n\ncafé\n--b--\n".into(),
            from: Some("a@b"),
            texts: &[("1", "text/plain", "uryyb"), ("2", "text/plain", "café =XX"), ("3", "text/plain", "café")],
            defects: &["unknown-encoding", "quoted-printable-escape", "charset-unknown", "charset-wrong"],
            ..Golden::default()
        },
        Golden {
            name: "multipart in base64 without parts",
            mail: "From: a@b\nContent-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n".into(),
            from: Some("a@b"),
            texts: &[("1", "text/plain", "hello")],
            defects: &["no-parts"],
            ..Golden::default()
        },
        Golden {
            name: "unreadable date, empty addresses",
            mail: "From:\nTo: ;;,,\nDate: Sat, 1 Jan 0000 00:00:00 +0000\n\nx".into(),
            texts: &[("1", "text/plain", "x")],
            defects: &["date-unreadable"],
            ..Golden::default()
        },
        Golden {
            name: "a message in base64",
            mail: "From: a@b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoK\n".into(),
            from: Some("a@b"),
            children: &[("", "message/rfc822", Coding::Base64, "Subject: x\n\n")],
            ..Golden::default()
        },
    ]);
}

#[test]
fn the_row_of_a_message() {
    let mail = "Message-ID: <1@x>\r\nDate: Thu, 13 Feb 2003 12:00:01 +0100\r\nFrom: =?utf-8?Q?Ren=C3=A9?= <R@Example.ORG>\r\nTo: a@B.example, Friends: c@d;\r\nCc: \"Doe, J\" <j@x>\r\nBcc: z@z\r\nSubject: x\r\nIn-Reply-To: <0@x>\r\nReferences: <a@x> <0@x>\r\nX-Mailer: M 1\r\nUser-Agent: U 2\r\n\r\nThe committee will meet on Thursday to discuss the budget for the coming year.\r\n";
    let message = read(mail.as_bytes()).message.unwrap();
    let expect = Message {
        form: "source".into(),
        message_id: Some("1@x".into()),
        date_raw: Some("Thu, 13 Feb 2003 12:00:01 +0100".into()),
        date: Some(tamis_model::tables::Time(1_045_134_001_000_000)),
        utc_offset_min: Some(60),
        from_addr: Some("R@example.org".into()),
        from_name: Some("René".into()),
        from_domain: Some("example.org".into()),
        to: vec!["a@b.example".into(), "c@d".into()],
        cc: vec!["j@x".into()],
        bcc: vec!["z@z".into()],
        subject: Some("x".into()),
        in_reply_to: vec!["0@x".into()],
        references: vec!["a@x".into(), "0@x".into()],
        mailer: Some("U 2".into()),
        list_id: None,
        received: 0,
        marks: Vec::new(),
        lang: Some("en".into()),
        attachments: 0,
    };
    assert_eq!(message, expect);
}

#[test]
fn what_is_declared_of_an_attachment() {
    let mail = "From: a@b\nContent-Type: Image/GIF; name=\"a.gif\"\nContent-Disposition: INLINE; filename=b.gif\nContent-ID: <c@d>\nContent-Transfer-Encoding: base64\n\nYQ==\n";
    let reading = testing::read(mail.as_bytes(), "", "message/rfc822");
    let declared = reading.children[0].0.declared.clone().unwrap();
    assert_eq!(
        (declared.part.as_str(), declared.name.as_deref(), declared.media_type.as_deref()),
        ("1", Some("b.gif"), Some("image/gif"))
    );
    assert_eq!(
        (declared.disposition.as_deref(), declared.content_id.as_deref()),
        (Some("inline"), Some("c@d"))
    );
}

#[test]
fn old_macintosh_line_ends() {
    let mail = "From: a@b\rSubject: x\rContent-Type: multipart/mixed; boundary=b\r\r--b\r\rone\r--b--\r";
    let got = read(mail.as_bytes());
    assert_eq!(got.texts, [("1".to_owned(), "text/plain".to_owned(), "one".to_owned())]);
    assert_eq!((got.gap, got.outcome.as_str()), (0, "parsed"));
    // Beside line feeds, a CR is a character: it must not make a field.
    let mail = "From: a@b\nSubject: x\rBcc: hidden@x\n\ny";
    assert_eq!(read(mail.as_bytes()).message.unwrap().bcc, Vec::<String>::new());
}

/// Reads what a function generates; limits of the frames are checked as in the parent.
fn read_generated(source: &dyn ReadAt, len: u64) -> Reading<Vec<u8>> {
    let hint = Hint::new(b"", "message/rfc822");
    let unit = Unit { things: vec![Thing { at: 0, len, hint, task: Task::Read }], only_mail: false };
    let mut machine = Machine::new(&unit.things, MemorySpool::default());
    job::read_unit(&unit, source, &mut |kind, payload| {
        machine.frame(kind as u8, payload).map_err(|error| {
            assert_eq!(error.to_string(), "");
            Stop::Closed
        })
    })
    .unwrap();
    machine.finish().pop().unwrap()
}

/// `head`, then one byte again and again, then `tail`.
struct Generated {
    head: Vec<u8>,
    fill: u8,
    len: u64,
    tail: Vec<u8>,
}

impl ReadAt for Generated {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let n = usize::try_from(self.len.saturating_sub(offset)).unwrap().min(buf.len());
        buf[..n].fill(self.fill);
        let tail_at = self.len - self.tail.len() as u64;
        for (part, at) in [(&self.head, 0), (&self.tail, tail_at)] {
            let from = at.max(offset);
            let to = (at + part.len() as u64).min(offset + n as u64);
            if from < to {
                buf[(from - offset) as usize..(to - offset) as usize]
                    .copy_from_slice(&part[(from - at) as usize..(to - at) as usize]);
            }
        }
        Ok(n)
    }
}

fn gap_of(reading: &Reading<Vec<u8>>, len: u64) -> u64 {
    reading.gaps(len).unwrap().iter().map(|gap| gap.end - gap.start).sum()
}

#[test]
fn a_header_line_of_a_gigabyte() {
    let len = 1 << 30;
    let source = Generated {
        head: b"From: a@b\nSubject: ".to_vec(),
        fill: b'x',
        len,
        tail: b"\nDate: later\n\nthe body\n".to_vec(),
    };
    let reading = read_generated(&source, len);
    assert_eq!(reading.outcome, Outcome::partial(Reason::Size));
    let texts: Vec<_> = reading
        .facts
        .iter()
        .filter_map(|f| if let Fact::Text(t) = f { Some(t.text.as_str()) } else { None })
        .collect();
    assert_eq!(texts, ["the body\n"]);
    let gap = gap_of(&reading, len);
    assert!(gap > len - (9 << 20) && gap < len);
}

#[test]
fn a_body_line_of_200_megabytes() {
    let len = 200 << 20;
    for (head, coding) in [
        ("", Coding::Identity),
        ("Content-Transfer-Encoding: base64\n", Coding::Base64),
        ("Content-Transfer-Encoding: quoted-printable\n", Coding::QuotedPrintable),
    ] {
        let head = format!("From: a@b\n{head}\n").into_bytes();
        let reading = read_generated(&Generated { head, fill: b'A', len, tail: Vec::new() }, len);
        assert_eq!(reading.outcome, Outcome::partial(Reason::Size), "{coding:?}");
        let text: usize =
            reading.facts.iter().map(|f| if let Fact::Text(t) = f { t.text.len() } else { 0 }).sum();
        assert!((32 << 20..33 << 20).contains(&text), "{coding:?} {text}");
        assert!(gap_of(&reading, len) > 100 << 20);
    }
}

#[test]
fn a_large_attachment_is_whole() {
    let len = 300 << 20;
    let source = Generated {
        head: b"From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: a/b\n\n".to_vec(),
        fill: b'\n',
        len,
        tail: b"\n--b--\n".to_vec(),
    };
    let reading = read_generated(&source, len);
    assert_eq!((reading.outcome, gap_of(&reading, len), reading.children.len()), (Outcome::PARSED, 0, 1));
}

#[test]
fn nested_a_thousand_deep() {
    let mut mail = "From: a@b\nContent-Type: multipart/mixed; boundary=b0\n\n".to_owned();
    for i in 0..1000 {
        write!(mail, "--b{i}\nContent-Type: multipart/mixed; boundary=b{}\n\n", i + 1).unwrap();
    }
    mail.push_str("the core\n");
    let got = read(mail.as_bytes());
    assert_eq!(got.outcome, "partial: depth");
    assert!(got.defects.contains(&"mime-depth".to_owned()) && got.gap > 0);
    assert!(got.message.is_some());
}

/// `piece` with `{}` replaced by a number, again and again.
fn many(head: &str, piece: &str, count: usize) -> Vec<u8> {
    let mut mail = head.to_owned();
    for i in 0..count {
        mail.push_str(&piece.replace("{}", &i.to_string()));
    }
    mail.into_bytes()
}

#[test]
fn bombs_end_in_linear_time() {
    let multipart = "From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n";
    let long = "x".repeat(900);
    let nest: String = (0..99).fold(multipart.to_owned(), |mail, i| {
        let boundary = if i == 0 { "b".to_owned() } else { format!("{long}{}", i - 1) };
        format!("{mail}--{boundary}\nContent-Type: multipart/mixed; boundary={long}{i}\n\n")
    });
    let words = format!("Subject: {}\n\n", "=?utf-8?B?AAAA?= ".repeat(50_000));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("100,000 parts", many(multipart, "--b\n\nx\n", 100_000)),
        ("100,000 children", many(multipart, "--b\nContent-Type: a/b\n\nx\n", 100_000)),
        ("100,000 empty parts", many(multipart, "--b\n", 100_000)),
        ("100,000 fields", many("From: a@b\n", "X-{}: y\n", 100_000)),
        ("boundaries that nearly match", many(&nest, &format!("--{long}x{{}}\n"), 5_000)),
        ("100,000 parts at depth", many(&nest, &format!("--{long}98\n\nx\n"), 5_000)),
        (
            "multiparts side by side",
            many(multipart, "--b\nContent-Type: multipart/mixed; boundary=c{}\n\n--c{}\n\n", 20_000),
        ),
        ("guesses", many("Content-Type: multipart/mixed\n\n", "--guess{}\nx\n", 200_000)),
        ("encoded words", words.into_bytes()),
        ("begin lines", many("From: a@b\n\n", "begin 644 x\n", 100_000)),
        ("ybegin lines", many("From: a@b\n\n", "=ybegin line=1 size=1 name=x\nabc\n", 50_000)),
        ("small files in the text", many("From: a@b\n\n", "begin 644 x\n#0V%T\n`\nend\n", 50_000)),
        ("addresses", many("To: ", "a{}@b,\n ", 100_000)),
        ("references", many("References: ", "<{}@b>\n ", 100_000)),
        ("parameters", many("Content-Type: a/b", ";\n p{}*0*=x", 50_000)),
        ("comments", many("Date: ", "(", 500_000)),
        ("NULs", vec![0; 4 << 20]),
        ("line feeds", vec![b'\n'; 4 << 20]),
        ("carriage returns", vec![b'\r'; 4 << 20]),
        ("colons", vec![b':'; 4 << 20]),
        ("dashes", many(multipart, "--\n", 1 << 20)),
        ("spaces in quoted-printable", many("Content-Transfer-Encoding: quoted-printable\n\n", " ", 4 << 20)),
        ("tags", many("Content-Type: text/html\n\n", "<a b='", 500_000)),
        ("UTF-7", many("Content-Type: text/plain; charset=utf-7\n\n", "+AAA", 500_000)),
    ];
    for (name, mail) in cases {
        let begun = Instant::now();
        let got = read(&mail);
        assert!(got.message.is_some(), "{name}");
        assert!(got.gap == 0 || got.outcome != "parsed", "{name} {}", got.outcome);
        // Generous: what is quadratic takes minutes.
        assert!(begun.elapsed().as_secs() < 20, "{name} {:?}", begun.elapsed());
    }
}

#[test]
fn limits_leave_the_row_of_the_message() {
    let mail = many(
        "From: a@b\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n",
        "--b\nContent-Type: a/b\n",
        300_000,
    );
    let got = read(&mail);
    assert_eq!(got.message.unwrap().subject.as_deref(), Some("x"));
    let mail = many("From: a@b\nSubject: x\n", "X-{}: y\n", 100_000);
    let got = read(&mail);
    assert_eq!((got.outcome.as_str(), got.headers.len()), ("partial: size", 10_000));
    assert!(got.defects.contains(&"many-fields".to_owned()) && got.gap > 0);
}

#[test]
fn a_limit_that_ends_the_walk_is_partial() {
    let mail = format!("From: a@b\nSubject: x\n\n{}", "text ".repeat(1 << 20));
    let slice = mail.as_bytes();
    let source = Source::new(&slice, 0, slice.len() as u64);
    let mut messages = 0;
    let mut send = |kind, payload: &[u8]| {
        let fact = (kind == Kind::Fact).then(|| postcard::from_bytes::<Fact>(payload).unwrap());
        messages += usize::from(matches!(fact, Some(Fact::Message(_))));
        Ok(())
    };
    // The limits of a thing of no bytes.
    let mut out = Out::new(0, &mut send);
    assert_eq!(Mail.read(&source, None, &mut out), Ok(Outcome::partial(Reason::Size)));
    assert_eq!(messages, 1);
}

#[test]
fn a_limit_that_ends_the_walk_leaves_the_signatures() {
    let head =
        "DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=from; bh=AA==; b=AAAA\nFrom: a@x.example\n";
    let parts = "--b\nContent-Type: a/b\n\nx\n".repeat(1500);
    let mail = format!("{head}Content-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n");
    let slice = mail.as_bytes();
    let source = Source::new(&slice, 0, slice.len() as u64);
    for (left, reason) in [(16 << 20, Reason::Children), (2 << 20, Reason::Fuel)] {
        let mut facts = [0; 3];
        let mut send = |kind, payload: &[u8]| {
            match (kind == Kind::Fact).then(|| postcard::from_bytes::<Fact>(payload).unwrap()) {
                Some(Fact::Message(_)) => facts[0] += 1,
                Some(Fact::Signature(_)) => facts[1] += 1,
                Some(Fact::Digest(digest)) if digest.part == "body" => facts[2] += 1,
                _ => {}
            }
            Ok(())
        };
        let mut out = Out::new(0, &mut send);
        out.spend(crate::limits::fuel(0) - left).unwrap();
        assert_eq!(Mail.read(&source, None, &mut out), Ok(Outcome::partial(reason)));
        assert_eq!(facts, [1, 1, 1], "{reason:?}");
    }
}

#[test]
fn a_field_longer_than_is_kept() {
    let mail = format!("From: a@b\nSubject: {}\nTo: c@d\n\nx", "y".repeat(1 << 20));
    let got = read(mail.as_bytes());
    assert_eq!(
        (got.outcome.as_str(), got.defects.as_slice()),
        ("partial: size", ["long-header".to_owned()].as_slice())
    );
    assert_eq!(got.headers[1].len, (1 << 20) + 10);
    assert_eq!(got.headers[1].value.len(), (256 << 10) - 1);
    assert_eq!(got.message.unwrap().to, ["c@d"]);
}

/// A generator with a seed, so that every run tries the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// Whatever the bytes: no panic, no violation of the protocol, ranges that do not overlap, and a message
/// of which nothing is missing where it says so.
#[test]
fn any_bytes_are_accounted_for() {
    let base64 = STANDARD.encode(b"some content that is long enough");
    let seeds = [
        "From: a@b\nTo: c@d\nSubject: =?utf-8?Q?x?=\nDate: Mon, 1 Jan 2001 00:00:00 +0000\n\nbody\n".to_owned(),
        format!("From: a@b\nContent-Type: multipart/mixed; boundary=\"b\"\n\npre\n--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/plain; charset=utf-7; format=flowed\n\n+AGE- \nx\n--c\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p>=C3=A9</p>=\n--c--\n--b\nContent-Type: a/b; name*0*=utf-8''x%20; name*1=y\nContent-Transfer-Encoding: base64\n\n{base64}\n--b\nContent-Type: message/rfc822\n\nSubject: z\n\n--b--\nepi\n"),
        "From: a@b\n\ntext\nbegin 644 x\n#0V%T\n`\nend\n=ybegin line=128 size=1 name=y\nk\n=yend size=1\nlast\n".to_owned(),
    ];
    let pieces: &[&[u8]] = &[
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b"--b\n",
        b"--b--\n",
        b"--c\n",
        b"--",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"From ",
        b": ",
        b"=",
        b"=?",
        b"?=",
        b"Content-Type: multipart/mixed; boundary=b\n\n",
        b"Content-Type: multipart/mixed\n\n",
        b"Content-Transfer-Encoding: base64\n",
        b"begin 644 x\n",
        b"`\nend\n",
        b"=ybegin line=1 size=1 name=z\n",
        b"=yend size=1\n",
        b"\x1b$B",
        b"<",
        b"\"",
        b"(",
        b" ",
        b"AAAA",
    ];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut parsed = 0;
    for round in 0..6000 {
        let mut bytes = seeds[round % seeds.len()].clone().into_bytes();
        for _ in 0..=dice.roll(8) {
            let at = dice.roll(bytes.len() + 1);
            let piece = pieces[dice.roll(pieces.len())];
            match dice.roll(4) {
                0 => drop(bytes.splice(at..at, piece.iter().copied())),
                1 => bytes.truncate(at.max(1)),
                2 => {
                    let end = (at + dice.roll(20)).min(bytes.len());
                    drop(bytes.drain(at..end));
                }
                _ => {
                    let end = (at + piece.len()).min(bytes.len());
                    drop(bytes.splice(at..end, piece.iter().copied()));
                }
            }
        }
        let reading = testing::read(&bytes, "", "message/rfc822");
        if reading.reader.as_deref() != Some("mail/2") {
            // It became a mailbox.
            continue;
        }
        let got = shown(&bytes, reading);
        assert!(got.message.is_some());
        if got.outcome == "parsed" {
            parsed += 1;
            assert_eq!(got.gap, 0, "{}", String::from_utf8_lossy(&bytes));
        }
        // Header rows point at their own bytes.
        for header in got.headers {
            assert!(bytes[header.at as usize..].starts_with(header.name.as_bytes()));
        }
    }
    assert!(parsed > 3000, "{parsed}");
}
