//! Mails and keys made to break a verifier. Each is signed so that a careless one would call it proven;
//! none is, the run ends soon, and what is odd is said.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    check,
    letter::{Letter, Signer, observed},
};
use crate::desk::{Desk, base64, mail};

/// Longer no file may take, on a machine that does other things as well.
const LONGEST: Duration = Duration::from_secs(60);

/// What must be said of one mail.
struct Odd {
    name: &'static str,
    mail: Vec<u8>,
    /// The first signature's result is one of these.
    results: &'static [&'static str],
    /// Each of these is among its notes.
    notes: &'static [&'static str],
    /// The mail's state is one of these.
    states: &'static [&'static str],
}

/// Never proven, whatever else.
const UNPROVEN: &[&str] = &["B", "C", "D", "E"];

fn signer() -> Signer {
    Signer::new("example.org", "ed")
}

fn letter() -> Letter {
    Letter::parse(&mail("Point budget", "Le montant convenu est de 4800 euros."))
}

/// The mail with this field on top, below a trace field as most are.
fn with(field: &str) -> Vec<u8> {
    let mut letter = letter();
    letter.insert(0, field);
    letter.insert(0, "Received: from mx.example.org by mx.example.net; Mon, 1 May 2017 10:00:02 +0200");
    letter.bytes()
}

/// A field that is signed with the tags as they are written here; `BH` is the body's hash.
fn signed(tags: &str) -> String {
    let usual = signer().sign(&letter());
    let bh = usual.split("bh=").nth(1).unwrap().split(';').next().unwrap();
    signer().finish(&letter(), format!("DKIM-Signature: {}; b=", tags.replace("BH", bh)))
}

/// The honest field, its signature replaced.
fn with_b(b: &str) -> Vec<u8> {
    let field = signer().sign(&letter());
    with(&format!("{}b={b}", field.rsplit_once("b=").unwrap().0))
}

/// Checks the mails one by one, each with these keys.
#[track_caller]
fn judge(odd: Vec<Odd>, keys: &str) {
    let desk = Desk::new();
    desk.write("keys.jsonl", keys);
    let mut wrong = Vec::new();
    for odd in odd {
        let file = format!("{}.eml", odd.name);
        desk.write(&file, &odd.mail);
        let started = Instant::now();
        let value = check(&desk, &[file], &["--keys", "keys.jsonl"]).remove(0);
        let took = started.elapsed();
        let first = &value["signatures"][0];
        let notes: Vec<&str> =
            first["notes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let fits = odd.results.contains(&first["result"].as_str().unwrap_or("none"))
            && odd.notes.iter().all(|note| notes.contains(note))
            && odd.states.contains(&value["state"].as_str().unwrap_or("none"))
            && took < LONGEST;
        if !fits {
            let state = (&value["state"], &value["state_reason"]);
            let result = (&first["result"], &first["repair"]);
            wrong.push(format!("{}: {result:?} {notes:?}, state {state:?}, {took:?}", odd.name));
        }
    }
    assert!(wrong.is_empty(), "other answers than expected:\n{}", wrong.join("\n"));
}

#[test]
fn the_honest_mail_beside_them_is_proven() {
    let honest = Odd {
        name: "honest",
        mail: with(&signer().sign(&letter())),
        results: &["verified"],
        notes: &[],
        states: &["A"],
    };
    let tags = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; h=from:to:subject:date:content-type; bh=BH";
    let by_hand = Odd {
        name: "by-hand",
        mail: with(&signed(tags)),
        results: &["verified"],
        notes: &[],
        states: &["A"],
    };
    judge(vec![honest, by_hand], &signer().line());
}

#[test]
fn tags_that_are_malformed_or_doubled() {
    const REST: &str = "h=from:to:subject:date:content-type; bh=BH";
    let table: &[(&'static str, String, &'static [&'static str])] = &[
        ("d-doubled", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=autre.example; d=example.org; s=ed; {REST}"), &["malformed", "verified", "no-key"]),
        ("d-doubled-other-way", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; d=autre.example; s=ed; {REST}"), &["malformed", "verified", "no-key"]),
        ("h-doubled", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; h=from; {REST}"), &["malformed", "verified", "key-does-not-fit", "does-not-verify"]),
        ("h-doubled-other-way", "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; h=from:to:subject:date:content-type; h=from; bh=BH".to_owned(), &["malformed", "verified", "key-does-not-fit", "does-not-verify"]),
        ("l-doubled", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; l=0; l=39; {REST}"), &["malformed", "verified", "key-does-not-fit", "does-not-verify"]),
        ("bh-doubled", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; {REST}"), &["malformed", "verified", "key-does-not-fit", "does-not-verify"]),
        ("a-doubled", format!("v=1; a=rsa-sha256; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; {REST}"), &["malformed", "verified", "key-does-not-fit"]),
        ("no-d", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; s=ed; {REST}"), &["malformed"]),
        ("no-s", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; {REST}"), &["malformed"]),
        ("no-h", "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; bh=BH".to_owned(), &["malformed"]),
        ("h-empty", "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; h=; bh=BH".to_owned(), &["malformed", "verified"]),
        ("from-not-signed", "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; h=to:subject:date:content-type; bh=BH".to_owned(), &["verified"]),
        ("unknown-a", format!("v=1; a=md5-rot13; c=relaxed/relaxed; d=example.org; s=ed; {REST}"), &["unsupported", "malformed"]),
        ("unknown-c", format!("v=1; a=ed25519-sha256; c=rot13/relaxed; d=example.org; s=ed; {REST}"), &["unsupported", "malformed"]),
        ("l-not-a-number", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; l=all; {REST}"), &["malformed"]),
        ("l-negative", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; l=-1; {REST}"), &["malformed"]),
        ("l-beyond-the-body", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; l=4000; {REST}"), // The whole body has the hash: said as repaired.
            &["malformed", "verified", "does-not-verify", "key-does-not-fit"]),
        ("l-beyond-every-body", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; l=99999999999999999999999999; {REST}"), &["malformed"]),
        ("d-is-an-address", format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=alix@example.org; s=ed; {REST}"), &["malformed", "no-key"]),
    ];
    let mut odd: Vec<Odd> = table
        .iter()
        .map(|(name, tags, results)| Odd {
            name,
            mail: with(&signed(tags)),
            results,
            notes: &[],
            states: UNPROVEN,
        })
        .collect();
    for (name, field, results) in [
        ("nothing", "DKIM-Signature:".to_owned(), &["malformed"][..]),
        ("only-semicolons", format!("DKIM-Signature: {}", ";".repeat(100_000)), &["malformed"]),
        ("no-equals", "DKIM-Signature: v1 a d s".to_owned(), &["malformed"]),
        ("ten-thousand-tags", format!("DKIM-Signature: {}", "x=y; ".repeat(10_000)), &["malformed"]),
        (
            "binary",
            "DKIM-Signature: v=1; a=\u{0}\u{1b}[31m; d=\u{202e}; s=\u{7f}; h=\u{9b}; bh=\u{fffd}; b=\u{0}"
                .to_owned(),
            &["malformed", "unsupported", "no-key"],
        ),
    ] {
        odd.push(Odd { name, mail: with(&field), results, notes: &[], states: UNPROVEN });
    }
    judge(odd, &signer().line());
}

#[test]
fn signatures_and_lists_without_measure() {
    let names = |n: usize| ["from"; 1].repeat(n).join(":");
    let many_names = signed(&format!(
        "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; h={}; bh=BH",
        names(10_000)
    ));
    let b = base64(&[7; 64]).trim_end().to_owned();
    let honest = signer().sign(&letter());
    let good = honest.rsplit_once("b=").unwrap().1.to_owned();
    let mut ten_thousand = letter();
    let other = honest.replace("s=ed;", "s=other;");
    for _ in 0..9_999 {
        ten_thousand.insert(0, &other);
    }
    let odd = vec![
        Odd {
            name: "b-of-1-mb",
            mail: with_b(&"A".repeat(1 << 20)),
            results: &["malformed"],
            notes: &[],
            states: UNPROVEN,
        },
        Odd { name: "b-empty", mail: with_b(""), results: &["malformed"], notes: &[], states: UNPROVEN },
        Odd {
            name: "b-short",
            mail: with_b("AA=="),
            results: &["key-does-not-fit", "does-not-verify", "malformed"],
            notes: &[],
            states: UNPROVEN,
        },
        Odd {
            name: "b-other",
            mail: with_b(&b),
            results: &["key-does-not-fit", "does-not-verify"],
            notes: &[],
            states: UNPROVEN,
        },
        Odd {
            name: "b-with-junk-before",
            mail: with_b(&format!("!!!!{b}")),
            results: &["malformed", "key-does-not-fit", "does-not-verify"],
            notes: &[],
            states: UNPROVEN,
        },
        Odd {
            name: "b-that-is-no-base64",
            mail: with_b("*?*?*?*?"),
            results: &["malformed"],
            notes: &[],
            states: UNPROVEN,
        },
        Odd {
            name: "b-and-rubbish",
            mail: with_b(&format!("{good}{good}")),
            results: &["malformed", "key-does-not-fit", "does-not-verify"],
            notes: &[],
            states: UNPROVEN,
        },
        Odd {
            name: "from-ten-thousand-times",
            mail: with(&many_names),
            results: &["malformed"],
            notes: &[],
            states: UNPROVEN,
        },
        Odd {
            name: "ten-thousand-signatures",
            mail: ten_thousand.bytes(),
            results: &["unsupported"],
            notes: &["not-judged"],
            states: UNPROVEN,
        },
    ];
    judge(odd, &signer().line());
}

#[test]
fn many_signatures_under_a_key_cost_little_and_hide_no_good_one() {
    let desk = Desk::new();
    desk.write("keys.jsonl", signer().line());
    let good = signer().sign(&letter());
    let bad = format!("{}b={}", good.rsplit_once("b=").unwrap().0, base64(&[7; 64]).replace('\n', ""));
    let with = |above: usize, below: usize| {
        let mut letter = letter();
        (0..below).for_each(|_| letter.insert(0, &bad));
        letter.insert(0, &good);
        (0..above).for_each(|_| letter.insert(0, &bad));
        letter.bytes()
    };
    desk.write("below.eml", with(60, 0));
    desk.write("above.eml", with(0, 2_000));
    desk.write("lost.eml", with(2_000, 0));
    let files = ["below.eml", "above.eml", "lost.eml"].map(str::to_owned);
    let started = Instant::now();
    let judged = check(&desk, &files, &["--keys", "keys.jsonl"]);
    assert!(started.elapsed() < LONGEST, "{:?}", started.elapsed());
    let verified = |value: &Value| -> Vec<u64> {
        let all = value["signatures"].as_array().unwrap().iter();
        all.filter(|verdict| verdict["result"] == "verified")
            .map(|v| v["ordinal"].as_u64().unwrap())
            .collect()
    };
    assert_eq!((verified(&judged[0]), &judged[0]["state"]), (vec![60], &"A".into()));
    assert_eq!(verified(&judged[1]), [0]);
    // Behind so many others one is not looked at, and that is said.
    assert_eq!(verified(&judged[2]), [0; 0]);
    let notes = |value: &Value| {
        value["signatures"]
            .as_array()
            .unwrap()
            .iter()
            .any(|v| v["notes"].as_array().unwrap().contains(&"not-judged".into()))
    };
    assert!(notes(&judged[1]) && notes(&judged[2]));
}

#[test]
fn dates_at_the_ends_of_time() {
    let date = "Mon, 1 May 2017 10:00:00 +0200";
    let of =
        |from: &str, to: &str| String::from_utf8(letter().bytes()).unwrap().replace(from, to).into_bytes();
    let desk = Desk::new();
    desk.write("keys.jsonl", signer().line());
    let mut files = Vec::new();
    let mails = [
        "Mon, 1 Jan 0000 00:00:00 +0000",
        "1 Jan 0 00:00 +0000",
        "Fri, 31 Dec 9999 23:59:60 -1200",
        "Fri, 31 Dec 99999 23:59:59 +9999",
        "",
        "now",
    ]
    .map(|other| of(date, other));
    for (n, mail) in mails.iter().enumerate() {
        for (m, tags) in
            ["", "t=0; ", "t=0; x=0; ", "t=253402300800; ", "t=99999999999999999999; ", "t=-1; ", "x=1; "]
                .iter()
                .enumerate()
        {
            let mut letter = Letter::parse(mail);
            let field = signer().sign_with(&letter, tags);
            letter.insert(0, &field);
            let file = format!("{n}-{m}.eml");
            desk.write(&file, letter.bytes());
            files.push(file);
        }
    }
    for value in check(&desk, &files, &["--keys", "keys.jsonl"]) {
        let first = &value["signatures"][0];
        assert!(matches!(first["result"].as_str(), Some("verified" | "malformed")), "{value:#}");
        // A bound is a time that RFC 3339 can write, or none.
        for bound in ["not_before", "not_after"] {
            let time = value["time"][bound].as_str();
            assert!(time.is_none_or(|time| time.len() >= 20 && time.ends_with('Z')), "{value:#}");
        }
    }
}

// ---- keys ----

#[test]
fn keys_that_no_honest_host_has() {
    let made: Vec<Value> = serde_json::from_str(include_str!("odd_keys.json")).unwrap();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let keys: String =
        made.iter().map(|key| observed("example.org", &text(key, "name"), &text(key, "record"))).collect();
    let odd = made.iter().map(|key| {
        // All but the cube are signatures that the arithmetic of their key confirms.
        let (results, states): (&[&str], &[&str]) = match key["name"].as_str().unwrap() {
            "exponent-3" => (&["verified"], &["A"]),
            "cube" => (&["key-does-not-fit"], UNPROVEN),
            "exponent-4096-bits" | "16384-bits" => (&["unsupported"], UNPROVEN),
            // No RSA key at all.
            "exponent-1" | "even-modulus" => (&["no-key"], UNPROVEN),
            other => panic!("{other}"),
        };
        let name = String::leak(text(key, "name"));
        Odd { name, mail: text(key, "mail").into_bytes(), results, notes: &[], states }
    });
    judge(odd.collect(), &keys);
}

#[test]
fn records_that_are_odd() {
    let good = signer().record();
    let point = good.split("p=").nth(1).unwrap().to_owned();
    let long = "n".repeat(100_000);
    let table: Vec<(&'static str, String, &'static [&'static str], &'static [&'static str])> = vec![
        (
            "record-of-100-kb",
            format!("v=DKIM1; k=ed25519; n={long}; p={point}"),
            &["verified", "no-key", "unsupported"],
            &["A", "D"],
        ),
        (
            "key-of-100-kb",
            format!("v=DKIM1; k=ed25519; p={}", "A".repeat(100_000)),
            &["unsupported", "no-key"],
            UNPROVEN,
        ),
        (
            "junk-in-p",
            format!("v=DKIM1; k=ed25519; p=!!{point}"),
            &["unsupported", "no-key", "key-does-not-fit", "verified"],
            &["A", "B", "D"],
        ),
        ("no-p", "v=DKIM1; k=ed25519".to_owned(), &["unsupported", "no-key"], UNPROVEN),
        ("empty-p", "v=DKIM1; k=ed25519; p=".to_owned(), &["revoked-key"], UNPROVEN),
        (
            "p-doubled",
            format!("v=DKIM1; k=ed25519; p={point}; p="),
            &["unsupported", "no-key", "revoked-key", "verified"],
            &["A", "B", "D"],
        ),
        ("other-version", format!("v=DKIM2; k=ed25519; p={point}"), &["unsupported", "no-key"], UNPROVEN),
        (
            "rsa-said-of-it",
            format!("v=DKIM1; k=rsa; p={point}"),
            &["unsupported", "no-key", "key-does-not-fit"],
            UNPROVEN,
        ),
        ("nothing", String::new(), &["unsupported", "no-key", "revoked-key"], UNPROVEN),
        (
            "zero-point",
            format!("v=DKIM1; k=ed25519; p={}", base64(&[0; 32]).trim_end()),
            &["unsupported", "no-key", "key-does-not-fit", "does-not-verify"],
            UNPROVEN,
        ),
    ];
    let mut wrong = Vec::new();
    for (name, record, results, states) in table {
        let desk = Desk::new();
        // A good line beside it, of another name: a file of which nothing can be used is no keys file.
        let other = Signer::new("autre.example", "ed");
        desk.write("keys.jsonl", format!("{}{}", observed("example.org", "ed", &record), other.line()));
        desk.write("a.eml", with(&signer().sign(&letter())));
        let started = Instant::now();
        let value = check(&desk, &["a.eml".to_owned()], &["--keys", "keys.jsonl"]).remove(0);
        let result = value["signatures"][0]["result"].as_str().unwrap();
        let state = value["state"].as_str().unwrap();
        if !results.contains(&result) || !states.contains(&state) || started.elapsed() > LONGEST {
            wrong.push(format!("{name}: {result}, {state}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_signature_that_every_message_has() {
    // A point of small order lets one signature hold for many messages; the empty key does so for all.
    let desk = Desk::new();
    let small: Vec<[u8; 32]> = {
        let mut one = [0; 32];
        one[0] = 1;
        let mut minus = [0xff; 32];
        (minus[0], minus[31]) = (0xec, 0x7f);
        vec![[0; 32], one, minus]
    };
    for (n, point) in small.iter().enumerate() {
        let record = format!("v=DKIM1; k=ed25519; p={}", base64(point).trim_end());
        desk.write(
            "keys.jsonl",
            format!("{}{}", observed("example.org", "ed", &record), Signer::new("a.example", "b").line()),
        );
        for (m, signature) in [[[0; 32], [0; 32]].concat(), [*point, [0; 32]].concat()].iter().enumerate() {
            let file = format!("{n}-{m}.eml");
            desk.write(&file, with_b(base64(signature).replace('\n', "").as_str()));
            let value = check(&desk, &[file], &["--keys", "keys.jsonl"]).remove(0);
            assert_ne!(value["signatures"][0]["result"], "verified", "{value:#}");
            assert_ne!(value["state"], "A");
        }
    }
}

#[test]
fn bad_lines_of_a_keys_file_are_named_and_the_good_ones_used() {
    let desk = Desk::new();
    let good = signer().line();
    let lines = [
        "# remark".to_owned(),
        "{".to_owned(),
        good.trim_end().to_owned(),
        r#"{"domain":"example.org","selector":"x"}"#.to_owned(),
        r#"{"domain":"example.org","selector":"x","record":7}"#.to_owned(),
        String::new(),
        r#"{"domain":"example.org","selector":"x","record":"v=DKIM1; p=","channel":"rumour"}"#.to_owned(),
        r#"{"domain":"exa mple.org","selector":"x","record":"v=DKIM1; p="}"#.to_owned(),
        r#"{"domain":"example.org","selector":"x","spki":"&&&&"}"#.to_owned(),
        r#"{"domain":"example.org","selector":"x","record":"v=DKIM1; p=","first_seen":"in May"}"#.to_owned(),
        "\u{1b}[31mred".to_owned(),
        r#"{"domain":"example.org","selector":"x","event":"lost","at":"2017-05-01","source":"x"}"#.to_owned(),
        "x".repeat(2 << 20),
    ];
    desk.write("keys.jsonl", lines.join("\n"));
    desk.write("a.eml", with(&signer().sign(&letter())));
    let said = desk.ok(&["check", "a.eml", "--keys", "keys.jsonl", "--json", "--quiet"]);
    assert_eq!(said.json()["signatures"][0]["result"], "verified");
    for line in [2, 4, 5, 7, 8, 9, 10, 11, 12, 13] {
        let named = said
            .err
            .lines()
            .any(|text| text.contains("keys.jsonl") && text.contains(&format!("line {line}:")));
        assert!(named, "line {line} is not named:\n{}", said.err);
    }
    for line in [1, 3, 6] {
        assert!(!said.err.contains(&format!("line {line}:")), "line {line} is good:\n{}", said.err);
    }
    // The same file for a case.
    desk.open("a.eml", "case");
    let said = desk.ok(&["keys", "import", "case", "keys.jsonl", "--quiet"]);
    assert!(said.err.contains("line 2:") && said.err.contains("line 13:"), "{said:#?}");
    assert_eq!(desk.finds("case", "state:A"), ["a.eml"]);
    // Where no line is good, the file is said to be of no use.
    desk.write("bad.jsonl", "{\n[]\n");
    let said = desk.tamis(&["check", "a.eml", "--keys", "bad.jsonl"]).exits(2);
    assert!(said.err.contains("error: ") && said.err.contains("hint: "), "{said:#?}");
}

// ---- chains ----

#[test]
fn chains_of_seals_that_are_long_or_have_gaps() {
    let relay = Signer::new("relais.example", "ed");
    let chain = |sets: &[usize], change: &dyn Fn(&mut Letter)| {
        let mut letter = letter();
        for set in sets {
            relay.seal(&mut letter, *set, if *set == 1 { "none" } else { "pass" });
        }
        change(&mut letter);
        letter.bytes()
    };
    let none = |_: &mut Letter| {};
    let sixty: Vec<usize> = (1..=60).collect();
    let table: Vec<(&str, Vec<u8>, &str)> = vec![
        ("three", chain(&[1, 2, 3], &none), "pass"),
        ("sixty", chain(&sixty, &none), "fail"),
        ("gap", chain(&[1, 3], &none), "fail"),
        ("from-two-on", chain(&[2, 3], &none), "fail"),
        ("twice-the-same", chain(&[1, 1], &none), "fail"),
        ("set-0", chain(&[0, 1], &none), "fail"),
        ("set-4-billion", chain(&[1, 4_294_967_297], &none), "fail"),
        (
            "seal-lost",
            chain(&[1, 2], &|letter| drop(letter.fields.remove(letter.all("arc-seal")[1]))),
            "fail",
        ),
        ("text-changed", chain(&[1, 2], &|letter| letter.rest.extend(b"more\r\n")), "fail"),
        (
            "results-changed",
            chain(&[1, 2], &|letter| {
                let at = letter.all("arc-authentication-results")[1];
                letter.replace(at, "ARC-Authentication-Results: i=1; relais.example; dkim=pass");
            }),
            "fail",
        ),
        (
            "cv-lies",
            chain(&[1, 2], &|letter| {
                let at = letter.all("arc-seal")[0];
                let text = String::from_utf8_lossy(&letter.fields[at]).replace("cv=pass", "cv=none");
                letter.fields[at] = text.into_bytes();
            }),
            "fail",
        ),
    ];
    let desk = Desk::new();
    desk.write(
        "keys.jsonl",
        format!("{}{{\"sealer\":\"relais.example\",\"reason\":\"our relay\"}}\n", relay.line()),
    );
    for (name, mail, _) in &table {
        desk.write(format!("{name}.eml"), mail);
    }
    let files: Vec<String> = table.iter().map(|(name, ..)| format!("{name}.eml")).collect();
    let started = Instant::now();
    let judged = check(&desk, &files, &["--keys", "keys.jsonl"]);
    assert!(started.elapsed() < LONGEST);
    let mut wrong = Vec::new();
    for ((name, _, result), value) in table.iter().zip(&judged) {
        let sealed = value["state_reason"] == "sealed";
        if value["arc"]["result"] != *result || sealed != (*result == "pass") || value["state"] == "A" {
            wrong.push(format!(
                "{name}: {}, state {} {}",
                value["arc"], value["state"], value["state_reason"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
