//! Files made to break a reader. Each costs its own row at most: the run ends, the case holds, the rows
//! are those expected, and the honest mail beside the file is read and found.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::symlink,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use flate2::{Compression, Crc, write::DeflateEncoder};

use crate::desk::{Desk, base64, gzip, mail, mail_with, mbox, zip};

/// What the ledger says of a file and of everything in it.
enum Rows {
    /// These rows: what follows the file's path, and what became of it.
    Are(&'static [(&'static str, &'static str)]),
    /// So many rows of each outcome.
    Count(&'static [(&'static str, usize)]),
    /// The file's own row is one of these, whatever is found in it.
    Top(&'static [&'static str]),
}
use Rows::{Are, Count, Top};

/// A hostile file: its name, its bytes, what becomes of it.
type Hostile = (&'static str, Vec<u8>, Rows);

/// Opens the files, each with an honest mail beside it, and compares rows; then looks at everything.
#[track_caller]
fn check(files: Vec<Hostile>) -> Desk {
    let desk = Desk::new();
    for (n, (name, bytes, _)) in files.iter().enumerate() {
        desk.write(format!("dump/{name}"), bytes);
        desk.write(format!("dump/{name}.neighbour.eml"), mail(&format!("neighbour{n}"), "an honest mail"));
    }
    desk.open("dump", "case");
    desk.holds("case");
    let ledger = desk.ledger("case");
    let all = desk.ok(&["ledger", "case", "--json"]).rows();
    let mut wrong = Vec::new();
    for (n, (name, _, expected)) in files.iter().enumerate() {
        let neighbour = format!("{name}.neighbour.eml");
        assert_eq!(ledger[&neighbour], "parsed");
        assert_eq!(desk.finds("case", &format!("neighbour{n}")), [neighbour], "beside {name}");
        let below = |path: &str| {
            path.strip_prefix(name).filter(|r| r.is_empty() || r.starts_with(['!', '#'])).map(str::to_owned)
        };
        let found: Vec<(String, String)> = all
            .iter()
            .filter_map(|row| Some((below(row["path"].as_str().unwrap())?, crate::desk::became(row))))
            .collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        found.iter().for_each(|(_, became)| *counts.entry(became).or_default() += 1);
        let mut sorted: Vec<(&str, &str)> =
            found.iter().map(|(path, became)| (path.as_str(), became.as_str())).collect();
        sorted.sort_unstable();
        let fits = match expected {
            Are(rows) => {
                let mut rows = rows.to_vec();
                rows.sort_unstable();
                sorted == rows
            }
            Count(expected) => counts == expected.iter().copied().collect(),
            Top(states) => {
                found.iter().any(|(path, became)| path.is_empty() && states.contains(&became.as_str()))
            }
        };
        if !fits {
            sorted.truncate(30);
            wrong.push(format!("{name}: {counts:?}\n    {sorted:?}"));
        }
    }
    assert!(wrong.is_empty(), "other rows than expected:\n{}", wrong.join("\n"));
    look_at_all(&desk);
    desk
}

/// Shows everything that can be shown. [`crate::desk::Said`] checks that nothing steers the terminal.
fn look_at_all(desk: &Desk) {
    for args in [
        ["ledger", "case"].as_slice(),
        &["search", "case", "", "--limit", "100"],
        &["search", "case", "", "--limit", "100", "--json"],
        &["summary", "case"],
        &["audit", "case"],
    ] {
        desk.ok(args);
    }
    let texts = [
        "SELECT * FROM items LIMIT 200",
        "SELECT * FROM messages LIMIT 200",
        "SELECT * FROM defects LIMIT 200",
        "SELECT * FROM attachments LIMIT 200",
    ];
    for (statement, format) in texts.iter().flat_map(|s| ["table", "json"].map(|f| (*s, f))) {
        desk.ok(&["sql", "case", statement, "--format", format]);
    }
    let rows = desk.ok(&["ledger", "case", "--json"]).rows();
    let many = if rows.len() < 10_000 { 40 } else { 6 };
    for row in rows.iter().filter(|row| !row["blob"].is_null()).step_by(rows.len().div_ceil(many)) {
        for form in ["text", "headers", "html", "copies"] {
            let said = desk.tamis(&["show", "case", row["item_id"].as_str().unwrap(), "--as", form]);
            assert!(matches!(said.code, 0 | 2), "{row}: {said:?}");
        }
    }
}

// ---- zip ----

/// A member of a zip written by hand.
struct Member {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    /// As stored.
    data: Vec<u8>,
    size: u32,
    crc: u32,
    /// Unix mode.
    mode: u32,
}

impl Member {
    fn stored(name: impl Into<Vec<u8>>, content: &[u8]) -> Member {
        Member {
            name: name.into(),
            flags: 0,
            method: 0,
            data: content.to_vec(),
            size: content.len() as u32,
            crc: crc(content),
            mode: 0o100_644,
        }
    }

    fn deflated(name: impl Into<Vec<u8>>, content: &[u8]) -> Member {
        Member { method: 8, data: deflate(content), ..Member::stored(name, content) }
    }

    fn common(&self) -> Vec<u8> {
        let words = [20, self.flags, self.method, 0, 0].map(u16::to_le_bytes).concat();
        let sizes = [self.crc, self.data.len() as u32, self.size].map(u32::to_le_bytes).concat();
        [words, sizes, (self.name.len() as u32).to_le_bytes().to_vec()].concat()
    }

    fn local(&self) -> Vec<u8> {
        [b"PK\x03\x04".as_slice(), &self.common(), &self.name, &self.data].concat()
    }

    fn central(&self, at: u32) -> Vec<u8> {
        let attributes = [&[0; 6], (self.mode << 16).to_le_bytes().as_slice()].concat();
        [b"PK\x01\x02\x14\x03".as_slice(), &self.common(), &attributes, &at.to_le_bytes(), &self.name]
            .concat()
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw_zip(members: &[Member]) -> Vec<u8> {
    let (mut file, mut central) = (Vec::new(), Vec::new());
    for member in members {
        central.extend(member.central(file.len() as u32));
        file.extend(member.local());
    }
    end(file, central, members.len())
}

/// The directory and the end of a zip.
fn end(mut file: Vec<u8>, central: Vec<u8>, members: usize) -> Vec<u8> {
    let at = file.len() as u32;
    file.extend(&central);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([members as u16, members as u16].map(u16::to_le_bytes).concat());
    file.extend([central.len() as u32, at].map(u32::to_le_bytes).concat());
    file.extend([0, 0]);
    file
}

/// A zip in which many entries of the directory lead to the same bytes.
fn overlapping() -> Vec<u8> {
    let member = Member::deflated("a.txt", &vec![b'x'; 1 << 20]);
    let central: Vec<u8> = (0..500)
        .flat_map(|n| {
            Member {
                name: format!("{n:05}").into(),
                ..Member { data: member.data.clone(), ..Member::deflated("", b"") }
            }
            .with(&member)
            .central(0)
        })
        .collect();
    end(member.local(), central, 500)
}

impl Member {
    /// With the content of another.
    fn with(self, other: &Member) -> Member {
        Member { method: other.method, data: other.data.clone(), size: other.size, crc: other.crc, ..self }
    }
}

/// A zip of 16 copies of a zip of 16 copies…
fn nested(depth: u32, leaf: Vec<u8>) -> Vec<u8> {
    (0..depth).fold(leaf, |inner, _| {
        let members: Vec<_> = (0..16).map(|n| Member::deflated(format!("lib {n:x}.zip"), &inner)).collect();
        raw_zip(&members)
    })
}

fn zeroes(megabytes: usize, first: u8) -> Vec<u8> {
    let mut bytes = vec![0; megabytes << 20];
    bytes[0] = first;
    bytes
}

#[test]
fn zips_that_unpack_to_far_more() {
    let honest = zeroes(200, 1);
    let mut lies = Member::deflated("says 10 bytes", &honest);
    lies.size = 10;
    let many: Vec<_> = (0..8).map(|n| Member::deflated(format!("{n}.bin"), &zeroes(40, n + 1))).collect();
    let bomb_in_zip =
        raw_zip(&[Member::stored("inner.zip", &raw_zip(&[Member::deflated("bomb", &zeroes(200, 2))]))]);
    let desk = check(vec![
        (
            "bomb.zip",
            raw_zip(&[Member::deflated("bomb", &honest)]),
            Are(&[("", "parsed"), ("!bomb", "refused: expansion")]),
        ),
        ("lies.zip", raw_zip(&[lies]), Are(&[("", "parsed"), ("!says 10 bytes", "refused: expansion")])),
        (
            "inner.zip",
            bomb_in_zip,
            Are(&[("", "parsed"), ("!inner.zip", "parsed"), ("!inner.zip!bomb", "refused: expansion")]),
        ),
        (
            "many.zip",
            raw_zip(&many),
            Count(&[("parsed", 1), ("opaque: unknown-type", 2), ("refused: expansion", 6)]),
        ),
        (
            "overlap.zip",
            overlapping(),
            Count(&[("partial: damaged", 1), ("parsed", 1), ("refused: overlap", 499)]),
        ),
        ("nested.zip", nested(5, raw_zip(&[Member::deflated("0.txt", b"the innermost")])), Top(&["parsed"])),
    ]);
    // A zip of 16 copies of a zip…, five deep, is read once a level; copies are listed up to a cap, and
    // the cap is a row.
    let rows = desk.ok(&["ledger", "case", "--json"]).rows();
    let nested = rows.iter().filter(|row| row["path"].as_str().unwrap().starts_with("nested.zip!"));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    nested.for_each(|row| *counts.entry(crate::desk::became(row)).or_default() += 1);
    assert_eq!(counts.remove("parsed"), Some(6), "{counts:?}");
    assert!(counts.remove("duplicate").unwrap() <= 110_000);
    assert!(counts.remove("refused: copies").is_some() && counts.is_empty(), "{counts:?}");
}

#[test]
fn names_in_zips_lead_nowhere() {
    let outside = Desk::new();
    let target = outside.path("written");
    let absolute = target.to_str().unwrap().to_owned();
    let desk = check(vec![
        (
            "names.zip",
            raw_zip(&[
                Member::stored("../../../../../../../../tmp/tamis-it-written", b"one text"),
                Member::stored("a/../../b.txt", b"two texts"),
                Member::stored("C:\\windows\\win.ini", b"three texts"),
                Member::stored("", b"four texts"),
                Member::stored(".", b"five texts"),
                Member::stored("..", b"six texts"),
                Member::stored("nul\0byte.txt", b"seven texts"),
                Member::stored("\x1b]0;title\x07\x1b[2Jred.txt", b"eight texts"),
                Member::stored("gpj.\u{202e}exe", b"nine texts"),
                Member::stored(b"latin-\xe9t\xe9.txt".to_vec(), b"ten texts"),
                Member::stored("100% #1!.txt", b"eleven texts"),
                Member::stored("line\nbreak.txt", b"twelve texts"),
            ]),
            Are(&[
                ("", "parsed"),
                ("!../../../../../../../../tmp/tamis-it-written", "parsed"),
                ("!a/../../b.txt", "parsed"),
                ("!C:\\windows\\win.ini", "parsed"),
                ("!3:", "parsed"),
                ("!.", "parsed"),
                ("!..", "parsed"),
                ("!nul%00byte.txt", "parsed"),
                ("!%1B]0;title%07%1B[2Jred.txt", "parsed"),
                ("!gpj.%E2%80%AEexe", "parsed"),
                ("!latin-%E9t%E9.txt", "parsed"),
                ("!100%25 %231%21.txt", "parsed"),
                ("!line%0Abreak.txt", "parsed"),
            ]),
        ),
        (
            "collide.zip",
            raw_zip(&[
                Member::stored("README", b"upper case"),
                Member::stored("readme", b"lower case"),
                Member::stored("\u{e9}", b"composed"),
                Member::stored("e\u{301}", b"decomposed"),
                Member::stored("same", b"first of that name"),
                Member::stored("same", b"second of that name"),
                Member::stored("same/below", b"a file below a file"),
            ]),
            Are(&[
                ("", "parsed"),
                ("!README", "parsed"),
                ("!readme", "parsed"),
                ("!\u{e9}", "parsed"),
                ("!e\u{301}", "parsed"),
                ("!same", "parsed"),
                ("!5:same", "parsed"),
                ("!same/below", "parsed"),
            ]),
        ),
        ("long.zip", raw_zip(&[Member::stored(vec![b'n'; 60_000], b"a long name")]), Count(&[("parsed", 2)])),
        ("absolute.zip", raw_zip(&[Member::stored(absolute, b"an absolute name")]), Count(&[("parsed", 2)])),
    ]);
    assert!(!target.exists() && !std::path::Path::new("/tmp/tamis-it-written").exists());
    assert_eq!(desk.ok(&["show", "case", "names.zip!..", "--as", "raw"]).out, "six texts");
    assert_eq!(desk.finds("case", "\"second of that name\""), ["collide.zip!5:same"]);
}

#[test]
fn zips_that_are_broken_or_closed() {
    let text = "honest content ".repeat(3000);
    let whole = zip(&[("a.txt", text.as_bytes()), ("b.txt", b"short")]);
    let encrypted = Member { flags: 1, ..Member::stored("secret.txt", b"scrambled bytes, twelve more") };
    let aes = Member { flags: 1, method: 99, ..Member::stored("aes.txt", b"scrambled bytes, twelve more") };
    let link = Member { mode: 0o120_777, ..Member::stored("link", b"/etc/passwd") };
    let method = Member { method: 98, ..Member::stored("ppmd.bin", b"who can read this") };
    let bad = Member { crc: 1, ..Member::deflated("bad.txt", b"its checksum is another") };
    let noise = Member { data: vec![0xff; 50], ..Member::deflated("noise.txt", b"its content is none") };
    let many: Vec<_> =
        (0..20_000).map(|n| Member::stored(format!("{n}"), format!("{n}").as_bytes())).collect();
    let cut = |share: usize| whole[..whole.len() * share / 100].to_vec();
    check(vec![
        (
            "encrypted.zip",
            raw_zip(&[encrypted, Member::stored("plain.txt", b"plain")]),
            Are(&[("", "parsed"), ("!secret.txt", "encrypted"), ("!plain.txt", "parsed")]),
        ),
        ("aes.zip", raw_zip(&[aes]), Are(&[("", "parsed"), ("!aes.txt", "encrypted")])),
        ("link.zip", raw_zip(&[link]), Are(&[("", "parsed"), ("!link", "refused: link")])),
        ("method.zip", raw_zip(&[method]), Are(&[("", "parsed"), ("!ppmd.bin", "opaque: no-reader")])),
        ("checksum.zip", raw_zip(&[bad]), Are(&[("", "partial: checksum"), ("!bad.txt", "parsed")])),
        ("noise.zip", raw_zip(&[noise]), Are(&[("", "partial: damaged"), ("!noise.txt", "failed: corrupt")])),
        ("many.zip", raw_zip(&many), Count(&[("parsed", 20_001)])),
        ("cut-1.zip", cut(1), Top(&["failed: truncated"])),
        ("cut-30.zip", cut(30), Top(&["partial: truncated"])),
        ("cut-60.zip", cut(60), Top(&["partial: truncated"])),
        ("cut-90.zip", cut(90), Top(&["partial: truncated"])),
        ("cut-99.zip", cut(99), Top(&["partial: truncated"])),
        (
            "prefix.zip",
            [b"#!/bin/sh\nexit\n".as_slice(), &whole].concat(),
            Top(&["partial: damaged", "parsed"]),
        ),
        ("twice.zip", [whole.clone(), whole.clone()].concat(), Top(&["partial: damaged", "parsed"])),
        ("empty.zip", end(Vec::new(), Vec::new(), 0), Are(&[("", "parsed")])),
        ("no-end.zip", b"PK\x03\x04".repeat(10_000), Top(&["failed: truncated", "partial: truncated"])),
        (
            "ends.zip",
            b"PK\x05\x06".repeat(50_000),
            Top(&["failed: truncated", "failed: corrupt", "partial: damaged", "partial: truncated"]),
        ),
    ]);
}

// ---- gzip ----

#[test]
fn gzips() {
    let text = |n: u32| format!("honest content {n} ").repeat(3000);
    let whole = |n: u32| gzip(text(n).as_bytes());
    let deep = (0..80).fold(b"the innermost".to_vec(), |inner, _| gzip(&inner));
    let mut bad = whole(1);
    let at = bad.len() - 6;
    bad[at] ^= 1;
    let long_name =
        [b"\x1f\x8b\x08\x08\0\0\0\0\0\x03".as_slice(), &vec![b'n'; 3 << 20], b"\0", &whole(2)[10..]].concat();
    let bomb = [b"\x1f\x8b\x08\0\0\0\0\0\0\x03".as_slice(), &deflate(&zeroes(300, 3)), &[0; 8]].concat();
    check(vec![
        ("bomb.gz", bomb, Are(&[("", "parsed"), ("", "refused: expansion")])),
        ("deep.gz", deep, Count(&[("parsed", 65), ("refused: depth", 1)])),
        ("joined.txt.gz", whole(3).repeat(2000), Are(&[("", "parsed"), ("", "parsed")])),
        ("checksum.txt.gz", bad, Are(&[("", "partial: checksum"), ("", "parsed")])),
        ("name.txt.gz", long_name, Are(&[("", "parsed"), ("", "parsed")])),
        ("cut-5.gz", whole(4)[..5].to_vec(), Are(&[("", "failed: truncated")])),
        (
            "cut-half.txt.gz",
            whole(5)[..whole(5).len() / 2].to_vec(),
            Are(&[("", "partial: truncated"), ("", "parsed")]),
        ),
        (
            "cut-4.txt.gz",
            whole(6)[..whole(6).len() - 4].to_vec(),
            Are(&[("", "partial: truncated"), ("", "parsed")]),
        ),
        (
            "trailing.txt.gz",
            [whole(7).as_slice(), b"more"].concat(),
            Are(&[("", "partial: damaged"), ("", "parsed")]),
        ),
    ]);
}

// ---- mail ----

/// A multipart around a multipart…
fn multiparts(depth: usize) -> Vec<u8> {
    let mut text = String::from("Subject: nested\n");
    for n in 0..depth {
        text.push_str(&format!("Content-Type: multipart/mixed; boundary=\"b{n}\"\n\n--b{n}\n"));
    }
    text.push_str("Content-Type: text/plain\n\nthe innermost\n");
    (0..depth).rev().for_each(|n| text.push_str(&format!("--b{n}--\n")));
    text.into_bytes()
}

/// A mail in a mail…
fn mails(depth: usize) -> Vec<u8> {
    let mut text = String::new();
    for n in 0..depth {
        text.push_str(&format!("Subject: level {n}\nContent-Type: message/rfc822\n\n"));
    }
    text.push_str("Subject: last\n\nthe innermost\n");
    text.into_bytes()
}

/// A mail with this header field and a body.
fn field(name: &str, value: &[u8]) -> Vec<u8> {
    [b"From: a@example.org\n".as_slice(), name.as_bytes(), b": ", value, b"\nMIME-Version: 1.0\n\nthe body\n"]
        .concat()
}

fn body(header: &str, body: &[u8]) -> Vec<u8> {
    [b"From: a@example.org\nSubject: s\nMIME-Version: 1.0\n".as_slice(), header.as_bytes(), b"\n\n", body]
        .concat()
}

#[test]
fn mails_of_great_depth_and_number() {
    let parts = |n: usize| {
        let part = "--b\nContent-Type: application/octet-stream; name=x\n\nq\n".repeat(n);
        body("Content-Type: multipart/mixed; boundary=b", format!("{part}--b--\n").as_bytes())
    };
    let texts = body(
        "Content-Type: multipart/mixed; boundary=b",
        format!("{}--b--\n", "--b\nContent-Type: text/plain\n\nq\n".repeat(100_000)).as_bytes(),
    );
    let uu = body("Content-Type: text/plain", "begin 644 x\n#86%A\n`\nend\n".repeat(50_000).as_bytes());
    let desk = check(vec![
        ("multiparts.eml", multiparts(1000), Top(&["partial: depth"])),
        ("mails.eml", mails(1000), Count(&[("parsed", 65), ("refused: depth", 1)])),
        ("parts.eml", parts(100_000), Count(&[("parsed", 2), ("duplicate", 99_999)])),
        ("texts.eml", texts, Top(&["parsed"])),
        ("uu.eml", uu, Top(&["parsed", "partial: size"])),
        (
            "boundaries.eml",
            body("Content-Type: multipart/mixed; boundary=b", &b"--b\n".repeat(500_000)),
            Top(&["parsed", "partial: truncated", "partial: size"]),
        ),
        (
            "dashes.eml",
            body("Content-Type: multipart/mixed; boundary=\"--\"", &b"----\n-".repeat(200_000)),
            Top(&["parsed", "partial: truncated", "partial: size"]),
        ),
        (
            "prefix.eml",
            body(
                "Content-Type: multipart/mixed; boundary=b",
                b"--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\nx\n--bb--\n--b\n\ny\n--b--\n",
            ),
            Top(&["parsed"]),
        ),
    ]);
    assert_eq!(desk.finds("case", "\"level 5\""), [format!("mails.eml{}", "!0:".repeat(5))]);
}

#[test]
fn mails_of_great_length() {
    let words = "=?utf-8?Q?=41?= ".repeat(200_000);
    let ids: String = (0..60_000).map(|n| format!("<{n}@example.org> ")).collect();
    let addresses: String = (0..60_000).map(|n| format!("\"N {n}\" <n{n}@example.org>, ")).collect();
    check(vec![
        ("header.eml", field("X-Long", &vec![b'x'; 64 << 20]), Top(&["partial: size"])),
        ("fields.eml", field("A", &b"b\nA: ".repeat(2_000_000)), Top(&["partial: size"])),
        ("line.eml", body("Content-Type: text/plain", &vec![b'y'; 30 << 20]), Top(&["parsed"])),
        ("long-line.eml", body("Content-Type: text/plain", &vec![b'y'; 60 << 20]), Top(&["partial: size"])),
        (
            "line-qp.eml",
            body("Content-Transfer-Encoding: quoted-printable", &b"=41".repeat(6 << 20)),
            Top(&["parsed"]),
        ),
        (
            "line-base64.eml",
            body("Content-Transfer-Encoding: base64", &vec![b'A'; 24 << 20]),
            Top(&["parsed"]),
        ),
        ("words.eml", field("Subject", words.as_bytes()), Top(&["parsed", "partial: size"])),
        (
            "open-words.eml",
            field("Subject", "=?utf-8?B?".repeat(200_000).as_bytes()),
            Top(&["parsed", "partial: size"]),
        ),
        ("references.eml", field("References", ids.as_bytes()), Top(&["parsed", "partial: size"])),
        ("addresses.eml", field("To", addresses.as_bytes()), Top(&["parsed", "partial: size"])),
        ("comments.eml", field("From", "(".repeat(1_000_000).as_bytes()), Top(&["parsed", "partial: size"])),
        (
            "groups.eml",
            field("To", "a:;b:;,,,\"\\\"<".repeat(100_000).as_bytes()),
            Top(&["parsed", "partial: size"]),
        ),
        (
            "params.eml",
            field("Content-Type", format!("text/plain{}", "; a*0*=x".repeat(100_000)).as_bytes()),
            Top(&["parsed", "partial: size"]),
        ),
        ("dates.eml", field("Date", "(".repeat(100_000).as_bytes()), Top(&["parsed", "partial: size"])),
        ("line.txt", vec![b'z'; 60 << 20], Are(&[("", "parsed")])),
        ("divs.html", "<div>".repeat(1_000_000).into_bytes(), Top(&["parsed", "partial: size"])),
        ("angles.html", [b"<html>".to_vec(), b"<".repeat(8 << 20)].concat(), Top(&["parsed"])),
        ("attributes.html", [b"<html><a ".to_vec(), b"a=b ".repeat(1 << 20)].concat(), Top(&["parsed"])),
    ]);
}

#[test]
fn mails_with_odd_bytes() {
    let desk = check(vec![
        (
            "nuls.eml",
            body("Content-Type: text/plain", b"before\0\0\0after pomegranate\0"),
            Top(&["parsed", "partial: damaged"]),
        ),
        (
            "nul-header.eml",
            b"From: a@example.org\nSub\0ject: x\0y\n\nquince\n".to_vec(),
            Top(&["parsed", "partial: damaged"]),
        ),
        (
            "latin-as-utf8.eml",
            body("Content-Type: text/plain; charset=utf-8", b"caf\xe9 persimmon"),
            Top(&["parsed", "partial: damaged"]),
        ),
        (
            "utf8-as-ascii.eml",
            body("Content-Type: text/plain; charset=us-ascii", "café medlar".as_bytes()),
            Top(&["parsed"]),
        ),
        (
            "no-charset.eml",
            body("Content-Type: text/plain; charset=nothing-of-the-kind", b"plain loquat"),
            Top(&["parsed", "partial: damaged"]),
        ),
        (
            "utf7.eml",
            body("Content-Type: text/plain; charset=utf-7", b"+ADw-script+AD4- guava +-"),
            Top(&["parsed", "partial: damaged"]),
        ),
        (
            "utf7-open.eml",
            body("Content-Type: text/plain; charset=utf-7", b"+////papaya"),
            Top(&["parsed", "partial: damaged"]),
        ),
        (
            "utf16.eml",
            body("Content-Type: text/plain; charset=utf-16", b"\xff\xfel\0i\0m\0e\0\xd8"),
            Top(&["parsed", "partial: damaged"]),
        ),
        (
            "escapes.eml",
            mail(
                "\u{1b}[31mred\u{1b}[0m \u{202e}desrever",
                "\u{1b}]0;owned\u{7} \u{9b}2J \u{202e}kumquat \u{2066}x",
            ),
            Top(&["parsed"]),
        ),
        ("sql.eml", field("Message-ID", b"<'; DROP TABLE items; --\"@example.org>"), Top(&["parsed"])),
        ("html.eml", field("Message-ID", b"<<script>alert(1)</script>@example.org>"), Top(&["parsed"])),
        ("formula.eml", field("Subject", b"=HYPERLINK(\"http://example.org\")"), Top(&["parsed"])),
        (
            "bad-base64.eml",
            body("Content-Transfer-Encoding: base64", b"!!!!dGFuZ2VyaW5l====\xff\xff"),
            Top(&["parsed", "partial: damaged"]),
        ),
        (
            "bad-qp.eml",
            body("Content-Transfer-Encoding: quoted-printable", b"=ZZ = =\n=E9=\n=4 tamarind"),
            Top(&["parsed", "partial: damaged"]),
        ),
        ("year-0.eml", field("Date", b"Mon, 1 Jan 0000 00:00:00 +0000"), Top(&["parsed"])),
        ("year-99999.eml", field("Date", b"Mon, 1 Jan 99999 00:00:00 +9999"), Top(&["parsed"])),
        ("empty.eml", Vec::new(), Top(&["parsed", "opaque: unknown-type"])),
        ("newlines.eml", b"\n\n\n\n".to_vec(), Top(&["parsed"])),
        ("colon.eml", b":\n:\n\n:".to_vec(), Top(&["parsed", "opaque: unknown-type", "partial: damaged"])),
        (
            "folded.eml",
            [b"Subject: a\n".to_vec(), b" \n".repeat(100_000), b"\nx\n".to_vec()].concat(),
            Top(&["parsed", "partial: size"]),
        ),
        (
            "cr.eml",
            b"From: a@example.org\rSubject: mac\r\rmangosteen\r".to_vec(),
            Top(&["parsed", "partial: damaged"]),
        ),
        (
            "attached.eml",
            mail_with(
                "odd names",
                "see",
                &[
                    ("../../etc/passwd", "text/plain", b"lychee"),
                    ("gpj.\u{202e}exe", "text/plain", b"rambutan"),
                    ("", "text/plain", b"longan"),
                ],
            ),
            Are(&[
                ("", "parsed"),
                ("!../../etc/passwd", "parsed"),
                ("!gpj.%E2%80%AEexe", "parsed"),
                ("!2:", "parsed"),
            ]),
        ),
    ]);
    for word in [
        "pomegranate",
        "quince",
        "persimmon",
        "medlar",
        "loquat",
        "guava",
        "kumquat",
        "tangerine",
        "tamarind",
        "mangosteen",
        "lychee",
        "rambutan",
        "longan",
    ] {
        assert_eq!(desk.finds("case", word).len(), 1, "{word}");
    }
    for value in ["%DROP TABLE items%", "%<script>%", "=HYPERLINK(%"] {
        let rows = desk.sql("case", &format!("SELECT value FROM headers WHERE value LIKE '{value}'"));
        assert_eq!(rows.len(), 1, "{value}: kept as it stands, and done nothing with");
    }
}

#[test]
fn references_in_circles() {
    let linked = |id: &str, to: &str| {
        let head = format!(
            "From: a@example.org\nMessage-ID: <{id}>\nReferences: {to}\nIn-Reply-To: {to}\nSubject: circle\n\n{id}\n"
        );
        head.into_bytes()
    };
    let chain: Vec<Vec<u8>> =
        (0..3000).map(|n| linked(&format!("c{n}"), &format!("<c{}>", (n + 1) % 3000))).collect();
    let desk = check(vec![
        ("self.eml", linked("a", "<a>"), Top(&["parsed"])),
        ("one.eml", linked("one", "<two>"), Top(&["parsed"])),
        ("two.eml", linked("two", "<one>"), Top(&["parsed"])),
        ("chain.mbox", mbox(chain.iter().map(Vec::as_slice)), Count(&[("parsed", 3001)])),
        (
            "same-id.mbox",
            mbox([linked("s", "<a>").as_slice(), &linked("s", "<b>"), &linked("s", "<s>")]),
            Count(&[("parsed", 4)]),
        ),
    ]);
    desk.sql("case", "SELECT count(*) AS n FROM threads");
}

#[test]
fn mailboxes() {
    let good = mail("in the box", "nectarine");
    let whole = mbox([
        good.as_slice(),
        &mail("second", "apricot"),
        &mail_with("third", "x", &[("a.txt", "text/plain", b"damson")]),
    ]);
    let cut = |share: usize| whole[..whole.len() * share / 100].to_vec();
    let from = b"From a@b Mon Jan  1 00:00:00 2001\n";
    let desk = check(vec![
        ("cut-10.mbox", cut(10), Top(&["parsed", "partial: truncated", "partial: damaged"])),
        ("cut-50.mbox", cut(50), Top(&["parsed", "partial: truncated", "partial: damaged"])),
        ("cut-95.mbox", cut(95), Top(&["parsed", "partial: truncated", "partial: damaged"])),
        ("from.mbox", from.repeat(50_000), Top(&["parsed", "partial: damaged"])),
        (
            "nuls.mbox",
            [from.as_slice(), &vec![0; 1 << 20], b"\n", &whole].concat(),
            Top(&["parsed", "partial: damaged"]),
        ),
        (
            "length.mbox",
            [from.as_slice(), b"Content-Length: 99999999999999999999\n\nx\n\n", &whole].concat(),
            Top(&["parsed", "partial: damaged"]),
        ),
        (
            "cut.eml",
            mail_with("cut", "x", &[("a.txt", "text/plain", &vec![b'x'; 3000])])[..2001].to_vec(),
            Top(&["parsed", "partial: truncated"]),
        ),
        (
            "cut-header.eml",
            b"From: a@example.org\nSubject: cut he".to_vec(),
            Top(&["parsed", "partial: truncated"]),
        ),
        ("emlx.emlx", b"99999999999\nSubject: x\n\ny\n".to_vec(), Top(&["partial: truncated"])),
    ]);
    let told = desk.sql(
        "case",
        "SELECT DISTINCT i.path FROM defects d JOIN items i ON i.blob = d.blob WHERE d.kind = 'no-final-boundary'",
    );
    assert!(told.iter().any(|row| row["path"] == "cut.eml"), "{told:?}");
}

// ---- names and kinds of files ----

#[test]
fn names_of_files() {
    let desk = Desk::new();
    let long = "n".repeat(251);
    let names: &[(&[u8], &str)] = &[
        (b"\x1b[31mred\x1b[0m.eml", "%1B[31mred%1B[0m.eml"),
        ("gpj.\u{202e}lme.eml".as_bytes(), "gpj.%E2%80%AElme.eml"),
        (b"line\nbreak.eml", "line%0Abreak.eml"),
        (b"caf\xe9.eml", "caf%E9.eml"),
        (b"\xff\xfe", "%FF%FE"),
        (b"--help", "--help"),
        (b"-rf .eml", "-rf .eml"),
        (b" leading and trailing ", " leading and trailing "),
        (b"100% #1!.eml", "100%25 %231%21.eml"),
        (b"$(touch owned)`touch owned`;'\"", "$(touch owned)`touch owned`;'\""),
        (b"README.eml", "README.eml"),
        (b"readme.eml", "readme.eml"),
        ("\u{e9}.eml".as_bytes(), "\u{e9}.eml"),
        ("e\u{301}.eml".as_bytes(), "e\u{301}.eml"),
        (b"deep/\x07/\x9b2J/x.eml", "deep/%07/%9B2J/x.eml"),
        (long.as_bytes(), &long),
    ];
    for (n, (raw, _)) in names.iter().enumerate() {
        desk.write_raw(&[b"dump/".as_slice(), raw].concat(), mail(&format!("named{n}"), "text"));
    }
    desk.open("dump", "case");
    let ledger = desk.ledger("case");
    let mut expected: Vec<_> = names.iter().map(|(_, shown)| (*shown).to_owned()).collect();
    expected.sort();
    assert_eq!(ledger.keys().cloned().collect::<Vec<_>>(), expected);
    assert!(ledger.values().all(|became| became == "parsed"), "{ledger:#?}");
    for (n, (_, shown)) in names.iter().enumerate() {
        assert_eq!(desk.finds("case", &format!("named{n}")), [*shown]);
        let said = desk.tamis(&["show", "case", "--", shown]).exits(0);
        assert!(said.out.contains(&format!("named{n}")));
    }
    desk.holds("case");
    look_at_all(&desk);
    // The dump and the case may have such names too, and so may what does not exist.
    for name in ["dump \u{1b}[31m\u{202e}\n", "-dump"] {
        desk.write(format!("{name}/a.eml"), mail("one", "text"));
        desk.ok(&["open", "--no-desk", "--case", &format!("case of {name}"), "--", name]);
        desk.ok(&["summary", &format!("case of {name}")]);
        desk.ok(&["summary", &format!("case of {name}"), "--json"]);
        desk.tamis(&["show", &format!("case of {name}"), "no\u{1b}[31m\u{202e}"]).exits(2);
        desk.tamis(&["search", &format!("case of {name}"), "\"\u{1b}[31m\u{202e}"]).exits(2);
        desk.tamis(&[
            "sql",
            &format!("case of {name}"),
            "SELECT '\u{1b}[31m\u{202e}' AS \"\u{1b}[31m\u{202e}\"",
        ])
        .exits(0);
        desk.tamis(&["sql", &format!("case of {name}"), "SELECT \u{1b}[31m\u{202e}"]).exits(2);
        desk.tamis(&["open", "--no-desk", "no\u{1b}[31m\u{202e}"]).exits(2);
        desk.tamis(&["no\u{1b}[31m\u{202e}"]).exits(2);
        desk.tamis(&["open", "dump", "--reread", "no\u{1b}[31m\u{202e}"]).exits(2);
        desk.tamis(&["help", "no\u{1b}[31m\u{202e}"]).exits(2);
    }
}

#[test]
fn what_is_no_file_is_noted_and_not_followed() {
    let desk = Desk::new();
    desk.write("outside/secret.eml", mail("secret", "nobody is to see this"));
    desk.write("dump/a.eml", mail("honest", "apple"));
    for (target, link) in [
        ("../outside/secret.eml", "to-file"),
        ("../outside", "to-folder"),
        ("nowhere", "dangling"),
        ("loop", "loop"),
        (".", "here"),
        ("/", "root"),
        ("\u{1b}[31m", "escapes"),
    ] {
        symlink(target, desk.path("dump").join(link)).unwrap();
    }
    fs::hard_link(desk.path("dump/a.eml"), desk.path("dump/b.eml")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(desk.path("dump/socket")).unwrap();
    assert!(Command::new("mkfifo").arg(desk.path("dump/pipe")).status().unwrap().success());
    let device = Command::new("mknod").arg(desk.path("dump/device")).args(["c", "1", "5"]).output().unwrap();
    if !device.status.success() {
        println!("skipped: no device can be made here");
    }
    let summary = desk.open("dump", "case");
    let mut ledger = desk.ledger("case");
    if device.status.success() {
        assert_eq!(ledger.remove("device").unwrap(), "refused: device");
    }
    let rows: Vec<_> = ledger.iter().map(|(path, became)| (path.as_str(), became.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("a.eml", "parsed"),
            ("b.eml", "duplicate"),
            ("dangling", "refused: link"),
            ("escapes", "refused: link"),
            ("here", "refused: link"),
            ("loop", "refused: link"),
            ("pipe", "refused: device"),
            ("root", "refused: link"),
            ("socket", "refused: device"),
            ("to-file", "refused: link"),
            ("to-folder", "refused: link"),
        ]
    );
    assert_eq!(desk.finds("case", "nobody"), [""; 0]);
    let size = fs::metadata(desk.path("dump/a.eml")).unwrap().len();
    assert_eq!(summary["bytes"]["in"], 2 * size, "what is no file has no bytes");
    desk.ok(&["open", "dump", "--case", "case", "--strict", "--no-desk"]);
    desk.tamis(&["show", "case", "to-file"]).fails(2, "has no content");
    desk.holds("case");
    look_at_all(&desk);
}

#[test]
fn files_that_change_while_they_are_read() {
    let desk = Desk::new();
    let filler = "honest content ".repeat(1 << 20);
    desk.write("dump/growing.txt", &filler);
    for n in 0..20 {
        desk.write(format!("dump/{n:02}.eml"), mail(&format!("steady{n}"), "text"));
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let path = desk.path("dump/growing.txt");
        let done = &done;
        scope.spawn(move || {
            let mut file = fs::File::options().append(true).open(path).unwrap();
            while !done.load(Ordering::Relaxed) {
                file.write_all(b"more ").unwrap();
            }
        });
        let said = desk.tamis(&["open", "dump", "--case", "case", "--no-desk"]);
        done.store(true, Ordering::Relaxed);
        said.exits(0);
    });
    let ledger = desk.ledger("case");
    assert_eq!(ledger["growing.txt"], "failed: changed");
    assert_eq!(ledger.values().filter(|became| *became == "parsed").count(), 20);
    assert!(desk.digest("case").ends_with(" unsettled=1\n"));
    desk.holds("case");
    // Once it stands still, it is read, and the row that said otherwise is gone.
    desk.open("dump", "case");
    assert_eq!(desk.ledger("case")["growing.txt"], "parsed");
    assert_eq!(desk.ledger("case").len(), 21);
    desk.holds("case");
    desk.open("dump", "whole");
    assert_eq!(desk.digest("case"), desk.digest("whole"));
}

#[test]
fn a_folder_that_changes_while_it_is_read() {
    let desk = Desk::new();
    for n in 0..300 {
        desk.write(format!("dump/{:03}/x.eml", n), mail(&format!("steady{n}"), "text"));
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (path, done) = (desk.path("dump"), &done);
        scope.spawn(move || {
            let (one, other, link) = (path.join("150"), path.join("elsewhere"), path.join("150/x.eml"));
            while !done.load(Ordering::Relaxed) {
                fs::rename(&one, &other).unwrap();
                fs::rename(&other, &one).unwrap();
                fs::remove_file(&link).unwrap();
                symlink("/etc/passwd", &link).unwrap();
                fs::remove_file(&link).unwrap();
                fs::write(&link, mail("steady150", "text")).unwrap();
            }
        });
        for n in 0..6 {
            let case = format!("case{n}");
            desk.tamis(&["open", "dump", "--case", &case, "--no-desk"]).exits(0);
            desk.holds(&case);
            assert_eq!(desk.finds(&case, "root"), [""; 0], "/etc/passwd was read");
            assert!(desk.finds(&case, "kind:mail").len() >= 299);
        }
        done.store(true, Ordering::Relaxed);
    });
    desk.open("dump", "case0");
    desk.holds("case0");
    // What was listed and then was gone stays noted; what is there was read.
    for (path, became) in desk.ledger("case0") {
        assert_eq!(became == "parsed", desk.path("dump").join(&path).exists(), "{path}: {became}");
    }
}

/// Base64 as the tests write it is what readers read.
#[test]
fn the_tests_own_base64() {
    for (bytes, text) in [
        (b"".as_slice(), ""),
        (b"f", "Zg==\n"),
        (b"fo", "Zm8=\n"),
        (b"foo", "Zm9v\n"),
        (b"foobar", "Zm9vYmFy\n"),
    ] {
        assert_eq!(base64(bytes), text);
    }
}
