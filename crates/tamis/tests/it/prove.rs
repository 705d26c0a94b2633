//! `tamis prove`: what it hands over, what it refuses, and that other people's tools say the same. The mails were
//! signed once, with keys that are nowhere else.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::desk::{Desk, Said, mail, mbox};

/// Signed by RSA of 2,048 bits and by Ed25519, both relaxed/relaxed. Lines end with CRLF: see [`crlf`].
const MODERN: &str = "\
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;
\x20i=@example.org; q=dns/txt; s=big; t=1493625602; h=from : to : subject
\x20: date : message-id : mime-version : content-type;
\x20bh=QjpYSxZAkuYgd5j9zLM2/pI7zyAFCERaDFbRcukjAoQ=;
\x20b=TFHSx2u9gaVSnMJw+ePfVep9Qc43QyXsKtlS9d+Q4SlWf47PeewSxDljgJ9ns5wVWScqc
\x20hZ0ItbYMAkscxndXFFXOYy3ypP+kdJThRA+RGJd9DLPYQOZ0bbvWk+o90PShN6VREuXEfeq
\x20dKIbp+IYVFr6zH8vNgKi4Qki7mwR48HmHXzJSGhMkln8AcAsuVLU1k9uqshkGXE5MQOmNQz
\x20xKTFjCf4tupzosPIn6G80IquGjMho88xFW4occMFyAyR5gdi0t0znIfxYv8qrczIsR9hKeA
\x209KPdLK1R2D/2fkpiYX6PH4bMqSCuNS3aFheCYPSFsu1F+OqwYaWn527ICKOg==
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org;
\x20i=@example.org; q=dns/txt; s=ed; t=1493625602; h=from : to : subject :
\x20date : message-id : mime-version : content-type;
\x20bh=QjpYSxZAkuYgd5j9zLM2/pI7zyAFCERaDFbRcukjAoQ=;
\x20b=WTEiwQuS/DTof9l2pGqwZkSv1dxeDHTPBkTLAVSD0dQVxeXBivq4Q5YWsH2DDa9bi0xIv
\x20nuuhjaHtFIaVNfwCg==
From: Alix Dupont <alix@example.org>
To: bo@example.net
Subject: The lemon budget
Date: Mon, 1 May 2017 10:00:00 +0200
Message-ID: <modern@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

The budget is in the lemon folder.

From here on it is quiet.
Alix
";

/// Signed by RSA of 512 bits, simple/simple.
const OLD: &str = "\
DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=example.com;
\x20i=@example.com; q=dns/txt; s=small; t=1493625602; h=from : to :
\x20subject : date : message-id : mime-version : content-type;
\x20bh=7LUEupldOHm2fPn+Na+Qsdj3jL5t7lzHj+ES6pTYXRs=;
\x20b=aRF7GPAwpvIo9IT/ITIjHSWdJ8M2uyS3G8kHjf9VyNK6DcF410SFjWjNCwh6RKjG/P8BV
\x20IOB2GqvlelevySqPA==
From: Alix Dupont <alix@example.com>
To: bo@example.net
Subject: The apple harvest
Date: Mon, 1 May 2017 10:00:00 +0200
Message-ID: <old@example.com>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

The harvest was a small one.
Alix
";

/// Who saw which key.
const KEYS: &str = r#"{"domain": "example.org", "selector": "big", "record": "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1JLIrhx36ZDlnVFtXzeDCXYnYoKiLf1y8zIBFTAxRbPpGT4fMfJlub278i6owh9qLYiLTenyJy2Jsu/xb/j/sCusgqnokMciiSSf/kPEGQl2e54JndLlDWtK2YYM5yNoagp8936IFnaIjRS6thpktMbFAPDUQWoKEeO4W4XPUhV54OIuJROEzJFzqf7S1Cr/6TFRjqfsf2lSUnWZ8So5BRDfq2TzgJR7BfwAvj0jd7n8LZvmikqmZICzpCbOvHYGbT5GpZMWId8HJ2RGHEqutg07KWRp/fhY6Muy2fBRj3K6B3JmZcfWpjcDWnUiKd70yUiOUBlWFVzy9+jRN81S3QIDAQAB", "channel": "archive", "first_seen": "2016-03-01", "last_seen": "2018-02-11", "witness": "an archive of DNS"}
{"domain": "example.org", "selector": "ed", "record": "v=DKIM1; k=ed25519; p=vCYWiEUU7jOcM080QheSiWbJwz8766C4fQa9DNrYHZk=", "channel": "archive", "first_seen": "2016-03-01", "last_seen": "2018-02-11", "witness": "an archive of DNS"}
{"domain": "example.com", "selector": "small", "spki": "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANIvnxNfFUqrw01h1S1LtAOrgD+OAoNWuYt9f77jAk73d2Br8xxemxQKTcL3v0WFoq+ttliYJ2lLncoPx/hpDt0CAwEAAQ==", "channel": "dns", "first_seen": "2016-03-01", "last_seen": "2018-02-11", "witness": "the desk, by dig"}
"#;

const AS_OF: &str = "2017-05-05T20:00:00Z";

/// With CRLF at the end of each line, as these mails were signed.
fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

/// A desk with a case of signed mails and of others. `altered.eml` has another word in its text, `quoted.eml` a
/// `>` that a mail store put there.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("dump/Dupont-confidential/modern.eml", crlf(MODERN));
    desk.write("dump/Dupont-confidential/altered.eml", crlf(MODERN).replace("quiet", "loud!"));
    desk.write(
        "dump/Dupont-confidential/quoted.eml",
        crlf(MODERN).replace("\r\nFrom here", "\r\n>From here"),
    );
    desk.write("dump/box.mbox", mbox([mail("cherry", "unsigned words").as_slice(), OLD.as_bytes()]));
    desk.write("dump/note.txt", "a pomegranate is no mail\n");
    desk.write("keys.jsonl", KEYS);
    desk.open_with(&["dump", "--case", "case", "--keys", "keys.jsonl", "--as-of", AS_OF]);
    desk
}

const PROVEN: &str = "Dupont-confidential/modern.eml";
const ALTERED: &str = "Dupont-confidential/altered.eml";
const QUOTED: &str = "Dupont-confidential/quoted.eml";

fn prove(desk: &Desk, item: &str, to: &str) -> Said {
    desk.tamis(&["prove", "case", item, "--to", to, "--as-of", AS_OF])
}

/// The files of a proof.
fn files(desk: &Desk, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(desk.path(folder)).unwrap().map(Result::unwrap);
    let read =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    entries.map(read).collect()
}

fn text(desk: &Desk, file: &str) -> String {
    fs::read_to_string(desk.path(file)).unwrap()
}

/// Runs a program in the folder of the desk; `None`, and a word, where this machine does not have what it needs.
fn outside(desk: &Desk, program: &str, args: &[&str]) -> Option<Said> {
    for (tool, version) in [("openssl", "version"), ("python3", "--version")] {
        let there = Command::new(tool).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !there.is_ok_and(|status| status.success()) {
            println!("{tool} is not here: the check of the proof is not run");
            return None;
        }
    }
    let mut command = Command::new(program);
    command.args(args).current_dir(desk.path("")).stdin(Stdio::null());
    Some(Said::of(command.output().unwrap()))
}

// ---- other people's tools ----

#[test]
fn others_come_to_the_same() {
    let desk = desk();
    for (item, state, code, says) in [
        (
            PROVEN,
            "A",
            0,
            ["made by the key: yes; header holds: yes; body holds: yes", "as finding.json says"],
        ),
        // 512 bits, and LF in an mbox.
        (
            "box.mbox#1",
            "B",
            0,
            ["made by the key: yes; header holds: yes; body holds: yes", "as finding.json says"],
        ),
        (
            ALTERED,
            "E",
            0,
            ["made by the key: yes; header holds: yes; body holds: no", "as finding.json says"],
        ),
        (QUOTED, "B", 2, ["body holds: no", "finding.json undoes known damage first"]),
    ] {
        let to = format!("proofs/{}", item.replace('/', "-"));
        fs::create_dir_all(desk.path("proofs")).unwrap();
        let said = prove(&desk, item, &to).exits(0);
        assert!(said.out.starts_with(&format!("state     {state}  ")), "{item}: {said:#?}");
        // From another folder, and by its whole path.
        let Some(checked) = outside(&desk, "sh", &[&format!("{to}/check.sh")]) else { return };
        assert_eq!(checked.code, code, "{item}: {checked:#?}");
        for words in says {
            assert!(checked.out.contains(words), "{item}: {words:?} is not in {checked:#?}");
        }
        assert_eq!(files(&desk, &to).len(), 8, "the check leaves nothing behind");
    }
}

#[test]
fn a_changed_byte_is_seen_twice() {
    let desk = desk();
    prove(&desk, PROVEN, "proof").exits(0);
    let mail = text(&desk, "proof/mail.eml");
    let keys = text(&desk, "proof/keys.jsonl");
    for (file, changed) in [
        ("mail.eml", mail.replace("lemon folder", "melon folder")),
        ("mail.eml", mail.replace("Subject: The", "Subject: the")),
        ("mail.eml", mail.replace("b=TFHS", "b=TFHT")),
        ("keys.jsonl", keys.replace("1JLIrhx", "1JLIrhy")),
    ] {
        let before = text(&desk, &format!("proof/{file}"));
        assert_ne!(before, changed);
        desk.write(format!("proof/{file}"), &changed);
        let Some(checked) = outside(&desk, "sh", &["proof/check.sh"]) else { return };
        assert_eq!(checked.code, 1, "{file}: {checked:#?}");
        assert!(checked.out.contains("NOT those of the manifest"), "{checked:#?}");
        let checked = outside(&desk, "python3", &["-I", "-B", "proof/with_openssl.py"]).unwrap();
        assert_eq!(checked.code, 1, "{file}: {checked:#?}");
        assert!(checked.out.contains("NOT as finding.json says"), "{file}: {checked:#?}");
        desk.write(format!("proof/{file}"), &before);
    }
    desk.write("proof/json.py", "print('something that nobody listed')");
    let Some(checked) = outside(&desk, "sh", &["proof/check.sh"]) else { return };
    assert_eq!(checked.code, 1);
    assert!(checked.out.ends_with("a file is here that the manifest does not name\n"), "{checked:#?}");
}

// ---- what is in it ----

#[test]
fn it_holds_the_mail_its_keys_and_nothing_of_any_other_item() {
    let desk = desk();
    let said = desk.ok(&["prove", "case", PROVEN, "--to", "proof", "--json", "--as-of", AS_OF]).json();
    let files = files(&desk, "proof");
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(serde_json::json!(names), said["files"]);
    assert_eq!(files["mail.eml"], crlf(MODERN).as_bytes());
    let keys: Vec<&str> = KEYS.lines().collect();
    assert_eq!(text(&desk, "proof/keys.jsonl").lines().count(), 2, "those of example.org");

    let rows = desk.ok(&["ledger", "case", "--json"]).rows();
    let id = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("?").to_owned();
    let others = rows.iter().filter(|row| row["path"] != PROVEN);
    let mut foreign: Vec<String> =
        others.flat_map(|row| [id(row, "item_id"), id(row, "blob")]).filter(|id| id != "?").collect();
    let (_, other_key) = keys[2].split_once("\"spki\": \"").unwrap();
    foreign.push(other_key.split('"').next().unwrap().to_owned());
    let words = [
        "apple",
        "harvest",
        "old@example.com",
        "example.com",
        "small",
        "cherry",
        "pomegranate",
        "box.mbox",
        "Dupont-confidential",
        "altered",
        "quoted.eml",
        "dump/",
        "note.txt",
        "loud!",
    ];
    foreign.extend(words.map(str::to_owned));
    let place = desk.path("").canonicalize().unwrap();
    foreign.push(place.to_string_lossy().into_owned());
    for (name, bytes) in &files {
        let content = String::from_utf8_lossy(bytes);
        for word in &foreign {
            assert!(!content.contains(word.as_str()), "{word:?} is in {name}");
        }
    }

    let finding: serde_json::Value = serde_json::from_slice(&files["finding.json"]).unwrap();
    assert_eq!(finding["state"], "A");
    assert_eq!(finding["as_of"], AS_OF);
    assert_eq!(finding["rests_on"], 0);
    assert_eq!(finding["limits"].as_array().unwrap().len(), 7);
    assert_eq!(finding["signatures"][0]["key"]["witness"], "an archive of DNS");
    let rules: Vec<_> = finding["findings"].as_array().unwrap().iter().map(|found| &found["rule"]).collect();
    assert!(rules.contains(&&"mail.dkim.verified".into()), "{rules:?}");
    let readme = text(&desk, "proof/README.txt");
    let flowed = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [finding["state_words"].as_str().unwrap(), "an archive of DNS", "7. It may be a decoy."] {
        assert!(flowed.contains(words), "{words:?} is not in {readme}");
    }
}

#[test]
fn the_same_proof_twice() {
    let desk = desk();
    let one = desk.ok(&["prove", "case", PROVEN, "--to", "one", "--json", "--as-of", AS_OF]).json();
    let two = desk.ok(&["prove", "case", PROVEN, "--to", "two", "--json", "--as-of", AS_OF]).json();
    assert_eq!(files(&desk, "one"), files(&desk, "two"));
    assert_eq!(one["manifest_sha256"], two["manifest_sha256"]);
    desk.holds("case");
}

// ---- refused ----

/// What stands in the folder of the desk.
fn entries(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

#[test]
fn what_cannot_be_proven_leaves_nothing_behind() {
    let desk = desk();
    desk.write("full/file", "x");
    desk.write("file", "x");
    let before = entries(&desk.path(""));
    for (item, to, code, what) in [
        ("box.mbox#0", "proof", 1, "there is nothing to prove of box.mbox#0"),
        ("note.txt", "proof", 2, "note.txt is not a mail"),
        ("box.mbox", "proof", 2, "box.mbox is not a mail"),
        ("nothing.eml", "proof", 2, "no item nothing.eml in this case"),
        (PROVEN, "full", 2, "cannot write the proof into full"),
        (PROVEN, "file", 2, "cannot write the proof into file"),
        (PROVEN, "nowhere/proof", 2, "cannot write the proof into nowhere/proof"),
        (PROVEN, "case/proof", 2, "cannot write the proof into case/proof"),
    ] {
        let said = prove(&desk, item, to).fails(code, what);
        if code == 1 {
            assert!(said.err.contains("what would help: Another copy"), "{said:#?}");
        }
        assert_eq!(entries(&desk.path("")), before, "{item} {to}");
    }
    fs::create_dir(desk.path("empty")).unwrap();
    prove(&desk, PROVEN, "empty/").exits(0);
    assert_eq!(files(&desk, "empty").len(), 8, "an empty folder is one to write into");
    prove(&desk, PROVEN, "empty").fails(2, "cannot write the proof into empty");
}

#[test]
fn what_comes_out_differently_is_not_proven() {
    let desk = desk();
    // The same mail in a case that knows no key.
    desk.open_with(&["dump", "--case", "keyless", "--as-of", AS_OF]);
    let derived = |case: &str| desk.path(case).join("derived/evidence-1");
    let states = entries(&derived("case")).into_iter().filter(|name| name.starts_with("states-"));
    for name in states {
        fs::copy(derived("keyless").join(&name), derived("case").join(&name)).unwrap();
    }
    let said = prove(&desk, PROVEN, "proof").fails(1, "read again, it comes out differently");
    assert!(said.err.contains("state: D (no-key) in the case, A (signed) now"), "{said:#?}");
    assert!(!desk.path("proof").exists());
}

// ---- tamis show --as findings ----

#[test]
fn the_findings_of_one_item() {
    let desk = desk();
    let said = desk.ok(&["show", "case", PROVEN, "--as", "findings"]);
    for words in
        ["state       A  signed, unchanged (signed)", "leaves open Someone else", "mail.dkim.verified"]
    {
        assert!(said.out.contains(words), "{words:?} is not in {said:#?}");
    }
    assert!(!said.out.contains(ALTERED), "of this item only: {said:#?}");
    let rows = desk.ok(&["show", "case", PROVEN, "--as", "findings", "--json"]).rows();
    assert!(rows.iter().all(|row| row["subjects"][0]["path"] == PROVEN), "{rows:#?}");
    let rules: Vec<&str> = rows.iter().map(|row| row["rule"].as_str().unwrap()).collect();
    let all = desk.ok(&["findings", "case", "--json"]).rows();
    assert!(rules.len() < all.len() && rules.contains(&"mail.time.bounds"), "{rules:?}");
    let note = desk.ok(&["show", "case", "note.txt", "--as", "findings"]);
    assert!(note.out.contains("no mail (text/plain)"), "{note:#?}");
}
