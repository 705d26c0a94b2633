//! Files as people have them, format by format; what is exported comes back.

use proptest::prelude::*;
use tamis_model::tables::Time;

use super::*;

/// RFC 6376 appendix C.2.
const P: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

fn record() -> String {
    format!("v=DKIM1; k=rsa; p={P}")
}

/// Two strings, as DNS tools print a record.
fn strings() -> String {
    format!("\"v=DKIM1; k=rsa; p={}\" \"{}\"", &P[..100], &P[100..])
}

/// (domain, selector) of every observation whose record is [`record`].
fn pairs(imported: &Imported) -> Vec<(&str, &str)> {
    let is_ours = |observation: &&KeyObservation| observation.key == ObservedKey::Record(record());
    imported
        .observations
        .iter()
        .filter(is_ours)
        .map(|observation| (observation.domain.as_str(), observation.selector.as_str()))
        .collect()
}

fn lines(imported: &Imported) -> Vec<usize> {
    imported.problems.iter().map(|(line, _)| *line).collect()
}

fn clean(imported: &Imported, format: Format, expected: &[(&str, &str)]) {
    assert_eq!(imported.format, Some(format));
    assert_eq!(imported.problems, []);
    assert_eq!(pairs(imported), expected);
    assert_eq!(imported.observations.len(), expected.len());
}

#[test]
fn a_keys_file() {
    let text = format!(
        r#"# keys of the case
{{"domain":"Example.org.","selector":"S1","record":"{0}","channel":"dns","first_seen":"2019-03-04","last_seen":"2020-01-02T03:04:05+01:00","witness":"the desk","note":"by hand"}}

{{"domain":"example.org","selector":"s2","record":"{0}"}}
{{"domain":"example.org","selector":"s3","spki":"{P}"}}
"#,
        record()
    );
    let imported = import(text.as_bytes(), None, "keys.jsonl");
    assert_eq!(imported.format, Some(Format::JsonLines));
    assert_eq!(imported.problems, []);
    let [first, second, third] = imported.observations.as_slice() else { panic!("{imported:?}") };
    assert_eq!((first.domain.as_str(), first.selector.as_str()), ("example.org", "s1"));
    assert_eq!(first.channel, Channel::Dns);
    assert_eq!(first.first_seen, Some(Time(1_551_657_600_000_000)));
    assert_eq!(first.last_seen, Some(Time(1_577_930_645_000_000)));
    assert_eq!(first.witness.as_deref(), Some("the desk"));
    assert_eq!((second.channel, second.first_seen, &second.witness), (Channel::User, None, &None));
    assert_eq!(third.key, ObservedKey::Spki(BASE64_STANDARD.decode(P).unwrap()));
}

#[test]
fn bad_lines_are_named_and_cost_no_good_one() {
    let good = format!(r#"{{"domain":"example.org","selector":"s","record":"{}"}}"#, record());
    let bad = [
        "garbage",
        r#"{"domain":"example.org","selector":"s"}"#,
        r#"{"selector":"s","record":"p="}"#,
        r#"{"domain":"example.org","record":"p="}"#,
        r#"{"domain":"a b","selector":"s","record":"p="}"#,
        r#"{"domain":"example.org","selector":"","record":"p="}"#,
        r#"{"domain":"example.org","selector":"s","record":"p=","channel":"rumour"}"#,
        r#"{"domain":"example.org","selector":"s","record":"p=","first_seen":"soon"}"#,
        r#"{"domain":"example.org","selector":"s","record":"p=","first_seen":"2020-01-02","last_seen":"2020-01-01"}"#,
        r#"{"domain":"example.org","selector":"s","record":5}"#,
        r#"{"domain":"example.org","selector":"s","spki":"***"}"#,
        r#"{"domain":"example.org","selector":"s","spki":"AAAA","record":"p="}"#,
        r#"["domain"]"#,
        r#"{"domain":"example.org","selector":"s","record":"p="#,
    ];
    let text: String = bad.iter().map(|bad| format!("{bad}\n{good}\n")).collect();
    let imported = import(text.as_bytes(), None, "");
    assert_eq!(imported.format, Some(Format::JsonLines));
    assert_eq!(imported.observations.len(), bad.len());
    assert_eq!(lines(&imported), (0..bad.len()).map(|at| 2 * at + 1).collect::<Vec<_>>());
}

#[test]
fn a_record_without_a_usable_key_is_kept_and_named() {
    let text = r#"{"domain":"example.org","selector":"s","record":"v=DKIM1; p=AAAA"}
{"domain":"example.org","selector":"s","record":"v=DKIM1; p="}"#;
    let imported = import(text.as_bytes(), None, "");
    assert_eq!(imported.observations.len(), 2);
    assert_eq!(lines(&imported), [1]);
    assert!(imported.problems[0].1.starts_with("kept"), "{:?}", imported.problems);
}

#[test]
fn zone_files() {
    let text = format!(
        r#"$TTL 3600
$ORIGIN example.org.
@       IN SOA ns1 hostmaster ( 1 ; serial
        7200 3600 1209600 3600 )
        IN NS ns1
        IN TXT "v=spf1 -all"
s1._domainkey 300 IN TXT {0} ; the old one
s2._domainkey   TXT ( "v=DKIM1\; k=rsa\; "
                      "p={P}" )
                IN 1h TXT {0}
s3._domainkey.example.net. IN TXT {0}
s4._domainkey IN CNAME key.provider.example.
s5._domainkey IN TXT v=DKIM1\;\ k=rsa\;\ p={P}
$ORIGIN sub.example.org.
s6._domainkey TXT {0}
key.provider.example. IN TXT {0}
"#,
        strings()
    );
    let imported = import(text.as_bytes(), None, "db.example.org");
    clean(
        &imported,
        Format::Zone,
        &[
            ("example.org", "s1"),
            ("example.org", "s2"),
            ("example.org", "s2"),
            ("example.net", "s3"),
            ("example.org", "s5"),
            ("sub.example.org", "s6"),
            ("example.org", "s4"),
        ],
    );
    let by_alias = imported.observations.last().unwrap();
    assert_eq!(by_alias.note.as_deref(), Some("by CNAME from key.provider.example"));
}

#[test]
fn zone_files_without_an_origin_take_the_name_of_the_file() {
    let text = format!("s._domainkey IN TXT {0}\nt._domainkey.example.net IN TXT {0}\n", strings());
    for name in ["zones/example.org.zone", "db.example.org", "example.org/keys.txt"] {
        let imported = import(text.as_bytes(), None, name);
        clean(&imported, Format::Zone, &[("example.org", "s"), ("example.net", "t")]);
    }
    let nameless = import(text.as_bytes(), None, "zone");
    assert_eq!(pairs(&nameless), [("example.net", "t")]);
    assert_eq!(lines(&nameless), [1]);
}

#[test]
fn broken_zones_lose_only_what_is_broken() {
    let text = format!(
        "$ORIGIN example.org.\n\
         a._domainkey TXT ( \"v=DKIM1; p=\n\
         b._domainkey TXT {0}\n\
         c._domainkey TXT \"v=DKIM1\n\
         d._domainkey TXT {0}\n\
         $INCLUDE other.zone\n\
         e._domainkey TXT ( {0}\n",
        strings()
    );
    let imported = import(text.as_bytes(), Some(Format::Zone), "");
    assert_eq!(pairs(&imported), [("example.org", "b"), ("example.org", "d"), ("example.org", "e")]);
    for line in [2, 4, 6, 7] {
        assert!(lines(&imported).contains(&line), "{line}: {:?}", imported.problems);
    }
}

#[test]
fn an_open_parenthesis_does_not_swallow_a_large_file() {
    let text = "x TXT (\n".repeat(200_000);
    let imported = import(text.as_bytes(), Some(Format::Zone), "");
    assert_eq!(imported.observations, []);
    assert!(!imported.problems.is_empty());
}

#[test]
fn many_names_for_one_long_text_do_not_multiply_it() {
    let text = "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" ".repeat(8000);
    let aliases: String =
        (0..2000).map(|n| format!("a{n}._domainkey.v.example. CNAME k._domainkey.t.example.\n")).collect();
    let file = format!("$ORIGIN example.\nk._domainkey.t.example. TXT {text}\n{aliases}");
    let imported = import(file.as_bytes(), Some(Format::Zone), "");
    let octets = |seen: &KeyObservation| match &seen.key {
        ObservedKey::Record(text) => text.len(),
        ObservedKey::Spki(spki) => spki.len(),
    };
    let all: usize = imported.observations.iter().map(octets).sum();
    assert!(all <= 65 << 20 && imported.observations.len() < 200, "{all}");
    assert!(imported.problems.iter().any(|(_, problem)| problem.contains("64 MiB")));
    // As many names for an ordinary key are a provider's zone.
    let file = format!("$ORIGIN example.\nk._domainkey.t.example. TXT {}\n{aliases}", strings());
    assert_eq!(import(file.as_bytes(), Some(Format::Zone), "").observations.len(), 2001);
}

#[test]
fn opendkim_files() {
    let text = format!(
        "mail._domainkey\tIN\tTXT\t( \"v=DKIM1; h=sha256; k=rsa; \"\n\t  \"p={}\"\n\t  \"{}\" )  ; ----- DKIM key mail for example.org\n",
        &P[..100],
        &P[100..]
    );
    let imported = import(text.as_bytes(), None, "mail.txt");
    assert_eq!((imported.format, imported.problems), (Some(Format::Opendkim), vec![]));
    let [observation] = imported.observations.as_slice() else { panic!() };
    assert_eq!((observation.domain.as_str(), observation.selector.as_str()), ("example.org", "mail"));
    assert_eq!(observation.key, ObservedKey::Record(format!("v=DKIM1; h=sha256; k=rsa; p={P}")));

    let bare = text.split(" ; ").next().unwrap();
    let imported = import(bare.as_bytes(), None, "/etc/opendkim/keys/example.net/mail.txt");
    assert_eq!(imported.observations[0].domain, "example.net");
    let nowhere = import(bare.as_bytes(), None, "mail.txt");
    assert_eq!((nowhere.observations.len(), lines(&nowhere)), (0, vec![1]));
}

#[test]
fn output_of_dig() {
    let text = format!(
        r#"
; <<>> DiG 9.18.1 <<>> TXT s1._domainkey.example.org
;; global options: +cmd
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 4711
;; flags: qr rd ra ad; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 1

;; QUESTION SECTION:
;s1._domainkey.example.org.	IN	TXT

;; ANSWER SECTION:
s1._domainkey.example.org. 300	IN	CNAME	s1.d.u1.provider.example.
s1.d.u1.provider.example. 300	IN	TXT	{0}

;; Query time: 12 msec
;; SERVER: 192.0.2.53#53(192.0.2.53)
;; WHEN: Tue Mar 03 10:20:30 UTC 2020
;; MSG SIZE  rcvd: 500

; <<>> DiG 9.18.1 <<>> TXT s2._domainkey.example.org
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 4712
;; ANSWER SECTION:
s2._domainkey.example.org. 300	IN	TXT	{0}
;; WHEN: Tue Mar 03 10:20:31 CET 2020
"#,
        strings()
    );
    let imported = import(text.as_bytes(), None, "");
    clean(&imported, Format::Dig, &[("example.org", "s2"), ("example.org", "s1")]);
    let [second, first] = imported.observations.as_slice() else { panic!() };
    assert_eq!(first.first_seen, parse_time("2020-03-03T10:20:30Z"));
    assert_eq!(first.last_seen, first.first_seen);
    let note = first.note.as_deref().unwrap();
    assert!(note.contains("provider.example") && note.contains("192.0.2.53"), "{note}");
    // Letters of a zone do not tell its offset, and the first answer's server is not the second's.
    assert_eq!((second.first_seen, &second.note), (None, &None));
    assert!(imported.observations.iter().all(|observation| observation.channel == Channel::User));
}

#[test]
fn output_of_host_and_nslookup() {
    let text = format!(
        "s1._domainkey.example.org is an alias for k.provider.example.\n\
         k.provider.example descriptive text {0}\n\
         s2._domainkey.example.org descriptive text {0}\n\
         Host s3._domainkey.example.org not found: 3(NXDOMAIN)\n",
        strings().replace(';', "\\;")
    );
    clean(&import(text.as_bytes(), None, ""), Format::Host, &[("example.org", "s2"), ("example.org", "s1")]);
    let text = format!(
        "Server:\t\t192.0.2.53\nAddress:\t192.0.2.53#53\n\nNon-authoritative answer:\n\
         s1._domainkey.example.org\ttext = {0}\n\
         s2._domainkey.example.org\ttext =\n\n\
         s3._domainkey.example.org\ttext =\n\t\"v=DKIM1; k=rsa; \"\n\t\"p={P}\"\n",
        strings()
    );
    let imported = import(text.as_bytes(), None, "");
    assert_eq!(imported.format, Some(Format::Host));
    assert_eq!(pairs(&imported), [("example.org", "s1"), ("example.org", "s3")]);
}

#[test]
fn json_of_an_archive() {
    let object = |selector: &str, more: &str| {
        format!(
            r#"{{"domain":"example.org","selector":"{selector}","firstSeenAt":"2023-01-02T03:04:05.678Z","lastSeenAt":"2024-01-02T03:04:05.678Z","value":"{}"{more}}}"#,
            record()
        )
    };
    let text = format!(
        "[\n{},\n{},\n{},\n{},\n{},\n{},\n{{\"domain\":\"example.org\"}},\n{{}},\n{}\n]",
        object("a", ""),
        object("b", r#","source":"DNS lookup""#),
        object("c", r#","provenance":{"by":"gcd of two signatures"}"#),
        object("d", r#","channel":"archive","witness":"a university""#),
        object("e", r#","source":"api""#),
        object("f", r#","source":"sent in by a user, DNS had nothing""#),
        object("g", r#","source":"dns","witness":"a university""#),
    );
    let imported = import(text.as_bytes(), None, "key.json");
    assert_eq!(imported.format, Some(Format::Archive));
    assert_eq!(lines(&imported), [8, 9]);
    let channels: Vec<_> = imported.observations.iter().map(|observation| observation.channel).collect();
    let unstated = Channel::ArchiveUnstated;
    assert_eq!(
        channels,
        [
            unstated,
            Channel::Archive,
            Channel::Recovered,
            Channel::Archive,
            unstated,
            unstated,
            Channel::Archive
        ]
    );
    // That DNS was asked does not say by whom: nobody is named, and `--witness` can name somebody.
    let witnesses: Vec<_> = imported.observations.iter().map(|seen| seen.witness.as_deref()).collect();
    assert_eq!((witnesses[1], witnesses[6]), (None, Some("a university")));
    assert_eq!(imported.observations[0].first_seen, parse_time("2023-01-02T03:04:05.678Z"));
    assert_eq!(imported.observations[3].witness.as_deref(), Some("a university"));

    let nested = format!(
        r#"{{"count":1,"records":[{{"id":7,"domainSelectorPair":{{"domain":"example.org","selector":"x"}},"value":"{}"}}]}}"#,
        record()
    );
    clean(&import(nested.as_bytes(), None, ""), Format::Archive, &[("example.org", "x")]);

    let cut = format!("[{},\n{}", object("a", ""), &object("b", "")[..60]);
    let imported = import(cut.as_bytes(), None, "");
    assert_eq!(pairs(&imported), [("example.org", "a")]);
    assert_eq!(imported.problems.len(), 1);
}

#[test]
fn deep_and_wide_json_is_bounded() {
    for text in
        ["[".repeat(1 << 20), "{\"a\":".repeat(1 << 18), "[{}".repeat(1000), "{\"domain\":".repeat(60)]
    {
        let imported = import(text.as_bytes(), Some(Format::Archive), "");
        assert_eq!(imported.observations, []);
        assert!(!imported.problems.is_empty());
    }
    let imported = import("x\n".repeat(100_000).as_bytes(), Some(Format::JsonLines), "");
    assert_eq!(imported.problems.len(), 1001);
    assert_eq!(imported.problems[1000], (1001, "99000 more problems are not listed".to_owned()));
}

#[test]
fn tables() {
    let comma = format!("domain,selector,record,first_seen\nexample.org,s1,\"{}\",2020-01-01\n", record());
    let semicolon = format!("Name;Value\ns1._domainkey.example.org;\"{}\"\n\n", record());
    let tab = format!("Selector\tDomain\tTXT record\ns1\texample.org\t{}\n", record());
    let windows: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(comma.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for table in [comma.into_bytes(), semicolon.into_bytes(), tab.into_bytes(), windows] {
        clean(&import(&table, None, "keys.csv"), Format::Csv, &[("example.org", "s1")]);
    }
    let text = format!(
        "d,s,v\n\"a\nb\",s,\"{0}\"\nexample.org,\"s\"\"1\",\"{0}\"\nexample.org,s1,\"{0}\"\n",
        record()
    );
    let imported = import_csv(text.as_bytes(), &Mapping::parse("domain=D, selector=s, record=v").unwrap());
    assert_eq!((pairs(&imported), lines(&imported)), (vec![("example.org", "s1")], vec![2, 4]));

    let headless = format!("1,example.org,x,s1,{}\n", record());
    let imported = import_csv(headless.as_bytes(), &Mapping::parse("domain=2,selector=4,record=5").unwrap());
    assert_eq!(pairs(&imported), [("example.org", "s1")]);

    assert!(Mapping::parse("colour=1").is_err() && Mapping::parse("domain").is_err());
    let lacking = import(b"domain,colour\nexample.org,red\n", Some(Format::Csv), "");
    assert_eq!(lines(&lacking), [1]);
}

#[test]
fn a_folder_of_records_by_name() {
    let (plain, quoted, pem) =
        (record(), strings(), format!("-----BEGIN PUBLIC KEY-----\n{P}\n-----END PUBLIC KEY-----\n"));
    let files = [
        ("s1._domainkey.example.org.txt", plain.as_str()),
        ("keys/Example.net/s2", quoted.as_str()),
        ("example.com/_domainkey/s3.txt", plain.as_str()),
        ("s4._domainkey.example.org", pem.as_str()),
        ("notes.txt", "remember the milk"),
        ("empty._domainkey.example.org.txt", ""),
    ];
    let imported = import_folder(files.map(|(name, text)| (name, text.as_bytes())));
    let pairs: Vec<_> =
        imported.observations.iter().map(|found| (found.domain.as_str(), found.selector.as_str())).collect();
    assert_eq!(
        pairs,
        [("example.org", "s1"), ("example.net", "s2"), ("example.com", "s3"), ("example.org", "s4")]
    );
    assert_eq!(imported.problems.len(), 1);
    assert!(imported.problems[0].1.starts_with("notes.txt: "), "{:?}", imported.problems);
    let book = crate::keys::observations::KeyBook::new(imported.observations, vec![]);
    for (domain, selector) in book.pairs() {
        assert_eq!(book.keys(domain, selector).len(), 1, "{domain} {selector}");
    }
}

#[test]
fn times() {
    let cases = [
        ("2020-01-02T03:04:05Z", Some(1_577_934_245_000_000)),
        ("2020-01-02 03:04:05.25+01:00", Some(1_577_930_645_250_000)),
        ("2020-01-02 03:04:05+00", Some(1_577_934_245_000_000)),
        ("2020-01-02 03:04:05 UTC", Some(1_577_934_245_000_000)),
        ("2020-01-02T03:04:05", Some(1_577_934_245_000_000)),
        (" 2020-01-02 ", Some(1_577_923_200_000_000)),
        ("2020-13-02", None),
        ("02.01.2020", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_time(text), expected.map(Time), "{text}");
    }
}

#[test]
fn too_large_a_file_is_refused_with_its_size() {
    let imported = import(&vec![b' '; MAX_FILE + 1], None, "");
    assert_eq!((imported.observations.len(), imported.problems.len()), (0, 1));
    assert!(imported.problems[0].1.contains("67108865"));
    assert_eq!(import(b" \n", None, "").problems, []);
}

#[test]
fn names_of_formats_come_back() {
    for format in Format::ALL {
        assert_eq!(Format::parse(format.as_str()), Some(format));
    }
}

fn observations() -> impl Strategy<Value = Vec<KeyObservation>> {
    let time = || proptest::option::of(-62_000_000_000_000_000i64..250_000_000_000_000_000);
    let text = || proptest::option::of("\\PC{0,12}|[\\x00-\\x1f\"\\\\]{1,4}");
    let key = prop_oneof![
        "\\PC{0,30}".prop_map(ObservedKey::Record),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(ObservedKey::Spki),
    ];
    let channel = (0..Channel::ALL.len()).prop_map(|at| Channel::ALL[at]);
    let one = ("[a-z0-9]{1,9}\\.[a-z]{2,5}", "[a-z0-9_]{1,6}", key, channel, time(), time(), text(), text());
    let one = one.prop_map(|(domain, selector, key, channel, a, b, witness, note)| {
        let (first, last) = if a.zip(b).is_some_and(|(a, b)| b < a) { (b, a) } else { (a, b) };
        let (first_seen, last_seen) = (first.map(Time), last.map(Time));
        KeyObservation { domain, selector, key, channel, first_seen, last_seen, witness, note }
    });
    proptest::collection::vec(one, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_comes_back(mut observations in observations()) {
        let text = export(&observations);
        let imported = import(text.as_bytes(), Some(Format::JsonLines), "");
        observations.sort();
        observations.dedup();
        prop_assert!(imported.problems.iter().all(|(_, problem)| problem.starts_with("kept")));
        prop_assert_eq!(&imported.observations, &observations);
        prop_assert_eq!(export(&imported.observations), text);
    }

    #[test]
    fn no_file_panics(octets in proptest::collection::vec(any::<u8>(), 0..300), text in "[\"\\\\();,:{}\\[\\] \n\tTX=$@._a]{0,200}") {
        for format in Format::ALL.into_iter().map(Some).chain([None]) {
            import(&octets, format, "a/b.txt");
            import(text.as_bytes(), format, &text);
        }
    }
}
