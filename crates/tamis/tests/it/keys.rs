//! `tamis keys` and `tamis incident`: what people tell a case of keys and intrusions, and what becomes of its
//! mails. The mails here were signed once, with two keys of example.org that were thrown away: `s1` of 512
//! bits, short enough to be computed in a test, and `s2` of 1024.

use std::{
    fs,
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

use crate::desk::{Desk, mail};

/// SubjectPublicKeyInfo of `s1`, base64.
const S1: &str = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMxc72aKbRvhUm9RaF+tMJgVCRUd6/GKpNBlzMxfcp4lHSaUSt0Uf5l5NMzwdv7/aRAXfw7j\
                  MmHGAhWN58913fsCAwEAAQ==";
/// Of `s2`.
const S2: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDUmwH8GqtXwi+scNxZs4qt/n9PVKl2VxawIDNXOQT4c4e4mFXsmt/P9nsXDBWXu5G4\
                  rSDW5nzbPc0zDb7Vli0xlPrKzugvhaWCWKijjdyKmVfSKZSXbqZHGFjgpLjOiiIoYHky2gWXInXZWpZw415otaPb+iudHaXx66QXBUg7\
                  GQIDAQAB";

/// Selector, number, `bh=`, `b=`.
const SIGNED: [(&str, u32, &str, &str); 6] = [
    (
        "s1",
        1,
        "Db5mSokAQM998SGs30G2pFwXsmg343UoKE2+6mVvLkI=",
        "A8HpKqbfny4VcVQ9ry5xiUlkmWzZgM9ome8Wu3flf0o0E/Yojlwkp/8w7YKLR8qntiOIj+xjAyQyCLkdxEMSYw==",
    ),
    (
        "s1",
        2,
        "UDQrTfP9uu3XGgI74ulMthwPg7j0D83UdYmHxsmPt3s=",
        "chLJTxVyUVPOWo9vqnUb2wowkLqAw6G93/SoMpaiOj59KU02iFzwbcu2fc4UAk7COIMtEGmW8lJlL0ajyRjKFw==",
    ),
    (
        "s1",
        3,
        "s6HUyAG8Ff/lGjO/CFLVwrPuoe0GgFcxrAjdCXitOgs=",
        "l5ZkaocR6It+NvYW+k7BNFOpu2rPYKI6qxotXWKihH25b7URzVSrYNruxWdVSZBFQnHzIeRAFEL4hdu+X4dg1A==",
    ),
    (
        "s1",
        8,
        "r9HPVBmjIPoX7JmpadLUBk4AeZ97bgJsn0+7EtODEIo=",
        "QlCFkqDlDFMMdArkde31qCTBQc4cdE5RGe4GT3ZRvI0GEChtbEyDXZaoUr4HmCNWJf1ncO2JUCmIUXpEDSoJzA==",
    ),
    (
        "s2",
        5,
        "n6uhhqnYSMpVxKisTV30J9Cl7Mbg3/oM0Q9aO7R2Hg8=",
        "UYm5vYTMNbr6uslMGlxKsLZCBSxt4ZEpwYM2HAAXGV7JBJOBrlVl74MZUeFf/p1ZueoYxXpjJDlC1Ov+md+mjNuXuW5TG9ngaJAKi1eV\
         8/ITfBysGuvIPAiMQsBHYtCL/MYsMEEsRCSm/UgEmsVx1oREaMXRWjxF02iTfhAwLAY=",
    ),
    (
        "s2",
        6,
        "LAHQIW/7JE2nxG1LqWqn+n5qD7OUfMFA9VEvSL1GVEc=",
        "kU+RDRSReoDMQL13IDu+XaJHqY8NsPOxk3zL64+kjD7um757uM3/b49K3ns1Gqii1DfsyFpt2b/acd5xApcYRza9/qCNwf5PexznUTdi\
         BQkk/HnLCicwD72T/tSzfuTGacmokzqWlClUwR+AyFoH6xSRgQtsM98U0sGORGM6C30=",
    ),
];

/// A desk with the case `case` of these mails and one without a signature; its summary.
fn desk() -> (Desk, Value) {
    let desk = Desk::new();
    for (selector, n, body_hash, signature) in SIGNED {
        let text = format!(
            "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s={selector}; \
             h=from:to:subject:date:message-id:mime-version:content-type:content-transfer-encoding; \
             bh={body_hash}; b={signature}\r\n\
             From: Anna <anna@example.org>\r\nTo: bo@example.net\r\nSubject: Letter {n}\r\n\
             Date: Wed, {n} Mar 2017 10:00:00 +0000\r\nMessage-ID: <{n}@example.org>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nletter {n}\r\n"
        );
        desk.write(format!("dump/{n}.eml"), text);
    }
    desk.write("dump/unsigned.eml", mail("unsigned", "nothing"));
    let summary = desk.open("dump", "case");
    (desk, summary)
}

/// A line of a keys file.
fn line(selector: &str, spki: &str, channel: &str) -> String {
    let line = json!({
        "domain": "example.org", "selector": selector, "spki": spki, "channel": channel, "witness": "archive.example",
        "first_seen": "2016-01-01T00:00:00Z", "last_seen": "2018-01-01T00:00:00Z",
    });
    format!("{line}\n")
}

/// The states in which there are mails, e.g. `A2 D5`.
fn states(by_state: &Value) -> String {
    let states = by_state.as_object().unwrap().iter().filter(|(_, n)| **n != 0);
    states.map(|(letter, n)| format!("{letter}{n}")).collect::<Vec<_>>().join(" ")
}

/// Selectors that are wanted, with the mails that wait.
fn wanted(desk: &Desk) -> Vec<(String, u64)> {
    let rows = desk.ok(&["keys", "wanted", "case", "--json"]).rows();
    let pair = |row: &Value| (row["selector"].as_str().unwrap().to_owned(), row["mails"].as_u64().unwrap());
    rows.iter().map(pair).collect()
}

// ---- from nothing to proof ----

#[test]
fn keys_that_come_in_one_after_the_other_change_what_can_be_said() {
    let (desk, summary) = desk();
    assert_eq!(states(&summary["messages"]["by_state"]), "D7");
    let rows = desk.ok(&["keys", "wanted", "case", "--json"]).rows();
    let row = |selector: &str, mails: u32, first: &str, last: &str| {
        json!({
            "domain": "example.org", "selector": selector, "mails": mails, "first": first, "last": last,
            "algorithms": ["rsa-sha256"], "clean": mails, "recoverable": true,
        })
    };
    let expected = [
        row("s1", 4, "2017-03-01T10:00:00Z", "2017-03-08T10:00:00Z"),
        row("s2", 2, "2017-03-05T10:00:00Z", "2017-03-06T10:00:00Z"),
    ];
    assert_eq!(rows, expected);

    // Seen by an archive: proof.
    desk.write("s2.jsonl", line("s2", S2, "archive"));
    let said = desk.ok(&["keys", "import", "case", "s2.jsonl", "--json"]).json();
    assert_eq!(said["added"], json!({ "key": 1, "key-event": 0, "sealer": 0, "delegate": 0 }));
    assert_eq!((&said["known"], &said["problems"]), (&json!(0), &json!([])));
    assert_eq!(states(&said["messages"]["before"]), "D7");
    assert_eq!(states(&said["messages"]["by_state"]), "A2 D5");
    assert_eq!(wanted(&desk), [("s1".to_owned(), 4)]);

    // The same again is nothing new.
    let said = desk.ok(&["keys", "import", "case", "s2.jsonl", "--json"]).json();
    assert_eq!((&said["added"]["key"], &said["known"]), (&json!(0), &json!(1)));

    // Computed from the mails themselves: consistent, no more.
    let said = desk.ok(&["keys", "recover", "case", "--json"]).json();
    let key = &said["keys"][0];
    assert_eq!(
        (&key["selector"], &key["result"], &key["bits"], &key["checked_by"]),
        (&json!("s1"), &json!("recovered"), &json!(512), &json!(2))
    );
    assert_eq!(states(&said["messages"]["by_state"]), "A2 C4 D1");
    assert_eq!(wanted(&desk), []);
    let listed = desk.ok(&["keys", "list", "case", "--json"]).rows();
    let recovered = listed.iter().find(|row| row["channel"] == "recovered").unwrap();
    assert_eq!(recovered["spki"], S1);
    assert_eq!((&recovered["bits"], &recovered["problem"]), (&json!(512), &Value::Null));
    assert_eq!(recovered["note"], "computed from 2 signatures of this case; checked by 2 others");
    assert_eq!(recovered.get("witness"), None);
    assert!(!desk.path("case/derived/recovery").read_dir().unwrap().any(|_| true), "a checkpoint is left");

    // The same key, seen outside: more, though its size counts as broken.
    desk.write("s1.jsonl", line("s1", S1, "archive"));
    let said = desk.ok(&["keys", "import", "case", "s1.jsonl", "--json"]).json();
    assert_eq!(states(&said["messages"]["before"]), "A2 C4 D1");
    assert_eq!(states(&said["messages"]["by_state"]), "A2 B4 D1");

    let audit = desk.ok(&["audit", "case"]).out;
    for told in
        ["1 added of 1 from s2.jsonl", "1 added of 1 from tamis keys recover", "1 added of 1 from s1.jsonl"]
    {
        assert!(audit.contains(told), "{told:?} is not in {audit}");
    }
    desk.holds("case");
}

#[test]
fn what_people_read_says_the_same() {
    let (desk, _) = desk();
    let out = desk.ok(&["keys", "wanted", "case"]).out;
    assert!(
        out.contains("4  example.org  s1  2017-03-01 to 2017-03-08  rsa-sha256  can be computed"),
        "{out}"
    );
    assert!(out.ends_with("2 keys are lacking\n"), "{out}");
    desk.write("s2.jsonl", line("s2", S2, "archive"));
    let out = desk.ok(&["keys", "import", "case", "s2.jsonl"]).out;
    assert!(out.contains("added              1   observations of keys"), "{out}");
    assert!(out.contains("7 → 5           D  cannot be checked"), "{out}");
    let out = desk.ok(&["keys", "list", "case"]).out;
    assert!(out.contains("example.org  s2  1024 bits  archive  archive.example"), "{out}");
    assert!(out.contains("seen        2016-01-01 00:00 to 2018-01-01 00:00"), "{out}");
    let said = desk.tamis(&["keys", "recover", "case", "--domain", "example.net"]).exits(0);
    assert!(said.out.contains("no key that is lacking can be computed"), "{said:?}");
}

// ---- files ----

#[test]
fn bad_lines_are_named_and_good_ones_used() {
    let (desk, _) = desk();
    let good = line("s2", S2, "archive");
    let mixed = [
        "# what we have",
        good.trim_end(),
        r#"{"domain":"example.org","selector":"s2","event":"revoked","at":"2019-01-01","source":"press"}"#,
        r#"{"sealer":"Lists.Example.","reason":"our own"}"#,
        r#"{"signer":"example-org.gappssmtp.com","domain":"example.org","reason":"their provider"}"#,
        "no JSON",
        r#"{"domain":"example.org","selector":"s2","event":"lost","at":"2019-01-01","source":"press"}"#,
        r#"{"sealer":"lists.example"}"#,
        r#"{"signer":"a b","domain":"example.org","reason":"x"}"#,
        "{\"domain\":\"example.org\",\"selector\":\"s9\",\"record\":\"v=DKIM1; p=\\u202e\"}",
    ];
    desk.write("mixed.jsonl", mixed.join("\n"));
    let said = desk.ok(&["keys", "import", "case", "mixed.jsonl", "--json"]);
    let value = said.json();
    assert_eq!(value["added"], json!({ "key": 2, "key-event": 1, "sealer": 1, "delegate": 1 }));
    let problems = value["problems"].as_array().unwrap();
    let lines: Vec<_> = problems.iter().map(|problem| problem["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [6, 7, 8, 9, 10]);
    assert!(problems.iter().all(|problem| problem["file"] == "mixed.jsonl"));
    for said_of in [
        "mixed.jsonl: line 6: not JSON",
        "line 7: event is none of",
        "line 8: reason lacks",
        "line 10: kept,",
    ] {
        assert!(said.err.contains(said_of), "{said_of:?} is not in {}", said.err);
    }

    // Without anything that can be used there is an error; with a name that is none, nothing is told.
    desk.write("bad.jsonl", "{\"domain\":\"example.org\",\"record\":\"p=\"}\n");
    desk.write("empty.jsonl", "");
    let before = desk.ok(&["audit", "case"]).out;
    for file in ["bad.jsonl", "empty.jsonl"] {
        desk.tamis(&["keys", "import", "case", file]).fails(2, "no keys in");
        desk.tamis(&["check", "dump/1.eml", "--keys", file]).fails(2, "no keys in");
    }
    desk.write("s1.jsonl", line("s1", S1, "archive"));
    desk.tamis(&["keys", "import", "case", "s1.jsonl", "nowhere"])
        .fails(2, "cannot read the keys in nowhere");
    desk.tamis(&["keys", "import", "case", "s1.jsonl", "--channel", "recovered"]).exits(2);
    assert_eq!(desk.ok(&["audit", "case"]).out, before);
}

#[test]
fn a_channel_is_filled_in_where_none_is_said_and_never_raised() {
    let record = format!("v=DKIM1; p={S2}");
    let zone =
        format!("s2._domainkey.example.org. 60 IN TXT (\"{}\" \"{}\")\n", &record[..100], &record[100..]);
    let json = |channel: Option<&str>| {
        let mut value = json!({ "domain": "example.org", "selector": "s2", "record": record });
        channel.inspect(|channel| value["channel"] = (*channel).into());
        value.to_string()
    };
    let archive = format!("[{{\"domain\":\"example.org\",\"selector\":\"s2\",\"value\":\"{record}\"}}]");
    let csv = format!("domain,selector,record\nexample.org,s2,{record}\n");
    let csv_with = format!("domain,selector,record,Channel\nexample.org,s2,{record},\n");
    let mapped = format!("s2,{record},example.org\n");
    let map: &[&str] = &["--map", "domain=3,selector=1,record=2"];
    // File, its content, more arguments, the channel with `--channel dns`.
    let cases: [(&str, &str, &[&str], &str); 9] = [
        ("zone", &zone, &[], "dns"),
        ("unsaid.jsonl", &json(None), &[], "dns"),
        ("user.jsonl", &json(Some("user")), &[], "user"),
        ("archive.jsonl", &json(Some("archive-unstated")), &[], "archive-unstated"),
        ("archive.json", &archive, &[], "archive-unstated"),
        ("keys.csv", &csv, &[], "dns"),
        ("with.csv", &csv_with, &[], "user"),
        ("mapped.csv", &mapped, map, "dns"),
        ("s2._domainkey.example.org.txt", &record, &[], "dns"),
    ];
    for (name, content, more, channel) in cases {
        let desk = Desk::new();
        fs::create_dir(desk.path("dump")).unwrap();
        desk.open("dump", "case");
        desk.write(name, content);
        let args = ["keys", "import", "case", name, "--channel", "dns", "--witness", "the desk", "--json"];
        let said = desk.ok(&[&args, more].concat()).json();
        assert_eq!(said["added"]["key"], 1, "{name}");
        let listed = desk.ok(&["keys", "list", "case", "--json"]).rows();
        assert_eq!((&listed[0]["channel"], &listed[0]["bits"]), (&json!(channel), &json!(1024)), "{name}");
        assert_eq!(listed[0]["witness"], "the desk", "{name}");
        // A case without a mail is not examined.
        assert_eq!(said["messages"]["by_state"], Value::Null, "{name}");
    }
}

#[test]
fn a_folder_of_records_says_by_its_names_whose_they_are() {
    let (desk, _) = desk();
    desk.write("archive/example.org/s1.txt", format!("v=DKIM1; p={S1}"));
    desk.write("archive/s2._domainkey.example.org.txt", format!("v=DKIM1; p={S2}"));
    desk.write("archive/README", "what is this");
    std::os::unix::fs::symlink("/etc", desk.path("archive/link")).unwrap();
    let args = [
        "keys",
        "import",
        "case",
        "archive",
        "--channel",
        "archive",
        "--witness",
        "archive.example",
        "--json",
    ];
    let said = desk.ok(&args).json();
    assert_eq!(said["added"]["key"], 2);
    let files: Vec<_> =
        said["problems"].as_array().unwrap().iter().map(|p| p["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["archive/link", "archive/README"], "{said}");
    assert_eq!(states(&said["messages"]["by_state"]), "A2 B4 D1");
    // The domain can be the folder's own name.
    let again = desk.ok(&["keys", "import", "case", "archive/example.org", "--json"]).json();
    assert_eq!(again["added"]["key"], 1, "as it is said to come from a person, it is another observation");
}

#[test]
fn what_is_exported_is_what_is_imported() {
    let (desk, _) = desk();
    let lines = [
        line("s1", S1, "archive-unstated").trim_end().to_owned(),
        line("s2", S2, "dns").trim_end().to_owned(),
        json!({ "domain": "xn--bcher-kva.example", "selector": "s2", "record": "v=DKIM1; p=; n=\u{202e}\u{9b}",
                "note": "withdrawn" })
        .to_string(),
        r#"{"domain":"example.org","selector":"s2","event":"published","at":"2019-01-01","source":"blog"}"#.to_owned(),
        r#"{"sealer":"lists.example","reason":"our own"}"#.to_owned(),
        r#"{"signer":"example-org.gappssmtp.com","domain":"example.org","reason":"their provider"}"#.to_owned(),
    ];
    desk.write("keys.jsonl", lines.join("\n"));
    desk.ok(&["keys", "import", "case", "keys.jsonl"]);
    let exported = desk.ok(&["keys", "export", "case"]).out;
    assert_eq!(exported.lines().count(), 6, "{exported}");
    desk.write("exported.jsonl", &exported);

    let said = desk.ok(&["keys", "import", "case", "exported.jsonl", "--json"]).json();
    assert_eq!((&said["known"], &said["problems"]), (&json!(6), &json!([])), "nothing of it is new");
    desk.open("dump", "other");
    desk.ok(&["keys", "import", "other", "exported.jsonl"]);
    assert_eq!(desk.ok(&["keys", "export", "other"]).out, exported);
    // And it is what `check` takes.
    let checked = desk.tamis(&["check", "dump/5.eml", "--keys", "exported.jsonl", "--json"]).json();
    assert_eq!(checked["signatures"][0]["result"], "verified");
}

// ---- recovery ----

#[test]
fn a_key_that_cannot_be_computed_is_no_error_and_goes_on_where_it_stopped() {
    let (desk, _) = desk();
    // Two mails with one signature are one signature.
    let text = fs::read_to_string(desk.path("dump/5.eml")).unwrap().replace("s=s2;", "s=s3;");
    desk.write("more/a.eml", &text);
    desk.write("more/b.eml", text.replace("Letter 5", "Letter 7"));
    desk.open("more", "case");
    let rows = desk.ok(&["keys", "wanted", "case", "--json"]).rows();
    let of = |selector: &str| rows.iter().find(|row| row["selector"] == selector).unwrap();
    assert_eq!((&of("s3")["mails"], &of("s3")["recoverable"]), (&json!(2), &json!(false)));
    let said = desk.tamis(&["keys", "recover", "case", "--selector", "s3", "--json"]).exits(1).json();
    assert_eq!(said["keys"][0]["result"], "too-few");

    // Stopped while it works; the same command goes on.
    let child = desk.start(&["keys", "recover", "case", "--selector", "s1"]);
    let recovery = desk.path("case/derived/recovery");
    let begun = || recovery.read_dir().is_ok_and(|mut files| files.any(|_| true));
    for _ in 0..600 {
        if begun() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    // SAFETY: a signal to a process that this test started and has not waited for.
    unsafe { libc::kill(child.id().cast_signed(), libc::SIGINT) };
    let said = crate::desk::Said::of(child.wait_with_output().unwrap());
    said.fails(3, "stopped");
    assert!(begun(), "no checkpoint is left");
    let kept = recovery.read_dir().unwrap().next().unwrap().unwrap();
    assert_eq!(kept.metadata().unwrap().len(), 36);
    assert_eq!(desk.ok(&["keys", "list", "case", "--json"]).out, "");
    let said = desk.ok(&["keys", "recover", "case", "--selector", "s1", "--json"]).json();
    assert_eq!(
        (&said["keys"][0]["result"], &said["keys"][0]["checked_by"]),
        (&json!("recovered"), &json!(2))
    );
    assert!(!begun(), "a checkpoint is left");
}

// ---- DNS ----

/// A name server on this machine that knows a few TXT records.
struct Server {
    address: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<String>>>,
}

impl Server {
    /// Of names (without the final dot) and the strings of their record; a name with one string that begins
    /// with `@` is an alias. Of all others it says that they are not there.
    fn start(records: &'static [(&'static str, &'static [&'static str])]) -> Server {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut asked = Vec::new();
            let mut buffer = [0; 1500];
            while !stopped.load(Ordering::SeqCst) {
                let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
                let (name, answer) = answer(&buffer[..len], records);
                asked.push(name);
                socket.send_to(&answer, from).unwrap();
            }
            asked
        });
        Server { address, stop, thread: Some(thread) }
    }

    /// The names that it was asked for.
    fn asked(mut self) -> Vec<String> {
        self.stop.store(true, Ordering::SeqCst);
        let mut asked = self.thread.take().unwrap().join().unwrap();
        asked.sort();
        asked.dedup();
        asked
    }
}

/// RFC 1035 section 4: the header, the question as it was put, the answers.
fn answer(question: &[u8], records: &[(&str, &[&str])]) -> (String, Vec<u8>) {
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] != 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8(question[at + 1..end].to_vec()).unwrap());
        at = end;
    }
    let name = labels.join(".").to_lowercase();
    let mut answers = Vec::new();
    let mut wanted = name.clone();
    while let Some((owner, strings)) = records.iter().find(|(owner, _)| *owner == wanted) {
        let target = strings[0].strip_prefix('@');
        let (kind, data): (u8, Vec<u8>) = match target {
            Some(target) => (5, encoded(target)),
            None => (16, strings.iter().flat_map(|s| [&[s.len() as u8], s.as_bytes()].concat()).collect()),
        };
        let fixed = [0, kind, 0, 1, 0, 0, 0, 60];
        answers.push([&encoded(owner)[..], &fixed, &(data.len() as u16).to_be_bytes(), &data].concat());
        match target {
            Some(target) => wanted = target.to_owned(),
            None => break,
        }
    }
    let code = if answers.is_empty() { 3 } else { 0 };
    let header = [question[0], question[1], 0x81, 0x80 | code, 0, 1, 0, answers.len() as u8, 0, 0, 0, 0];
    (name, [&header[..], &question[12..at + 5], &answers.concat()].concat())
}

fn encoded(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

#[test]
fn dns_is_asked_for_what_is_wanted_and_nothing_else() {
    let (desk, _) = desk();
    let text = fs::read_to_string(desk.path("dump/5.eml")).unwrap();
    desk.write("more/gone.eml", text.replace("s=s2;", "s=gone;"));
    desk.write("more/other.eml", text.replace("s=s2;", "s=other;"));
    desk.write("more/odd.eml", text.replace("s=s2;", "s=a$b;"));
    desk.open("more", "case");
    let server = Server::start(&[
        ("s2._domainkey.example.org", &["@keys.provider.example"]),
        (
            "keys.provider.example",
            &[
                "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDUmwH8GqtXwi+scNxZs4qt/n9PVKl2VxawIDNX",
                "OQT4c4e4mFXsmt/P9nsXDBWXu5G4rSDW5nzbPc0zDb7Vli0xlPrKzugvhaWCWKijjdyKmVfSKZSXbqZHGFjgpLjOiiIoYHky2gWXInXZWpZw415otaPb+iudHaXx66QXBUg7GQIDAQAB",
            ],
        ),
        ("s1._domainkey.example.org", &["v=DKIM1; p="]),
        ("other._domainkey.example.org", &["v=spf1 -all"]),
    ]);
    let address = server.address.clone();
    let said = desk.ok(&["keys", "fetch", "case", "--server", &address, "--json"]);
    let value = said.json();
    let rows = value["asked"].as_array().unwrap();
    let of = |selector: &str| rows.iter().find(|row| row["selector"] == selector).unwrap();
    for (selector, answer, keys) in
        [("s2", "key", 1), ("s1", "key", 1), ("gone", "none", 0), ("other", "none", 0)]
    {
        assert_eq!(
            (&of(selector)["answer"], &of(selector)["keys"]),
            (&json!(answer), &json!(keys)),
            "{selector}"
        );
    }
    assert_eq!((rows.len(), &value["added"]), (4, &json!(2)));
    assert_eq!(states(&value["messages"]["by_state"]), "A2 D8");
    assert!(said.err.contains(&format!("asking {address} for 4 names")), "{}", said.err);
    assert!(said.err.contains("not asked: a$b._domainkey.example.org"), "{}", said.err);
    assert!(said.err.contains("gone._domainkey.example.org."), "{}", said.err);
    let names = ["gone", "other", "s1", "s2"].map(|selector| format!("{selector}._domainkey.example.org"));
    assert_eq!(server.asked(), names);

    let listed = desk.ok(&["keys", "list", "case", "--json"]).rows();
    let seen = listed.iter().find(|row| row["selector"] == "s2").unwrap();
    assert_eq!(seen["record"], format!("v=DKIM1; p={S2}"), "the strings of a record are one text");
    assert_eq!(seen["channel"], "dns");
    assert_eq!(seen["witness"], format!("asked by this desk at {address}"));
    assert_eq!(seen["note"], "by way of keys.provider.example.");
    let (first, now) = (seen["first_seen"].as_str().unwrap(), jiff::Timestamp::now());
    let first: jiff::Timestamp = first.parse().unwrap();
    assert!(first <= now && now.as_second() - first.as_second() < 600, "{first}");
    assert_eq!(seen["first_seen"], seen["last_seen"]);
    let withdrawn = listed.iter().find(|row| row["selector"] == "s1").unwrap();
    assert_eq!(withdrawn["problem"], "withdrawn: p= is empty");

    // What was seen is not asked for again.
    let server = Server::start(&[]);
    let address = server.address.clone();
    desk.tamis(&["keys", "fetch", "case", "--server", &address, "--domain", "Example.org"]).exits(1);
    assert!(!server.asked().contains(&"s2._domainkey.example.org".to_owned()));
}

#[test]
fn a_server_that_is_not_there_is_an_error_that_says_so() {
    let (desk, _) = desk();
    // Bound, and silent to all that it hears: refused connections and silence are both no answer.
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    desk.tamis(&["keys", "fetch", "case", "--server", &free]).fails(2, "answers nothing");
    assert_eq!(desk.ok(&["keys", "list", "case", "--json"]).out, "");
}

// ---- incidents ----

#[test]
fn an_intrusion_is_noted_and_sharpens_what_is_said() {
    let (desk, _) = desk();
    desk.write("s2.jsonl", line("s2", S2, "archive"));
    desk.ok(&["keys", "import", "case", "s2.jsonl"]);
    let flagged = |desk: &Desk| {
        let rows = desk.sql("case", "SELECT state, flags FROM states");
        let is = |row: &&Value| row["flags"].as_array().unwrap().contains(&json!("after-intrusion"));
        rows.iter().filter(is).map(|row| row["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(flagged(&desk), [] as [&str; 0]);
    let add =
        ["incident", "add", "case", "--what", "server", "--whose", "example.org", "--from", "2017-03-01"];
    let source = ["--to", "2017-04-24", "--source", "police report 17/1", "--json"];
    let said = desk.ok(&[&add[..], &source].concat()).json();
    let incident = json!({
        "what": "server", "whose": "example.org", "from": "2017-03-01T00:00:00Z", "to": "2017-04-24T23:59:59Z",
        "source": "police report 17/1",
    });
    assert_eq!((&said["added"], &said["incident"]), (&json!(1), &incident));
    assert_eq!(states(&said["messages"]["by_state"]), "A2 D5");
    assert_eq!(desk.ok(&["incident", "list", "case", "--json"]).rows(), [incident]);
    assert_eq!(
        flagged(&desk),
        ["A", "A"],
        "the two that are proven; the others show nothing of their signing"
    );

    // Told twice it stands once; a time with an offset, and one without an end.
    assert_eq!(desk.ok(&[&add[..], &source].concat()).json()["added"], 0);
    let later = ["--what", "mailbox", "--whose", "anna@example.org", "--from", "2017-05-01T02:00:00+02:00"];
    desk.ok(&[&["incident", "add", "case"][..], &later].concat());
    let out = desk.ok(&["incident", "list", "case"]).out;
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].contains("2017-04-24T23:59:59Z  server of example.org  (police report 17/1)"), "{out}");
    assert!(lines[1].starts_with("2017-05-01T00:00:00Z to not known to have ended  mailbox"), "{out}");

    for (more, what) in [
        (["--from", "2017-03-02", "--to", "2017-03-01"], "the incident cannot be noted"),
        (["--from", "last week", "--to", "2017-03-01"], "is no date"),
    ] {
        let args = [&["incident", "add", "case", "--what", "key", "--whose", "x"][..], &more].concat();
        desk.tamis(&args).fails(2, what);
    }
    assert_eq!(desk.ok(&["incident", "list", "case", "--json"]).rows().len(), 2);
}
