//! The dump against its truth, read by others: `mail-parser` for mails, the archive crates for archives,
//! and a naive splitter for mboxes. None of the writer's own code is used to read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Cursor, Read},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};
use sha2::{Digest, Sha256};
use tamis_demo::{
    Counts, DemoError, FULL_ATTACHMENTS, FULL_SENDERS, Layout, Place, Plan, Scale, Truth, write, write_dump,
};
use tamis_model::names::escape;

type Hash = [u8; 32];

/// One mail where it stands at top level, in an mbox or in an archive.
struct Standing {
    path: String,
    bytes: Vec<u8>,
}

/// Everything in a dump.
#[derive(Default)]
struct Content {
    files: u64,
    bytes: u64,
    mails: Vec<Standing>,
    /// Files and members that are no mails.
    others: Vec<(String, Vec<u8>)>,
}

fn small(layout: Layout) -> (tempfile::TempDir, Truth) {
    let dir = tempfile::tempdir().unwrap();
    let truth = write(&Plan { layout, ..Plan::default() }, &dir.path().join("dump")).unwrap();
    (dir, truth)
}

fn walk(root: &Path) -> Content {
    let mut content = Content::default();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            if meta.is_dir() {
                folders.push(path);
                continue;
            }
            content.files += 1;
            if meta.is_symlink() {
                continue;
            }
            content.bytes += meta.len();
            let name = escape(path.strip_prefix(root).unwrap().as_os_str().as_bytes());
            file(&mut content, name, fs::read(&path).unwrap());
        }
    }
    content
}

fn file(content: &mut Content, name: String, bytes: Vec<u8>) {
    match name.split('/').next() {
        Some("boites") => {
            for (i, mail) in split_mbox(&bytes).into_iter().enumerate() {
                content.mails.push(Standing { path: format!("{name}#{i}"), bytes: mail });
            }
        }
        Some("maildir" | "eml" | "mails") => content.mails.push(Standing { path: name, bytes }),
        Some("archives") => {
            let Ok(mut zip) = zip::ZipArchive::new(Cursor::new(bytes)) else { return };
            for i in 0..zip.len() {
                let mut inner = Vec::new();
                let Ok(mut member) = zip.by_index(i) else { continue };
                let path = format!("{name}!{}", escape(member.name_raw()));
                if member.read_to_end(&mut inner).is_err() {
                    continue;
                }
                match path.ends_with(".eml") {
                    true => content.mails.push(Standing { path, bytes: inner }),
                    false => content.others.push((path, inner)),
                }
            }
        }
        _ => content.others.push((name, bytes)),
    }
}

/// A mail starts after a `From ` line at the start or after an empty line.
fn split_mbox(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut mails: Vec<Vec<u8>> = Vec::new();
    let mut empty = true;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        if empty && line.starts_with(b"From ") {
            mails.push(Vec::new());
        } else if let Some(mail) = mails.last_mut() {
            mail.extend_from_slice(line);
        }
        empty = line == b"\n" || line == b"\r\n";
    }
    for mail in &mut mails {
        let cut = if mail.ends_with(b"\r\n") { 2 } else { 1 };
        mail.truncate(mail.len() - cut);
    }
    mails
}

#[derive(Default)]
struct Naive {
    counts: Counts,
    unique: BTreeSet<Hash>,
    ids: BTreeSet<String>,
    senders: BTreeSet<String>,
    attached: BTreeSet<Hash>,
    dates: BTreeSet<i64>,
}

fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

impl Naive {
    /// `whole` is the mail at top level: offsets of inner parts count from its start.
    fn mail(&mut self, message: &Message, whole: &[u8], bytes: &[u8], nested: bool) {
        self.counts.mails += 1;
        self.counts.mails_nested += u64::from(nested);
        self.unique.insert(hash(bytes));
        match message.message_id() {
            Some(id) => {
                self.ids.insert(id.to_owned());
            }
            None => self.counts.without_message_id += 1,
        }
        if let Some(address) = message.from().and_then(Address::first).and_then(|a| a.address()) {
            self.senders.insert(address.to_lowercase());
        }
        match message.date().filter(|date| date.is_valid()) {
            Some(date) => {
                self.dates.insert(date.to_timestamp());
            }
            None => self.counts.without_date += 1,
        }
        for part in &message.parts {
            if let PartType::Message(inner) = &part.body {
                let raw = &whole[part.raw_body_offset() as usize..part.raw_end_offset() as usize];
                self.mail(inner, whole, raw, true);
            } else if part.attachment_name().is_some() {
                self.counts.attachments += 1;
                // The stored bytes of parts that stand as they are; decoded ones of the others.
                let stored = &whole[part.raw_body_offset() as usize..part.raw_end_offset() as usize];
                let coding = part.content_transfer_encoding().unwrap_or_default().to_owned();
                let decoded = match coding.as_str() {
                    "base64" => part.contents().to_vec(),
                    _ => stored.to_vec(),
                };
                let decoded = match &part.body {
                    PartType::Text(_) | PartType::Html(_) if coding == "base64" => decode(stored),
                    _ => decoded,
                };
                self.attached.insert(hash(&decoded));
            }
        }
    }
}

fn decode(base64: &[u8]) -> Vec<u8> {
    use ::base64::Engine;
    let clean: Vec<u8> = base64.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    ::base64::engine::general_purpose::STANDARD.decode(clean).unwrap()
}

fn parse(bytes: &[u8]) -> Message<'_> {
    MessageParser::new().parse(bytes).expect("a mail")
}

fn count(content: &Content) -> Naive {
    let mut naive = Naive::default();
    for mail in &content.mails {
        naive.mail(&parse(&mail.bytes), &mail.bytes, &mail.bytes, false);
        let uuencoded =
            String::from_utf8_lossy(&mail.bytes).lines().any(|line| line.starts_with("begin 644 "));
        naive.counts.uuencoded += u64::from(uuencoded);
    }
    naive.counts.files = content.files;
    naive.counts.bytes = content.bytes;
    naive.counts.mails_unique = naive.unique.len() as u64;
    naive.counts.message_ids = naive.ids.len() as u64;
    naive.counts.senders = naive.senders.len() as u64;
    naive.counts.attachments_unique = naive.attached.len() as u64;
    naive
}

#[test]
fn counts_match_an_independent_count() {
    let bigger = Scale::Fraction(0.02);
    for (scale, seed, layout) in [
        (Scale::Small, 1, Layout::Mixed),
        (Scale::Small, 1, Layout::OneFileAMail),
        (Scale::Small, 2, Layout::Mixed),
        (Scale::Fraction(0.0), 3, Layout::Mixed),
        (bigger, 4, Layout::Mixed),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let truth = write(&Plan { scale, seed, layout }, &dir.path().join("dump")).unwrap();
        let mut naive = count(&walk(&dir.path().join("dump")));
        let stamp = |at: Option<&i64>| mail_parser::DateTime::from_timestamp(*at.unwrap()).to_rfc3339();
        naive.counts.first = stamp(naive.dates.first());
        naive.counts.last = stamp(naive.dates.last());
        assert_eq!(naive.counts, truth.counts, "{scale:?} {seed} {layout:?}");
        assert_eq!((truth.counts.mails, truth.counts.senders), (scale.mails(), scale.senders()));
        let saved: Truth = serde_json::from_slice(&fs::read(dir.path().join("truth.json")).unwrap()).unwrap();
        assert_eq!(saved.counts, truth.counts);
        assert!(truth.counts.mails_unique < truth.counts.mails);
        assert!(truth.counts.message_ids < truth.counts.mails_unique);
    }
}

fn tree(root: &Path) -> BTreeMap<Vec<u8>, Hash> {
    let mut out = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec();
            if meta.is_dir() {
                folders.push(path);
                out.insert(name, [0; 32]);
            } else if meta.is_symlink() {
                out.insert(name, hash(fs::read_link(&path).unwrap().as_os_str().as_bytes()));
            } else {
                out.insert(name, hash(&fs::read(&path).unwrap()));
            }
        }
    }
    out
}

#[test]
fn same_plan_same_bytes_and_another_seed_other_bytes() {
    for layout in [Layout::Mixed, Layout::OneFileAMail] {
        let write = |seed| {
            let dir = tempfile::tempdir().unwrap();
            let truth = write_dump(&Plan { seed, layout, scale: Scale::Small }, dir.path()).unwrap();
            (tree(dir.path()), serde_json::to_string(&truth).unwrap())
        };
        assert!(write(5) == write(5));
        assert!(write(5).0 != write(6).0);
    }
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine"), b"x").unwrap();
    let error = write_dump(&Plan::default(), dir.path()).unwrap_err();
    assert!(matches!(error, DemoError::NotEmpty { .. }));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// All text of a mail that stands at a place of a kind, decoded.
fn text_at(message: &Message, raw: &[u8], place: Place, word: &str) -> String {
    let bodies = |message: &Message, html: bool| -> String {
        let parts = message.parts.iter().filter(|part| part.attachment_name().is_none());
        let texts = parts.filter_map(|part| match (&part.body, html) {
            (PartType::Text(text), false) | (PartType::Html(text), true) => Some(text.to_string()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    };
    let nested = || {
        message.parts.iter().find_map(|part| match &part.body {
            PartType::Message(inner) => Some(inner),
            _ => None,
        })
    };
    let attachment = |message: &Message| -> Vec<u8> {
        let part = message.parts.iter().find(|part| part.attachment_name().is_some()).unwrap();
        decode(&raw[part.raw_body_offset() as usize..part.raw_end_offset() as usize])
    };
    match place {
        Place::Subject | Place::SubjectQ | Place::SubjectB => message.subject().unwrap().to_owned(),
        Place::FromName => message.from().unwrap().first().unwrap().name().unwrap().to_owned(),
        Place::FileName => message.parts.iter().find_map(|part| part.attachment_name()).unwrap().to_owned(),
        Place::HtmlBody => {
            assert!(!bodies(message, false).contains("xyl"));
            bodies(message, true)
        }
        Place::HtmlEntity => bodies(message, true).replace("&eacute;", "é"),
        Place::BodyFlowed => bodies(message, false).replace(" \r\n", " ").replace(" \n", " "),
        Place::BodyPhrase => bodies(message, false).replace("\r\n", " ").replace('\n', " "),
        Place::BodyQuotedPrintable => {
            assert!(!String::from_utf8_lossy(raw).contains(word), "the word is cut by a soft break");
            bodies(message, false)
        }
        Place::Uuencoded => uudecode(&bodies(message, false)),
        Place::NestedMail | Place::BouncedMail => bodies(nested().unwrap(), false),
        Place::NestedAttachment => String::from_utf8(attachment(nested().unwrap())).unwrap(),
        Place::AttachmentText | Place::AttachmentHtml | Place::AttachmentIcs | Place::AttachmentVcf => {
            String::from_utf8(attachment(message)).unwrap()
        }
        Place::AttachmentCsv => String::from_utf8_lossy(&attachment(message)).into_owned(),
        Place::AttachmentGzip => gunzip(&attachment(message)),
        Place::AttachmentZipMember | Place::AttachmentDocx | Place::AttachmentXlsx => {
            unzip(&attachment(message))
        }
        Place::AttachmentPdf => inflate_streams(&attachment(message)),
        _ => bodies(message, false),
    }
}

fn uudecode(text: &str) -> String {
    let mut out = Vec::new();
    for line in text.lines().skip_while(|line| !line.starts_with("begin 644 ")).skip(1) {
        let value = |c: u8| u32::from(c.wrapping_sub(32) & 63);
        let [first, rest @ ..] = line.as_bytes() else { break };
        let mut bytes = Vec::new();
        for group in rest.chunks(4) {
            let word = group.iter().fold(0, |word, c| word << 6 | value(*c));
            bytes.extend([(word >> 16) as u8, (word >> 8) as u8, word as u8]);
        }
        bytes.truncate(value(*first) as usize);
        if bytes.is_empty() {
            break;
        }
        out.extend(bytes);
    }
    String::from_utf8(out).unwrap()
}

fn gunzip(bytes: &[u8]) -> String {
    let mut out = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut out).unwrap();
    out
}

fn unzip(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    for i in 0..zip.len() {
        let mut inner = Vec::new();
        zip.by_index(i).unwrap().read_to_end(&mut inner).unwrap();
        out.push_str(&match inner.starts_with(b"PK") {
            true => unzip(&inner),
            false => String::from_utf8_lossy(&inner).into_owned(),
        });
    }
    out
}

fn inflate_streams(pdf: &[u8]) -> String {
    let mut out = String::new();
    for (i, _) in pdf.windows(8).enumerate().filter(|(_, w)| *w == b">>\nstrea") {
        let mut stream = Vec::new();
        let _ = flate2::read::ZlibDecoder::new(&pdf[i + 10..]).read_to_end(&mut stream);
        out.push_str(&String::from_utf8_lossy(&stream));
    }
    out
}

#[test]
fn every_planted_word_is_where_the_truth_says_and_nowhere_else() {
    let (dir, truth) = small(Layout::Mixed);
    let content = walk(&dir.path().join("dump"));
    let mails: BTreeMap<&str, &[u8]> =
        content.mails.iter().map(|m| (m.path.as_str(), &m.bytes[..])).collect();
    let others: BTreeMap<&str, &[u8]> = content.others.iter().map(|(p, b)| (p.as_str(), &b[..])).collect();
    let mut places = BTreeSet::new();
    for planted in &truth.planted {
        assert_eq!(planted.items, planted.paths.len() as u64);
        places.insert(planted.place);
        for path in &planted.paths {
            let text = match (mails.get(path.as_str()), others.get(path.as_str())) {
                (Some(raw), _) => text_at(&parse(raw), raw, planted.place, &planted.text),
                (None, Some(bytes)) if bytes.starts_with(&[0x1F, 0x8B]) => gunzip(bytes),
                (None, Some(bytes)) if bytes.starts_with(b"PK") => unzip(bytes),
                (None, Some(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
                (None, None) => panic!("{path} is not in the dump"),
            };
            assert!(text.contains(&planted.text), "{:?} {} in {path}:\n{text}", planted.place, planted.text);
        }
    }
    assert_eq!(places.len(), 39, "every place is used");
    // A word that is visible as it stands is visible in the named mails only.
    for planted in truth.planted.iter().filter(|p| p.place == Place::Body) {
        let holders =
            content.mails.iter().filter(|m| String::from_utf8_lossy(&m.bytes).contains(&planted.text));
        let holders: BTreeSet<&str> = holders.map(|m| m.path.as_str()).collect();
        assert_eq!(holders, planted.paths.iter().map(String::as_str).collect());
    }
}

#[test]
fn special_files_are_there_and_as_they_are_called() {
    let (dir, truth) = small(Layout::Mixed);
    let content = walk(&dir.path().join("dump"));
    let known: BTreeSet<&str> = content
        .mails
        .iter()
        .map(|m| m.path.as_str())
        .chain(content.others.iter().map(|(p, _)| p.as_str()))
        .collect();
    let unreadable = [
        "archives/coupe.zip",
        "archives/altere.zip",
        "archives/confidentiel.zip!secret.txt",
        "documents/lien.txt",
    ];
    for expected in &truth.ledger {
        let path = expected.path.as_str();
        assert!(known.contains(path) != unreadable.contains(&path), "{path}");
    }
    for path in unreadable {
        assert!(truth.ledger.iter().any(|expected| expected.path == path), "{path}");
    }
    let confidential = fs::read(dir.path().join("dump/archives/confidentiel.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(confidential)).unwrap();
    assert!(zip.by_name("lisez-moi.txt").is_ok() && zip.by_name("secret.txt").is_err());
    assert!(
        zip::ZipArchive::new(Cursor::new(fs::read(dir.path().join("dump/archives/coupe.zip")).unwrap()))
            .is_err()
    );
    assert_eq!(truth.absent.len(), 1);
}

#[test]
fn threads_and_copies_hold() {
    let (dir, truth) = small(Layout::Mixed);
    let content = walk(&dir.path().join("dump"));
    let mut parents = BTreeMap::new();
    for mail in &content.mails {
        let message = parse(&mail.bytes);
        if let Some(id) = message.message_id() {
            parents.insert(format!("<{id}>"), message.in_reply_to().as_text().map(|id| format!("<{id}>")));
        }
    }
    assert_eq!(truth.threads.iter().filter(|thread| thread.missing.is_some()).count(), 1);
    for thread in &truth.threads {
        for (id, parent) in thread.message_ids.iter().zip(&thread.parents) {
            if thread.missing.as_ref() == Some(id) {
                assert!(!parents.contains_key(id));
                continue;
            }
            assert_eq!(parents[id], parent.map(|at| thread.message_ids[at].clone()), "{id}");
        }
    }
    let mails: BTreeMap<&str, &[u8]> =
        content.mails.iter().map(|m| (m.path.as_str(), &m.bytes[..])).collect();
    let (mut same, mut differ) = (0, 0);
    for copies in &truth.copies {
        let hashes: Vec<BTreeSet<Hash>> = copies
            .groups
            .iter()
            .map(|group| group.iter().map(|path| hash(mails[path.as_str()])).collect())
            .collect();
        assert!(hashes.iter().all(|group| group.len() == 1));
        assert_eq!(hashes.iter().flatten().collect::<BTreeSet<_>>().len(), hashes.len());
        same += copies.groups.iter().filter(|group| group.len() > 1).count();
        differ += usize::from(copies.groups.len() > 1);
    }
    assert!(same > 3 && differ > 10, "{same} {differ}");
}

#[test]
fn mails_are_as_varied_as_real_ones() {
    let (dir, _) = small(Layout::Mixed);
    let content = walk(&dir.path().join("dump"));
    let all: Vec<String> =
        content.mails.iter().map(|m| String::from_utf8_lossy(&m.bytes).into_owned()).collect();
    for mark in [
        "=?UTF-8?Q?",
        "=?UTF-8?B?",
        "=?iso-8859-1?Q?",
        "filename*=UTF-8''",
        "format=flowed",
        "multipart/alternative",
        "multipart/mixed",
        "multipart/related",
        "multipart/report",
        "message/rfc822",
        "text/calendar",
        "text/html",
        "quoted-printable",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: 8bit",
        "iso-8859-1",
        "windows-1252",
        "utf-16",
        "List-Id: ",
        "Auto-Submitted: auto-replied",
        "begin 644 ",
        "\n> ",
        "-0000",
        "+0100",
        "+0200",
        " GMT",
        "(CEST)",
        "References: ",
        "Received: from",
        "X-Mailer: ",
        "User-Agent: ",
        "\n>From ",
        "\n>>From ",
        "-- \n",
        "_______",
        "Content-ID: ",
        "Thread-Index: ",
    ] {
        let n = all
            .iter()
            .filter(|mail| mail.contains(mark) || mail.replace("\r\n", "\n").contains(mark))
            .count();
        assert!(n > 0, "no mail with {mark:?}");
    }
    let crlf = all.iter().filter(|mail| mail.contains("\r\n")).count();
    assert!(crlf > 40 && crlf < 360, "{crlf}");
    for mail in &all {
        let head = mail.split("\n\n").next().unwrap();
        assert!(head.lines().all(|line| line.len() < 998 || line.len() > 20_000), "{head}");
    }
}

#[test]
fn proportions_of_the_full_scale_hold_in_a_smaller_one() {
    let dir = tempfile::tempdir().unwrap();
    let scale = Scale::Fraction(0.04);
    let truth = write_dump(&Plan { scale, seed: 3, layout: Layout::OneFileAMail }, dir.path()).unwrap();
    let counts = &truth.counts;
    assert_eq!(counts.mails, 2_874);
    assert_eq!(counts.senders, scale.senders());
    let attachments = counts.attachments as f64 / (FULL_ATTACHMENTS as f64 * 0.04);
    assert!((0.95..1.05).contains(&attachments), "{attachments}");
    let unique = counts.attachments_unique as f64 / counts.attachments as f64;
    assert!((0.35..0.75).contains(&unique), "{unique}");
    let size = counts.bytes / counts.files;
    assert!((15_300..18_500).contains(&size), "{size} bytes a mail");
    assert_eq!(Scale::Fraction(1.0).senders(), FULL_SENDERS);
    assert!(truth.planted.len() as u64 >= counts.mails / 21);
}
